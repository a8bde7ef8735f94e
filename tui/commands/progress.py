"""The lines that tell how a run goes, read from the file like every live screen. On a thread of its own: a terminal that
stands still stops this, never the engine."""

from __future__ import annotations

import json
import queue
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, Self

from engine.errors import StoreError
from engine.model.event import EventKind
from engine.model.replan import ReplanDecision, ReplanMode, Trigger, safe_parse_trigger
from engine.model.states import Reason, Stage, StageStatus, StepStatus
from tui.commands.observing import approval_sentence
from tui.commands.output import ReaderGoneError
from tui.viewmodel.palette import Role
from tui.viewmodel.replanning.replan import decision_mark, trigger_mark
from tui.viewmodel.text import Span, crop, fit, width
from tui.viewmodel.words import Mark, duration, short_id, stage_mark, step_mark

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from engine.model.json import JsonObject
    from store.reader import Reader
    from store.rows import EventRow
    from tui.commands.output import Output

_LOOK_SEC: Final = 0.1
_ANNOUNCE_AFTER_SEC: Final = 1.0
_WIDEST_NAME: Final = 28
_PAGE: Final = 500
FINAL_KINDS: Final = frozenset(
    {EventKind.RUN_SUCCEEDED, EventKind.RUN_FAILED, EventKind.RUN_CANCELED, EventKind.RUN_QUARANTINED}
)


def _waits_for(data: JsonObject) -> str:
    """What a step that has not ended waits for."""
    delay = data.get("delay_ms")
    pause = duration(int(delay) * 1000) if isinstance(delay, int | float) else ""
    match data.get("reason"):
        case "fallback":
            return f"it failed; {data.get('fallback_step')} stands in"
        case "quarantined":
            return "its breaker is open; somebody has to decide"
        case "breaker_open":
            return f"its breaker is open; attempt {data.get('next_attempt')} in {pause}"
        case "repeat":
            return f"not yet; again in {pause}"
        case _:
            return f"attempt {data.get('next_attempt')} in {pause}"


def _waiting(text: str) -> Span:
    pending = decision_mark(ReplanDecision.PENDING)
    return Span(f"{pending.glyph} {text}", pending.role)


class Progress:
    """Writes a line when a step has ended, waits for its next attempt, or runs for longer than a second."""

    def __init__(self, err: Output) -> None:
        self._err = err
        self._done = threading.Event()
        self._notes: queue.SimpleQueue[Span | None] = queue.SimpleQueue()
        self._width = 0
        self._since: dict[str, float] = {}

    @contextmanager
    def following(self, database: Path, run_id: str, *, after_seq: int = 0) -> Iterator[Self]:
        """Watch a run, which need not be there yet, for as long as the block lasts; what is left to tell is told then.

        Leaving the block waits for a terminal that stands still: the engine must have finished by then.
        """
        with self._on_a_thread(threading.Thread(target=self._watch, args=(database, run_id, after_seq), daemon=True)):
            yield self

    @contextmanager
    def telling(self) -> Iterator[Self]:
        """Write what is noted and nothing of the run itself, for as long as the block lasts."""
        with self._on_a_thread(threading.Thread(target=self._tell_what_comes, daemon=True)):
            yield self

    def note(self, text: str) -> None:
        """Have a sentence written as soon as it can be; returns at once."""
        self._notes.put(Span(f"! {text}", Role.WARNING))

    def note_waiting(self, text: str) -> None:
        """The same for what waits for somebody's approval."""
        self._notes.put(_waiting(text))

    @contextmanager
    def _on_a_thread(self, thread: threading.Thread) -> Iterator[None]:
        thread.name = "progress"
        thread.start()
        try:
            yield
        finally:
            self._done.set()
            self._notes.put(None)
            thread.join()

    def _watch(self, database: Path, run_id: str, after_seq: int) -> None:
        try:
            while not self._seen_all(database, run_id, after_seq):
                self._done.wait(_LOOK_SEC)
        except StoreError:
            # The run's own outcome says what is wrong with the file; what is noted is told all the same.
            self._tell_what_comes()
        except ReaderGoneError:
            return  # a terminal that has gone reads nothing more

    def _tell_what_comes(self) -> None:
        with suppress(ReaderGoneError):
            while (note := self._notes.get()) is not None:
                self._tell_note(note)

    def _seen_all(self, database: Path, run_id: str, after_seq: int) -> bool:
        """Follow the run to its end, once there is a file; True when there is nothing more to see."""
        from store.errors import NoDatabaseError
        from store.reader import Reader

        is_last_look = self._done.is_set()
        self._tell_notes()
        try:
            with Reader.open(database) as reader:
                self._follow(reader, run_id, after_seq)
        except NoDatabaseError:
            return is_last_look
        return True

    def _follow(self, reader: Reader, run_id: str, seen: int) -> None:
        from store.queries import events_page

        version = -1
        while True:
            is_last_look = self._done.is_set()
            now = reader.data_version()
            if now != version or is_last_look:
                version = now
                while page := reader.run(events_page(run_id, after_seq=seen, limit=_PAGE)):
                    for event in page:
                        self.tell(event)
                    seen = page[-1].seq
            self._tell_notes()
            self._announce_long_ones()
            self._err.flush()
            if is_last_look:
                return
            self._done.wait(_LOOK_SEC)

    def _tell_notes(self) -> None:
        while not self._notes.empty():
            note = self._notes.get()
            if note is None:
                self._notes.put(None)  # for whoever waits for the end of them
                return
            self._tell_note(note)

    def _tell_note(self, note: Span) -> None:
        self._err.line(note)
        self._err.flush()

    def tell(self, event: EventRow) -> None:
        """Write the line of one event, if it has one."""
        data: JsonObject = json.loads(event.data)
        step_id = event.step_id or ""
        if event.item_index is not None and event.item_index >= 0:
            step_id = f"{step_id}[{event.item_index}]"
        match event.kind:
            case EventKind.RUN_CREATED:
                named = f"{data.get('plan_id')} {data.get('plan_version') or ''}".rstrip()
                self._err.line(Span(f"run {short_id(event.run_id)}  {named}", Role.DIM))
            case EventKind.ORCHESTRATION_TOOL_CHAIN_BUILT:
                order = data.get("order")
                names = [len(str(name)) for name in order] if isinstance(order, list) else []
                self._width = min(max(names, default=0), _WIDEST_NAME)
            case EventKind.ATTEMPT_STARTING:
                self._since[step_id] = time.monotonic()
            case EventKind.STEP_WAITING:
                self._since.pop(step_id, None)
                self._line(step_id, StepStatus.WAITING, "", _waits_for(data))
            case EventKind.STEP_FINISHED:
                self._since.pop(step_id, None)
                took = data.get("duration_us")
                shown = duration(took) if isinstance(took, int) and data.get("started_at_us") is not None else ""
                said = str(data.get("message") or "")
                if data.get("reason") == Reason.REUSED.value:
                    shown, said = "", ": ".join(filter(None, ["reused", said]))
                self._line(step_id, StepStatus(str(data.get("status"))), shown, said)
            case EventKind.CONTROL_RECEIVED:
                how = " by force" if data.get("force") else ""
                again = "; ask again to force it" if data.get("verb") == "cancel" and not data.get("force") else ""
                self._err.line(Span(f"! {data.get('verb')}{how} asked by {event.actor}{again}", Role.WARNING))
            case EventKind.REPLAN_REQUESTED | EventKind.REPLAN_DECIDED:
                self._replan(event, data)
            case EventKind.RUN_PAUSED if said := approval_sentence(event.run_id, data):
                self._err.line(_waiting(said))
            case EventKind.STAGE_FINISHED:
                self._stage(event.stage, data)
            case _:
                pass

    def _replan(self, event: EventRow, data: JsonObject) -> None:
        """Why another plan is wanted, and what was said to it."""
        name = str(data.get("event_id"))
        if event.kind is EventKind.REPLAN_REQUESTED:
            trigger = trigger_mark(safe_parse_trigger(data.get("trigger")))
            pending = decision_mark(ReplanDecision.PENDING)
            asks = data.get("mode") == ReplanMode.APPROVAL.value and data.get("trigger") != Trigger.OPERATOR.value
            mark = Mark(pending.glyph, trigger.word, pending.role) if asks else trigger
            place = event.step_id or (event.stage.value if event.stage is not None else "the plan")
            head, said = f"replan {name} asked for", f"  {place}: {data.get('reason') or ''}"
        else:
            decision = ReplanDecision(str(data.get("decision")))
            mark, head = decision_mark(decision), f"replan {name}"
            by, why = data.get("decided_by"), data.get("decision_reason")
            if decision is ReplanDecision.AUTO_APPROVED:
                why = None  # the rule's reason stands in the line before
            said = "".join([f" by {by}" if by else "", f": {why}" if why else ""])
            if decision is not ReplanDecision.DENIED:
                said += f"; pass {event.pass_index + 1} follows"
        self._err.line(Span(f"{mark.glyph} ", mark.role), f"{head} ", Span(mark.word, mark.role), said)

    def _stage(self, stage: Stage | None, data: JsonObject) -> None:
        """Stages go by unmentioned unless they end badly for a reason that no step has told."""
        if stage is None or stage is Stage.EXECUTE or data.get("status") != StageStatus.FAILED:
            return
        mark = stage_mark(StageStatus.FAILED)
        output = data.get("output")
        diagnostics = output.get("diagnostics") if isinstance(output, dict) else None
        errors = diagnostics.get("errors") if isinstance(diagnostics, dict) else None
        for message in errors if isinstance(errors, list) else ["failed"]:
            self._err.line(Span(f"{mark.glyph} {stage.value}", mark.role), f"  {message}")

    def _announce_long_ones(self) -> None:
        for step_id, since in list(self._since.items()):
            if time.monotonic() - since >= _ANNOUNCE_AFTER_SEC:
                del self._since[step_id]
                self._line(step_id, StepStatus.RUNNING, "", "")

    def _line(self, step_id: str, status: StepStatus, took: str, message: str) -> None:
        mark = step_mark(status)
        name = fit(self._err.clean(step_id), self._width) if self._width else step_id
        head = [
            Span(f"{mark.glyph} ", mark.role),
            Span(f"{name}  "),
            Span(f"{mark.word:<9}", mark.role),
            Span(f" {took:>7}  "),
        ]
        said: tuple[Span, ...] = (Span(self._err.clean(message)),)
        room = None if self._err.width is None else self._err.width - width(tuple(head))
        if room is None or width(said) <= room:
            self._err.line(*head, *said)
        elif status is StepStatus.FAILED:
            self._err.line(*head)
            self._err.paragraph(message, indent="    ")
        else:
            # One line a step, unless it says what went wrong.
            self._err.line(*head, *crop(said, max(1, room)))

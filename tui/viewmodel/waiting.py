"""Which runs wait for a person: why, since when, and what to type. Pure; what is known of them is gathered elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.model.states import PauseReason, RunStatus
from store.moments import rfc3339
from tui.viewmodel.answers import answer_of
from tui.viewmodel.answers_live import changes_of
from tui.viewmodel.explanation import Next
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span, span
from tui.viewmodel.why_lines import folded, next_lines
from tui.viewmodel.words import duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model.json import JsonObject
    from store.rows import RunRow
    from tui.viewmodel.explanation import Answer, Evidence, Remark
    from tui.viewmodel.runs import Moment


@dataclass(frozen=True, slots=True)
class Waiting:
    """A run that waits. `since_us` is when it was paused or quarantined, or when its engine was last heard of."""

    run: RunRow
    short: str
    engine_lost: bool
    waits_for: str
    since_us: int
    answer: Answer
    changes: tuple[Remark, ...] = ()
    """What an approval would change in its plan, in short."""

    @property
    def next(self) -> tuple[Next, ...]:
        """What to type, the whole story last."""
        return (*self.answer.next, Next(f"opscope why {self.short}", "the whole story"))

    def to_json(self) -> JsonObject:
        """As `waiting --json` prints it, without the run's head."""
        return {
            "engine_lost": self.engine_lost,
            "waits_for": self.waits_for,
            "since": rfc3339(self.since_us),
            "why": self.answer.sentence,
            "next": [{"command": step.command, "meaning": step.meaning} for step in self.next],
        }


def waiting(evidence: Evidence, moment: Moment) -> Waiting | None:
    """The run as one that waits for a person; None if it does not."""
    waits_for = _waits_for(evidence)
    if waits_for is None:
        return None
    run = evidence.run
    since = evidence.last if evidence.engine_lost else evidence.turned
    return Waiting(
        run=run,
        short=evidence.short,
        engine_lost=evidence.engine_lost,
        waits_for=waits_for,
        since_us=since.at_us if since else run.created_at_us,
        answer=answer_of(evidence, moment),
        changes=tuple(changes_of(evidence)),
    )


def _waits_for(evidence: Evidence) -> str | None:
    """For what: decision, engine, approval, operator, storage."""
    run = evidence.run
    if evidence.engine_lost:
        return "engine"
    if run.imported_at_us is not None:
        return None
    if run.status is RunStatus.QUARANTINED:
        return "decision"
    if run.status is not RunStatus.PAUSED:
        return None
    if run.pause_reason is None:
        return "operator"
    return "engine" if run.pause_reason is PauseReason.ENGINE_LOST else run.pause_reason.value


def waiting_lines(found: Sequence[Waiting], moment: Moment, width: int | None) -> list[Line]:
    """Each run with its reason and what to type, in the order given."""
    lines: list[Line] = []
    for entry in found:
        mark = entry.answer.mark
        if lines:
            lines.append(())
        lines += folded((Span(f"{mark}  ", mark.role, bold=True),), entry.answer.sentence, width, bold=True)
        named = f"{entry.run.plan_id} {entry.run.plan_version}".rstrip()
        lines.append(
            (
                span(
                    f"  {named}, run {entry.short}, waiting for {duration(max(0, moment.now_us - entry.since_us))}",
                    Role.DIM,
                ),
            )
        )
        for change in entry.changes:
            lines += folded((Span("  "),), change.text, width, role=change.role)
        lines += next_lines(entry.next, width)
    return lines

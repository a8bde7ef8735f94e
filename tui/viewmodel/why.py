"""Why a run stands as it does: what is known goes in, the explanation comes out. The wording of each state is in answers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from store.moments import rfc3339
from tui.viewmodel.answers import about, answer_of
from tui.viewmodel.explanation import Excerpt, Explanation, Try
from tui.viewmodel.failures import details_of, known_of
from tui.viewmodel.pasteable import pasteable, why_not_pasteable
from tui.viewmodel.shell_text import Surroundings, object_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model.json import Json, JsonObject
    from store.rows import AttemptRow
    from tui.viewmodel.differences import Recorded
    from tui.viewmodel.explanation import Evidence, StepEvidence
    from tui.viewmodel.runs import Moment

LINES_SHOWN: Final = 10
_KNOWN: Final = ("error", "items", "fallback", "child_runs", "breaker")
_COLOUR: Final = re.compile(r"\x1b\[[0-9;:]*m")


def explain(evidence: Evidence, moment: Moment, *, ascii_only: bool = False) -> Explanation:
    """The explanation of a run. With `ascii_only` the command in it has no other characters."""
    told = evidence.cause or next(iter(evidence.active), None)
    shown = told.told if told else None
    last = shown.attempts[-1] if shown and shown.attempts else None
    around = surroundings(evidence.recorded)
    # A command that is running now is not to be pasted: it would run twice.
    is_at_work = evidence.run.needs_engine and not evidence.engine_lost
    ran = last if last is not None and not is_at_work else None
    return Explanation(
        answer=answer_of(evidence, moment),
        about=about(evidence, moment),
        excerpt=_excerpt(shown),
        tries=tries_of(shown.attempts) if shown else (),
        comparison=evidence.comparison,
        command=pasteable(ran, around, ascii_only=ascii_only) if ran else None,
        step_id=told.step.step_id if told else None,
        details=tuple(details_of(told, around)) if told and evidence.cause else (),
        no_command=why_not_pasteable(object_in(ran.starting.get("definition"))) if ran else "",
        known=known_of(told) if told else {},
    )


def surroundings(recorded: Recorded) -> Surroundings:
    """What the commands of a run depend on."""
    base_env = recorded.created.get("base_env")
    return Surroundings(
        workdir=recorded.run.workdir,
        plan_folder=str(recorded.created.get("plan_folder") or ""),
        base_env={name: str(value) for name, value in base_env.items()} if isinstance(base_env, dict) else {},
        document=recorded.document,
    )


def _excerpt(told: StepEvidence | None) -> Excerpt | None:
    if told is None or told.tail is None:
        return None
    lines = [_as_seen(line) for line in told.tail.text.rstrip().split("\n")]
    kept = lines[-LINES_SHOWN:]
    return Excerpt(told.name, told.tail.stream, tuple(kept), len(lines) - len(kept)) if any(kept) else None


def _as_seen(line: str) -> str:
    """A line as its terminal would have shown it in the end: without colours, and what a progress bar wrote last."""
    return _COLOUR.sub("", line).rstrip().rpartition("\r")[2]


def tries_of(attempts: Sequence[AttemptRow]) -> tuple[Try, ...]:
    """The attempts of a step with the waits between them."""
    tries: list[Try] = []
    ended_at_us: int | None = None
    for attempt in attempts:
        finished = attempt.finished or {}
        took = finished.get("duration_us")
        tries.append(
            Try(
                number=attempt.attempt,
                status=attempt.status,
                ended=str(finished.get("message") or ""),
                duration_us=took if isinstance(took, int) else None,
                started_at_us=attempt.started_at_us,
                waited_us=None if ended_at_us is None else max(0, attempt.started_at_us - ended_at_us),
            )
        )
        ended_at_us = attempt.finished_at_us
    return tuple(tries)


def to_json(explanation: Explanation) -> JsonObject:
    """As `why --json` prints it, without the run's head."""
    answer, excerpt, command = explanation.answer, explanation.excerpt, explanation.command
    remarks: list[Json] = [remark.text for remark in answer.remarks]
    return {
        "answer": answer.sentence,
        "remarks": remarks,
        "step_id": explanation.step_id,
        "output": {"stream": excerpt.stream.value, "lines": list(excerpt.lines)} if excerpt else None,
        "attempts": [_try_json(tried) for tried in explanation.tries],
        "last_good_run": explanation.comparison.to_json() if explanation.comparison else None,
        "command": {"paste": command.text, "notes": list(command.notes)} if command else None,
        "no_command": explanation.no_command or None,
        "details": [{"title": detail.title, "lines": list(detail.lines)} for detail in explanation.details],
        **{name: explanation.known.get(name) for name in _KNOWN},
        "next": [{"command": step.command, "meaning": step.meaning} for step in answer.next],
    }


def _try_json(tried: Try) -> JsonObject:
    return {
        "attempt": tried.number,
        "status": tried.status.value,
        "message": tried.ended,
        "started_at": rfc3339(tried.started_at_us),
        "duration_ms": None if tried.duration_us is None else tried.duration_us / 1000,
        "waited_ms": None if tried.waited_us is None else tried.waited_us / 1000,
    }

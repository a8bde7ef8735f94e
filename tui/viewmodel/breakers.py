"""The breaker that refused a step, in words: since when it is open, what opened it, when it lets a probe through. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from engine.model.breaker import BreakerPhase
from engine.model.states import RunStatus
from tui.viewmodel.explanation import Next, Remark
from tui.viewmodel.palette import Role
from tui.viewmodel.shell_text import object_in
from tui.viewmodel.words import NOTHING, Mark, clock, plural, short_id

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from engine.model.json import JsonObject
    from store.rows import BreakerRow
    from tui.viewmodel.explanation import BreakerEvidence, StepEvidence
    from tui.viewmodel.runs import Moment

COOLDOWN_SEC: Final = 60.0
"""How long a breaker stays open where the plan does not say it."""

_REFUSED: Final = re.compile(r"the breaker of (.+) is open(?: after |, )")


def refused_by(recorded: JsonObject) -> str | None:
    """The tool whose breaker refused a step, from what was recorded of the refusal; older files say it in the message only."""
    if isinstance(tool := recorded.get("tool"), str):
        return tool
    found = _REFUSED.search(str(recorded.get("message") or ""))
    return found[1] if found else None


def cooldown_sec(document: JsonObject) -> float:
    """How long the plan leaves a breaker open, in seconds."""
    given = object_in(object_in(document.get("globals")).get("breaker")).get("cooldown_sec")
    return float(given) if isinstance(given, int | float) else COOLDOWN_SEC


def breaker_remarks(breaker: BreakerEvidence, run_id: str, moment: Moment) -> list[Remark]:
    """Since when it is open and until when, and whether that is over."""
    opened = breaker.opened
    if opened is None:
        return []
    at = clock(opened.opened_at_us, now_us=moment.now_us, zone=moment.zone)
    by = f", the last of step {opened.step_id}" if opened.step_id else ""
    where = "" if opened.run_id == run_id else f" of run {short_id(opened.run_id)}"
    after = f" after {plural(opened.failures, 'failure')} in a row" if opened.failures else ""
    text = f"The breaker of {breaker.tool} opened at {at}{after}{by}{where}."
    return [Remark(text, Role.TEXT), Remark(_since(breaker, moment), Role.TEXT)]


def _since(breaker: BreakerEvidence, moment: Moment) -> str:
    if breaker.now is not None and breaker.now.phase is BreakerPhase.CLOSED:
        closed = clock(breaker.now.at_us, now_us=moment.now_us, zone=moment.zone)
        return f"It has closed since, at {closed}: the tool is used again."
    if breaker.probe_at_us is None:
        return "It is open."
    at = clock(breaker.probe_at_us, now_us=moment.now_us, zone=moment.zone)
    if breaker.now is not None and breaker.now.phase is BreakerPhase.HALF_OPEN:
        return f"It is half open since {at}: its probe decides."
    if breaker.probe_at_us <= moment.now_us:
        return f"It is half open since {at}: the next attempt is its probe, and decides."
    return f"It lets one attempt through as a probe from {at} on, and refuses all before."


def breaker_next(breaker: BreakerEvidence, run_id: str) -> list[Next]:
    """Where to look for what opened it."""
    opened = breaker.opened
    if opened is None:
        return []
    if opened.run_id != run_id:
        return [Next(f"opscope why {short_id(opened.run_id)}", "the run in which the tool failed")]
    if opened.step_id is None:
        return []
    link = f"{short_id(run_id)}/stage/execute?step={opened.step_id}"
    return [Next(f"opscope show '{link}'", "the failures that opened the breaker")]


def from_when(steps: Sequence[StepEvidence], moment: Moment) -> str:
    """`, from 10:42:10 on` where a breaker of these steps is open that long; nothing where it is only a moment."""
    times = [step.breaker.probe_at_us or 0 for step in steps if step.breaker is not None]
    latest = max(times, default=0)
    return f", from {clock(latest, now_us=moment.now_us, zone=moment.zone)} on" if latest > moment.now_us else ""


def breaker_json(breaker: BreakerEvidence) -> JsonObject:
    """For programs; times are microseconds since the epoch."""
    opened, now = breaker.opened, breaker.now
    return {
        "tool": breaker.tool,
        "opened_at_us": opened.opened_at_us if opened else None,
        "opened_by_run": opened.run_id if opened else None,
        "opened_by_step": opened.step_id if opened else None,
        "probe_at_us": breaker.probe_at_us,
        "phase_now": now.phase.value if now else None,
    }


def phase_now(row: BreakerRow, now_us: int) -> BreakerPhase:
    """The phase as the next attempt finds it: an open breaker is half-open when its cooldown is over."""
    at_us = probe_at_us(row)
    return BreakerPhase.HALF_OPEN if at_us is not None and at_us <= now_us else row.phase


def probe_at_us(row: BreakerRow) -> int | None:
    """From when on an open breaker lets a probe through; None for one that is not open. A plan may give another cooldown."""
    if row.phase is not BreakerPhase.OPEN:
        return None
    cooldown = COOLDOWN_SEC if row.cooldown_sec is None else row.cooldown_sec
    return row.opened_at_us + round(cooldown * 1_000_000)


def since_us(row: BreakerRow, now_us: int) -> int:
    """When the phase began in which it is."""
    at_us = probe_at_us(row)
    if at_us is None:
        return row.at_us
    return at_us if at_us <= now_us else row.opened_at_us


def probe_words(row: BreakerRow, now_us: int, zone: tzinfo | None = None) -> str:
    """When the next probe may be."""
    if row.phase is BreakerPhase.HALF_OPEN and row.status is RunStatus.RUNNING:
        return "under way"
    match phase_now(row, now_us):
        case BreakerPhase.OPEN:
            return f"from {clock(probe_at_us(row), now_us=now_us, zone=zone)} on"
        case BreakerPhase.HALF_OPEN:
            return "the next attempt"
        case BreakerPhase.CLOSED:
            return NOTHING


def phase_mark(phase: BreakerPhase) -> Mark:
    """A phase as its mark."""
    match phase:
        case BreakerPhase.OPEN:
            return Mark("✗", "OPEN", Role.FAILED)
        case BreakerPhase.HALF_OPEN:
            return Mark("!", "HALF-OPEN", Role.WARNING)
        case BreakerPhase.CLOSED:
            return Mark("✓", "CLOSED", Role.SUCCEEDED)

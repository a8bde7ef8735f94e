"""What a rerun will do, as lines for a person and as a document for a program. Pure; nothing is decided here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.pipeline.reuse import WhyAgain
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span
from tui.viewmodel.words import duration, plural, short_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model.json import Json, JsonObject
    from engine.pipeline.forking import Fork
    from engine.schedule.forecast import Forecast

_MOST_STEPS: Final = 30
_MOST_NAMED: Final = 8
_INDENT: Final = "  "
_BEGINS: Final = "from "
"""How a change begins that says where the run is to begin."""


def preview_lines(fork: Fork, *, is_short: bool = False) -> list[Line]:
    """What changes, which steps run again and why, which are reused, how long it will take. A short one names fewer steps."""
    source, short = fork.source, short_id(fork.source.run_id)
    lines: list[Line] = [
        (
            Span("rerun of "),
            Span(short, Role.TEXT, bold=True),
            Span(f"  {source.plan.plan.plan_id}"),
            Span("  test run, with an override" if is_test(fork) else "", Role.WARNING),
        )
    ]
    lines += [(Span(f"{_INDENT}{said}"),) for said in fork.changes]
    lines += [(Span(f"{_INDENT}! {said}", Role.WARNING),) for said in fork.notes]
    lines.append((Span(f"{_INDENT}{summary(fork)}", bold=True),))
    if not is_everything(fork):
        lines += step_lines(fork, _MOST_NAMED if is_short else _MOST_STEPS)
    lines.append((Span(f"{_INDENT}{expected(fork)}", Role.DIM),))
    return lines


def is_test(fork: Fork) -> bool:
    """True if the run will be marked as a test."""
    return bool(fork.overrides) or any(asset.source.value == "override" for asset in fork.assets.values())


def is_everything(fork: Fork) -> bool:
    """True if all steps run again because nothing else was asked for."""
    return not fork.reused and all(why.kind is WhyAgain.ASKED_FOR for why in fork.again.values())


def summary(fork: Fork) -> str:
    """`2 steps run again, 5 are reused`."""
    again, reused = len(fork.again), len(fork.reused)
    if not again:
        return f"no step runs again, {_are_reused(reused)}; the answer is made anew"
    runs = "runs" if again == 1 else "run"
    if not reused:
        return f"all {plural(again, 'step')} {runs} again, nothing is reused" if again > 1 else "its step runs again"
    return f"{plural(again, 'step')} {runs} again, {_are_reused(reused)}"


def expected(fork: Fork) -> str:
    """How long it will take, and how far that is known."""
    ahead = fork.forecast
    if not ahead.steps:
        return "nothing to wait for"
    if len(ahead.unknown) == len(ahead.steps):
        return f"it is not known how long it takes: {never_ended(ahead)}"
    why = f": {were_stopped(ahead)}" if ahead.stopped else ", as long as its steps took before"
    return f"{takes(ahead)}{why}{not_known(ahead)}"


def takes(ahead: Forecast) -> str:
    """`about 12.4s`, or `at least 12.4s` where not all of it is known."""
    return f"{'about' if ahead.is_known else 'at least'} {duration(ahead.duration_us)}"


def not_known(ahead: Forecast) -> str:
    """Of which steps it is not known how long they take, to go on a sentence with; empty where there are none."""
    return f"; not known: {_named(ahead.unknown)}" if ahead.unknown else ""


def were_stopped(ahead: Forecast) -> str:
    """`crunch was stopped before its end`."""
    return f"{_all_of(ahead.stopped)} {'was' if len(ahead.stopped) == 1 else 'were'} stopped before {_whose(ahead.stopped)} end"


def never_ended(ahead: Forecast) -> str:
    """`crunch never came to its end`."""
    return f"{_all_of(ahead.unknown)} never came to {_whose(ahead.unknown)} end"


def _all_of(names: Sequence[str]) -> str:
    return " and ".join(names) if len(names) <= 2 else _named(names)


def _whose(names: Sequence[str]) -> str:
    return "its" if len(names) == 1 else "their"


def preview_json(fork: Fork) -> JsonObject:
    """The same for a program. Times are milliseconds from the beginning of the run."""
    ahead = fork.forecast
    steps: JsonObject = {
        step_id: {"start_ms": begin / 1000, "end_ms": end / 1000} for step_id, (begin, end) in ahead.steps.items()
    }
    again: list[Json] = [
        {"id": step_id, "why": why.kind.value, "message": str(why)} for step_id, why in fork.again.items()
    ]
    return {
        "dry_run": True,
        "run_id": fork.source.run_id,
        "pass_index": fork.source.pass_index,
        "kind": fork.kind.value,
        "plan_id": fork.plan.plan.plan_id,
        "plan_hash": fork.plan.plan_hash,
        "mode": "test" if is_test(fork) else "normal",
        "changes": [*fork.changes],
        "notes": [*fork.notes],
        "params": fork.params,
        "assets": {alias: asset.applied().model_dump(mode="json") for alias, asset in fork.assets.items()},
        "patch": fork.patch.model_dump(mode="json"),
        "again": again,
        "reused": [*fork.reused],
        "finally": [*fork.plan.finally_steps],
        "forecast": {
            "duration_ms": ahead.duration_us / 1000,
            "unknown": [*ahead.unknown],
            "stopped": [*ahead.stopped],
            "steps": steps,
        },
        "token": str(fork.token),
    }


def short_forecast(fork: Fork) -> str:
    """How long it will take, in a few words: `at least 12.4s; not known: build`; empty where there is nothing to wait for."""
    ahead = fork.forecast
    if not ahead.steps:
        return ""
    if len(ahead.unknown) == len(ahead.steps):
        return "it is not known how long it takes"
    return f"{takes(ahead)}{not_known(ahead)}"


def question(fork: Fork, short: str) -> str:
    """What is asked before it is run, with all that a person has to know to say yes."""
    plan_id = fork.plan.plan.plan_id
    begins = "".join(f" {said}" for said in fork.changes if said.startswith(_BEGINS))
    others = "; ".join(said for said in fork.changes if not said.startswith(_BEGINS))
    changes = f"{begins}, with {others}" if others else begins
    test = " as a test" if is_test(fork) else ""
    takes = f", {said}" if (said := short_forecast(fork)) else ""
    notes = "".join(f" Note: {said}." for said in fork.notes)
    return f"Run {short} {plan_id} again{test}{changes}? {_capital(summary(fork))}{takes}.{notes}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def step_lines(fork: Fork, most: int) -> list[Line]:
    """The steps that run again with the reason of each, those that are reused, and those of finally."""
    width = min(24, max((len(step_id) for step_id in fork.again), default=0))
    rows: list[Line] = [
        (Span(f"{_INDENT}↻ ", Role.RUNNING), Span(f"{step_id:<{width}}"), Span(f"  {why}", Role.DIM))
        for step_id, why in list(fork.again.items())[:most]
    ]
    if len(fork.again) > most:
        rows.append((Span(f"{_INDENT}  and {len(fork.again) - most} more", Role.DIM),))
    if fork.reused:
        rows.append(
            (Span(f"{_INDENT}= ", Role.SUCCEEDED), Span(f"reused: {_named(list(fork.reused), most)}", Role.DIM))
        )
    if fork.plan.finally_steps:
        rows.append(
            (Span(f"{_INDENT}↻ ", Role.RUNNING), Span(f"finally: {_named(list(fork.plan.finally_steps), most)}"))
        )
    return rows


def _are_reused(number: int) -> str:
    return f"{number:,} {'is' if number == 1 else 'are'} reused"


def _named(names: Sequence[str], most: int = _MOST_NAMED) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")

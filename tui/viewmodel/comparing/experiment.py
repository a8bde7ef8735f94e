"""Asking about runs that settle a comparison, and how far they are. Starting them is elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.regression.confirmation import CONFIRM_RUNS, fresh_runs_needed
from engine.regression.narrowing import Bisection, suspects_in
from tui.viewmodel.comparing.experiment_parts import Kind
from tui.viewmodel.comparing.plots import bar
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span, span, spread
from tui.viewmodel.words import duration, plural, short_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.regression.verdict import Analysis
    from store.rows import RunRow


def asked(kind: Kind, analysis: Analysis, runs: Mapping[str, RunRow], suspect: int = 0) -> str:
    """What a yes starts, and about how long it takes."""
    run_id = analysis.candidates[-1]
    run = runs.get(run_id)
    plan = run.plan_id if run is not None else "the plan"
    short = short_id(run_id)
    match kind:
        case Kind.CONFIRM:
            parts = {part for cause in analysis.causes for part in cause.parts}
            tested = f" ({plural(len(parts), 'part')})" if parts else ""
            number = fresh_runs_needed(analysis)
            said = f"Run {plan} {number} times more as {short} was, and test only what stands out{tested} on these, at .01?"
            if number > CONFIRM_RUNS:
                said += f" Fewer could not confirm it against {len(analysis.baseline)}."
        case Kind.MORE:
            number = analysis.runs_needed[1]
            said = f"Run {plan} {plural(number, 'time')} more as {short} was, and compare all of them?"
        case Kind.PUT_BACK:
            one, number = suspects_in(analysis)[suspect], 1
            said = f"Run {plan} once more as {short} was, with only {one.name} put back to {one.baseline}?"
        case Kind.BISECT:
            suspects = suspects_in(analysis)
            number = Bisection(suspects).at_most
            said = (
                f"Run {plan} up to {plural(number, 'time')} as {short} was, each time with some of the {len(suspects)} "
                "possible causes put back, until one explains it?"
            )
    return f"{said} {_about(number, analysis, runs)}"


def enough_words(analysis: Analysis) -> str:
    """How many runs confirm something, and why no fewer."""
    number, baseline = fresh_runs_needed(analysis), plural(len(analysis.baseline), "run")
    if number > CONFIRM_RUNS:
        return f"{number} fresh runs: fewer could not confirm it against a baseline of {baseline}"
    return f"{number} fresh runs against a baseline of {baseline}"


def _about(number: int, analysis: Analysis, runs: Mapping[str, RunRow]) -> str:
    lasted = sorted(
        run.duration_us for run_id in analysis.candidates if (run := runs.get(run_id)) and run.duration_us is not None
    )
    if not lasted:
        return "How long that takes is not known."
    each = lasted[len(lasted) // 2]
    return f"About {duration(each * number)} and the start of {'an engine' if number == 1 else 'the engines'}."


def progress_lines(done: int, of: int, text: str, cells: int, cancel_key: str) -> list[Line]:
    """A rule, then how far it is and what goes on, with the key that stops it."""
    rule: Line = (Span("─" * cells, Role.BORDER),)
    share = bar(done / of, 12, Role.RUNNING) if of else ()
    number = Span(f" {done} of {of}  ") if of else Span("")
    left: Line = (Span(" ● ", Role.RUNNING, bold=True), *share, number, span(text))
    return [rule, spread(left, (Span(cancel_key, bold=True), Span(" cancels ", Role.DIM)), cells)]

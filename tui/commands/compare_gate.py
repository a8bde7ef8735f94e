"""What a comparison means for a CI server: the limit, and what is done where nothing can be decided. The verdict is the engine's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.errors import ExitCode
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span
from tui.viewmodel.words import plural

if TYPE_CHECKING:
    import argparse

    from engine.regression.verdict import Analysis
    from tui.commands.context import Context

SEVERITIES: Final = ("none", "minor", "major", "critical")


def add_gate(add: argparse._ActionsContainer, *, of: str = "") -> None:
    """The options of a gate; `of` says with what they go."""
    add.add_argument(
        "--fail-over",
        choices=SEVERITIES,
        help=f"{of}exit 1 if the severity is worse than this; where there are too few runs for a verdict that is said on stderr",
    )
    add.add_argument(
        "--fail-undecided",
        action="store_true",
        default=None,
        help=f"{of}exit 1 where there are too few runs for a verdict, too; without it that is no failure",
    )


def is_over(analysis: Analysis, limit: str | None) -> bool:
    """Whether the severity is worse than a limit, if there is one."""
    return limit is not None and SEVERITIES.index(analysis.severity.value) > SEVERITIES.index(limit)


def is_undecided(analysis: Analysis) -> bool:
    """Whether nothing is proven, one way or the other."""
    from engine.regression.verdict import Verdict

    return analysis.verdict in (Verdict.TOO_FEW, Verdict.SUSPECT)


def gated(analysis: Analysis, arguments: argparse.Namespace, context: Context) -> ExitCode:
    """The exit code. A gate that cannot decide says so on stderr, with how many runs that takes."""
    if is_undecided(analysis) and (arguments.fail_over is not None or arguments.fail_undecided):
        fails = bool(arguments.fail_undecided)
        mark, role = ("✗", Role.FAILED) if fails else ("!", Role.WARNING)
        context.err.line(Span(f"{mark} undecided: ", role, bold=True), undecided_words(analysis))
        if not fails:
            context.err.line(Span("  so nothing was over the limit; --fail-undecided makes it a failure", Role.DIM))
        context.err.flush()
        if fails:
            return ExitCode.FAILED
    return ExitCode.FAILED if is_over(analysis, arguments.fail_over) else ExitCode.SUCCEEDED


def undecided_words(analysis: Analysis) -> str:
    """`3 v 3 runs prove nothing, a verdict needs 5 v 6: 2 more runs in the baseline, 3 more to compare`."""
    n, m = len(analysis.baseline), len(analysis.candidates)
    baseline, candidates = analysis.runs_needed
    said = f"{n} v {m} runs prove nothing"
    missing = [f"{plural(baseline, 'more run')} in the baseline"] if baseline else []
    missing += [f"{candidates} more to compare"] if candidates else []
    return f"{said}, a verdict needs {n + baseline} v {m + candidates}: {', '.join(missing)}" if missing else said

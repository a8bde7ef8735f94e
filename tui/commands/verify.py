"""`opscope verify`: whether the database is what was written to it. The checks and the rebuild are the store's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import ExitCode, InputError
from tui.commands.arguments import describe
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span
from tui.viewmodel.words import plural

if TYPE_CHECKING:
    import argparse

    from store.integrity.findings import Report
    from store.integrity.verify import Rebuilt
    from tui.commands.context import Context


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    describe(
        parser,
        "Check the whole database: its structure, every event of every run against its chain of hashes, plans, assets and output "
        "against theirs, what is shown against the events, and the end of the file against what engines noted of their last "
        "commit. Nothing is changed. With --rebuild what is shown is made anew from the events, after a copy is kept.",
        examples=[
            ("opscope verify", "check everything"),
            ("opscope verify --json", "for a program"),
            ("opscope verify --rebuild", "mend what is shown, from the events"),
        ],
        exit_codes=(0, 2, 4),
    )
    parser.add_argument("--rebuild", action="store_true", help="make what is shown anew from the events first")
    parser.add_argument("--json", action="store_true", help="print what was found as one JSON document")


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Check and tell; infrastructure failure if anything is not as it was written."""
    from store.errors import NoDatabaseError
    from store.integrity.verify import rebuild, verify
    from tui.commands.ticker import Ticker

    ticker = Ticker(context.err)
    rebuilt: Rebuilt | None = None
    try:
        if arguments.rebuild:
            rebuilt = rebuild(context.database, tell=ticker, on_wait=ticker.waiting)
        report = verify(context.database, tell=ticker)
    except NoDatabaseError as error:
        raise InputError("nothing has been run yet", place=error.place, hint=error.hint) from error
    if arguments.json:
        _print_json(context, report, rebuilt)
    else:
        if rebuilt is not None:
            _print_rebuilt(context, rebuilt)
        _print_report(context, report)
    return ExitCode.SUCCEEDED if report.is_sound else ExitCode.INFRASTRUCTURE


def _print_json(context: Context, report: Report, rebuilt: Rebuilt | None) -> None:
    context.out.json(
        {
            "ok": report.is_sound,
            "file": str(context.database),
            "runs": report.runs,
            "events": report.events,
            "findings": [finding.to_json() for finding in report.findings],
            "unchecked": [check.value for check in report.unchecked],
            "rebuilt": None
            if rebuilt is None
            else {"copy": str(rebuilt.copy), "mended": [finding.to_json() for finding in rebuilt.mended]},
        }
    )


def _print_rebuilt(context: Context, rebuilt: Rebuilt) -> None:
    out = context.out
    for finding in rebuilt.mended:
        out.line(Span("✓ mended  ", Role.SUCCEEDED), f"{finding.place}: {finding.message}")
    out.line(f"made anew from {plural(rebuilt.events, 'event')} of {plural(rebuilt.runs, 'run')}")
    out.line(Span(f"the file as it was: {rebuilt.copy}", Role.DIM))


def _print_report(context: Context, report: Report) -> None:
    out = context.out
    hint = ""
    for finding in report.findings:
        glyph, role = ("! ", Role.WARNING) if finding.is_warning else ("✗ ", Role.FAILED)
        out.line(
            Span(glyph, role), Span(f"{finding.check.value:<11} ", Role.DIM), f"{finding.place}: {finding.message}"
        )
        if finding.hint and finding.hint != hint:
            out.paragraph(finding.hint, role=Role.DIM, indent=" " * 14)
        hint = finding.hint
    if report.unchecked:
        out.line(Span(f"not checked after that: {', '.join(report.unchecked)}", Role.WARNING))
    held = f"{plural(report.runs, 'run')}, {plural(report.events, 'event')}"
    if not report.findings:
        out.line(Span("✓ ", Role.SUCCEEDED), f"{held}: everything is as it was written")
    elif report.is_sound:
        out.line(f"{held}: every event is as it was written; {plural(len(report.findings), 'warning')}")
    else:
        wrong = sum(not finding.is_warning for finding in report.findings)
        out.line(Span(f"{plural(wrong, 'thing')} wrong with {context.database}", Role.FAILED))

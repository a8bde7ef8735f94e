"""`opscope doctor`: what of this host and terminal matters to opscope, and what to do about it. The checks are in checkup.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import ExitCode
from tui.commands.arguments import describe
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span, fit

if TYPE_CHECKING:
    import argparse

    from tui.commands.context import Context


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    describe(
        parser,
        "Check what opscope leans on: Python, SQLite, the terminal, the database with its place and permissions, the "
        "engines that are alive, and what happens to a session at logout. It changes nothing. A warning is worth "
        "reading; a failure means that plans cannot be run as things are.",
        examples=[
            ("opscope doctor", "all checks, with what to do"),
            ("opscope doctor --json", "the same for a program"),
            ("opscope --db /srv/runs.db doctor", "of another database"),
        ],
        exit_codes=(0, 2, 4),
        meanings={0: "plans can be run as things are", 2: "bad input: an unknown option", 4: "a check has failed"},
    )
    parser.add_argument("--json", action="store_true", help="print the checks as one JSON document")


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Check and tell; infrastructure failure if anything keeps plans from running."""
    from tui.commands.checks import State
    from tui.commands.checkup import checkup

    checks = checkup(context)
    failed = any(check.state is State.FAILED for check in checks)
    if arguments.json:
        context.out.json({"ok": not failed, "checks": [check.to_json() for check in checks]})
        return ExitCode.INFRASTRUCTURE if failed else ExitCode.SUCCEEDED
    width = max(len(check.name) for check in checks)
    marks = {
        State.OK: ("✓", Role.SUCCEEDED),
        State.WARNING: ("!", Role.WARNING),
        State.FAILED: ("✗", Role.FAILED),
        State.NOTE: ("·", Role.DIM),
    }
    for check in checks:
        glyph, role = marks[check.state]
        context.out.line(Span(f"{glyph} ", role), fit(check.name, width), "  ", check.finding)
        if check.advice:
            context.out.paragraph(check.advice, role=Role.DIM, indent=" " * (width + 4))
    warnings = sum(check.state is State.WARNING for check in checks)
    context.out.line()
    if failed:
        context.out.line(Span("Plans cannot be run as things are.", Role.FAILED))
    elif warnings:
        context.out.line(
            f"Everything works; {warnings} to look at." if warnings > 1 else "Everything works; one thing to look at."
        )
    else:
        context.out.line("Everything is in order.")
    return ExitCode.INFRASTRUCTURE if failed else ExitCode.SUCCEEDED

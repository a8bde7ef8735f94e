"""`opscope asset show`: one asset with its history, the runs that used it, and the content of one version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.errors import ExitCode
from tui.commands.arguments import describe
from tui.commands.asset_words import head_json, history_of, reference_of, version_meant
from tui.commands.tables import Column, print_table
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span
from tui.viewmodel.words import NOTHING, clock, count, plural, run_mark, short_id, size, unique_length

if TYPE_CHECKING:
    import argparse

    from engine.model.asset import AssetVersion
    from engine.model.json import JsonObject
    from store.assets.reading import AssetHistory, AssetUse, LogEntry, VersionHead
    from tui.commands.context import Context
    from tui.commands.output import Piece

_LINES_SHOWN: Final = 40
_LOG_SHOWN: Final = 10
_VERSIONS = (
    Column("VERSION", right=True),
    Column("STATUS"),
    Column("RUNS", right=True),
    Column("AUTHOR", rank=2, flexible=True),
    Column("ADDED", rank=1),
    Column("NOTE", rank=3, flexible=True),
)
_RUNS = (
    Column("STATUS"),
    Column("RUN"),
    Column("PLAN", flexible=True),
    Column("VERSION", right=True),
    Column("WHY", rank=1),
    Column("STARTED", rank=2),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    describe(
        parser,
        "Show an asset: its versions, what was done with them, the runs that used it, and what it says. Without a number "
        "that is the version in force, or else the newest.",
        examples=[
            ("opscope asset show query/ci-lookup", "all about it"),
            ("opscope asset show query/ci-lookup@2", "one version, and the runs of it"),
            ("opscope asset show query/ci-lookup@2 --content > old.sql", "the content as it is"),
            ("opscope asset show policy/routing --json", "for a program"),
        ],
    )
    parser.add_argument("ref", metavar="TYPE/NAME[@N]", help="the asset, or one version of it")
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--content", action="store_true", help="print the content and nothing else")
    shape.add_argument("--json", action="store_true", help="print everything as one JSON document")


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Show it."""
    from store.assets.reading import AssetLibrary

    reference = reference_of(arguments.ref)
    with AssetLibrary(context.database) as library:
        history = history_of(library, reference.name)
        head = version_meant(history, reference)
        version = library.version(history.name, head.version)
        uses = library.uses(history, reference.version)
        log = library.log(history.name)
    assert version is not None
    if arguments.content:
        _print_content(context, version)
    elif arguments.json:
        context.out.json(_asset_json(history, version, head, uses, log))
    else:
        _print(context, history, version, head)
        _print_history(context, history, log, head)
        _print_uses(context, uses, head.runs if reference.version is not None else history.runs)
        _print_beginning(context, version)
    return ExitCode.SUCCEEDED


def _print_content(context: Context, version: AssetVersion) -> None:
    """Byte for byte on a pipe; on a terminal what could be a command to it is shown instead."""
    if context.out.is_terminal:
        context.out.text(version.content.removesuffix("\n"))
    else:
        context.out.bytes(version.content.encode())


def _print(context: Context, history: AssetHistory, version: AssetVersion, head: VersionHead) -> None:
    from tui.viewmodel.asset_words import asset_mark

    mark = asset_mark(head.status)
    out = context.out
    out.line(Span(head.ref, Role.STRONG), "  ", Span(str(mark), mark.role), "  ", version.media_type)
    length = len(version.content.encode())
    out.line(Span("size    ", Role.DIM), f"{size(length)}, {plural(_lines(version.content), 'line')}")
    out.line(Span("sha256  ", Role.DIM), version.sha256)
    who = f"{version.author}, {clock(head.created_at_us, now_us=context.now_us())}" if head.created_at_us else "opscope"
    out.line(Span("author  ", Role.DIM), who)
    if version.note:
        out.line(Span("note    ", Role.DIM), version.note)
    if history.is_shipped:
        out.line(Span("comes with opscope; a version of your own is the next", Role.DIM))
    elif history.in_force is not None and history.in_force.version != head.version:
        out.line(Span(f"runs that name no version use @{history.in_force.version}", Role.DIM))


def _lines(content: str) -> int:
    return content.count("\n") + (not content.endswith("\n"))


def _print_history(context: Context, history: AssetHistory, log: list[LogEntry], head: VersionHead) -> None:
    from tui.viewmodel.asset_words import asset_mark

    now_us = context.now_us()
    rows: list[list[Piece]] = []
    for one in reversed(history.versions):
        mark = asset_mark(one.status)
        rows.append(
            [
                Span(f"@{one.version}", Role.TEXT, bold=one.version == head.version),
                Span(str(mark), mark.role),
                count(one.runs) if one.runs else NOTHING,
                one.author,
                Span(clock(one.created_at_us, now_us=now_us) if one.created_at_us else "shipped", Role.DIM),
                one.note,
            ]
        )
    context.out.line()
    print_table(context.out, _VERSIONS, rows, indent=2)
    moves = [entry for entry in log if entry.action in ("published", "deprecated")][-_LOG_SHOWN:]
    if moves:
        context.out.line()
    for entry in moves:
        when = clock(entry.at_us, now_us=now_us)
        note = f": {entry.note}" if entry.note else ""
        context.out.line("  ", Span(when, Role.DIM), f"  @{entry.version} {entry.action} by {entry.author}{note}")


def _print_uses(context: Context, uses: list[AssetUse], runs: int) -> None:
    context.out.line()
    if not uses:
        context.out.line(Span("no run has used it", Role.DIM))
        return
    length = unique_length(use.run_id for use in uses)
    now_us = context.now_us()
    rows: list[list[Piece]] = []
    for use in uses:
        mark = run_mark(use.status)
        rows.append(
            [
                Span(str(mark), mark.role),
                Span(short_id(use.run_id, length), Role.TEXT, bold=True),
                use.plan_id,
                f"@{use.version}",
                use.source,
                Span(clock(use.created_at_us, now_us=now_us), Role.DIM),
            ]
        )
    print_table(context.out, _RUNS, rows, indent=2)
    if runs > len(uses):
        context.out.line("  ", Span(f"and {plural(runs - len(uses), 'run')} before", Role.DIM))


def _print_beginning(context: Context, version: AssetVersion) -> None:
    lines = version.content.removesuffix("\n").split("\n")
    context.out.line()
    context.out.text("\n".join(lines[:_LINES_SHOWN]), indent="  ")
    if len(lines) > _LINES_SHOWN:
        more = plural(len(lines) - _LINES_SHOWN, "line")
        context.out.line("  ", Span(f"and {more} more: opscope asset show {version.ref} --content", Role.DIM))


def _asset_json(
    history: AssetHistory, version: AssetVersion, head: VersionHead, uses: list[AssetUse], log: list[LogEntry]
) -> JsonObject:
    from store.moments import rfc3339

    return {
        "type": history.name.type.value,
        "name": history.name.name,
        "shipped": history.is_shipped,
        "in_force": history.in_force.version if history.in_force else None,
        **head_json(head),
        "content": version.content,
        "versions": [head_json(one) for one in history.versions],
        "log": [
            {
                "version": entry.version,
                "action": entry.action,
                "at": rfc3339(entry.at_us),
                "author": entry.author,
                "note": entry.note,
            }
            for entry in log
        ],
        "uses": [
            {
                "run_id": use.run_id,
                "plan_id": use.plan_id,
                "status": use.status.value,
                "version": use.version,
                "source": use.source,
                "created_at": rfc3339(use.created_at_us),
            }
            for use in uses
        ],
    }

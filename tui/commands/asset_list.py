"""`opscope asset list`: every asset on a line, those that come with opscope too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import ExitCode
from engine.model.asset import AssetStatus, AssetType
from tui.commands.arguments import describe
from tui.commands.asset_words import add_json, head_json
from tui.commands.tables import Column, print_table
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span
from tui.viewmodel.words import NOTHING, clock, count

if TYPE_CHECKING:
    import argparse

    from engine.model.json import JsonObject
    from store.assets.reading import AssetHistory
    from tui.commands.context import Context
    from tui.commands.output import Piece

_COLUMNS = (
    Column("ASSET", flexible=True),
    Column("IN FORCE", right=True),
    Column("NEWEST", right=True),
    Column("STATUS"),
    Column("RUNS", right=True, rank=1),
    Column("ADDED", rank=2),
    Column("NOTE", flexible=True, rank=3),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    describe(
        parser,
        "List the assets: which version runs use that name none (in force), which is the newest and how far it has come, and "
        "how many runs used any. Assets that come with opscope are there without being added, and marked so.",
        examples=[
            ("opscope asset list", "all of them"),
            ("opscope asset list 'ci-*' --type query", "by name and type"),
            ("opscope asset list --status draft", "those with a draft"),
            ("opscope asset list --json", "for a program"),
        ],
    )
    parser.add_argument("filter", metavar="FILTER", nargs="?", help="a part of the name, or a pattern with * and ?")
    parser.add_argument(
        "--type", metavar="T", choices=[one.value for one in AssetType], help=f"one of {', '.join(AssetType)}"
    )
    parser.add_argument(
        "--status",
        metavar="S",
        choices=[one.value for one in AssetStatus],
        help="those with a version that is draft, published or deprecated",
    )
    add_json(parser, "the assets as a JSON list")


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """List them."""
    from store.assets.reading import AssetLibrary

    with AssetLibrary(context.database) as library:
        found = [history for history in library.histories() if _is_wanted(history, arguments)]
    if arguments.json:
        context.out.json([_asset_json(history) for history in found])
    elif not found:
        context.out.line("no asset is like that" if _is_filtered(arguments) else "there are no assets")
    else:
        _print(context, found)
    return ExitCode.SUCCEEDED


def _is_filtered(arguments: argparse.Namespace) -> bool:
    return any((arguments.filter, arguments.type, arguments.status))


def _is_wanted(history: AssetHistory, arguments: argparse.Namespace) -> bool:
    if arguments.type is not None and history.name.type.value != arguments.type:
        return False
    if arguments.status is not None and all(one.status.value != arguments.status for one in history.versions):
        return False
    return not arguments.filter or _matches(history, arguments.filter.lower())


def _matches(history: AssetHistory, pattern: str) -> bool:
    from fnmatch import fnmatchcase

    whole, name = str(history.name).lower(), history.name.name.lower()
    if not any(sign in pattern for sign in "*?"):
        return pattern in whole
    plain = pattern.replace("[", "[[]")  # a bracket is a character here
    return fnmatchcase(whole, plain) or fnmatchcase(name, plain)


def _print(context: Context, found: list[AssetHistory]) -> None:
    from tui.viewmodel.asset_words import asset_mark

    now_us = context.now_us()
    rows: list[list[Piece]] = []
    for history in found:
        newest = history.newest
        mark = asset_mark(newest.status)
        added = clock(newest.created_at_us, now_us=now_us) if newest.created_at_us else "shipped"
        rows.append(
            [
                Span(str(history.name), Role.TEXT, bold=True),
                f"@{history.in_force.version}" if history.in_force else NOTHING,
                f"@{newest.version}",
                Span(str(mark), mark.role),
                count(history.runs) if history.runs else NOTHING,
                Span("shipped" if history.is_shipped else added, Role.DIM),
                newest.note,
            ]
        )
    print_table(context.out, _COLUMNS, rows)


def _asset_json(history: AssetHistory) -> JsonObject:
    return {
        "type": history.name.type.value,
        "name": history.name.name,
        "shipped": history.is_shipped,
        "in_force": history.in_force.version if history.in_force else None,
        "runs": history.runs,
        "versions": [head_json(head) for head in history.versions],
    }

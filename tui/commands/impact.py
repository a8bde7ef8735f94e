"""`opscope impact`: what the versions of an asset did to the runs that used them, and two of them compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.errors import ExitCode, InputError
from tui.commands.arguments import describe, positive
from tui.commands.asset_words import add_json
from tui.commands.tables import Column, print_table
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span, span
from tui.viewmodel.words import clock, count, duration

if TYPE_CHECKING:
    import argparse

    from engine.model.json import Json, JsonObject
    from engine.regression.impact import Sides, Use, VersionUse
    from engine.regression.verdict import Analysis
    from store.reader import Reader
    from tui.commands.context import Context
    from tui.commands.output import Piece

_COLUMNS: Final = (
    Column("VERSION"),
    Column("RUNS", right=True),
    Column("SUCCEEDED", right=True),
    Column("RATE", right=True),
    Column("TYPICAL", right=True),
    Column("PLANS", flexible=True, rank=2),
    Column("FIRST USED", rank=3),
    Column("LAST USED", rank=1),
)
_NOTHING: Final = "–"


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    describe(
        parser,
        "Tell what each version of an asset did: how many runs used it, how often they succeeded, how long they took. Two "
        "versions are compared by the last 30 runs of each, of the plan that ran most with both; without V1 and V2 the two "
        "newest that were used. Other things may have changed between them: see the differences.",
        examples=[
            ("opscope impact query/ci-lookup", "its versions, the newest two compared"),
            ("opscope impact query/ci-lookup 1 3", "these two compared"),
            ("opscope impact query/ci-lookup --json", "for a program"),
        ],
    )
    parser.add_argument("asset", metavar="TYPE/NAME", help="the asset")
    parser.add_argument("versions", metavar="V", nargs="*", type=positive, help="two versions: before and after")
    add_json(parser, "versions and analysis as one JSON document")


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Tell it."""
    from engine.regression.impact import by_version, sides_of
    from store.queries.comparison import uses_of_asset
    from tui.commands.asset_words import reference_of
    from tui.commands.records import open_reader

    if len(arguments.versions) not in (0, 2):
        raise InputError("two versions are compared", hint=f"for example: opscope impact {arguments.asset} 1 2")
    reference = reference_of(arguments.asset)
    if reference.version is not None:
        raise InputError("name the asset without a version", hint=f"opscope impact {reference.name} 1 2")
    name = str(reference.name)
    with open_reader(context) as reader:
        uses: list[Use] = reader.run(uses_of_asset(name))
        versions = by_version(uses)
        before, after = _pair(name, arguments.versions, versions)
        sides = None if before is None or after is None else sides_of(uses, before, after)
        analysis = None if sides is None else _analysis(reader, sides)
    if arguments.json:
        context.out.json(_as_json(name, versions, sides, analysis))
    else:
        _print(context, name, versions, (before, after), sides, analysis)
    return ExitCode.SUCCEEDED


def _pair(name: str, asked: list[int], versions: list[VersionUse]) -> tuple[int | None, int | None]:
    """The versions to compare; None where there are no two. Raises InputError for one that no run used."""
    used = {one.version for one in versions}
    if asked:
        for version in asked:
            if version not in used:
                raise InputError(
                    f"no run has used {name}@{version}", hint=f"used were {', '.join(map(str, sorted(used))) or 'none'}"
                )
        return asked[0], asked[1]
    return (versions[1].version, versions[0].version) if len(versions) > 1 else (None, None)


def _analysis(reader: Reader, sides: Sides) -> Analysis:
    from engine.regression.analysis import analyse
    from store.run_facts import read_runs

    return analyse(read_runs(reader, sides.before), read_runs(reader, sides.after))


def _print(
    context: Context,
    name: str,
    versions: list[VersionUse],
    pair: tuple[int | None, int | None],
    sides: Sides | None,
    analysis: Analysis | None,
) -> None:
    out = context.out
    if not versions:
        out.line(f"no run has used {name}")
        return
    print_table(out, _COLUMNS, [_cells(one, context.now_us()) for one in versions])
    before, after = pair
    if before is None or after is None:
        return
    out.line()
    if sides is None or analysis is None:
        out.line(Span(f"no plan has run with both @{before} and @{after}, so there is nothing to compare", Role.DIM))
        return
    from tui.commands.compare_text import print_analysis

    out.line(span(f"{name} @{before} → @{after}", bold=True))
    print_analysis(out, analysis, sides.plan_id, "")


def _cells(one: VersionUse, now_us: int) -> list[Piece]:
    rate = _NOTHING if one.rate is None else f"{one.rate:.0%} ({one.rate_low:.0%} to {one.rate_high:.0%})"
    return [
        Span(f"@{one.version}", Role.TEXT, bold=True),
        count(one.runs),
        f"{one.succeeded} of {one.succeeded + one.failed}",
        rate,
        duration(one.typical_us),
        ", ".join(one.plans[:3]) + (", …" if len(one.plans) > 3 else ""),
        Span(clock(one.first_us, now_us=now_us), Role.DIM),
        clock(one.last_us, now_us=now_us),
    ]


def _as_json(name: str, versions: list[VersionUse], sides: Sides | None, analysis: Analysis | None) -> JsonObject:
    from engine.regression.document import to_document
    from store.moments import rfc3339

    rows: list[Json] = [
        {
            "version": one.version,
            "runs": one.runs,
            "succeeded": one.succeeded,
            "failed": one.failed,
            "rate": one.rate,
            "typical_ms": None if one.typical_us is None else one.typical_us / 1000,
            "plans": [*one.plans],
            "first_used_at": rfc3339(one.first_us),
            "last_used_at": rfc3339(one.last_us),
        }
        for one in versions
    ]
    compared = None if analysis is None or sides is None else to_document(analysis, plan_id=sides.plan_id)
    return {"asset": name, "versions": rows, "analysis": compared}

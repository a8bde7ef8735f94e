"""`opscope impact`: what the versions of an asset did to the runs that used them, and two of them compared."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.errors import ExitCode, InputError
from tui.commands.arguments import describe, positive
from tui.commands.asset_words import add_json
from tui.commands.tables import Column, print_table
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span, span
from tui.viewmodel.words import NOTHING, clock, count, duration

if TYPE_CHECKING:
    import argparse

    from engine.regression.impact import VersionUse
    from engine.regression.impact_advice import Advice
    from engine.regression.impact_report import Impact, Pair
    from tui.commands.context import Context
    from tui.commands.output import Output, Piece
    from tui.viewmodel.text import Line

_COLUMNS: Final = (
    Column("VERSION"),
    Column("RUNS", right=True),
    Column("SUCCEEDED", right=True),
    Column("RATE", right=True),
    Column("TYPICAL", right=True),
    Column("SLOW", right=True, rank=5),
    Column("STATUS", rank=2),
    Column("PLANS", flexible=True, rank=3),
    Column("FIRST USED", rank=4),
    Column("LAST USED", rank=1),
)
_FORMATS: Final = ("text", "json", "markdown")
_TELL_FROM: Final = 20
"""From how many runs on it is told how far the reading is."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    describe(
        parser,
        "Tell what each version of an asset did: how many runs used it, how often they succeeded, how long they took. Two "
        "versions are compared by the last 30 runs of each, of the plan that ran most with both; without V1 and V2 the two "
        "newest that were used. It says how risky it is to go from the one to the other and why, what else changed at the same "
        "time, and what to do. Durations, retries and empty results are of the newest 200 runs of each version.",
        examples=[
            ("opscope impact query/ci-lookup", "its versions, the newest two compared"),
            ("opscope impact query/ci-lookup 1 3", "these two compared"),
            ("opscope impact query/ci-lookup --json", "for a program"),
            ("opscope impact query/ci-lookup --format markdown -o impact.md", "for a ticket"),
        ],
        meanings={0: "printed"},
    )
    parser.usage = "%(prog)s [OPTIONS] TYPE/NAME [V1 V2]"  # argparse cannot say: both or none
    parser.add_argument("asset", metavar="TYPE/NAME", help="the asset")
    parser.add_argument(
        "versions",
        metavar="V1 V2",
        nargs="*",
        type=positive,
        help="the version before and the one after (default: the two newest that were used)",
    )
    parser.add_argument("--format", choices=_FORMATS, help="default: by the ending of FILE, else text")
    parser.add_argument("-o", "--output", metavar="FILE", help="where to write it (default: stdout)")
    add_json(parser, "all of it as one JSON document")


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Tell it."""
    from store.assets.reading import AssetLibrary
    from store.impact import read_impact, read_record
    from tui.commands.asset_words import reference_of
    from tui.commands.records import open_reader
    from tui.commands.ticker import Ticker

    given = len(arguments.versions)
    if given not in (0, 2):
        raise InputError(
            f"two versions are compared, {given} {'is' if given == 1 else 'are'} given",
            hint=f"for example: opscope impact {arguments.asset} 1 2",
        )
    form = _format(arguments)
    reference = reference_of(arguments.asset)
    if reference.version is not None:
        raise InputError("name the asset without a version", hint=f"opscope impact {reference.name} 1 2")
    ticker = Ticker(context.err)

    def told(done: int, of: int) -> None:
        if of >= _TELL_FROM and done < of:
            ticker(f"read {done} of {of} runs")

    asked = (arguments.versions[0], arguments.versions[1]) if arguments.versions else None
    with open_reader(context) as reader, AssetLibrary(context.database) as library:
        record = read_record(reader, library, reference.name, now_us=context.now_us())
        impact = read_impact(reader, record, asked, on_run=told)
    if form == "text" and arguments.output is None:
        _print(context.out, impact, context.now_us())
    else:
        _hand_over(context, impact, form, arguments.output)
    return ExitCode.SUCCEEDED


def _format(arguments: argparse.Namespace) -> str:
    """What is wanted. Raises InputError where two things are."""
    if arguments.json and arguments.format not in (None, "json"):
        raise InputError(f"--json and --format {arguments.format} are two things", hint="give one of them")
    if arguments.json:
        return "json"
    by_ending = {".json": "json", ".md": "markdown"}.get(Path(arguments.output or "").suffix, "text")
    return str(arguments.format or by_ending)


def _hand_over(context: Context, impact: Impact, form: str, target: str | None) -> None:
    from tui.files import whole_file
    from tui.viewmodel.impact.formats import as_markdown, document

    if target is None and form == "json":
        context.out.json(document(impact))
        return
    if target is None:
        context.out.text(as_markdown(impact))
        return
    if form == "json":
        import json

        text = f"{json.dumps(document(impact), ensure_ascii=False, indent=2)}\n"
    elif form == "markdown":
        text = f"{as_markdown(impact)}\n"
    else:
        import io

        from tui.commands.output import open_output

        plain = io.StringIO()
        _print(open_output(plain, {}, no_color=True, ascii_only=context.ascii_only), impact, context.now_us())
        text = plain.getvalue()
    path = Path(target)
    try:
        with whole_file(path) as take:
            take(text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        hint = "choose another file with -o"
        raise InputError(f"cannot write the impact: {error.strerror}", place=str(path), hint=hint) from error
    context.err.line(f"wrote {path}")


def _print(out: Output, impact: Impact, now_us: int) -> None:
    from tui.viewmodel.impact.telling import advice_lines, related_lines, remark_lines, risk_lines

    cells = out.width or 120
    print_table(out, _COLUMNS, [_cells(impact, one, now_us) for one in impact.versions])
    if impact.measured and len({plan for one in impact.versions for plan in one.plans}) > 1:
        out.line(Span(f"durations are those of {impact.measured}", Role.DIM))
    for line in remark_lines(impact, cells):
        out.line(*line)
    pair = impact.pair
    if pair is not None:
        out.line()
        out.line(span(f"{impact.record.asset} @{pair.before.version} → @{pair.after.version}", bold=True))
        _print_lines(out, "risk", risk_lines(impact, cells))
        _print_figures(out, pair)
        _print_analysis(out, pair)
    _print_lines(out, "related assets", related_lines(impact.related, cells))
    advice = [one for one in impact.advice if not _is_done(impact, one)]
    _print_lines(out, "what to do", advice_lines(advice, 10_000))


def _is_done(impact: Impact, advice: Advice) -> bool:
    """The evidence that one is to look at stands above already."""
    from engine.regression.impact_advice import AdviceKind
    from engine.regression.verdict import Verdict

    analysis = impact.pair.analysis if impact.pair is not None else None
    return advice.kind is AdviceKind.COMPARE and analysis is not None and analysis.verdict is Verdict.REGRESSED


def _print_lines(out: Output, title: str, lines: list[Line]) -> None:
    if lines:
        out.line()
        out.line(Span(title, Role.TEXT, bold=True))
        for line in lines:
            out.line(*line)


def _cells(impact: Impact, one: VersionUse, now_us: int) -> list[Piece]:
    from tui.viewmodel.impact.versions import percent, status_span

    low, high = one.success.interval
    rate = NOTHING if one.success.rate is None else f"{percent(one.success.rate)} ({percent(low)} to {percent(high)})"
    return [
        Span(f"@{one.version}", Role.TEXT, bold=True),
        count(one.runs),
        f"{one.success.part} of {one.success.of}" if one.runs else NOTHING,
        rate,
        duration(one.durations.typical_us),
        duration(one.durations.slow_us),
        status_span(impact.record.statuses.get(one.version), 12),
        ", ".join(one.plans[:3]) + (", …" if len(one.plans) > 3 else ""),
        Span(clock(one.first_us, now_us=now_us), Role.DIM),
        clock(one.last_us, now_us=now_us),
    ]


def _print_figures(out: Output, pair: Pair) -> None:
    from tui.viewmodel.impact.compared import axis_title, metrics
    from tui.viewmodel.impact.formats import value

    out.line()
    of = "" if pair.sides is None else f" of {pair.sides.plan_id}"
    out.line(Span("figures", Role.TEXT, bold=True), Span(of, Role.DIM))
    before, after = f"@{pair.before.version}", f"@{pair.after.version}"
    columns = (
        Column(""),
        Column(before, right=True),
        Column(after, right=True),
        Column("CHANGE", right=True),
        Column("OF", rank=1),
    )
    rows: list[list[Piece]] = [
        [one.title.lower(), one.before, Span(one.after, one.role, bold=True), one.change, one.basis]
        for one in metrics(pair)
    ]
    print_table(out, columns, rows, indent=2)
    out.line()
    out.line(Span("quality, 0 to 100", Role.TEXT, bold=True))
    rated: list[list[Piece]] = [
        [
            axis_title(first.axis).lower(),
            value(first),
            Span(value(second), Role.TEXT, bold=True),
            f"{first.n} v {second.n}",
        ]
        for first, second in zip(*pair.profiles, strict=True)
    ]
    print_table(out, (*columns[:3], Column("n", right=True)), rated, indent=2)  # fmt: skip


def _print_analysis(out: Output, pair: Pair) -> None:
    out.line()
    if pair.analysis is None or pair.sides is None:
        said = f"no plan has run with both @{pair.before.version} and @{pair.after.version}, so there is nothing to compare"
        out.line(Span(said, Role.DIM))
        return
    from tui.commands.compare_text import print_analysis

    print_analysis(out, pair.analysis, pair.sides.plan_id, "")

"""`opscope compare`: the regression verdict on recorded runs, or a stored one again, for people, programs and CI servers."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, Final

from engine.errors import ExitCode, InputError
from engine.model.states import Stage
from tui.commands.arguments import describe, positive

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model.json import JsonObject
    from engine.regression.verdict import Analysis
    from store.reader import Reader
    from store.rows import RunRow
    from tui.commands.context import Context

_SEVERITIES: Final = ("none", "minor", "major", "critical")
_FORMATS: Final = ("text", "json", "markdown", "junit")
_LAST: Final = 30
_LISTED: Final = 50


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    describe(
        parser,
        "Compare recorded runs: is it a regression, how bad, where, and what may have caused it. Without BASE the baseline is "
        "chosen: the last 30 runs before the candidates that succeeded with the same plan, environment and asset versions (but "
        "for the one under test), cut where their durations last changed. A verdict needs 5 runs against 3; below that there "
        "is a suspicion at most, and it is said how many are missing. The analysis is kept in the file unless --no-save is given.",
        examples=[
            ("opscope compare --with last", "the latest run in its baseline"),
            ("opscope compare --with 7f3a 7f3b 7f3c --fail-over minor", "in CI: 1 if it is major or critical"),
            ("opscope compare 6e01 6e02 6e03 6e04 6e05 --with 7f3a 7f3b 7f3c", "these against those"),
            ("opscope compare --with last --stage execute --format json", "one stage, for a program"),
            ("opscope compare --list", "what was compared before"),
            ("opscope compare --show 1f2e", "one of these again"),
        ],
        exit_codes=(0, 1, 2, 4),
        meanings={0: "compared, and not over the limit", 1: "the severity is over the limit that --fail-over gives"},
    )
    parser.add_argument("base", metavar="BASE", nargs="*", help="runs of the baseline; chosen by rule if none is named")
    parser.add_argument("--with", dest="candidates", metavar="CAND", nargs="+", default=[], help="the runs in question")
    parser.add_argument("--baseline", metavar="last:N", type=_last, help="how many runs are chosen at most (last:30)")
    parser.add_argument("--stage", choices=[stage.value for stage in Stage], help="compare this stage alone")
    parser.add_argument(
        "--fail-over", choices=_SEVERITIES, help="exit 1 if the severity is worse than this; without it never"
    )
    parser.add_argument("--format", choices=_FORMATS, default="text", help="how the analysis is printed")
    parser.add_argument(
        "--save", action=argparse.BooleanOptionalAction, default=True, help="whether the analysis is kept in the file"
    )
    parser.add_argument("--list", action="store_true", help="list the kept analyses, the newest first")
    parser.add_argument("--show", metavar="ID", help="show a kept analysis by the beginning of its id")


def _last(text: str) -> int:
    match = re.fullmatch(r"last:(\d{1,4})", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is not last:N, such as last:30")
    return positive(match.group(1))


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Compare, list or show."""
    _check(arguments)
    if arguments.list:
        from tui.commands.compare_list import print_analyses

        return print_analyses(context, as_json=arguments.format == "json", limit=_LISTED)
    if arguments.show is not None:
        analysis, document = _stored(context, arguments.show)
    else:
        analysis, document = _compared(arguments, context)
        if arguments.save:
            from store.analyses import save_analysis
            from tui.commands.steer import teller

            document["analysis_id"] = save_analysis(context.database, document, on_wait=teller(context))
    _print(context, analysis, document, arguments.format)
    return ExitCode.FAILED if _is_over(analysis, arguments.fail_over) else ExitCode.SUCCEEDED


def _check(arguments: argparse.Namespace) -> None:
    chosen = [bool(arguments.candidates), arguments.list, arguments.show is not None]
    if sum(chosen) != 1:
        hint = "for example: opscope compare --with last"
        raise InputError("one of --with CAND, --list and --show ID is needed, and one alone", hint=hint)
    if arguments.base and not arguments.candidates:
        raise InputError("a baseline alone says nothing", hint="name the runs in question with --with")
    if arguments.base and arguments.baseline is not None:
        raise InputError("--baseline chooses the runs that BASE names", hint="give one of them")


def _is_over(analysis: Analysis, limit: str | None) -> bool:
    return limit is not None and _SEVERITIES.index(analysis.severity.value) > _SEVERITIES.index(limit)


def _stored(context: Context, prefix: str) -> tuple[Analysis, JsonObject]:
    from engine.regression.document import from_document
    from store.analyses import stored_analysis
    from tui.commands.records import open_reader

    if re.fullmatch(r"[0-9a-fA-F]{1,32}", prefix) is None:
        raise InputError(f"{prefix!r} is not the id of an analysis", hint="opscope compare --list lists them")
    with open_reader(context) as reader:
        head, document = stored_analysis(reader, prefix)
    return from_document(document), {**document, "analysis_id": head.analysis_id}


def _compared(arguments: argparse.Namespace, context: Context) -> tuple[Analysis, JsonObject]:
    from engine.regression.analysis import analyse
    from engine.regression.document import to_document
    from store.run_facts import read_runs
    from tui.commands.records import open_reader

    with open_reader(context) as reader:
        candidates = _ended(reader, arguments.candidates)
        notes: list[str] = []
        if arguments.base:
            base = [row.run_id for row in _ended(reader, arguments.base)]
        else:
            base, notes = _chosen(reader, candidates, arguments.baseline or _LAST)
        if both := set(base) & {row.run_id for row in candidates}:
            raise InputError(f"{min(both)[:6]} stands on both sides", hint="a run is of the baseline or in question")
        analysis = analyse(
            read_runs(reader, base),
            read_runs(reader, [row.run_id for row in candidates]),
            stage=Stage(arguments.stage) if arguments.stage else None,
            notes=notes,
        )
    return analysis, to_document(analysis, plan_id=candidates[0].plan_id)


def _ended(reader: Reader, texts: Sequence[str]) -> list[RunRow]:
    """The runs that are named, each once. Raises InputError for one that goes on."""
    from tui.commands.records import find_run

    found: dict[str, RunRow] = {}
    for text in texts:
        one = find_run(reader, text)
        if one.stage is not None:
            raise InputError("whole runs are compared", place=text, hint="--stage chooses the stage for all of them")
        if not one.run.status.is_final:
            raise InputError(
                f"the run has not ended: it is {one.run.status.value}", place=text, hint="compare it when it has"
            )
        found[one.run.run_id] = one.run
    return list(found.values())


def _chosen(reader: Reader, candidates: Sequence[RunRow], last: int) -> tuple[list[str], list[str]]:
    """The baseline by the rule, and what is to be said of the choice."""
    from engine.regression.baseline import choose_baseline
    from store.queries.comparison import heads_before, heads_by_id

    if len({row.plan_id for row in candidates}) > 1:
        raise InputError("the runs are of different plans", hint="name the runs of the baseline too")
    heads = reader.run(heads_by_id([row.run_id for row in candidates]))
    first_us = min(head.created_at_us for head in heads)
    history = reader.run(heads_before(candidates[0].plan_id, first_us))
    chosen = choose_baseline(heads, history, last=last)
    notes = [f"left out of the baseline: {number} {_that(reason, number)}" for reason, number in chosen.left_out]
    if chosen.under_test:
        notes.append(f"under test: {', '.join(chosen.under_test)}")
    return list(chosen.runs), notes


def _that(reason: str, number: int) -> str:
    return f"run that {reason}" if number == 1 else f"runs, each {reason}"


def _print(context: Context, analysis: Analysis, document: JsonObject, form: str) -> None:
    plan_id, analysis_id = (str(document.get(name) or "") for name in ("plan_id", "analysis_id"))
    if form == "json":
        context.out.json({**document, "analysis_id": analysis_id or None})
        return
    if form == "text":
        from tui.commands.compare_text import print_analysis

        print_analysis(context.out, analysis, plan_id, analysis_id)
        return
    from tui.viewmodel.comparison_formats import junit, markdown, title

    name = title(analysis, plan_id, analysis_id)
    context.out.text(junit(analysis, name) if form == "junit" else markdown(analysis, name))

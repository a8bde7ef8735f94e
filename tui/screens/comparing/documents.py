"""Reading what two runs were given and gave, part by part, and what the sides of a difference hold. Runs in a thread."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Final, TypeAlias

from engine.errors import PlanError
from engine.model.asset import parse_reference
from engine.model.states import Stage
from engine.plan.json_reader import read_json
from engine.regression.json_diff import DiffOptions, diff, volatile_paths
from engine.regression.json_diff.paths import pattern_of
from engine.regression.parts import PartKey
from engine.regression.verdict import DifferenceKind
from store import queries
from store.assets.reading import AssetLibrary
from store.queries.comparison import stage_facts, step_facts_page
from store.reader import Reader
from tui.viewmodel.comparing.changes import diff_lines
from tui.viewmodel.comparing.data import Alike, Compared, DataPart, Flow, Pair
from tui.viewmodel.comparing.differing import Contents, definition_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from engine.model.json import Json, JsonObject
    from engine.regression.verdict import Difference

_PAGE: Final = 2000
_NEVER: Final = 1 << 62
_LEARNT_FROM: Final = 6
_MOST_LOOKED_INTO: Final = 300
"""Parts of which it is looked at value by value whether they differ otherwise than runs of the baseline do."""
_MOST_NODES: Final = 20_000
_OPTIONS: Final = DiffOptions(ignore=("trace_id", "**.duration_ms"))
_SAID_APART: Final = ("duration_us", "duration_ms", "attempts", "started_at_us", "finished_at_us", "orchestration")


def read_parts(database: Path, pair: Pair, also: str | None) -> list[DataPart]:
    """The parts of either run, and whether what they gave differs; what differs from `also`, too, varies anyway.

    Values that are stored apart because of their length are not looked at. Raises StoreError.
    """
    with Reader.open(database) as reader:
        before, after = _outcomes(reader, pair.before), _outcomes(reader, pair.after)
        other = _outcomes(reader, also) if also is not None else {}
    found: list[DataPart] = []
    looked_into = 0
    for part in sorted({*before, *after}, key=lambda one: _order(one, before, after)):
        one, two = before.get(part), after.get(part)
        if one is None or two is None:
            alike = Alike.AFTER_ONLY if one is None else Alike.BEFORE_ONLY
        elif one[0] != two[0]:
            alike = Alike.OTHER
        elif one[1] is None or two[1] is None:
            alike = Alike.UNKNOWN
        elif one[1] == two[1]:
            alike = Alike.SAME
        else:
            third = other.get(part)
            looked_into += 1
            is_deep = looked_into <= _MOST_LOOKED_INTO
            varies = third is not None and _varies(one[1], two[1], third[1], is_deep=is_deep)
            alike = Alike.VARIES if varies else Alike.OTHER
        found.append(DataPart(part, alike, one[0] if one else "", two[0] if two else ""))
    return found


def _varies(before: str, after: str, other: str | None, *, is_deep: bool) -> bool:
    """True where nothing differs but what differs between two runs of the baseline, too."""
    if other is None or other == before:
        return False
    if not is_deep:
        return True
    mine, theirs, third = (json.loads(text) for text in (before, after, other))
    usual = {pattern_of(change.path) for change in diff(third, mine).changes}
    return all(pattern_of(change.path) in usual for change in diff(mine, theirs).changes)


_Outcomes: TypeAlias = "dict[PartKey, tuple[str, str | None, int]]"


def _order(part: PartKey, *sides: _Outcomes) -> tuple[int, int, int, str, int]:
    """As they ran: steps by when they began."""
    pass_index, stage, step_id, item = part.order
    began = next((side[part][2] for side in reversed(sides) if part in side and side[part][2]), 0)
    return pass_index, stage, began, step_id, item


def _outcomes(reader: Reader, run_id: str) -> _Outcomes:
    """How each part ended, what it gave as a text to compare (None where that is too large), when it began in its run."""
    found: _Outcomes = {}
    for stage, pass_index, status, _, data in reader.run(stage_facts(run_id)):
        # What the steps gave stands with the steps.
        gave = "" if stage is Stage.EXECUTE else _bare(data, "output")
        found[PartKey(stage, pass_index=pass_index)] = (status.value, gave, 0)
    for pass_index in range(1 + max((key.pass_index for key in found), default=0)):
        after = ("", -2)
        while page := reader.run(step_facts_page(run_id, pass_index, after=after, limit=_PAGE)):
            for row in page:
                step_id, item, status, data = row[0], row[1], row[2], row[12]
                key = PartKey(Stage.EXECUTE, step_id, None if item == -1 else item, pass_index)
                found[key] = (str(status), _bare(data, ""), int(row[8] or _NEVER))
            after = (page[-1][0], page[-1][1])
    return found


def _bare(data: str | None, inside: str) -> str | None:
    """The stored data without what differs in every run, as a text that is the same for the same values."""
    if data is None:
        return None
    document = json.loads(data)
    if inside:
        document = document.get(inside)
    if isinstance(document, dict):
        document = {name: value for name, value in document.items() if name not in _SAID_APART}
    return json.dumps(document, sort_keys=True)


def compare_part(database: Path, part: PartKey, flow: Flow, pair: Pair, baseline: Sequence[str]) -> Compared:
    """What differs in the input or output of a part; places that differ between runs of the baseline, too, are hidden.

    Raises StoreError.
    """
    with Reader.open(database) as reader:
        before, after = (_document(reader, run_id, part, flow) for run_id in (pair.before, pair.after))
        if before is None and after is None:
            return Compared(why=f"neither run has an {flow.value} here")
        if before is None or after is None:
            has, lacks = (pair.after, pair.before) if before is None else (pair.before, pair.after)
            return Compared(why=f"only {has[:6]} has an {flow.value} here; {lacks[:6]} has none")
        options, learnt = _OPTIONS, 0
        if _nodes(before, _MOST_NODES) < _MOST_NODES:
            others = [one for one in baseline if one not in (pair.before, pair.after)][-_LEARNT_FROM:]
            read = [_document(reader, run_id, part, flow) for run_id in (*others, pair.before)]
            known = [one for one in read if one is not None]
            diffs = [diff(one, other, _OPTIONS) for one, other in pairwise(known)]
            learnt = len(diffs)
            options = DiffOptions(ignore=_OPTIONS.ignore, volatile=volatile_paths(diffs))
    found = diff(before, after, options)
    return Compared(found, tuple(diff_lines(found)), learnt=learnt)


def _document(reader: Reader, run_id: str, part: PartKey, flow: Flow) -> JsonObject | None:
    if not part.step_id:
        if flow is Flow.INPUT:
            return reader.run(queries.stage_input(run_id, part.stage, part.pass_index))
        return reader.run(queries.stage_output(run_id, part.stage, part.pass_index, inline_bytes=0))
    if flow is Flow.OUTPUT:
        result = reader.run(queries.step_result(run_id, part.step_id, part.pass_index, part.item_index))
        if result is None:
            return None
        told = {name: value for name, value in result.items() if name not in _SAID_APART}
        # Text that is the data is there twice, once without the blanks around it.
        if str(told.get("stdout") or "").strip() == str(told.get("data") or "").strip():
            told.pop("stdout", None)
        return told
    attempts = reader.run(queries.attempts_of(run_id, part.step_id, part.pass_index, part.item_index))
    if not attempts:
        return None
    starting = attempts[-1].starting
    return {name: starting[name] for name in ("definition", "inputs", "env", "timeout_sec") if name in starting}


def _nodes(value: Json, most: int) -> int:
    """How many values a document holds, counted up to a limit."""
    waiting, count = [value], 0
    while waiting and count < most:
        one = waiting.pop()
        count += 1
        if isinstance(one, dict):
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
        elif isinstance(one, str):
            count += len(one) // 100
    return count


# What the sides of a difference hold


def read_contents(database: Path, one: Difference, pair: Pair) -> Contents | None:
    """What stands behind a difference; None where its values say all. Raises StoreError."""
    match one.kind:
        case DifferenceKind.ASSET:
            return _assets(database, one)
        case DifferenceKind.PLAN | DifferenceKind.PLAN_STEP:
            with Reader.open(database) as reader:
                plans = [reader.run(queries.plan_of(run_id)) for run_id in (pair.before, pair.after)]
            if plans[0] is None or plans[1] is None:
                return Contents(why="the plan of one of the runs is not in this file")
            documents = [read_json(plan.document).value for plan in plans if plan is not None]
            if one.kind is DifferenceKind.PLAN:
                return Contents(diff(documents[0], documents[1]), (plans[0].source, plans[1].source))
            steps = [_steps(document).get(one.name) for document in documents]
            if steps[0] is None or steps[1] is None:
                there = next((step for step in steps if step is not None), None)
                which = "candidate" if steps[0] is None else "baseline"
                return Contents(texts=None, why=f"only the {which} has it: {definition_text(there)}")
            return Contents(diff(steps[0], steps[1]))
        case DifferenceKind.PARAM:
            with Reader.open(database) as reader:
                runs = [reader.run(queries.run_by_id(run_id)) for run_id in (pair.before, pair.after)]
            values: list[Json] = [run.params.get(one.name) for run in runs if run is not None]
            if len(values) == 2 and any(isinstance(value, dict | list) for value in values):
                return Contents(diff(values[0], values[1]))
            return None
        case DifferenceKind.ENVIRONMENT | DifferenceKind.REPLAN:
            return None


def _assets(database: Path, one: Difference) -> Contents:
    from tui.viewmodel.asset_diff import structural_diff

    if not one.baseline or not one.candidates:
        return Contents(why="only one side has it")
    with AssetLibrary(database) as library:
        versions = []
        for text in (one.baseline[0][0], one.candidates[0][0]):
            try:
                reference = parse_reference(text)
            except ValueError:
                return Contents(why=f"{text} is no reference to a version of an asset")
            found = library.version(reference.name, reference.version) if reference.version is not None else None
            if found is None:
                return Contents(why=f"the content of {text} is not in this file")
            versions.append(found)
    before, after = versions
    try:
        said = structural_diff(before, after)
    except PlanError:
        said = None
    return Contents(said, (before.content, after.content))


def _steps(document: Json) -> Mapping[str, Json]:
    found: dict[str, Json] = {}
    for section in ("steps", "finally"):
        steps = document.get(section) if isinstance(document, dict) else None
        for step in steps if isinstance(steps, list) else []:
            if isinstance(step, dict) and isinstance(step.get("id"), str):
                found[str(step["id"])] = step
    return found

"""The diff itself: two documents walked side by side, equal parts skipped, moves found. Alignment of arrays is elsewhere.

The outline is that of XML's X-Diff and of Chawathe and Garcia-Molina ("Meaningful change detection in structured data",
1997), cut down to JSON: hash, skip what is equal, align by key, identity or sequence, then see what has moved.
"""

from __future__ import annotations

from collections import defaultdict, deque
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from engine.collector import collector_paused
from engine.regression.json_diff.arrays import Side, align
from engine.regression.json_diff.changes import Change, ChangeKind, JsonDiff
from engine.regression.json_diff.options import ArrayMode, DiffOptions, Rules, rules_of
from engine.regression.json_diff.sameness import Sameness
from engine.regression.json_diff.sequences import Budget

if TYPE_CHECKING:
    from engine.model.json import Json
    from engine.regression.json_diff.paths import Path
    from engine.regression.json_diff.sameness import Mark

RECOGNISABLE: Final = 8
"""Characters a string must have to count as the same one elsewhere; numbers and shorter words recur by chance."""

_NO_OPTIONS: Final = DiffOptions()


class _Pair(NamedTuple):
    """Two arrays or two objects that are not equal."""

    before_path: Path
    after_path: Path
    before: Json
    after: Json
    before_rules: Rules | None
    after_rules: Rules | None


class _Finding(NamedTuple):
    """A change of which there is more to know: whether its place is volatile, and the mark by which it is met again."""

    change: Change
    volatile: bool
    mark: Mark | None = None


_Found: TypeAlias = "Change | _Finding"
_Task: TypeAlias = "_Pair | _Found"


def diff(before: Json, after: Json, options: DiffOptions = _NO_OPTIONS) -> JsonDiff:
    """What differs between two JSON documents. Pure, without recursion; both must stay unchanged meanwhile.

    Equality is that of JSON (1 == 1.0, true != 1, the order of keys means nothing) but for the exceptions in `options`.
    Raises InputError on a bad pattern and on values that are no JSON.
    """
    rules = rules_of(options)
    if rules is not None and rules.ignored:
        return JsonDiff(before, after, ())
    with collector_paused():
        return _diff(before, after, options, rules)


def _diff(before: Json, after: Json, options: DiffOptions, rules: Rules | None) -> JsonDiff:
    walk = _Walk(options)
    walk.known.read(before, rules)
    walk.known.read(after, rules)
    findings: list[_Found] = []
    tasks: list[_Task] = []
    if not walk.same(before, after, rules, rules):
        tasks.append(walk.differs((), (), before, after, rules, rules))
    while tasks:
        task = tasks.pop()
        if isinstance(task, _Pair):
            found = walk.inside(task)
            found.reverse()
            tasks += found
        else:
            findings.append(task)
    findings = _with_moves(findings)
    changes: list[Change] = []
    hidden: list[Change] = []
    for finding in findings:
        if isinstance(finding, Change):
            changes.append(finding)
        else:
            (hidden if finding.volatile else changes).append(finding.change)
    return JsonDiff(before, after, tuple(changes), tuple(hidden))


class _Walk:
    """What the walk knows at every place: the marks, the budget, the options."""

    __slots__ = ("_identity_keys", "budget", "known")

    def __init__(self, options: DiffOptions) -> None:
        self.known = Sameness()
        self.budget = Budget()
        self._identity_keys = options.identity_keys

    def same(self, before: Json, after: Json, before_rules: Rules | None, after_rules: Rules | None) -> bool:
        """Whether two values are equal, by the rules at their places."""
        kind = type(before)
        if kind is type(after):
            if kind is dict or kind is list:
                return self.known.mark(before, before_rules) is self.known.mark(after, after_rules)
            if before == after:
                return True
        elif before == after and kind is not bool and type(after) is not bool:
            return True
        return (
            before_rules is not None
            and after_rules is not None
            and _close(before, after, before_rules.precision, after_rules.precision)
        )

    def differs(
        self, before_path: Path, after_path: Path, before: Json, after: Json,
        before_rules: Rules | None, after_rules: Rules | None,
    ) -> _Task:  # fmt: skip
        """Of two values that are not the same: the pair to look into, or the change."""
        kind = type(before)
        if kind is type(after) and (kind is dict or kind is list):
            return _Pair(before_path, after_path, before, after, before_rules, after_rules)
        change = Change(ChangeKind.CHANGED, before_path, after_path, before, after)
        if before_rules is after_rules is None:
            return change
        return _Finding(change, True) if _volatile(before_rules) or _volatile(after_rules) else change

    def inside(self, pair: _Pair) -> list[_Task]:
        """What differs one level below, in order."""
        if isinstance(pair.before, dict) and isinstance(pair.after, dict):
            if pair.before_rules is None and pair.after_rules is None:
                return self._plain_objects(pair.before_path, pair.after_path, pair.before, pair.after)
            return self._objects(pair, pair.before, pair.after)
        assert isinstance(pair.before, list)
        assert isinstance(pair.after, list)
        return self._arrays(pair, pair.before, pair.after)

    def _plain_objects(
        self, before_path: Path, after_path: Path, before: dict[str, Json], after: dict[str, Json]
    ) -> list[_Task]:
        """The same as `_objects` where no rule holds: most of the time goes by here."""
        unlike = self.known.unlike_keys(before, after)
        if unlike is not None:
            return [
                self.differs((*before_path, key), (*after_path, key), before[key], after[key], None, None)
                for key in unlike
            ]
        tasks: list[_Task] = []
        for key, value in before.items():
            if key not in after:
                tasks.append(self._removed(after_path, (*before_path, key), value, None))
            elif not self.same(value, after[key], None, None):
                tasks.append(self.differs((*before_path, key), (*after_path, key), value, after[key], None, None))
        for key, value in after.items():
            if key not in before:
                tasks.append(self._added(before_path, (*after_path, key), value, None))
        return tasks

    def _objects(self, pair: _Pair, before: dict[str, Json], after: dict[str, Json]) -> list[_Task]:
        before_path, after_path, _, _, before_rules, after_rules = pair
        tasks: list[_Task] = []
        for key, value in before.items():
            mine = before_rules and before_rules.step(key)
            theirs = after_rules and after_rules.step(key)
            if (mine and mine.ignored) or (theirs and theirs.ignored):
                continue
            if key in after:
                other = after[key]
                if not self.same(value, other, mine, theirs):
                    tasks.append(self.differs((*before_path, key), (*after_path, key), value, other, mine, theirs))
            else:
                tasks.append(self._removed(after_path, (*before_path, key), value, mine))
        for key, value in after.items():
            if key not in before:
                theirs = after_rules and after_rules.step(key)
                if not (theirs and theirs.ignored):
                    tasks.append(self._added(before_path, (*after_path, key), value, theirs))
        return tasks

    def _arrays(self, pair: _Pair, before: list[Json], after: list[Json]) -> list[_Task]:
        before_path, after_path, _, _, before_rules, after_rules = pair
        mode: ArrayMode = ArrayMode.ORDERED
        keys: tuple[str, ...] = ()
        for rules in (before_rules, after_rules):
            if rules is not None and rules.mode is not ArrayMode.ORDERED:
                mode, keys = rules.mode, rules.keys
                break
        sides = Side.of(before, before_rules, self.known), Side.of(after, after_rules, self.known)
        tasks: list[_Task] = []
        for here, there, moved in align(*sides, mode, keys, self._identity_keys, self.known, self.budget):
            if there is None:
                assert here is not None
                mine = before_rules and before_rules.step(here)
                tasks.append(self._removed(after_path, (*before_path, here), before[here], mine))
            elif here is None:
                theirs = after_rules and after_rules.step(there)
                tasks.append(self._added(before_path, (*after_path, there), after[there], theirs))
            else:
                before_at, after_at, one, other = (*before_path, here), (*after_path, there), before[here], after[there]
                mine = before_rules and before_rules.step(here)
                theirs = after_rules and after_rules.step(there)
                if moved:
                    change = Change(ChangeKind.MOVED, before_at, after_at, one, other, before_path)
                    tasks.append(_Finding(change, _volatile(mine) or _volatile(theirs)))
                # Without rules and moves, only what differs is said at all.
                plain = mine is theirs is None
                if (not plain or moved) and self.same(one, other, mine, theirs):
                    continue
                if plain and type(one) is dict and type(other) is dict:
                    # What comes of the pair, instead of the pair: an array may have thousands of them.
                    tasks += self._plain_objects(before_at, after_at, one, other)
                else:
                    tasks.append(self.differs(before_at, after_at, one, other, mine, theirs))
        return tasks

    def _removed(self, container: Path, path: Path, value: Json, rules: Rules | None) -> _Found:
        mark = self.known.mark(value, rules) if _recognisable(value) else None
        return _Finding(
            Change(ChangeKind.REMOVED, path, None, before=value, container=container), _volatile(rules), mark
        )

    def _added(self, container: Path, path: Path, value: Json, rules: Rules | None) -> _Found:
        mark = self.known.mark(value, rules) if _recognisable(value) else None
        return _Finding(Change(ChangeKind.ADDED, None, path, after=value, container=container), _volatile(rules), mark)


def _volatile(rules: Rules | None) -> bool:
    return rules is not None and rules.volatile


def _close(before: Json, after: Json, *precisions: float | None) -> bool:
    """Whether two numbers differ by no more than the precision asked for."""
    asked = [precision for precision in precisions if precision is not None]
    if not asked or isinstance(before, bool) or isinstance(after, bool):
        return False
    if not isinstance(before, int | float) or not isinstance(after, int | float):
        return False
    try:
        return abs(before - after) <= max(asked)
    except OverflowError:  # an integer beyond the floats beside a float: nothing is close to it
        return False


def _recognisable(value: Json) -> bool:
    """Whether an equal value elsewhere is likely to be this one."""
    return len(value) >= RECOGNISABLE if isinstance(value, str) else isinstance(value, dict | list) and bool(value)


def _with_moves(findings: list[_Found]) -> list[_Found]:
    """What is gone in one place and new in another has moved; it stands where it is new."""
    gone: defaultdict[Mark, deque[tuple[int, _Finding]]] = defaultdict(deque)
    come: list[tuple[int, _Finding]] = []
    for place, finding in enumerate(findings):
        if isinstance(finding, _Finding) and finding.mark is not None:
            if finding.change.kind is ChangeKind.REMOVED:
                gone[finding.mark].append((place, finding))
            elif finding.change.kind is ChangeKind.ADDED:
                come.append((place, finding))
    dropped: set[int] = set()
    kept = list(findings)
    for place, finding in come:
        if not gone.get(finding.mark):
            continue
        origin, old = gone[finding.mark].popleft()
        dropped.add(origin)
        moved = finding.change._replace(
            kind=ChangeKind.MOVED, before_path=old.change.before_path, before=old.change.before
        )
        kept[place] = _Finding(moved, finding.volatile and old.volatile)
    return [finding for place, finding in enumerate(kept) if place not in dropped] if dropped else kept

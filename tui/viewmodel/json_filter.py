"""The path filter of the JSON viewer: what is typed, which paths it lets through, and what leads to them. Showing that is the tree's."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fnmatch import translate
from typing import TYPE_CHECKING, Final, TypeAlias

from tui.viewmodel.json_nodes import Branch, Node, Path
from tui.viewmodel.json_packed import is_list, is_object
from tui.viewmodel.json_search import may_hold
from tui.viewmodel.json_walk import Look, members

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tui.viewmodel.json_packed import Wanted

_BREATH = 2000
_PART: Final = re.compile(
    r"""(?P<deep>\.\.)|(?P<dot>\.)|\[\*\](?P<any>)|\[(?P<from>\d{0,9}):(?P<to>\d{0,9})\]|\[(?P<at>\d{1,9})\]"""
    r"""|\['(?P<single>[^']*)'\]|\["(?P<double>[^"]*)"\]|(?P<name>[^.\[\]]+)"""
)


class PathFaultError(ValueError):
    """What was typed is no path; the text says from where on."""


@dataclass(frozen=True, slots=True)
class Deep:
    """Any number of levels."""


@dataclass(frozen=True, slots=True)
class Name:
    """A key, any case; `*` and `?` stand for other letters where it is no literal."""

    text: str
    fits: re.Pattern[str] = field(compare=False)


@dataclass(frozen=True, slots=True)
class Index:
    """Places in a list, from `start` to before `stop`."""

    start: int
    stop: int | None


Step: TypeAlias = Deep | Name | Index


@dataclass(frozen=True, slots=True)
class Pattern:
    """A path with gaps. `rooted`: it begins at the top, or says itself that it does not."""

    steps: tuple[Step, ...]
    rooted: bool

    def begin(self) -> frozenset[int]:
        """How far it is fulfilled before any step."""
        return self._with_gaps({0})

    def after(self, fulfilled: frozenset[int], key: str | int) -> frozenset[int]:
        """How far it is fulfilled one level deeper, by a key or an index."""
        reached = set[int]()
        for place in fulfilled:
            if place == len(self.steps):
                continue
            step = self.steps[place]
            if isinstance(step, Deep):
                reached.add(place)
            elif _takes(step, key):
                reached.add(place + 1)
        return self._with_gaps(reached)

    def is_whole(self, fulfilled: frozenset[int]) -> bool:
        """True where nothing is missing any more."""
        return len(self.steps) in fulfilled

    def _with_gaps(self, places: set[int]) -> frozenset[int]:
        for place in sorted(places):
            at = place
            while at < len(self.steps) and isinstance(self.steps[at], Deep):
                at += 1
                places.add(at)
        return frozenset(places)


def parse(text: str) -> Pattern:
    """`result.ping.*`, `rows[*].name`, `rows[2:5]`, `..error`, `['odd key']`. Raises PathFaultError."""
    typed = text.strip()
    rooted = typed.startswith("$")
    rest = typed[1:] if rooted else typed
    offset = len(text) - len(text.lstrip()) + (1 if rooted else 0)
    steps: list[Step] = []
    at, wants = 0, False
    while at < len(rest):
        found = _PART.match(rest, at)
        if found is None or (wants and found["dot"]):
            raise PathFaultError(f"no path from character {offset + at + 1} on")
        at = found.end()
        wants = bool(found["dot"] or found["deep"])
        if found["deep"]:
            steps.append(Deep())
        elif not found["dot"]:
            steps.append(_step(found))
    # A path whose end is still being typed is the path so far.
    while steps and isinstance(steps[-1], Deep):
        steps.pop()
    return Pattern(tuple(steps), rooted or bool(steps and isinstance(steps[0], Deep)))


def _step(found: re.Match[str]) -> Step:
    if (name := found["name"]) is not None:
        return Name(name.casefold(), re.compile(translate(name.casefold().replace("[", "[[]"))))
    quoted = found["single"] if found["single"] is not None else found["double"]
    if quoted is not None:
        return Name(quoted.casefold(), re.compile(re.escape(quoted.casefold())))
    if found["at"] is not None:
        return Index(int(found["at"]), int(found["at"]) + 1)
    if found["any"] is not None:
        return Index(0, None)
    return Index(int(found["from"] or 0), int(found["to"]) if found["to"] else None)


def _takes(step: Step, key: str | int) -> bool:
    match step:
        case Name(text):
            return text == "*" if isinstance(key, int) else step.fits.fullmatch(key.casefold()) is not None
        case Index(start, stop):
            return isinstance(key, int) and start <= key and (stop is None or key < stop)
        case Deep():
            return True


@dataclass(slots=True)
class Sieve:
    """What a filter lets through: the paths that fit with all that is in them, and of what leads there only that."""

    text: str
    branches: dict[Path, Let] = field(default_factory=dict)
    matches: list[Path] = field(default_factory=list)

    def through(self, path: Path) -> Let | None:
        """Which members of an object or a list are let through; None: all."""
        return self.branches.get(path)

    def add(self, path: Path, nodes: Sequence[Node]) -> None:
        """Let a path through; `nodes` stand along it, one for each part."""
        self.matches.append(path)
        for end, node in enumerate(nodes):
            self.branches.setdefault(path[:end], Let()).nodes[path[end]] = node


@dataclass(slots=True)
class Let:
    """The members of one object or list that are let through, as they were found."""

    nodes: dict[object, Node] = field(default_factory=dict)

    def members(self, inner: Mapping[str, Node] | Sequence[Node]) -> Iterator[tuple[str | int, Node]]:
        """Those of them that are still there, with the values that they have now."""
        for key, found in self.nodes.items():
            if isinstance(inner, dict) and isinstance(key, str):
                if key in inner:
                    yield key, inner[key]
            elif isinstance(inner, list) and isinstance(key, int):
                if key < len(inner):
                    yield key, inner[key]
            elif isinstance(key, (str, int)):
                yield key, found


def sift(look: Look, pattern: Pattern, most: int, tell: Callable[[int], None]) -> Sieve:
    """The first `most` places that fit. A path that begins nowhere at the top is looked for one level below, then everywhere.

    `tell` hears now and then how many there are; what it raises ends the work.
    """
    sieve = Sieve("", {(): Let()})
    if not pattern.steps:
        return sieve
    anywhere = (
        Pattern((Name("*", re.compile(".*", re.DOTALL)), *pattern.steps), True),
        Pattern((Deep(), *pattern.steps), True),
    )
    for tried in (pattern,) if pattern.rooted else (pattern, *anywhere):
        _sift(look, tried, most, tell, sieve)
        if sieve.matches:
            break
    return sieve


def _sift(look: Look, pattern: Pattern, most: int, tell: Callable[[int], None], sieve: Sieve) -> None:
    seen = 0
    above: list[Node] = []
    keys: list[str | int] = []
    first = pattern.begin()
    stack = [(members((), look.content(look.root), _worth_it(pattern, first), in_ranges=False), first)]
    while stack:
        going, fulfilled = stack[-1]
        place = next(going, None)
        if place is None:
            stack.pop()
            if stack:
                above.pop()
                keys.pop()
            continue
        _, key, node = place
        seen += 1
        if seen % _BREATH == 0 or isinstance(node, Branch):
            tell(len(sieve.matches))
        reached = pattern.after(fulfilled, key)
        if pattern.is_whole(reached):
            sieve.add((*keys, key), (*above, node))
            if len(sieve.matches) >= most:
                return
        elif reached:
            inner = look.content(node)
            if is_object(inner) or is_list(inner):
                above.append(node)
                keys.append(key)
                stack.append((members((), inner, _worth_it(pattern, reached), in_ranges=False), reached))


def _worth_it(pattern: Pattern, fulfilled: frozenset[int]) -> Wanted:
    """Whether members that are still text can lead to a match: their places fit, and every name that is missing is in it."""
    ways = []
    for place in fulfilled:
        names = [step for step in pattern.steps[place:] if isinstance(step, Name) and _is_literal(step)]
        step = pattern.steps[place] if place < len(pattern.steps) else None
        ways.append(
            (step if isinstance(step, Index) else None, [held for name in names if (held := may_hold(name.text))])
        )

    def wanted(text: bytes, first: int, stop: int) -> bool:
        return any(
            (index is None or (index.start < stop and (index.stop is None or first < index.stop)))
            and all(held(text, first, stop) for held in names)
            for index, names in ways
        )

    return wanted


def _is_literal(step: Name) -> bool:
    return not any(sign in step.text for sign in "*?")

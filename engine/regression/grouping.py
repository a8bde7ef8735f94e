"""One cause, one line: which changes belong together because one thing made them. Pure; what that thing was is attribution's."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

Key = TypeVar("Key", bound="Hashable")

_MANY: Final = 3
_MOST_OF_ALL: Final = 0.5


@dataclass(frozen=True, slots=True)
class Moved(Generic[Key]):
    """A change that counts. `name` is what it has in common with others of its kind (a step's id, in any pass or loop);
    `within` is what it is a part of and makes longer, such as its stage."""

    key: Key
    name: str
    is_slower: bool
    delta_sec: float
    within: str = ""


@dataclass(frozen=True, slots=True)
class Line(Generic[Key]):
    """Changes that are told in one line; the largest first. `is_everywhere` where most of all that was looked at moved."""

    text: str
    moved: tuple[Moved[Key], ...]
    is_slower: bool
    is_everywhere: bool = False


def one_line_each(moved: Sequence[Moved[Key]], *, looked_at: int) -> list[Line[Key]]:
    """The lines, the largest change first. `looked_at` is of how many names there was evidence.

    The same name in several places is one line. A whole that got longer because its parts did belongs to the largest of
    them. Where at least three names and more than half of all moved the same way, it is the environment: one line for all.
    """
    lines: list[Line[Key]] = []
    for is_slower in (True, False):
        lines += _one_way([one for one in moved if one.is_slower is is_slower], looked_at)
    return sorted(lines, key=lambda line: (not line.is_slower, -abs(line.moved[0].delta_sec), line.text))


def _one_way(moved: list[Moved[Key]], looked_at: int) -> list[Line[Key]]:
    if not moved:
        return []
    word = "slower" if moved[0].is_slower else "faster"
    by_name: dict[str, list[Moved[Key]]] = defaultdict(list)
    for one in sorted(moved, key=lambda one: (-abs(one.delta_sec), one.name, str(one.key))):
        by_name[one.name].append(one)
    for name in list(by_name):
        inside = [
            group for other, group in by_name.items() if other != name and any(one.within == name for one in group)
        ]
        if inside:
            max(inside, key=lambda group: abs(group[0].delta_sec)).extend(by_name.pop(name))
    parts = [name for name, group in by_name.items() if group[0].within]
    if len(parts) >= _MANY and len(parts) > _MOST_OF_ALL * looked_at:
        every = tuple(one for group in by_name.values() for one in group)
        text = f"{len(parts)} of {looked_at} steps are {word} at once: this looks like the environment"
        return [Line(text, every, moved[0].is_slower, is_everywhere=True)]
    return [Line(_text(name, group, word), tuple(group), group[0].is_slower) for name, group in by_name.items()]


def _text(name: str, group: list[Moved[Key]], word: str) -> str:
    same = sum(one.name == name for one in group)
    return f"{name} is {word}" if same == 1 else f"{name} is {word} in {same} places: one cause is likely"

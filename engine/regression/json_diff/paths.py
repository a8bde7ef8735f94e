"""Places in a JSON document: paths, their text, and patterns of them. What is done at a place is decided elsewhere."""

from __future__ import annotations

import re
from enum import Enum
from typing import Final, TypeAlias

from engine.errors import InputError

Path: TypeAlias = "tuple[str | int, ...]"
"""Keys and array indices from the root; `()` is the whole document."""

ROOT: Final = "$"
"""How the whole document is written."""

_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_PART: Final = re.compile(
    r"(?P<deep>\.?\*\*)|(?P<any>\.?\*|\[\*\])|\[(?P<index>0|[1-9][0-9]*)\]"
    r"|\['(?P<quoted>(?:[^'\\]|\\.)*)'\]|\.?(?P<name>[^.*\[\]]+)",
    re.DOTALL,
)


class Wild(Enum):
    """What a pattern may hold besides keys and indices."""

    ONE = "*"
    """Any one key or index."""
    DEEP = "**"
    """Any number of them, none too."""


Pattern: TypeAlias = "tuple[str | int | Wild, ...]"


def path_text(path: Path | Pattern) -> str:
    """`rows[3].name`; a key that is no plain name is quoted: `['a.b']`. The root is `$`."""
    parts: list[str] = []
    for part in path:
        match part:
            case int():
                parts.append(f"[{part}]")
            case str() if _PLAIN.fullmatch(part):
                parts.append(f".{part}" if parts else part)
            case str():
                escaped = part.replace("\\", "\\\\").replace("'", "\\'")
                parts.append(f"['{escaped}']")
            case Wild.ONE:
                parts.append("[*]")
            case Wild.DEEP:
                parts.append(".**" if parts else "**")
    return "".join(parts) or ROOT


def pattern_of(path: Path) -> Pattern:
    """The path with every array index left open, so that the same place in all elements is one pattern."""
    return tuple(Wild.ONE if isinstance(part, int) else part for part in path)


def parse_pattern(text: str) -> Pattern:
    """Read what `path_text` writes, with `*` for any one key or index and `**` for any number of them.

    Keys with `.`, `*`, `[` or `]` in them must be quoted. Raises InputError where the text is no pattern.
    """
    if text == ROOT:
        return ()
    parts: list[str | int | Wild] = []
    place = 0
    while place < len(text) or not text:
        found = _PART.match(text, place)
        # What stands in no brackets starts the text or follows a dot; `rows[0]name` is a slip of the pen.
        if found is None or (text[place] != "[" and (place > 0) != (text[place] == ".")):
            raise InputError(
                f"{text!r} is no path: it cannot be read from character {place + 1} on",
                hint="paths look like messages[*].content, rows[0]['odd.key'] or **.duration_ms",
            )
        if found["deep"] is not None:
            parts.append(Wild.DEEP)
        elif found["any"] is not None:
            parts.append(Wild.ONE)
        elif found["index"] is not None:
            parts.append(int(found["index"]))
        elif found["quoted"] is not None:
            parts.append(re.sub(r"\\(.)", r"\1", found["quoted"], flags=re.DOTALL))
        else:
            parts.append(found["name"])
        place = found.end()
    return tuple(parts)

"""JSON Pointer (RFC 6901): a path as text and back. What is done there is for the patch."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from engine.errors import InputError

if TYPE_CHECKING:
    from engine.regression.json_diff.paths import Path

_BAD_ESCAPE: Final = re.compile(r"~(?![01])")


def pointer_text(path: Path) -> str:
    """`/rows/3/a~1b`; the whole document is the empty text."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)


def pointer_parts(text: str) -> tuple[str, ...]:
    """The parts, unescaped; what they mean depends on the document. Raises InputError on a pointer that is none."""
    if text and not text.startswith("/"):
        raise InputError("a pointer is empty or begins with /", place=text, hint="see RFC 6901")
    if _BAD_ESCAPE.search(text):
        raise InputError("~ in a pointer is followed by 0 or 1", place=text, hint="~ itself is written ~0, and / is ~1")
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:])

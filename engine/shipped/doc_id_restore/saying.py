"""Words for people: lines for the log, names of files that can be read, and refusing in one sentence."""

from __future__ import annotations

import json
import sys
from typing import NoReturn


def refuse(message: str, *details: str) -> NoReturn:
    """End the step with this sentence as its cause; the details stand above it in the error stream."""
    for detail in details:
        sys.stderr.write(f"{detail}\n")
    raise SystemExit(message)


def say(text: str) -> None:
    """A line for the log of the step."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def shown(name: str) -> str:
    """A file's name, quoted where it has quotes or anything that does not show."""
    return name if name.isprintable() and '"' not in name and "\\" not in name else json.dumps(name, ensure_ascii=False)


def counted(number: int, word: str) -> str:
    """`1 document`, `2 documents`."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def listed(names: list[str], most: int = 8) -> str:
    """`a, b and 3 more`."""
    words = ", ".join(names[:most])
    return f"{words} and {len(names) - most} more" if len(names) > most else words

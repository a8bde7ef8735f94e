"""An exception that was described as data, in one line for a person. Describing it is python_child's, which also runs elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.model.json import Json, JsonObject

_MESSAGE_LENGTH = 500


def exception_words(error: JsonObject) -> str:
    """`ValueError: no such host (at reports/ci.py, line 12, in aggregate)`."""
    kind, message = str(error.get("type") or "an exception"), _first_line(str(error.get("message") or ""))
    words = f"{kind}: {message}" if message else kind
    traceback = error.get("traceback")
    place = _place(traceback[-1]) if isinstance(traceback, list) and traceback else ""
    return f"{words} ({place})" if place else words


def _first_line(text: str) -> str:
    line = text.strip().partition("\n")[0].strip()
    return line if len(line) <= _MESSAGE_LENGTH else f"{line[: _MESSAGE_LENGTH - 1]}…"


def _place(frame: Json) -> str:
    if not isinstance(frame, dict):
        return ""
    function = frame.get("function")
    inside = f", in {function}" if function and function != "<module>" else ""
    return f"at {frame.get('file')}, line {frame.get('line')}{inside}"

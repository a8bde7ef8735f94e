"""An exception that was recorded as data, as lines: its type and message, the frames with the innermost first, its causes. Pure."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final

from tui.viewmodel.shell_text import list_in
from tui.viewmodel.words import plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.model.json import Json, JsonObject

MOST_FRAMES: Final = 4
_MOST_CAUSES: Final = 5
_MOST_MESSAGE: Final = 8


@dataclass(frozen=True, slots=True)
class Frame:
    """One call: where it stands, and the line of code if it is known."""

    place: str
    code: str


def is_exception(error: Json) -> bool:
    """True for what a python step or a tool recorded of an exception."""
    return isinstance(error, dict) and isinstance(error.get("type"), str) and isinstance(error.get("traceback"), list)


def headline(error: JsonObject) -> str:
    """`ValueError: no such host`, the first line of the message only."""
    message = str(error.get("message") or "").strip().partition("\n")[0]
    return f"{error.get('type')}: {message}" if message else str(error.get("type"))


def frames_of(error: JsonObject, folder: str = "") -> list[Frame]:
    """The calls, the innermost first. Files below `folder` are named from there on."""
    return [_frame(entry, folder) for entry in reversed(list_in(error.get("traceback")))]


def chain_of(error: JsonObject) -> Iterator[JsonObject]:
    """The exception, then what it was raised from, and so on."""
    found: Json = error
    for _ in range(_MOST_CAUSES + 1):
        if not isinstance(found, dict):
            return
        yield found
        found = found.get("cause")


def error_lines(error: JsonObject, folder: str = "", most: int = MOST_FRAMES) -> list[str]:
    """All of it as lines for a person; of each exception the frames nearest to the failure."""
    lines: list[str] = []
    for number, raised in enumerate(chain_of(error)):
        lines.append(headline(raised) if number == 0 else f"because of {headline(raised)}")
        more = str(raised.get("message") or "").strip().split("\n")[1:]
        lines += [f"  {line}" for line in more[:_MOST_MESSAGE]]
        frames = frames_of(raised, folder)
        shown = 0
        for frame, same in [(frame, len(list(same))) for frame, same in groupby(frames)][:most]:
            lines.append(f"  {frame.place}" + (f", {same} times" if same > 1 else ""))
            lines += [f"      {frame.code}"] if frame.code else []
            shown += same
        omitted = raised.get("omitted_frames")
        above = len(frames) - shown + (omitted if isinstance(omitted, int) else 0)
        if above:
            lines.append(f"  and {plural(above, 'more call')} above")
        lines += [f"  note: {note}" for note in list_in(raised.get("notes"))]
        lines += [f"  one of it: {headline(one)}" for one in list_in(raised.get("exceptions")) if isinstance(one, dict)]
    return lines


def _frame(entry: Json, folder: str) -> Frame:
    if not isinstance(entry, dict):
        return Frame(str(entry), "")
    file = str(entry.get("file"))
    if folder and file.startswith(folder.rstrip("/") + "/"):
        file = posixpath.relpath(file, folder)
    return Frame(f"{file}:{entry.get('line')} in {entry.get('function')}", str(entry.get("text") or ""))

"""The front matter of a document as bytes: which id it has and how it looks with another one. Nothing else of it is touched.

This is no YAML parser: an id is a scalar on one line. What is anything else is called unreadable and left to a person.
"""

from __future__ import annotations

import json
import re
from typing import NamedTuple

_OPENING = re.compile(rb"(?:\xef\xbb\xbf)?---[ \t]*(\r?\n)")
_CLOSING = re.compile(rb"^(?:---|\.\.\.)[ \t]*\r?$", re.MULTILINE)
_DOUBLE = re.compile(r'("(?:[^"\\]|\\.)*")(\s+#.*)?')
_SINGLE = re.compile(r"('(?:[^']|'')*')(\s+#.*)?")
_PLAIN = re.compile(r"(.*?)(\s+#.*|#.*)?")
_EMPTY = ("", "~", "null", "Null", "NULL", '""', "''")
_NOT_PLAIN = "[]{}|>&*!%@`,?\"'"


class Id(NamedTuple):
    """What a document says of its id. `state` is present, missing, none (no front matter) or unreadable, for which `why` is."""

    state: str
    text: str = ""
    raw: str = ""
    why: str = ""


def read_id(content: bytes, field: str) -> Id:
    """The id of a document. `raw` is as it is written, quotes and all."""
    opening = _OPENING.match(content)
    if opening is None:
        return Id("none")
    closing = _CLOSING.search(content, opening.end())
    if closing is None:
        return Id("unreadable", why="its front matter does not end")
    lines = list(_line(field).finditer(content, opening.end(), closing.start()))
    if not lines:
        return Id("missing")
    if len(lines) > 1:
        return Id("unreadable", why=f"{field} stands there {len(lines)} times")
    try:
        value = (lines[0]["value"] or b"").decode("utf-8")
    except UnicodeDecodeError:
        return Id("unreadable", why=f"its {field} is not UTF-8")
    if content[lines[0].end() : closing.start()].lstrip(b"\r\n")[:1] in (b" ", b"\t"):
        return Id("unreadable", why=f"its {field} goes on in the next line")
    return _value(value, field)


def with_id(content: bytes, field: str, raw: str) -> bytes:
    """The document with this id, written as `raw` is; everything else byte for byte as it was."""
    opening = _OPENING.match(content)
    closing = None if opening is None else _CLOSING.search(content, opening.end())
    if opening is None or closing is None:
        raise ValueError("a document without front matter has no place for an id")
    line = _line(field).search(content, opening.end(), closing.start())
    if line is None:
        return b"".join([content[: opening.end()], f"{field}: {raw}".encode(), opening[1], content[opening.end() :]])
    value = (line["value"] or b"").decode("utf-8")
    comment = _split(value)[1]
    if comment and not comment[0].isspace():
        comment = f" {comment}"
    return content[: line.start()] + line["key"] + f": {raw}{comment}".encode() + content[line.end() :]


def _line(field: str) -> re.Pattern[bytes]:
    name = re.escape(field.encode())
    return re.compile(
        rb"^(?P<key>"
        + name
        + rb"|\""
        + name
        + rb"\"|'"
        + name
        + rb"')[ \t]*:(?:[ \t]+(?P<value>[^\r\n]*?))?[ \t]*(?=\r?$)",
        re.MULTILINE,
    )


def _split(value: str) -> tuple[str, str]:
    """The scalar as it is written, and the comment behind it."""
    for pattern in (_DOUBLE, _SINGLE, _PLAIN):
        found = pattern.fullmatch(value)
        if found is not None:
            return found[1], found[2] or ""
    return value, ""


def _value(value: str, field: str) -> Id:
    raw, _ = _split(value)
    if raw in _EMPTY:
        return Id("missing")
    if raw[0] == '"' and raw[-1] == '"' and len(raw) > 1:
        try:
            text = json.loads(raw)
        except ValueError:
            return Id("unreadable", why=f"its {field} has an escape in it that is not known here")
        return Id("present", str(text), raw) if text.strip() else Id("missing")
    if raw[0] == "'" and raw[-1] == "'" and len(raw) > 1:
        text = raw[1:-1].replace("''", "'")
        return Id("present", text, raw) if text.strip() else Id("missing")
    if raw[0] in _NOT_PLAIN or ": " in raw:
        return Id("unreadable", why=f"its {field} is no plain text: {raw[:40]}")
    return Id("present", raw, raw)

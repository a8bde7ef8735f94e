"""A document as plain values plus where each of them stands in the text. What the values mean is nobody's business here."""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from engine.errors import Fault

if TYPE_CHECKING:
    from engine.model.json import Json
    from engine.plan.faults import Path

MAX_BYTES = 64 * 1024 * 1024
MAX_DEPTH = 64
MAX_NODES = 2_000_000
"""A hundred thousand steps of twenty values each: a field's name is one, its value another."""

MAX_LOOSE_NODES = 200_000
"""Outside of all steps, or in one of them. Whatever has no end in sight by then is data, and data has files of its own."""

MAX_TEXT_CHARS = 1024 * 1024
"""One text of a plan. The kernel takes no argument beyond 128 KiB; a query or a page of Markdown may be longer."""

MAX_BRACES = 500_000
"""In all texts together. Each may begin a reference, and looking at one takes about a microsecond."""

_NUMBER_TEXT = re.compile(r"[-+.0-9eE]+")
_MAX_INTEGER = 2**63 - 1
_GATE_FAULTS = 50
_GATE_FAULTS_COUNTED = 1000
_PARTS = "steps"
_LOOK_EVERY = 25_000


class GateError(Exception):
    """The text cannot become a document: one fault that ends the reading."""

    def __init__(self, message: str, hint: str = "", *, offset: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.offset = offset


REST = Fault("there may be more faults", hint="a plan of this length is refused as soon as some are found")


class StoppedError(Exception):
    """The reading was given up where it was certain that the document will be refused, with the faults found so far."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__(f"{len(faults)} faults")
        self.faults = (*faults, REST)


class Watch(Protocol):
    """Looks at a long document from time to time while it is being read."""

    def look(self, document: Document) -> None:
        """The steps that the document has are complete; more may follow. Raises StoppedError if one of them is wrong."""


@dataclass(slots=True)
class Document:
    """`value` is JSON; `faults` are those of the text itself, found on the way.

    Places are kept as one number a node, in the order in which the nodes are written (a key before its value), and are
    looked up only when there is something to say.
    """

    text: str
    value: Json = None
    offsets: array[int] = field(default_factory=lambda: array("q"))
    faults: list[Fault] = field(default_factory=list)
    unlisted: int = 0

    def line_column(self, offset: int) -> tuple[int, int]:
        """Line and column, both from 1, of a character."""
        line = self.text.count("\n", 0, offset) + 1
        return line, offset - self.text.rfind("\n", 0, offset)

    def fault(self, message: str, hint: str, offset: int | None, path: str = "") -> Fault:
        """A fault of the text at a character."""
        line, column = (None, None) if offset is None else self.line_column(offset)
        return Fault(message=message, path=path, line=line, column=column, hint=hint)

    def places(self, wanted: set[tuple[Path, bool]]) -> dict[tuple[Path, bool], tuple[int | None, int | None]]:
        """Line and column of each (path, at_key). A path that is not in the text gets the place of the deepest part that is."""
        if not wanted:
            return {}
        starts = {}
        for path, at_key in wanted:
            real = self._existing(path)
            starts[path, at_key] = (real, at_key and real == path and bool(path) and isinstance(path[-1], str))
        offsets = self._offsets_of(set(starts.values()))
        return {
            asked: self.line_column(offsets[place]) if place in offsets else (None, None)
            for asked, place in starts.items()
        }

    def number_texts(self, paths: list[Path]) -> list[str]:
        """The characters of the numbers at these paths, as they were written."""
        real = [(self._existing(path), False) for path in paths]
        offsets = self._offsets_of(set(real))
        found = [_NUMBER_TEXT.match(self.text, offsets[place]) if place in offsets else None for place in real]
        return [match[0] if match is not None else "" for match in found]

    def written(self, path: Path) -> Path:
        """The path as it stands in the text, where a shorthand has its fields on the step itself."""
        if (
            len(path) > 2
            and path[0] in ("steps", "finally")
            and path[2] == "step_def"
            and "step_def" not in self._existing(path[:3])
        ):
            return (*path[:2], *path[3:])
        return path

    def _existing(self, path: Path) -> Path:
        """The part of the path that the text has. A shorthand's fields stand on the step itself."""
        value: Any = self.value
        real: list[str | int] = []
        for part in path:
            if isinstance(value, dict) and part in value:
                value = value[str(part)]
            elif isinstance(value, list) and isinstance(part, int) and 0 <= part < len(value):
                value = value[part]
            elif part == "step_def" and isinstance(value, dict):
                continue
            else:
                break
            real.append(part)
        return tuple(real)

    def _offsets_of(self, wanted: set[tuple[Path, bool]]) -> dict[tuple[Path, bool], int]:
        """Walk the values in the order of the text, counting nodes, and pick out the places asked for."""
        if not wanted:
            return {}
        prefixes = {path[:length] for path, _ in wanted for length in range(len(path) + 1)}
        found: dict[tuple[Path, bool], int] = {}
        index = 0
        stack: list[tuple[Any, Path | None, Path | None]] = [(self.value, (), None)]
        while stack and len(found) < len(wanted):
            value, path, key_path = stack.pop()
            if key_path is not None:
                if (key_path, True) in wanted:
                    found[key_path, True] = self.offsets[index]
                index += 1
                continue
            if path is not None and (path, False) in wanted:
                found[path, False] = self.offsets[index]
            index += 1
            if isinstance(value, dict):
                for name in reversed(value):
                    child = None if path is None else (*path, name)
                    child = child if child in prefixes else None
                    stack.append((value[name], child, None))
                    stack.append((None, None, child if child is not None else ()))
            elif isinstance(value, list):
                for number in range(len(value) - 1, -1, -1):
                    child = None if path is None else (*path, number)
                    stack.append((value[number], child if child in prefixes else None, None))
        return found


class Builder:
    """Makes a document from what a reader sees, one node at a time, and holds every limit. No recursion."""

    def __init__(self, text: str, watch: Watch | None = None) -> None:
        self.document = Document(text)
        self._watch = watch
        self._look_at = _LOOK_EVERY
        self._room = MAX_LOOSE_NODES
        self._in_parts = False
        self._part_from = 0
        self._offsets = self.document.offsets
        self._stack: list[dict[str, Json] | list[Json]] = []
        self._keys: list[tuple[str, int] | None] = []
        self._top: dict[str, Json] | list[Json] | None = None
        self._key: str | None = None
        self._keep = 0
        self._discard_depth: int | None = None
        self._braces = 0
        self.has_root = False

    @property
    def expects_key(self) -> bool:
        """True when the next node is the name of a field."""
        return self._key is None and type(self._top) is dict

    def soft_fault(self, message: str, hint: str, offset: int) -> None:
        """Something wrong that the reading can go on after."""
        if len(self.document.faults) < _GATE_FAULTS:
            self.document.faults.append(self.document.fault(message, hint, offset))
            return
        self.document.unlisted += 1
        if self.document.unlisted >= _GATE_FAULTS_COUNTED:
            rest = Fault(f"and {self.document.unlisted} or more further faults that are not listed")
            raise StoppedError((*self.document.faults, rest))

    def key(self, name: str, offset: int) -> None:
        """The name of the next field."""
        self.check_text(name, offset)
        top = self._top
        if type(top) is dict and name in top and self._discard_depth is None:
            self.soft_fault(f"'{name[:60]}' is given twice", "keep one of the two", offset)
            self._discard_depth = len(self._stack)
            self._keep = len(self._offsets)
            name = "\0"
        if len(self._stack) == 1:
            self._in_parts = name == _PARTS
        self._offsets.append(offset)
        self._key = name

    def scalar(self, value: Json, offset: int) -> None:
        """A single value."""
        offsets = self._offsets
        offsets.append(offset)
        if len(offsets) > self._room:
            raise self._no_room(offset)
        top = self._top
        if type(top) is list:
            top.append(value)
        elif type(top) is dict:
            key = self._key
            self._key = None
            if key is not None:
                top[key] = value
            if self._discard_depth is not None:
                self._after_value()
        else:
            self.document.value = value
            self.has_root = True

    def open(self, container: dict[str, Json] | list[Json], offset: int) -> None:
        """The start of an object or a list."""
        if len(self._stack) >= MAX_DEPTH:
            raise GateError(f"the document is nested more than {MAX_DEPTH} levels deep", "flatten it", offset=offset)
        if len(self._stack) == 2 and self._in_parts:
            self._part_from = len(self._offsets)
        self._offsets.append(offset)
        if len(self._offsets) > self._room:
            raise self._no_room(offset)
        top = self._top
        if type(top) is list:
            top.append(container)
        elif type(top) is dict and self._key is not None:
            top[self._key] = container
            self._key = None
        else:
            self.document.value = container
            self.has_root = True
        self._stack.append(container)
        self._top = container

    def close(self) -> None:
        """The end of the innermost object or list."""
        self._stack.pop()
        self._top = self._stack[-1] if self._stack else None
        if self._discard_depth is not None:
            self._after_value()
        if len(self._stack) == 2 and self._in_parts:
            self._end_of_part()

    def _end_of_part(self) -> None:
        """A complete step makes room for another one; a long row of them is looked at before reading goes on."""
        nodes = len(self._offsets)
        self._room = min(self._room + nodes - self._part_from, MAX_NODES)
        if nodes >= self._look_at and self._watch is not None:
            self._look_at = nodes + _LOOK_EVERY
            self._watch.look(self.document)

    def _no_room(self, offset: int) -> GateError:
        if len(self._offsets) > MAX_NODES:
            return GateError(f"the document has more than {MAX_NODES:,} values", "split the plan", offset=offset)
        return GateError(
            f"more than {MAX_LOOSE_NODES:,} values stand outside of all steps or in one step",
            "keep the data in a file or a database that a step reads",
            offset=offset,
        )

    def _after_value(self) -> None:
        """The second value under one name is dropped, with the places of all its parts."""
        if self._discard_depth == len(self._stack) and isinstance(self._top, dict):
            self._top.pop("\0", None)
            self._room -= len(self._offsets) - self._keep  # reading them took as long as if they had been kept
            del self._offsets[self._keep :]
            self._discard_depth = None

    def check_text(self, text: str, offset: int) -> None:
        """Refuse what no process, file or database takes, and more references than any plan has."""
        if "{" in text:
            self._braces += text.count("{")
            if self._braces > MAX_BRACES:
                raise GateError(
                    f"more than {MAX_BRACES:,} braces stand in its texts", "put the text in a file", offset=offset
                )
        if len(text) > MAX_TEXT_CHARS:
            raise GateError("a text is longer than 1 MiB", "put it in a file and name the file", offset=offset)
        if "\0" in text:
            raise GateError(
                "a text has a NUL character in it", "take it out; no program can be given one", offset=offset
            )
        if not text.isascii():
            try:
                text.encode()
            except UnicodeEncodeError:
                raise GateError(
                    "a text has half of a surrogate pair in it", "write the character itself", offset=offset
                ) from None

    def integer(self, text: str, offset: int) -> int:
        """A whole number that a database can keep."""
        value = int(text) if len(text) <= 20 else _MAX_INTEGER + 1
        if not -_MAX_INTEGER - 1 <= value <= _MAX_INTEGER:
            hint = f"the largest is {_MAX_INTEGER}; quote it if it is meant as text"
            raise GateError("a whole number is too large (more than 64 bits)", hint, offset=offset)
        return value

    def real(self, text: str, offset: int) -> float:
        """A number with a fraction or an exponent, never infinite."""
        value = float(text) if len(text) <= 1000 else float("inf")
        if value in (float("inf"), float("-inf")):
            hint = "the largest is about 1.7e308; quote it if it is meant as text"
            raise GateError("a number is too large", hint, offset=offset)
        return value


_MARKS = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)


def decode(source: bytes) -> str:
    """The text of a plan file. Raises GateError for everything that is no text in UTF-8."""
    if len(source) > MAX_BYTES:
        raise GateError(f"the file is larger than {MAX_BYTES // 2**20} MiB", "split the plan")
    if source.startswith(b"\xef\xbb\xbf"):
        raise GateError("the file begins with a byte order mark", "save it as UTF-8 without one (BOM)", offset=0)
    for mark, encoding in _MARKS:
        if source.startswith(mark):
            raise GateError(f"the file is in {encoding}", "save it as UTF-8", offset=0)
    if not source.strip():
        raise GateError("the file is empty", "a plan needs at least plan_id and steps")
    nul = source.find(b"\0")
    if nul >= 0:
        offset = len(source[:nul].decode(errors="replace"))
        raise GateError(f"this is not a text file: byte {nul} is NUL", "a plan is YAML or JSON in UTF-8", offset=offset)
    try:
        return source.decode()
    except UnicodeDecodeError as error:
        line = source.count(b"\n", 0, error.start) + 1
        cause = f"the file is not UTF-8: byte 0x{source[error.start]:02x} at {error.start} (line {line})"
        raise GateError(cause, "save it as UTF-8", offset=len(source[: error.start].decode())) from None

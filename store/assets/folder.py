"""A tree of assets in files, `TYPE/NAME/VERSION.EXT` or `TYPE/NAME.EXT`: reading it whole, with every fault of it at once.

`TYPE/NAME/versions.json` may say more of the versions beside it; an export always writes it. Nothing here knows the registry.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from engine.errors import Fault, InputError, PlanError
from engine.model.asset import AssetName, AssetStatus, AssetType, parse_reference
from engine.plan.document import Document, GateError, StoppedError
from engine.plan.json_reader import read_json
from engine.shipped.assets import VERSIONS
from store.assets.content import MOST_BYTES, checked_content, checked_media_type, media_type_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from engine.model.json import Json, JsonObject

_NUMBER: Final = re.compile(r"[1-9][0-9]{0,8}")
_FIELDS: Final = frozenset(["version", "status", "media_type", "file", "note", "author", "created_at"])
_LAYOUT: Final = "a folder of assets holds TYPE/NAME.EXT or TYPE/NAME/VERSION.EXT, such as query/ci-lookup/3.sql"


@dataclass(frozen=True, slots=True)
class FolderFault:
    """Something wrong with a file of the tree; `place` is its path below the tree."""

    place: str
    fault: Fault


@dataclass(frozen=True, slots=True)
class FolderEntry:
    """A version in a file. `version` is None where the next number is meant; what the tree does not say is None or empty."""

    place: str
    name: AssetName
    version: int | None
    media_type: str
    content: str
    status: AssetStatus = AssetStatus.DRAFT
    note: str = ""
    author: str = ""
    created_at_us: int | None = None


@dataclass(slots=True)
class AssetFolder:
    """What a tree holds. `passed_over` are files beside the folders of types, which mean nothing here."""

    entries: list[FolderEntry] = field(default_factory=list)
    faults: list[FolderFault] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)


def read_folder(folder: Path) -> AssetFolder:
    """Read a tree of assets; hidden files are not looked at. Raises InputError where there is no folder or nothing in it."""
    if not folder.is_dir():
        cause = "this is no folder" if folder.exists() else "there is no such folder"
        raise InputError(cause, place=str(folder), hint=_LAYOUT)
    tree = _Tree(folder)
    try:
        tree.read()
    except OSError as error:
        raise InputError(
            f"the folder cannot be read: {error.strerror}",
            place=str(error.filename or folder),
            hint="check its permissions",
        ) from error
    if not tree.found.entries and not tree.found.faults:
        raise InputError("there is no asset in this folder", place=str(folder), hint=_LAYOUT)
    return tree.found


class _Tree:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._inside = os.path.realpath(folder)
        self.found = AssetFolder()

    def read(self) -> None:
        for entry in self._visible(self._folder):
            if not entry.is_dir():
                self.found.passed_over.append(entry.name)
            elif entry.name not in set(AssetType):
                known = ", ".join(AssetType)
                self._fault(entry, f"there is no type of asset {entry.name!r}", f"there are {known}")
            else:
                self._read_type(entry, AssetType(entry.name))
        self._refuse_doubles()

    def _read_type(self, folder: Path, asset_type: AssetType) -> None:
        for entry in self._visible(folder):
            if entry.is_dir():
                name = self._name(entry, asset_type, entry.name)
                if name is not None:
                    self._read_versions(entry, name)
            else:
                name = self._name(entry, asset_type, entry.stem)
                if name is not None:
                    self._take(entry, name, None, media_type_of(entry.name), {})

    def _name(self, place: Path, asset_type: AssetType, name: str) -> AssetName | None:
        try:
            return parse_reference(f"{asset_type}/{name}").name
        except ValueError:
            hint = "letters, digits, and after the first of them . _ and -, at most 128; nothing else"
            self._fault(place, f"{name[:60]!r} cannot name an asset", hint)
            return None

    def _read_versions(self, folder: Path, name: AssetName) -> None:
        said = self._said(folder)
        if said is None:
            return
        for entry in self._visible(folder):
            if entry.name == VERSIONS:
                continue
            if entry.is_dir():
                self._fault(entry, "there is a folder where a version's file should be", _LAYOUT)
            elif said:
                if entry.name not in said:
                    self._fault(entry, f"{VERSIONS} beside it does not list this file", "list it, or take it away")
            elif not _NUMBER.fullmatch(entry.stem):
                self._fault(entry, f"{entry.stem[:60]!r} is no number of a version", "such as 1.sql; they count from 1")
            else:
                self._take(entry, name, int(entry.stem), media_type_of(entry.name), {})
        for file, fields in said.items():
            version = fields["version"]
            assert isinstance(version, int)
            self._take(folder / file, name, version, str(fields.get("media_type") or media_type_of(file)), fields)

    def _take(self, place: Path, name: AssetName, version: int | None, media_type: str, fields: JsonObject) -> None:
        shown = self._shown(place)
        if self._leads_out(place):
            return
        if place.exists() and not place.is_file():  # a pipe would never end
            self._fault(place, "this is no regular file", "take it away")
            return
        try:
            with place.open("rb") as file:
                source = file.read(MOST_BYTES + 1)
            content = checked_content(source, name, media_type, shown, is_new=not fields)
        except OSError as error:
            self._fault(place, f"it cannot be read: {(error.strerror or str(error)).lower()}", "")
        except PlanError as error:
            self.found.faults += [FolderFault(shown, fault) for fault in error.faults]
        except InputError as error:
            self._fault(place, error.cause, error.hint)
        else:
            created = fields.get("created_at")
            self.found.entries.append(
                FolderEntry(
                    shown,
                    name,
                    version,
                    media_type,
                    content,
                    AssetStatus(str(fields.get("status") or AssetStatus.DRAFT)),
                    str(fields.get("note") or ""),
                    str(fields.get("author") or ""),
                    _moment(created) if isinstance(created, str) else None,
                )
            )

    # What versions.json says

    def _said(self, folder: Path) -> dict[str, JsonObject] | None:
        """The fields of each version by its file; None if they have a fault, empty if there are none."""
        place = folder / VERSIONS
        if self._leads_out(place):
            return None
        if place.exists() and not place.is_file():
            self._fault(place, "this is no regular file", "take it away")
            return None
        try:
            text = place.read_bytes()[: MOST_BYTES + 1].decode()
            document = read_json(text)
        except FileNotFoundError:
            return {}
        except OSError as error:
            self._fault(place, f"it cannot be read: {(error.strerror or str(error)).lower()}", "")
            return None
        except UnicodeDecodeError:
            self._fault(place, "it is not UTF-8", "save it as UTF-8")
            return None
        except GateError as error:
            fault = Document(text).fault(error.message, error.hint, error.offset)
            self.found.faults.append(FolderFault(self._shown(place), fault))
            return None
        except StoppedError as error:
            self.found.faults += [FolderFault(self._shown(place), fault) for fault in error.faults]
            return None
        faults = [*document.faults, *_faults_of(document)]
        self.found.faults += [FolderFault(self._shown(place), fault) for fault in faults]
        if faults or not isinstance(document.value, list):
            return None
        return {str(entry["file"]): entry for entry in document.value if isinstance(entry, dict)}

    def _refuse_doubles(self) -> None:
        """A version, or the next one, is in one file; and an asset has numbers or has none."""
        by_name: dict[AssetName, list[FolderEntry]] = defaultdict(list)
        for entry in self.found.entries:
            by_name[entry.name].append(entry)
        for name, entries in by_name.items():
            first: dict[int | None, FolderEntry] = {}
            for entry in entries:
                other = first.setdefault(entry.version, entry)
                if other is not entry:
                    what = name if entry.version is None else f"{name}@{entry.version}"
                    fault = Fault(f"{what} is in {other.place} as well", hint="keep one of the two")
                    self.found.faults.append(FolderFault(entry.place, fault))
            if None in first and len(first) > 1:
                fault = Fault(f"{name} has numbered versions as well", hint="give this one a number, or take them away")
                self.found.faults.append(FolderFault(first[None].place, fault))

    def _visible(self, folder: Path) -> Iterator[Path]:
        for entry in sorted(folder / name for name in os.listdir(folder) if not name.startswith(".")):  # noqa: PTH208
            # A file is looked at where it is read, and one that means nothing here may lead wherever it likes.
            if not entry.is_dir() or not self._leads_out(entry):
                yield entry

    def _leads_out(self, place: Path) -> bool:
        """True for a link to what is not in this folder, which is noted: a folder from elsewhere brings no file of this host."""
        if not place.is_symlink():
            return False
        target = os.path.realpath(place)
        if os.path.commonpath([self._inside, target]) == self._inside:
            return False
        self._fault(place, "this link leads out of the folder", "put a copy of the file in its place, or take it away")
        return True

    def _fault(self, place: Path, message: str, hint: str) -> None:
        self.found.faults.append(FolderFault(self._shown(place), Fault(message, hint=hint)))

    def _shown(self, place: Path) -> str:
        return str(place.relative_to(self._folder))


def _faults_of(document: Document) -> Iterator[Fault]:
    """What is wrong with a `versions.json` that parses."""
    if not isinstance(document.value, list) or not document.value:
        yield Fault(
            "expected a list of versions", line=1, hint='[{"version": 1, "status": "published", "file": "1.sql"}]'
        )
        return
    files: set[Json] = set()
    numbers: set[Json] = set()
    for index, entry in enumerate(document.value):
        for message, hint in _complaints(entry, files, numbers):
            line, column = document.places({((index,), False)})[(index,), False]
            yield Fault(message, path=f"[{index}]", line=line, column=column, hint=hint)


def _complaints(entry: Json, files: set[Json], numbers: set[Json]) -> Iterator[tuple[str, str]]:
    if not isinstance(entry, dict):
        yield "expected an object", f"it has {', '.join(sorted(_FIELDS))}"
        return
    if unknown := sorted(entry.keys() - _FIELDS):
        yield f"there is no field {unknown[0][:40]!r}", f"there are {', '.join(sorted(_FIELDS))}"
    version, file = entry.get("version"), entry.get("file")
    if not isinstance(version, int) or isinstance(version, bool) or not 1 <= version < 10**9:
        yield "version is no number from 1", "versions count from 1"
    elif version in numbers:
        yield f"version {version} is given twice", "keep one of the two"
    else:
        numbers.add(version)
    if not isinstance(file, str) or not file or "/" in file or file.startswith(".") or file == VERSIONS:
        yield "file is not the name of a file in the same folder", "such as 1.sql"
    elif file in files:
        yield f"{file} is given twice", "each version has a file of its own"
    else:
        files.add(file)
    for name in ("status", "media_type", "note", "author", "created_at"):
        value = entry.get(name, "")
        if value != "" or name in ("note", "author"):
            yield from _complaint(name, value)


def _complaint(name: str, value: Json) -> Iterator[tuple[str, str]]:
    if not isinstance(value, str):
        yield f"{name} is no text", ""
    elif name == "status" and value not in set(AssetStatus):
        yield f"there is no status {value[:40]!r}", f"there are {', '.join(AssetStatus)}"
    elif name == "media_type":
        try:
            checked_media_type(value)
        except InputError as error:
            yield error.cause, error.hint
    elif name == "created_at" and _moment(value) is None:
        yield f"{value[:40]!r} is no time", "such as 2026-01-31T12:00:00Z"


def _moment(text: str) -> int | None:
    """Microseconds since the epoch; None for a text that is no time with a zone."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    if at.tzinfo is None:
        return None
    since = at - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds

"""What may be the content of an asset: its text, media type and hash, checked. Where it is kept is store.assets.registry' business."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from engine.errors import Fault, InputError, PlanError
from engine.model.asset import AssetName, AssetSource, AssetType, PolicyKind, ResolvedAsset
from engine.plan.asset_values import is_structured, read_asset

if TYPE_CHECKING:
    from engine.model.json import Json
    from engine.plan.document import Document

MOST_BYTES: Final = 1024 * 1024
PLAIN: Final = "text/plain"

_BY_ENDING: Final = {
    ".sql": "application/sql",
    ".md": "text/markdown",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".json": "application/json",
    ".txt": PLAIN,
    ".j2": PLAIN,
}
_ENDING_OF: Final = {
    "application/sql": ".sql",
    "text/markdown": ".md",
    "application/yaml": ".yaml",
    "text/yaml": ".yaml",
    "application/json": ".json",
}
_MEDIA_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9.+-]{0,63}/[a-z0-9][a-z0-9.+-]{0,63}")
_OTHER_ENCODINGS: Final = ((b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"))


def media_type_of(name: str) -> str:
    """What the ending of a file's name says; plain text where it says nothing."""
    return _BY_ENDING.get(PurePath(name).suffix.lower(), PLAIN)


def ending_of(media_type: str) -> str:
    """The ending of a file with such content."""
    return _ENDING_OF.get(media_type, ".txt")


def checked_media_type(text: str) -> str:
    """A media type as it is kept, lower case. Raises InputError if it is none."""
    media_type = text.strip().lower()
    if not _MEDIA_TYPE.fullmatch(media_type):
        raise InputError(
            f"{text!r} is no media type", hint="for example application/yaml, application/sql or text/plain"
        )
    return media_type


def digest_of(content: str) -> str:
    """SHA-256 over the UTF-8 bytes, in hexadecimal."""
    return hashlib.sha256(content.encode()).hexdigest()


def checked_content(source: bytes, name: AssetName, media_type: str, place: str, *, is_new: bool = True) -> str:
    """The text of an asset that is about to be kept. `place` is the file it comes from.

    One that is not new, but recorded elsewhere, may have what only another version of opscope knows. Raises InputError for
    what is no text, or too long a one; PlanError, with lines, for JSON or YAML that does not parse or is not what an asset
    of that type, or of that name, must be.
    """
    text = _text(source, place)
    kind = _Shape.of(name.type)
    if is_structured(media_type):
        asset = ResolvedAsset(name, 1, media_type, text, "", AssetSource.PIN)
        try:
            document = read_asset(asset)
            kind.check(document.value)
            _check_use(asset, document, is_new=is_new)
        except PlanError as error:
            told = PlanError(place, error.faults, what="asset")
            told.hint = error.hint
            raise told from None
    elif kind.is_structured:
        raise InputError(
            f"a {name.type} is YAML or JSON, not {media_type}",
            place=place,
            hint="give the file an ending that says so, or --media-type application/yaml",
        )
    return text


def _check_use(asset: ResolvedAsset, document: Document, *, is_new: bool) -> None:
    """Whether what uses such an asset could. Late imports: what only reads lists of assets needs no models of policies."""
    match asset.name.type:
        case AssetType.POLICY:
            from engine.pipeline.policies import check_policy
            from engine.routing.policy import ROUTING

            if is_new and asset.name == ROUTING:
                _require_routing(document)
            check_policy(document, place=asset.ref, is_new=is_new)
        case AssetType.SCREEN if is_new:
            from engine.plan.asset_texts import check_screen_shape

            check_screen_shape(asset)
        case _:
            pass


def _require_routing(document: Document) -> None:
    kind = document.value.get("kind") if isinstance(document.value, dict) else None
    if kind != PolicyKind.ROUTING:
        line, column = document.places({(("kind",), False)})[("kind",), False]
        message = f"policy/routing routes questions, and this is a policy of kind {kind}"
        fault = Fault(message, "kind", line, column, "give it a name of its own, such as policy/gates")
        raise PlanError("", (fault,), what="asset")


@dataclass(frozen=True, slots=True)
class _Shape:
    """What the content of an asset of some type has to be, as far as every use of it demands it."""

    wanted: type[list[Json]] | type[dict[str, Json]] | None = None
    hint: str = ""
    has_kind: bool = False

    @classmethod
    def of(cls, asset_type: AssetType) -> _Shape:
        match asset_type:
            case AssetType.POLICY:
                kinds = ", ".join(PolicyKind)
                return cls(dict, f"a policy is an object whose kind is one of {kinds}", has_kind=True)
            case AssetType.MAPPING:
                return cls(dict, "a mapping is an object: names and what they stand for")
            case AssetType.SCREEN:
                return cls(list, "a screen is a list of blocks, as present has in a plan")
            case _:
                return cls()

    @property
    def is_structured(self) -> bool:
        return self.wanted is not None

    def check(self, value: Json) -> None:
        """Raises PlanError if there is something wrong with the value."""
        if message := self._complaint(value):
            raise PlanError("", (Fault(message, line=1, hint=self.hint),), what="asset")

    def _complaint(self, value: Json) -> str:
        """What is wrong with the value; empty if nothing is."""
        if self.wanted is not None and not isinstance(value, self.wanted):
            return f"it is {_described(value)}"
        if self.has_kind and isinstance(value, dict):
            kind = value.get("kind")
            if "kind" not in value:
                return "it does not say its kind"
            if not isinstance(kind, str) or kind not in set(PolicyKind):
                return f"there is no policy of kind {str(kind)[:40]!r}"
        return ""


def _described(value: Json) -> str:
    match value:
        case dict():
            return "an object"
        case list():
            return "a list"
        case str():
            return "a text"
        case None:
            return "empty"
        case _:
            return "a single value"


def _text(source: bytes, place: str) -> str:
    if len(source) > MOST_BYTES:
        raise InputError(
            f"the content is larger than {MOST_BYTES // 2**20} MiB",
            place=place,
            hint="keep data in a file or a database that a step reads",
        )
    if source.startswith(b"\xef\xbb\xbf"):
        raise InputError("the content begins with a byte order mark", place=place, hint="save it as UTF-8 without one")
    for mark, encoding in _OTHER_ENCODINGS:
        if source.startswith(mark):
            raise InputError(f"the content is in {encoding}", place=place, hint="save it as UTF-8")
    if not source.strip():
        raise InputError("the content is empty", place=place, hint="an asset needs some text")
    nul = source.find(b"\0")
    if nul >= 0:
        raise InputError(f"this is no text: byte {nul} is NUL", place=place, hint="an asset is text in UTF-8")
    try:
        return source.decode()
    except UnicodeDecodeError as error:
        line = source.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"the content is not UTF-8: byte 0x{source[error.start]:02x} at {error.start} (line {line})",
            place=place,
            hint="save it as UTF-8",
        ) from None

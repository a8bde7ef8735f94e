"""The body of an answer: read and unpacked up to a limit, and turned into data. Connections and verdicts are not here."""

from __future__ import annotations

import asyncio
import re
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.model.states import OutputFormat
from engine.steps.outputs import JsonSource, lines_data, parse_json, storable_text

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterator

    from engine.model.json import Json

_SLICE_BYTES = 256 << 10
"""What is unpacked between two turns of the event loop: a bomb of a few bytes must hold nobody up."""
_TEXT_TYPES = re.compile(
    r"text/.*|.*\+xml|.*\+yaml|application/(?:xml|javascript|ecmascript|x-javascript|x-www-form-urlencoded|graphql"
    r"|yaml|x-yaml|toml|x-ndjson|jsonl|sql|x-sh|x-pem-file|pem-certificate-chain)"
)
_JSON_TYPES = re.compile(r"(?:application|text)/json|.*\+json")
# By name: Python has codecs that are no character sets, and one that takes quadratic time.
_CHARSETS = re.compile(
    r"(?:utf-?8(?:-sig)?|utf-?(?:16|32)(?:-?[lb]e)?|us-?ascii|ascii|latin-?1|iso-?8859-?\d{1,2}|windows-?125\d|cp\d{3,4}"
    r"|shift_?jis|euc[-_]?(?:jp|kr)|gb(?:k|2312|18030)|big5|koi8-?[rut])",
    re.IGNORECASE,
)
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([^\s;\"]{1,40})", re.IGNORECASE)
_SOURCE = JsonSource("the body", "in the body", "but the body is empty", "; set output: text to take the body as it is")


class BodyError(Exception):
    """The body is not what its headers say; the text is a sentence for a person."""


class BodyTooLargeError(Exception):
    """The body has more bytes than are taken; `content` is its beginning."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.content = content


@dataclass(frozen=True, slots=True)
class BodyData:
    """A body as data; None for one that is neither JSON nor text."""

    value: Json = None
    counts: dict[str, int] = field(default_factory=dict)


async def read_body(chunks: AsyncIterable[bytes], encoding: str, limit: int) -> bytes:
    """All of a body, unpacked. Holds no more than about `limit` bytes. Raises BodyTooLargeError and BodyError."""
    content = bytearray()
    unpacker = _unpacker(encoding)
    async for chunk in chunks:
        for piece in unpacker.pieces(chunk):
            content += piece
            if len(content) > limit:
                raise BodyTooLargeError(bytes(content[:limit]))
            await asyncio.sleep(0)
    unpacker.end()
    return bytes(content)


def body_data(content: bytes, content_type: str, output: OutputFormat) -> BodyData:
    """The body as the step's output format wants it; `json` goes by the content type. Raises OutputError for broken JSON."""
    media_type = content_type.partition(";")[0].strip().lower()
    match output:
        case OutputFormat.NONE:
            return BodyData()
        case OutputFormat.TEXT:
            return BodyData(_text(content, content_type))
        case OutputFormat.LINES:
            return BodyData(list(lines_data(_text(content, content_type), is_cut=False)))
        case OutputFormat.JSON:
            if _JSON_TYPES.fullmatch(media_type):
                return _json(content)
            return BodyData(_text_or_none(content, content_type, media_type))


def excerpt(content: bytes, length: int) -> str:
    """The beginning of a body for a person to read."""
    return storable_text(content[:length].decode("utf-8", "replace"))


def _json(content: bytes) -> BodyData:
    if not content.strip():
        return BodyData()
    # JSON is UTF-8 by its own definition, whatever the header says.
    parsed = parse_json(content.decode("utf-8", "replace"), _SOURCE)
    return BodyData(parsed.value, {"duplicate_keys": parsed.duplicate_keys} if parsed.duplicate_keys else {})


def _text(content: bytes, content_type: str) -> str:
    return storable_text(content.decode(_charset(content_type), "replace"))


def _text_or_none(content: bytes, content_type: str, media_type: str) -> str | None:
    if media_type and not _TEXT_TYPES.fullmatch(media_type):
        return None
    try:
        return content.decode(_charset(content_type))
    except UnicodeDecodeError:
        return _text(content, content_type) if media_type else None


def _charset(content_type: str) -> str:
    found = _CHARSET.search(content_type)
    if found is None or not _CHARSETS.fullmatch(found[1]):
        return "utf-8"
    try:
        b"".decode(found[1])
    except LookupError:
        return "utf-8"
    return found[1]


class _Plain:
    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        yield chunk

    def end(self) -> None:
        pass


class _Unpacker:
    """gzip, of any number of members, or deflate in either of the two forms that servers send."""

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding
        self._is_gzip = encoding != "deflate"
        self._stream = zlib.decompressobj(wbits=31 if self._is_gzip else 15)
        self._head = b""
        self._has_begun = False

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        if not self._has_begun:
            chunk = self._head = self._head + chunk
            if len(chunk) < 2:
                return
            self._begin(chunk)
        is_full = False
        while chunk or is_full:
            if self._stream.eof:
                if not self._is_gzip or not chunk.strip(b"\0"):
                    return  # padding
                self._stream = zlib.decompressobj(wbits=31)
            try:
                piece = self._stream.decompress(chunk, _SLICE_BYTES)
            except zlib.error:
                raise BodyError(f"the body is not the {self._encoding} data that its header says it is") from None
            yield piece
            chunk = self._stream.unconsumed_tail or self._stream.unused_data
            is_full = len(piece) == _SLICE_BYTES and not self._stream.eof  # there may be more to it without more input

    def end(self) -> None:
        if self._head and not self._stream.eof:
            raise BodyError("the body broke off: its compressed data has no end")

    def _begin(self, head: bytes) -> None:
        """Tell deflate as it should be, in a zlib stream, from deflate as some servers send it, bare."""
        self._has_begun = True
        is_zlib = head[0] & 0x0F == zlib.DEFLATED and int.from_bytes(head[:2], "big") % 31 == 0
        if not self._is_gzip and not is_zlib:
            self._stream = zlib.decompressobj(wbits=-15)


def _unpacker(encoding: str) -> _Plain | _Unpacker:
    match encoding.strip().lower():
        case "" | "identity":
            return _Plain()
        case "gzip" | "x-gzip" | "deflate" as known:
            return _Unpacker(known)
        case other:
            raise BodyError(f"the body is encoded as {other!r}, which was not asked for and is not known here")

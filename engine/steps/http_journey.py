"""A request from its first address to its last: address, headers and body, and what each redirect does to them. Nothing is sent here."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import httpx

from engine.model.states import Reason
from engine.steps.outputs import storable_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.model.json import Json, JsonObject

REDIRECTS = frozenset([301, 302, 303, 307, 308])
PORTS = {"http": 80, "https": 443}

_FRAMING = frozenset(["content-length", "transfer-encoding", "connection", "upgrade", "expect", "te", "trailer"])
_PRIVATE = frozenset(["authorization", "cookie", "proxy-authorization", "host"])
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HOST = re.compile(rb"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")


class RequestError(Exception):
    """The attempt has failed; the text is a sentence for a person, and not masked."""

    def __init__(self, reason: Reason, message: str, error: JsonObject | None = None, **counts: int) -> None:
        super().__init__(message)
        self.reason = reason
        self.error = error
        self.counts = counts


@dataclass(frozen=True, slots=True)
class Header:
    """`is_private` is for the origin that the step names, and for no other."""

    name: str
    value: str
    is_private: bool = False


@dataclass(slots=True)
class Journey:
    """Where a request has got to. `redirects` are those behind it, as the step's data tells them."""

    method: str
    url: httpx.URL
    headers: list[Header]
    content: bytes | None
    redirects: list[Json] = field(default_factory=list)

    @property
    def host(self) -> str:
        """The host as it is looked up, in ASCII."""
        return self.url.raw_host.decode("ascii").strip("[]")

    @property
    def port(self) -> int:
        """The port, that of the scheme if the address has none."""
        return self.url.port or PORTS[self.url.scheme]

    def words(self) -> str:
        """How to begin a sentence about what happened here: nothing at the first address."""
        count = len(self.redirects)
        return f"after {count} redirect{'' if count == 1 else 's'}, at {self.url}: " if count else ""

    def redirect(self, status: int, location: str) -> None:
        """Go where a redirect leads to. Raises RequestError for what is no address, or the same one."""
        try:
            found = str(self.url.join(location).copy_with(fragment=None))
        except (httpx.InvalidURL, ValueError, UnicodeError):
            message = f"a redirect leads to {location[:200]!r}, which is no address"
            raise RequestError(Reason.REQUEST_FAILED, f"{self.words()}{message}") from None
        url = checked_url(found)
        before = (self.method, self.url)
        self.redirects.append({"status": status, "url": str(self.url), "to": str(url)})
        if _origin(url) != _origin(self.url):
            # Whoever sends us on is not whom these were meant for. They do not come back on the way back either.
            self.headers = [header for header in self.headers if not header.is_private]
        if (status == 303 and self.method != "HEAD") or (status in (301, 302) and self.method == "POST"):
            self.method, self.content = "GET", None
            self.headers = [h for h in self.headers if h.name.lower() not in ("content-type", "idempotency-key")]
        self.url = url
        if (self.method, self.url) == before:
            message = "the address sends the request to itself again"
            raise RequestError(Reason.REQUEST_FAILED, f"{self.words()}{message}")


def header(name: str, value: str, *, has_secret: bool) -> Header:
    """A header that the step gives. Raises RequestError for one that cannot be sent."""
    if not _TOKEN.fullmatch(name):
        message = f"{name!r} cannot be the name of a header; write it without spaces and colons"
        raise RequestError(Reason.REFUSED, message)
    if name.lower() in _FRAMING:
        raise RequestError(Reason.REFUSED, f"the header {name} is set by opscope itself; leave it out")
    value = value.strip(" \t")
    if any(character in value for character in "\r\n\0"):
        message = f"the header {name} has a line break or NUL in it, which none may have; remove it"
        raise RequestError(Reason.REFUSED, message)
    return Header(name, storable_text(value), has_secret or name.lower() in _PRIVATE)


def departure(
    method: str,
    url: str,
    query: Mapping[str, Json],
    body: Json,
    headers: Sequence[Header],
    *,
    defaults: Mapping[str, str],
) -> Journey:
    """A request at its beginning. `defaults` are headers for which the step has none. Raises RequestError."""
    content, content_type = _content_of(body)
    if content is not None:
        defaults = {**defaults, "Content-Type": content_type}
    given = {header.name.lower() for header in headers}
    added = [Header(name, value) for name, value in defaults.items() if name.lower() not in given]
    return Journey(
        method, checked_url(_with_query(url, query)), [*headers, *added, Header("Connection", "close")], content
    )


def checked_url(text: str) -> httpx.URL:
    """An address that may be asked, without its fragment. Raises RequestError."""
    shown = repr(text[:200])
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError, UnicodeError) as error:
        raise RequestError(Reason.REFUSED, f"{shown} is no address: {error}") from None
    if url.scheme not in PORTS:
        raise RequestError(Reason.REFUSED, f"{shown} is no address of http or https, and no other may be asked")
    if url.port is not None and not 0 < url.port < 65536:
        raise RequestError(Reason.REFUSED, f"{shown} is no address: there is no port {url.port}")
    if not url.host:
        raise RequestError(Reason.REFUSED, f"{shown} names no host; write it as https://host/path")
    if not _HOST.fullmatch(url.raw_host):
        raise RequestError(Reason.REFUSED, f"{shown} is no address: {url.host!r} cannot be the name of a host")
    if url.userinfo:
        message = (
            f"the address of {url.host} has a name or password in it, which would be recorded; "
            "use a secret in the Authorization header"
        )
        raise RequestError(Reason.REFUSED, message)
    return url.copy_with(fragment=None)


def _with_query(url: str, query: Mapping[str, Json]) -> str:
    """The address with more parameters: a list gives one for each of its values, null none."""
    pairs: list[tuple[str, str]] = []
    for name, value in query.items():
        values = value if isinstance(value, list) else [value]
        pairs += [(name, _parameter(item)) for item in values if item is not None]
    if not pairs:
        return url
    address, mark, fragment = url.partition("#")
    joined = urlencode(pairs, errors="replace")
    separator = "" if address.endswith(("?", "&")) else "&" if "?" in address else "?"
    return f"{address}{separator}{joined}{mark}{fragment}"


def _parameter(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _content_of(body: Json) -> tuple[bytes | None, str]:
    if body is None:
        return None, ""
    if isinstance(body, str):
        return storable_text(body).encode("utf-8"), "text/plain; charset=utf-8"
    return json.dumps(body, separators=(",", ":")).encode("ascii"), "application/json"


def _origin(url: httpx.URL) -> tuple[str, bytes, int]:
    return url.scheme, url.raw_host, url.port or PORTS[url.scheme]

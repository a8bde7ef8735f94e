"""HTTP steps: address, headers, query and body of one request. Secrets may stand in the headers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from engine.model.bound import BoundHttp
from engine.plan.definitions.filling import Fields, values
from engine.plan.faults import shorten
from engine.plan.names import Around, Context, Place
from engine.plan.references import fill_text, fill_value, part_text
from engine.plan.template_parser import Reference, Template

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model.json import Json
    from engine.model.step_defs import HttpDef
    from engine.plan.faults import Path
    from engine.plan.scope import View
    from engine.plan.texts import Texts

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HOST_ENDS = re.compile(r"[/?#]")
_PORTS = {"http": 80, "https": 443}


def check_http(definition: Mapping[str, Json], path: Path, around: Around, texts: Texts) -> Fields:
    """Compile it, and note what is wrong with it."""
    found: dict[str, Any] = {"headers": {}, "query": {}}
    url, headers, query = (definition.get(name) for name in ("url", "headers", "query"))
    found["url"] = texts.argument(url, (*path, "url"), around)
    if found["url"] is not None:
        _check_url(found["url"], (*path, "url"), texts)
    for name, value in headers.items() if isinstance(headers, dict) else ():
        here = (*path, "headers", name)
        if not _HEADER_NAME.fullmatch(name):
            hint = "letters, digits and -, as in Content-Type"
            texts.faults.add(here, f"'{shorten(name)}' cannot name a header", hint, at_key=True)
        if isinstance(value, str):
            if "\n" in value or "\r" in value:
                texts.faults.add(here, "a header is one line", "take the line break out")
            found["headers"][name] = texts.text(value, Context(Place.HEADER, here, around)).value
    for name, value in query.items() if isinstance(query, dict) else ():
        found["query"][name] = texts.tree(value, Context(Place.ARGUMENT, (*path, "query", name), around))
    found["body"] = texts.tree(definition.get("body"), Context(Place.ARGUMENT, (*path, "body"), around))
    return found


def bind_http(definition: HttpDef, fields: Fields, view: View) -> BoundHttp:
    """Fill it in. Raises MissingReferenceError."""
    return BoundHttp(
        url=_filled_url(fields["url"], view),
        method=definition.method,
        headers={name: fill_text(text, view) for name, text in fields["headers"].items()},
        query=values(fields["query"], view),
        body=fill_value(fields["body"], view, null_as=None),
        expect_status=definition.expect_status,
        max_redirects=definition.max_redirects,
        max_body_bytes=definition.max_body_bytes,
        allow_link_local=definition.allow_link_local,
        verify_tls=definition.verify_tls,
    )


def _filled_url(url: str | Template, view: View) -> str:
    """The address, in which a value is one piece: it cannot lead to another host or path, or add to the query.

    Two may be more: what begins the address, and what ends it right after the host and begins with a slash.
    Raises MissingReferenceError.
    """
    if isinstance(url, str):
        return url
    filled = ""
    for place, part in enumerate(url.parts):
        if not isinstance(part, Reference):
            filled += str(part)
            continue
        value = part_text(part, view)
        after_scheme = filled.partition("://")[2]
        in_host = _HOST_ENDS.search(after_scheme) is None
        is_all_after_host = after_scheme and in_host and value.startswith("/") and place == len(url.parts) - 1
        whole = place == 0 or is_all_after_host
        filled += value if whole else _one_piece(value, filled, safe=":[]" if in_host else "")
    return filled


def _one_piece(value: str, before: str, *, safe: str) -> str:
    if value in (".", "..") and before.endswith("/"):
        return "%2E" * len(value)  # as they are they would be steps up in the path
    return quote(value, safe=safe, errors="replace")


def origin(url: str) -> str | None:
    """`https://host:443`: what answers for an address, or None where the address cannot be read."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
    if not host or port is None:
        return None
    return f"{parts.scheme}://[{host}]:{port}" if ":" in host else f"{parts.scheme}://{host}:{port}"


def _check_url(url: str | Template, path: Path, texts: Texts) -> None:
    """An address is http or https and names a host, as far as that stands in the plan."""
    hint = "write it as https://host/path"
    if isinstance(url, str):
        scheme = url.partition("://")[0].lower()
        if scheme not in _PORTS or origin(url) is None:
            texts.faults.add(path, f"expected an address of http or https, found the text '{shorten(url)}'", hint)
        return
    first = url.parts[0]
    if isinstance(first, str):
        scheme, separator, _ = first.partition("://")
        if scheme.lower() not in _PORTS or not separator:
            texts.faults.add(path, f"expected an address of http or https, found the text '{shorten(url.text)}'", hint)

"""HTTP steps: address, headers, query and body of one request. Secrets may stand in the headers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from engine.model.bound import BoundHttp
from engine.plan.definitions.filling import Fields, open_text, values
from engine.plan.faults import shorten
from engine.plan.names import Around, Context, Place
from engine.plan.references import fill_text, fill_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model.json import Json
    from engine.model.plan import HttpDef
    from engine.plan.faults import Path
    from engine.plan.scope import View
    from engine.plan.template_parser import Template
    from engine.plan.texts import Texts

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
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
        url=open_text(fields["url"], view),
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

"""The forms in which a secret may turn up in output: as it is, and in the encodings that tools print. Pure text work."""

from __future__ import annotations

import base64
import html
import json
import shlex
from urllib.parse import quote, quote_plus

MINIMUM_LENGTH = 8
"""Characters that a secret must have, and bytes that a form must have to be looked for."""


def encoded_forms(secret: str) -> frozenset[bytes]:
    """Every form of a secret that output is searched for, each of at least eight bytes.

    A secret of several lines counts as a whole and line by line, since tools print lines.
    """
    forms: set[bytes] = set()
    for text in {secret, *_long_lines(secret)}:
        forms |= _text_forms(text)
        forms |= _byte_forms(text.encode("utf-8", "surrogateescape"))
    return frozenset(form for form in forms if len(form) >= MINIMUM_LENGTH)


def _long_lines(secret: str) -> set[str]:
    lines = {line.strip() for line in secret.splitlines()}
    return {line for line in lines if len(line) >= MINIMUM_LENGTH}


def _text_forms(text: str) -> set[bytes]:
    forms = {
        text,
        text.replace("\n", "\r\n"),
        json.dumps(text)[1:-1],
        json.dumps(text, ensure_ascii=False)[1:-1],
        json.dumps(text).replace("/", "\\/")[1:-1],
        repr(text)[1:-1],
        html.escape(text),
        html.escape(text, quote=False),
        html.escape(text).replace("&#x27;", "&#39;"),
        shlex.quote(text),
        _backslashed(text),
        text.replace("'", "'\\''"),
        text.replace("'", "''"),
    }
    return {form.encode("utf-8", "surrogateescape") for form in forms}


def _backslashed(text: str) -> str:
    """As `printf %q` writes it: a backslash before whatever a shell would act on."""
    return "".join(f"\\{c}" if c.isascii() and not (c.isalnum() or c in "_-./:=@%+,") else c for c in text)


def _byte_forms(content: bytes) -> set[bytes]:
    quoted = {
        quote(content, safe=""),
        quote(content, safe="/"),
        quote_plus(content),
        "".join(f"%{b:02X}" for b in content),
    }
    forms = {form.encode() for form in quoted | {_lower_percent(form) for form in quoted}}
    for separator in ("", " ", ":", "\\x"):
        joined = content.hex() if not separator else separator.join(f"{b:02x}" for b in content)
        forms |= {joined.encode(), joined.upper().replace("\\X", "\\x").encode()}
    for altchars in (b"+/", b"-_"):
        forms |= _base64_forms(content, altchars)
    return forms


def _lower_percent(text: str) -> str:
    parts = text.split("%")
    return "%".join([parts[0], *(part[:2].lower() + part[2:] for part in parts[1:])])


def _base64_forms(content: bytes, altchars: bytes) -> set[bytes]:
    """The characters that stand for the secret alone, at each of the three places in a group at which it may begin."""
    forms = set()
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + content, altchars).rstrip(b"=")
        first = (8 * shift + 5) // 6
        last = (8 * (shift + len(content))) // 6
        forms.add(encoded[first:last])
    return forms

"""The forms in which a secret may turn up in output: as it is, and in the encodings that tools print. Pure text work.

What cannot be foreseen is not here: what a program derives from a secret (a digest, a cipher, a compressed copy, a part of
it) stays visible.
"""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MINIMUM_LENGTH: Final = 8
"""Characters that a secret must have, and bytes that a form must have to be looked for."""

_BREAKABLE_AFTER: Final = 3
_DIGITS_BREAKABLE_AFTER: Final = 4
"""Characters of a form that stand on one line before a break is seen through; `masking` has the same rule."""


@dataclass(frozen=True, slots=True)
class Forms:
    """Every form of secrets, each of at least eight bytes.

    `exact` stand in the output byte by byte. `wrapped` may be broken into lines anywhere, or not at all. `digits` are of 0-9a-f, in lower
    case and without what stands between them: one of them is what `%41%42`, `0x41, 0x42`, `41:42` and `\\u0041\\u0042` are.
    """

    exact: frozenset[bytes] = frozenset()
    wrapped: frozenset[bytes] = frozenset()
    digits: frozenset[bytes] = frozenset()


def encoded_forms(secrets: Iterable[str]) -> Forms:
    """Every form of these secrets that output is searched for.

    A secret of several lines counts as a whole and line by line, since tools print lines.
    """
    exact: set[bytes] = set()
    wrapped: set[bytes] = set()
    digits: set[bytes] = set()
    for secret in secrets:
        for text in _long_lines(secret) - {secret}:
            # Of these there may be a thousand, so not in two ways at once.
            content = text.encode("utf-8", "surrogateescape")
            packed = _with_ends_missing(_base64_forms(content, b"+/") | _base64_forms(content, b"-_"))
            exact |= _escaped_once(text) | _slashes_and_pluses(packed)
            wrapped |= packed
            digits.add(content.hex().encode())
        content = secret.encode("utf-8", "surrogateescape")
        packed = _with_ends_missing(_packed_forms(secret, content))
        exact |= _escaped_once(secret) | _escaped_twice(secret) | _wide_forms(secret)
        exact |= _slashes_and_pluses(packed) | {content[::-1]}
        wrapped |= packed
        digits |= _with_ends_missing(_digit_forms(secret, content), _DIGITS_BREAKABLE_AFTER)
    return Forms(_long(exact), _long(wrapped), _long(digits))


def _long(forms: set[bytes]) -> frozenset[bytes]:
    return frozenset(form for form in forms if len(form) >= MINIMUM_LENGTH)


def _long_lines(secret: str) -> set[str]:
    lines = {line.strip() for line in secret.splitlines()}
    return {line for line in lines if len(line) >= MINIMUM_LENGTH}


def _with_ends_missing(forms: set[bytes], before: int = _BREAKABLE_AFTER) -> set[bytes]:
    """The forms, and what is left of each on the next line where it is broken too soon to see through."""
    left = {form[min(before, max(0, len(form) - MINIMUM_LENGTH)) :] for form in forms}
    return forms | left


# As text


def _escaped_once(text: str) -> set[bytes]:
    """As it is, and quoted and escaped in every way."""
    return {form.encode("utf-8", "surrogateescape") for form in (text, *(escape(text) for escape in _ESCAPES))}


def _escaped_twice(text: str) -> set[bytes]:
    """Escaped in two ways, one upon the other, where they are common."""
    once = {text, *(escape(text) for escape in _ESCAPES)}
    return {escape(form).encode("utf-8", "surrogateescape") for form in once for escape in _OUTER_ESCAPES}


def _json_escaped(ascii_only: bool, also: str = "", upper: bool = False) -> Callable[[str], str]:
    def escape(text: str) -> str:
        written = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        for character in also:
            if character != '"':
                written = written.replace(character, f"\\u{ord(character):04x}")
        if '"' in also:
            written = written.replace('\\"', "\\u0022")
        return re.sub(r"\\u[0-9a-f]{4}", lambda found: "\\u" + found[0][2:].upper(), written) if upper else written

    return escape


def _percent(safe: str, *, lower: bool = False, form: bool = False) -> Callable[[str], str]:
    def escape(text: str) -> str:
        quoted = (quote_plus if form else quote)(text.encode("utf-8", "surrogateescape"), safe=safe)
        return re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), quoted) if lower else quoted

    return escape


def _backslashed(text: str) -> str:
    """As `printf %q` writes it: a backslash before whatever a shell would act on."""
    return "".join(f"\\{c}" if c.isascii() and not (c.isalnum() or c in "_-./:=@%+,") else c for c in text)


def _in_double_quotes(text: str) -> str:
    return re.sub(r'(["$`\\])', r"\\\1", text)


def _ansi_c(text: str) -> str:
    """As between `$'` and `'`, and as git names files: what is no printable ASCII as three octal digits."""
    plain = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\t", "\\t")
    content = plain.encode("utf-8", "surrogateescape")
    return "".join(chr(b) if 32 <= b < 127 else f"\\{b:03o}" for b in content)


def _bytes_literal(text: str) -> str:
    return repr(text.encode("utf-8", "surrogateescape"))[2:-1]


_ESCAPES: Final[tuple[Callable[[str], str], ...]] = (
    lambda text: text.replace("\n", "\r\n"),
    _json_escaped(True),
    _json_escaped(False),
    _json_escaped(True, upper=True),
    _json_escaped(True, "<>&"),
    _json_escaped(False, "<>&"),
    _json_escaped(True, "<>&'"),
    _json_escaped(True, "\"'<>&+`", upper=True),
    lambda text: json.dumps(text).replace("/", "\\/")[1:-1],
    lambda text: repr(text)[1:-1],
    _bytes_literal,
    html.escape,
    lambda text: html.escape(text, quote=False),
    lambda text: html.escape(text).replace("&#x27;", "&#39;"),
    lambda text: html.escape(text).replace("&#x27;", "&apos;"),
    lambda text: html.escape(text).replace("&#x27;", "&#39;").replace("&quot;", "&#34;"),
    shlex.quote,
    _backslashed,
    _in_double_quotes,
    _ansi_c,
    lambda text: text.replace("'", "'\\''"),
    lambda text: text.replace("'", "''"),
    lambda text: text.replace('"', '""'),
    _percent(""),
    _percent("", lower=True),
    _percent("/"),
    _percent("", form=True),
    _percent("", form=True, lower=True),
    _percent("*", form=True),
    _percent("!*'()~"),
    _percent(";/?:@&=+$,#!*'()~"),
)

_OUTER_ESCAPES: Final[tuple[Callable[[str], str], ...]] = (
    _json_escaped(True),
    _json_escaped(False),
    html.escape,
    lambda text: html.escape(text, quote=False),
    lambda text: text.replace("'", "'\\''"),
    lambda text: text.replace("'", "'\"'\"'"),
    _in_double_quotes,
    _percent(""),
)


def _wide_forms(text: str) -> set[bytes]:
    """In the encodings that are not UTF-8. Where a wide one is cut off in the middle of a character does not matter."""
    forms = {text.encode("utf-16-le", "surrogatepass")[:-1], text.encode("utf-16-be", "surrogatepass").lstrip(b"\0")}
    with suppress(UnicodeEncodeError):
        forms.add(text.encode("latin-1"))
    return forms


# As characters that stand for bits


def _packed_forms(text: str, content: bytes) -> set[bytes]:
    """Base64 and base32 of it: alone, among other bytes, escaped as JSON, as UTF-16, and of its own base64."""
    inner = {content, json.dumps(text)[1:-1].encode()}
    inner |= {form.encode("utf-16-le", "surrogatepass") for form in (text, text.replace("'", "''"))}
    forms: set[bytes] = set()
    for bits in inner | {base64.b64encode(content).rstrip(b"="), base64.urlsafe_b64encode(content).rstrip(b"=")}:
        for altchars in (b"+/", b"-_"):
            forms |= _base64_forms(bits, altchars)
    base32 = _shifted(content, 5, base64.b32encode)
    return forms | base32 | {form.lower() for form in base32}


def _base64_forms(content: bytes, altchars: bytes) -> set[bytes]:
    """The characters that stand for the secret alone, at each of the three places in a group at which it may begin."""
    return _shifted(content, 3, lambda data: base64.b64encode(data, altchars))


def _shifted(content: bytes, group: int, encode: Callable[[bytes], bytes]) -> set[bytes]:
    width = {3: 6, 5: 5}[group]
    forms = set()
    for shift in range(group):
        encoded = encode(b"\0" * shift + content).rstrip(b"=")
        first = (8 * shift + width - 1) // width
        last = (8 * (shift + len(content))) // width
        forms.add(encoded[first:last])
    return forms


def _slashes_and_pluses(packed: set[bytes]) -> set[bytes]:
    """How base64 is written in a URL and in JSON that escapes slashes."""
    special = {form for form in packed if b"/" in form or b"+" in form}
    in_url = {form.replace(b"/", b"%2F").replace(b"+", b"%2B") for form in special}
    in_json = {form.replace(b"/", b"\\/") for form in special}
    return in_url | {form.replace(b"%2F", b"%2f").replace(b"%2B", b"%2b") for form in in_url} | in_json


def _digit_forms(text: str, content: bytes) -> set[bytes]:
    """As hexadecimal, decimal and octal numbers, of bytes and of characters, two zeros before each where some write them."""
    octets = [f"{b:02x}" for b in content]
    forms = {
        "".join(octets),
        "0".join(octets),  # 0x41, 0x42 without its x
        "00".join(octets),
        text.encode("utf-16-be", "surrogatepass").hex(),
        text.encode("utf-16-le", "surrogatepass").hex(),
        "".join(f"{ord(c):x}" for c in text),
        "".join(str(b) for b in content),
        "".join(str(ord(c)) for c in text),
        "".join(f"{b:03o}" for b in content),
    }
    return {form.encode() for form in forms}

"""Secrets in every form that tools print: broken into lines, written digit by digit, encoded twice. None of it gets through."""

from __future__ import annotations

import base64
import html
import json
import random
import shlex
import subprocess
import urllib.parse
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.steps.masking import Patterns, StreamMasker, mask_bytes
from engine.steps.secrets import SecretBox

if TYPE_CHECKING:
    from collections.abc import Callable

PLAIN = "sk-live-4f9A0bC1dE2fG3hI4jK5lM6nO7pQ8rS9"
ODD = "tök/en+with 'odd' \"marks\" & $igns\\7"
SHORT = "p4ssw0rd"
SECRETS = [PLAIN, ODD, SHORT]


def _json_all(text: str) -> str:
    units = text.encode("utf-16-be")
    return "".join(f"\\u{high:02x}{low:02x}" for high, low in zip(units[::2], units[1::2], strict=True))


def _numbers(template: str, separator: str = "") -> Callable[[str], str]:
    return lambda text: separator.join(template.format(b) for b in text.encode())


def _as_utf8(form: Callable[[str], str]) -> Callable[[str], bytes]:
    return lambda text: form(text).encode()


def _in_lines(text: str, width: int, end: str = "\n") -> str:
    return end.join(text[at : at + width] for at in range(0, len(text), width))


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


TEXTUAL: dict[str, Callable[[str], str]] = {
    "base64 without padding": lambda s: _b64(s).rstrip("="),
    "base64 in JSON": lambda s: json.dumps({"auth": _b64("user:" + s)}),
    "base64 in PHP's JSON": lambda s: json.dumps(_b64(s)).replace("/", "\\/"),
    "base64 in a URL": lambda s: urllib.parse.quote(_b64(s), safe=""),
    "base64 for URLs after one byte": lambda s: base64.urlsafe_b64encode(b"\xff" + s.encode()).decode(),
    "base64 twice": lambda s: _b64(_b64(s)),
    "base64 twice among others": lambda s: _b64("k:" + _b64(s) + ":v"),
    "base64 of JSON": lambda s: _b64(json.dumps({"password": s})),
    "base64 of UTF-16": lambda s: base64.b64encode(s.encode("utf-16-le")).decode(),
    "base64 of a PowerShell line": lambda s: base64.b64encode(
        f"$p = '{s.replace(chr(39), chr(39) * 2)}'".encode("utf-16-le")
    ).decode(),
    "base32": lambda s: base64.b32encode(s.encode()).decode(),
    "base32, small": lambda s: base64.b32encode(s.encode()).decode().lower(),
    "base32 after three bytes": lambda s: base64.b32encode(b"abc" + s.encode()).decode(),
    "JSON, every character": _json_all,
    "JSON, every character, large": lambda s: _json_all(s).upper().replace("\\U", "\\u"),
    "JSON, every character in braces": lambda s: "".join(f"\\u{{{ord(c):x}}}" for c in s),
    "JSON in JSON": lambda s: json.dumps(json.dumps({"a": s})),
    "JSON with slashes escaped": lambda s: json.dumps(s).replace("/", "\\/"),
    "JSON of Go": lambda s: json.dumps(s, ensure_ascii=False).replace("&", "\\u0026"),
    "JSON of .NET": lambda s: (
        json.dumps(s)
        .replace('\\"', "\\u0022")
        .replace("'", "\\u0027")
        .replace("&", "\\u0026")
        .replace("+", "\\u002B")
        .replace("\\u00f6", "\\u00F6")
    ),
    "hex, each with 0x": _numbers("0x{:02x}", ", "),
    "hex, each with 0X": _numbers("0x{:02X}", ","),
    "hex after one 0x": lambda s: "0x" + s.encode().hex(),
    "hex with \\x": _numbers("\\x{:02x}"),
    "HEX with \\x": _numbers("\\x{:02X}"),
    "hex with spaces": lambda s: s.encode().hex(" "),
    "HEX with dashes, as .NET": lambda s: s.encode().hex("-").upper(),
    "hex in words, as od": lambda s: s.encode().hex(" ", 2),
    "hex in lines, as xxd -p": lambda s: _in_lines(s.encode().hex(), 30),
    "hex of UTF-16": lambda s: s.encode("utf-16-le").hex(),
    "quoted-printable, all of it": _numbers("={:02X}"),
    "percent, all of it": _numbers("%{:02X}"),
    "percent twice": lambda s: urllib.parse.quote(urllib.parse.quote(s, safe=""), safe=""),
    "decimal list": lambda s: str(list(s.encode())),
    "octal": _numbers("\\{:03o}"),
    "HTML, every character": lambda s: "".join(f"&#{ord(c)};" for c in s),
    "HTML, every character in hex": lambda s: "".join(f"&#x{ord(c):x};" for c in s),
    "HTML, every character in hex of four": lambda s: "".join(f"&#x{ord(c):04X};" for c in s),
    "HTML with &apos;": lambda s: html.escape(s).replace("&#x27;", "&apos;"),
    "HTML twice": lambda s: html.escape(html.escape(s)),
    "form of JavaScript": lambda s: urllib.parse.quote(s, safe="!*'()~"),
    "in double quotes": lambda s: '"' + s.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$") + '"',
    "a shell's word in JSON": lambda s: json.dumps(shlex.quote(s)),
    "a shell's word in a shell's word": lambda s: shlex.quote("x " + shlex.quote(s)),
    "CSV": lambda s: '"' + s.replace('"', '""') + '"',
    "bytes of Python": lambda s: repr(s.encode()),
}

BINARY: dict[str, Callable[[str], bytes]] = {
    "UTF-16": lambda s: s.encode("utf-16-le"),
    "UTF-16, large end first": lambda s: s.encode("utf-16-be"),
    "Latin-1": lambda s: s.encode("latin-1"),
}

FORMS: dict[str, Callable[[str], bytes]] = {
    **{name: _as_utf8(form) for name, form in TEXTUAL.items()},
    **BINARY,
    "backwards": lambda s: s.encode()[::-1],
}


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("form", FORMS)
def test_no_form_gets_through_at_any_border(secret: str, form: str) -> None:
    patterns = SecretBox({"token": secret}).patterns
    encoded = FORMS[form](secret)
    text = b"before " + encoded + b" after"
    whole = mask_bytes(patterns, text)
    assert b"***" in whole
    assert whole.startswith(b"before ")
    assert whole.endswith(b" after")
    for cut in range(len(text) + 1):
        masker = StreamMasker(patterns)
        assert masker.feed(text[:cut]) + masker.feed(text[cut:]) + masker.flush() == whole
    masker = StreamMasker(patterns)
    assert b"".join(masker.feed(bytes([byte])) for byte in text) + masker.flush() == whole


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\n    ", "\\n", "\\r\\n"], ids=repr)
@pytest.mark.parametrize("width", [76, 64, 20])
@pytest.mark.sampled(one_in=10)
def test_base64_in_lines_shows_at_most_three_characters_of_it(secret: str, end: str, width: int) -> None:
    """Wherever in the lines it begins, and wherever the lines are cut."""
    patterns = SecretBox({"token": secret}).patterns
    alone = base64.b64encode(secret.encode()).rstrip(b"=")
    for before in range(80):
        content = base64.b64encode(b"\x00" * before + secret.encode() + b"\x00" * 20).decode()
        text = _in_lines(content, width, end).encode()
        masked = mask_bytes(patterns, text)
        assert b"***" in masked
        joined = masked.replace(end.encode(), b"")
        shown = joined.split(b"***")
        # What stands around it is A, the sign of zeros; what is shared with these is two characters on either side.
        assert sum(len(piece.strip(b"A=")) for piece in shown) <= 7, (before, masked)
        assert alone[:8] not in joined
        for cut in range(0, len(text), 7):
            masker = StreamMasker(patterns)
            assert masker.feed(text[:cut]) + masker.feed(text[cut:]) + masker.flush() == masked


@pytest.mark.parametrize("secret", [PLAIN, ODD, "a'b`c$d!e"])
@pytest.mark.parametrize("line", ['printf %q "$1"', "x=$1; declare -p x", 'printf "%s" "${1@Q}"', 'set -x; : "$1"'])
def test_what_bash_itself_makes_of_it(secret: str, line: str) -> None:
    done = subprocess.run(["bash", "-c", line, "bash", secret], capture_output=True, check=True)
    written = done.stdout + done.stderr
    assert b"***" in mask_bytes(SecretBox({"token": secret}).patterns, written)


def test_lines_and_prompts_are_not_late() -> None:
    masker = SecretBox({"token": PLAIN, "other": "12345678 tail"}).stream_masker()
    for line in (b"step 3 of 5 done\n", b"value: 6b\n", b"total 115\n", b"Continue? [y/N] ", b"ask\n", b"s\n"):
        assert masker.feed(line) == line


def test_ordinary_output_is_left_alone() -> None:
    """Digests, addresses, tables, dumps and code: nothing of it looks like a secret."""
    chance = random.Random(5)
    lines = [
        chance.randbytes(32).hex(),
        base64.encodebytes(chance.randbytes(400)).decode(),
        " ".join(str(chance.randrange(1000)) for _ in range(200)),
        "2001:db8::ff00:42:8329 de:ad:be:ef:00:01",
        json.dumps([chance.random() for _ in range(50)], indent=1),
        "\\u0041\\u0042 %41%42 &#65;&#66; 0x41, 0x42",
    ]
    text = "\n".join(lines).encode()
    box = SecretBox(dict(zip("abc", SECRETS, strict=True)))
    assert mask_bytes(box.patterns, text) == text
    masker = box.stream_masker()
    assert b"".join(masker.feed(text[at : at + 5]) for at in range(0, len(text), 5)) + masker.flush() == text


def test_what_lies_far_apart_is_not_put_together() -> None:
    patterns = Patterns([], [b"abcdefghij"], [b"0123456789"])
    for text in (
        b"ab\ncdefghij",  # too little before the break
        b"abcd efghij",  # no break
        b"abcd\n" + b" " * 45 + b"efghij",
        b"01234" + b" " * 9 + b"56789",
        b"0 123456789",
        b"012\n3456789",
    ):
        assert mask_bytes(patterns, text) == text
    assert mask_bytes(patterns, b"<abc\n  defghij>") == b"<***>"
    assert mask_bytes(patterns, b"<01 23:45-67, 0x89>") == b"<01 23:45-67, 0x89>"
    assert mask_bytes(patterns, b"<01 23:45-67, x89>") == b"<***>"


_PIECES = st.sampled_from(
    [
        b"abcabcab",
        b"abc",
        b"a",
        b"bca",
        b"\n",
        b"\r\n",
        b"  ",
        b"\\n",
        b"\\",
        b"01",
        b"1",
        b"0101",
        b":",
        b"0x",
        b"%",
        b"\t",
    ]
)
_TEXTS = st.lists(_PIECES, max_size=24).map(b"".join)


@given(_TEXTS, st.data())
@example(b"abc\nabcab", None)
def test_a_stream_is_masked_like_the_whole_however_it_is_cut(text: bytes, data: st.DataObject | None) -> None:
    patterns = Patterns([b"bcabcabca"], [b"abcabcab", b"abcabcabcabc"], [b"01010101", b"0101010110"])
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8))) if data else [3, 4]
    masker = StreamMasker(patterns)
    pieces = [masker.feed(text[start:end]) for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert b"".join([*pieces, masker.flush()]) == mask_bytes(patterns, text)


@given(_TEXTS)
def test_a_stream_of_single_bytes(text: bytes) -> None:
    patterns = Patterns([b"bcabcabca"], [b"abcabcab", b"abcabcabcabc"], [b"01010101", b"0101010110"])
    masker = StreamMasker(patterns)
    assert b"".join(masker.feed(bytes([byte])) for byte in text) + masker.flush() == mask_bytes(patterns, text)


def test_what_is_held_back_is_bounded() -> None:
    patterns = Patterns([], [b"abcabcab"], [b"01010101"])
    for endless in (b"\n", b" ", b":", b"abc\n", b"01:", b"01 \n", b"\\n", b"\\", b"abc\n    "):
        masker = StreamMasker(patterns)
        for _ in range(300):
            masker.feed(endless * 10)
            assert len(masker.held) < 600, endless

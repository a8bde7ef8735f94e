"""Secrets: where they come from, what is said when they cannot be used, and that no form of them gets out."""

from __future__ import annotations

import base64
import html
import json
import os
import shlex
import urllib.parse
from typing import TYPE_CHECKING

import pytest

from engine.errors import InputError
from engine.model.bound import SecretName, SecretText
from engine.model.plan import SecretSource
from engine.steps.secrets import SecretBox

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from engine.model.json import Json

TOKEN = "tök/en+with 'odd' \"marks\" & $igns\\7"
LONG = "-----BEGIN KEY-----\nAbCdEfGhIjKlMnOp\n  QrStUvWxYz012345\n-----END KEY-----"

_ENCODINGS: dict[str, Callable[[str], str]] = {
    "as it is": lambda s: s,
    "base64": lambda s: base64.b64encode(s.encode()).decode(),
    "base64 after one byte": lambda s: base64.b64encode(b"x" + s.encode() + b"yz").decode(),
    "base64 after two bytes": lambda s: base64.b64encode(b"xy" + s.encode() + b"z").decode(),
    "base64 for URLs": lambda s: base64.urlsafe_b64encode(s.encode()).decode(),
    "URL": urllib.parse.quote,
    "URL, all of it": lambda s: urllib.parse.quote(s, safe=""),
    "form": urllib.parse.quote_plus,
    "URL, lower case": lambda s: "".join(f"%{b:02x}" for b in s.encode()),
    "JSON": json.dumps,
    "JSON as UTF-8": lambda s: json.dumps(s, ensure_ascii=False),
    "shell": shlex.quote,
    "hex": lambda s: s.encode().hex(),
    "HEX": lambda s: s.encode().hex().upper(),
    "hex with colons": lambda s: s.encode().hex(":"),
    "HTML": html.escape,
    "repr": repr,
}


def _load(folder: Path, host_env: dict[str, str] | None = None, /, **sources: SecretSource) -> SecretBox:
    return SecretBox.load(sources, host_env=host_env or {}, folder=folder)


@pytest.mark.parametrize("secret", [TOKEN, "abcd1234", "p4ssw0rd!"])
@pytest.mark.parametrize("encode", _ENCODINGS.values(), ids=_ENCODINGS)
def test_every_encoding_is_masked_at_every_chunk_border(secret: str, encode: Callable[[str], str]) -> None:
    box = SecretBox({"token": secret})
    text = f"before {encode(secret)} after".encode()
    whole = box.mask(text.decode())
    assert "***" in whole
    assert whole.startswith("before ")
    assert whole.endswith(" after")
    # What is left of the secret's own encoding are at most the characters that it shares with its neighbours.
    assert len(whole) <= len("before *** after") + 6
    for cut in range(len(text) + 1):
        masker = box.stream_masker()
        assert masker.feed(text[:cut]) + masker.feed(text[cut:]) + masker.flush() == whole.encode()


def test_a_secret_of_several_lines_is_masked_line_by_line() -> None:
    box = SecretBox({"key": LONG})
    assert box.mask(f"<{LONG}>") == "<***>"
    assert box.mask("a: AbCdEfGhIjKlMnOp, b: QrStUvWxYz012345") == "a: ***, b: ***"
    assert box.mask("> " + LONG.replace("\n", "\n> ")) == "> ***\n> ***\n>   ***\n> ***"


def test_json_is_masked_in_texts_keys_and_numbers() -> None:
    box = SecretBox({"a": "12345678", "b": "supersecret"})
    value: Json = {"supersecret": 1, "supersecret ": {"x": ["a supersecret", 12345678, 912345678.5, True, None, 7]}}
    assert box.mask_json(value) == {"***": 1, "*** ": {"x": ["a ***", "***", "9***.5", True, None, 7]}}


def test_a_list_of_the_secret_s_bytes_is_masked() -> None:
    box = SecretBox({"a": "supersecret"})
    numbers: Json = [1, 2, *b"supersecret", 3]
    assert box.mask_json({"bytes": numbers, "others": [5] * 20}) == {"bytes": "***", "others": [5] * 20}


def test_texts_beside_each_other_are_not_taken_together() -> None:
    value: Json = {
        "super": "secret",
        "list": ["super", "secret"],
        "x": ["73", "75", "70", "65", "72", "73", "65", "63"],
    }
    assert SecretBox({"a": "supersecret"}).mask_json(value) is value


def test_keys_that_become_equal_are_all_kept() -> None:
    box = SecretBox({"a": "secret-one", "b": "secret-two"})
    assert box.mask_json({"secret-one": 1, "secret-two": 2}) == {"***": 1, "*** (2)": 2}


def test_an_empty_box_changes_nothing() -> None:
    value: Json = {"a": ["b"]}
    assert SecretBox().mask_json(value) is value
    assert SecretBox().mask("text\ud800") == "text\ud800"


def test_reveal_and_repr() -> None:
    box = SecretBox({"token": "supersecret"})
    assert box.reveal("{secrets.token}") == "{secrets.token}"
    assert box.reveal(SecretText(("Bearer ", SecretName("token"), "!"))) == "Bearer supersecret!"
    assert repr(box) == "SecretBox(token)"
    with pytest.raises(InputError, match="secret nope: there is no such secret"):
        box.reveal(SecretText((SecretName("nope"),)))


@pytest.mark.parametrize(
    ("content", "value"),
    [("long enough\n", "long enough"), ("long enough\r\n", "long enough"), ("a b c d e \n\n", "a b c d e \n")],
)
def test_from_a_file_without_its_last_line_end(tmp_path: Path, content: str, value: str) -> None:
    (tmp_path / "token").write_bytes(content.encode())
    box = _load(tmp_path, token=SecretSource(file="token"))
    assert box.reveal(SecretText((SecretName("token"),))) == value


def test_from_the_environment(tmp_path: Path) -> None:
    box = _load(tmp_path, {"CMDB_TOKEN": "from the host"}, token=SecretSource(env="CMDB_TOKEN"))
    assert box.reveal(SecretText((SecretName("token"),))) == "from the host"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (SecretSource(), "needs exactly one source"),
        (SecretSource(env="A", file="b"), "needs exactly one source"),
        (SecretSource(env="MISSING"), "the environment variable MISSING is not set"),
        (SecretSource(env="SHORT"), "it has fewer than 8 characters"),
        (SecretSource(env="BLANK"), "it has fewer than 8 characters"),
        (SecretSource(env="NUL"), "NUL character"),
        (SecretSource(file="missing"), "there is no file"),
        (SecretSource(file="."), "is a folder"),
        (SecretSource(file="binary"), "is not UTF-8 text"),
        (SecretSource(file="large"), "is larger than 64 KiB"),
        (SecretSource(file="a\0b"), "cannot be read"),
        (SecretSource(file="binary/x"), "cannot be read: Not a directory"),
    ],
)
def test_what_cannot_be_used_is_named_without_its_value(tmp_path: Path, source: SecretSource, words: str) -> None:
    (tmp_path / "binary").write_bytes(b"\xff" * 20)
    (tmp_path / "large").write_bytes(b"x" * 70_000)
    host_env = {"SHORT": "hunter2", "BLANK": " " * 20, "NUL": "hunter\0hunter2"}
    with pytest.raises(InputError) as caught:
        _load(tmp_path, host_env, token=source)
    assert words in str(caught.value)
    assert str(caught.value).startswith("secret token: ")
    assert caught.value.hint
    assert "hunter" not in f"{caught.value} {caught.value.hint}"


def test_all_problems_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        _load(tmp_path, one=SecretSource(env="A"), two=SecretSource(file="b"))
    assert "secret one: the environment variable A is not set; secret two: there is no file" in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("long enough")
    (tmp_path / "token").chmod(0)
    with pytest.raises(InputError, match="Permission denied"):
        _load(tmp_path, token=SecretSource(file="token"))

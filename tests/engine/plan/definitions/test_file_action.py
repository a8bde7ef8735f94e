"""File steps: each action has the fields it needs, and no others."""

from __future__ import annotations

from typing import Any

import pytest

from engine.model.bound import BoundFile
from tests.engine.plan.support import only, plan, plan_faults, result, scope


def file(**fields: Any) -> dict[str, Any]:
    """A step."""
    return {"id": "a", "step_def": {"type": "file", "path": "p", **fields}}


def test_every_action_loads_with_what_it_needs() -> None:
    """Paths, content and checksum are filled in, the mode is a number."""
    at = scope(result("src", "s"))
    cases = [
        (file(action="copy", path="{src.data}/p", to="{src.data}/q"), BoundFile("copy", "s/p", to="s/q")),
        (file(action="move", to="q", overwrite=True), BoundFile("move", "p", to="q", overwrite=True)),
        (file(action="write", content="", mode="0640"), BoundFile("write", "p", content="", mode=0o640)),
        (file(action="write", content="x {src.data}", mode="755"), BoundFile("write", "p", content="x s", mode=0o755)),
        (
            file(action="checksum", algorithm="sha512", expect="{src.data}"),
            BoundFile("checksum", "p", algorithm="sha512", expect="s"),
        ),
    ]
    for step, bound in cases:
        assert plan({"id": "src"}, step).steps["a"].bind(at).definition == bound


@pytest.mark.parametrize(
    ("fields", "path", "message", "hint"),
    [
        ({"action": "copy"}, "", "copy needs to: where it goes", "add to"),
        ({"action": "move"}, "", "move needs to: where it goes", "add to"),
        ({"action": "write"}, "", "write needs content: what is written", "add content"),
        ({"action": "checksum", "to": "x"}, ".to", "checksum has no to", "to belongs to copy and move"),
        ({"action": "copy", "to": "x", "content": "y"}, ".content", "copy has no content", "content belongs to write"),
        ({"action": "delete"}, ".action", "expected one of copy, move, write, checksum, found the text 'delete'", ""),
        ({"action": "wirte"}, ".action", "expected one of copy, move, write, checksum, found the text 'wirte'", "did you mean 'write'?"),
        ({"action": "{x.y}"}, ".action", "expected one of copy, move, write, checksum, found the text '{x.y}'", ""),
        ({}, ".action", "action is missing", "add it"),
        ({"action": "write", "content": 1}, ".content", "expected a text, found the number 1", 'quote it: "1"'),
        (
            {"action": "write", "content": "x", "mode": "999"},
            ".mode",
            "expected three or four octal digits, as in '0644', found the text '999'",
            "",
        ),
        ({"action": "write", "content": "x", "mode": 420}, ".mode", "expected a text, found the number 420", 'quote it: "420"'),
        (
            {"action": "checksum", "algorithm": "crc32"},
            ".algorithm",
            "expected one of sha256, sha512, sha1, md5, blake2b, found the text 'crc32'",
            "",
        ),
        ({"action": "write", "content": "{secrets.t}"}, ".content", "{secrets.t}: a secret cannot stand in an argument", ""),
        ({"action": "checksum", "path": "{nope.x}"}, ".path", "{nope.x}: there is no 'nope'", ""),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_place(fields: dict[str, Any], path: str, message: str, hint: str) -> None:
    """One sentence each."""
    fault = only(plan_faults(file(**fields), secrets={"t": {"env": "T"}}))
    assert (fault.path, fault.message) == (f"steps[0].step_def{path}", message)
    assert fault.hint.startswith(hint)

"""Escape sequences, markup and bidi marks in everything a plan and its steps can say: no command lets them out."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.tui.commands.conftest import Cli

ROOT = Path(__file__).parents[3]
NASTY = "\x1b]52;c;aGk=\x07\x1b[2J\x9b31m[@click=app.quit]x[/][/nope]\u202eevil\u2066\U000e0041\u3164\x7f\x00\r"
WRITTEN = NASTY.replace("\x00", "")


@pytest.fixture
def nasty_run(cli: Cli, home: Path) -> None:
    (home / "say.py").write_text(
        "import json, sys\n"
        f"text = {NASTY!r}\n"
        "print(json.dumps({text: [text, {text: text}]}))\n"
        "sys.stderr.buffer.write(text.encode() + b'\\xff\\xfe\\n')\n"
    )
    (home / "fail.py").write_text(f"import sys\nsys.stderr.write({NASTY!r})\nsys.exit(3)\n")
    plan = {
        "plan_id": "nasty",
        "version": WRITTEN,
        "description": WRITTEN,
        "params": {"p": {"type": "string", "default": WRITTEN}},
        "steps": [
            {"id": "say", "command": sys.executable, "args": ["say.py", WRITTEN], "output": "json", "description": WRITTEN},
            {"id": "fail", "command": sys.executable, "args": ["fail.py"], "on_failure": "continue"},
            {"id": "skip", "command": "true", "condition": f"params.p == '{WRITTEN}.'"},
        ],
        "compose": {WRITTEN: "{say.data}", "p": "{params.p}"},
        "present": [
            {"type": "markdown", "text": f"# {WRITTEN}\n{{compose.p}}"},
            {"type": "table", "title": WRITTEN, "rows": [[WRITTEN, "{compose.p}"]], "columns": [WRITTEN, "b"]},
            {"type": "key_value", "title": "{compose.p}", "values": {WRITTEN: "{compose.p}"}},
            {"type": "list", "entries": [WRITTEN, "{compose.p}"]},
            {"type": "json", "value": {WRITTEN: "{compose.p}"}},
        ],
    }  # fmt: skip
    (home / "nasty.json").write_text(json.dumps(plan))
    answer = cli("run", "nasty.json")
    assert answer.code == 0, answer
    assert_safe(answer.out + answer.err)
    assert "[@click=app.quit]x[/][/nope]" in answer.out


def assert_safe(text: str) -> None:
    bad = {
        c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") or c in "\u115f\u1160\u3164\uffa0"
    }
    assert bad <= {"\n"}, bad


COMMANDS = (
    ["runs"],
    ["runs", "--json"],
    ["show", "last"],
    ["show", "last", "--json"],
    ["show", "last/stage/execute"],
    ["show", "last/stage/present"],
    ["show", "last?step=say"],
    ["show", "last?step=fail"],
    ["show", "last?step=say", "--json"],
    ["logs", "last"],
    ["events", "last"],
    ["events", "last", "--json"],
    ["validate", "nasty.json"],
    ["validate", "nasty.json", "--json"],
    ["run", "nasty.json", "--json"],
    ["demo", "--db", "\x1b[31m\u202e.db"],
    ["doctor", "--db", "\x1b[31m\u202e.db"],
    # What a person types comes back in errors.
    ["show", WRITTEN],
    ["logs", "last", WRITTEN],
    ["run", WRITTEN],
    ["run", f"./{WRITTEN}.yaml"],
    ["run", "nasty.json", "-p", f"{WRITTEN}=1"],
    [WRITTEN],
    [f"--{WRITTEN}"],
    ["runs", "--db", f"./{WRITTEN}/x.db"],
)


@pytest.mark.usefixtures("nasty_run")
def test_no_command_lets_a_control_character_out(cli: Cli) -> None:
    for words in COMMANDS:
        answer = cli(*words)
        assert answer.code in (0, 2, 4), (words, answer)
        assert answer.out + answer.err
        assert_safe(answer.out + answer.err)
        assert "Traceback" not in answer.err
        assert "unexpected error" not in answer.err, (words, answer.err)


@pytest.mark.usefixtures("nasty_run")
def test_json_brings_everything_back(cli: Cli) -> None:
    trace = json.loads(cli("show", "last", "--json").out)
    said = next(step for step in trace["steps"] if step["id"] == "say")
    assert said["result"]["data"] == {NASTY: [NASTY, {NASTY: NASTY}]}


@pytest.mark.usefixtures("nasty_run")
def test_a_terminal_gets_colours_and_nothing_else(home: Path) -> None:
    leader, follower = pty.openpty()
    script = (
        "import sys; from tui.commands import main\n"
        "for words in (['runs'], ['show', 'last'], ['logs', 'last'], ['show', 'last?step=say'], ['logs', 'last', '--raw']):\n"
        "    main(words)\n"
    )
    env = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=follower, stdout=follower, stderr=follower, env=env
    ) as process:
        os.close(follower)
        received = b""
        try:
            while block := os.read(leader, 65536):
                received += block
        except OSError:  # the other end is closed
            pass
        os.close(leader)
    assert process.returncode == 0
    text = received.decode()
    assert "\x1b[38;2;" in text
    assert "--raw is refused on a terminal" in text
    assert_safe(re.sub(r"\x1b\[(0|1|2|38;2;\d+;\d+;\d+|1;38;2;\d+;\d+;\d+)m", "", text).replace("\r\n", "\n"))

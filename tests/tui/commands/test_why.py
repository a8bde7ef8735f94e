"""W1: `why` on real runs of small plans: what failed, what differs, and a command that does the same again when pasted."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import subprocess
import sys
import unicodedata
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tui.commands.conftest import Cli


def paste_of(cli: Cli, run: str = "last") -> str:
    document = json.loads(cli("why", run, "--json").out)
    return str(document["command"]["paste"])


def bash(script: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"], **env}, cwd="/"
    )  # fmt: skip


def test_the_first_line_is_the_answer(cli: Cli, recorded: Path) -> None:
    answer = cli("why", "last")
    assert (answer.code, answer.err) == (0, "")
    lines = answer.out.splitlines()
    assert lines[0] == "✗ FAILED  break_it: exit 7: broken"
    assert lines[2] == "  Because of it 1 more step was canceled."
    assert "break_it wrote to stderr\n  broken\n" in answer.out
    assert "sh -c 'echo broken >&2; exit 7' </dev/null\n" in answer.out
    after = lines[lines.index("next") + 1 :]
    assert re.fullmatch(r"  opscope logs [0-9a-f]{6} break_it  everything it wrote", after[0])
    assert re.fullmatch(r"  opscope show '[0-9a-f]{6}/stage/execute\?step=break_it'", after[1])
    assert re.fullmatch(r"  cd \S+ && opscope run \S+/breaks.yaml -p who=me", after[3])


def test_a_run_that_works(cli: Cli, recorded: Path) -> None:
    works = json.loads(cli("runs", "--json").out)[1]["run_id"]
    answer = cli("why", works[:6])
    assert answer.code == 0
    assert answer.out.splitlines()[0] == "✓ SUCCEEDED  nothing failed"


def test_json_is_the_head_and_the_explanation(cli: Cli, recorded: Path) -> None:
    document = json.loads(cli("why", "last", "--json").out)
    head = json.loads(cli("runs", "--json").out)[0]
    assert {name: document[name] for name in head} == head
    assert document["answer"] == "break_it: exit 7: broken"
    assert document["step_id"] == "break_it"
    assert [tried["status"] for tried in document["attempts"]] == ["failed"]
    assert document["last_good_run"] is None
    assert [step["meaning"] for step in document["next"]] == [
        "everything it wrote",
        "the step with all its attempts",
        "run it once more",
    ]


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("why", "ffff"), "opscope: no run begins with ffff\n  opscope runs lists them\n"),
        (("why",), "opscope: the following arguments are required: RUN\n  see opscope why --help\n"),
        (("why", "last", "--jsno"), "opscope: unrecognized arguments: --jsno\n  see opscope why --help\n"),
    ],
)
def test_bad_input(cli: Cli, recorded: Path, words: tuple[str, ...], error: str) -> None:
    answer = cli(*words)
    assert (answer.code, answer.out, answer.err) == (2, "", error)


def test_before_anything_has_run(cli: Cli, database: Path) -> None:
    answer = cli("why", "last")
    assert answer.code == 2
    assert answer.err.startswith("opscope: nothing has been run yet\n")
    assert not database.parent.exists()


def write_plan(home: Path, plan: dict[str, object], name: str = "plan.json") -> str:
    (home / name).write_text(json.dumps(plan))
    return f"./{name}"


def test_what_is_pasted_runs_as_the_step_did(cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Arguments, folder, environment and input of the attempt and of the pasted command are held against each other."""
    monkeypatch.setenv("API_TOKEN", "s3cret-text-of-it")
    (home / "in here").mkdir()
    (home / "keys").write_text("text-from-a-file\n")
    script = (
        "import json, os, sys\n"
        "json.dump([sys.argv, os.getcwd(), dict(os.environ), sys.stdin.read()], open(os.environ['TO'], 'w'))\n"
        "sys.exit('it broke')\n"
    )
    odd = 'it\'s "odd" $HOME `x` \\ \t\n  two \nlines\x1b[31m ü\u202e*'
    plan: dict[str, object] = {
        "plan_id": "pasted",
        "params": {"to": {"type": "string"}},
        "secrets": {"token": {"env": "API_TOKEN"}, "key": {"file": "keys"}},
        "globals": {"env": {"SHARED": "1"}},
        "steps": [
            {
                "id": "dump",
                "command": sys.executable,
                "args": ["-c", script, odd, "", "-n", "{params.to}"],
                "cwd": "in here",
                "env": {"ODD": odd, "AUTH": "Bearer {secrets.token}", "KEY": "{secrets.key}", "TO": "{params.to}"},
            }
        ],
    }
    answer = cli("run", "-q", write_plan(home, plan), "-p", f"to={home}/first.json")
    assert answer.code == 1, answer
    text = cli("why", "last").out
    assert "s3cret-text-of-it" not in text
    assert "text-from-a-file" not in text
    paste = paste_of(cli)
    assert paste in text, "what is printed is what is meant: no filter may have changed it"
    done = bash(paste.replace("first.json", "second.json"), API_TOKEN="s3cret-text-of-it")
    assert done.returncode == 1
    assert done.stderr == "it broke\n"
    first, second = (
        json.loads((home / name).read_text().replace(name, "same")) for name in ("first.json", "second.json")
    )
    assert second[0] == first[0]
    assert second[1] == first[1] == str(home / "in here")
    assert second[3] == first[3] == ""
    del first[2]["OPSCOPE_COOKIE"]
    for environment in (first[2], second[2]):
        environment.pop("LC_CTYPE", None)  # Python itself sets it where no locale is given
    assert second[2] == first[2]


@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="needs the sqlite3 shell")
def test_a_pasted_query_finds_what_the_step_would(cli: Cli, home: Path) -> None:
    step = {
        "type": "sql",
        "database": "inv.db",
        "query": "SELECT name FROM hosts\nWHERE name = :name AND weight > $least -- the heavy ones",
        "args": {"name": "{params.name}", "least": 3},
    }
    plan: dict[str, object] = {
        "plan_id": "queried",
        "params": {"name": {"type": "string"}},
        "steps": [{"id": "find", "step_def": step}],
    }
    name = 'O\'Brien "x" \\ \n;'
    subprocess.run(["sqlite3", "inv.db", "CREATE TABLE other (x)"], check=True, cwd=home)
    assert cli("run", "-q", write_plan(home, plan), "-p", f"name={name}").code == 1
    text, paste = cli("why", "last").out, paste_of(cli)
    assert text.startswith("✗ FAILED  find: the query failed: no such table: hosts\n")
    assert paste in text
    quoted = name.replace("'", "''")
    subprocess.run(
        ["sqlite3", "inv.db", f"CREATE TABLE hosts (name, weight); INSERT INTO hosts VALUES ('{quoted}', 4), ('b', 9)"],
        check=True,
        cwd=home,
    )
    done = bash(paste)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"name\n{name}\n"


def test_against_the_last_good_run(cli: Cli, home: Path) -> None:
    def plan(code: str) -> dict[str, object]:
        return {
            "plan_id": "nightly",
            "params": {"host": {"type": "string"}},
            "steps": [{"id": "copy", "command": "sh", "args": ["-c", code]}, {"id": "tidy", "command": "true"}],
        }

    assert cli("run", "-q", write_plan(home, plan("exit 0")), "-p", "host=web-1").code == 0
    good = json.loads(cli("runs", "--json").out)[0]
    assert cli("run", "-q", write_plan(home, plan("exit 4")), "-p", "host=web-2").code == 1
    document = json.loads(cli("why", "last", "--json").out)
    compared = document["last_good_run"]
    assert compared["run_id"] == good["run_id"]
    assert compared["given"] == [
        {
            "what": "plan",
            "then": good["plan_hash"][:8],
            "now": f"{document['plan_hash'][:8]}, which changes copy (args)",
        },
        {"what": "host", "then": "web-1", "now": "web-2"},
    ]
    (step,) = compared["steps"]
    assert (step["what"], step["then"].split(",")[0], step["now"].split(",")[:2]) == (
        "copy",
        "succeeded",
        ["failed", " exit 4"],
    )
    assert f"against the last good run {good['run_id'][:6]} of " in cli("why", "last").out


def test_how_to_run_it_again(cli: Cli, home: Path) -> None:
    plan: dict[str, object] = {
        "plan_id": "again",
        "params": {"host": {"type": "string"}, "n": {"type": "integer", "default": 1}, "l": {"type": "array", "default": []}},
        "steps": [{"id": "fail", "command": "false"}],
    }  # fmt: skip
    path = write_plan(home, plan)
    assert cli("run", "-q", path, "-p", "host=a b", "-p", 'l=["x"]').code == 1
    command = json.loads(cli("why", "last", "--json").out)["next"][-1]["command"]
    assert command == f"""opscope run {home}/plan.json -p 'host=a b' -p 'l=["x"]'"""
    (home / "plan.json").write_text((home / "plan.json").read_text() + "\n")
    commands = [step["command"] for step in json.loads(cli("why", "last", "--json").out)["next"]]
    assert not any("opscope run" in command for command in commands), "the file holds another plan by now"


NASTY = "\x1b]52;c;aGk=\x07\x1b[2J\x9b31m[@click=app.quit]x[/][/nope]\u202eevil\u2066\U000e0041\u3164\x7f\r"


def test_nothing_that_a_step_says_reaches_the_terminal_as_control(cli: Cli, home: Path) -> None:
    (home / "say.py").write_text(f"import sys\nsys.stderr.write({NASTY!r} + '\\n')\nsys.exit({NASTY!r})\n")
    plan: dict[str, object] = {
        "plan_id": "nasty",
        "version": NASTY,
        "params": {"nasty": {"type": "string", "default": NASTY}},
        "steps": [
            {"id": "say", "command": sys.executable, "args": ["say.py", NASTY], "env": {"N": NASTY}},
        ],
    }
    assert cli("run", "-q", write_plan(home, plan)).code == 1
    for words in (["why", "last"], ["why", "last", "--json"], ["--ascii", "why", "last"]):
        answer = cli(*words)
        assert answer.code == 0
        bad = {c for c in answer.out if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") or c == "\u3164"}
        assert bad <= {"\n"}, (words, bad)
    assert cli("--ascii", "why", "last").out.isascii()
    assert bash(paste_of(cli)).returncode == 1


def test_on_a_terminal_of_80_columns_the_sentences_are_folded(home: Path, recorded: Path) -> None:
    leader, follower = pty.openpty()
    env = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "40"}
    script = "import sys; from tui.commands import main; sys.exit(main(['why', 'last']))"
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
    text = re.sub(r"\x1b\[[0-9;]*m", "", received.decode()).replace("\r\n", "\n")
    head = text.partition("\n\n")[0].splitlines()
    assert head[0] == "✗ FAILED  break_it: exit 7: broken"
    assert len(head) > 3
    assert max(map(len, head)) <= 40

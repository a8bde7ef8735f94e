"""Commands and queries as text to paste: real shells and a real sqlite3 read them back."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.model.states import StepStatus
from store.rows import AttemptRow
from tui.terminal import is_clean
from tui.viewmodel.pasteable import pasteable, sql_literal
from tui.viewmodel.shell_text import Surroundings, shell_word

if TYPE_CHECKING:
    from pathlib import Path

    from engine.model.json import Json, JsonObject

# No NUL, which no argument can hold; lone surrogates below 0x80 do not come from the file system either.
WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)
SHELLS = [shell for shell in ("bash", "zsh") if shutil.which(shell)]


def attempt(definition: JsonObject, *, env: JsonObject | None = None, idempotent: bool = True) -> AttemptRow:
    starting: JsonObject = {
        "definition": definition,
        "env": env or {},
        "idempotent": idempotent,
        "idempotency_key": "k" * 8,
        "cookie": "cookie-of-the-attempt",
    }
    return AttemptRow("f" * 32, 0, "deploy", None, 2, StepStatus.FAILED, None, 1, 0, 1, starting, None)


def around(
    workdir: str = "/srv/ops", *, base_env: dict[str, str] | None = None, document: JsonObject | None = None
) -> Surroundings:
    return Surroundings(workdir, "/srv/plans", base_env or {}, document or {})


def command(program: str, *args: str, cwd: str | None = None) -> JsonObject:
    return {"type": "command", "command": program, "args": list(args), "cwd": cwd}


@pytest.mark.parametrize("ascii_only", [False, True])
@settings(max_examples=5, deadline=None)
@given(words=st.lists(WORDS, min_size=1, max_size=100))
def test_a_shell_reads_every_word_as_it_was(words: list[str], ascii_only: bool) -> None:
    written = [shell_word(word, ascii_only=ascii_only) for word in words]
    for line in "\n".join(written).split("\n"):
        assert is_clean(line)
        assert not line.endswith(" ")
        assert line.isascii() or not ascii_only
    for shell in SHELLS:
        script = "printf '%s\\0' " + " ".join(written)
        read = subprocess.run([shell, "-c", script], capture_output=True, check=True).stdout
        assert read.decode().split("\0")[:-1] == words


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("plain", "plain"),
        ("two words", "'two words'"),
        ("it's", "'it'\"'\"'s'"),
        ("if x\nthen\tfi\n", "$'if x\\nthen\\tfi\\n'"),
        ("one\ntwo\n", "'one\ntwo\n'"),
        ("blank \nat the end", "$'blank \\nat the end'"),
        ("\x1b[31m\u202e", "$'\\033[31m\\342\\200\\256'"),
        ("\udcff", "$'\\377'"),
        ("", "''"),
    ],
)
def test_words(text: str, word: str) -> None:
    assert shell_word(text) == word


def test_a_command_with_its_folder_and_environment() -> None:
    made = pasteable(
        attempt(command("rsync", "-a", "two words", cwd="site"), env={"MODE": "a b"}),
        around(base_env={"HOME": "/home/ops", "PATH": "/usr/bin:/bin"}),
    )
    assert made is not None
    assert made.text == (
        "cd /srv/ops/site && env -i \\\n"
        "  HOME=/home/ops PATH=/usr/bin:/bin MODE='a b' \\\n"
        "  OPSCOPE_RUN_ID=ffffffffffffffffffffffffffffffff OPSCOPE_STEP_ID=deploy \\\n"
        "  OPSCOPE_ATTEMPT=2 OPSCOPE_IDEMPOTENCY_KEY=kkkkkkkk \\\n"
        "  rsync -a 'two words' </dev/null"
    )
    assert made.notes == ()


def test_the_cookie_is_left_out_or_a_takeover_would_end_what_was_pasted() -> None:
    made = pasteable(attempt(command("true")), around())
    assert made is not None
    assert "cookie-of-the-attempt" not in made.text


def test_a_pasted_command_finds_the_same_world(tmp_path: Path) -> None:
    nasty = "a\tb \n'\"$HOME`id`\\ \x1b[0m ü"
    show = "import json, os, sys; print(json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ), sys.stdin.read()]))"
    env: JsonObject = {"NASTY": nasty, "EMPTY": "", "my-var": "1"}
    made = pasteable(
        attempt(command(sys.executable, "-c", show, nasty, "", "*"), env=env),
        around(str(tmp_path), base_env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}),
    )
    assert made is not None
    done = subprocess.run(["bash", "-c", made.text], capture_output=True, check=True, cwd="/", input=b"typed ahead")
    argv, folder, environment, stdin = json.loads(done.stdout)
    assert argv == [nasty, "", "*"]
    assert folder == str(tmp_path)
    assert {name: environment[name] for name in env} == env
    assert {name for name in environment if not name.startswith("OPSCOPE_")} <= {*env, "PATH", "LC_ALL"}
    assert stdin == ""


@pytest.mark.parametrize("program", ["a=b", "-n", "./bin/tool=1"])
def test_a_program_that_env_would_misread(program: str, tmp_path: Path) -> None:
    for name in ("a=b", "-n"):
        (tmp_path / name).write_text('#!/bin/sh\necho ran "$1"\n')
        (tmp_path / name).chmod(0o755)
    (tmp_path / "bin").mkdir()
    shutil.copy(tmp_path / "a=b", tmp_path / "bin" / "tool=1")
    made = pasteable(
        attempt(command(program, "it")),
        Surroundings(str(tmp_path), str(tmp_path), {"PATH": f"{tmp_path}:/usr/bin:/bin"}, {}),
    )
    assert made is not None
    assert subprocess.run(["bash", "-c", made.text], capture_output=True, check=True).stdout == b"ran it\n"


SECRETS: JsonObject = {
    "secrets": {
        "token": {"env": "CMDB_TOKEN"},
        "key": {"file": "keys/api"},
        "own": {"file": "~/own key"},
        "odd": {"env": "A-B"},
    }
}


def with_env(**templates: str) -> JsonObject:
    return {**SECRETS, "steps": [{"id": "deploy", "step_def": {"type": "command"}, "env": {**templates}}]}


def test_secrets_are_named_and_the_shell_fills_them_in(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "api").write_text("text of the key\n")
    (tmp_path / "own key").write_text("my own\n")
    env: JsonObject = {"AUTH": "Bearer {secrets.token}!", "KEY": "{secrets.key}", "OWN": "{secrets.own}"}
    document = with_env(AUTH="Bearer {secrets.token}!", KEY="{secrets.key}", OWN="{secrets.own}")
    made = pasteable(
        attempt(command("sh", "-c", 'echo "$AUTH/$KEY/$OWN"'), env=env),
        Surroundings(str(tmp_path), str(tmp_path), {"PATH": "/usr/bin:/bin"}, document),
    )
    assert made is not None
    assert "AUTH='Bearer '\"$CMDB_TOKEN\"'!'" in made.text
    assert made.notes == (
        "the secret token is not recorded: set CMDB_TOKEN in your shell first",
        f"the secret key is not recorded: your shell reads it from {tmp_path}/keys/api",
        "the secret own is not recorded: your shell reads it from ~/own key",
    )
    shell_env = {"CMDB_TOKEN": "s3cret 'x'", "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(["bash", "-c", made.text], capture_output=True, check=True, env=shell_env)
    assert done.stdout.decode() == "Bearer s3cret 'x'!/text of the key/my own\n"


def test_a_secret_that_no_shell_can_name_is_a_placeholder() -> None:
    made = pasteable(attempt(command("true"), env={"X": "{secrets.odd}"}), around(document=with_env(X="{secrets.odd}")))
    assert made is not None
    assert "X='<the secret odd>'" in made.text
    assert made.notes == ("put the secret odd in by hand; the plan takes it from the variable A-B",)


def test_text_that_only_looks_like_a_secret_stays_text() -> None:
    """A parameter may hold any text, also one that reads like the name of a secret."""
    made = pasteable(attempt(command("true"), env={"X": "{secrets.token}"}), around(document=with_env(X="{params.x}")))
    assert made is not None
    assert "X='{secrets.token}'" in made.text
    assert made.notes == ()


def test_what_was_masked_is_said_to_be() -> None:
    made = pasteable(attempt(command("curl", "***")), around(document=SECRETS))
    assert made is not None
    assert made.notes == ("*** stands where the text of a secret was: put it in",)
    without = pasteable(attempt(command("cron", "*** daily")), around())
    assert without is not None
    assert without.notes == ()


def test_a_step_that_is_not_idempotent_is_said_to_do_its_work_again() -> None:
    made = pasteable(attempt(command("true"), idempotent=False), around())
    assert made is not None
    assert made.notes == ("the plan does not call this step idempotent: run again, it does its work again",)


def sql(query: str, args: JsonObject, *, read_only: bool = True) -> JsonObject:
    return {"type": "sql", "database": "inv.db", "query": query, "args": args, "read_only": read_only}


def test_a_query_with_its_binds() -> None:
    made = pasteable(attempt(sql("SELECT 1 WHERE :host = @host -- why\n", {"host": "O'Brien"})), around())
    assert made is not None
    assert made.text == (
        "sqlite3 -readonly -header /srv/plans/inv.db <<'SQL'\n"
        ".parameter set :host \"'O''Brien'\"\n"
        ".parameter set @host \"'O''Brien'\"\n"
        "SELECT 1 WHERE :host = @host -- why\n"
        ";\n"
        "SQL"
    )


def test_a_query_that_writes_and_ends_the_text_early() -> None:
    made = pasteable(attempt(sql("DELETE FROM t\nSQL\n;", {}, read_only=False)), around())
    assert made is not None
    assert made.text == "sqlite3 -header /srv/plans/inv.db <<'SQL_'\nDELETE FROM t\nSQL\n;\nSQL_"


@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="needs the sqlite3 shell")
@settings(max_examples=5, deadline=None)
@given(
    texts=st.lists(
        st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20) | st.sampled_from(["\n", "a\tb", "\\n", '"', "'", ";"]),
        min_size=1,
        max_size=30,
    )
)  # fmt: skip
def test_sqlite_reads_every_bind_as_it_was(texts: list[str]) -> None:
    binds: JsonObject = {f"b{number}": text for number, text in enumerate(texts)}
    query = "SELECT json_array(" + ", ".join(f":{name}" for name in binds) + ")"
    made = pasteable(attempt(sql(query, binds, read_only=False)), around())
    assert made is not None
    script = made.text.replace("/srv/plans/inv.db", ":memory:").replace("-header ", "")
    done = subprocess.run(["bash", "-c", script], capture_output=True, check=True)
    assert json.loads(done.stdout) == texts


def test_binds_as_a_step_binds_them() -> None:
    values: list[Json] = [None, True, False, 3, 1.5, "x", [1, "a"], {"b": 1, "a": 2}]
    assert [sql_literal(value) for value in values] == [
        "NULL", "1", "0", "3", "1.5", "'x'", "'[1,\"a\"]'", "'{\"a\":2,\"b\":1}'",
    ]  # fmt: skip


def test_a_secret_in_a_bind_is_a_placeholder() -> None:
    document: JsonObject = {
        **SECRETS,
        "steps": [{"id": "deploy", "step_def": {"type": "sql", "args": {"t": "{secrets.token}"}}}],
    }
    made = pasteable(attempt(sql("SELECT :t", {"t": "{secrets.token}"})), around(document=document))
    assert made is not None
    assert ".parameter set :t \"'<the secret token>'\"" in made.text
    assert made.notes == ("put the secret token in by hand; the plan takes it from the variable CMDB_TOKEN",)


def test_what_was_not_recorded_cannot_be_pasted() -> None:
    nothing = AttemptRow("f" * 32, 0, "x", None, 1, StepStatus.RUNNING, None, None, 0, None, {}, None)
    assert pasteable(nothing, around()) is None

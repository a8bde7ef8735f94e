"""`rerun`: real runs made of real runs, what is shown before, what is refused, and what `show` tells of both."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from engine.model.asset import parse_reference
from engine.model.states import RunStatus
from engine.pipeline.clock import SystemClock
from engine.pipeline.forking import Change
from engine.pipeline.recorder import Recorder
from engine.pipeline.request import RunRequest
from engine.pipeline.runner import creation
from engine.steps.secrets import SecretBox
from store.assets.registry import NewContent, Registry
from store.queries import run_by_id
from store.reader import Reader
from store.writer import open_writer
from tests.tui.pseudo_terminal import Terminal
from tui.commands.rerunning import make_fork, order_of, read_source

if TYPE_CHECKING:
    from tests.tui.commands.conftest import Cli
    from tests.tui.commands.hosts import Hosts

ROOT = Path(__file__).parents[3]

PLAN = """\
plan_id: work
params: {word: {type: string, default: a}, unused: {type: integer, default: 1}}
assets: {lookup: query/find}
steps:
  - id: rows
    step_def: {type: sql, database: ci.db, query: "{assets.lookup}"}
  - {id: say, command: echo, args: ["{params.word}", "{rows.data.rows[0].n}"]}
  - {id: check, command: sh, args: [-c, 'test -e ok && echo fine'], depends_on: [say], on_failure: skip_dependents}
  - {id: end, command: echo, args: ["{check.stdout}"]}
  - {id: mark, command: sh, args: [-c, 'echo x >> marks']}
finally:
  - {id: bye, command: echo, args: [bye]}
compose: {said: "{say.stdout}"}
present: [{type: markdown, text: "said {compose.said}"}]
"""


def publish(database: Path, sql: str, *, publish: bool = True) -> None:
    """The next version of the query."""
    name = parse_reference("query/find").name
    Registry(database, "test").add(NewContent(name, "application/sql", sql), publish=publish)


@pytest.fixture
def plan(home: Path, database: Path) -> Path:
    with sqlite3.connect(home / "ci.db") as ci:
        ci.execute("create table ci (n)")
        ci.execute("insert into ci values (1), (2)")
    database.parent.mkdir(parents=True)
    publish(database, "select n from ci")
    path = home / "work.yaml"
    path.write_text(PLAN)
    return path


def marks(home: Path) -> int:
    """How often the step `mark` ran."""
    return len((home / "marks").read_text().split())


def latest(cli: Cli) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(cli("show", "last", "--json").out)
    return document


def ran(document: dict[str, Any]) -> list[str]:
    """The steps of a run that were run for it."""
    return [step["id"] for step in document["steps"] if step["reused_from"] is None and step["attempts"]]


def preview(cli: Cli, *words: str) -> dict[str, Any]:
    answer = cli("rerun", *words, "--dry-run", "--json")
    assert answer.code == 0, answer.err
    document: dict[str, Any] = json.loads(answer.out)
    return document


@pytest.fixture
def failed(cli: Cli, plan: Path) -> str:
    """A run that failed because a file is missing."""
    assert cli("run", str(plan), "-q").code == 1
    run_id: str = latest(cli)["run_id"]
    return run_id


@pytest.fixture
def good(cli: Cli, home: Path, plan: Path) -> str:
    (home / "ok").touch()
    assert cli("run", str(plan), "-q").code == 0
    run_id: str = latest(cli)["run_id"]
    return run_id


def test_alone_it_runs_everything_again(cli: Cli, home: Path, database: Path, good: str) -> None:
    """With the same versions of assets, whatever was published since, and in the same folder, wherever one stands."""
    publish(database, "select 9 as n")
    answer = cli("rerun", good)
    assert (answer.code, answer.out) == (0, "said a 1\n")
    document = latest(cli)
    assert ran(document) == ["rows", "say", "check", "end", "mark", "bye"]
    assert document["applied_assets"]["lookup"]["ref"] == "query/find@1"
    assert (document["source_run_id"], document["changes"], marks(home)) == (good, [], 2)


def test_from_failed_runs_what_failed_and_what_was_not_reached(cli: Cli, home: Path, failed: str) -> None:
    (home / "ok").touch()
    answer = cli("rerun", failed, "--from-failed")
    assert (answer.code, answer.out) == (0, "said a 1\n")
    reused = [line.split() for line in answer.err.splitlines() if "reused" in line]
    assert sorted(reused) == [["✓", name, "SUCCEEDED", "reused"] for name in ("mark", "rows", "say")]
    assert (ran(latest(cli)), marks(home)) == (["check", "end", "bye"], 1)
    assert f"rerun of {failed[:6]}: from what failed on" in cli("runs").out
    assert f"rerun of {failed[:6]}: from what failed on" in cli("show", "last").out
    assert f"rerun of {failed[:6]}: from what failed on" in cli("why", "last").out
    assert f"rerun as  {latest(cli)['run_id'][:6]}" in cli("show", failed).out


def test_from_a_step(cli: Cli, home: Path, good: str) -> None:
    assert cli("rerun", good, "--from", "check", "-q").code == 0
    assert (ran(latest(cli)), marks(home)) == (["check", "end", "bye"], 1)


def test_with_a_parameter(cli: Cli, good: str) -> None:
    answer = cli("rerun", good, "-p", "word=b", "-q")
    assert (answer.code, answer.out) == (0, "said b 1\n")
    document = latest(cli)
    assert ran(document) == ["say", "check", "end", "bye"]
    assert document["params"] == {"word": "b", "unused": 1}
    assert cli("rerun", good, "-p", "unused=2", "-q").out == "said a 1\n"
    assert ran(latest(cli)) == ["bye"]


def test_with_an_override(cli: Cli, database: Path, good: str) -> None:
    """A draft, as a test; a rerun of that keeps it."""
    publish(database, "select n from ci where n = 2", publish=False)
    answer = cli("rerun", good, "--override", "query/find@2", "-q")
    assert (answer.code, answer.out) == (0, "said a 2\n")
    document = latest(cli)
    assert (document["mode"], ran(document)) == ("test", ["rows", "say", "check", "end", "bye"])
    assert cli("rerun", "last", "--from", "say", "-q").out == "said a 2\n"
    assert latest(cli)["mode"] == "test"


def test_a_version_that_ran_before_is_predicted_by_its_own_durations(cli: Cli, database: Path, good: str) -> None:
    """Not by those of the version that it takes the place of."""
    slow = "with recursive c(i) as (select 0 union all select i + 1 from c where i < 300000) select max(i) as n from c"
    publish(database, slow, publish=False)

    def expected_ms() -> float:
        words = ("rerun", good, "--override", "query/find@2", "--dry-run", "--json")
        found: float = json.loads(cli(*words).out)["forecast"]["steps"]["rows"]["end_ms"]
        return found

    before = expected_ms()
    assert cli("rerun", good, "--override", "query/find@2", "-q").code == 0
    took = next(step for step in latest(cli)["steps"] if step["id"] == "rows")["duration_ms"]
    assert expected_ms() == pytest.approx(took, abs=0.01)
    assert before < took


def test_with_the_latest_assets(cli: Cli, database: Path, good: str) -> None:
    publish(database, "select n from ci where n = 2")
    assert cli("rerun", good, "--latest-assets", "-q").out == "said a 2\n"
    assert latest(cli)["changes"] == ["assets.lookup: query/find@1 → query/find@2", "assets looked up anew"]
    assert latest(cli)["mode"] == "normal"


def test_with_a_patch_and_with_an_edited_plan(cli: Cli, home: Path, good: str) -> None:
    (home / "fix.yaml").write_text('end: {args: ["new", "{check.stdout}"]}\n')
    assert cli("rerun", good, "--patch", "fix.yaml", "-q").code == 0
    patched = latest(cli)
    assert (ran(patched), patched["changes"]) == (["end", "bye"], ["step end: args"])
    (home / "edited.yaml").write_text(PLAN.replace("[bye]", "[tschuess]").replace("said {compose", "heard {compose"))
    assert cli("rerun", good, "--plan", "edited.yaml", "-q").out == "heard a 1\n"
    edited = latest(cli)
    assert (ran(edited), edited["changes"]) == (["bye"], ["the plan's finally, present"])
    assert len({patched["plan_hash"], edited["plan_hash"]}) == 2


def test_a_dry_run_shows_and_runs_nothing(cli: Cli, home: Path, failed: str) -> None:
    answer = cli("rerun", failed, "--from-failed", "-p", "word=b", "--dry-run")
    assert answer.code == 0
    lines = [line.rstrip() for line in answer.out.splitlines()]
    assert lines[:8] == [
        f"rerun of {failed[:6]}  work",
        '  params.word: "a" → "b"',
        "  from what failed on",
        "  3 steps run again, 2 are reused",
        "  ↻ say    params.word changed",
        "  ↻ check  it failed",
        "  ↻ end    it did not run",
        "  = reused: rows, mark",
    ]
    assert lines[8] == "  ↻ finally: bye"
    assert lines[9].startswith("  at least ")
    assert lines[9].endswith("; not known: end")
    assert lines[10].startswith("  token  ")
    assert latest(cli)["run_id"] == failed
    document = preview(cli, failed, "--from-failed", "-p", "word=b")
    assert document["token"] == lines[10].split()[1]
    assert (document["reused"], document["finally"]) == (["rows", "mark"], ["bye"])
    assert document["again"][1] == {"id": "check", "why": "failed_before", "message": "it failed"}
    assert document["forecast"]["unknown"] == ["end"]


def test_a_token_runs_what_was_shown_and_nothing_else(cli: Cli, database: Path, good: str) -> None:
    words = (good, "--latest-assets", "-p", "word=b")
    token = preview(cli, *words)["token"]
    publish(database, "select n from ci where n = 2")
    answer = cli("rerun", *words, "--confirm", token)
    assert answer.code == 2
    assert "the assets" in answer.err
    assert "changed since the token was given" in answer.err
    assert f"opscope rerun {good} --latest-assets -p word=b --dry-run" in answer.err
    assert latest(cli)["run_id"] == good
    other = cli("rerun", good, "--from", "say", "--confirm", token)
    assert (other.code, "the parameters" in other.err) == (2, True)
    assert cli("rerun", *words, "--confirm", "nonsense").code == 2
    again = preview(cli, *words)["token"]
    assert cli("rerun", *words, "--confirm", again, "-q").out == "said b 2\n"


def test_a_stale_token_is_told_with_every_option_again(cli: Cli, home: Path, good: str) -> None:
    (home / "a fix.yaml").write_text("say: {timeout_sec: 5}\n")
    options = (
        "--from",
        "say",
        "--from-failed",
        "-p",
        "word=b c",
        "--override",
        "query/find@1",
        "--patch",
        "a fix.yaml",
    )
    token = preview(cli, good, *options)["token"]
    (home / "a fix.yaml").write_text("say: {timeout_sec: 6}\n")
    answer = cli("rerun", good, *options, "--confirm", token)
    said = " ".join(answer.err.split())
    assert (answer.code, "the plan changed since the token was given" in said) == (2, True)
    again = "--from say --from-failed -p 'word=b c' --override query/find@1 --patch 'a fix.yaml' --dry-run"
    assert f"opscope rerun {good} {again}" in said


def test_a_token_holds_for_the_plan_that_was_shown(cli: Cli, home: Path, good: str) -> None:
    (home / "edited.yaml").write_text(PLAN.replace("echo, args: [bye]", "echo, args: [one]"))
    words = (good, "--plan", "edited.yaml")
    token = preview(cli, *words)["token"]
    (home / "edited.yaml").write_text(PLAN.replace("echo, args: [bye]", "echo, args: [two]"))
    answer = cli("rerun", *words, "--confirm", token)
    assert (answer.code, "the plan changed since" in answer.err) == (2, True)


def test_detached_it_is_carried_out_by_a_host(cli: Cli, hosts: Hosts, home: Path, good: str) -> None:
    """Which reads the results to reuse from the file itself."""
    answer = cli("rerun", good, "--from", "end", "--detach", "--quiet")
    run_id = answer.out.strip()
    assert hosts.wait_for_end(run_id).status is RunStatus.SUCCEEDED
    assert (ran(latest(cli)), marks(home)) == (["end", "bye"], 1)


def test_a_fork_whose_engine_died_at_once_is_taken_up_with_what_it_reuses(
    cli: Cli, home: Path, database: Path, good: str
) -> None:
    """The results were not recorded yet, so they are read from the source again: nothing that was to be reused runs."""

    async def die_after_creation() -> str:
        async with open_writer(database) as writer:
            request = replace(made, engine_id=writer.engine_id)
            recorder = Recorder(request.run_id, sink=writer, clock=SystemClock(), secrets=SecretBox())
            await writer.create_run(creation(request, recorder))
        return request.run_id

    with Reader.open(database) as reader:
        run = reader.run(run_by_id(good))
    assert run is not None
    fork = make_fork(read_source(database, run), Change(from_steps=("end",)), os.environ, database)
    order = order_of(fork, os.environ)
    made = RunRequest(
        plan=fork.plan,
        params=fork.params,
        run_id=order.run_id,
        workdir=order.workdir,
        plan_folder=order.plan.folder,
        host_env=os.environ,
        actor="operator:test",
        engine_id="",
        assets=fork.assets,
        reused=fork.reused,
        source=order.source,
    )
    run_id = asyncio.run(die_after_creation())
    answer = cli("resume", run_id, "-q")
    assert (answer.code, answer.out) == (0, "said a 1\n")
    assert (ran(latest(cli)), marks(home)) == (["end", "bye"], 1)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--from", "chek"), "did you mean 'check'?"),
        (("--from", "bye"), "bye is a step of finally"),
        (("--from-failed",), "nothing in it failed"),
        (("-p", "wrod=b"), "the plan has no such parameter"),
        (("--override", "query/other@1"), "nothing in the plan uses query/other"),
        (("--override", "query/find@7"), "there is no version 7"),
        (("--patch", "missing.yaml"), "missing.yaml"),
        (("--dry-run", "--confirm", "x"), "not allowed with"),
        (("--plan", "x.yaml", "--patch", "y.yaml"), "not allowed with"),
    ],
)
def test_what_cannot_be_asked(cli: Cli, good: str, words: tuple[str, ...], said: str) -> None:
    answer = cli("rerun", good, *words)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err
    assert latest(cli)["run_id"] == good


def test_the_folder_has_to_be_there(cli: Cli, home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    (folder / "plan.yaml").write_text("plan_id: p\nsteps: [{id: a, command: 'true'}]\n")
    assert cli("run", str(folder / "plan.yaml"), "-q").code == 0
    (folder / "plan.yaml").unlink()
    assert cli("rerun", "last", "-q").code == 0  # the plan is in the file
    folder.rmdir()
    answer = cli("rerun", "last")
    assert answer.code == 2
    assert f"the folder of its plan {folder} is not there" in answer.err


def test_a_secret_that_is_not_there(cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "hush-hush-hush")
    (home / "p.yaml").write_text(
        "plan_id: p\nsecrets: {t: {env: TOKEN}}\nsteps: [{id: a, command: 'true', env: {T: '{secrets.t}'}}]\n"
    )
    assert cli("run", "p.yaml", "-q").code == 0
    monkeypatch.delenv("TOKEN")
    answer = cli("rerun", "last")
    assert answer.code == 2
    assert "TOKEN" in answer.err


@pytest.mark.parametrize("secret", ["hush-hush-hush", "a-long-one-" * 30], ids=["short", "longer than what is shown"])
def test_a_secret_that_is_given_as_a_parameter_is_neither_shown_nor_kept(
    cli: Cli, home: Path, database: Path, monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    monkeypatch.setenv("TOKEN", secret)
    (home / "p.yaml").write_text(
        "plan_id: p\nsecrets: {t: {env: TOKEN}, other: {env: NOT_SET}}\nparams: {word: {type: string, default: a}}\n"
        "steps: [{id: a, command: 'true', args: ['{params.word}'], env: {T: '{secrets.t}'}}]\n"
    )
    monkeypatch.setenv("NOT_SET", "set-for-the-first")
    assert cli("run", "./p.yaml", "-q", "-p", f"word={secret}").code == 0
    monkeypatch.delenv("NOT_SET")
    words = ("rerun", "last", "-p", f"word={secret}", "--reason", f"with {secret}")
    for answer in (cli(*words, "--dry-run"), cli(*words, "--dry-run", "--json")):
        assert answer.code == 0
        assert 'params.word: \\"***\\" → \\"***\\"' in answer.out or 'params.word: "***" → "***"' in answer.out
        assert secret[:10] not in answer.out + answer.err
    monkeypatch.setenv("NOT_SET", "set-for-the-second")
    assert cli(*words, "-q").code == 0
    for answer in (cli("show", "last"), cli("show", "last", "--json"), cli("events", "last", "--json")):
        assert secret[:10] not in answer.out
    assert secret[:10].encode() not in b"".join(
        path.read_bytes() for path in home.rglob("opscope.db*") if path.is_file()
    )


def test_a_step_of_another_run_is_repeated_with_that(cli: Cli, home: Path) -> None:
    (home / "child.yaml").write_text("plan_id: child\nsteps: [{id: a, command: 'true'}]\n")
    (home / "p.yaml").write_text(
        "plan_id: p\nsteps: [{id: below, step_def: {type: plan, plan: ./child.yaml}}, {id: b, command: 'true'}]\n"
    )
    assert cli("run", "p.yaml", "-q").code == 0
    parent = latest(cli)["run_id"]
    child = next(run["run_id"] for run in json.loads(cli("runs", "--json").out) if run["run_id"] != parent)
    answer = cli("rerun", child)
    assert answer.code == 2
    assert f"it is step below of run {parent[:6]}" in answer.err
    assert f"opscope rerun {parent[:6]} --from below" in answer.err
    assert cli("rerun", parent, "--from", "below", "-q").code == 0
    assert ran(latest(cli)) == ["below"]


def test_a_run_that_goes_on_is_not_repeated(cli: Cli, hosts: Hosts) -> None:
    run_id = hosts.detached(hosts.plan("plan_id: p\nsteps: [{id: a, command: sleep, args: ['60']}]\n"))
    answer = cli("rerun", run_id)
    assert answer.code == 2
    assert "it has not ended: it is" in answer.err
    assert f"opscope cancel {run_id[:6]}" in answer.err


def test_an_imported_run_needs_its_folders(cli: Cli, home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "plan.yaml").write_text("plan_id: p\nsteps: [{id: a, command: 'true'}, {id: b, command: 'true'}]\n")
    assert cli("run", str(folder / "plan.yaml"), "-q").code == 0
    assert cli("export", "last", "-o", "trace.json").code == 0
    run_id = latest(cli)["run_id"]
    assert cli("--db", str(home / "other.db"), "import", "trace.json").code == 0
    assert cli("--db", str(home / "other.db"), "rerun", run_id, "--from", "b", "-q").code == 0
    (folder / "plan.yaml").unlink()
    folder.rmdir()
    answer = cli("--db", str(home / "other.db"), "rerun", run_id)
    assert answer.code == 2
    assert "it was imported, and may have run on another host" in answer.err


def test_an_imported_run_needs_its_assets(cli: Cli, home: Path, good: str) -> None:
    assert cli("export", good, "-o", "trace.json").code == 0
    assert cli("--db", str(home / "other.db"), "import", "trace.json").code == 0
    answer = cli("--db", str(home / "other.db"), "rerun", good)
    assert answer.code == 2
    assert "the asset query/find@1 that the run used is not in this file" in answer.err
    assert "any more" not in answer.err


@pytest.mark.parametrize("command", ["rerun", "approve", "deny", "replan", "resume", "pause", "cancel"])
def test_a_command_for_whole_runs_promises_no_permalink(cli: Cli, command: str) -> None:
    assert "permalink" not in cli(command, "--help").out
    assert "permalink" in cli("show", "--help").out


def test_two_runs_side_by_side(cli: Cli, home: Path, failed: str) -> None:
    (home / "ok").touch()
    assert cli("rerun", failed, "--from-failed", "-p", "word=b", "-q").code == 0
    second = latest(cli)["run_id"]
    answer = cli("show", "last", "--against", failed)
    assert answer.code == 0
    assert answer.out.startswith(f"{second[:6]} against {failed[:6]}")
    assert '  ~ params word: "a" → "b"' in answer.out
    assert "  ~ check  failed → succeeded" in answer.out
    assert '      data: "a 1" → "b 1"' in answer.out
    document = json.loads(cli("show", "last", "--against", failed, "--json").out)
    assert (document["before"], document["after"]) == (failed, second)
    assert {step["id"]: step["differs"] for step in document["steps"]}["say"] == ["result"]
    assert "nothing differs" in cli("show", failed, "--against", failed).out


@pytest.mark.parametrize(("said", "runs", "last_words"), [("n\n", 1, "nothing was run"), ("y\n", 2, "SUCCEEDED")])
def test_on_a_terminal_it_shows_and_asks(
    cli: Cli, home: Path, good: str, said: str, runs: int, last_words: str
) -> None:
    """A real terminal; who says nothing but yes gets no run."""
    command = [
        sys.executable,
        "-c",
        "import sys; from tui.commands import main; sys.exit(main())",
        "rerun",
        good,
        "--from",
        "end",
        "--no-ui",
    ]
    environment = {**os.environ, "TERM": "xterm-256color", "PYTHONPATH": str(ROOT)}
    with Terminal(command, 100, 30, environment) as terminal:
        terminal.wait_for(r"run it\? \[y/N\]")
        assert "↻ end  asked for" in terminal.text
        terminal.press(said.strip(), "enter")
        terminal.wait_for(last_words)
        terminal.wait_for_end()
    assert len(json.loads(cli("runs", "--json").out)) == runs

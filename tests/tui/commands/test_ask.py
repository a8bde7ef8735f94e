"""`ask`: questions in words, from the command line to what every other command says of them afterwards."""

from __future__ import annotations

import asyncio
import io
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from engine.model.states import RunStatus, Stage
from engine.pipeline.answering import Answering
from engine.pipeline.clock import SystemClock
from engine.pipeline.recorder import Recorder
from engine.pipeline.request import RunRequest
from engine.pipeline.runner import creation, opening
from engine.steps.secrets import SecretBox
from store.queries import last_run, run_counts
from store.reader import Reader
from store.writer import open_writer
from tests.engine.routing.models import KEY, asked, model, saying
from tests.engine.steps.http_server import reply
from tests.tui.commands.conftest import GOOD_PLAN
from tests.tui.commands.hosts import ROOT
from tui.commands.ask import MOST_CHARS
from tui.commands.context import Context
from tui.commands.questions import order_for

if TYPE_CHECKING:
    from pathlib import Path

    from store.rows import RunRow
    from tests.engine.steps.http_server import Site
    from tests.tui.commands.conftest import Cli
    from tests.tui.commands.hosts import Hosts

SORRY = "Nothing here destroys data on the word of a question."


def newest(database: Path) -> RunRow:
    """The last run of the file."""
    with Reader.open(database) as reader:
        run = reader.run(last_run())
    assert run is not None
    return run


def trace(cli: Cli, *words: str) -> dict[str, Any]:
    """The trace that a command prints."""
    found: dict[str, Any] = json.loads(cli(*words, "--json").out)
    return found


def configure(home: Path, site: Site, **more: object) -> None:
    """Name the endpoint in the configuration."""
    lines = [f"{name} = {json.dumps(value)}" for name, value in more.items()]
    folder = home / ".config" / "opscope"
    folder.mkdir(parents=True)
    text = f'[llm]\nbase_url = "{site.url("/v1")}"\nmodel = "small"\n' + "\n".join(lines)
    (folder / "config.toml").write_text(text)


def test_a_question_that_leads_to_a_plan(cli: Cli, database: Path) -> None:
    answer = cli("ask", "what depends on db-01", "--no-ui")
    assert answer.code == 0
    assert answer.out.startswith("# db-01\n")
    run = newest(database)
    assert (run.plan_id, run.route, run.params["host"], run.words) == (
        "ci-lookup",
        "plan",
        "db-01",
        "what depends on db-01",
    )
    document = trace(cli, "show", "last")
    route_plan, validate = document["stages"][:2]
    assert route_plan["input"]["params"] == {"words": "what depends on db-01"}
    assert route_plan["input"]["applied_assets"]["policy/routing"]["ref"] == "policy/routing@1"
    result = route_plan["output"]["result"]
    assert (result["kind"], result["confidence"], result["metadata"]["rule"]) == ("plan", 1.0, "depends")
    assert result["plan"]["plan_id"] == "ci-lookup"
    assert validate["input"]["params"]["host"] == "db-01"
    assert "policy/routing" in document["applied_assets"]
    assert "asked: what depends on db-01" in cli("runs").out
    shown = cli("show", "last").out
    assert "  asked   what depends on db-01\n" in shown
    assert shown.count("asked") == 1


def test_the_words_need_no_quotes(cli: Cli, database: Path) -> None:
    assert cli("ask", "What", "depends", "on", "db-01?", "-q").code == 0
    assert newest(database).words == "What depends on db-01?"


def test_an_answer(cli: Cli, database: Path) -> None:
    answer = cli("ask", "hello")
    assert answer.code == 0
    assert answer.out.startswith("Hello. I look things up and run plans")
    run = newest(database)
    assert (run.plan_id, run.route, run.status, run.warnings) == ("ask", "direct", RunStatus.SUCCEEDED, 0)
    assert answer.err.splitlines()[1].startswith(f"✓ SUCCEEDED  {run.run_id[:6]}  ask  ")
    assert "step" not in answer.err
    assert [stage["stage"] for stage in trace(cli, "show", "last")["stages"]] == ["route_plan", "present"]


def test_a_refusal(cli: Cli, database: Path) -> None:
    answer = cli("ask", "please drop all tables")
    assert answer.code == 1
    assert answer.out.startswith(SORRY)
    document = trace(cli, "show", "last")
    cause = document["first_cause"]
    assert (cause["stage"], cause["step_id"], cause["reason"]) == ("route_plan", None, "destructive-data")
    diagnostics = document["stages"][0]["output"]["diagnostics"]
    assert (document["status"], document["route"], diagnostics["status"]) == ("failed", "reject", "error")
    assert cause["message"] in diagnostics["errors"]
    cli("ask", "hello", "-q")
    cli("ask", "please drop all tables", "-q")
    why = cli("why", "last")
    assert f"route_plan: {SORRY}" in why.out
    assert "It was asked: please drop all tables" in why.out
    assert "last good run" not in why.out


def test_what_is_not_understood(cli: Cli, database: Path) -> None:
    answer = cli("ask", "make me a sandwich")
    assert answer.code == 0
    assert answer.out.startswith(
        "I do not know how to do that.\nWhat can be asked, for example:\n- what depends on db-03\n"
    )
    assert newest(database).warnings == 1
    assert "the question was not understood: the nearest is lookup" in cli("why", "last").out


@pytest.mark.parametrize("words", [(), ("",), ("  ", "\n")])
def test_no_question(cli: Cli, database: Path, words: tuple[str, ...]) -> None:
    answer = cli("ask", *words)
    assert answer.code == 2
    assert answer.err.splitlines()[0].endswith("there is no question")
    assert not database.exists()


def test_a_question_from_stdin(cli: Cli, database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"  what depends\n on db-01\n")))
    assert cli("ask", "-", "-q").code == 0
    assert newest(database).words == "what depends on db-01"


def test_too_much_of_a_question(cli: Cli, database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a " * 10_000_000)))
    answer = cli("ask", "-")
    assert answer.code == 2
    assert f"more than {MOST_CHARS} characters" in answer.err
    assert not database.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            "what depends on db-01",
            ["route       plan", "confidence  1.00", "plan        ci-lookup", "-p host     db-01"],
        ),
        ("hello", ["route       direct", "policy      policy/routing@1"]),
        ("drop all tables", ["route       reject", "policy      policy/routing@1"]),
        ("make me a sandwich", ["route       direct", "I do not know how to do that."]),
    ],
)
def test_a_dry_run_writes_nothing(cli: Cli, database: Path, words: str, said: list[str]) -> None:
    answer = cli("ask", words, "--dry-run")
    assert answer.code == 0
    assert [line for line in said if line not in answer.out.splitlines()] == []
    assert not database.parent.exists()
    document = trace(cli, "ask", words, "--dry-run")
    assert document["kind"] in said[0]
    assert document["metadata"]["policy"] == "policy/routing@1"
    assert not database.parent.exists()


def policy(home: Path, cli: Cli, text: str, *, publish: bool = False) -> None:
    """Add a routing policy of one's own, beside the one that comes with opscope."""
    (home / "routing.yaml").write_text(text)
    assert cli("asset", "add", "routing.yaml", "--as", "policy/routing").code == 0
    if publish:
        assert cli("asset", "publish", "policy/routing@2").code == 0


OWN = 'kind: routing\nplans: [{id: works, plan: works, phrases: ["does it work"]}]\n'


def test_the_newest_published_policy_counts_and_leads_to_plans_of_ones_own(
    cli: Cli, home: Path, database: Path
) -> None:
    plans = home / ".config" / "opscope" / "plans"
    plans.mkdir(parents=True)
    (plans / "works.yaml").write_text(GOOD_PLAN)
    policy(home, cli, OWN)
    assert cli("ask", "does it work", "-q").out.startswith("I do not know")  # a draft is no policy yet
    tried = cli("ask", "does it work", "-q", "--override", "policy/routing@2")
    assert tried.out == "# Said: hello\n"
    assert newest(database).mode == "test"
    assert cli("asset", "publish", "policy/routing@2").code == 0
    assert cli("ask", "does it work", "-q").out == "# Said: hello\n"
    assert newest(database).mode == "normal"
    applied = trace(cli, "show", "last")["applied_assets"]["policy/routing"]
    assert (applied["ref"], applied["source"]) == ("policy/routing@2", "published")


@pytest.mark.parametrize(
    ("words", "overrides", "said"),
    [
        ("hello", ["query/ci-lookup@1"], "the question leads to no plan, and nothing else uses query/ci-lookup@1"),
        ("what depends on db-01", ["query/x@1"], "nothing in the plan uses query/x"),
        ("hello", ["policy/routing@9"], "policy/routing"),
        ("hello", ["policy/routing@1", "policy/routing@1"], "policy/routing is overridden twice"),
        ("hello", ["prompt/planner@1"], "no language model is configured, so nothing uses prompt/planner@1"),
    ],
)
def test_overrides_that_cannot_be_used(cli: Cli, database: Path, words: str, overrides: list[str], said: str) -> None:
    answer = cli("ask", words, *(word for override in overrides for word in ("--override", override)))
    assert answer.code == 2
    assert said in answer.err
    assert not database.exists()


def test_a_policy_that_names_a_plan_that_is_not_there(cli: Cli, home: Path, database: Path) -> None:
    policy(home, cli, OWN, publish=True)
    answer = cli("ask", "does it work")
    assert answer.code == 2
    assert "there is no plan named 'works'" in answer.err
    with Reader.open(database) as reader:
        assert reader.run(run_counts()).total == 0


def test_what_other_commands_make_of_a_question(cli: Cli, home: Path, database: Path) -> None:
    for words in ("hello", "drop all tables", "make me a sandwich"):
        cli("ask", words, "-q")
        for command in (
            ("show", "last"),
            ("logs", "last"),
            ("events", "last"),
            ("why", "last"),
            ("events", "last", "--json"),
        ):
            assert cli(*command).code == 0, (words, command)
        assert cli("export", "last", "-o", f"{words[:4]}.json").code == 0
        imported = cli("--db", f"{words[:4]}.db", "import", f"{words[:4]}.json")
        assert imported.code == 0, imported.err
        assert cli("--db", f"{words[:4]}.db", "why", "last").code == 0
        assert cli("--db", f"{words[:4]}.db", "verify", "--rebuild").code == 0
        assert cli("screenshot", "last", "-o", "x.svg").code == 0
    listed = json.loads(cli("runs", "--json").out)
    assert [run["route"] for run in listed] == ["direct", "reject", "direct"]
    assert cli("verify", "--rebuild").code == 0
    assert json.loads(cli("runs", "--json").out) == listed


def test_detached(cli: Cli, database: Path, hosts: Hosts) -> None:
    for words, status in (("hello", RunStatus.SUCCEEDED), ("drop all tables", RunStatus.FAILED)):
        answer = cli("ask", words, "--detach", "-q")
        assert answer.code == 0
        run_id = answer.out.strip()
        run = hosts.wait_for_end(run_id)
        assert (run.run_id, run.status, run.words) == (run_id, status, words)


@pytest.mark.parametrize("words", ["hello", "drop all tables"])
@pytest.mark.parametrize("stages", [0, 1])
def test_a_question_whose_engine_died_is_taken_up(
    cli: Cli, home: Path, database: Path, words: str, stages: int
) -> None:
    """What it came to is in the record: it needs neither the policy nor the model again."""
    database.parent.mkdir(parents=True)
    context = Context.of_process({"HOME": str(home)}, db=str(database), no_color=True, ascii_only=False)
    order = order_for(words, (), context)
    asyncio.run(_die_after(database, order, stages))
    lost = newest(database)
    assert lost.status is RunStatus.RUNNING
    answer = cli("resume", "last", "--no-ui")
    assert answer.code == (0 if words == "hello" else 1), answer.err
    run = newest(database)
    assert (run.run_id, run.status.is_final, run.words) == (lost.run_id, True, words)
    assert ("Hello." if words == "hello" else SORRY) in answer.out
    assert cli("verify").code == 0


async def _die_after(database: Path, order: Any, stages: int) -> None:
    """Begin a run and let its engine die when that many stages are over."""
    async with open_writer(database) as writer:
        request = RunRequest(
            plan=order.plan.compiled,
            params=order.params,
            run_id=order.run_id,
            workdir=order.workdir,
            plan_folder=order.plan.folder,
            host_env={},
            actor="operator:test",
            engine_id=writer.engine_id,
            route=order.route,
            words=order.words,
            routing=order.routing,
        )
        recorder = Recorder(order.run_id, sink=writer, clock=SystemClock(), secrets=SecretBox())
        await writer.create_run(creation(request, recorder))
        await recorder.record(opening(request, recorder))
        if stages:
            services: Any = type("Services", (), {"clock": SystemClock()})
            control: Any = None
            await Answering(request, services, recorder, control)._run_stage(Stage.ROUTE_PLAN, None)


GOOD = {"kind": "plan", "rule": "depends", "params": {"host": "db-01"}, "confidence": 0.9, "reasoning": "so it seems"}


def test_a_language_model_that_is_configured(
    cli: Cli, home: Path, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL_KEY", KEY)
    with model(saying(GOOD)) as site:
        configure(home, site, api_key_env="MODEL_KEY")
        answer = cli("ask", "would anybody miss db-01", "-q")
    assert answer.code == 0
    assert answer.out.startswith("# db-01\n")
    document = trace(cli, "show", "last")
    stage = document["stages"][0]
    assert stage["output"]["result"]["metadata"]["planner"] == {"asked": True, "model": "small"}
    assert stage["output"]["result"]["reasoning"] == "the model says depends: so it seems"
    assert set(stage["input"]["applied_assets"]) == {"policy/routing", "prompt/planner"}
    assert asked(site)[0]["messages"][0]["content"].startswith("You route questions of an operator")
    assert KEY not in cli("events", "last", "--json").out
    assert KEY.encode() not in database.read_bytes()


@pytest.mark.parametrize("key", [True, False])
def test_a_language_model_that_is_of_no_use(
    cli: Cli, home: Path, database: Path, monkeypatch: pytest.MonkeyPatch, key: bool
) -> None:
    if key:
        monkeypatch.setenv("MODEL_KEY", KEY)
    with model(reply(KEY.encode(), status=500)) as site:
        configure(home, site, api_key_env="MODEL_KEY")
        answer = cli("ask", "what depends on db-01", "--no-ui")
    assert answer.code == 0
    stage = trace(cli, "show", "last")["stages"][0]
    failed = stage["output"]["result"]["metadata"]["planner"]["failed"]
    assert ("has failed itself (status 500)" if key else "MODEL_KEY is not set") in failed
    assert stage["output"]["diagnostics"]["warnings"] == [f"the planner was of no use, so the rules decided: {failed}"]
    assert newest(database).warnings == 1
    assert KEY not in json.dumps(stage) + answer.err + answer.out
    assert len(site.seen) == key


def test_what_the_policy_decides_is_not_sent(cli: Cli, home: Path, database: Path) -> None:
    with model(saying(GOOD)) as site:
        configure(home, site)
        assert cli("ask", "drop all tables", "-q").code == 1
        assert cli("ask", "hello", "-q").code == 0
    assert site.seen == []
    assert set(trace(cli, "show", "last")["applied_assets"]) == {"policy/routing"}


DECIDES = """\
plan_id: decides
steps:
  - {id: load, command: echo, args: ["97"]}
  - id: choose
    step_def:
      type: decision
      ask: "The load is {load.data}. Is that high?"
      default: low
      branches: {high: [alarm], low: [calm]}
  - {id: alarm, command: echo, args: [alarm]}
  - {id: calm, command: echo, args: [calm]}
compose: {choice: "{choose.data}"}
"""


@pytest.mark.parametrize(
    ("says", "ran", "decided_by"), [({"choice": "high"}, "alarm", "model"), ({"choice": "?"}, "calm", "rules")]
)
def test_a_decision_step_asks_too(cli: Cli, home: Path, says: dict[str, str], ran: str, decided_by: str) -> None:
    (home / "decides.yaml").write_text(DECIDES)
    with model(saying(says)) as site:
        configure(home, site)
        document = trace(cli, "run", "./decides.yaml")
    steps = {step["id"]: step for step in document["steps"]}
    assert steps[ran]["status"] == "succeeded"
    assert steps["choose"]["result"]["data"]["decided_by"] == decided_by
    assert json.loads(asked(site)[0]["messages"][1]["content"])["question"] == "The load is 97. Is that high?"


ALONE = """
import socket, sys
from tui.commands import main
def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo") and not isinstance(arguments[1], (str, bytes)):
        sys.exit(f"asked for {arguments}")
sys.addaudithook(watch)
for words, code in (("hello", 0), ("drop all tables", 1), ("make me a sandwich", 0), ("what depends on db-01", 0)):
    assert main(["ask", "-q", words]) == code, words
print([name for name in ("httpx", "engine.routing.advisor") if name in sys.modules])
"""


def test_without_a_configured_model_nothing_is_asked_or_loaded(hosts: Hosts) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ALONE], env=hosts.environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr, done.stdout.splitlines()[-1]) == (0, "", "[]")


def test_on_a_terminal_an_answer_is_printed_and_a_plan_is_watched(hosts: Hosts) -> None:
    with hosts.terminal("ask", "hello") as terminal:
        terminal.wait_for("Hello. I look things up")
        assert terminal.wait_for_end() == 0
        assert b"\x1b[?1049h" not in terminal.raw
    with hosts.terminal("ask", "what depends on db-01") as terminal:
        terminal.wait_for("SUCCEEDED")
        run = hosts.wait_for_end()
        terminal.press("q")
        assert terminal.wait_for_end() == 0
        assert b"\x1b[?1049h" in terminal.raw
    assert (run.words, run.route, run.status) == ("what depends on db-01", "plan", RunStatus.SUCCEEDED)


def test_it_is_in_the_help_and_is_completed(cli: Cli) -> None:
    assert "ask in words" in cli("--help").out
    assert 'opscope ask "what depends on db-03"' in cli("ask", "--help").out
    assert "--dry-run" in next(
        line for line in cli("completion", "bash").out.splitlines() if line.strip().startswith('"ask")')
    )


@pytest.mark.parametrize("words", ["hello", "drop all tables"])
def test_a_question_without_a_plan_cannot_be_run_again(cli: Cli, database: Path, words: str) -> None:
    cli("ask", words, "-q")
    answer = cli("rerun", "last", "-q")
    assert answer.code == 2
    assert "it answered a question without a plan, so there is nothing to repeat" in answer.err
    with Reader.open(database) as reader:
        assert reader.run(run_counts()).total == 1


def test_a_question_that_led_to_a_plan_can_be_run_again(cli: Cli, database: Path) -> None:
    cli("ask", "what depends on db-01", "-q")
    first = newest(database)
    again = cli("rerun", "last", "--yes", "-q", "--no-ui")
    assert again.code == 0, again.err
    run = newest(database)
    assert (run.plan_id, run.params, run.words) == (first.plan_id, first.params, "")
    assert run.run_id != first.run_id
    assert "policy/routing" not in cli("runs").out


def test_where_all_versions_of_the_policy_are_deprecated_it_is_said_how_to_ask_nevertheless(cli: Cli) -> None:
    assert cli("asset", "deprecate", "policy/routing@1").code == 0
    answer = cli("ask", "hello")
    assert answer.code == 2
    assert "--override policy/routing@1" in answer.err
    assert "opscope asset publish policy/routing@1" in answer.err
    assert cli("ask", "hello", "--override", "policy/routing@1").code == 0


def test_a_policy_that_cannot_route_is_told_with_its_lines(cli: Cli, home: Path) -> None:
    (home / "routing.yaml").write_text("kind: routing\ntreshold: 0.5\nplans: 3\n")
    answer = cli("asset", "add", "routing.yaml", "--as", "policy/routing")
    assert answer.code == 2
    assert "routing.yaml:2:1: there is no such field" in answer.err
    assert "did you mean 'threshold'?" in answer.err
    assert "routing.yaml:3:8: expected a list, found the number 3" in answer.err

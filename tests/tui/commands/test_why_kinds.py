"""`why` on real runs of every kind of step and every policy: what it names, and that what it says to paste does the same."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import yaml

from engine.model.plan import Breaker
from store import queries
from store.embedding import open_engine
from store.reader import Reader
from tests.engine.steps.http_server import Site, reply, serving
from tui.viewmodel.breakers import COOLDOWN_SEC, refused_by
from tui.viewmodel.pasteable_calls import powershell_literal

if TYPE_CHECKING:
    from pathlib import Path

    from engine.model.json import Json, JsonObject
    from tests.tui.commands.conftest import Cli


@dataclass
class Why:
    """What the command says as text and as JSON."""

    text: str
    known: JsonObject

    @property
    def paste(self) -> str:
        command = self.known["command"]
        assert isinstance(command, dict)
        return str(command["paste"])

    @property
    def next(self) -> list[str]:
        steps = self.known["next"]
        assert isinstance(steps, list)
        return [str(step["command"]) for step in steps if isinstance(step, dict)]


def why(cli: Cli, run: str = "last") -> Why:
    text, known = cli("why", run), cli("why", run, "--json")
    assert (text.code, known.code, text.err) == (0, 0, "")
    assert "None </dev/null" not in text.out
    return Why(text.out, json.loads(known.out))


def ran(cli: Cli, home: Path, steps: str, *, name: str = "kind", head: str = "", code: int = 1) -> Why:
    (home / f"{name}.yaml").write_text(f"plan_id: {name}\n{head}steps:\n{steps}")
    answer = cli("run", "-q", f"./{name}.yaml")
    assert answer.code == code, answer
    return why(cli)


def bash(script: str, **env: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], **env}
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False, env=environment, cwd="/")


REPORTING = """\
import json, os, sys
import beside

def look(a, b, fail_in=None):
    report = [a, b, sys.argv, sys.path[:3], os.getcwd(), dict(os.environ), sys.stdin.read(), __name__, beside.WORD]
    with open(os.environ["TO"], "w") as file:
        json.dump(report, file)
    if os.environ.get("CALM") != "1":
        raise RuntimeError("first line\\nsecond line")
    return {"a": a}

class Later:
    @staticmethod
    async def fail(**given):
        deeper(3)

def deeper(left):
    if left:
        deeper(left - 1)
    try:
        {}["nothing"]
    except KeyError as error:
        raise ValueError("no such host") from error
"""


def at(text: str) -> int:
    """The line on which this stands."""
    return next(number for number, line in enumerate(REPORTING.splitlines(), 1) if text in line)


@pytest.mark.parametrize("place", ["code/mod.py", "mod"])
def test_a_python_step_is_told_by_its_traceback_and_called_again_as_it_was(cli: Cli, home: Path, place: str) -> None:
    (home / "code").mkdir()
    (home / "code" / "mod.py").write_text(REPORTING)
    (home / "code" / "beside.py").write_text("WORD = 'beside'\n")
    (home / "down here").mkdir()
    step: JsonObject = {
        "id": "look",
        "env": {"TO": f"{home}/first.json"},
        "step_def": {
            "type": "python", "callable": f"{place}:look", "interpreter": sys.executable, "cwd": "down here",
            "path": ["code"], "args": {"a": "it's \"odd\"\n$HOME ü\u202e", "b": [1, None, {"x": True}]},
        },
    }  # fmt: skip
    told = ran(cli, home, yaml.safe_dump([step]))
    assert told.text.startswith("✗ FAILED  look: RuntimeError: first line (at ")
    detail = told.text.split("look raised\n", 1)[1]
    assert re.match(
        r"  RuntimeError: first line\n    second line\n    code/mod.py:9 in look\n        raise RuntimeError", detail
    )
    error = told.known["error"]
    assert isinstance(error, dict)
    assert (error["type"], error["message"]) == ("RuntimeError", "first line\nsecond line")
    assert told.paste in told.text, "what is printed is what is meant: no filter may have changed it"
    done = bash(told.paste.replace("first.json", "second.json"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.rstrip().endswith("RuntimeError: first line\nsecond line")
    first, second = (
        json.loads((home / name).read_text().replace(name, "same")) for name in ("first.json", "second.json")
    )
    del first[5]["OPSCOPE_COOKIE"]
    for report in (first, second):
        report[5].pop("LC_CTYPE", None)  # Python itself sets it where no locale is given
    assert second == first
    calm = bash(told.paste.replace("TO=", "CALM=1 TO="))
    assert (calm.returncode, json.loads(calm.stdout)) == (0, {"a": 'it\'s "odd"\n$HOME ü\u202e'})


def test_an_async_function_and_the_cause_of_its_exception(cli: Cli, home: Path) -> None:
    (home / "mod.py").write_text(REPORTING)
    (home / "beside.py").write_text("WORD = 1\n")
    step = f'  - {{id: wait, step_def: {{type: python, callable: "mod:Later.fail", interpreter: {sys.executable}}}}}\n'
    told = ran(cli, home, step)
    assert f"  ValueError: no such host\n    mod.py:{at('raise ValueError')} in deeper\n" in told.text
    assert f"    mod.py:{at('deeper(left - 1)')} in deeper, 3 times\n        deeper(left - 1)\n" in told.text
    assert f"  because of KeyError: 'nothing'\n    mod.py:{at('nothing')} in deeper\n" in told.text
    assert "ValueError: no such host" in bash(told.paste).stderr
    shown = cli("show", "last/stage/execute?step=wait").out
    assert f"error\n  ValueError: no such host\n    mod.py:{at('raise ValueError')} in deeper\n" in shown
    assert "because of KeyError: 'nothing'" in shown


REFUSAL = reply(b'{"error": "quota exceeded",\n "code": 4031}', status=503, kind="application/json", Retry_After="30")


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize(
    ("method", "body"),
    [("GET", None), ("POST", {"name": "it's", "n": 1}), ("POST", None), ("PUT", "@text\n'x'"), ("DELETE", None)],
)
def test_a_request_is_sent_again_by_curl_as_it_was(
    cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch, method: str, body: Json
) -> None:
    monkeypatch.setenv("API_TOKEN", "s3cret-text-of-it")
    with serving(Site({"/hosts": REFUSAL})) as site:
        step: JsonObject = {
            "id": "ask",
            "step_def": {
                "type": "http", "url": site.url("/hosts?x=[1]"), "method": method, "body": body,
                "query": {"q": ["a b", 2]}, "headers": {"Authorization": "Bearer {secrets.token}", "X-Odd": "it's $HOME"},
            },
        }  # fmt: skip
        told = ran(cli, home, yaml.safe_dump([step]), head="secrets: {token: {env: API_TOKEN}}\n")
        assert told.text.startswith("✗ FAILED  ask: the answer is 503 Service Unavailable, expected 2xx\n")
        assert re.search(rf"\n{method} {re.escape(site.url('/hosts?x='))}\S+ was answered 503\n", told.text)
        assert '  retry-after: 30\n  {"error": "quota exceeded",\n   "code": 4031}\n' in told.text
        assert "s3cret" not in told.text + json.dumps(told.known)
        assert '"$API_TOKEN"' in told.paste
        done = bash(told.paste, API_TOKEN="s3cret-text-of-it")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("HTTP/1.1 503")
        assert_same_requests(site)


def assert_same_requests(site: Site) -> None:
    first, second = site.seen
    assert (second.method, second.path, second.body) == (first.method, first.path, first.body)
    for seen in (first, second):
        for name in ("accept-encoding", "connection"):
            seen.headers.pop(name, None)
    assert second.headers == first.headers


def test_a_powershell_script_is_started_with_its_arguments(cli: Cli, home: Path) -> None:
    stand_in = home / "pwsh"
    stand_in.write_text('#!/bin/sh\nprintf "%s\\n" "$@" >"$0.seen"\necho at line 2: nope >&2\nexit 3\n')
    stand_in.chmod(0o755)
    step: JsonObject = {
        "id": "script",
        "step_def": {
            "type": "powershell", "script": "param($Name)\nWrite-Error 'nope'", "interpreter": "./pwsh",
            "args": {"Name": "it's \u2018odd\u2019", "N": 3},
        },
    }  # fmt: skip
    told = ran(cli, home, yaml.safe_dump([step]))
    assert "script wrote to stderr\n  at line 2: nope\n" in told.text
    done = bash(told.paste)
    assert (done.returncode, done.stderr) == (3, "at line 2: nope\n")
    options, text = (home / "pwsh.seen").read_text().split("-Command\n")
    assert options.split() == ["-NoLogo", "-NoProfile", "-NonInteractive"]
    assert "$given = @{ 'N' = 3; 'Name' = 'it''s \u2018\u2018odd\u2019\u2019' }\n" in text
    assert "& {\nparam($Name)\nWrite-Error 'nope'\n} @given\n" in text


def test_values_as_powershell_reads_them() -> None:
    value: Json = {"a": [None, True, 1.5, "x"], "b": {}}
    assert powershell_literal(value) == "@{ 'a' = @($null, $true, 1.5, 'x'); 'b' = @{} }"


@pytest.mark.parametrize(
    ("step", "said", "because"),
    [
        (
            "  - {id: copy, step_def: {type: file, action: copy, path: gone.txt, to: there.txt}}\n",
            "the file step was to copy\n  path      gone.txt\n  to        there.txt\n",
            "opscope did this itself",
        ),
        (
            "  - {id: call, step_def: {type: tool, tool: greet, args: {name: Ada}}}\n",
            'call called the tool greet with\n  {"name": "Ada"}\n',
            "greet is a function inside the program that held the engine",
        ),
        (
            '  - {id: pick, step_def: {type: decision, rules: [{when: "1 > 2", choose: x}], branches: {x: [s]}}}\n'
            '  - {id: s, command: "true"}\n',
            "pick had to decide by, and none of it held\n  1 > 2  →  x\n  default   →  none\n",
            "a decision starts nothing",
        ),
    ],
)
def test_where_there_is_nothing_to_paste_it_says_so(cli: Cli, home: Path, step: str, said: str, because: str) -> None:
    told = ran(cli, home, step)
    assert said in told.text
    assert told.known["command"] is None
    assert str(told.known["no_command"]).startswith(because)
    assert because in told.text


async def test_what_a_tool_raised_and_which_items_of_many_failed(cli: Cli, tmp_path: Path, database: Path) -> None:
    """So many items that their heads are kept apart from the event."""

    async def check(host: str) -> str:
        if host == "db-7":
            raise ConnectionError(f"{host} is down")
        return host

    plan = tmp_path / "plan.yaml"
    hosts = [f"db-{number}" for number in range(700)]
    step: JsonObject = {
        "id": "each",
        "for_each": [*hosts],
        "step_def": {"type": "tool", "tool": "check", "args": {"host": "{item}"}},
    }
    plan.write_text(yaml.safe_dump({"plan_id": "many", "globals": {"breaker": {"failures": 99}}, "steps": [step]}))
    async with open_engine(database, tools={"check": check}) as engine:
        outcome = await engine.run(plan)
    with Reader.open(database) as reader:
        assert reader.run(queries.item_values(outcome.run_id, "each")) == dict(enumerate(hosts))
        raw = reader.run(queries.step_result(outcome.run_id, "each", is_whole=False))
        assert raw is not None
        assert not isinstance(raw["items"], list), "the test is about items that are kept apart"
    told = why(cli)
    assert "1 of 700 items of each failed; 699 succeeded\n  #7 db-7: ConnectionError: db-7 is down" in told.text
    assert "each[7] raised\n  ConnectionError: db-7 is down\n" in told.text
    items = told.known["items"]
    assert isinstance(items, dict)
    assert (items["total"], items["numbers"]) == (700, {"failed": 1, "succeeded": 699})
    assert isinstance(failed := items["failed"], list)
    assert [(head["index"], head["item"], head["reason"]) for head in failed if isinstance(head, dict)] == [
        (7, "db-7", "tool_failed")
    ]


EACH = """\
  - id: hosts
    for_each: [web-1, db-1, db-2]
    command: sh
    args: [-c, 'echo looking at $1; case $1 in db*) echo $1 is down >&2; exit 5;; esac', sh, "{item}"]
"""


def test_the_first_item_that_failed_is_told_of(cli: Cli, home: Path) -> None:
    told = ran(cli, home, EACH)
    assert "2 of 3 items of hosts failed; 1 succeeded\n  #1 db-1: exit 5: db-1 is down\n  #2 db-2: " in told.text
    assert "hosts[1] wrote to stderr\n  db-1 is down\n" in told.text
    assert bash(told.paste).stdout == "looking at db-1\n"
    assert "what hosts[1] ran" in told.text
    short = str(told.known["run_id"])[:6]
    assert told.next[0] == f"opscope logs {short} hosts --item 1"
    assert cli(*shlex.split(told.next[0])[1:]).out == "looking at db-1\n! db-1 is down\n"
    assert "hosts[1]    looking at db-1\n" in cli("logs", "last").out
    shown = cli("show", "last/stage/execute?step=hosts").out
    assert re.search(r"#1  db-1 +✗ FAILED", shown)
    assert "item #1, the first that failed\n" in shown
    assert "stderr\n  db-1 is down\n" in shown
    document = json.loads(cli("show", "last/stage/execute?step=hosts", "--json").out)
    assert (document["id"], document["item_index"]) == ("hosts", None)
    assert [item["result"]["stderr"] for item in document["items"]] == ["", "db-1 is down\n", "db-2 is down\n"]
    assert [head["item"] for head in document["result"]["items"]] == ["web-1", "db-1", "db-2"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("hosts", "--item", "9"), "the step hosts has no item 9"),
        (("hosts", "--item", "x"), "'x' is not the number of an item"),
        (("--item", "1"), "--item needs a step"),
    ],
)
def test_items_that_are_not_there(cli: Cli, home: Path, words: tuple[str, ...], said: str) -> None:
    ran(cli, home, EACH)
    answer = cli("logs", "last", *words)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err


def test_a_sub_plan_leads_to_its_run(cli: Cli, home: Path) -> None:
    inner = "{id: inner, command: sh, args: [-c, 'echo one >&2; echo two >&2; exit 4']}"
    child = f"plan_id: child\nparams: {{p: {{type: string}}}}\nsteps:\n  - {inner}\n"
    (home / "child.yaml").write_text(child)
    middle = (
        'plan_id: middle\nsteps:\n  - {id: deep, step_def: {type: plan, plan: ./child.yaml, params: {p: "it\'s"}}}\n'
    )
    (home / "middle.yaml").write_text(middle)
    told = ran(cli, home, "  - {id: nested, step_def: {type: plan, plan: ./middle.yaml}}\n")
    runs = told.known["child_runs"]
    assert isinstance(runs, list)
    assert len(runs) == 2
    assert told.next[0] == f"opscope why {str(runs[0])[:6]}"
    assert told.text.startswith("✗ FAILED  nested > deep > inner: exit 4: ")
    assert f"\ndeep of run {str(runs[0])[:6]}\n  its plan child failed, in run {str(runs[1])[:6]}\n" in told.text
    assert f"\ninner of run {str(runs[1])[:6]}\n  exit 4: " in told.text
    assert "    one\n    two\n" in told.text
    below = why(cli, str(runs[0]))
    assert below.text.startswith("✗ FAILED  deep > inner: exit 4: ")
    words = shlex.split(below.paste.partition("&& ")[2].replace("\\\n", " "))
    assert words == ["opscope", "run", f"{home}/child.yaml", "-p", "p=it's"]
    assert cli("run", "-q", *words[2:]).code == 1
    assert (
        f"{runs[0]}  ✗ FAILED  opscope why {str(runs[0])[:6]}"
        in cli("show", str(told.known["run_id"]) + "/stage/execute?step=nested").out
    )


def test_a_repetition_without_end_and_a_fallback_that_failed_too(cli: Cli, home: Path) -> None:
    step = "  - {id: poll, command: echo, args: [no], repeat: {until: \"item.data == 'yes'\", max: 2, delay_sec: 0}}\n"
    told = ran(cli, home, step, name="loop")
    assert "poll was repeated\n  until     item.data == 'yes'\n  at most   2 times\n" in told.text
    told = ran(
        cli, home,
        "  - {id: first, command: sh, args: [-c, 'echo gone >&2; exit 2'], on_failure: fallback_step, fallback_step: spare}\n"
        "  - {id: spare, command: sh, args: [-c, 'echo a; echo b >&2; echo also gone >&2; exit 9']}\n",
    )  # fmt: skip
    assert told.text.startswith("✗ FAILED  first: exit 2: gone; its fallback spare failed too: exit 9: also gone\n")
    assert "its fallback spare\n  exit 9: also gone\n    b\n    also gone\n" in told.text
    assert "Also failed, by itself" not in told.text
    fallback = told.known["fallback"]
    assert isinstance(fallback, dict)
    assert (fallback["step_id"], fallback["status"]) == ("spare", "failed")


BREAKER = "globals: {breaker: {failures: 2, cooldown_sec: 300}}\n"
OPENING = '  - {id: first, command: "false", retries: 1, backoff: {initial_sec: 0}, on_failure: continue}\n'


def test_a_breaker_that_is_open(cli: Cli, home: Path) -> None:
    """By a step of the same run, and then by another run."""
    second = '  - {id: second, command: "false", depends_on: [first]}\n'
    told = ran(cli, home, OPENING + second, head=BREAKER)
    opener = str(told.known["run_id"])[:6]
    pattern = (
        r"The breaker of command:false opened at \d\d:\d\d:\d\d after 2 failures in a row, the last of step first.\n"
    )
    assert re.search(pattern, told.text)
    assert re.search(
        r"It lets one attempt through as a probe from \d\d:\d\d:\d\d on, and refuses all before.\n", told.text
    )
    assert told.next[1] == f"opscope show '{opener}/stage/execute?step=first'"
    breaker = told.known["breaker"]
    assert isinstance(breaker, dict)
    assert (breaker["tool"], breaker["phase_now"], breaker["opened_by_step"]) == ("command:false", "open", "first")
    assert breaker["probe_at_us"] == breaker["opened_at_us"] + 300_000_000  # type: ignore[operator]
    other = ran(cli, home, '  - {id: only, command: "false"}\n', name="other", head=BREAKER)
    assert f"the last of step first of run {opener}." in " ".join(other.text.split())
    assert f"opscope why {opener}" in other.next


def test_a_critical_step_whose_tool_is_left_alone_waits_for_a_decision(cli: Cli, home: Path) -> None:
    critical = '  - {id: deploy, critical: true, command: "false", depends_on: [first]}\n'
    told = ran(cli, home, OPENING + critical, head=BREAKER, code=3)
    answer = told.text.splitlines()[0]
    assert re.match(
        r"◆ QUARANTINED  it waits for your decision on deploy since \S+: it is critical, and the breaker", answer
    )
    assert "deploy: not run: the breaker of command:false is open" in told.text
    assert "engine died" not in told.text
    short = str(told.known["run_id"])[:6]
    ways = [f"opscope resume {short} --{way} deploy" for way in ("retry", "skip", "succeeded")]
    assert told.next[1:] == [*ways, f"opscope cancel {short}"]
    assert re.search(r"--retry deploy .*try it as soon as the breaker lets it, from \d\d:\d\d:\d\d on", told.text)
    assert cli(*shlex.split(ways[1])[1:], "--no-ui").code == 0


def test_the_tool_of_an_open_breaker_is_what_was_recorded_and_not_what_a_program_said(cli: Cli, home: Path) -> None:
    """The message begins with the words of the step itself, which may be any."""
    said = "the breaker of water is open, so there"
    fails = (
        f"{{id: first, command: sh, args: [-c, 'echo {said} >&2; exit 1'], retries: 2, backoff: {{initial_sec: 0}}}}"
    )
    told = ran(cli, home, f"  - {fails}\n", head=BREAKER)
    assert told.text.startswith("✗ FAILED  first: exit 1: the breaker of water is open, so there; not tried again: ")
    breaker = told.known["breaker"]
    assert isinstance(breaker, dict)
    assert (breaker["tool"], breaker["opened_by_step"]) == ("command:sh", "first")
    trace = json.loads(cli("show", "last", "--json").out)
    assert trace["steps"][0]["result"]["tool"] == "command:sh"


def test_a_refusal_of_an_older_file_names_its_tool_in_the_message() -> None:
    message = "not run: the breaker of command:sh is open after 2 failures in a row, for 30 s more"
    assert refused_by({"message": message}) == "command:sh"
    assert refused_by({"message": message, "tool": "command:other"}) == "command:other"
    assert refused_by({"message": "exit 1"}) is None


def test_a_cooldown_that_no_plan_gives_is_the_one_of_the_format() -> None:
    assert Breaker().cooldown_sec == COOLDOWN_SEC


def test_where_a_kept_result_came_from(cli: Cli, home: Path) -> None:
    (home / "kept.yaml").write_text(
        "plan_id: kept\nsteps: [{id: one, command: echo, args: [x], cache: {ttl_sec: 600}}]\n"
    )
    assert cli("run", "-q", "./kept.yaml").code == 0
    first = json.loads(cli("runs", "--json").out)[0]["run_id"][:6]
    assert cli("run", "-q", "./kept.yaml").code == 0
    assert f"  result  kept from run {first}, made at " in cli("show", "last/stage/execute?step=one").out

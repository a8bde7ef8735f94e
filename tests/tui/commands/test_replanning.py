"""Answering a run that asks for another plan, from other processes: with its engine alive, killed, and while its steps run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from engine.errors import ExitCode
from engine.model.event import EventKind
from engine.model.states import PauseReason, RunStatus

if TYPE_CHECKING:
    from store.rows import RunRow
    from tests.tui.commands.hosts import Hosts

pytestmark = pytest.mark.sampled(one_in=5, of_file=True)

PLAN = """\
plan_id: lookup
assets: {replans: policy/replans}
params: {gate: {default: none}}
steps:
  - {id: before, command: sh, args: [-c, "echo ran >>before.log"]}
  - {id: find, command: echo, args: ["[]"], output: json, depends_on: [before]}
  - {id: after, command: echo, args: ["found {find.data}"]}
  - {id: wait, command: sh, args: [-c, 'test "$GATE" = none || read line < "$GATE"'], env: {GATE: "{params.gate}"}}
finally:
  - {id: note, command: sh, args: [-c, "echo ran >>note.log"]}
compose: {said: "{after.data}"}
present: [{type: markdown, text: "{compose.said}"}]
"""
POLICY = """\
kind: replan
limit: 1
rules:
  - trigger: empty_result
    mode: approval
    reason: nothing found
    patch: {find: {args: ["[1]"]}}
"""


@pytest.fixture
def plan(hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> str:
    """The plan's file, with its policy in the registry."""
    monkeypatch.chdir(hosts.home)
    (hosts.home / "policy.yaml").write_text(POLICY)
    added = hosts.call("asset", "add", "policy.yaml", "--as", "policy/replans", "--publish")
    assert added.returncode == 0, added.stderr
    return hosts.plan(PLAN)


def waiting(row: RunRow) -> bool:
    """True for a run that waits for an approval."""
    return row.status is RunStatus.PAUSED and row.pause_reason is PauseReason.APPROVAL


def shown(hosts: Hosts, run_id: str) -> Any:
    """The run's trace."""
    return json.loads(hosts.call("show", run_id, "--json").stdout)


def times_run(hosts: Hosts, step_id: str) -> int:
    log = hosts.home / f"{step_id}.log"
    return len(log.read_text().splitlines()) if log.exists() else 0


@pytest.mark.parametrize("killed", [False, True])
@pytest.mark.parametrize(
    ("verb", "words", "said", "passes"),
    [("approve", "goes on with the other plan", "found [1]", 2), ("deny", "goes on as planned", "found []", 1)],
)
def test_an_answer_from_another_process(
    hosts: Hosts, plan: str, verb: str, words: str, said: str, passes: int, killed: bool
) -> None:
    """Whether its engine is alive or was killed while it waited; nothing runs twice."""
    run_id = hosts.detached(plan)
    hosts.wait_for(waiting, run_id)
    if killed:
        hosts.kill(run_id)
        assert hosts.call("runs").stdout.count("waits for an approval") == 1
    answered = hosts.call(verb, run_id[:6], "--reason", "seen")
    engine = ", with a new engine" if killed else ""
    assert (answered.returncode, answered.stdout) == (0, f"run {run_id[:6]} {words}{engine}\n")
    row = hosts.wait_for_end(run_id)
    assert row.status is RunStatus.SUCCEEDED
    document = shown(hosts, run_id)
    (replan,) = document["replan_events"]
    assert (replan["decision"], replan["decision_reason"], document["pass_count"]) == (
        "approved" if verb == "approve" else "denied",
        "seen",
        passes,
    )
    assert replan["decided_by"].startswith("operator:")
    assert document["stages"][-1]["output"]["result"]["blocks"] == [{"type": "markdown", "text": said}]
    assert (times_run(hosts, "before"), times_run(hosts, "note")) == (1, 1)
    reused = {step["id"]: step["reused_from"] for step in document["steps"] if step["pass_index"] == passes - 1}
    expected = {"run_id": run_id, "pass_index": 0, "step_id": "before"} if verb == "approve" else None
    assert reused["before"] == expected


def test_what_waits_is_listed_with_what_to_type(hosts: Hosts, plan: str) -> None:
    run_id = hosts.detached(plan)
    hosts.wait_for(waiting, run_id)
    listed = hosts.call("waiting")
    assert listed.returncode == ExitCode.WAITING
    assert "r0.1, step find: nothing found (empty_result)" in listed.stdout
    assert f"opscope approve {run_id[:6]}  " in listed.stdout
    assert f"opscope deny {run_id[:6]}  " in listed.stdout
    changes = 'find.args[0]: "[]" → "[1]"'
    assert f"r0.1 changes {changes}" in listed.stdout
    why = hosts.call("why", run_id).stdout
    assert "r0.1, step find" in why
    assert f"r0.1 changes {changes}" in why
    assert changes in hosts.call("show", run_id).stdout
    resumed = hosts.call("resume", run_id)
    assert (resumed.returncode, "waits for an approval: opscope approve" in resumed.stdout) == (0, True)
    hosts.kill(run_id)
    (one,) = json.loads(hosts.call("waiting", "--json").stdout)
    assert (one["waits_for"], one["engine_lost"]) == ("approval", False)
    resumed = hosts.call("resume", run_id)
    assert resumed.returncode == ExitCode.WAITING
    assert f"opscope approve {run_id[:6]}, or opscope deny {run_id[:6]}" in resumed.stderr
    assert hosts.run(run_id) == hosts.wait_for(waiting, run_id), "nothing was changed"


def test_a_pause_hides_no_question(hosts: Hosts, plan: str) -> None:
    """It can be answered while the run is paused, and is listed as long as it is not."""
    run_id = hosts.detached(plan)
    hosts.wait_for(waiting, run_id)
    assert hosts.call("pause", run_id).returncode == 0
    hosts.wait_for(lambda row: row.pause_reason is PauseReason.OPERATOR, run_id)
    listed = hosts.call("waiting").stdout
    for verb in ("resume", "approve", "deny"):
        assert f"opscope {verb} {run_id[:6]}  " in listed
    denied = hosts.call("deny", run_id)
    assert denied.stdout == f"run {run_id[:6]} goes on as planned once it is resumed: opscope resume {run_id[:6]}\n"
    assert "opscope approve" not in hosts.call("waiting").stdout
    assert hosts.call("resume", run_id).returncode == 0
    assert hosts.wait_for_end(run_id).status is RunStatus.SUCCEEDED


@pytest.mark.parametrize("killed", [False, True])
@pytest.mark.parametrize(
    ("on_failure", "follows", "status"),
    [
        ("abort", "on_failure: abort ends the run", RunStatus.FAILED),
        ("continue", "on_failure: continue lets the run go on", RunStatus.SUCCEEDED),
        (
            "skip_dependents",
            "on_failure: skip_dependents leaves out what depends on it, and the run fails",
            RunStatus.FAILED,
        ),
    ],
)
@pytest.mark.sampled(one_in=3)
def test_a_denial_says_what_follows(
    hosts: Hosts, plan: str, on_failure: str, follows: str, status: RunStatus, killed: bool
) -> None:
    """A step that failed stays so, and then its on_failure counts."""
    (hosts.home / "failed.yaml").write_text(POLICY.replace("empty_result", "step_failed"))
    hosts.call("asset", "add", "failed.yaml", "--as", "policy/replans", "--publish")
    step = f"{{id: find, on_failure: {on_failure}, command: 'false'}}"
    run_id = hosts.detached(hosts.plan(f"plan_id: lookup\nassets: {{replans: policy/replans}}\nsteps: [{step}]\n"))
    hosts.wait_for(waiting, run_id)
    if killed:
        hosts.kill(run_id)
    denied = hosts.call("deny", run_id)
    engine = ", with a new engine" if killed else ""
    assert denied.stdout == f"run {run_id[:6]}: find stays failed; {follows}{engine}\n"
    assert hosts.wait_for_end(run_id).status is status


@pytest.mark.parametrize("manner", [["--no-ui"], ["-q"]])
def test_a_run_at_a_terminal_says_that_it_waits(hosts: Hosts, plan: str, manner: list[str]) -> None:
    """Whoever looks on has to act, even who wants to hear nothing else; and it is no failure."""
    with hosts.start("run", plan, *manner) as running:
        short = hosts.wait_for(waiting).run_id[:6]
        assert hosts.call("deny", short).returncode == 0
        _, err = running.communicate(timeout=60)
    asks = f"‖ waits for an approval of another plan (r0.1: empty_result at find): opscope approve {short}, or opscope deny {short}"
    assert err.count(asks) == 1
    assert ("‖ replan r0.1 asked for EMPTY RESULT" in err) is ("-q" not in manner)


@pytest.mark.parametrize("killed", [False, True])
def test_an_answer_to_nothing_is_refused(hosts: Hosts, plan: str, killed: bool) -> None:
    """Exit 2 and what does wait; the run waits on."""
    run_id = hosts.detached(plan)
    hosts.wait_for(waiting, run_id)
    if killed:
        hosts.kill(run_id)
    refused = hosts.call("approve", run_id, "r0.7")
    assert (refused.returncode, refused.stdout) == (ExitCode.BAD_INPUT, "")
    assert "replan r0.7 does not wait for an approval" in refused.stderr
    assert "r0.1, step find" in refused.stderr
    assert waiting(hosts.wait_for(lambda _: True, run_id))
    asked = [e for e in hosts.events(run_id) if e.kind is EventKind.CONTROL_RECEIVED]
    assert len(asked) == (0 if killed else 1)


@pytest.mark.parametrize("killed", [False, True])
def test_an_operators_patch_takes_the_place_of_the_proposed_one(hosts: Hosts, plan: str, killed: bool) -> None:
    run_id = hosts.detached(plan)
    hosts.wait_for(waiting, run_id)
    if killed:
        hosts.kill(run_id)
    (hosts.home / "patch.yaml").write_text('find: {args: ["[1, 2]"]}\n')
    answered = hosts.call("replan", run_id, "--patch", "patch.yaml", "--json")
    assert json.loads(answered.stdout)["verb"] == "replan", answered.stderr
    assert hosts.wait_for_end(run_id).status is RunStatus.SUCCEEDED
    document = shown(hosts, run_id)
    assert document["stages"][-1]["output"]["result"]["blocks"][0]["text"] == "found [1,2]"
    assert document["replan_events"][0]["patch"]["after"] == {"find": {"step_def": {"args": ["[1, 2]"]}}}


@pytest.mark.parametrize("killed", [False, True])
def test_an_operators_patch_into_what_is_forbidden_is_refused(hosts: Hosts, plan: str, killed: bool) -> None:
    """Exit 2 and what forbids it; the run waits on."""
    house = "kind: validation\nrules: [{id: net, reason: not from here, commands: [curl]}]\n"
    (hosts.home / "house.yaml").write_text(house)
    assert hosts.call("asset", "add", "house.yaml", "--as", "policy/house", "--publish").returncode == 0
    run_id = hosts.detached(hosts.plan(PLAN.replace("{replans:", "{house: policy/house, replans:")))
    hosts.wait_for(waiting, run_id)
    if killed:
        hosts.kill(run_id)
    (hosts.home / "patch.yaml").write_text("find: {command: curl}\n")
    refused = hosts.call("replan", run_id, "--patch", "patch.yaml")
    assert (refused.returncode, refused.stdout) == (ExitCode.BAD_INPUT, "")
    assert "the plan with this patch may not run: find: curl is forbidden by " in refused.stderr
    assert waiting(hosts.wait_for(lambda _: True, run_id))
    assert hosts.call("deny", run_id).returncode == 0
    assert hosts.wait_for_end(run_id).status is RunStatus.SUCCEEDED


def test_the_plan_of_a_live_run_is_changed(hosts: Hosts, plan: str) -> None:
    """The step that hangs is stopped, the others are kept."""
    gate = hosts.fifo("gate")
    (hosts.home / "never.yaml").write_text(POLICY.replace("mode: approval", "mode: never"))
    hosts.call("asset", "add", "never.yaml", "--as", "policy/replans", "--publish")
    run_id = hosts.detached(plan, "-p", f"gate={gate}")
    hosts.wait_for(lambda row: row.steps_done == 3, run_id)
    (hosts.home / "bad.yaml").write_text("wait: {timeout_secs: 3}\n")
    refused = hosts.call("replan", run_id, "--patch", "bad.yaml")
    assert refused.returncode == ExitCode.BAD_INPUT
    assert "wait.timeout_secs: unknown field 'timeout_secs'" in refused.stderr
    (hosts.home / "patch.yaml").write_text("steps: {wait: {env: {GATE: none}}}\n")
    answered = hosts.call("replan", run_id, "--patch", "patch.yaml", "--reason", "it hangs")
    assert (answered.returncode, answered.stdout) == (0, f"run {run_id[:6]} goes on with the changed plan\n")
    assert hosts.wait_for_end(run_id).status is RunStatus.SUCCEEDED
    document = shown(hosts, run_id)
    ends = {(step["pass_index"], step["id"]): step["reason"] for step in document["steps"]}
    assert (ends[0, "wait"], ends[1, "wait"], ends[1, "before"]) == ("replanned", None, "reused")
    (replan,) = document["replan_events"]
    assert (replan["trigger"], replan["decision"], replan["decision_reason"]) == ("operator", "approved", "it hangs")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("none.yaml", None, "the patch cannot be read: No such file or directory"),
        ("torn.yaml", "find: {a: 1\n", "this is not valid YAML"),
        ("twice.json", '{"a": {}, "a": {}}', "1 fault in the patch"),
        ("long.yaml", f"find: {{description: {'x' * 70_000}}}\n", "the patch is longer than 60,000 bytes"),
    ],
)
def test_a_patch_that_cannot_be_read(hosts: Hosts, plan: str, name: str, text: str | None, said: str) -> None:
    run_id = hosts.detached(plan)
    hosts.wait_for(waiting, run_id)
    if text is not None:
        (hosts.home / name).write_text(text)
    refused = hosts.call("replan", run_id, "--patch", name)
    assert (refused.returncode, refused.stdout) == (ExitCode.BAD_INPUT, "")
    assert said in refused.stderr


@pytest.mark.parametrize("command", [["replan"], ["rerun"]])
def test_a_patch_that_never_ends_is_not_read(hosts: Hosts, plan: str, command: list[str]) -> None:
    """A device has no end, and a pipe that nobody writes to no beginning."""
    assert hosts.call("run", "-q", hosts.plan("plan_id: small\nsteps: [{id: a, command: 'true'}]\n")).returncode == 0
    pipe = hosts.fifo("pipe")
    for name in ("/dev/zero", str(pipe)):
        refused = hosts.call(*command, "last", "--patch", name)
        assert (refused.returncode, refused.stdout) == (ExitCode.BAD_INPUT, "")
        assert "this is no regular file" in refused.stderr


def test_a_run_that_failed_says_why_nothing_helped_it(hosts: Hosts, plan: str) -> None:
    """The limit that kept the next plan off is part of the answer."""
    rules = POLICY.replace("limit: 1", "limit: 0").replace("empty_result", "step_failed").replace("approval", "auto")
    (hosts.home / "limit.yaml").write_text(rules)
    hosts.call("asset", "add", "limit.yaml", "--as", "policy/replans", "--publish")
    hosts.plan(PLAN.replace('command: echo, args: ["[]"]', "command: 'false', args: []"))
    done = hosts.call("run", "-q", plan)
    assert done.returncode == ExitCode.FAILED
    said = hosts.call("why", "last").stdout
    assert "Another plan was asked for because of it, and denied: the limit of 0 replans is reached." in said

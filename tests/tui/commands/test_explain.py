"""`show --explain` on recorded runs: what was tried, skipped, kept and refused, for people and programs; sub-plans in the lists."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tui.commands.conftest import Cli

PLAN = """
plan_id: telling
params: {word: {type: string, default: one}}
steps:
  - {id: kept, command: echo, args: ["{params.word}"], cache: {ttl_sec: 600}}
  - {id: twice, command: "false", retries: 1, backoff: {initial_sec: 0}, on_failure: continue}
  - {id: looped, command: "true", repeat: {until: "item.exit_code == 9", max: 2, delay_sec: 0}, on_failure: continue}
  - {id: never, command: "true", condition: "kept.data == 'nothing'"}
  - {id: spare, command: echo, args: [spare]}
  - {id: saved, command: "false", on_failure: fallback_step, fallback_step: spare}
  - {id: each, for_each: [a, b], command: test, args: ["{item}", "=", "a"], on_failure: continue}
  - {id: sub, step_def: {type: plan, plan: ./child.yaml}}
"""


@pytest.fixture
def plan(cli: Cli, tmp_path: Path) -> str:
    (tmp_path / "child.yaml").write_text("plan_id: child\nsteps: [{id: a, command: 'true'}]\n")
    path = tmp_path / "telling.yaml"
    path.write_text(PLAN)
    cli("run", str(path), "--no-ui", "--quiet")
    return str(path)


def story(cli: Cli, step: str) -> list[str]:
    """The sentences, without their times."""
    answer = cli("show", "last", "--explain", step)
    assert answer.code == 0, answer.err
    return [line.split("  ", 2)[-1].strip() for line in answer.out.splitlines()[1:]]


def test_tries_loops_skips_and_fallbacks_are_told(cli: Cli, plan: str) -> None:
    began, failed, again, second, *_ = story(cli, "twice")
    assert (began, second) == ("attempt 1 began", "attempt 2 began")
    assert failed.startswith("attempt 1 failed: ")
    assert again.startswith("tries again: attempt 2 ")
    assert story(cli, "looped")[2].startswith("until did not hold; attempt 2")
    assert story(cli, "never") == ["skipped: the condition does not hold: kept.data == 'nothing'"]
    assert any("its fallback spare is to stand in" in line for line in story(cli, "saved"))
    items = [line.split()[1] for line in cli("show", "last", "--explain", "each").out.splitlines() if "began" in line]
    assert sorted(items) == ["#0", "#1"]


def test_why_a_kept_result_was_used_or_not(cli: Cli, plan: str) -> None:
    assert story(cli, "kept")[0] == "no result of this step was kept so far"
    cli("run", plan, "--no-ui", "--quiet")
    first, second = story(cli, "kept")
    assert first.startswith("the result was taken from run ")
    assert second == "succeeded without an attempt"
    cli("run", plan, "-p", "word=two", "--no-ui", "--quiet")
    assert "other was: definition.args" in story(cli, "kept")[0]
    answer = cli("show", "last", "--explain", "kept", "--json")
    told = json.loads(answer.out)
    assert (told["step_id"], told["status"], told["story"][0]["what"]) == ("kept", "succeeded", "cache")
    assert told["story"][0]["differs"] == ["definition.args"]
    assert told["story"][0]["run_id"]


def test_a_sub_plan_is_named_where_it_belongs(cli: Cli, plan: str) -> None:
    heads = json.loads(cli("runs", "--json").out)
    child, parent = (next(head for head in heads if head["plan_id"] == name) for name in ("child", "telling"))
    assert (child["parent_run_id"], child["parent_step_id"]) == (parent["run_id"], "sub")
    assert json.loads(cli("show", "last", "--json").out)["run_id"] == parent["run_id"], "the last that was asked for"
    assert f"run {child['run_id'][:6]}" in cli("show", "last").out
    assert child["run_id"] in cli("show", "last/stage/execute?step=sub").out
    assert json.loads(cli("show", "last", "--explain", "sub", "--json").out)["child_runs"] == [child["run_id"]]
    listed = cli("runs").out
    assert "└ child" in listed
    assert f"step sub of run {parent['run_id'][:6]}" in listed


def test_items_are_listed_with_their_step(cli: Cli, plan: str) -> None:
    out = cli("show", "last/stage/execute?step=each").out
    assert [line.split()[0] for line in out.splitlines() if line.strip().startswith("#")] == ["#0", "#1"]
    table = cli("show", "last").out
    assert sum(line.startswith("each ") for line in table.splitlines()) == 1


def test_a_step_that_is_not_there(cli: Cli, plan: str) -> None:
    answer = cli("show", "last", "--explain", "kep")
    assert (answer.code, answer.out) == (2, "")
    assert "did you mean kept" in answer.err

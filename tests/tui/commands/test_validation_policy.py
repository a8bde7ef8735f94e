"""A plan and its validation policy: what is forbidden stops the run before its first step, unless a replan takes it out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tui.commands.conftest import Cli

PLAN = """\
plan_id: guarded
assets: {house: policy/house, replan: policy/house-replan}
params: {file: {type: string, default: /etc/hostname}}
steps:
  - {id: first, command: touch, args: [touched]}
  - {id: read, command: cat, args: ["{params.file}"], depends_on: [first]}
finally:
  - {id: after, command: touch, args: [cleaned]}
"""
POLICY = """\
kind: validation
rules:
  - {id: system, paths: [/etc/], reason: "the files of the system are not ours", severity: SEVERITY}
"""
REPLAN = """\
kind: replan
rules:
  - {trigger: policy_violation, mode: auto, reason: read another, patch: {read: {args: [guarded.yaml]}}}
"""


def given(cli: Cli, home: Path, *, severity: str = "error", replan: str = "kind: replan\nrules: []\n") -> None:
    """The plan and its two policies, published."""
    for name, content in (("guarded", PLAN), ("house", POLICY.replace("SEVERITY", severity)), ("replan", replan)):
        (home / f"{name}.yaml").write_text(content)
    assert cli("asset", "add", "house.yaml", "--as", "policy/house", "--publish").code == 0
    assert cli("asset", "add", "replan.yaml", "--as", "policy/house-replan", "--publish").code == 0


def trace(cli: Cli) -> dict[str, Any]:
    """What is recorded of the last run."""
    document: dict[str, Any] = json.loads(cli("show", "last", "--json").out)
    return document


@pytest.fixture(autouse=True)
def _here(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)


def test_what_is_forbidden_stops_the_run_before_its_first_step(cli: Cli, home: Path) -> None:
    given(cli, home)
    run = cli("run", "./guarded.yaml", "--no-ui")
    said = "read: /etc/hostname is forbidden by policy/house@1, rule system: the files of the system are not ours"
    assert run.code == 1
    assert said in run.err
    assert not (home / "touched").exists()
    why = cli("why", "last").out
    assert said in why
    assert "run it once more" not in why
    assert "when the plan or the policy is another" in why
    [stage] = [one for one in trace(cli)["stages"] if one["stage"] == "validate"]
    assert stage["output"]["diagnostics"]["errors"] == [said]
    assert stage["input"]["applied_assets"]["house"]["ref"] == "policy/house@1"


def test_a_warning_lets_it_pass(cli: Cli, home: Path) -> None:
    given(cli, home, severity="warning")
    assert cli("run", "./guarded.yaml", "--no-ui").code == 0
    [stage] = [one for one in trace(cli)["stages"] if one["stage"] == "validate"]
    assert "is forbidden by policy/house@1, rule system" in stage["output"]["diagnostics"]["warnings"][0]


def test_a_parameter_that_leads_elsewhere_is_allowed(cli: Cli, home: Path) -> None:
    given(cli, home)
    assert cli("run", "./guarded.yaml", "-p", "file=guarded.yaml", "--no-ui").code == 0


def test_a_replan_may_take_it_out(cli: Cli, home: Path) -> None:
    given(cli, home, replan=REPLAN)
    assert cli("run", "./guarded.yaml", "--no-ui").code == 0
    [event] = trace(cli)["replan_events"]
    assert (event["trigger"], event["decision"], event["stage"]) == ("policy_violation", "auto_approved", "validate")
    assert event["patch"]["before"]["read"]["step_def"]["args"] == ["{params.file}"]
    assert event["patch"]["after"]["read"]["step_def"]["args"] == ["guarded.yaml"]


def test_a_policy_that_cannot_be_followed_is_refused_when_it_is_added(cli: Cli, home: Path) -> None:
    given(cli, home)
    (home / "house.yaml").write_text("kind: validation\nrules: [{id: empty, reason: nothing}]\n")
    added = cli("asset", "add", "house.yaml", "--as", "policy/house", "--publish")
    assert added.code == 2
    assert "empty: it forbids nothing" in added.err
    assert "policy/house@2" not in cli("asset", "list").out


def test_validate_warns_of_what_will_be_refused(cli: Cli, home: Path) -> None:
    given(cli, home)
    said = "read: /etc/hostname is forbidden by policy/house@1, rule system: the files of the system are not ours"
    checked = cli("validate", "guarded.yaml")
    assert checked.code == 0
    [line] = [line for line in checked.out.splitlines() if "forbidden" in line]
    assert line.startswith(f"guarded.yaml:6:5: warning: {said}")
    assert "change the plan or the policy" in line
    (home / "guarded.yaml").write_text(PLAN.replace("/etc/hostname", "own"))
    assert "forbidden" not in cli("validate", "guarded.yaml").out


def test_what_only_a_result_names_is_refused_when_its_step_begins(cli: Cli, home: Path) -> None:
    given(cli, home)
    (home / "name").write_text("/etc/hostname")
    named = "  - {id: name, command: cat, args: [name]}\n  - {id: read"
    (home / "guarded.yaml").write_text(PLAN.replace("{params.file}", "{name.data}").replace("  - {id: read", named))
    run = cli("run", "./guarded.yaml", "--no-ui")
    assert run.code == 1
    assert (home / "touched").exists()
    assert (home / "cleaned").exists()
    why = " ".join(cli("why", "last").out.split())
    assert "/etc/hostname is forbidden by policy/house@1, rule system" in why
    assert "this was refused: see why before it is run by hand" in why
    assert "when the plan or the policy is another" in why

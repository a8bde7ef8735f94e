"""`run`: the answer on stdout, how it went on stderr, exit codes, parameters, JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from store.queries import last_run, run_counts
from store.reader import Reader
from tests.tui.commands.conftest import FAILING_PLAN, GOOD_PLAN

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tui.commands.conftest import Cli


def test_the_answer_goes_to_stdout_and_the_rest_to_stderr(cli: Cli, home: Path, database: Path) -> None:
    (home / "works.yaml").write_text(GOOD_PLAN)
    answer = cli("run", "works.yaml")
    assert answer.code == 0
    assert answer.out == "# Said: hello\n"
    with Reader.open(database) as reader:
        run = reader.run(last_run())
    assert run is not None
    first, step, verdict, following = answer.err.splitlines()
    assert first == f"run {run.run_id[:6]}  works"
    assert step.startswith("✓ greet  SUCCEEDED ")
    assert verdict.startswith(f"✓ SUCCEEDED  {run.run_id[:6]}  works  1 step  ")
    assert following == f"  next: opscope show {run.run_id[:6]}, or opscope for the inspector"
    assert run.workdir == str(home)
    assert database.stat().st_mode & 0o777 == 0o600


def test_a_failure_says_where_it_began_and_what_to_type(cli: Cli, home: Path) -> None:
    (home / "breaks.yaml").write_text(FAILING_PLAN)
    answer = cli("run", "breaks.yaml")
    assert answer.code == 1
    assert answer.out == ""
    lines = answer.err.splitlines()
    assert any(line.startswith("✗ break_it  FAILED ") for line in lines)
    assert any(line.startswith("⊘ after ") and "CANCELED" in line for line in lines)
    assert any(line.startswith("✗ FAILED ") for line in lines)
    assert lines[-2].startswith("  break_it: ")
    assert lines[-1].endswith("/stage/execute?step=break_it'")


def test_quiet_prints_the_answer_alone(cli: Cli, home: Path) -> None:
    (home / "works.yaml").write_text(GOOD_PLAN)
    answer = cli("run", "--quiet", "works.yaml")
    assert (answer.out, answer.err) == ("# Said: hello\n", "")


@pytest.mark.parametrize(("plan", "code", "status"), [(GOOD_PLAN, 0, "succeeded"), (FAILING_PLAN, 1, "failed")])
def test_json_is_the_trace_and_nothing_else(cli: Cli, home: Path, plan: str, code: int, status: str) -> None:
    (home / "plan.yaml").write_text(plan)
    answer = cli("run", "plan.yaml", "--json")
    assert answer.code == code
    assert answer.err == ""
    trace = json.loads(answer.out)
    assert trace["status"] == status
    assert trace["schema_version"]
    assert [stage["stage"] for stage in trace["stages"]][:3] == ["route_plan", "validate", "execute"]
    shown = json.loads(cli("show", trace["run_id"], "--json").out)
    assert {**shown, "engine_lost": None} == {**trace, "engine_lost": None}


def test_parameters_are_turned_into_their_type(cli: Cli, home: Path) -> None:
    (home / "plan.yaml").write_text(
        "plan_id: p\nparams: {n: {type: integer, required: true}, s: {type: string, default: x}}\n"
        "steps: [{id: a, command: echo, args: ['{params.n}', '{params.s}']}]\n"
    )
    trace = json.loads(cli("run", "plan.yaml", "-p", "n=5", "--param", "s=a=b", "--json").out)
    assert trace["steps"][0]["result"]["stdout"] == "5 a=b\n"


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        ((), "parameter n: "),
        (("-p", "n=five"), "parameter n: "),
        (("-p", "n=5", "-p", "m=1"), "parameter m: the plan has no such parameter"),
        (("-p", "n"), "-p needs NAME=VALUE, not 'n'"),
        (("-p", "=5"), "-p needs NAME=VALUE, not '=5'"),
        (("-p", "n=5", "-p", "n=6"), "the parameter 'n' is given twice"),
    ],
)
def test_wrong_parameters_write_nothing(
    cli: Cli, home: Path, database: Path, words: tuple[str, ...], cause: str
) -> None:
    (home / "plan.yaml").write_text(
        "plan_id: p\nparams: {n: {type: integer, required: true}}\nsteps: [{id: a, command: 'true'}]\n"
    )
    answer = cli("run", "plan.yaml", *words)
    assert answer.code == 2
    assert answer.err.startswith(f"opscope: {cause}")
    assert not database.exists()


def test_a_missing_secret_writes_nothing(cli: Cli, home: Path, database: Path) -> None:
    (home / "plan.yaml").write_text(
        "plan_id: p\nsecrets: {token: {env: NO_SUCH_TOKEN}}\n"
        "steps: [{id: a, command: 'true', env: {T: '{secrets.token}'}}]\n"
    )
    answer = cli("run", "plan.yaml")
    assert answer.code == 2
    assert "NO_SUCH_TOKEN" in answer.err
    assert not database.exists()


def test_secrets_are_masked_in_everything_that_is_printed(
    cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN_OF_TEST", "hunter2-hunter2")
    (home / "plan.yaml").write_text(
        "plan_id: p\nsecrets: {token: {env: TOKEN_OF_TEST}}\nsteps:\n"
        "  - {id: a, command: sh, args: [-c, 'echo it is $T; echo $T >&2'], env: {T: '{secrets.token}'}}\n"
        "compose: {said: '{a.stdout}'}\npresent: [{type: markdown, text: '{compose.said}'}]\n"
    )
    answers = [cli("run", "plan.yaml")]
    answers += [
        cli(*words)
        for words in (
            ["show", "last"],
            ["show", "last", "--json"],
            ["show", "last/stage/execute?step=a"],
            ["logs", "last"],
            ["events", "last", "--json"],
        )
    ]
    assert answers[0].out == "it is ***\n"
    assert all("hunter2" not in answer.out + answer.err for answer in answers)
    assert all(answer.code == 0 for answer in answers)


def test_db_before_and_after_the_command(cli: Cli, home: Path, database: Path) -> None:
    (home / "works.yaml").write_text(GOOD_PLAN)
    assert cli("--db", "one.db", "run", "works.yaml").code == 0
    assert cli("run", "works.yaml", "--db=one.db").code == 0
    assert not database.exists()
    with Reader.open(home / "one.db") as reader:
        assert reader.run(run_counts()).total == 2


def test_the_demo_on_a_pipe_runs_the_shipped_plans_and_lists_them(cli: Cli) -> None:
    answer = cli("demo")
    assert answer.code == 0
    head, *ours = answer.out.splitlines()
    samples = ours[3:]
    assert head.split()[:3] == ["STATUS", "RUN", "PLAN"]
    assert [line.split()[3] for line in ours[:3]] == ["ci-lookup", "host-triage", "ci-lookup"]
    replans = json.loads(cli("runs", "--json", "--limit", "3").out)
    assert [run["replans"] for run in replans] == [1, 0, 0]
    assert len(samples) == 4
    assert all("imported" in line for line in samples)

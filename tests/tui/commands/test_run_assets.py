"""Runs of plans with assets, from the command line: which versions they use, what is refused, and that resume keeps them."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from engine.errors import ExitCode
from engine.model.asset import AssetName, AssetType, parse_reference
from engine.model.states import Stage
from store.assets.registry import NewContent, Registry

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tui.commands.conftest import Cli
    from tests.tui.commands.hosts import Hosts

PLAN = """\
plan_id: ci
description: Finds a host
assets: {lookup: query/find, gates: policy/gates@1, report: template/report}
steps:
  - id: primary
    step_def: {type: sql, database: ci.db, query: "{assets.lookup}"}
  - {id: many, command: echo, args: [many], condition: "len(primary.data.rows) >= assets.gates.min_rows"}
compose: {text: "{assets.report}"}
present: [{type: markdown, text: "{compose.text}"}]
"""


def add(database: Path, name: str, content: str, media_type: str, *, publish: bool = True) -> None:
    """The next version of an asset."""
    Registry(database, "tester").add(NewContent(parse_reference(name).name, media_type, content), publish=publish)


@pytest.fixture
def plan(home: Path, database: Path) -> Path:
    """The plan, its database, and its assets: the query published once and once as a draft."""
    with sqlite3.connect(home / "ci.db") as ci:
        ci.execute("create table ci (n)")
        ci.execute("insert into ci values (1), (2)")
    database.parent.mkdir(parents=True)
    add(database, "query/find", "select n from ci where n = 1", "application/sql")
    add(database, "query/find", "select n from ci", "application/sql", publish=False)
    add(database, "policy/gates", "kind: gates\nmin_rows: 2\n", "application/yaml")
    add(database, "template/report", "rows: {primary.data.rows}", "text/markdown")
    path = home / "ci.yaml"
    path.write_text(PLAN)
    return path


def trace(cli: Cli, run: str = "last") -> dict[str, Any]:
    """What is recorded of a run."""
    document: dict[str, Any] = json.loads(cli("show", run, "--json").out)
    return document


def versions(document: dict[str, Any]) -> dict[str, str]:
    """By alias what a run used."""
    return {alias: f"{used['ref']} {used['source']}" for alias, used in document["applied_assets"].items()}


def test_a_run_uses_what_is_published_and_says_so(cli: Cli, plan: Path) -> None:
    """In the whole trace and stage by stage."""
    answer = cli("run", str(plan), "--quiet")
    assert (answer.code, answer.out) == (0, 'rows: [{"n":1}]\n')
    document = trace(cli)
    assert versions(document) == {
        "gates": "policy/gates@1 pin",
        "lookup": "query/find@1 published",
        "report": "template/report@1 published",
    }
    assert {stage["stage"]: sorted(stage["input"]["applied_assets"]) for stage in document["stages"]} == {
        "route_plan": [],
        "validate": ["gates", "lookup", "report"],
        "execute": ["gates", "lookup"],
        "compose": ["report"],
        "present": [],
    }
    assert [step["status"] for step in document["steps"]] == ["succeeded", "skipped"]
    assert document["mode"] == "normal"


@pytest.mark.parametrize("manner", ["--quiet", "--detach"])
def test_an_override_runs_a_draft_as_a_test(cli: Cli, hosts: Hosts, plan: Path, manner: str) -> None:
    """In this process and in a host alike."""
    if manner == "--detach":
        hosts.wait_for_end(hosts.detached(str(plan), "--override", "query/find@2"))
    else:
        assert cli("run", str(plan), "--override", "query/find@2", manner).out == 'rows: [{"n":1},{"n":2}]\n'
    document = trace(cli)
    assert versions(document)["lookup"] == "query/find@2 override"
    assert document["mode"] == "test"
    assert [step["status"] for step in document["steps"]] == ["succeeded", "succeeded"]


def test_a_host_uses_the_versions_that_were_found_when_it_was_started(database: Path, plan: Path) -> None:
    """Whatever is published on the way: the order names them with their hashes, and what is not the same is refused."""
    import os

    from engine.errors import StoreError
    from tui.commands.orders import from_json, to_json
    from tui.commands.performing import Order, prepare
    from tui.commands.planning import read_plan

    order = prepare(read_plan(str(plan), os.environ), {}, os.environ, database=database)
    document = json.loads(json.dumps(to_json(order, database)))
    add(database, "query/find", "select 9 as n", "application/sql")
    read, _ = from_json(document, os.environ)
    assert isinstance(read, Order)
    assert dict(read.assets) == dict(order.assets)
    assert read.assets["lookup"].ref == "query/find@1"
    document["assets"]["lookup"]["sha256"] = "0" * 64
    with pytest.raises(StoreError, match="query/find@1 is not what the run used"):
        from_json(document, os.environ)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--override", "query/find@9"), "there is no version 9 of query/find"),
        (("--override", "query/find"), "--override query/find names no version"),
        (("--override", "quary/find@1"), "there is no type of asset 'quary'"),
        (("--override", "query/other@1"), "nothing in the plan uses query/other"),
        (("--override", "query/find@1", "--override", "query/find@2"), "cannot both be used"),
    ],
)
def test_an_override_that_cannot_be_is_bad_input_and_leaves_no_run(
    cli: Cli, plan: Path, words: tuple[str, ...], said: str
) -> None:
    """With what there is, in one line and a hint."""
    answer = cli("run", str(plan), "--no-ui", *words)
    assert answer.code == ExitCode.BAD_INPUT
    assert said in answer.err
    assert "Traceback" not in answer.err
    assert json.loads(cli("runs", "--json").out) == []


def test_a_template_with_a_fault_is_told_with_its_line(cli: Cli, database: Path, plan: Path) -> None:
    """By its own name and version."""
    add(database, "template/report", "fine\n{primary.dta}", "text/markdown")
    answer = cli("run", str(plan), "--no-ui")
    assert answer.code == ExitCode.BAD_INPUT
    assert "1 fault in the asset template/report@2" in answer.err
    assert "template/report@2:2:1: {primary.dta}: a result has no 'dta'" in answer.err


def test_an_override_may_be_meant_for_a_plan_below(cli: Cli, home: Path, plan: Path) -> None:
    """One that neither of the two uses is refused."""
    (home / "above.yaml").write_text(
        f"plan_id: above\nsteps: [{{id: below, step_def: {{type: plan, plan: ./{plan.name}}}}}]\n"
        "compose: {text: '{below.data.text}'}\npresent: [{type: markdown, text: '{compose.text}'}]\n"
    )
    answer = cli("run", "./above.yaml", "--quiet", "--override", "query/find@2")
    assert (answer.code, answer.out) == (0, 'rows: [{"n":1},{"n":2}]\n')
    answer = cli("run", "./above.yaml", "--quiet", "--override", "query/other@2")
    assert answer.code == ExitCode.BAD_INPUT
    assert "the plan uses policy/gates, query/find, template/report" in answer.err


def test_resume_keeps_the_versions_of_the_run(cli: Cli, hosts: Hosts, database: Path, plan: Path, home: Path) -> None:
    """Its engine is killed while a step runs; what was published since is not used."""
    gate = hosts.fifo("gate")
    wait = f"{{id: wait, command: sh, args: [-c, 'test -e open || read line < {gate}'], idempotent: true}}"
    text = PLAN.replace("steps:\n", f"steps:\n  - {wait}\n")
    text = text.replace('query: "{assets.lookup}"}', 'query: "{assets.lookup}"}\n    depends_on: [wait]')
    plan.write_text(text)
    run_id = hosts.detached(str(plan), "--override", "query/find@2")
    hosts.wait_for(lambda row: row.stage is Stage.EXECUTE, run_id)
    hosts.kill(run_id)
    add(database, "query/find", "select 9 as n", "application/sql")
    add(database, "template/report", "new", "text/markdown")
    (home / "open").touch()
    answer = cli("resume", run_id, "--quiet")
    assert (answer.code, answer.out) == (0, 'rows: [{"n":1},{"n":2}]\n')
    assert versions(trace(cli)) == {
        "gates": "policy/gates@1 pin",
        "lookup": "query/find@2 override",
        "report": "template/report@1 published",
    }


def test_a_shipped_asset_that_a_run_used_is_in_the_registry_from_then_on(cli: Cli, home: Path, database: Path) -> None:
    """A later opscope may not have it."""
    (home / "p.yaml").write_text(
        "plan_id: p\nassets: {q: query/ci-lookup}\nsteps: [{id: a, command: echo, args: ['{assets.q}']}]\n"
    )
    assert cli("run", "./p.yaml", "--quiet").code == 0
    with sqlite3.connect(database) as connection:
        kept = connection.execute("select distinct type, name from asset_versions").fetchall()
    assert kept == [(AssetType.QUERY.value, AssetName(AssetType.QUERY, "ci-lookup").name)]


def test_validate_warns_of_assets_that_are_not_in_the_registry(cli: Cli, plan: Path) -> None:
    """At their places; a fault of the alias itself is a fault."""
    assert cli("validate", str(plan)).out.count("warning") == 0
    plan.write_text(PLAN.replace("query/find", "query/fund").replace("gates@1", "gates@7"))
    answer = cli("validate", str(plan))
    assert answer.code == 0
    lines = [line for line in answer.out.splitlines() if "warning: " in line]
    assert [line.partition(": warning")[0].rpartition("ci.yaml:")[2] for line in lines] == ["3:18", "3:37"]
    assert "query/fund" in lines[0]
    assert "policy/gates" in lines[1]
    plan.write_text(PLAN.replace("query/find", "quary/find"))
    assert cli("validate", str(plan)).code == ExitCode.BAD_INPUT


def test_validate_warns_of_an_asset_that_the_plan_cannot_use(cli: Cli, database: Path, plan: Path) -> None:
    """With its own name and line."""
    add(database, "template/report", "fine\n{primary.dta}", "text/markdown")
    answer = cli("validate", str(plan))
    assert answer.code == 0
    assert "warning: template/report@2, line 2: {primary.dta}: a result has no 'dta'" in answer.out


def test_validate_without_a_file_of_runs_looks_for_nothing(cli: Cli, home: Path) -> None:
    """As in CI."""
    (home / "p.yaml").write_text(PLAN)
    answer = cli("validate", "./p.yaml")
    assert answer.code == 0
    assert "warning: " not in answer.out


def test_the_help_of_a_plan_lists_its_assets(cli: Cli, plan: Path) -> None:
    """Each with the version that would be used."""
    plan.write_text(PLAN.replace("template/report", "template/none"))
    out = cli("run", str(plan), "--help").out
    assert "lookup: query/find@1  the newest published" in out
    assert "gates: policy/gates@1  named by the plan" in out
    assert "report: template/none  " in out

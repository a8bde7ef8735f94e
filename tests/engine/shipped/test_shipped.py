"""The shipped plans are sound, the inventory is what its script makes, and both work from a folder nobody may write."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from engine.model.step_defs import CommandDef, PythonDef, SqlDef
from engine.plan.load import load_plan_file
from engine.shipped import FOLDER, INVENTORY, shipped_plans
from engine.shipped.make_inventory import POOLS, SERVICES, TEAMS, hosts_of, write

if TYPE_CHECKING:
    from pathlib import Path

SH = shutil.which("sh") or "/bin/sh"


def test_their_names() -> None:
    assert set(shipped_plans()) == {"ci_lookup", "doc_id_restore", "host_triage", "safe_merge", "test_gate"}


@pytest.mark.parametrize("name", shipped_plans())
def test_they_have_neither_faults_nor_warnings(name: str) -> None:
    compiled = load_plan_file(shipped_plans()[name])
    assert compiled.warnings == ()
    assert compiled.plan.plan_id == name.replace("_", "-")
    assert compiled.plan.description
    assert all(step.step.description for step in compiled.steps.values())
    assert all(step.step.is_idempotent for step in compiled.steps.values() if step.step.id != "recent_errors")
    assert all(step.step.is_idempotent and step.step.description for step in compiled.finally_steps.values())
    assert all(param.description for param in compiled.plan.params.values())


HELPERS = sorted(path for name in shipped_plans() for path in (FOLDER / name).glob("*.py"))


@pytest.mark.parametrize("path", HELPERS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_their_helpers_run_wherever_there_is_a_python(path: Path) -> None:
    """The interpreter is the host's: its grammar is that of 3.9 and there is nothing but the standard library."""
    tree = ast.parse(path.read_text(), feature_version=(3, 9))
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names
    assert "from __future__ import annotations" in path.read_text() or path.name == "__init__.py"


@pytest.mark.parametrize("name", shipped_plans())
def test_every_function_that_they_call_is_there_and_takes_what_it_is_given(name: str) -> None:
    for compiled in load_plan_file(shipped_plans()[name]).all_steps.values():
        definition = compiled.step.step_def
        if isinstance(definition, PythonDef):
            module, _, function = definition.callable.partition(":")
            found = getattr(importlib.import_module(f"engine.shipped.{module}"), function)
            assert list(definition.args) == list(inspect.signature(found).parameters)


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        return list(connection.iterdump())


def test_the_committed_inventory_has_what_the_script_makes(tmp_path: Path) -> None:
    write(tmp_path / "made.db")
    assert dump(INVENTORY) == dump(tmp_path / "made.db")
    write(tmp_path / "made.db")
    assert dump(INVENTORY) == dump(tmp_path / "made.db")


def test_the_inventory_makes_sense() -> None:
    hosts = {f"{pool.prefix}-{number:02d}" for pool in POOLS for number in range(1, pool.size + 1)}
    names = {service.name for service in SERVICES}
    used = {host for service in SERVICES for host in hosts_of(service.runs_on)}
    assert used == hosts
    assert {needed.removeprefix("~") for service in SERVICES for needed in service.needs.split()} <= names
    assert {service.team for service in SERVICES} == {team.name for team in TEAMS}
    with closing(sqlite3.connect(f"{INVENTORY.as_uri()}?mode=ro", uri=True)) as connection:
        ((rows,),) = connection.execute(
            "SELECT (SELECT count(*) FROM hosts) + (SELECT count(*) FROM services) + (SELECT count(*) FROM placements) "
            "+ (SELECT count(*) FROM dependencies) + (SELECT count(*) FROM teams)"
        ).fetchall()
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA journal_mode").fetchall() == [("delete",)]
    assert 300 <= rows <= 999


def test_it_opens_in_a_folder_that_nobody_may_write(tmp_path: Path) -> None:
    folder = tmp_path / "site-packages"
    folder.mkdir()
    shutil.copy(INVENTORY, folder)
    before = (folder / INVENTORY.name).read_bytes()
    (folder / INVENTORY.name).chmod(0o400)
    folder.chmod(0o500)
    try:
        assert dump(folder / INVENTORY.name)
        assert [path.name for path in folder.iterdir()] == [INVENTORY.name]
    finally:
        folder.chmod(0o700)
    assert before[18:20] == b"\x01\x01", "a write-ahead log would need a folder that can be written"


SCRIPTS = {
    step_id: step.step.step_def.args[1]
    for step_id, step in load_plan_file(shipped_plans()["host_triage"]).steps.items()
    if isinstance(step.step.step_def, CommandDef) and step.step.step_def.command == "sh"
}
NOTHING_KNOWN = {
    "LC_ALL": "C",
    "DISK_LIMIT": "85",
    "MEMORY_LIMIT": "10",
    "MEMORY_PERCENT": "100",
    "FAILED_UNITS": "[]",
    "STATES": "disk succeeded",
}


def answer(step_id: str, path: str, **env: str) -> object:
    done = subprocess.run(
        [SH, "-c", str(SCRIPTS[step_id])],
        env={**NOTHING_KNOWN, "PATH": path, **env},
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    )
    value: object = json.loads(done.stdout)
    return value


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH with the few tools that every container has, and none that is about the host."""
    folder = tmp_path_factory.mktemp("bare")
    for tool in ("sh", "awk", "tr", "head", "sort", "cut", "sed", "uname", "grep", "printf"):
        found = shutil.which(tool)
        if found:
            (folder / tool).symlink_to(found)
    return str(folder)


@pytest.mark.parametrize("step_id", SCRIPTS)
def test_every_script_answers_in_json_here_and_where_tools_are_missing(step_id: str, bare: str, tmp_path: Path) -> None:
    for path in (os.environ["PATH"], bare):
        assert isinstance(answer(step_id, path, LOG_FOLDER=str(tmp_path)), dict | list)


def test_without_df_it_says_so(bare: str) -> None:
    assert answer("filesystems", bare) == {"note": "df is not installed"}


def test_big_logs_are_found_by_size_and_names_cannot_break_the_answer(tmp_path: Path) -> None:
    odd = 'we"ird\\ \x1b[31m name.log'
    for name, size in (("small.log", 100), ("big.log", 300_000), (odd, 600_000)):
        (tmp_path / name).write_bytes(b"x" * size)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "bigger.log").write_bytes(b"x" * 900_000)
    found = answer("big_logs", os.environ["PATH"], LOG_FOLDER=str(tmp_path))
    assert isinstance(found, list)
    assert [row["file"].removeprefix(f"{tmp_path}/") for row in found] == [
        "deep/bigger.log",
        "weird [31m name.log",
        "big.log",
    ]
    assert answer("big_logs", os.environ["PATH"], LOG_FOLDER=str(tmp_path / "nothing")) == []
    assert answer("big_logs", os.environ["PATH"], LOG_FOLDER="-delete") == []


@pytest.mark.parametrize(
    ("env", "findings"),
    [
        ({}, []),
        ({"FULLEST": "/data", "FULLEST_PERCENT": "91", "FULLEST_FREE": "2 GB"}, ["/data is 91% full, 2 GB free"]),
        (
            {"MEMORY_PERCENT": "4", "MEMORY_FREE": "300 MB", "TOP_PROCESS": "java", "TOP_MEMORY": "30 GB"},
            ["only 300 MB of memory (4%) available; java holds 30 GB"],
        ),
        ({"SWAP_PERCENT": "70"}, ["swap is 70% used"]),
        ({"LOAD_EACH": "3.20"}, ["the load is 3.20 for each processor"]),
        ({"BIGGEST_LOG": '/var/log/"x', "BIGGEST_SIZE": "3.0 GB", "BIGGEST_KB": "3145728"}, ["the log /var/log/x is 3.0 GB"]),
        ({"FAILED_UNITS": '[{"unit":"a"},{"unit":"b"}]'}, ["2 units have failed"]),
        ({"FAILED_UNITS": '[{"unit": "a"}]'}, ["1 unit has failed"]),
        ({"STATES": "disk failed load succeeded"}, ["disk could not be looked at; see the step"]),
    ],
)  # fmt: skip
def test_what_needs_attention(env: dict[str, str], findings: list[str]) -> None:
    assessed = answer("assessment", os.environ["PATH"], **env)
    headline = {0: "Nothing stands out.", 1: "1 thing needs attention."}[len(findings)]
    assert assessed == {"headline": headline, "findings": findings, "count": len(findings)}


def test_amounts_are_named_by_the_unit_that_they_are_counted_in() -> None:
    """A gibibyte is no gigabyte: everything is divided by 1024."""
    text = shipped_plans()["host_triage"].read_text(encoding="utf-8")
    assert "1048576" in text
    assert re.findall(r"[0-9d-f] [KMGT]B\b", text) == []


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("nope", []),
        ("db-99", ["db-01", "db-02"]),
        (" DB9 ", ["db-01", "db-02"]),
        ("10.20.1.250", ["lb-02", "lb-04"]),
        ("10.99.1.1", []),
        ("%", []),
    ],
)
def test_only_similar_names_are_suggested(asked: str, found: list[str]) -> None:
    definition = load_plan_file(shipped_plans()["ci_lookup"]).steps["similar"].step.step_def
    assert isinstance(definition, SqlDef)
    with closing(sqlite3.connect(f"{INVENTORY.as_uri()}?mode=ro", uri=True)) as connection:
        rows = connection.execute(definition.query, {"host": asked}).fetchall()
    assert [name for name, *_ in rows][:2] == found


def test_they_are_where_the_wheel_takes_them_from() -> None:
    assert (FOLDER / "__init__.py").exists()
    assert INVENTORY.parent == FOLDER

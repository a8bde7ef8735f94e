"""`opscope validate` as a gate: what counts as a plan, one line a fault, the summary, sub-plans."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tui.commands.conftest import Cli

GOOD = "plan_id: good\nsteps: [{id: a, command: ls}]\n"
BAD = "plan_id: bad\nsteps:\n  - {id: a, comand: ls}\n  - {id: b, command: ls, depends_on: [c]}\n"


@pytest.fixture
def plans(home: Path) -> Path:
    """A folder with plans, faulty ones, and files that are none."""
    folder = home / "plans"
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / ".git").mkdir()
    files = {
        "good.yaml": GOOD,
        "deep/er/bad.yml": BAD,
        "deep/plan.json": json.dumps({"plan_id": "j", "steps": [{"id": "a", "command": "ls"}]}),
        "deep/no_id.yaml": "steps: [{id: a, command: ls}]\n",
        "deep/broken.json": '{"plan_id": "x", "steps": [',
        "trace.json": json.dumps({"schema_version": 1, "run_id": "1", "plan_id": "x", "steps": []}),
        "list.json": "[1]",
        "compose.yaml": "services: {web: {image: x, command: run}}\n",
        "workflow.yml": "jobs:\n  build:\n    steps:\n      - command: x\n",
        "empty.yaml": "",
        "notes.txt": "plan_id: x\n",
        ".git/x.yaml": BAD,
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def test_a_folder_is_a_gate(cli: Cli, plans: Path) -> None:
    """Through all its folders, one line a fault with its place, the rest named, exit 2."""
    answer = cli("validate", "plans/")
    assert answer.code == 2
    lines = answer.out.splitlines()
    assert lines[0].startswith("plans/deep/broken.json:1:")
    assert lines[1] == (
        "plans/deep/no_id.yaml:1:1: fault: plan_id is missing  [plan_id]  "
        "(add plan_id: a letter or digit, then letters, digits, '.', '_' or '-', at most 128)"
    )
    assert lines[2].startswith("plans/deep/er/bad.yml:3:5: fault: the step runs nothing")
    assert lines[3] == (
        "plans/deep/er/bad.yml:3:13: fault: unknown field 'comand'  [steps[0].comand]  (did you mean 'command'?)"
    )
    assert lines[4] == "plans/deep/er/bad.yml:4:39: fault: there is no step 'c'  [steps[1].depends_on[0]]"
    assert lines[5].startswith("passed over, no plans: plans/compose.yaml, plans/empty.yaml, plans/list.json, ")
    assert lines[6:] == ["5 plans checked, 3 with faults"]


def test_a_folder_without_faults_passes(cli: Cli, plans: Path) -> None:
    """Exit 0; warnings are counted and stop nothing."""
    warned = 'plan_id: w\nparams: {host: {}}\nsteps: [{id: a, command: echo, args: ["{host}"]}]\n'
    (plans / "deep" / "warned.yaml").write_text(warned)
    answer = cli("validate", str(plans / "good.yaml"), str(plans / "deep/warned.yaml"), str(plans / "good.yaml"))
    assert answer.code == 0
    assert answer.out.splitlines()[-1] == "2 plans checked, no faults, 1 warning"
    assert "warned.yaml:3:39: warning: {host} is passed on as it stands" in answer.out


def test_a_file_that_is_named_is_always_checked(cli: Cli, plans: Path) -> None:
    """Whatever it looks like."""
    answer = cli("validate", "plans/compose.yaml")
    assert answer.code == 2
    assert "plan_id is missing" in answer.out


def test_a_folder_with_other_files_only_has_no_plan(cli: Cli, home: Path) -> None:
    """A gate that checks nothing must not pass."""
    (home / "other").mkdir()
    (home / "other" / "x.yaml").write_text("a: 1\n")
    answer = cli("validate", "other")
    assert answer.code == 2
    assert "there is no plan in this folder" in answer.err
    assert "other/x.yaml is none" in answer.err


def test_the_findings_as_json(cli: Cli, plans: Path) -> None:
    """One document with every place."""
    answer = cli("validate", "--json", "plans")
    assert answer.code == 2
    report = json.loads(answer.out)
    assert (report["plans"], report["faulty"]) == (5, 3)
    assert [file["ok"] for file in report["files"]] == [True, False, False, True, False]
    assert report["files"][4]["faults"][2] == {
        "line": 4,
        "column": 39,
        "path": "steps[1].depends_on[0]",
        "message": "there is no step 'c'",
        "hint": "",
    }
    assert "plans/trace.json" in report["passed_over"]


def test_files_that_cannot_be_read_as_text_are_plans_that_say_why(cli: Cli, home: Path) -> None:
    """Saved in another encoding, or leading nowhere."""
    (home / "p").mkdir()
    (home / "p" / "wide.yaml").write_bytes(GOOD.encode("utf-16"))
    (home / "p" / "gone.yaml").symlink_to("nowhere.yaml")
    answer = cli("validate", "p")
    assert answer.code == 2
    assert "gone.yaml: fault: there is no such file" in answer.out
    assert "wide.yaml:1:1: fault: the file is in UTF-16" in answer.out


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (GOOD.encode("utf-16-le"), "p.yaml:1:2: fault: this is not a text file: byte 1 is NUL"),
        (GOOD.encode("utf-16-be"), "p.yaml:1:1: fault: this is not a text file: byte 0 is NUL"),
        (GOOD.encode("utf-32"), "p.yaml:1:1: fault: the file is in UTF-32"),
        (b"\xff" + GOOD.encode(), "p.yaml:1:1: fault: the file is not UTF-8: byte 0xff at 0"),
        (b"\xef\xbb\xbf\xff" + GOOD.encode(), "p.yaml:1:1: fault: the file begins with a byte order mark"),
        ("# é\nplan_id: x\nsteps: [{id: a, command: ü}]".encode("latin-1"), "p.yaml:1:3: fault: the file is not UTF-8"),
        ("# ö\n".encode() + GOOD.encode() + b"# \xfc\n", "p.yaml:4:3: fault: the file is not UTF-8: byte 0xfc at "),
    ],
    ids=[
        "wide",
        "wide, big end first",
        "wider, with a mark",
        "no text first",
        "two marks",
        "latin",
        "latin at the end",
    ],
)
def test_a_plan_that_is_no_utf_8_is_a_fault_of_its_folder(cli: Cli, home: Path, content: bytes, told: str) -> None:
    """With its place and what to do, whatever it was saved as: passed over, the gate would let it through."""
    (home / "p").mkdir()
    (home / "p" / "good.yaml").write_text(GOOD)
    (home / "p" / "p.yaml").write_bytes(content)
    answer = cli("validate", "p")
    assert (answer.code, answer.err) == (2, "")
    assert told in answer.out
    assert "UTF-8" in answer.out.splitlines()[-2]
    assert answer.out.endswith("2 plans checked, 1 with faults\n")


def test_a_plan_in_json_that_is_no_utf_8_is_a_fault_too(cli: Cli, home: Path) -> None:
    """With NUL bytes between its letters it is no JSON for anybody else."""
    (home / "p").mkdir()
    text = json.dumps({"plan_id": "j", "steps": [{"id": "a", "command": "ls"}]})
    (home / "p" / "wide.json").write_bytes(text.encode("utf-16-le"))
    (home / "p" / "other.json").write_bytes('{"name": "é"}'.encode("latin-1"))
    answer = cli("validate", "p", "--json")
    report = json.loads(answer.out)
    assert (answer.code, report["plans"], report["faulty"]) == (2, 1, 1)
    (fault,) = report["files"][0]["faults"]
    assert (fault["line"], fault["column"], fault["hint"]) == (1, 2, "a plan is YAML or JSON in UTF-8")
    assert report["passed_over"] == ["p/other.json"]


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        ("{type: plan, plan: ./sub.yaml, params: {host: h}}", ""),
        ("{type: plan, plan: ci_lookup, params: {limit: 3}}", ""),
        ("{type: plan, plan: ./sub.yaml, params: {hots: h, host: h}}", "./sub.yaml has no parameter 'hots'"),
        ("{type: plan, plan: ./sub.yaml}", "./sub.yaml needs the parameter host"),
        ("{type: plan, plan: ./nope.yaml}", "./nope.yaml: there is no such file"),
        ("{type: plan, plan: ci_lokup}", "ci_lokup: there is no plan named 'ci_lokup'"),
        ("{type: plan, plan: ./wrong.yaml}", "./wrong.yaml has 1 fault: steps is missing"),
        ("{type: plan, plan: ../p/main.yaml}", "the plan runs itself: main.yaml -> main.yaml"),
        ("{type: plan, plan: ./there.yaml}", "the plan runs itself: main.yaml -> there.yaml -> back.yaml -> main.yaml"),
    ],
)
def test_the_plans_that_a_plan_runs_are_looked_at(cli: Cli, home: Path, definition: str, said: str) -> None:
    """Whether they are there, are right, and take what they are given; relative to the plan that names them."""
    (home / "p").mkdir()
    (home / "p" / "sub.yaml").write_text(
        "plan_id: sub\nparams: {host: {required: true}, n: {}}\nsteps: [{id: a, command: ls}]\n"
    )
    (home / "p" / "wrong.yaml").write_text("plan_id: wrong\n")
    for name, to in (("there", "back"), ("back", "main")):
        step = f"steps: [{{id: a, step_def: {{type: plan, plan: ./{to}.yaml}}}}]"
        (home / "p" / f"{name}.yaml").write_text(f"plan_id: {name}\n{step}\n")
    (home / "p" / "main.yaml").write_text(f"plan_id: main\nsteps:\n  - id: sub\n    step_def: {definition}\n")
    answer = cli("validate", "p/main.yaml")
    assert answer.code == (2 if said else 0), answer.out
    if said:
        assert answer.out.startswith("p/main.yaml:4:")
        assert said in answer.out
    mapped = (
        "plan_id: main\nsteps:\n  - {id: sub, step_def: {type: plan, plan: ./sub.yaml}, output_mapping: {host: h}}\n"
    )
    (home / "p" / "mapped.yaml").write_text(mapped)
    assert cli("validate", "p/mapped.yaml").code == 0


def test_the_published_schema_is_that_of_the_engine(cli: Cli) -> None:
    """In the dialect that editors know."""
    schema = json.loads(cli("schema", "plan").out)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert {"PowershellDef", "HttpDef", "DecisionDef"} <= schema["$defs"].keys()

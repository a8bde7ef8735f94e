"""test_gate on real Python projects, with the tools of the interpreter that runs these tests, and stand-ins for those it lacks."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engine.shipped.support import Home, Ran
    from tests.tui.commands.hosts import Hosts

pytestmark = pytest.mark.sampled(one_in=2, of_file=True)

GOOD = "def double(number: int) -> int:\n    return number * 2\n"
TESTS = "from maths import double\n\n\ndef test_double() -> None:\n    assert double(2) == 4\n"


@pytest.fixture
def project(own_home: Home) -> Path:
    """A small project in which everything is good. Its name is as bad as a folder's may be."""
    folder = own_home.folder / 'a "project" with\n line end'
    folder.mkdir()
    # What this interpreter has for the tests of opscope is slow to load, and one of them makes a folder before it can clear up.
    own_home.env["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    (folder / "maths.py").write_text(GOOD)
    (folder / "test_maths.py").write_text(TESTS)
    return folder


def gate(home: Home, project: Path, /, **params: Any) -> Ran:
    """Run it with this interpreter's tools."""
    before = {path.name for path in project.iterdir()}
    ran = home.run("test_gate", project, **{"python": sys.executable, **params})
    assert {path.name for path in project.iterdir()} - before <= {".mypy_cache"}
    assert list(home.scratch.iterdir()) == []
    assert ran.state("clean_up") == "succeeded"
    return ran


def rows(ran: Ran) -> dict[str, dict[str, str]]:
    judged = ran.data("judge")
    return {row["check"]: row for row in judged["rows"]}


def test_a_project_that_is_good(own_home: Home, project: Path) -> None:
    ran = gate(own_home, project, required=["lint", "types", "tests"])
    assert ran.status == "succeeded", ran.cause
    found = rows(ran)
    assert {check: row["result"] for check, row in found.items() if check != "coverage"} == {
        "tests": "passed",
        "types": "passed",
        "lint": "passed",
    }
    assert found["tests"]["found"] == "1 passed, 0 failed, 0 skipped"
    table = next(block for block in ran.blocks if block.get("title") == "Checks")
    assert [row["check"] for row in table["rows"]] == ["tests", "types", "lint", "coverage"]


def test_lint_types_and_tests_run_side_by_side(own_home: Home, project: Path) -> None:
    ran = gate(own_home, project)
    places = {ran.steps[step]["orchestration"]["group_index"] for step in ("lint", "types", "tests")}
    assert len(places) == 1


@pytest.mark.long
def test_red_tests_are_the_first_cause_by_name(own_home: Home, project: Path) -> None:
    (project / "maths.py").write_text(GOOD.replace("* 2", "* 3"))
    (project / "more").mkdir()
    (project / "more" / "test_more.py").write_text(
        "import pytest\n\n\n"
        "class TestIt:\n"
        "    @pytest.mark.parametrize('word', ['a b', 'grün'])\n"
        "    def test_word(self, word: str) -> None:\n"
        "        assert word == 'a b', 'not the word\\nsecond line'\n\n\n"
        "@pytest.mark.skip(reason='later')\n"
        "def test_later() -> None: ...\n\n\n"
        "@pytest.fixture\n"
        "def broken() -> None:\n"
        "    raise OSError('no disk')\n\n\n"
        "def test_with_broken(broken: None) -> None: ...\n"
    )
    ran = gate(own_home, project, checks=["tests"])
    assert ran.status == "failed"
    assert ran.cause.startswith("exit 1: tests: 3 of 5 failed: ")
    for name in (
        "test_maths.py::test_double",
        "more/test_more.py::TestIt::test_word[gr\\xfcn]",
        "more/test_more.py::test_with_broken",
    ):
        assert name in ran.cause
    tests = ran.data("tests")
    assert (tests["passed"], tests["failed"], tests["skipped"], tests["total"]) == (1, 3, 1, 5)
    assert any("no disk" in row["message"] for row in tests["rows"])
    assert "failed: test_maths.py::test_double" in ran.steps["verdict"]["result"]["stderr"]
    assert ran.blocks[0]["text"].splitlines()[-1].startswith("1 check of 1 failed (Python 3")
    assert len(next(block for block in ran.blocks if block.get("title") == "Failed tests")["rows"]) == 3
    assert gate(own_home, project, checks=["tests"], max_failed=3).status == "succeeded"
    chosen = gate(own_home, project, checks=["tests"], pytest_args=["-k", "test_later"])
    assert (chosen.status, chosen.data("tests")["total"]) == ("succeeded", 1)


@pytest.mark.long
def test_a_test_file_that_cannot_be_read(own_home: Home, project: Path) -> None:
    (project / "test_torn.py").write_text("def test_(:\n")
    ran = gate(own_home, project, checks=["tests"])
    assert ran.status == "failed"
    assert "failed: " in ran.cause
    assert "test_torn" in ran.cause


@pytest.mark.long
def test_findings_of_lint_and_types(own_home: Home, project: Path) -> None:
    (project / "ruff.toml").write_text('[lint]\nselect = ["F"]\n')
    (project / "bad.py").write_text("import os\nimport sys\n\nnumber: int = 'text'\n")
    ran = gate(own_home, project, checks=["lint", "types"])
    assert ran.status == "failed"
    assert "lint: 2 findings of ruff, 0 allowed, the first at bad.py:1: F401" in ran.cause
    assert "types: 1 finding of mypy, 0 allowed, the first at bad.py:4: assignment" in ran.cause
    assert ran.data("lint")["by_code"] == [{"code": "F401", "count": 2}]
    assert ran.data("types")["rows"][0]["line"] == 4
    assert gate(own_home, project, checks=["lint", "types"], max_lint=2, max_types=1).status == "succeeded"
    only = gate(own_home, project, checks=["lint", "types"], paths=["maths.py"])
    assert only.status == "succeeded"


@pytest.mark.long
def test_a_tool_that_breaks_is_a_failure_and_no_finding(own_home: Home, project: Path) -> None:
    (project / "ruff.toml").write_text("no settings = these\n")
    ran = gate(own_home, project, checks=["lint", "tests"])
    assert ran.status == "failed"
    assert "lint: ruff could not do its work (exit 2)" in ran.cause
    assert rows(ran)["lint"]["result"] == "BROKEN"
    assert rows(ran)["tests"]["result"] == "passed"


@pytest.mark.long
def test_tests_that_cannot_be_started_or_do_not_end(own_home: Home, project: Path) -> None:
    ran = gate(own_home, project, checks=["tests"], pytest_args=["--no-such-option"])
    assert "tests: pytest could not run the tests (exit 4)" in ran.cause
    (project / "test_maths.py").write_text("import time\n\n\ndef test_long() -> None:\n    time.sleep(600)\n")
    ran = gate(own_home, project, checks=["tests"], tests_timeout_sec=2)
    assert "tests: the tests did not end within 2 s" in ran.cause


@pytest.mark.long
def test_no_tests_are_no_failure_unless_required(own_home: Home, project: Path) -> None:
    (project / "test_maths.py").unlink()
    ran = gate(own_home, project, checks=["tests"])
    assert (ran.status, rows(ran)["tests"]["found"]) == ("succeeded", "no tests")
    assert (
        gate(own_home, project, checks=["tests"], required=["tests"]).cause
        == "exit 1: tests: required, and there are none"
    )


def test_missing_tools_are_skipped_with_a_reason(own_home: Home, project: Path) -> None:
    bare = bare_python(own_home)
    own_home.only()
    ran = gate(own_home, project, python=bare)
    assert ran.status == "succeeded"
    assert {row["result"] for row in rows(ran).values()} == {"skipped"}
    assert rows(ran)["lint"]["note"] == f"no ruff or flake8 in {bare} or on the PATH"
    assert {ran.state(step) for step in ("lint", "types", "tests", "coverage")} == {"skipped"}
    ran = gate(own_home, project, python=bare, required=["types"])
    assert ran.cause == f"exit 1: types: required, and no mypy or pyright in {bare} or on the PATH"
    ran = gate(own_home, project, python=bare, min_coverage=80)
    assert "coverage: 80% is asked for and cannot be measured: no coverage in" in ran.cause


def bare_python(home: Home) -> str:
    """An interpreter that finds none of the tools."""
    folder = home.folder / "bare"
    folder.mkdir()
    path = folder / "python"
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"checks": ["lynt"]}, "there is no check 'lynt'; there are: lint, types, tests, coverage"),
        ({"checks": ["lint"], "required": ["tests"]}, "tests is required and is not among the checks to do"),
        ({"project": "nowhere"}, "there is no folder nowhere; name the project with -p project=FOLDER"),
        ({"python": "no-such-python"}, "there is no interpreter no-such-python"),
        ({"python": "sh"}, "does not answer as a Python"),
    ],
)
def test_what_cannot_be_meant(own_home: Home, project: Path, params: dict[str, Any], words: str) -> None:
    ran = gate(own_home, project, **params)
    assert ran.status == "failed"
    assert words in ran.cause


STAND_IN_COVERAGE = f"""#!/bin/sh
# Speaks as coverage does on its command line: run leaves data, json reports them.
case $1 in
run)
  shift
  [ "$1" = -m ] && shift
  tool=$1; shift
  "{sys.executable}" -m "$(basename "$tool")" "$@"; code=$?
  echo measured > "${{COVERAGE_FILE}}$PART"
  exit $code ;;
combine) mv "${{COVERAGE_FILE}}.1" "$COVERAGE_FILE" ;;
json)
  [ -e "$COVERAGE_FILE" ] || {{ echo "No data to report." >&2; exit 1; }}
  echo '{{"totals": {{"percent_covered": 76.5}}, "files": {{"maths.py": {{"summary": {{"percent_covered": 53.0}}}}}}}}' > "$3"
  exit 2 ;;
esac
"""
FAKE_PYTEST = f'#!/bin/sh\nexec "{sys.executable}" -m pytest "$@"\n'
"""As a program on the PATH, where the project's interpreter has no such module."""


@pytest.mark.parametrize("parts", ["", ".1"], ids=["one file", "in parts"])
@pytest.mark.long
def test_coverage_is_measured_and_held_against_the_threshold(own_home: Home, project: Path, parts: str) -> None:
    bare = bare_python(own_home)
    own_home.script("coverage", STAND_IN_COVERAGE.replace("$PART", parts))
    own_home.script("pytest", FAKE_PYTEST)
    ran = gate(own_home, project, python=bare, checks=["tests", "coverage"], min_coverage=80)
    assert ran.cause == "exit 1: coverage: 76.5% of the lines, 80% needed"
    assert ran.data("coverage")["rows"] == [{"file": "maths.py", "percent": 53.0}]
    ran = gate(own_home, project, python=bare, checks=["tests", "coverage"], min_coverage=75)
    assert ran.status == "succeeded"
    assert ran.composed["least_covered"] == [{"file": "maths.py", "percent": 53.0}]


@pytest.mark.skipif(importlib.util.find_spec("coverage") is None, reason="this interpreter has no coverage")
def test_the_real_coverage(own_home: Home, project: Path) -> None:
    (project / "maths.py").write_text(GOOD + "\n\ndef triple(number: int) -> int:\n    return number * 3\n")
    ran = gate(own_home, project, checks=["tests", "coverage"], min_coverage=99)
    assert "coverage: " in ran.cause
    assert ran.data("coverage")["rows"][0]["file"] == "maths.py"


@pytest.mark.long
def test_without_pytest_there_is_no_coverage(own_home: Home, project: Path) -> None:
    bare = bare_python(own_home)
    own_home.only()
    own_home.script("coverage", STAND_IN_COVERAGE)
    ran = gate(own_home, project, python=bare)
    assert rows(ran)["coverage"]["note"] == "there is no pytest to run the tests with"
    ran = gate(own_home, project, python=bare, checks=["coverage"])
    assert rows(ran)["coverage"]["note"] == "the tests are not run, so nothing is covered"


@pytest.mark.long
def test_flake8_and_pyright_where_the_others_are_not(own_home: Home, project: Path) -> None:
    bare = bare_python(own_home)
    own_home.only("cat")
    own_home.script(
        "flake8", "#!/bin/sh\necho './maths.py:1:80: E501 line too long (90 > 79 characters)'\necho noise\n"
    )
    own_home.script(
        "pyright",
        """#!/bin/sh
cat <<'END'
{"generalDiagnostics": [{"file": "/elsewhere/maths.py", "severity": "error", "message": "wrong\\nat length", "rule": "reportX",
"range": {"start": {"line": 4, "character": 0}}}, {"file": "x", "severity": "warning", "message": "meh"}]}
END
exit 1
""",
    )
    ran = gate(own_home, project, python=bare, checks=["lint", "types"])
    assert "types: 1 finding of pyright, 0 allowed, the first at /elsewhere/maths.py:5: reportX wrong" in ran.cause
    assert "lint: 1 finding of flake8, 0 allowed, the first at maths.py:1: E501 line too long" in ran.cause


@pytest.mark.long
def test_the_linter_that_the_project_has_settings_for_comes_first(own_home: Home, project: Path) -> None:
    own_home.script("flake8", "#!/bin/sh\nexit 0\n")
    (project / ".flake8").write_text("[flake8]\nmax-line-length = 120\n")
    assert gate(own_home, project, checks=["lint"]).data("lint")["tool"] == "flake8"


def test_a_tool_that_prints_rubbish_is_broken(own_home: Home, project: Path) -> None:
    bare = bare_python(own_home)
    own_home.only()
    own_home.script("ruff", "#!/bin/sh\necho not json\n")
    own_home.script("mypy", "#!/bin/sh\necho 'mypy: cannot read its cache' >&2\nexit 2\n")
    ran = gate(own_home, project, python=bare, checks=["lint", "types"])
    assert "lint: ruff could not do its work (exit 0): not json" in ran.cause
    assert "types: mypy could not do its work (exit 2): mypy: cannot read its cache" in ran.cause


def test_a_cancel_in_the_middle_of_the_tests_leaves_nothing(own_home: Home, project: Path, hosts: Hosts) -> None:
    script, door, _ = own_home.gate()
    (project / "test_long.py").write_text(
        f"import subprocess\n\n\ndef test_long():\n    subprocess.run([{script!r}])\n"
    )
    words = (f"project={project}", f"python={sys.executable}", 'checks=["tests"]')
    run_id = hosts.detached("test_gate", *(word for param in words for word in ("-p", param)))
    assert door.read_text() == "up\n"
    assert list(own_home.scratch.glob("opscope-gate-*"))
    hosts.call("cancel", run_id)
    assert hosts.wait_for_end(run_id).status.value == "canceled"
    assert list(own_home.scratch.glob("opscope-gate-*")) == []
    assert not hosts.left_running()


@pytest.mark.long
def test_after_a_kill_the_tests_are_run_again(own_home: Home, project: Path, hosts: Hosts) -> None:
    script, door, gate = own_home.gate()
    (project / "test_long.py").write_text(
        f"import subprocess\n\n\ndef test_long():\n    subprocess.run([{script!r}])\n"
    )
    words = (f"project={project}", f"python={sys.executable}", 'checks=["tests"]')
    run_id = hosts.detached("test_gate", *(word for param in words for word in ("-p", param)))
    assert door.read_text() == "up\n"
    hosts.kill(run_id)
    resumed = hosts.start("resume", run_id, "--no-ui")
    assert door.read_text() == "up\n"
    gate.write_text("go\n")
    _, said = resumed.communicate(timeout=60)
    assert resumed.returncode == 0, said
    assert own_home.ran(run_id).data("tests")["passed"] == 2
    assert list(own_home.scratch.glob("opscope-gate-*")) == []

"""A newcomer with a checkout and the README: what it says is there, and does what it says."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.operator import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acceptance.operator import Operator

pytestmark = pytest.mark.sampled(one_in=2, of_file=True)

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
PLAN = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)[0]
COMMANDS = re.findall(
    r"^opscope ([^#\n]*?) *(?:#(?:.*exit code (\d))?.*)?$",
    "\n".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL)),
    re.MULTILINE,
)
TOOLS = ("cat", "cksum", "dirname", "rm")


def test_the_picture_is_there_and_was_made_by_the_program() -> None:
    """The README shows the inspector: the file it names is a picture of its screen."""
    for name in re.findall(r"!\[[^]]*\]\(([^)]+)\)", README):
        picture = (REPOSITORY / name).read_text(encoding="utf-8")
        assert picture.startswith("<svg")
        assert "OUTPUT" in picture


def test_every_link_of_the_readme_leads_to_a_file() -> None:
    """No dead link within the repository."""
    named = [name for name in re.findall(r"(?<!!)\[[^]]*\]\(([^)]+)\)", README) if "://" not in name]
    assert [name for name in named if not (REPOSITORY / name).exists()] == []


def test_the_commands_of_the_readme_work_in_their_order(operator: Operator) -> None:
    """All that the README says to type, after the demo and with its plan saved as it says, ends as it says there: well, else how."""
    (operator.folder / "disk-check.yaml").write_text(PLAN, encoding="utf-8")
    assert operator.run("demo", "--no-ui").code == 0
    faulty = {}
    for line, code in COMMANDS:
        words = shlex.split(line.replace("mount=/var", f"mount={operator.folder}"))
        answer = operator.run(*words)
        if answer.code != int(code or 0):
            faulty[line] = (answer.code, answer.out + answer.err)
    assert len(COMMANDS) > 8
    assert faulty == {}


def _checkout(folder: Path, python: str, *more: str) -> dict[str, str]:
    """`./dev` in a folder, and an environment whose only Python is the given script."""
    tools = folder / "bin"
    tools.mkdir()
    for name in (*TOOLS, *more):
        found = shutil.which(name)
        assert found is not None
        (tools / name).symlink_to(found)
    for name in ("python3", "python3.11", "python3.12", "python3.13"):
        (tools / name).write_text(python, encoding="utf-8")
        (tools / name).chmod(0o755)
    for name in ("dev", "pyproject.toml", "constraints.txt"):
        shutil.copy(REPOSITORY / name, folder)
    return {"PATH": str(tools), "HOME": str(folder)}


def _dev(folder: Path, environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", "./dev", *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("verb", ["demo", "test", "run"])
def test_a_python_that_is_too_old_is_told_in_one_line_and_nothing_is_lost(tmp_path: Path, verb: str) -> None:
    """One line that says what to install, exit 2; a .venv that is there stays."""
    environment = _checkout(tmp_path, "#!/bin/sh\nexit 1\n")
    kept = tmp_path / ".venv" / "kept"
    kept.parent.mkdir()
    kept.touch()
    done = _dev(tmp_path, environment, verb)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "3.11" in done.stderr
    assert kept.exists()


def test_an_installation_that_failed_is_not_taken_for_a_good_one(tmp_path: Path) -> None:
    """No network at the first call: it fails, and the next call tries again rather than going on with half of it."""
    # This Python is new enough, makes an environment of nothing, and its pip cannot reach anything.
    fake = """#!/bin/sh
case "$*" in
  *"-m venv"*) for last; do :; done; mkdir -p "$last/bin" && cp "$0" "$last/bin/python" ;;
  *"-m pip"*) echo "pip was asked" >&2; exit 1 ;;
  *sys.version\\)*) echo 3.11 ;;
esac
"""
    environment = _checkout(tmp_path, fake, "mkdir", "cp", "tr")
    for attempt in ("first", "second"):
        done = _dev(tmp_path, environment, "run", "--version")
        assert done.returncode != 0
        assert "pip was asked" in done.stderr, f"{attempt} call: {done.stderr}"
        assert not list((tmp_path / ".venvs").iterdir())


# Makes environments of one program, which says what is installed beside it, now and once its gate has been opened.
INSTALLER = """#!/bin/sh
case "$*" in
  *"-m venv"*) for last; do :; done; mkdir -p "$last/bin" && cp "$0" "$last/bin/python" ;;
  *"-m pip"*)
    bin=$(dirname "$0")
    cat constraints.txt >"$bin/installed"
    printf '#!/bin/sh\\ncat "%s/installed"\\n[ "$1" = now ] || { cat gate; cat "%s/installed"; }\\n' "$bin" "$bin" >"$bin/opscope"
    cp "$bin/opscope" "$bin/opscope.sh" && chmod +x "$bin/opscope" ;;
  *) exec PYTHON "$@" ;;
esac
"""


def test_another_environment_is_made_beside_the_one_that_programs_run_from(tmp_path: Path) -> None:
    """An engine may run for days; what is installed changes meanwhile, and it goes on from what it began with."""
    tools = ("mkdir", "cp", "tr", "ln", "mv", "chmod", "grep")
    environment = _checkout(tmp_path, INSTALLER.replace("PYTHON", sys.executable), *tools)
    constraints = tmp_path / "constraints.txt"
    os.mkfifo(tmp_path / "gate")

    def installed() -> set[str]:
        return {(path / "bin" / "installed").read_text() for path in (tmp_path / ".venvs").iterdir()}

    constraints.write_text("first\n")
    assert _dev(tmp_path, environment, "run", "now").stdout == "first\n"
    assert (tmp_path / ".venv").is_symlink()
    with subprocess.Popen(
        ["/bin/sh", "./dev", "run"], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "first\n"
        constraints.write_text("second\n")
        done = _dev(tmp_path, environment, "run", "now")
        assert (done.stdout, done.stderr) == ("second\n", "dev: preparing .venv, once\n")
        assert _dev(tmp_path, environment, "run", "now").stderr == ""
        assert installed() == {"first\n", "second\n"}
        (tmp_path / "gate").write_text("open\n")
        assert program.stdout.read() == "open\nfirst\n"
    constraints.write_text("third\n")
    assert _dev(tmp_path, environment, "run", "now").stdout == "third\n"
    assert installed() == {"third\n"}


def test_a_folder_from_before_becomes_a_link(tmp_path: Path) -> None:
    tools = ("mkdir", "cp", "tr", "ln", "mv", "chmod", "grep")
    environment = _checkout(tmp_path, INSTALLER.replace("PYTHON", sys.executable), *tools)
    (tmp_path / "constraints.txt").write_text("first\n")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    assert _dev(tmp_path, environment, "run", "now").stdout == "first\n"
    assert (tmp_path / ".venv").is_symlink()
    assert (tmp_path / ".venv" / "bin" / "installed").read_text() == "first\n"
    # Programs may run from the folder under its former name, so it goes another time.
    assert len(list((tmp_path / ".venvs").iterdir())) == 2
    (tmp_path / "constraints.txt").write_text("second\n")
    assert _dev(tmp_path, environment, "run", "now").stdout == "second\n"
    assert len(list((tmp_path / ".venvs").iterdir())) == 1

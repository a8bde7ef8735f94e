"""The guide to policies: every example in it is taken as it stands there, and does what the guide says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.tui.commands.conftest import Cli

GUIDE = Path(__file__).parents[3] / "docs" / "policies.md"
FILES = ("find-file", "find-again", "house", "routing")


@pytest.fixture
def guide(cli: Cli, home: Path) -> None:
    """Its files, and the assets added as it says."""
    blocks = re.findall(r"```yaml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    for name, block in zip(FILES, blocks, strict=True):
        (home / f"{name}.yaml").write_text(block)
    for name in ("find-again", "house"):
        answer = cli("asset", "add", f"{name}.yaml", "--as", f"policy/{name}", "--publish")
        assert (answer.code, answer.err) == (0, "")
    assert cli("asset", "add", "routing.yaml", "--as", "policy/routing").code == 0


@pytest.mark.usefixtures("guide")
def test_the_replans_happen(cli: Cli) -> None:
    answer = cli("run", "./find-file.yaml", "-q")
    assert (answer.code, answer.out) == (0, 'found ["notes.txt"]\n')
    steps = {step["id"]: step for step in json.loads(cli("show", "last", "--json").out)["steps"]}
    assert steps["slow"]["status"] == "succeeded"
    assert "slow was too slow: " in cli("logs", "last").out


@pytest.mark.usefixtures("guide")
def test_when_is_asked(cli: Cli) -> None:
    assert cli("run", "./find-file.yaml", "-p", "name=secret", "-q").out == "found []\n"


@pytest.mark.usefixtures("guide")
def test_what_is_forbidden_does_not_run(cli: Cli, home: Path) -> None:
    plan = home / "find-file.yaml"
    plan.write_text(plan.read_text().replace("command: echo", "command: mkfs.ext4"))
    answer = cli("run", "./find-file.yaml")
    assert answer.code == 1
    assert "disks are formatted by hand" in answer.out + answer.err


@pytest.mark.usefixtures("guide")
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("hi there", 0, "Ask me where a file is."),
        ("please remove all", 1, "Nothing is deleted on the word of a question."),
        ("where is the file todo", 0, 'found ["todo.txt"]'),
    ],
)
def test_questions_are_routed(cli: Cli, words: str, code: int, said: str) -> None:
    answer = cli("ask", words, "--override", "policy/routing@2", "-q")
    assert (answer.code, said in answer.out + answer.err) == (code, True)

"""`completion` and `schema`: what is printed is what shells and validators take."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tui.commands.registry import COMMANDS

if TYPE_CHECKING:
    from tests.tui.commands.conftest import Cli


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_knows_every_command_and_its_options(cli: Cli, shell: str) -> None:
    answer = cli("completion", shell)
    assert answer.code == 0
    assert all(name in answer.out for name in COMMANDS)
    assert all(word in answer.out for word in ("--json", "--follow", "host_triage", "stages"))
    if shutil.which(shell):
        checked = subprocess.run([shell, "-n"], input=answer.out, text=True, capture_output=True, check=False)
        assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("opscope ru", {"run", "runs"}),
        ("opscope run host", {"host_triage"}),
        ("opscope --db x.db show --js", {"--json"}),
        ("opscope screenshot --screen st", {"stages"}),
    ],
)
def test_bash_completes(cli: Cli, line: str, expected: set[str]) -> None:
    words = line.split()
    script = (
        f"{cli('completion', 'bash').out}\nCOMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _opscope\n"
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash here")
    done = subprocess.run([bash, "-c", script], text=True, capture_output=True, check=True)
    assert set(done.stdout.split()) == expected


def test_the_schema_of_a_plan_knows_the_shorthand(cli: Cli) -> None:
    """S2: the JSON Schema is published."""
    schema = json.loads(cli("schema", "plan").out)
    step = schema["$defs"]["Step"]
    assert {"id", "step_def", "command", "args", "cwd", "condition"} <= set(step["properties"])
    assert step["required"] == ["id"]
    assert schema["additionalProperties"] is False

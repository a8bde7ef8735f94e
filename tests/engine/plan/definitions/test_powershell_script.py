"""PowerShell steps: a script's text is taken as it stands, and what it is given comes as named arguments."""

from __future__ import annotations

from typing import Any

import pytest

from engine.model.bound import BoundPowershell
from tests.engine.plan.support import only, plan, plan_faults, result, scope

FIELDS: dict[str, Any] = {"params": {"host": {}}, "secrets": {"token": {"env": "T"}}}


def powershell(**fields: Any) -> dict[str, Any]:
    """A step."""
    return {"id": "a", "step_def": {"type": "powershell", **fields}}


def test_a_script_keeps_every_character_and_its_arguments_their_types() -> None:
    """Blocks in braces are PowerShell's own, also those that look like a text in quotes or a reference to something else."""
    script = "Get-Service | Where-Object {$_.Name} | ForEach-Object {'text'}; Start-Job {notepad.exe}; ${x}; {{y}}"
    compiled = plan(
        {"id": "src"},
        {
            **powershell(script=script, args={"Name": "{params.host}", "Count": "{src.data.n}"}, cwd="{run.workdir}"),
            "output_mapping": {"Name": "ignored", "Extra": "{src.data}"},
        },
        **FIELDS,
    )
    bound = compiled.steps["a"].bind(scope(result("src", {"n": 3}), params={"host": "h"})).definition
    assert bound == BoundPowershell(
        interpreter="pwsh", script=script, args={"Extra": {"n": 3}, "Name": "h", "Count": 3}, cwd="/srv/ops"
    )


def test_a_file_and_an_interpreter_may_be_filled_in() -> None:
    """They are paths, not code."""
    compiled = plan(powershell(file="{params.host}.ps1", interpreter="{env.PWSH}"), **FIELDS)
    bound = compiled.steps["a"].bind(scope(params={"host": "h"}, env={"PWSH": "/opt/pwsh"})).definition
    assert bound == BoundPowershell(interpreter="/opt/pwsh", file="h.ps1")


@pytest.mark.parametrize(
    ("fields", "path", "message"),
    [
        ({}, "steps[0].step_def", "a powershell step runs nothing"),
        ({"script": "x", "file": "y"}, "steps[0].step_def", "script and file stand on one step"),
        ({"script": ""}, "steps[0].step_def.script", "expected a text that is not empty, found an empty text"),
        (
            {"script": "Get-Item {params.host}"},
            "steps[0].step_def.script",
            "the reference {params.host} stands in PowerShell code, where its value would run as code",
        ),
        (
            {"script": "x {secrets.token}"},
            "steps[0].step_def.script",
            "the reference {secrets.token} stands in PowerShell code, where its value would run as code",
        ),
        (
            {"file": "x", "args": {"A-B": 1}},
            "steps[0].step_def.args.A-B",
            "'A-B' cannot name an argument of a script",
        ),
        (
            {"file": "x", "args": {"T": "{secrets.token}"}},
            "steps[0].step_def.args.T",
            "{secrets.token}: a secret cannot stand in an argument",
        ),
        ({"file": "{nothing.x}"}, "steps[0].step_def.file", "{nothing.x}: there is no 'nothing'"),
        ({"file": "x", "scrpt": 1}, "steps[0].step_def.scrpt", "unknown field 'scrpt'"),
    ],
)
def test_what_is_wrong_is_said_at_its_place(fields: dict[str, Any], path: str, message: str) -> None:
    """One sentence each, with a hint."""
    fault = only(plan_faults(powershell(**fields), **FIELDS))
    assert (fault.path, fault.message) == (path, message)
    assert fault.hint or "expected" in fault.message

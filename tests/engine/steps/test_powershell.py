"""PowerShell steps: what the interpreter is given, by a stand-in that reads it as pwsh does, and by a real one where there is one."""

from __future__ import annotations

import json
import shutil
import sys
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest

from engine.model.bound import BoundPowershell, SecretName, SecretText
from engine.model.states import OutputFormat, Reason, StepStatus, Stream
from engine.steps.local import LocalExecutor
from engine.steps.secrets import SecretBox
from engine.steps.supervisor import StopTiming
from tests.engine.steps.support import (
    PATH,
    RecordingObserver,
    RunningClock,
    assert_nothing_left,
    attempt,
    open_descriptors,
)

if TYPE_CHECKING:
    from pathlib import Path

    from engine.model.json import JsonObject
    from engine.model.result import AttemptOutcome

pytestmark = pytest.mark.sampled(one_in=3)

OK = StepStatus.SUCCEEDED

# Takes pwsh's options, decodes the command as pwsh does, and reads the file that it would read. Of the language it knows
# a line each of: report, out TEXT, err TEXT, exit N, throw TEXT.
STAND_IN = """\
#!{python}
import base64, json, os, sys

options = sys.argv[1:-2]
if options != ["-NoLogo", "-NoProfile", "-NonInteractive"] or sys.argv[-2] != "-EncodedCommand":
    sys.exit("unknown options: %r" % sys.argv)
command = base64.b64decode(sys.argv[-1]).decode("utf-16-le")
for part in ("ReadAllText($env:OPSCOPE_REQUEST)", "@opscopeArgs", "exit $global:LASTEXITCODE"):
    assert part in command, part

def restored(value):
    if isinstance(value, str):
        assert value[0] == "="
        return value[1:]
    if isinstance(value, dict):
        return {{restored(key): restored(item) for key, item in value.items()}}
    if isinstance(value, list):
        return [restored(item) for item in value]
    return value

with open(os.environ["OPSCOPE_REQUEST"], encoding="ascii") as file:
    request = restored(json.load(file))
script = request["script"]
if script is None:
    with open(request["file"]) as file:
        script = file.read()
for line in script.splitlines():
    word, _, rest = line.partition(" ")
    if word == "report":
        print(json.dumps({{"args": request["args"], "file": request["file"], "stdin": sys.stdin.read(),
                           "cwd": os.getcwd(), "env": dict(os.environ), "command": command}}))
    elif word == "out":
        print(rest)
    elif word == "err":
        print(rest, file=sys.stderr)
    elif word == "throw":
        print("at <ScriptBlock>, <No file>: line 1", file=sys.stderr)
        print("System.Management.Automation.RuntimeException: " + rest, file=sys.stderr)
        sys.exit(1)
    elif word == "exit":
        sys.exit(int(rest))
"""


@pytest.fixture
def pwsh(tmp_path: Path) -> str:
    """The stand-in."""
    path = tmp_path / "stand-in-pwsh"
    path.write_text(STAND_IN.format(python=sys.executable))
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def real_pwsh() -> str:
    """A real one."""
    path = shutil.which("pwsh")
    if path is None:
        pytest.skip("there is no pwsh on this machine")
    return path


async def run(
    folder: Path,
    interpreter: str,
    script: str | None = None,
    *,
    file: str | None = None,
    args: JsonObject | None = None,
    output: OutputFormat = OutputFormat.TEXT,
    secrets: SecretBox | None = None,
    observer: RecordingObserver | None = None,
    cwd: str | None = None,
    **environment: Any,
) -> AttemptOutcome:
    """Run the script, and see that nothing is left of it."""
    before = open_descriptors()
    definition = BoundPowershell(interpreter, script, file, args or {}, cwd)
    spec = attempt(definition, folder, output=output, environment={**PATH, **environment})
    executor = LocalExecutor(secrets or SecretBox(), RunningClock(), timing=StopTiming(0.2, 0.2, 2.0))
    outcome = await executor.run(spec, observer or RecordingObserver())
    assert_nothing_left(spec, before)
    return outcome


ARGS: JsonObject = {
    "Name": "a b'\"`$(Get-Date); exit 9\n\u00e9\U0001f600",
    "When": "2026-01-01T00:00:00Z",
    "Empty": "",
    "Many": [1, 2.5, None, True, "x", []],
    "One": ["only"],
    "Deep": {"k": {"l": [{"m": "="}]}},
}


async def test_script_and_arguments_arrive_as_data(tmp_path: Path, pwsh: str) -> None:
    outcome = await run(tmp_path, pwsh, "report", args=ARGS, output=OutputFormat.JSON, NAME="value")
    assert outcome.status is OK, outcome.message
    found: Any = outcome.data
    assert found["args"] == ARGS
    assert (found["file"], found["stdin"], found["cwd"]) == (None, "", str(tmp_path))
    # Neither the script nor an argument is in the program text, which is the same for all steps.
    assert "Get-Date" not in found["command"]
    assert "report" not in found["command"]
    environment = found["env"]
    assert environment["NAME"] == "value"
    assert environment["POWERSHELL_TELEMETRY_OPTOUT"] == "1"
    assert environment["OPSCOPE_IDEMPOTENCY_KEY"] == "key-of-the-step"


async def test_a_file_of_the_plans_folder(tmp_path: Path, pwsh: str) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "do.ps1").write_text("report")
    outcome = await run(tmp_path, pwsh, file="sub/do.ps1", output=OutputFormat.JSON, cwd="sub")
    found: Any = outcome.data
    assert (found["file"], found["cwd"]) == (f"{tmp_path}/sub/do.ps1", f"{tmp_path}/sub")


async def test_a_file_that_is_not_there(tmp_path: Path, pwsh: str) -> None:
    outcome = await run(tmp_path, pwsh, file="gone.ps1")
    assert (outcome.status, outcome.reason) == (StepStatus.FAILED, Reason.SPAWN_FAILED)
    assert outcome.message == (
        f"there is no script {tmp_path}/gone.ps1; a relative path is looked up in the folder of the plan"
    )


async def test_an_interpreter_that_is_not_there(tmp_path: Path) -> None:
    outcome = await run(tmp_path, "pwsh-that-is-not-here", "report")
    assert outcome.reason is Reason.SPAWN_FAILED
    assert "cannot start 'pwsh-that-is-not-here': there is no such program on the step's PATH" in outcome.message


async def test_exit_codes_and_the_error_stream(tmp_path: Path, pwsh: str) -> None:
    observer = RecordingObserver()
    outcome = await run(tmp_path, pwsh, "out fine\nerr Write-Error: no disk\nexit 3", observer=observer)
    assert (outcome.status, outcome.reason, outcome.exit_code) == (StepStatus.FAILED, Reason.EXIT_CODE, 3)
    assert (outcome.message, outcome.stdout.text) == ("exit 3: Write-Error: no disk", "fine\n")
    assert observer.text(Stream.STDERR) == b"Write-Error: no disk\n"


async def test_the_error_stream_alone_fails_nothing(tmp_path: Path, pwsh: str) -> None:
    outcome = await run(tmp_path, pwsh, "err only a warning\nout x")
    assert (outcome.status, outcome.exit_code, outcome.data) == (OK, 0, "x")
    assert outcome.stderr_tail == "only a warning\n"


async def test_an_error_that_ends_the_script(tmp_path: Path, pwsh: str) -> None:
    outcome = await run(tmp_path, pwsh, "throw it broke")
    assert outcome.message == "exit 1: System.Management.Automation.RuntimeException: it broke"


@pytest.mark.parametrize(
    ("output", "data"),
    [
        (OutputFormat.TEXT, '{"a": 1}\n[2]'),
        (OutputFormat.LINES, ['{"a": 1}', "[2]"]),
        (OutputFormat.NONE, None),
    ],
)
async def test_output_becomes_data(tmp_path: Path, pwsh: str, output: OutputFormat, data: object) -> None:
    outcome = await run(tmp_path, pwsh, 'out {"a": 1}\nout [2]', output=output)
    assert (outcome.status, outcome.data) == (OK, data)


async def test_output_that_is_no_json(tmp_path: Path, pwsh: str) -> None:
    outcome = await run(tmp_path, pwsh, "out Name  Value", output=OutputFormat.JSON)
    assert (outcome.reason, outcome.exit_code) == (Reason.BAD_OUTPUT, 0)


async def test_secrets_by_environment(tmp_path: Path, pwsh: str) -> None:
    box = SecretBox({"token": "s3cr3t-token-value"})
    text = SecretText((SecretName("token"),))
    outcome = await run(tmp_path, pwsh, "report", output=OutputFormat.JSON, secrets=box, TOKEN=text)
    found: Any = outcome.data
    assert found["env"]["TOKEN"] == "***"
    assert "s3cr3t-token-value" not in repr(outcome)


async def test_a_large_script(tmp_path: Path, pwsh: str) -> None:
    """Larger than any argument or variable may be."""
    outcome = await run(tmp_path, pwsh, "# comment\n" * 500_000 + "out end")
    assert (outcome.status, outcome.data) == (OK, "end")


REAL = [
    ("Write-Output 'hi'", {}, 0, "hi\n", ""),
    ('param($Name, [int]$N) "$Name-$($N + 1)"', {"Name": "a b$x", "N": 2}, 0, "a b$x-3\n", ""),
    ("param($When) $When.GetType().Name", {"When": "2026-01-01T00:00:00Z"}, 0, "String\n", ""),
    ("param([object[]]$Many) $Many.Count; $Many[1]", {"Many": ["x", "y"]}, 0, "2\ny\n", ""),
    ("param($Deep) $Deep.k.l[0]", {"Deep": {"k": {"l": ["z"]}}}, 0, "z\n", ""),
    ("exit 4", {}, 4, "", ""),
    ("sh -c 'exit 5'", {}, 5, "", ""),
    ("sh -c 'exit 5'; $global:LASTEXITCODE = 0", {}, 0, "", ""),
    ("throw 'it broke'", {}, 1, "", "it broke"),
    ("Write-Error 'not so bad'; 'on'", {}, 0, "on\n", "not so bad"),
    ("[Console]::In.ReadToEnd().Length", {}, 0, "0\n", ""),
    ("1 / 0; 'on'", {}, 0, "on\n", "divide"),
    ("'a'; Write-Error 'the last word'", {}, 1, "a\n", "the last word"),
    ("[CmdletBinding()] param($Name) $Name", {"Nmae": "x"}, 1, "", "Nmae"),
    ("if (", {}, 1, "", "("),
    ("'\u00e9\U0001f600'", {}, 0, "\u00e9\U0001f600\n", ""),
    ("Test-Path Env:OPSCOPE_REQUEST", {}, 0, "False\n", ""),
]


@pytest.mark.parametrize(("script", "args", "code", "stdout", "stderr"), REAL)
async def test_a_real_pwsh(
    tmp_path: Path, real_pwsh: str, script: str, args: JsonObject, code: int, stdout: str, stderr: str
) -> None:
    for in_file in (False, True):
        if in_file:
            (tmp_path / "script.ps1").write_text(dedent(script))
        outcome = await run(
            tmp_path,
            real_pwsh,
            None if in_file else script,
            file="script.ps1" if in_file else None,
            args=args,
            HOME=str(tmp_path),
        )
        assert (outcome.exit_code, outcome.stdout.text) == (code, stdout), outcome
        assert stderr in outcome.stderr.text
        assert "\x1b" not in outcome.stderr.text


def test_the_arguments_of_a_step_are_recorded_as_json() -> None:
    definition = BoundPowershell("pwsh", "report", args=ARGS)
    assert json.loads(json.dumps(definition.to_json()))["args"] == ARGS

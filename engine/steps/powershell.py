"""One attempt of a powershell step: a script with named arguments, none of which is ever program text. Output as for commands."""

from __future__ import annotations

import base64
import contextlib
import json
from typing import TYPE_CHECKING

from engine.model.result import AttemptOutcome
from engine.model.states import OutputFormat, Reason, StepStatus
from engine.steps.command import printing_outcome
from engine.steps.handover import request_file
from engine.steps.process_runner import Launch, NotStartedError

if TYPE_CHECKING:
    from engine.model.bound import BoundPowershell
    from engine.model.json import Json, JsonObject
    from engine.ports import AttemptObserver, AttemptSpec
    from engine.steps.process_runner import ProcessRunner

REQUEST_VARIABLE = "OPSCOPE_REQUEST"

# Reads the script and its arguments as data, so that nothing of a plan or a parameter is ever parsed as PowerShell but
# the script itself. Texts come with a mark before them: ConvertFrom-Json would make dates of those that look like one.
# What goes wrong before the script begins ends it; from then on PowerShell's own rules hold, so there is no try around it,
# which would end a script at errors that it goes on after.
_WRAPPER = f"""\
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
if ($PSStyle) {{ $PSStyle.OutputRendering = 'PlainText' }}
[Console]::OutputEncoding = [System.Text.UTF8Encoding]::new($false)
$OutputEncoding = [System.Text.UTF8Encoding]::new($false)
function Restore-OpscopeValue($Value) {{
    if ($Value -is [string]) {{ return $Value.Substring(1) }}
    if ($Value -is [System.Collections.IDictionary]) {{
        $table = @{{}}
        # Names are the same in any case here, as everywhere in PowerShell; Add refuses a second one of them.
        foreach ($key in @($Value.Keys)) {{ $table.Add($key.Substring(1), (Restore-OpscopeValue $Value[$key])) }}
        return $table
    }}
    if ($Value -is [array]) {{
        $list = [object[]]::new($Value.Length)
        for ($i = 0; $i -lt $Value.Length; $i++) {{ $list[$i] = Restore-OpscopeValue $Value[$i] }}
        return , $list
    }}
    return $Value
}}
$opscopeText = [System.IO.File]::ReadAllText($env:{REQUEST_VARIABLE})
$opscope = Restore-OpscopeValue (ConvertFrom-Json -AsHashtable -InputObject $opscopeText)
$opscopeArgs = $opscope['args']
if ($null -eq $opscope['file']) {{
    $opscopeCode = [ScriptBlock]::Create($opscope['script'])
}} else {{
    $opscopeCode = $opscope['file']
    $opscopeFaults = $null
    [void][System.Management.Automation.Language.Parser]::ParseFile($opscopeCode, [ref]$null, [ref]$opscopeFaults)
    if ($opscopeFaults) {{ throw "line $($opscopeFaults[0].Extent.StartLineNumber): $($opscopeFaults[0].Message)" }}
}}
Remove-Item 'Env:{REQUEST_VARIABLE}'
Remove-Item 'Function:Restore-OpscopeValue'
$global:LASTEXITCODE = 0
$ErrorActionPreference = 'Continue'
& $opscopeCode @opscopeArgs
$opscopeWorked = $?
if ($global:LASTEXITCODE) {{ exit $global:LASTEXITCODE }}
if (-not $opscopeWorked) {{ exit 1 }}
exit 0
"""
_OPTIONS = (
    *("-NoLogo", "-NoProfile", "-NonInteractive"),
    *("-EncodedCommand", base64.b64encode(_WRAPPER.encode("utf-16-le")).decode("ascii")),
)
# What a terminal or a person at it would be for, and what would call home.
_ENVIRONMENT = {"POWERSHELL_TELEMETRY_OPTOUT": "1", "POWERSHELL_UPDATECHECK": "Off", "NO_COLOR": "1", "TERM": "dumb"}


class PowershellRunner:
    """Runs powershell attempts."""

    def __init__(self, processes: ProcessRunner) -> None:
        self._processes = processes

    async def run(self, powershell: BoundPowershell, spec: AttemptSpec, observer: AttemptObserver) -> AttemptOutcome:
        """Run one attempt to its end. Raises only what the observer raises, and CancelledError.

        The exit code is what the script says with `exit`, else `$LASTEXITCODE`, else 1 if it ended with an error or its last
        statement failed, else 0. The error stream alone fails nothing.
        """
        path = None if powershell.file is None else spec.plan_folder / powershell.file
        if path is not None and not path.is_file():
            return _not_started(f"there is no script {path}; a relative path is looked up in the folder of the plan")
        request: JsonObject = {
            "script": powershell.script,
            "file": None if path is None else str(path),
            "args": dict(powershell.args),
        }
        content = json.dumps(_marked(request)).encode("ascii")
        with contextlib.ExitStack() as stack:
            try:
                descriptor = stack.enter_context(request_file(content))
            except OSError as error:
                return _not_started(f"the script cannot be handed over: {error.strerror}")
            environment = {name: value for name, value in _ENVIRONMENT.items() if name not in spec.environment}
            launch = Launch(
                [powershell.interpreter, *_OPTIONS],
                cwd=powershell.cwd,
                environment={**environment, REQUEST_VARIABLE: f"/dev/fd/{descriptor}"},
                pass_fds=(descriptor,),
                keep_raw=spec.output is OutputFormat.JSON,
            )
            try:
                report = await self._processes.run(launch, spec, observer)
            except NotStartedError as error:
                return _not_started(str(error))
        return await printing_outcome(report, spec, self._processes)


def _marked(value: Json) -> Json:
    """The value with a mark before every text and key, which the wrapper takes off again."""
    if isinstance(value, str):
        return f"={value}"
    if isinstance(value, dict):
        return {f"={key}": _marked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_marked(item) for item in value]
    return value


def _not_started(message: str) -> AttemptOutcome:
    return AttemptOutcome(StepStatus.FAILED, Reason.SPAWN_FAILED, message)

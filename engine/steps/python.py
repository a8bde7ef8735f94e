"""One attempt of a python step: a function called in a child interpreter, its result or its exception as data."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from engine.model.result import AttemptOutcome
from engine.model.states import OutputFormat, Reason, StepStatus
from engine.steps import python_child
from engine.steps.aside import aside
from engine.steps.exceptions import exception_words
from engine.steps.handover import ResultPipe, request_file
from engine.steps.outputs import JsonSource, OutputError, parse_json
from engine.steps.printed import printed_data
from engine.steps.process_runner import Launch, NotStartedError
from engine.steps.process_verdict import outcome_of, verdict_of

if TYPE_CHECKING:
    from engine.model.bound import BoundPython
    from engine.model.json import JsonObject
    from engine.ports import AttemptObserver, AttemptSpec
    from engine.steps.process_runner import ProcessReport, ProcessRunner
    from engine.steps.process_verdict import Verdict

_ENVELOPE_BYTES = 256 << 10
"""Room in the pipe beyond the result: for an exception with its traceback."""
_RESULT = JsonSource("the result", "of the result", "but there is none", "")

# Read when this is loaded, and not later: a run must not be given the program of another version in its middle.
_CHILD_SOURCE = Path(python_child.__file__).read_bytes()

# Old interpreters must be able to read this far, to be told that they are too old.
_BOOTSTRAP = f"""\
import os, sys
if sys.path[:1] == [""]:
    del sys.path[0]
request, result = int(sys.argv[1]), int(sys.argv[2])
if sys.version_info < (3, 8):
    os.write(result, ('{{"too_old": "%d.%d"}}' % sys.version_info[:2]).encode("ascii"))
    sys.exit(1)
with os.fdopen(request, "rb") as file:
    source, content = file.read().split(b"\\0", 1)
child = {{"__name__": "opscope_child"}}
exec(compile(source, {python_child.OWN_FILE!r}, "exec"), child)
child["main"](content, result)
"""


class PythonRunner:
    """Runs python attempts."""

    def __init__(self, processes: ProcessRunner) -> None:
        self._processes = processes
        self._secrets = processes.secrets

    async def run(self, python: BoundPython, spec: AttemptSpec, observer: AttemptObserver) -> AttemptOutcome:
        """Run one attempt to its end. Raises only what the observer raises, and CancelledError."""
        cap = self._processes.limits_of(spec).stdout_bytes
        with contextlib.ExitStack() as stack:
            try:
                request = stack.enter_context(request_file(_request(python, spec, cap)))
                pipe = stack.enter_context(ResultPipe(cap + _ENVELOPE_BYTES))
            except OSError as error:
                return _not_started(f"the child interpreter cannot be given its input: {error.strerror}")
            launch = Launch(
                [python.interpreter, "-u", "-c", _BOOTSTRAP, str(request), str(pipe.write_end)],
                cwd=python.cwd,
                pass_fds=(request, pipe.write_end),
            )
            try:
                process = await self._processes.run(launch, spec, observer, on_spawned=pipe.begin)
            except NotStartedError as error:
                return _not_started(str(error))
            content = pipe.taken()
        ended = verdict_of(spec.timeout_sec, process)
        size = 0 if content is None else len(content)
        verdict = await aside(size, partial(self._judged, ended, content, python.interpreter, cap))
        if verdict.status is StepStatus.SUCCEEDED:
            verdict = self._formatted(verdict, spec.output, process, cap)
        return outcome_of(verdict, process)

    def _judged(self, verdict: Verdict, content: bytes | None, interpreter: str, cap: int) -> Verdict:
        """What the child's report adds to how its process ended. A time limit, a signal or an exit code stand by themselves."""
        if verdict.reason not in (None, Reason.EXIT_CODE):
            return verdict
        try:
            report = self._report(content)
        except OutputError as error:
            return verdict.failed(Reason.BAD_OUTPUT, self._secrets.mask(str(error)))
        if "too_old" in report:
            message = f"{interpreter!r} is Python {report['too_old']}, and python steps need 3.8 or newer; name another interpreter"
            return verdict.failed(Reason.SPAWN_FAILED, message)
        if "error" in report and isinstance(masked := self._secrets.mask_json(report["error"]), dict):
            return verdict.failed(Reason.EXCEPTION, exception_words(masked) + _hint(masked), masked)
        if verdict.reason is Reason.EXIT_CODE or "exit" in report:
            return verdict
        if "unfit" in report:
            return verdict.failed(Reason.BAD_OUTPUT, self._secrets.mask(str(report["unfit"])))
        if "too_large" in report:
            return verdict.failed(
                Reason.OUTPUT_TOO_LARGE,
                f"the result has {report['too_large']} bytes as JSON, and more than {cap} are not kept; "
                "return less, raise max_output_bytes, or write a file",
            )
        if "value" not in report:
            message = f"{interpreter!r} ended without a result; is it a Python, or did the function call os._exit?"
            return verdict.failed(Reason.BAD_OUTPUT, message)
        return replace(verdict, data=self._secrets.mask_json(report["value"]))

    def _report(self, content: bytes | None) -> JsonObject:
        """What the child said; empty if it said nothing. Raises OutputError for anything else than a report."""
        if content is None:
            raise OutputError(
                "the report of the child interpreter is larger than any report is; something else wrote it"
            )
        if not content:
            return {}
        value = parse_json(content.decode("utf-8", "replace"), _RESULT).value
        if not isinstance(value, dict):
            raise OutputError("the report of the child interpreter is no object; something else wrote it")
        return value

    def _formatted(self, verdict: Verdict, output: OutputFormat, process: ProcessReport, cap: int) -> Verdict:
        """Text or lines of a python step are what it prints; its result is left out then, and that is said."""
        match output:
            case OutputFormat.JSON:
                return verdict
            case OutputFormat.NONE:
                return replace(verdict, data=None)
            case OutputFormat.TEXT | OutputFormat.LINES:
                printed = printed_data(output, process.capture.stdout, cap, self._secrets)
                left_out = f"the result is left out, since output: {output.value} asks for what is printed"
                notes = [printed.note, "" if verdict.data is None else left_out]
                return replace(verdict, data=printed.data, message="; ".join(filter(None, notes)))


def _request(python: BoundPython, spec: AttemptSpec, max_bytes: int) -> bytes:
    """The text of the child's program, a NUL, and what it is to call."""
    place, _, name = python.callable.rpartition(":")
    folders = [spec.plan_folder, *(spec.plan_folder / folder for folder in python.path)]
    if place.endswith(".py") or "/" in place:
        # As a script finds what lies beside it.
        place = str(spec.plan_folder / place)
        folders.insert(0, Path(place).parent)
    request = {
        "callable": f"{place}:{name}",
        "args": dict(python.args),
        "path": list(dict.fromkeys(str(folder) for folder in folders)),
        "max_bytes": max_bytes,
    }
    return _CHILD_SOURCE + b"\0" + json.dumps(request).encode("ascii")


def _hint(error: JsonObject) -> str:
    """What to do about a function that was not even found."""
    if error.get("type") != "ModuleNotFoundError" or error.get("traceback"):
        return ""
    return "; correct its name, name its folder under path, or install it for this interpreter"


def _not_started(message: str) -> AttemptOutcome:
    return AttemptOutcome(StepStatus.FAILED, Reason.SPAWN_FAILED, message)

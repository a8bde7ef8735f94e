"""Python steps: real child interpreters, old ones too, and every way in which a function can end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest

from engine.model.bound import BoundPython
from engine.model.states import OutputFormat, Reason, StepStatus, Stream
from engine.steps.capture import CaptureLimits
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
    from collections.abc import Callable, Iterator

    from engine.model.json import Json, JsonObject
    from engine.model.result import AttemptOutcome
    from engine.ports import AttemptSpec

pytestmark = pytest.mark.sampled(one_in=4, of_file=True)

QUICK = StopTiming(grace_sec=0.2, drain_sec=0.2, kill_sec=2.0)
OK = StepStatus.SUCCEEDED
PIPES = """
def pipes():
    import stat
    for number in range(3, 100):
        try:
            if stat.S_ISFIFO(os.fstat(number).st_mode):
                yield number
        except OSError:
            pass
"""


def executor(secrets: SecretBox | None = None, limits: CaptureLimits | None = None) -> LocalExecutor:
    """An executor with a short grace."""
    return LocalExecutor(secrets or SecretBox(), RunningClock(), limits or CaptureLimits(), timing=QUICK)


def calling(
    folder: Path,
    code: str,
    *,
    name: str = "run",
    args: JsonObject | None = None,
    output: OutputFormat = OutputFormat.JSON,
    timeout_sec: float = 30.0,
    interpreter: str = sys.executable,
    max_output_bytes: int | None = None,
) -> AttemptSpec:
    """An attempt that calls a function of `mod.py`, which has this code."""
    (folder / "mod.py").write_text(dedent(code))
    definition = BoundPython(f"mod.py:{name}", interpreter, args or {})
    return attempt(definition, folder, output=output, timeout_sec=timeout_sec, max_output_bytes=max_output_bytes)


async def call(folder: Path, code: str, **options: Any) -> AttemptOutcome:
    """Run it, and see that nothing is left of it."""
    before = open_descriptors()
    spec = calling(folder, code, **options)
    outcome = await executor().run(spec, RecordingObserver())
    assert_nothing_left(spec, before)
    return outcome


# What comes back


async def test_arguments_go_in_and_a_result_comes_out(tmp_path: Path) -> None:
    args: JsonObject = {"host": "a b'\"\n\u00e9\ud83d\ude00", "sizes": [1, 2.5, None, True], "deep": {"x": {"y": []}}}
    outcome = await call(tmp_path, "def run(**given): return given", args=args)
    assert (outcome.status, outcome.reason, outcome.message, outcome.exit_code) == (OK, None, "", 0)
    assert outcome.data == {**args, "host": "a b'\"\n\u00e9\U0001f600"}


async def test_no_result_is_null(tmp_path: Path) -> None:
    outcome = await call(tmp_path, "def run(): pass")
    assert (outcome.status, outcome.data) == (OK, None)


async def test_prints_are_logs_and_no_data(tmp_path: Path) -> None:
    code = """
        import os, sys
        def run():
            print('{"looks": "like a result"}')
            os.write(1, b"raw\\n")
            print("oops", file=sys.stderr)
            return 5
    """
    observer = RecordingObserver()
    outcome = await executor().run(calling(tmp_path, code), observer)
    assert (outcome.data, outcome.stderr.text) == (5, "oops\n")
    assert observer.text(Stream.STDOUT) == b'{"looks": "like a result"}\nraw\n'


async def test_prints_come_while_it_runs(tmp_path: Path) -> None:
    heard = asyncio.Event()

    class Observer(RecordingObserver):
        async def output(self, stream: Stream, offset: int, content: bytes) -> None:
            await super().output(stream, offset, content)
            heard.set()

    spec = calling(tmp_path, "import time\ndef run():\n    print('up')\n    time.sleep(60)")
    task = asyncio.create_task(executor().run(spec, Observer()))
    await heard.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize(
    ("output", "data", "message"),
    [
        (OutputFormat.JSON, 7, ""),
        (OutputFormat.NONE, None, ""),
        (OutputFormat.TEXT, "a\nb", "the result is left out, since output: text asks for what is printed"),
        (OutputFormat.LINES, ["a", "b"], "the result is left out, since output: lines asks for what is printed"),
    ],
)
async def test_output_format(tmp_path: Path, output: OutputFormat, data: Json, message: str) -> None:
    outcome = await call(tmp_path, "def run():\n    print('a\\nb')\n    return 7", output=output)
    assert (outcome.status, outcome.data, outcome.message) == (OK, data, message)


async def test_text_output_without_a_result_says_nothing(tmp_path: Path) -> None:
    outcome = await call(tmp_path, "def run():\n    print('a')", output=OutputFormat.TEXT)
    assert (outcome.data, outcome.message) == ("a", "")


async def test_a_coroutine_is_awaited(tmp_path: Path) -> None:
    code = """
        import asyncio
        async def run(n):
            await asyncio.sleep(0)
            return n + 1
    """
    assert (await call(tmp_path, code, args={"n": 1})).data == 2


async def test_an_awaitable_that_is_returned_is_awaited_too(tmp_path: Path) -> None:
    code = """
        async def inner(): return 3
        def run(): return inner()
    """
    assert (await call(tmp_path, code)).data == 3


async def test_a_method_by_its_dotted_name(tmp_path: Path) -> None:
    code = """
        class Box:
            @staticmethod
            def open(): return "opened"
    """
    assert (await call(tmp_path, code, name="Box.open")).data == "opened"


# Where the function is found


async def test_a_module_of_the_plans_folder_then_of_path(tmp_path: Path) -> None:
    for folder, word in (("plan", "plan"), ("lib", "lib")):
        (tmp_path / folder / "pack").mkdir(parents=True)
        (tmp_path / folder / "pack" / "__init__.py").touch()
        (tmp_path / folder / "pack" / "ci.py").write_text(f"def run(): return '{word}'")
    (tmp_path / "lib" / "only.py").write_text("def run(): return 'only lib'")
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "stray.py").write_text("def run(): return 'stray'")

    async def found(name: str) -> AttemptOutcome:
        spec = attempt(BoundPython(name, sys.executable, path=("../lib",)), tmp_path / "work", output=OutputFormat.JSON)
        return await executor().run(_in_plan_folder(spec, tmp_path / "plan"), RecordingObserver())

    assert (await found("pack.ci:run")).data == "plan"
    assert (await found("only:run")).data == "only lib"
    # The folder that the operator happens to be in is no place for code.
    stray = await found("stray:run")
    assert (stray.reason, stray.message) == (
        Reason.EXCEPTION,
        "ModuleNotFoundError: No module named 'stray'; "
        "correct its name, name its folder under path, or install it for this interpreter",
    )


async def test_a_file_finds_what_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "helper.py").write_text("word = 'helped'")
    (tmp_path / "sub" / "json.py").write_text("import helper\ndef run():\n    return helper.word")
    spec = attempt(BoundPython("sub/json.py:run", sys.executable), tmp_path, output=OutputFormat.JSON)
    outcome = await executor().run(spec, RecordingObserver())
    assert (outcome.status, outcome.data) == (OK, "helped"), outcome.message


async def test_dataclasses_in_a_file_work(tmp_path: Path) -> None:
    code = """
        from __future__ import annotations
        import dataclasses
        @dataclasses.dataclass
        class Row:
            name: str
        def run(): return dataclasses.asdict(Row("x"))
    """
    assert (await call(tmp_path, code)).data == {"name": "x"}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("mod.py:nope", "AttributeError: module 'opscope_step_mod' has no attribute 'nope'"),
        ("gone.py:run", "gone.py; a relative path is looked up in the folder of the plan"),
        ("mod.py:word", "mod.py:word is a str, which cannot be called"),
        ("no.such.module:run", "ModuleNotFoundError: No module named 'no'"),
        ("broken.py:run", "SyntaxError: "),
        ("raising.py:run", "raising.py, line 2)"),
    ],
)
async def test_what_cannot_be_called_is_said(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "mod.py").write_text("word = 'x'")
    (tmp_path / "broken.py").write_text("def run(:\n")
    (tmp_path / "raising.py").write_text("\nraise KeyError('no')\n")
    outcome = await executor().run(attempt(BoundPython(name, sys.executable), tmp_path), RecordingObserver())
    assert (outcome.status, outcome.reason) == (StepStatus.FAILED, Reason.EXCEPTION)
    assert words in outcome.message
    assert "opscope>" not in repr(outcome.error)
    assert "importlib" not in repr(outcome.error)


# The interpreter


@pytest.mark.parametrize(
    ("interpreter", "words"),
    [
        ("no-such-python", "there is no such program on the step's PATH"),
        (".venv/bin/python", ".venv/bin/python; a relative path is looked up in the folder of the plan"),
    ],
)
async def test_an_interpreter_that_is_missing(tmp_path: Path, interpreter: str, words: str) -> None:
    outcome = await call(tmp_path, "def run(): pass", interpreter=interpreter)
    assert outcome.reason is Reason.SPAWN_FAILED
    assert words in outcome.message


async def test_an_interpreter_that_is_no_python(tmp_path: Path) -> None:
    outcome = await call(tmp_path, "def run(): pass", interpreter="/bin/true")
    assert outcome.reason is Reason.BAD_OUTPUT
    assert outcome.message == "'/bin/true' ended without a result; is it a Python, or did the function call os._exit?"


async def test_an_interpreter_relative_to_the_plan(tmp_path: Path) -> None:
    (tmp_path / "python").symlink_to(sys.executable)
    outcome = await call(tmp_path, "import sys\ndef run(): return sys.version_info[0]", interpreter="./python")
    assert outcome.data == 3, outcome.message


@pytest.mark.parametrize("version", ["2.7", "3.6", "3.7"])
async def test_an_interpreter_that_is_too_old_says_so_itself(tmp_path: Path, version: str) -> None:
    interpreter = _other_python(version)
    outcome = await call(tmp_path, "def run(): return 1", interpreter=interpreter)
    assert outcome.reason is Reason.SPAWN_FAILED
    assert f"is Python {version}, and python steps need 3.8 or newer; name another interpreter" in outcome.message


@pytest.mark.parametrize("version", ["3.8", "3.9", "3.10", "3.11", "3.12", "3.13"])
async def test_every_other_interpreter_serves(tmp_path: Path, version: str) -> None:
    interpreter = _other_python(version)
    code = """
        import sys
        async def run(word):
            print(word)
            return [word, "%d.%d" % sys.version_info[:2]]
        def bad():
            return {"x": [1, {2}]}
        def worse():
            try:
                1 / 0
            except ZeroDivisionError as error:
                raise KeyError("gone") from error
    """
    good = await call(tmp_path, code, interpreter=interpreter, args={"word": "hi"})
    assert good.data == ["hi", version], good.message
    bad = await call(tmp_path, code, name="bad", interpreter=interpreter)
    assert bad.message == "result['x'][1] is a set, which JSON has no word for; return a list"
    worse = await call(tmp_path, code, name="worse", interpreter=interpreter)
    assert worse.error is not None
    assert isinstance(worse.error["cause"], dict)
    assert worse.error["cause"]["type"] == "ZeroDivisionError"


async def test_the_child_imports_nothing_of_ours(tmp_path: Path) -> None:
    code = """
        import sys
        def run(): return sorted({name.partition(".")[0] for name in sys.modules})
    """
    outcome = await call(tmp_path, code)
    assert isinstance(outcome.data, list)
    # This interpreter could import them: it is the one that the tests run in.
    assert not {"engine", "store", "tui", "pydantic", "textual", "httpx", "asyncio"} & set(map(str, outcome.data))


async def test_what_the_child_finds(tmp_path: Path) -> None:
    code = """
        import os, sys
        def run():
            descriptors = sorted(os.listdir("/proc/self/fd"), key=int)
            return {"argv": sys.argv, "env": dict(os.environ), "cwd": os.getcwd(), "in": sys.stdin.read(),
                    "fds": len(descriptors)}
    """
    spec = calling(tmp_path, code)
    outcome = await executor().run(spec, RecordingObserver())
    assert isinstance(outcome.data, dict)
    environment = outcome.data["env"]
    assert isinstance(environment, dict)
    environment.pop("LC_CTYPE", None)  # Python's own, where no locale is set
    assert environment == {**PATH, "OPSCOPE_IDEMPOTENCY_KEY": "key-of-the-step", "OPSCOPE_COOKIE": spec.cookie}
    assert (outcome.data["argv"], outcome.data["cwd"]) == ([f"{tmp_path}/mod.py:run"], str(tmp_path))
    # Its three streams, the pipe for the result, and the one that lists them.
    assert (outcome.data["in"], outcome.data["fds"]) == ("", 5)


# Results that are none


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("float('nan')", "the result is nan, which JSON does not know; return None instead"),
        ("{'a': [1, float('-inf')]}", "result['a'][1] is -inf, which JSON does not know; return None instead"),
        ("{1, 2}", "the result is a set, which JSON has no word for; return a list"),
        ("[b'x']", "result[0] is a bytes, which JSON has no word for; return a text"),
        ("(n for n in [1])", "the result is a generator, which JSON has no word for; return a list"),
        ("{'x': object()}", "result['x'] is an object, which JSON has no word for"),
        ("{(1, 2): 3}", "the result has a tuple as a key, which JSON has no word for; use texts"),
        ("loop()", "result[0][0] leads back to what it is part of, which JSON cannot say; return a copy without"),
        ("deep(100000)", "the result is nested deeper than 200 levels"),
        ("deep(300)", "the JSON of the result is nested deeper than 200 levels"),
        ("10 ** 6000", "the result is a number with too many digits; return it as a text"),
        ("1e400 * 0 if False else 1e999", "the result is inf, which JSON does not know"),
    ],
)
async def test_a_result_that_is_no_json(tmp_path: Path, expression: str, words: str) -> None:
    code = f"""
        def loop():
            inner = []
            inner.append(inner)
            return [inner]
        def deep(levels):
            value = []
            for _ in range(levels):
                value = [value]
            return value
        def run(): return {expression}
    """
    outcome = await call(tmp_path, code)
    assert (outcome.status, outcome.reason, outcome.exit_code) == (StepStatus.FAILED, Reason.BAD_OUTPUT, 0)
    assert outcome.message.startswith(words)
    assert outcome.data is None


async def test_results_that_json_bends(tmp_path: Path) -> None:
    outcome = await call(tmp_path, r"def run(): return {'t': (1, 2), 3: 'int', 'lone': '\ud800x', 'nul': '\0'}")
    assert outcome.data == {"t": [1, 2], "3": "int", "lone": "\ufffdx", "nul": "\0"}


async def test_a_large_result_crosses_the_pipe(tmp_path: Path) -> None:
    outcome = await call(tmp_path, "def run(): return 'x' * 10000000")
    assert outcome.data == "x" * 10_000_000


async def test_a_result_beyond_the_cap_is_not_sent(tmp_path: Path) -> None:
    outcome = await call(tmp_path, "def run(): return 'x' * 100000000")
    assert (outcome.reason, outcome.data) == (Reason.OUTPUT_TOO_LARGE, None)
    assert outcome.message.startswith(
        "the result has 100000002 bytes as JSON, and more than 10485760 are not kept; return less, raise max_output_bytes"
    )


@pytest.mark.long
async def test_a_step_may_have_a_cap_of_its_own(tmp_path: Path) -> None:
    """It is of the result as JSON, the quotes included; and of what is printed where that is the data."""
    code = "def run():\n    print('y' * 50)\n    return 'x' * 998"
    assert (await call(tmp_path, code, max_output_bytes=1000)).data == "x" * 998
    refused = await call(tmp_path, code, max_output_bytes=999)
    assert (refused.reason, refused.data) == (Reason.OUTPUT_TOO_LARGE, None)
    printed = await call(tmp_path, code, max_output_bytes=20, output=OutputFormat.TEXT)
    assert (printed.reason, printed.data) == (Reason.OUTPUT_TOO_LARGE, None)
    printed = await call(tmp_path, code.replace("998", "2"), max_output_bytes=20, output=OutputFormat.TEXT)
    assert printed.data == "y" * 20
    assert printed.message.startswith("stdout had 51 bytes; the first 20 are kept (max_output_bytes)")


async def test_a_result_at_the_largest_cap_there_is(tmp_path: Path, scaled: Callable[[int], int]) -> None:
    """Much more than a pipe holds, in as many pieces, in the time that it takes and not in its square."""
    size = scaled(134_217_728) - 2
    outcome = await call(tmp_path, f"def run(): return 'x' * {size}", max_output_bytes=134_217_728)
    assert (outcome.status, outcome.data == "x" * size) == (OK, True)


async def test_large_arguments(tmp_path: Path) -> None:
    outcome = await call(tmp_path, "def run(x): return len(x)", args={"x": "\u00e9" * 5_000_000})
    assert outcome.data == 5_000_000


# Exceptions and other ends


async def test_an_exception_is_data(tmp_path: Path) -> None:
    code = """
        def inner(host):
            raise ValueError("no such host: " + host)

        def run(host):
            try:
                inner(host)
            except ValueError as error:
                raise RuntimeError("lookup failed\\nsecond line") from error
    """
    outcome = await call(tmp_path, code, args={"host": "db1"})
    assert (outcome.status, outcome.reason, outcome.exit_code) == (StepStatus.FAILED, Reason.EXCEPTION, 1)
    assert outcome.message == f"RuntimeError: lookup failed (at {tmp_path}/mod.py, line 9, in run)"
    file = f"{tmp_path}/mod.py"
    assert outcome.error == {
        "type": "RuntimeError",
        "message": "lookup failed\nsecond line",
        "traceback": [
            {
                "file": file,
                "line": 9,
                "function": "run",
                "text": 'raise RuntimeError("lookup failed\\nsecond line") from error',
            }
        ],
        "cause": {
            "type": "ValueError",
            "message": "no such host: db1",
            "traceback": [
                {"file": file, "line": 7, "function": "run", "text": "inner(host)"},
                {
                    "file": file,
                    "line": 3,
                    "function": "inner",
                    "text": 'raise ValueError("no such host: " + host)',
                },
            ],
        },
    }
    assert outcome.stderr.text == ""


async def test_an_exception_in_a_coroutine_shows_only_its_own_frames(tmp_path: Path) -> None:
    outcome = await call(tmp_path, "async def run():\n    raise LookupError('x')")
    assert outcome.error is not None
    assert [frame["function"] for frame in _frames(outcome.error)] == ["run"]


async def test_context_counts_as_cause_unless_suppressed(tmp_path: Path) -> None:
    code = """
        def run(quiet):
            try:
                {}["a"]
            except KeyError:
                if quiet:
                    raise ValueError("x") from None
                raise ValueError("x")
    """
    loud = await call(tmp_path, code, args={"quiet": False})
    quiet = await call(tmp_path, code, args={"quiet": True})
    assert loud.error is not None
    assert quiet.error is not None
    assert isinstance(loud.error["cause"], dict)
    assert loud.error["cause"]["type"] == "KeyError"
    assert "cause" not in quiet.error


async def test_wrong_arguments_are_named(tmp_path: Path) -> None:
    outcome = await call(tmp_path, "def run(host): pass", args={"hots": 1})
    assert outcome.message == "TypeError: run() got an unexpected keyword argument 'hots'"


@pytest.mark.parametrize(
    ("raised", "words"),
    [
        ("Odd()", "mod.Odd: (its message cannot be made)"),
        ("type('E', (Exception,), {'__module__': None})()", "None.E (at "),
        ("SyntaxError('odd', (5, 'a', None, None))", "SyntaxError: odd"),
        ("KeyboardInterrupt()", "KeyboardInterrupt (at "),
        ("GeneratorExit('g')", "GeneratorExit: g (at "),
        ("Exception('x' * 100000)", "Exception: xxx"),
        ("Exception('\\ud800')", "Exception: \ufffd (at "),
    ],
)
async def test_odd_exceptions(tmp_path: Path, raised: str, words: str) -> None:
    code = f"""
        class Odd(Exception):
            def __str__(self): raise RuntimeError
        def run(): raise {raised}
    """
    outcome = await call(tmp_path, code)
    assert outcome.reason is Reason.EXCEPTION
    assert outcome.message.removeprefix("opscope_step_").startswith(words)
    assert len(outcome.message) < 1000


async def test_an_exception_with_a_circle_of_causes(tmp_path: Path) -> None:
    code = """
        def run():
            one, two = ValueError(1), ValueError(2)
            one.__cause__, two.__cause__ = two, one
            raise one
    """
    outcome = await call(tmp_path, code)
    assert outcome.message.startswith("ValueError: 1 (at ")


@pytest.mark.skipif(sys.version_info < (3, 11), reason="exception groups came with 3.11")
async def test_a_group_of_exceptions(tmp_path: Path) -> None:
    outcome = await call(tmp_path, "def run(): raise ExceptionGroup('two', [ValueError(1), KeyError('k')])")
    assert outcome.error is not None
    members = outcome.error["exceptions"]
    assert isinstance(members, list)
    assert [member["type"] for member in members if isinstance(member, dict)] == ["ValueError", "KeyError"]


async def test_deep_recursion_has_a_short_traceback(tmp_path: Path) -> None:
    outcome = await call(tmp_path, "def run(n=0): return run(n + 1)")
    assert outcome.reason is Reason.EXCEPTION
    assert outcome.message.startswith("RecursionError: maximum recursion depth exceeded")
    assert outcome.error is not None
    assert len(_frames(outcome.error)) == 40
    omitted = outcome.error["omitted_frames"]
    assert isinstance(omitted, int)
    assert omitted > 800


@pytest.mark.parametrize(
    ("statement", "status", "reason", "code", "message"),
    [
        ("sys.exit()", OK, None, 0, ""),
        ("sys.exit(0)", OK, None, 0, ""),
        ("sys.exit(3)", StepStatus.FAILED, Reason.EXIT_CODE, 3, "exit 3"),
        ("sys.exit('no disk')", StepStatus.FAILED, Reason.EXIT_CODE, 1, "exit 1: no disk"),
        ("os._exit(4)", StepStatus.FAILED, Reason.EXIT_CODE, 4, "exit 4"),
        (
            "os._exit(0)",
            StepStatus.FAILED,
            Reason.BAD_OUTPUT,
            0,
            f"{sys.executable!r} ended without a result; is it a Python, or did the function call os._exit?",
        ),
        ("os.kill(os.getpid(), 11)", StepStatus.FAILED, Reason.SIGNALED, 139, "ended by SIGSEGV (11)"),
        (
            "os.kill(os.getpid(), 9)",
            StepStatus.FAILED,
            Reason.SIGNALED,
            137,
            "ended by SIGKILL (9), which opscope did not send; the kernel does so when memory runs out",
        ),
        ("os.close(0); os.close(1); os.close(2)", OK, None, 0, ""),
        ("sys.stdin.close()", OK, None, 0, ""),
    ],
)
async def test_other_ends(
    tmp_path: Path, statement: str, status: StepStatus, reason: Reason | None, code: int, message: str
) -> None:
    outcome = await call(tmp_path, f"import os, sys\ndef run():\n    {statement}")
    assert (outcome.status, outcome.reason, outcome.exit_code) == (status, reason, code)
    assert outcome.message.removesuffix(", core dumped") == message
    assert outcome.data is None


async def test_an_exit_code_after_a_result_fails_the_step(tmp_path: Path) -> None:
    outcome = await call(tmp_path, "import atexit, os\ndef run():\n    atexit.register(os._exit, 7)\n    return 1")
    assert (outcome.reason, outcome.exit_code, outcome.data) == (Reason.EXIT_CODE, 7, None)


async def test_closed_descriptors_are_not_written_to(tmp_path: Path) -> None:
    """The function closes all it can and opens files of its own, which then have the numbers of ours."""
    code = """
        import os
        def run():
            os.closerange(3, 1000)
            global files
            files = [open("mine%d" % n, "w") for n in range(100)]
            return 1
    """
    outcome = await call(tmp_path, code)
    assert outcome.reason is Reason.BAD_OUTPUT
    assert {path.stat().st_size for path in tmp_path.glob("mine*")} == {0}


async def test_a_thread_that_goes_on_is_ended_at_the_time_limit(tmp_path: Path) -> None:
    code = """
        import threading, time
        def run():
            threading.Thread(target=time.sleep, args=(60,)).start()
            return 1
    """
    outcome = await call(tmp_path, code, timeout_sec=0.5)
    assert (outcome.reason, outcome.message) == (Reason.TIMED_OUT, "timed out after 0.5 s")


async def test_a_fork_that_keeps_the_result_pipe_open_delays_nothing(tmp_path: Path) -> None:
    code = """
        import os, time
        def run():
            if os.fork() == 0:
                os.setsid()
                time.sleep(60)
            return "parent"
    """
    outcome = await call(tmp_path, code)
    assert (outcome.status, outcome.data) == (OK, "parent")
    assert outcome.counts["leftover_processes"] == 1


async def test_a_fork_that_comes_back_reports_nothing(tmp_path: Path) -> None:
    code = """
        import os
        def run():
            child = os.fork()
            if child:
                os.waitpid(child, 0)
            return "parent" if child else "child"
    """
    outcome = await call(tmp_path, code)
    assert (outcome.status, outcome.data) == (OK, "parent")


async def test_a_flood_on_the_result_pipe_is_bounded(tmp_path: Path) -> None:
    """A function that writes to every descriptor that it finds gets an outcome, not our memory."""
    code = """
        import os
        def run():
            for number in pipes():
                for _ in range(500):
                    os.write(number, b"x" * 65536)
            return 1
    """
    outcome = await call(tmp_path, dedent(code) + PIPES)
    assert outcome.reason is Reason.BAD_OUTPUT
    assert (
        outcome.message == "the report of the child interpreter is larger than any report is; something else wrote it"
    )


@pytest.mark.parametrize("written", [b"[]", b"{", b'{"value": NaN}', b"\xff"])
async def test_garbage_on_the_result_pipe(tmp_path: Path, written: bytes) -> None:
    code = f"""
        import os
        def run():
            for number in pipes():
                os.write(number, {written!r})
                os._exit(0)
    """
    outcome = await call(tmp_path, dedent(code) + PIPES)
    assert (outcome.reason, outcome.data) == (Reason.BAD_OUTPUT, None)


async def test_multiprocessing_works(tmp_path: Path) -> None:
    code = """
        import multiprocessing
        def run():
            with multiprocessing.get_context("fork").Pool(2) as pool:
                return pool.map(abs, [-1, -2, 3])
    """
    outcome = await call(tmp_path, code)
    assert (outcome.status, outcome.data) == (OK, [1, 2, 3])


async def test_secrets_are_masked_in_results_and_exceptions(tmp_path: Path) -> None:
    box = SecretBox({"token": "s3cr3t-token-value"})
    code = """
        def run(fail):
            word = "s3cr3t-" + "token-value"
            if fail:
                raise ValueError("cannot log in with " + word)
            return {word: [word + "!"]}
    """
    good = await executor(box).run(calling(tmp_path, code, args={"fail": False}), RecordingObserver())
    bad = await executor(box).run(calling(tmp_path, code, args={"fail": True}), RecordingObserver())
    assert good.data == {"***": ["***!"]}
    assert bad.message.startswith("ValueError: cannot log in with *** (at ")
    assert "s3cr3t-token-value" not in repr(bad)


async def test_nothing_runs_where_no_descriptor_is_to_be_had(tmp_path: Path) -> None:
    spec = calling(tmp_path, "def run(): pass")
    await executor().run(spec, RecordingObserver())  # loads what is loaded late
    with _few_descriptors():
        outcome = await executor().run(spec, RecordingObserver())
    assert outcome.reason is Reason.SPAWN_FAILED
    assert "too many" in outcome.message.lower()


@contextlib.contextmanager
def _few_descriptors() -> Iterator[None]:
    """Three descriptors are left."""
    held: list[int] = []
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 256), hard))
    try:
        try:
            while True:
                held.append(os.open("/dev/null", os.O_RDONLY))
        except OSError:
            for _ in range(3):
                os.close(held.pop())
        yield
    finally:
        for descriptor in held:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _frames(error: JsonObject) -> list[JsonObject]:
    frames = error["traceback"]
    assert isinstance(frames, list)
    return [frame for frame in frames if isinstance(frame, dict)]


def _in_plan_folder(spec: AttemptSpec, folder: Path) -> AttemptSpec:
    from dataclasses import replace

    return replace(spec, plan_folder=folder)


def _other_python(version: str) -> str:
    """An interpreter of another version, if this machine has one: on the PATH, or where version managers keep them."""
    managed = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    found = [str(path) for path in managed] or [shutil.which(f"python{version}") or ""]
    if found[0] and subprocess.run([found[0], "-c", ""], check=False, capture_output=True).returncode == 0:
        return found[0]
    pytest.skip(f"there is no Python {version} on this machine")

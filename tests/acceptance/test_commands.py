"""The commands on pipes and terminals, in places and environments that are not the usual ones."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.operator import COMMAND, Answer, harmful, read_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.acceptance.operator import Operator

pytestmark = pytest.mark.sampled(one_in=3, of_file=True)


def _step(name: str, *after: str) -> dict[str, object]:
    return {"id": name, "command": "echo", "args": [name], "output": "text", "depends_on": list(after)}


def test_a_line_of_a_megabyte_is_shown_in_a_terminal_at_once(operator: Operator) -> None:
    """I8: an answer that is one unbroken line of 1 MB ends within seconds in a terminal, as it does on a pipe."""
    step = {"id": "line", "command": "python3", "args": ["-c", "print('x' * 1_000_000)"], "output": "text"}
    present = [{"type": "markdown", "text": "{compose.line}\nthe end of it"}]
    operator.run(
        "run", operator.plan("line.json", steps=[step], compose={"line": "{line.data}"}, present=present), "-q"
    )
    assert operator.run("show", "last", within=5).out.endswith("the end of it\n")
    with operator.terminal("show", "last") as screen:
        assert screen.wait_for_end(30) == 0  # minutes, where every character costs what those before it do


@pytest.mark.parametrize("round_", range(3))
def test_what_the_operator_saw_before_a_kill_is_in_the_file(operator: Operator, round_: int) -> None:
    """SIGKILL at a known place: each step that was told as SUCCEEDED stands so in the file, and the file is sound."""
    steps = [_step(f"s{number}", *([f"s{number - 1}"] if number else [])) for number in range(40)]
    plan = operator.plan("chain.json", steps=steps)
    with operator.start("run", "--no-ui", plan, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        told = read_until(process.stderr, f"✓ s{3 + 9 * round_} ")
        process.kill()
        assert process.stderr is not None
        told += process.stderr.read().decode()
    seen = {line.split()[1] for line in told.splitlines() if line.startswith("✓ s") and "SUCCEEDED" in line}
    trace = operator.json("show", "last")
    assert seen <= {step["id"] for step in trace["steps"] if step["status"] == "succeeded"}
    numbers = [json.loads(line)["seq"] for line in operator.run("events", "last", "--json").out.splitlines()]
    assert numbers == list(range(1, len(numbers) + 1))
    assert operator.run("verify").code == 0


def test_four_processes_on_one_new_file(operator: Operator) -> None:
    """Four commands race for a file that is not there yet: four runs, nothing lost, no word of a lock."""
    plan = operator.plan("wide.json", steps=[_step(f"s{number}") for number in range(12)])
    processes = [
        operator.start("run", "--no-ui", plan, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for _ in range(4)
    ]
    told = [process.communicate(timeout=30)[1].decode() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0, 0], told
    assert not any("locked" in text for text in told)
    runs = operator.json("runs")
    assert [run["status"] for run in runs] == ["succeeded"] * 4
    assert operator.run("verify").code == 0


@pytest.mark.parametrize(
    "name", ["sp ace 'q\" \n.db", "no\udcffutf8 漢.db", "a?mode=ro#%20&x=1.db", "\x1b[31m\u202e[/nope].db"]
)
def test_a_file_of_any_name(operator: Operator, name: str) -> None:
    """A database may be called anything; its name is shown without a control character and is no URI."""
    path = operator.folder / name
    assert operator.run("--db", str(path), "run", "ci_lookup", "-q").code == 0
    assert path.stat().st_mode & 0o777 == 0o600
    for words in (["runs"], ["show", "last"], ["doctor"]):
        answer = operator.run("--db", str(path), *words)
        assert answer.code == 0, answer.err
        assert harmful(answer.out + answer.err) == set()
    path.write_bytes(b"no database any more")
    answer = operator.run("--db", str(path), "runs")
    assert answer.code == 4
    answer.one_clear_message()


@pytest.mark.parametrize(
    "variables", [{}, {"HOME": ""}, {"HOME": "/nonexistent/home"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}]
)
def test_a_bare_environment(operator: Operator, variables: dict[str, str]) -> None:
    """No HOME, no PATH, no TERM, no UTF-8: a run is recorded and shown all the same."""
    environment = {"OPSCOPE_DB": str(operator.database), **variables}
    assert operator.run("run", "ci_lookup", "-q", env=environment).code == 0
    shown = operator.run("show", "last", env=environment)
    assert shown.code == 0, shown.err
    if "LC_ALL" in variables:
        assert shown.stdout.isascii()


def test_nobody_listens(operator: Operator) -> None:
    """With stdin, stdout and stderr closed a run is recorded; none of its descriptors becomes the file of runs."""
    closed = ["sh", "-c", 'exec "$0" run ci_lookup <&- >&- 2>&-', str(COMMAND)]
    assert subprocess.run(closed, cwd=operator.folder, env=operator.environment, check=False).returncode == 0
    assert operator.run("verify").code == 0
    assert [run["status"] for run in operator.json("runs")] == ["succeeded"]


@pytest.mark.parametrize("words", [["runs"], ["show", "last", "--json"]])
def test_an_output_that_is_full_is_told_plainly(operator: Operator, words: list[str]) -> None:
    """`opscope runs > report` on a full disk: one clear message, as for every other fault of the system."""
    operator.run("run", "ci_lookup", "-q")
    with Path("/dev/full").open("wb") as full, operator.start(*words, stdout=full, stderr=subprocess.PIPE) as process:
        told = process.communicate(timeout=30)[1]
    assert process.returncode == 4
    Answer(process.returncode, b"", told, 0).one_clear_message()


@pytest.mark.skipif(
    shutil.which("setpriv") is None or os.geteuid() != 0, reason="needs root and setpriv to give powers up"
)
@pytest.mark.parametrize(
    "words", [["validate", "shut/plan.yaml"], ["run", "shut/plan.yaml"], ["validate", "shut"], ["validate", "."]]
)
def test_a_folder_that_may_not_be_entered(operator: Operator, words: list[str]) -> None:
    """A plan in a folder of somebody else is bad input with its place, like every other file that cannot be read."""
    shut = operator.folder / "shut"
    shut.mkdir()
    (shut / "plan.yaml").write_text("plan_id: x\nsteps: [{id: a, command: 'true'}]\n", encoding="utf-8")
    (operator.folder / "bad.yaml").write_text("plan_id: x\n", encoding="utf-8")
    shut.chmod(0)
    powers = "-dac_override,-dac_read_search"
    answer = operator.run(*words, prefix=("setpriv", f"--bounding-set={powers}", f"--inh-caps={powers}"))
    shut.chmod(0o700)
    assert answer.code == 2, answer.err
    assert "Traceback" not in answer.err
    assert "unexpected error" not in answer.err
    assert "shut" in answer.out + answer.err
    assert not operator.database.exists()


def test_a_plan_of_a_million_nodes_is_refused_within_two_seconds(operator: Operator) -> None:
    """A bomb without aliases is bad input like all bad input."""
    (operator.folder / "bomb.yaml").write_text("a: [" + "1," * 1_500_000 + "1]", encoding="utf-8")
    answer = operator.run("validate", "bomb.yaml")
    assert answer.code == 2
    assert answer.seconds < 2


_STEPS = "plan_id: p\nsteps:"
_MANY = "1," * 1_900_000 + "1"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("steps.yaml", lambda: f"{_STEPS} [{_MANY}]"),
        ("steps.json", lambda: f'{{"plan_id": "p", "steps": [{_MANY}]}}'),
        ("arguments.yaml", lambda: f"{_STEPS} [{{id: a, command: x, args: [{_MANY}]}}]"),
        ("params.json", lambda: '{"params": {' + ",".join(f'"a{number}": 1' for number in range(900_000)) + "}}"),
        ("wrong.yaml", lambda: f"{_STEPS} [" + "{id: 1, command: [], args: x, colour: red}," * 100_000 + "]"),
        ("empty.yaml", lambda: f"{_STEPS} [" + "{}," * 600_000 + "]"),
        ("deep.json", lambda: '{"a": [' + ",".join(["[" * 60 + "]" * 60] * 30_000) + "]}"),
        ("deeper.yaml", lambda: "a: " + "[" * 30_000_000),
        ("twice.yaml", lambda: "plan_id: p\n" * 900_000),
        ("twice.json", lambda: "{" + '"plan_id": "p",' * 900_000 + '"a": 1}'),
        ("anchors.yaml", lambda: "a: [" + "&a 1," * 900_000 + "1]"),
        ("text.yaml", lambda: "plan_id: '" + "x" * 60_000_000 + "'"),
        ("text.json", lambda: '{"plan_id": "' + "x" * 60_000_000 + '"}'),
        ("braces.yaml", lambda: f"{_STEPS} [" + ("{id: a, command: x, args: ['" + "{x}" * 300_000 + "']},") * 60 + "]"),
        ("comments.yaml", lambda: "# x\n" * 15_000_000),
        ("lines.yaml", lambda: "\n" * 60_000_000),
        ("lines.json", lambda: '{"plan_id": "p",' + "\n" * 60_000_000 + '"steps": 1}'),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_plan_of_tens_of_megabytes_is_refused_within_two_seconds(
    operator: Operator, name: str, text: Callable[[], str]
) -> None:
    """Whatever its shape, and in less memory than 700 MB of addresses."""
    (operator.folder / name).write_text(text(), encoding="utf-8")
    answer = operator.run("validate", name, prefix=("sh", "-c", 'ulimit -v 700000; exec "$0" "$@"'))
    assert answer.code == 2, answer.err
    assert "Traceback" not in answer.err
    assert "unexpected error" not in answer.err
    assert answer.out
    assert answer.seconds < 2


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("sh", ["-c"]),
        ("env", ["-i", "bash", "-euxc"]),
        ("timeout", ["5", "sh", "-c"]),
        ("sudo", ["-u", "app", "sh", "-c"]),
        ("xargs", ["-0", "sh", "-c"]),
        ("ssh", ["-p", "22", "web-03", "sh", "-c"]),
        ("ssh", ["web-03"]),
    ],
)
def test_a_reference_in_shell_code_is_a_fault(operator: Operator, command: str, arguments: list[str]) -> None:
    """References never become shell text, whatever stands before the shell, here or on another host."""
    step = {"id": "a", "command": command, "args": [*arguments, "systemctl restart {params.unit}"]}
    plan = operator.plan("shell.json", params={"unit": {"type": "string", "default": "x; reboot"}}, steps=[step])
    for verb in ("validate", "run"):
        answer = operator.run(verb, plan)
        assert answer.code == 2, answer.out
        assert "{params.unit} stands in shell code" in answer.out + answer.err
    assert not operator.database.exists()

"""An engine inside a program: the README's own lines, and what a program of one's own may rely on."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import InputError, PlanError
from engine.model.states import RunStatus
from store import queries
from store.embedding import open_engine
from store.reader import Reader

ROOT = Path(__file__).parents[2]


def readme_blocks() -> tuple[str, str]:
    """The plan and the program of the section, as they stand there."""
    section = (ROOT / "README.md").read_text().split("## Use from Python", 1)[1].split("\n## ", 1)[0]
    (plan,) = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)
    (program,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    return plan, program


def test_the_lines_of_the_readme_do_what_it_says(tmp_path: Path) -> None:
    """In an interpreter of its own, in a folder with nothing else; ten lines are enough."""
    plan, program = readme_blocks()
    assert len([line for line in program.splitlines() if line.strip()]) <= 10
    (tmp_path / "hello.yaml").write_text(plan)
    (tmp_path / "program.py").write_text(program)
    command = [sys.executable, "-W", "error", "program.py"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert (ran.stdout, ran.stderr) == ("succeeded {'said': 'Hello, Ada!'}\n", "")
    with Reader.open(tmp_path / "runs.db") as reader:
        (run,) = reader.run(queries.runs_page())
    assert (run.status, run.plan_id, run.params) == (RunStatus.SUCCEEDED, "hello", {"name": "Ada"})


def plan_file(folder: Path, text: str) -> Path:
    path = folder / "plan.yaml"
    path.write_text(text)
    return path


async def test_runs_go_side_by_side_in_one_file(tmp_path: Path) -> None:
    """Each meets the other inside a tool: neither waits for the other's end."""
    met = asyncio.Barrier(2)

    async def meet(who: str) -> str:
        async with asyncio.timeout(30):
            await met.wait()
        return who

    plan = plan_file(
        tmp_path,
        """
plan_id: meet
params: {who: {type: string}}
steps: [{id: meet, step_def: {type: tool, tool: meet, args: {who: "{params.who}"}}}]
compose: {who: "{meet.data}"}
""",
    )
    async with open_engine(tmp_path / "runs.db", tools={"meet": meet}) as engine:
        outcomes = await asyncio.gather(*(engine.run(plan, params={"who": who}) for who in ("ann", "bob")))
    assert [outcome.composed for outcome in outcomes] == [{"who": "ann"}, {"who": "bob"}]


async def test_a_failing_plan_is_an_outcome(tmp_path: Path) -> None:
    async def burst() -> None:
        raise LookupError("no such host")

    plan = plan_file(tmp_path, "plan_id: p\nsteps: [{id: b, step_def: {type: tool, tool: burst}}]")
    async with open_engine(tmp_path / "runs.db", tools={"burst": burst}) as engine:
        outcome = await engine.run(plan)
    assert outcome.status is RunStatus.FAILED
    assert outcome.first_cause is not None
    assert "no such host" in str(outcome.first_cause["message"])


async def test_a_tool_that_nobody_gave_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    plan = plan_file(
        tmp_path,
        """
plan_id: p
steps:
  - {id: lost, step_def: {type: tool, tool: gret}, on_failure: continue}
  - {id: after, depends_on: [lost], command: echo, args: ["{lost.status}", "{lost.reason}"]}
compose: {said: "{after.data}"}
""",
    )

    async def greet() -> None:
        """Never called."""

    async with open_engine(tmp_path / "runs.db", tools={"greet": greet}) as engine:
        outcome = await engine.run(plan)
    assert outcome.composed == {"said": "failed tool_missing"}
    with Reader.open(tmp_path / "runs.db") as reader:
        step = reader.run(queries.step_by_id(outcome.run_id, "lost"))
        (remarks,) = [one for one in reader.run(queries.stage_remarks(outcome.run_id)) if one.stage == "validate"]
    assert step is not None
    assert "did you mean 'greet'" in step.message
    assert any("no tool 'gret'; did you mean 'greet'" in warning for warning in remarks.warnings)


async def test_a_cancelled_task_cancels_its_run_and_runs_finally(tmp_path: Path) -> None:
    reached = asyncio.Event()

    async def hang() -> None:
        reached.set()
        await asyncio.Event().wait()

    plan = plan_file(
        tmp_path,
        """
plan_id: p
steps: [{id: hang, step_def: {type: tool, tool: hang}}]
finally: [{id: tidy, command: touch, args: [tidied]}]
""",
    )
    async with open_engine(tmp_path / "runs.db", tools={"hang": hang}) as engine:
        task = asyncio.create_task(engine.run(plan, workdir=tmp_path, run_id="ab" * 16))
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert (tmp_path / "tidied").exists()
    with Reader.open(tmp_path / "runs.db") as reader:
        run = reader.run(queries.run_by_id("ab" * 16))
    assert run is not None
    assert run.status is RunStatus.CANCELED


async def test_a_tool_that_would_hold_up_the_loop_is_refused_at_once(tmp_path: Path) -> None:
    def blocking() -> None:
        """Not asynchronous."""

    with pytest.raises(InputError, match="not asynchronous"):
        async with open_engine(tmp_path / "runs.db", tools={"blocking": blocking}):  # type: ignore[dict-item]
            pass
    assert not (tmp_path / "runs.db").exists()


async def test_what_cannot_be_used_writes_nothing(tmp_path: Path) -> None:
    plan = plan_file(tmp_path, "plan_id: p\nparams: {n: {type: integer}}\nsteps: [{id: a, command: 'true'}]")
    async with open_engine(tmp_path / "runs.db") as engine:
        with pytest.raises(InputError):
            await engine.run(tmp_path / "missing.yaml")
        with pytest.raises(InputError):
            await engine.run(plan, params={"n": "three"})
    with Reader.open(tmp_path / "runs.db") as reader:
        assert reader.run(queries.runs_page()) == []


FIRST = "{id: first, step_def: {type: file, action: write, path: done, content: x}}"


@pytest.mark.parametrize(
    ("called", "told"),
    [
        ("./faulty.yaml", "./faulty.yaml has 1 fault: {nope.data}: there is no 'nope'"),
        ("./absent.yaml", "./absent.yaml: there is no such file"),
        ("nobody_knows_it", "nobody_knows_it: there is no plan named 'nobody_knows_it'"),
        ("./wants.yaml", "./wants.yaml needs the parameter word"),
        ("./plan.yaml", "the plan runs itself: plan.yaml -> plan.yaml"),
    ],
)
async def test_what_a_plan_runs_is_checked_before_it_begins(tmp_path: Path, called: str, told: str) -> None:
    """As by the commands: at the place of the step, with nothing run and nothing recorded."""
    (tmp_path / "faulty.yaml").write_text('plan_id: f\nsteps: [{id: c, command: echo, args: ["{nope.data}"]}]')
    (tmp_path / "wants.yaml").write_text(f"plan_id: w\nparams: {{word: {{required: true}}}}\nsteps: [{FIRST}]")
    plan = plan_file(
        tmp_path,
        f"plan_id: top\nsteps:\n- {FIRST}\n- {{id: sub, step_def: {{type: plan, plan: {called}}}, depends_on: [first]}}",
    )
    async with open_engine(tmp_path / "runs.db") as engine:
        with pytest.raises(PlanError) as refused:
            await engine.run(plan, workdir=tmp_path)
    (fault,) = refused.value.faults
    assert (fault.message.startswith(told), fault.line) == (True, 4), fault.message
    assert not (tmp_path / "done").exists()
    with Reader.open(tmp_path / "runs.db") as reader:
        assert reader.run(queries.runs_page()) == []


async def test_plans_with_names_are_checked_where_the_program_keeps_them(tmp_path: Path) -> None:
    """Found by its own way of looking, and run."""
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "mine.yaml").write_text(f"plan_id: mine\nsteps: [{FIRST}]")
    plan = plan_file(tmp_path, "plan_id: top\nsteps: [{id: sub, step_def: {type: plan, plan: mine}}]")
    async with open_engine(tmp_path / "runs.db", locate=lambda name: kept / f"{name}.yaml") as engine:
        outcome = await engine.run(plan, workdir=tmp_path)
    assert (outcome.status, (tmp_path / "done").exists()) == (RunStatus.SUCCEEDED, True)

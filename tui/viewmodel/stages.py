"""What went in and came out of a stage, as what two panels show. The steps among it are in step_nodes.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.states import Stage, StageStatus
from tui.viewmodel.palette import Role
from tui.viewmodel.step_nodes import ordered, steps_node
from tui.viewmodel.text import Span
from tui.viewmodel.words import count, plural

if TYPE_CHECKING:
    from engine.model.json import JsonObject
    from tui.viewmodel.json_nodes import Node, Path
    from tui.viewmodel.run_picture import RunPicture
    from tui.viewmodel.runs import Moment
    from tui.viewmodel.step_nodes import KnownSteps
    from tui.viewmodel.text import Line


class Ordered:
    """The last object that was put in order: what is read anew while a run goes on is mostly the same one, and can be large."""

    __slots__ = ("_members", "_value")

    def __init__(self) -> None:
        self._value: JsonObject | None = None
        self._members: dict[str, Node] = {}

    def of(self, value: JsonObject, first: tuple[str, ...]) -> dict[str, Node]:
        """The members of an object with the telling ones first."""
        if self._value is not value:
            self._value, self._members = value, ordered(value, first)
        return self._members


class StageNodes:
    """What went into a stage and came out of it, as nodes. Asked again, it makes anew only what is another."""

    def __init__(self) -> None:
        self._given, self._gave = Ordered(), Ordered()
        self._steps: KnownSteps = {}
        self._of: tuple[str, int] | None = None

    def input(self, picture: RunPicture) -> Node:
        """What went into the stage, the telling parts first."""
        if picture.input is None:
            return None
        return self._given.of(picture.input, ("params", "applied_assets", "previous_output"))

    def output(self, picture: RunPicture, moment: Moment) -> Node:
        """What came out of the stage, its result first. The steps of `execute` are there while they run, with their states."""
        rest = {} if picture.output is None else self._gave.of(picture.output, ("result", "references"))
        if picture.stage is not Stage.EXECUTE:
            return None if picture.output is None else rest
        if not picture.steps and picture.output is None:
            return None
        if self._of != (picture.run.run_id, picture.pass_index):
            self._of = (picture.run.run_id, picture.pass_index)
            self._steps.clear()
        steps: dict[str, Node] = {"result": steps_node(picture, moment, self._steps)}
        return {**steps, **{key: node for key, node in rest.items() if key != "result"}}


def output_reference(stage: Stage, path: Path) -> Path:
    """Where a plan finds what is at `path` of a stage's output: the results of steps by the step, the answer under `compose`."""
    if path[:1] != ("result",) or len(path) < 2:
        return path
    if stage is Stage.EXECUTE:
        return path[1:]
    return ("compose", *path[1:]) if stage is Stage.COMPOSE else path


def input_reference(stage: Stage, path: Path) -> Path:
    """The same for a stage's input: what came before it is the output of the stage before."""
    if path[:1] != ("previous_output",) or len(path) < 2:
        return path
    if stage is Stage.COMPOSE:
        return path[1:]
    return ("compose", *path[1:]) if stage is Stage.PRESENT else path


def step_at(picture: RunPicture, path: Path | None) -> str | None:
    """The id of the step that a path of the output goes through, None where it goes through none."""
    if picture.stage is not Stage.EXECUTE or path is None or len(path) < 2 or path[0] != "result":
        return None
    return str(path[1]) if any(step.step_id == path[1] for step in picture.steps) else None


def searched_words(picture: RunPicture) -> str:
    """` in 200 of 1,200 steps`: of what a search speaks while there are steps that it has not seen."""
    return f" in {count(len(picture.steps))} of {plural(picture.run.steps_total, 'step')}"


def panel_facts(node: Node) -> Line:
    """What a panel's heading says of its value."""
    return (Span(plural(len(node), "key"), Role.DIM),) if isinstance(node, dict) else ()


def pass_facts(picture: RunPicture) -> Line:
    """Which pass is looked at, where there are several: `pass 0, last 2`."""
    last = picture.run.pass_index
    if not last:
        return ()
    if picture.pass_index == last:
        return (Span(f"pass {last}", Role.DIM),)
    return (Span(f"pass {picture.pass_index}, last {last}", Role.WARNING, bold=True),)


def empty_input(picture: RunPicture) -> str:
    """What stands in the input's place while there is none."""
    if picture.pass_index != picture.run.pass_index:
        return f"{picture.stage.value} is in no earlier pass: another plan followed"
    return f"{picture.stage.value} has not started" + ("" if picture.is_running else "; the run ended before it")


def empty_output(picture: RunPicture) -> str:
    """What stands in the output's place while there is none."""
    row = picture.stages.get(picture.stage)
    if row is None or row.status is StageStatus.PENDING:
        if picture.pass_index != picture.run.pass_index:
            return "another plan followed before this stage"
        return "no output" if not picture.is_running else "comes when the stage has run"
    if picture.engine_lost:
        return "the engine was lost before this stage ended"
    return "the stage is running" if row.status is StageStatus.RUNNING else "the stage gave no output"

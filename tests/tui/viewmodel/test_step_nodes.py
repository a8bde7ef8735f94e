"""Steps as nodes of a JSON tree."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from typing import TYPE_CHECKING

from tests.tui.samples import NOW_US
from tests.tui.viewmodel.pictures import NOW, RUNNING
from tests.tui.viewmodel.rows import step_row
from tests.tui.viewmodel.test_json_tree import text_of, tree_of
from tui.viewmodel.json_lines import row_aside
from tui.viewmodel.json_nodes import Branch, Node
from tui.viewmodel.json_tree import JsonTree
from tui.viewmodel.runs import Moment
from tui.viewmodel.stages import StageNodes
from tui.viewmodel.text import plain

if TYPE_CHECKING:
    from engine.model.json import JsonObject
    from tui.viewmodel.run_picture import RunPicture


def test_the_output_of_execute_is_its_steps_with_state_and_time() -> None:
    """Readable while they run; a step's result is read when it is unfolded."""
    tree = tree_of(StageNodes().output(RUNNING, NOW), budget=30)
    assert text_of(tree) == [
        "▾ result  {7 steps}",
        "  ▸ primary      ✓ SUCCEEDED",
        "  ▸ ping         ✗ FAILED     3 attempts  timed out after 10 s",
        "  ▸ wait_for_it  ● RUNNING",
        "  ▸ last         · PENDING",
        "  ▸ …  3 more steps",
    ]
    assert [plain(row_aside(row)) for row in tree.rows] == ["", "31ms", "31ms", "1.0s", "", ""]
    assert tree.unfold(("result", "primary")) == [("step", "primary", None, "succeeded", 1, "")]


def test_a_step_whose_engine_is_gone_is_lost() -> None:
    """It does not pretend to run."""
    tree = JsonTree()
    tree.replace(StageNodes().output(replace(RUNNING, engine_lost=True), NOW), budget=30)
    assert "✗ LOST" in text_of(tree)[3]


def test_what_a_step_says_is_made_anew_only_where_it_says_something_else() -> None:
    """The time of one that runs goes on; what has ended stays, until it is another."""
    nodes = StageNodes()
    document: JsonObject = {"stage": "execute", "orchestration_trace": {"steps": [1, 2]}}
    picture = replace(RUNNING, input=document, output=document)
    later = Moment(NOW_US + 2_000_000, UTC)
    first, second = (_steps(nodes, picture, moment) for moment in (NOW, later))
    assert [key for key in first if first[key] is second[key]] == ["primary", "ping", "last"]
    tree = tree_of(nodes.output(picture, later), budget=30)
    assert plain(row_aside(tree.rows[3])) == "3.0s"
    assert nodes.input(picture) is nodes.input(picture)
    ended = replace(picture, steps=(step_row("primary"), step_row("ping"), step_row("wait_for_it"), step_row("last")))
    third = _steps(nodes, ended, later)
    assert [key for key in second if second[key] is third[key]] == ["primary"]
    lost = _steps(nodes, replace(picture, engine_lost=True), later)
    assert "✗ LOST" in text_of(tree_of({"result": lost}, budget=30))[3]


def _steps(nodes: StageNodes, picture: RunPicture, moment: Moment) -> dict[str, Node]:
    output = nodes.output(picture, moment)
    assert isinstance(output, dict)
    steps = output["result"]
    assert isinstance(steps, Branch)
    assert isinstance(steps.content, dict)
    return {key: node for key, node in steps.content.items() if key != "…"}

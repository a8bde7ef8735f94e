"""Steps as nodes of a JSON tree."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from typing import TYPE_CHECKING

import pytest

from engine.model.states import Reason, StepStatus
from store.queries import Source
from store.rows import AttemptRow
from tests.tui.samples import NOW_US
from tests.tui.viewmodel.pictures import NOW, RUNNING
from tests.tui.viewmodel.rows import step_row
from tests.tui.viewmodel.test_json_tree import text_of, tree_of
from tui.viewmodel.json_lines import row_aside
from tui.viewmodel.json_nodes import Branch, Node
from tui.viewmodel.json_tree import JsonTree
from tui.viewmodel.runs import Moment
from tui.viewmodel.stages import StageNodes
from tui.viewmodel.step_nodes import step_detail
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


def test_a_reused_step_says_whose_result_it_is_where_others_say_how_long_they_took() -> None:
    """Another run's, or that of an earlier pass; where that is not known, that it is reused."""
    steps = (*(step_row(name, reason=Reason.REUSED) for name in ("build", "check", "sign")), step_row("test"))
    sources = {"build": Source("7f3a91" + "f" * 26, 0), "check": Source(RUNNING.run.run_id, 2)}
    nodes = StageNodes()
    tree = tree_of(nodes.output(replace(RUNNING, steps=steps), NOW), budget=30)
    assert [plain(row_aside(row)) for row in tree.rows[1:4]] == ["reused"] * 3
    tree = tree_of(nodes.output(replace(RUNNING, steps=steps, reused=sources), NOW), budget=30)
    assert [plain(row_aside(row)) for row in tree.rows[1:5]] == [
        "reused from 7f3a91", "reused from pass 2", "reused", "31ms",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("measured_us", "took_us", "said"),
    [(7_600, 2_400, "2ms"), (2_000, 2_400, "2ms"), (5_000, None, "5ms"), (None, None, "9ms"), (None, 8_000, "8ms")],
)
def test_an_attempt_says_what_was_measured_and_never_more_than_its_step(
    measured_us: int | None, took_us: int | None, said: str
) -> None:
    """The moments are those at which its begin and its end were written down."""
    finished: JsonObject = {"duration_us": measured_us}
    attempt = AttemptRow("r", 0, "ci", None, 1, StepStatus.SUCCEEDED, None, 0, NOW_US - 9_600, NOW_US, {}, finished)
    (node,) = _attempts(step_detail(None, [attempt], NOW, took_us=took_us))
    assert isinstance(node, Branch)
    assert plain(node.aside) == said


def _attempts(detail: dict[str, Node]) -> list[Node]:
    attempts = detail["attempts"]
    assert isinstance(attempts, list)
    return attempts


def _steps(nodes: StageNodes, picture: RunPicture, moment: Moment) -> dict[str, Node]:
    output = nodes.output(picture, moment)
    assert isinstance(output, dict)
    steps = output["result"]
    assert isinstance(steps, Branch)
    assert isinstance(steps.content, dict)
    return {key: node for key, node in steps.content.items() if key != "…"}

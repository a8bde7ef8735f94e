"""Steps as nodes of a JSON tree."""

from __future__ import annotations

from dataclasses import replace

from tests.tui.viewmodel.pictures import NOW, RUNNING
from tests.tui.viewmodel.test_json_tree import text_of, tree_of
from tui.viewmodel.json_lines import row_aside
from tui.viewmodel.json_tree import JsonTree
from tui.viewmodel.stages import output_node
from tui.viewmodel.text import plain


def test_the_output_of_execute_is_its_steps_with_state_and_time() -> None:
    """Readable while they run; a step's result is read when it is unfolded."""
    tree = tree_of(output_node(RUNNING, NOW), budget=30)
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
    tree.replace(output_node(replace(RUNNING, engine_lost=True), NOW), budget=30)
    assert "✗ LOST" in text_of(tree)[3]

"""What stands in the place of what a stage was given and gave."""

from __future__ import annotations

from dataclasses import replace

from engine.model.states import Stage
from tests.tui.viewmodel.pictures import RUNNING
from tui.viewmodel.stages import empty_output


def test_a_stage_that_has_not_run_says_when_its_output_comes() -> None:
    """While the run goes on."""
    assert empty_output(replace(RUNNING, stage=Stage.COMPOSE)) == "comes when the stage has run"

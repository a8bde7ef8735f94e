"""Why there is no answer, for every state a run can be in."""

from __future__ import annotations

import pytest

from engine.model.states import PauseReason, RunStatus, Stage
from tests.tui.viewmodel.rows import run_row
from tui.viewmodel.final_answer import no_answer
from tui.viewmodel.run_picture import RunPicture
from tui.viewmodel.text import plain

_CAUSE = {"stage": "execute", "step_id": "ping", "message": "exit code 2"}


@pytest.mark.parametrize(
    ("changes", "said", "key"),
    [
        ({"status": RunStatus.FAILED, "first_cause": _CAUSE}, " ✗ no answer: the run failed at ping\n   ping: exit code 2", "w  why"),
        ({"status": RunStatus.FAILED, "stage": Stage.VALIDATE}, " ✗ no answer: the run failed at validate", "w  why"),
        ({"status": RunStatus.CANCELED}, " ⊘ no answer: the run was canceled", "w  why"),
        ({"status": RunStatus.RUNNING}, " ● no answer yet: the run is at execute", "4  what it writes"),
        ({"status": RunStatus.PAUSED, "pause_reason": PauseReason.APPROVAL}, " ‖ no answer yet: the run waits for", "3  what it asks for"),
        ({"status": RunStatus.PAUSED, "pause_reason": PauseReason.OPERATOR}, " ‖ no answer yet: the run is paused", "p  resume"),
        ({"status": RunStatus.QUARANTINED}, " ◆ no answer yet", "w  why"),
        ({"status": RunStatus.SUCCEEDED}, " · the run succeeded and has nothing to say", "1  its stages"),
    ],
)  # fmt: skip
def test_it_says_why_and_which_key_leads_on(changes: dict[str, object], said: str, key: str) -> None:
    """A sentence, its cause, a key."""
    text = "\n".join(plain(line) for line in no_answer(RunPicture(run_row(**changes)), 80))
    assert text.startswith(said)
    assert key in text
    assert all(len(line) <= 78 for line in text.splitlines())


def test_a_lost_engine_is_not_waited_for() -> None:
    """It will not come to an answer by itself."""
    text = plain(no_answer(RunPicture(run_row(), engine_lost=True), 80)[0])
    assert text == " ✗ no answer: the engine was lost before the run came to one"

"""What `opscope cancel` says of runs that no engine carries on. How it acts on those that one does is test_host_control's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from engine.model.states import RunStatus
from store.queries import run_by_id
from store.reader import Reader
from tests.tui.commands.hosts import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tui.commands.conftest import Cli

LEFT_ALONE = """
plan_id: left_alone
globals: {breaker: {failures: 2, cooldown_sec: 300}}
steps:
  - {id: first, command: "false", retries: 1, backoff: {initial_sec: 0}, on_failure: continue}
  - {id: deploy, critical: true, command: "false", depends_on: [first]}
finally: [{id: clean, command: touch, args: [cleaned]}]
"""


@pytest.mark.parametrize(
    ("words", "cleaned"), [((), True), (("--force",), False)], ids=["with its finally", "by force"]
)
def test_a_quarantined_run_is_told_as_one(cli: Cli, home: Path, words: tuple[str, ...], cleaned: bool) -> None:
    """It lost no engine: somebody was to decide about a step whose tool is left alone."""
    (home / "plan.yaml").write_text(LEFT_ALONE)
    assert cli("run", "-q", "./plan.yaml").code == 3
    run_id = json.loads(cli("runs", "--json").out)[0]["run_id"]
    answer = cli("cancel", run_id, *words)
    assert answer.code == 0, answer.err
    told = " ".join(answer.out.split())
    assert told == (
        f"run {run_id[:6]} was quarantined: step deploy is critical, and the breaker of the tool is open; "
        f"a new engine cancels it{' and runs its `finally`' if cleaned else ''}"
    )

    def is_canceled() -> bool:
        with Reader.open(home / "state" / "opscope" / "opscope.db") as reader:
            row = reader.run(run_by_id(run_id))
        return row is not None and row.status is RunStatus.CANCELED

    until(is_canceled, "it is canceled")
    assert (home / "cleaned").exists() is cleaned

"""The Stages tab and the Why screen on a real run: items, a sub-plan, a kept result, an exception folded to its first line."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
import yaml

from store.embedding import open_engine
from tests.tui.conftest import opened, press
from tui.app import Inspector
from tui.places import RunPlace
from tui.widgets.json_view import JsonView

if TYPE_CHECKING:
    from pathlib import Path

    from engine.model.json import Json, JsonObject


@pytest.fixture
async def kinds(tmp_path: Path) -> tuple[Path, str]:
    """A file with a run, and the run's id."""
    (tmp_path / "mod.py").write_text('def fail():\n    {}["x"]\n')
    (tmp_path / "child.yaml").write_text("plan_id: child\nsteps: [{id: one, command: 'true'}]\n")
    python: JsonObject = {"type": "python", "callable": "mod:fail", "interpreter": sys.executable}
    steps: list[Json] = [
        {"id": "agg", "on_failure": "continue", "step_def": python},
        {"id": "sub", "step_def": {"type": "plan", "plan": "./child.yaml"}},
        {"id": "fine", "for_each": ["x", "y"], "command": "echo", "args": ["{item}"]},
        {
            "id": "hosts", "for_each": ["web", "db"], "command": "sh", "depends_on": ["agg", "sub", "fine"],
            "args": ["-c", "test $1 = web || { echo $1 is down >&2; exit 5; }", "sh", "{item}"],
        },
    ]  # fmt: skip
    plan = tmp_path / "plan.yaml"
    plan.write_text(yaml.safe_dump({"plan_id": "kinds", "steps": steps}))
    async with open_engine(tmp_path / "runs.db") as engine:
        outcome = await engine.run(plan)
    return tmp_path / "runs.db", outcome.run_id


def unfolding(app: Inspector, key: str) -> list[str]:
    """The keys from the step `hosts`, or from the items below it, to this row of its, and into it."""
    view = app.screen.query_one("#output JsonView", JsonView)
    keys = [row.key for row in view.document.rows]
    return ["j"] * (keys.index(key) - view.cursor) + ["enter"]


async def test_what_each_kind_of_step_came_to(kinds: tuple[Path, str]) -> None:
    """Heads say items and child runs; items and calls are there when they are unfolded, and not before."""
    database, run_id = kinds
    app = Inspector(database, place=RunPlace(run_id))
    async with opened(app, (160, 60)) as pilot:
        text = app.export_text()
        assert "{4 steps}" in text
        assert "fine   ✓ SUCCEEDED  2 items" in text
        assert "sub    ✓ SUCCEEDED  run " in text
        assert "1 of 2 items failed" in text
        assert "#1 db" not in text
        await press(pilot, "j", "enter")
        text = app.export_text()
        assert "KeyError: 'x'" in text
        assert "mod.py:2 in fail" not in text, "the calls are folded"
        await press(pilot, "E")
        await press(pilot, "w")
        text = app.export_text()
        assert "2 of 2" not in text
        assert "1 of 2 items of hosts failed; 1 succeeded" in text
        assert "#1 db: exit 5: db is down" in text
        assert "hosts[1] wrote to stderr" in text


async def test_items_are_unfolded_with_what_they_wrote(kinds: tuple[Path, str]) -> None:
    """One by one, each read when it is wanted."""
    database, run_id = kinds
    app = Inspector(database, place=RunPlace(run_id))
    async with opened(app, (160, 60)) as pilot:
        await press(pilot, "j", "j", "j", "j", "enter")
        text = app.export_text()
        assert "items  2 items, 1 failed" in text
        assert "attempts  [" not in text, "a step with items has none of its own"
        await press(pilot, *unfolding(app, "items"))
        assert "#0 web  ✓ SUCCEEDED" in app.export_text()
        assert '"db is down' not in app.export_text()
        await press(pilot, *unfolding(app, "#1 db"))
        assert '"db is down' in app.export_text()

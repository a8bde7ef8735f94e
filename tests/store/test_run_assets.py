"""Assets of runs that a program asks for: found in its file, set for one run, and kept there when they came with opscope."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from engine.errors import InputError, PlanError
from engine.model.asset import AssetType, parse_reference
from engine.model.states import RunMode, RunStatus
from store.assets.registry import NewContent, Registry
from store.embedding import open_engine
from store.queries import applied_assets_of, run_by_id
from store.reader import Reader
from store.run_assets import RunAssets

if TYPE_CHECKING:
    from pathlib import Path

PLAN = """\
plan_id: p
assets: {words: source/words}
steps: [{id: a, command: echo, args: ["{assets.words}"]}]
compose: {said: "{a.data}"}
"""


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """A plan that says what an asset holds."""
    path = tmp_path / "p.yaml"
    path.write_text(PLAN)
    return path


async def test_a_program_sets_versions_for_one_run(tmp_path: Path, plan: Path) -> None:
    """The run is a test, and the next one uses what is published."""
    database = tmp_path / "runs.db"
    async with open_engine(database) as engine:
        words = parse_reference("source/words").name
        registry = Registry(database, "tester")
        registry.add(NewContent(words, "text/plain", "old"), publish=True)
        registry.add(NewContent(words, "text/plain", "new"))
        as_test = await engine.run(plan, overrides=["source/words@2"])
        usual = await engine.run(plan)
    assert [(one.status, one.composed) for one in (as_test, usual)] == [
        (RunStatus.SUCCEEDED, {"said": "new"}),
        (RunStatus.SUCCEEDED, {"said": "old"}),
    ]
    with Reader.open(database) as reader:
        rows = [reader.run(run_by_id(one.run_id)) for one in (as_test, usual)]
        assert [row.mode for row in rows if row is not None] == [RunMode.TEST, RunMode.NORMAL]
        used = reader.run(applied_assets_of(as_test.run_id))
        assert used == reader.run(applied_assets_of(as_test.run_id, 3)), "a later pass keeps them"
    assert used["words"] == {  # of the draft
        "ref": "source/words@2",
        "sha256": "11507a0e2f5e69d5dfa40a62a1bd7b6ee57e6bcd85c67c9b8431b36fff21c437",
        "source": "override",
    }


@pytest.mark.parametrize("override", ["source/words", "sourc/words@1", "source/other@1", "source/words@7"])
async def test_what_a_program_cannot_set_leaves_no_run(tmp_path: Path, plan: Path, override: str) -> None:
    """Nor does an asset that is not there, or one that cannot be read."""
    database = tmp_path / "runs.db"
    words = parse_reference("source/words").name
    async with open_engine(database) as engine:
        with pytest.raises(InputError, match="source/words"):
            await engine.run(plan)
        Registry(database, "tester").add(NewContent(words, "text/plain", "old"), publish=True)
        with pytest.raises(InputError):
            await engine.run(plan, overrides=[override])
        Registry(database, "tester").add(NewContent(words, "application/json", "{"), publish=True)
        with pytest.raises(PlanError, match="source/words@2"):
            await engine.run(plan)
    with sqlite3.connect(database) as connection:
        assert connection.execute("select count(*) from runs").fetchone() == (0,)


async def test_what_came_with_opscope_and_is_used_is_kept_in_the_file(tmp_path: Path) -> None:
    """Whole, once, and found there exactly ever after."""
    database, nowhere = tmp_path / "runs.db", tmp_path / "nothing shipped"
    async with open_engine(database):
        assets = RunAssets(database, "tester")
        found = await assets.resolve(parse_reference("query/ci-lookup"))
        assert await assets.resolve(parse_reference("query/ci-lookup@1")) is not None
        later = RunAssets(database, "tester", shipped=nowhere)
        assert (await later.exact(found.ref, found.sha256)).content == found.content
    with sqlite3.connect(database) as connection:
        kept = connection.execute("select type, count(*) from asset_versions group by type, name").fetchall()
    assert kept == [(AssetType.QUERY.value, 3)]

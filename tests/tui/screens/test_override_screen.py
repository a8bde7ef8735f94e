"""The Override screen with real runs, by its keys: from `o` to the run that has ended, and what stands in the way."""

from __future__ import annotations

import asyncio
import json
import shlex
import shutil
from typing import TYPE_CHECKING, TypeVar

import pytest
from textual.screen import Screen
from textual.widgets import Input

from engine.model.asset import AssetName, AssetType
from engine.model.states import RunMode, RunStatus
from store.assets.registry import NewContent, Registry
from store.queries import children_of, last_run
from store.reader import Reader
from tests.tui.commands.hosts import ROOT, Hosts
from tests.tui.conftest import opened, press, rest
from tests.tui.corpus import EVIL
from tests.tui.screens.test_injection import assert_only_text
from tui.app import Inspector
from tui.places import ComparePlace, RunPlace
from tui.screens.compare import CompareScreen
from tui.screens.override import OverrideScreen
from tui.screens.run import RunScreen
from tui.screens.runs import RunsScreen
from tui.viewmodel.tabs import Tab
from tui.widgets.dialogue import Question
from tui.widgets.edit_line import EditLine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from textual.pilot import Pilot

    from store.rows import RunRow

pytestmark = pytest.mark.sampled(one_in=6, of_file=True)

WIDE = (120, 40)
S = TypeVar("S", bound=Screen[None])


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    """A file with one run of the shipped plan, for looking only."""
    home = tmp_path_factory.mktemp("lookup")
    made = Hosts(home, home / "runs.db")
    try:
        done = made.call("run", "-q", "ci_lookup", "-p", "host=db-03")
        assert done.returncode == 0, done.stderr
        yield made
    finally:
        made.end_everything()


@pytest.fixture
def hosts(kept: Hosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hosts]:
    """A copy of it that runs can be added to; whatever is left of them is ended after the test."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    made = Hosts(tmp_path, tmp_path / "runs.db")
    shutil.copyfile(kept.database, made.database)
    try:
        yield made
    finally:
        made.end_everything()


def newest(hosts: Hosts) -> RunRow:
    with Reader.open(hosts.database) as reader:
        row = reader.run(last_run())
    assert row is not None
    return row


async def seen(pilot: Pilot[int], text: str) -> str:
    """Wait until it is on the screen."""
    app: Inspector = pilot.app  # type: ignore[assignment]
    async with asyncio.timeout(30):
        while text not in app.export_text():
            await rest(pilot)
    return app.export_text()


def shown(app: Inspector, kind: type[S]) -> S:
    """The screen that is looked at, which is of this kind."""
    assert isinstance(app.screen, kind)
    return app.screen


async def write(pilot: Pilot[int], text: str) -> None:
    """Put a text where something is typed."""
    pilot.app.screen.query_one(EditLine).query_one(Input).value = text
    await rest(pilot)


def section(app: Inspector, line: str) -> str:
    """The line of the screen that has this in it."""
    return next(one for one in app.export_text().split("\n") if line in one)


async def test_from_the_key_to_the_run_with_another_version_and_on_to_the_comparison(hosts: Hosts) -> None:
    """Versions, difference, choice, reason, question, the run as it goes, and the way to the comparison when it is over."""
    source = newest(hosts)
    short = source.run_id[:6]
    app = Inspector(hosts.database)
    async with opened(app, WIDE) as pilot:
        await press(pilot, "o")
        text = app.export_text()
        assert f"{short} ci-lookup › run again" in text
        assert "nothing changed yet" in text
        assert "all 7 steps run again, nothing is reused" in text
        await press(pilot, "enter")
        text = app.export_text()
        assert "@2   ✓ PUBLISHED   used here, newest" in text
        assert "@3   · DRAFT" in text
        assert "─ DIFFERENCE @2 → @3 " in text
        assert "--- A host by its name, in any case, or by its address." in text
        await press(pilot, "j")
        assert "DIFFERENCE @2, its content" in app.export_text()
        await press(pilot, "k", "enter")
        text = app.export_text()
        assert "query/ci-lookup          @2 → @3  OVERRIDE" in text
        assert "TEST RUN  1 change" in text
        assert "assets.lookup changed @2" in text
        await press(pilot, "G", "k", "enter")
        await write(pilot, "is it the query")
        await press(pilot, "enter", "y")
        command = app.clipboard
        assert command == f"opscope rerun {source.run_id[:12]} --override query/ci-lookup@3 --reason 'is it the query'"
        await press(pilot, "G", "enter")
        asked = " ".join(app.export_text().split())
        assert (
            f"Run {short} ci-lookup again as a test, with assets.lookup: query/ci-lookup@2 → query/ci-lookup@3?"
            in asked
        )
        await press(pilot, "q", "n")
        assert newest(hosts).run_id == source.run_id
        await press(pilot, "r", "y")
        shown(app, RunScreen)
        await seen(pilot, f"c compare with {short}")
        made = newest(hosts)
        assert shown(app, RunScreen).run_id == made.run_id
        assert "reason: is it the query" in section(app, "TEST RUN")
        assert (made.status, made.mode, made.source_run_id) == (RunStatus.SUCCEEDED, RunMode.TEST, source.run_id)
        assert (made.reason, made.changes) == (
            "is it the query",
            ("assets.lookup: query/ci-lookup@2 → query/ci-lookup@3",),
        )
        await press(pilot, "c")
        shown(app, CompareScreen)
        assert shown(app, CompareScreen).place == ComparePlace((made.run_id,), (source.run_id,))
        await press(pilot, "escape")
    by_command = hosts.call(*shlex.split(command)[1:], "--yes", "--quiet")
    again = newest(hosts)
    assert (by_command.returncode, again.run_id != made.run_id) == (0, True)
    assert (again.mode, again.changes, again.reason) == (made.mode, made.changes, made.reason)
    told = hosts.call("show", made.run_id)
    assert "reason: is it the query" in " ".join(told.stdout.split())
    assert json.loads(hosts.call("show", made.run_id, "--json").stdout)["reason"] == "is it the query"


async def test_a_parameter_is_checked_while_it_is_typed_and_taken_back(hosts: Hosts) -> None:
    """What is wrong is said at the line, and enter does not take it; what is right shows what runs again."""
    app = Inspector(hosts.database)
    async with opened(app, WIDE) as pilot:
        await press(pilot, "o", *"jjjjjj", "enter")
        await write(pilot, "many")
        assert "✗ expected a whole number, found the text 'many'" in app.export_text()
        await press(pilot, "enter")
        assert app.screen.query_one(EditLine).is_open
        await write(pilot, "5")
        assert "✗" not in app.export_text()
        await press(pilot, "enter")
        text = app.export_text()
        assert "limit    15 → 5" in text
        assert "2 steps run again, 5 are reused" in text
        assert "↻ dependents  params.limit changed" in text
        await press(pilot, "k", "enter")
        await write(pilot, "db-04")
        await press(pilot, "enter")
        assert "2 changes" in app.export_text()
        await press(pilot, "x")
        assert "1 change" in app.export_text()
        await press(pilot, "X")
        assert "nothing changed yet" in app.export_text()
        await press(pilot, "x")
        assert "nothing is set on this line" in app.export_text()
        await press(pilot, "enter", "escape")
        shown(app, OverrideScreen)
        await press(pilot, "escape")
        shown(app, RunsScreen)


async def test_several_are_set_searched_for_and_narrowed_by_type(hosts: Hosts) -> None:
    """A search finds assets, parameters and steps; `t` goes through the types of the assets."""
    app = Inspector(hosts.database)
    async with opened(app, WIDE) as pilot:
        await press(pilot, "o", "slash")
        app.screen.query_one("#override-search Input", Input).value = "type:pol"
        await press(pilot, "enter")
        text = app.export_text()
        assert "policy/ci-lookup-gates" in text
        assert "query/ci-lookup" not in text
        await press(pilot, "enter")
        assert "@2   ✓ PUBLISHED" in app.export_text() or "@1   ✓ PUBLISHED" in app.export_text()
        await press(pilot, "escape", "escape", "t")
        assert "type policy, t shows more" in app.export_text()
        await press(pilot, "t")
        assert "query/ci-lookup-wide" in app.export_text()
        await press(pilot, "escape", "slash")
        app.screen.query_one("#override-search Input", Input).value = "brief"
        await press(pilot, "enter", "enter")
        assert "1 step runs again, 6 are reused" in app.export_text()
        await press(pilot, "escape")
        assert "▸ 7 steps  from brief on" in app.export_text()


async def test_o_on_a_step_begins_there_and_on_an_asset_at_the_asset(hosts: Hosts) -> None:
    """The step is set already, and only what depends on it runs again; the results of the others are taken over."""
    source = newest(hosts)
    app = Inspector(hosts.database, place=RunPlace(source.run_id, tab=Tab.ASSETS))
    async with opened(app, WIDE) as pilot:
        await press(pilot, "j", "j", "o", "enter")
        assert "VERSIONS " in app.export_text()
        shown(app, OverrideScreen)
        await press(pilot, "escape", "escape")
        shown(app, RunScreen)
        app.open_override(source.run_id, step_id="brief")
        await rest(pilot)
        text = app.export_text()
        assert "↻ brief       again, and all that depends on it" in text
        assert "1 step runs again, 6 are reused" in text
        await press(pilot, "r", "y")
        await seen(pilot, "c compare with")
    made = newest(hosts)
    assert (made.mode, made.changes) == (RunMode.NORMAL, ("from brief on",))
    document = json.loads(hosts.call("show", made.run_id, "--json").stdout)
    assert [step["id"] for step in document["steps"] if step["reused_from"] is None] == ["brief"]


async def test_o_in_groups_takes_the_step_under_the_cursor(hosts: Hosts) -> None:
    app = Inspector(hosts.database, place=RunPlace(newest(hosts).run_id, tab=Tab.GROUPS))
    async with opened(app, WIDE) as pilot:
        await press(pilot, "o")
        shown(app, OverrideScreen)
        assert len(shown(app, OverrideScreen).draft.from_steps) == 1


async def test_the_comparison_opens_by_itself_where_that_was_asked_for(hosts: Hosts) -> None:
    """Against the usual baseline, once, as soon as the run is over."""
    app = Inspector(hosts.database)
    async with opened(app, WIDE) as pilot:
        await press(pilot, "o", "G", "k", "k", "enter", "k", "enter")
        text = app.export_text()
        assert "with the usual baseline, the last 30 good runs" in text
        assert "the comparison opens by itself" in text
        await press(pilot, "r", "y")
        async with asyncio.timeout(30):
            while not isinstance(app.screen, CompareScreen):
                await rest(pilot)
        await rest(pilot)
        assert shown(app, CompareScreen).place == ComparePlace((newest(hosts).run_id,))


async def test_what_changed_since_it_was_shown_is_said_and_shown_again(hosts: Hosts) -> None:
    """A version that is published between the question and the answer is not used unseen."""
    source = newest(hosts)
    app = Inspector(hosts.database)
    async with opened(app, WIDE) as pilot:
        await press(pilot, "o", "G", "k", "k", "k", "k", "enter")
        assert "looked up anew, the newest published" in app.export_text()
        await press(pilot, "r")
        new = NewContent(
            AssetName(AssetType.QUERY, "ci-lookup"), "application/sql", "SELECT * FROM hosts WHERE name = :host"
        )
        changed = await asyncio.to_thread(Registry(hosts.database, "ana").add, new, publish=True)
        await press(pilot, "y")
        asked = " ".join(app.export_text().split())
        assert "Not run: the assets" in asked
        assert f"query/ci-lookup@2 → query/ci-lookup@{changed.version}" in asked
        assert newest(hosts).run_id == source.run_id
        await press(pilot, "y")
        await seen(pilot, "c compare with")
    assert f"assets.lookup: query/ci-lookup@2 → query/ci-lookup@{changed.version}" in newest(hosts).changes


async def test_r_runs_it_again_and_large_r_from_what_failed(hosts: Hosts) -> None:
    """One question each; where nothing failed that is said, and a run that goes on says what it waits for."""
    hosts.plan(
        "plan_id: flaky\nsteps:\n  - {id: one, command: echo}\n  - {id: two, command: sh, args: [-c, test -e ok], depends_on: [one]}\n"
    )
    assert hosts.call("run", "-q", str(hosts.home / "plan.yaml")).returncode == 1
    (hosts.home / "ok").touch()
    app = Inspector(hosts.database)
    async with opened(app, WIDE) as pilot:
        assert "r rerun  o override  c compare" in app.export_text()
        await press(pilot, "j", "R")
        assert "nothing in it failed" in app.export_text()
        await press(pilot, "k", "R")
        asked = " ".join(app.export_text().split())
        assert "flaky again from what failed on? 1 step runs again, 1 is reused" in asked
        await press(pilot, "n", "r")
        asked = " ".join(app.export_text().split())
        assert "flaky again? All 2 steps run again, nothing is reused" in asked
        assert "R runs again only what failed, and what comes after it." in asked
        await press(pilot, "y")
        shown(app, RunScreen)
        await seen(pilot, "c compare with")
    assert newest(hosts).status in (RunStatus.SUCCEEDED, RunStatus.FAILED)


async def test_what_cannot_be_repeated_says_why_where_it_was_tried(hosts: Hosts) -> None:
    """A step's own run leads to the run that it belongs to; a question without a plan and a folder that is gone are said."""
    hosts.plan("plan_id: below\nsteps: [{id: do, command: echo}]\n", "below.yaml")
    hosts.plan("plan_id: above\nsteps: [{id: part, step_def: {type: plan, plan: ./below.yaml}}]\n", "above.yaml")
    assert hosts.call("run", "-q", str(hosts.home / "above.yaml")).returncode == 0
    with Reader.open(hosts.database) as reader:
        parent = reader.run(last_run("above"))
        assert parent is not None
        child = reader.run(children_of(parent.run_id))[0][1]
    app = Inspector(hosts.database)
    async with opened(app) as pilot:
        app.open_override(child)
        await rest(pilot)
        text = app.export_text()
        assert f"it is step part of run {parent.run_id[:6]}, and is repeated with that" in text
        await press(pilot, "enter")
        shown(app, OverrideScreen)
        screen = shown(app, OverrideScreen)
        assert (screen.run_id, screen.draft.from_steps) == (parent.run_id, ("part",))
        await press(pilot, "escape")
    assert hosts.call("ask", "hello").returncode == 0
    assert hosts.call("import", str(ROOT / "sample_traces" / "host-triage.json")).returncode == 0
    with Reader.open(hosts.database) as reader:
        imported = reader.run(last_run("host-triage"))
        asked = reader.run(last_run("ask"))
    app = Inspector(hosts.database)
    async with opened(app) as pilot:
        for run, said in (
            (asked, "without a plan, so there is nothing to repeat"),
            (imported, "not there; it was imported"),
        ):
            assert run is not None
            app.open_override(run.run_id)
            await rest(pilot)
            assert said in " ".join(app.export_text().split())
            await press(pilot, "r", "enter", "escape")
            shown(app, RunsScreen)


async def test_a_run_that_goes_on_is_not_repeated_yet(live_database: Path) -> None:
    """Its keys are those that hold or end it; the others say what they wait for."""
    app = Inspector(live_database, follows=False)
    async with opened(app) as pilot:
        assert all(key in app.export_text() for key in ("x cancel", "p pause"))
        assert "r rerun" not in app.export_text()
        for key in "roR":
            await press(pilot, key)
            shown(app, RunsScreen)
        assert "it still goes on: a run is repeated once it is over" in " ".join(app.export_text().split())


async def test_with_readonly_nothing_is_run(hosts: Hosts) -> None:
    app = Inspector(hosts.database, read_only=True)
    async with opened(app) as pilot:
        for key in "orR":
            await press(pilot, key)
        shown(app, RunsScreen)
        assert not app.screen.query_one(Question).is_open
        assert "opened with --readonly" in " ".join(app.export_text().split())


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_nothing_on_it_is_more_than_text(hosts: Hosts, size: tuple[int, int]) -> None:
    """Contents and notes of versions, descriptions of parameters, reasons."""
    evil = " ".join(EVIL).replace("\x00", "")
    name = AssetName(AssetType.TEMPLATE, "note")
    for content in (evil, f"{evil}\n{evil}"):
        new = NewContent(name, "text/plain", content, note="[/nope][bold]EVIL")
        await asyncio.to_thread(Registry(hosts.database, "ana").add, new, publish=True)
    described = json.dumps(f"{evil} [@click=app.quit]x[/]")
    hosts.plan(
        json.dumps(
            {
                "plan_id": "evil",
                "assets": {"note": "template/note"},
                "params": {"word": {"type": "string", "default": "[red]w", "description": json.loads(described)}},
                "steps": [{"id": "one", "command": "echo", "args": ["{params.word}"]}],
            }
        ),
        "evil.json",
    )
    assert hosts.call("run", "-q", str(hosts.home / "evil.json")).returncode == 0
    app = Inspector(hosts.database)
    async with opened(app, size) as pilot:
        for key in ("o", "enter", "j", "enter", "j", "enter"):
            await press(pilot, key)
            assert_only_text(app)
        await write(pilot, "[bold]\x1b]52;c;RVZJTA==\x07")
        assert_only_text(app)
        await press(pilot, "enter", "r")
        assert_only_text(app)


def test_the_picture_of_it_is_made_without_a_terminal(kept: Hosts) -> None:
    done = kept.call("screenshot", "last", "--screen", "override", "--format", "text")
    assert "lookup   query/ci-lookup          @2    newest published" in done.stdout, done.stderr


SWITCHED = """\
plan_id: switched
params: {fast: {type: boolean, default: false}}
steps:
  - {id: prep, command: "true"}
  - {id: crunch, command: echo, args: ["{params.fast}"], depends_on: [prep]}
  - {id: each, command: "true", depends_on: [crunch]}
  - {id: check, command: "true", depends_on: [each]}
  - {id: tell, command: "true", depends_on: [check]}
  - {id: last, command: "true", depends_on: [tell]}
"""


async def test_enter_turns_a_parameter_and_what_is_below_the_edge_is_counted(hosts: Hosts, tmp_path: Path) -> None:
    """No text field for true or false; the heading counts the lines that do not fit, and says how they are reached."""
    plan = tmp_path / "switched.yaml"
    plan.write_text(SWITCHED)
    done = hosts.call("run", "-q", str(plan))
    assert done.returncode == 0, done.stderr
    app = Inspector(hosts.database)
    async with opened(app, (80, 20)) as pilot:
        await press(pilot, "o")
        assert "more line" not in app.export_text()
        assert "enter change" in app.export_text()
        await press(pilot, "enter")
        assert not app.screen.query_one(EditLine).is_open
        text = await seen(pilot, "params.fast changed")
        assert "false → true" in text
        assert shown(app, OverrideScreen).draft.params == {"fast": "true"}
        assert "2 more lines: tab, then j" in section(app, "WHAT HAPPENS")
        await press(pilot, "tab")
        assert "2 more lines: j" in section(app, "WHAT HAPPENS")
        await press(pilot, "j")
        assert "1 more line: j" in section(app, "WHAT HAPPENS")
        await press(pilot, "G")
        text = app.export_text()
        assert "more line" not in text
        assert "reused: prep" in text
        await press(pilot, "tab", "enter")
        await seen(pilot, "nothing is changed, so nothing is taken over")
        assert shown(app, OverrideScreen).draft.params == {}


async def test_one_is_asked_from_among_the_versions_too(hosts: Hosts) -> None:
    """And what is typed while the screen is still read is for what it will show."""
    app = Inspector(hosts.database)
    async with opened(app, WIDE) as pilot:
        await pilot.press("o", "enter")
        await rest(pilot)
        assert shown(app, OverrideScreen).has_class("-browsing")
        await press(pilot, "r")
        assert isinstance(app.focused, Question)
        await press(pilot, "escape")
        assert not app.screen.query_one(Question).is_open
        shown(app, OverrideScreen)

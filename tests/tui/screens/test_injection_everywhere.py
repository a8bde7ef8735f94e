"""Every screen there is, opened on runs whose every text is hostile, with its keys pressed: only text, and no screen left out."""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

import pytest
from textual.screen import Screen
from textual.widgets import Input

import tui.screens
from tests.tui import samples
from tests.tui.conftest import opened, press, rest
from tests.tui.corpus import EVIL, evil_sample
from tests.tui.screens.inspectors import inspector
from tests.tui.screens.test_injection import assert_only_text
from tui.places import ComparePlace, ImpactPlace, MonitorPlace, RunPlace
from tui.viewmodel.tabs import Tab

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from textual.pilot import Pilot

    from tui.app import Inspector

Opener: TypeAlias = "Callable[[Inspector, str], None]"

PARTS = tuple(" ".join(EVIL[part::2]) for part in range(2))
RUN, EARLIER, LIVE = (samples.run_id(number) for number in (2, 1, 3))


def _on_tab(tab: Tab) -> Opener:
    return lambda app, evil: app.go(RunPlace(RUN, tab=tab))


SURFACES: dict[str, Opener] = {
    "runs": lambda app, evil: None,
    **{f"{tab.name.lower()} tab": _on_tab(tab) for tab in Tab},
    "a live run": lambda app, evil: app.go(RunPlace(LIVE)),
    "a run that is not there": lambda app, evil: app.go(RunPlace(evil)),
    "a step that is not there": lambda app, evil: app.go(RunPlace(RUN, step_id=evil)),
    "why": lambda app, evil: app.show_why(RUN),
    "compare": lambda app, evil: app.go(ComparePlace((RUN,), (EARLIER,))),
    "compare what is not there": lambda app, evil: app.go(ComparePlace((evil,), (evil,), row=evil)),
    "kept analyses": lambda app, evil: app.go(ComparePlace()),
    "impact of what is not there": lambda app, evil: app.go(ImpactPlace(f"query/{evil}")),
    "monitor": lambda app, evil: app.go(MonitorPlace()),
    "override": lambda app, evil: app.open_override(RUN),
    "override of a step": lambda app, evil: app.open_override(RUN, step_id=f"step{evil}"),
    "override of an alias": lambda app, evil: app.open_override(RUN, alias=evil),
}

KEYS = (
    "j",
    "enter",
    "tab",
    "j",
    "E",
    "enter",
    "m",
    "v",
    "y",
    "e",
    "escape",
    "s",
    "escape",
    "r",
    "escape",
    "x",
    "escape",
    "w",
    "escape",
)
"""What opens something on some screen: prompts, questions, dialogues, choosers, notices. Elsewhere they do nothing."""


@pytest.fixture(scope="module")
def evil_files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """For each half of the corpus a file with three runs of a plan: two that failed, and one whose engine is lost."""
    paths = []
    for number, evil in enumerate(PARTS):
        path = tmp_path_factory.mktemp("evil") / f"{number}.db"
        live = replace(evil_sample(3, evil), ends=None, first_cause=None)
        asyncio.run(samples.write(path, [evil_sample(1, evil), evil_sample(2, evil), live]))
        paths.append(path)
    return paths


async def _checked(pilot: Pilot[int], app: Inspector) -> None:
    await rest(pilot)
    assert app.is_running
    assert_only_text(app)


@pytest.mark.parametrize("part", range(len(PARTS)))
@pytest.mark.parametrize("name", SURFACES)
@pytest.mark.sampled(one_in=20)
async def test_a_surface_shows_text_only(evil_files: list[Path], name: str, part: int) -> None:
    """Opened, used, with its help, the palette and what is typed and pasted into its prompt."""
    evil = PARTS[part]
    app = inspector(evil_files[part])
    async with opened(app, (100, 32)) as pilot:
        SURFACES[name](app, evil)
        await _checked(pilot, app)
        for key in KEYS:
            await press(pilot, key)
            await _checked(pilot, app)
        await press(pilot, "question_mark")
        await _checked(pilot, app)
        await press(pilot, "escape", "ctrl+p")
        for typed in app.screen.query(Input):
            typed.value = evil
        await _checked(pilot, app)
        await press(pilot, "escape", "slash")
        for typed in app.screen.query(Input):
            typed.value = evil
        await _checked(pilot, app)
        await press(pilot, "enter")
        app.say(evil, bad=True)
        await _checked(pilot, app)


@pytest.mark.long
async def test_no_screen_is_left_out(evil_files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever adds a screen adds it above: each class of screen has been shown by one of the surfaces or its keys."""
    shown: set[type[Screen[object]]] = set()
    app_class = type(inspector(evil_files[0]))
    push = app_class.push_screen

    def noting(self: Inspector, screen: Screen[object], *arguments: object, **named: object) -> object:
        shown.add(type(screen))
        return push(self, screen, *arguments, **named)  # type: ignore[call-overload]

    monkeypatch.setattr(app_class, "push_screen", noting)
    for opener in SURFACES.values():
        app = inspector(evil_files[0])
        async with opened(app, (100, 32)) as pilot:
            shown.update(map(type, app.screen_stack))
            opener(app, PARTS[0])
            await rest(pilot)
            await press(pilot, "question_mark", "escape", "e", "escape")
            await pilot.resize_terminal(30, 8)
            await rest(pilot)
    for module in pkgutil.walk_packages(tui.screens.__path__, "tui.screens."):
        importlib.import_module(module.name)
    assert {kind.__name__ for kind in _screens(Screen)} <= {kind.__name__ for kind in shown}


def _screens(kind: type[Screen[object]]) -> set[type[Screen[object]]]:
    """The screens of ours that are shown: those that nothing else is made of."""
    below = kind.__subclasses__()
    own = {kind} if not below and kind.__module__.startswith("tui.") else set()
    return own.union(*(_screens(one) for one in below))

"""The inspector: the application that joins the screens to one file of runs. What a screen shows lives with the screen."""

from __future__ import annotations

import asyncio
import gc
import importlib
import os
import shlex
import signal
import time
from typing import TYPE_CHECKING, Any, ClassVar

# Before textual is imported, which reads it once: no animation but what really runs.
os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")

from textual.binding import Binding
from textual.filter import Monochrome

from engine.collector import collector_paused
from engine.errors import ExitCode, OpscopeError
from tui.actions import Action, Need, Scope, by_id
from tui.busy import Busy
from tui.history import History
from tui.palette_commands import ActionCommands
from tui.places import ComparePlace, ImpactPlace, RunPlace
from tui.preferences import Preferences
from tui.screens.base import LiveScreen
from tui.screens.opening import screen_of
from tui.screens.runs import RunsScreen
from tui.screens.too_small import LEAST_COLUMNS, LEAST_ROWS, TooSmallScreen
from tui.source import RunSource
from tui.terminal import visible
from tui.terminal_app import TerminalApp
from tui.viewmodel.palette import DARK, LIGHT, OURS, ours_like, ours_unlike
from tui.viewmodel.runs import Moment
from tui.viewmodel.tabs import Tab
from tui.widgets.bindings import bindings_of
from tui.widgets.filters import AsciiFilter, ColourlessFilter, VisibleFilter
from tui.widgets.kinds import as_json_view
from tui.widgets.line_list import LineList
from tui.widgets.painter import palette_named, theme_of

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from datetime import tzinfo
    from pathlib import Path

    from textual import events
    from textual.binding import BindingType
    from textual.filter import LineFilter
    from textual.screen import Screen

    from engine.model.states import Stage
    from tui.early import Early
    from tui.places import Place
    from tui.reruns import Followed


_SOON_WANTED = ("tui.screens.run", "tui.evidence", "tui.screens.why", "tui.screens.help")
"""Half of all that is imported: the first paint does not wait for it."""

_EMPTY_AFTER_SEC = 0.15
"""A file that takes longer is waited for before everybody's eyes."""


def _import_soon_wanted() -> None:
    with collector_paused():
        for name in _SOON_WANTED:
            importlib.import_module(name)
        gc.freeze()  # it stays for good


def wall_clock() -> int:
    """Microseconds since the epoch, UTC."""
    return time.time_ns() // 1000


class Inspector(TerminalApp):
    """Looks at the runs in one file.

    `place` is shown at once, else the runs; `watching` says that its run has just been started by whoever opens it.
    `clock` gives now in microseconds UTC and `zone` the zone of the times (None: this host's); a test freezes both.
    `follows` keeps looking at the file. `ascii_only` draws with ASCII. `read_only` offers nothing that changes something.
    `preferences` are the user's; where they name no theme, `light` says which of ours it is. `early` was read before.
    """

    TITLE = "opscope"
    COMMANDS: ClassVar[set[type[ActionCommands]]] = {ActionCommands}  # type: ignore[assignment]
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings_of(Scope.EVERYWHERE),
        Binding("ctrl+c", "do('quit')", "Quit", show=False),
    ]
    CSS_PATH = "app.tcss"

    def __init__(
        self,
        db_path: Path,
        *,
        place: Place | None = None,
        clock: Callable[[], int] = wall_clock,
        zone: tzinfo | None = None,
        light: bool = False,
        ascii_only: bool = False,
        follows: bool = True,
        watching: bool = False,
        read_only: bool = False,
        preferences: Preferences | None = None,
        early: Early | None = None,
    ) -> None:
        self.preferences = preferences or Preferences()
        self.keymap = self.preferences.keymap
        self.busy = Busy()
        self.busy.begin()  # until the first screen is there and has asked for what it shows
        self._safe: list[LineFilter] = [VisibleFilter()]
        super().__init__()
        self.db_path = db_path
        self.source = RunSource(db_path, early)
        self.ascii_only = ascii_only
        self.watching = place.run_id if watching and isinstance(place, RunPlace) else None
        """The run that the command which opened the inspector has started; leaving the inspector does not end it."""
        self.followed: dict[str, Followed] = {}
        """The runs that were made of others from here, with what is to come of each."""
        self.follows = follows
        self.read_only = read_only
        self.last_error: OpscopeError | None = None
        self._clock = clock
        self._zone = zone
        self.history = History(place)
        if ascii_only:
            self._safe.insert(0, AsciiFilter())
        if self.no_color:
            self._safe.insert(0, ColourlessFilter((DARK, LIGHT)))
        chosen = palette_named(self.preferences.theme or (LIGHT.name if light else DARK.name))
        if self.no_color:
            chosen = ours_like(chosen)
        for palette in (*OURS, chosen):
            self.register_theme(theme_of(palette))
        self._first_theme = self.theme = chosen.name
        self.set_keymap(self.keymap.for_library())

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Whatever a widget draws, the last filter makes it safe."""
        own = super().get_line_filters()
        if self.no_color:
            # Shades of grey are colours too, and would hide from our own filter which row is chosen.
            own = [line_filter for line_filter in own if not isinstance(line_filter, Monochrome)]
        return [*own, *self._safe]

    def _few_colours(self) -> None:
        """With 16 colours to choose from, the nearest ones would not do: some cannot be read, some would be the same."""
        self._first_theme = self.theme = ours_like(palette_named(self.theme), few_colours=True).name

    def _change_theme(self) -> None:
        """Between the theme one came with and ours of the other kind."""
        is_first = self.theme == self._first_theme
        self.theme = ours_unlike(palette_named(self._first_theme)).name if is_first else self._first_theme

    def moment(self) -> Moment:
        """Now, in the zone times are written in."""
        return Moment(self._clock(), self._zone)

    def get_default_screen(self) -> Screen[Any]:
        """The runs, which lie under everything else."""
        return RunsScreen()

    async def on_mount(self) -> None:
        """The place that was asked for, above the runs."""
        if not self.is_headless:
            if self.console.color_system == "standard":
                self._few_colours()
            # Ended from outside, it gives the terminal back as it was.
            asyncio.get_running_loop().add_signal_handler(
                signal.SIGTERM, lambda: self.exit(return_code=128 + signal.SIGTERM)
            )
        if self.history.place is not None:
            await self.push_screen(screen_of(self.history.place))
        self.busy.end()
        await self._first_answer()
        if not self.is_headless:
            self.screen.call_after_refresh(lambda: self.run_worker(self._get_ready(), group="getting ready"))

    async def _first_answer(self) -> None:
        """Return when there is something to show. Until then nothing is painted: an empty screen would cost as much as a full one."""
        if isinstance(self.screen, LiveScreen):
            try:
                async with asyncio.timeout(_EMPTY_AFTER_SEC):
                    await self.screen.answered.wait()
            except TimeoutError:
                self.screen.call_after_refresh(self.screen.keys_changed)

    async def _get_ready(self) -> None:
        """What the first screen does not need is imported once it is shown, before anybody asks for it."""
        await self.busy.settled()
        await asyncio.to_thread(_import_soon_wanted)

    async def run_async(self, **options: Any) -> int | None:
        """Run it. Nothing of the file stays open, not after a defect either: a thread of it would answer to nobody."""
        opening = asyncio.create_task(self.source.open_early())
        try:
            return await super().run_async(**options)
        finally:
            await opening
            await self.source.close()

    async def on_unmount(self) -> None:
        """Nothing of the file stays open."""
        self.busy.close()
        await self.source.close()

    def on_resize(self, event: events.Resize) -> None:
        """A terminal that is too small says so, and only that."""
        small = event.size.width < LEAST_COLUMNS or event.size.height < LEAST_ROWS
        if small and not isinstance(self.screen, TooSmallScreen):
            self.push_screen(TooSmallScreen())
        elif not small and isinstance(self.screen, TooSmallScreen):
            self.pop_screen()

    # Where

    def open_run(
        self, run_id: str, *, stage: Stage | None = None, tab: Tab = Tab.STAGES, step_id: str | None = None
    ) -> None:
        """Go to a run; the second click of two that came together finds it open already."""
        from tui.screens.run import RunScreen

        if not (isinstance(self.screen, RunScreen) and self.screen.run_id == run_id):
            self.go(RunPlace(run_id, stage, tab, step_id))

    def show_runs(self) -> None:
        """Go to the runs."""
        self.go(None)

    def go(self, place: Place | None) -> None:
        """Go to a place, None: the runs. Back leads to where one was."""
        self.history.go(place)
        self._show_place()

    def show_why(self, run_id: str) -> None:
        """Explain a run, above whatever is shown."""
        from tui.screens.why import WhyScreen

        self.push_screen(WhyScreen(run_id))

    def _show_place(self) -> None:
        place = self.history.place
        while not isinstance(self.screen, RunsScreen) and len(self.screen_stack) > 1:
            self.pop_screen()
        if place is not None:
            self.push_screen(screen_of(place))

    def open_override(self, run_id: str, *, step_id: str | None = None, alias: str | None = None) -> None:
        """Change one thing of a run and run it again; a step or an alias of an asset is where the cursor begins."""
        from tui.screens.override import OverrideScreen

        self.push_screen(OverrideScreen(run_id, step_id=step_id, alias=alias))

    def busily(self, work: Coroutine[None, None, None]) -> None:
        """Do something that reads or steers, in a worker that outlives the screen; the app is busy from now until it is done."""
        self.busy.begin()
        self.run_worker(self._busily(work), group="busily", exclusive=False)

    async def _busily(self, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except OpscopeError as error:
            self.say(str(error), bad=True)
        finally:
            self.busy.end()

    # What

    @property
    def given(self) -> set[Need]:
        """What holds for the actions that are on offer everywhere."""
        given: set[Need] = set() if self.read_only else {Need.WRITABLE}
        if isinstance(self.screen, LiveScreen) and self.screen.link is not None:
            given.add(Need.LINK_KNOWN)
        if self.history.has_before:
            given.add(Need.PLACE_BEFORE)
        if self.history.has_after:
            given.add(Need.PLACE_AFTER)
        return given

    def possible_actions(self, screen: Screen[Any]) -> list[Action]:
        """The actions that can be chosen by name on a screen now."""
        if not isinstance(screen, LiveScreen):
            return []
        given = screen.given
        offered = self.keymap.offered(*screen.scopes_now)
        return [action for action in offered if not action.navigation and action.why_not(given) is None]

    def perform_anywhere(self, action_id: str) -> None:
        """Do an action wherever it belongs: the focused widget, the screen, or here."""
        focused = self.focused
        match by_id(action_id).scope:
            case Scope.EVERYWHERE:
                self.action_do(action_id)
            case Scope.LIST if isinstance(focused, LineList):
                focused.action_do(action_id)
            case Scope.JSON if (document := as_json_view(focused)) is not None:
                document.action_do(action_id)
            case Scope.STEPS if focused is not None:
                self.call_later(self.run_action, f"do({action_id!r})", focused)
            case _ if isinstance(self.screen, LiveScreen):
                self.screen.action_do(action_id)

    def action_do(self, action_id: str) -> None:
        """Do an action that is on offer everywhere."""
        why = by_id(action_id).why_not(self.given)
        if why is not None:
            self.say(why)
            return
        match action_id:
            case "history_back":
                self.history.back()
                self._show_place()
            case "history_forward":
                self.history.forward()
                self._show_place()
            case "impact":
                self.go(ImpactPlace(""))
            case "analyses":
                self.go(ComparePlace())
            case "help" | "copy_link":
                if isinstance(self.screen, LiveScreen):
                    self._do_on(self.screen, action_id)
            case _:
                self._do_here(action_id)

    def _do_here(self, action_id: str) -> None:
        """What needs no screen."""
        match action_id:
            case "quit":
                self.exit(ExitCode.SUCCEEDED)
            case "palette":
                self.action_command_palette()
            case "theme":
                self._change_theme()
            case "repaint":
                self.paint_anew()
            case "suspend":
                self.action_suspend_process()
            case _:
                raise KeyError(action_id)

    def _do_on(self, screen: LiveScreen[Any], action_id: str) -> None:
        if action_id == "copy_link":
            if screen.link is not None:
                # A shell takes apart what has a ? or an & in it.
                self.copy(shlex.quote(screen.link), "link")
            return
        from tui.screens.help import HelpScreen

        scopes = (*screen.scopes_now[:-1], screen.moves, Scope.EVERYWHERE)
        self.push_screen(HelpScreen(scopes, screen.given, self.keymap))

    def say(self, text: str, *, bad: bool = False) -> None:
        """A short message that goes away by itself. Never markup, whatever is in it."""
        self.notify(visible(text), severity="error" if bad else "information", timeout=4, markup=False)

    def note_error(self, error: OpscopeError) -> None:
        """Remember what went wrong for the exit status."""
        self.last_error = error

    def copy(self, text: str, what: str) -> None:
        """Send text to the operator's clipboard by the way that there is, and say which it was."""
        self.busily(self._copy(text, what))

    async def _copy(self, text: str, what: str) -> None:
        from tui.clipboard import put

        copied = await put(text, what, os.environ, self._write_to_terminal, may_write=not self.read_only)
        if copied.reached:
            self._clipboard = text
        self.say(copied.words)

    def _write_to_terminal(self, sequence: str) -> None:
        if self._driver is not None:
            self._driver.write(sequence)

"""What every screen shares: title, keys, and a loop that reads from the file when asked or when the file changed. No layout here."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from textual import events, on, work
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Input

from engine.errors import OpscopeError
from tui.actions import Footer, Need, Scope, by_id, footer
from tui.widgets.dialogue import Question
from tui.widgets.json_view import JsonView
from tui.widgets.lines import KeyBar
from tui.widgets.reason import ReasonQuestion

if TYPE_CHECKING:
    from textual.timer import Timer

    from tui.actions import Action
    from tui.app import Inspector

POLL_SECONDS = 0.15
"""How often the file is asked whether it changed: 2 µs a question."""
LIFE_SECONDS = 2.0
"""How often what still goes on is read anew without a change: an engine that was killed writes nothing."""
TICK_SECONDS = 0.5
"""How often times that go on are written anew while something runs."""

Answer = TypeVar("Answer")


class LiveScreen(Screen[None], Generic[Answer]):
    """Reads in a worker, shows in a message handler.

    `read` asks the file and touches no widget; what it returns reaches `shown` as a message. `want` asks for a reading.
    """

    SCOPES: tuple[Scope, ...] = ()
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-short"), (18, "-tall")]  # noqa: RUF012

    @dataclass
    class Read(Message):
        """The worker has read something."""

        answer: object

    @dataclass
    class Failed(Message):
        """The worker could not read."""

        error: OpscopeError

    def __init__(self) -> None:
        super().__init__()
        self._wanted = asyncio.Event()
        # True while the app is busy on behalf of a reading that was asked for and has not begun.
        self._owed = False
        self._reading = False
        self._has_answer = False
        self._ticker: Timer | None = None
        self._was_clicked = False

    @property
    def inspector(self) -> Inspector:
        """The app, by its own type."""
        from tui.app import Inspector

        assert isinstance(self.app, Inspector)
        return self.app

    @property
    def _is_looked_at(self) -> bool:
        # Screen.is_current also holds for a screen that lies under another one, and painting there paints everything.
        return self.app.screen is self

    # Reading

    @abstractmethod
    async def read(self) -> Answer:
        """What this screen shows, from the file. Runs in a worker: no widget may be touched."""

    @abstractmethod
    def shown(self, answer: Answer) -> None:
        """Put what was read on the screen."""

    @abstractmethod
    def failed(self, error: OpscopeError) -> None:
        """Say that nothing could be read, and why."""

    def tick(self) -> bool:
        """Write times anew; False when nothing goes on any more."""
        return False

    def on_mount(self) -> None:
        """Start reading."""
        self.want()
        self._reading = True
        self._read_on()

    def want(self) -> None:
        """Ask for a reading; the app is busy until it is shown."""
        if not self._owed:
            self._owed = True
            self.inspector.busy.begin()
        self._wanted.set()

    @work(group="reading", exclusive=True)
    async def _read_on(self) -> None:
        while True:
            await self._asked_or_changed()
            self._wanted.clear()
            if not self._owed:
                self.inspector.busy.begin()
            self._owed = False
            try:
                message: Message = self.Read(await self.read())
            except OpscopeError as error:
                message = self.Failed(error)
            except BaseException:
                self.inspector.busy.end()
                raise
            # From here the handler of the message says that the work is done.
            if not self.post_message(message):
                self.inspector.busy.end()

    async def _asked_or_changed(self) -> None:
        loop = asyncio.get_running_loop()
        least = 1 / self.inspector.preferences.follow_rate
        poll = min(POLL_SECONDS, least / 2)
        not_before = loop.time() + least
        at_the_latest = loop.time() + max(least, LIFE_SECONDS)
        while not self._wanted.is_set():
            try:
                async with asyncio.timeout(poll if self.inspector.follows else None):
                    await self._wanted.wait()
            except TimeoutError:
                self.inspector.check_size()
                if not self._is_looked_at or loop.time() < not_before:
                    continue
                goes_on = self._ticker is not None
                if await self.inspector.source.has_changed() or (goes_on and loop.time() >= at_the_latest):
                    return

    @on(Read)
    def _on_read(self, event: Read) -> None:
        event.stop()
        self._has_answer = True
        try:
            self.shown(event.answer)  # type: ignore[arg-type]
            self.keys_changed()
        finally:
            self.inspector.busy.end()
        if self._ticker is None and self._is_looked_at and self.inspector.follows and self.tick():
            self._ticker = self.set_interval(max(TICK_SECONDS, 1 / self.inspector.preferences.follow_rate), self._tick)

    @on(Failed)
    def _on_failed(self, event: Failed) -> None:
        event.stop()
        self._has_answer = True
        try:
            self.failed(event.error)
            self.keys_changed()
        finally:
            self.inspector.busy.end()

    def on_screen_resume(self) -> None:
        """Coming back: the file may have changed meanwhile."""
        self._was_clicked = False
        # The first reading is still under way when a screen is opened; what it brings is as new as can be.
        if self._reading and self._has_answer:
            self.want()

    def _forward_event(self, event: events.Event) -> None:
        # The rest of a double click, whose first click has led here, is meant for what was there before.
        if isinstance(event, events.Click):
            self._was_clicked = self._was_clicked or event.chain == 1
            if not self._was_clicked:
                return
        super()._forward_event(event)

    def on_unmount(self) -> None:
        """Nobody waits for a screen that is gone."""
        if self._owed:
            self._owed = False
            self.inspector.busy.end()

    def _tick(self) -> None:
        if self._ticker is not None and (not self._is_looked_at or not self.tick()):
            self._ticker.stop()
            self._ticker = None

    # Keys

    @property
    def given(self) -> set[Need]:
        """What holds for the actions on offer now."""
        given = self.inspector.given | (self.focused.given if isinstance(self.focused, JsonView) else set())
        # The palette lies above the screen that it asks, so the app cannot tell what that one links to.
        return given | {Need.LINK_KNOWN} if self.link is not None else given

    @property
    def scopes_now(self) -> tuple[Scope, ...]:
        """The scopes whose actions are on offer now, the closest first."""
        closest = (Scope.JSON,) if isinstance(self.focused, JsonView) else ()
        return (*closest, *self.SCOPES, Scope.EVERYWHERE)

    @property
    def moves(self) -> Scope:
        """The scope whose actions move in what has the focus."""
        return Scope.LIST

    def keys_changed(self) -> None:
        """Write the footer anew. A question names its own keys, and none but those do anything."""
        is_asked = isinstance(self.focused, Question) or any(asked.is_open for asked in self.query(ReasonQuestion))
        for bar in self.query(KeyBar):
            bar.offer(Footer() if is_asked else footer(self.scopes_now, self.given, self._keyed))

    def _keyed(self, action: Action) -> Action:
        return self.inspector.keymap.applied(self.worded(action))

    def key(self, action_id: str) -> str:
        """The key that a sentence names for an action, as the user has it."""
        return self.inspector.keymap.shown(action_id)

    @property
    def link(self) -> str | None:
        """What leads here from a command line: `7f3a91…/stage/execute?step=ping`; None where nothing does."""
        return None

    def worded(self, action: Action) -> Action:
        """The action with the label and the rank that fit now."""
        return action

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While something is typed or asked, urgent keys are keys like any other."""
        if action == "do" and isinstance(self.focused, (Input, Question)) and by_id(str(parameters[0])).urgent:
            return False
        return super().check_action(action, parameters)

    def action_do(self, action_id: str) -> None:
        """Do an action of this screen, or say why it is not possible."""
        action = by_id(action_id)
        why = action.why_not(self.given)
        if why is not None:
            self.inspector.say(why)
        else:
            self.perform(action_id)

    def perform(self, action_id: str) -> None:
        """Do an action that is possible."""
        raise KeyError(action_id)

    @on(KeyBar.Chosen)
    def _key_clicked(self, event: KeyBar.Chosen) -> None:
        event.stop()
        if self._is_looked_at:  # the first click of two may have led away from here
            self.inspector.perform_anywhere(event.action_id)

    @on(JsonView.Refused)
    def _refused(self, event: JsonView.Refused) -> None:
        event.stop()
        self.inspector.say(event.why)

    @on(JsonView.CopyRequested)
    def _copy(self, event: JsonView.CopyRequested) -> None:
        event.stop()
        self.inspector.copy(event.text, event.what)

    def on_descendant_focus(self) -> None:
        """Other keys matter now."""
        self.keys_changed()

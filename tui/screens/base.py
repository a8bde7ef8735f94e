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
from tui.widgets.kinds import as_json_view
from tui.widgets.lines import KeyBar
from tui.widgets.prompt import Prompt
from tui.widgets.reason import ReasonQuestion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.timer import Timer

    from tui.actions import Action
    from tui.app import Inspector
    from tui.widgets.json_view import JsonView

POLL_SECONDS = 0.15
"""How often the file is asked whether it changed: 2 µs a question."""
FOLLOW_BYTES_A_SECOND = 4000
"""What following may write to the terminal, which can be far away. Whole screens of new lines come less often than single cells."""
LONGEST_PAUSE_SECONDS = 1.0
"""Keys write as well, and must not keep what is new away."""
LIFE_SECONDS = 2.0
"""How often what still goes on is read anew without a change: an engine that was killed writes nothing."""
TICK_SECONDS = 0.5
"""How often times that go on are written anew while something runs."""

Answer = TypeVar("Answer")


def pause_after(written: int) -> float:
    """Seconds until what goes on is read again, after so many bytes were painted: the more that took, the longer it stays."""
    return min(written / FOLLOW_BYTES_A_SECOND, LONGEST_PAUSE_SECONDS)


def _sized(breakpoints: Sequence[tuple[int, str]], cells: int) -> str:
    """The class for so many columns or lines."""
    return max(found for found in breakpoints if found[0] <= cells)[1]


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
        self.answered = asyncio.Event()
        """Set when the first reading is shown, or could not be."""
        self._ticker: Timer | None = None
        # When times were written anew last, and what had been painted by then.
        self._ticked = (0.0, 0)
        self._was_clicked = False
        self._was_left = False
        self._ahead: list[str] = []

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

    def _compositor_refresh(self) -> None:
        # What is drawn while updates are held back is thrown away, and that is a whole screen before the first paint.
        if self.app._batch_count:  # noqa: SLF001  (nothing else says so)
            self.refresh()
        else:
            super()._compositor_refresh()

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
        began, written = loop.time(), self.inspector.written
        at_the_latest = began + max(least, LIFE_SECONDS)
        while not self._wanted.is_set():
            try:
                async with asyncio.timeout(poll if self.inspector.follows else None):
                    await self._wanted.wait()
            except TimeoutError:
                self.inspector.check_size()
                pause = max(least, pause_after(self.inspector.written - written))
                if not self._is_looked_at or loop.time() < began + pause:
                    continue
                goes_on = self._ticker is not None
                if await self.inspector.source.has_changed() or (goes_on and loop.time() >= at_the_latest):
                    return

    @on(Read)
    def _on_read(self, event: Read) -> None:
        event.stop()
        self.answered.set()
        try:
            self.shown(event.answer)  # type: ignore[arg-type]
            self.keys_changed()
            self._catch_up()
        finally:
            self.inspector.busy.end()
        if self._ticker is None and self._is_looked_at and self.inspector.follows and self.tick():
            self._ticker = self.set_interval(max(TICK_SECONDS, 1 / self.inspector.preferences.follow_rate), self._tick)

    @on(Failed)
    def _on_failed(self, event: Failed) -> None:
        event.stop()
        self.answered.set()
        try:
            self._ahead.clear()
            self.failed(event.error)
            self.keys_changed()
        finally:
            self.inspector.busy.end()

    async def _compose(self) -> None:
        # The classes of this size come before the widgets: coming after them, they style every one of them a second time.
        size = self.app.size
        self.add_class(
            _sized(self.HORIZONTAL_BREAKPOINTS, size.width),
            _sized(self.VERTICAL_BREAKPOINTS, size.height),
            update=False,
        )
        await super()._compose()

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        """Coming back: the file may have changed meanwhile."""
        # What has just been mounted has been styled.
        event.refresh_styles = event.refresh_styles and self._was_left
        self._was_left = True
        self._was_clicked = False
        # The first reading is still under way when a screen is opened; what it brings is as new as can be.
        if self._reading and self.answered.is_set():
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
        now, written = asyncio.get_running_loop().time(), self.inspector.written
        since, before = self._ticked
        if now < since + pause_after(written - before):
            return
        self._ticked = now, written
        if self._ticker is not None and (not self._is_looked_at or not self.tick()):
            self._ticker.stop()
            self._ticker = None

    # Keys

    @property
    def given(self) -> set[Need]:
        """What holds for the actions on offer now."""
        document = as_json_view(self.focused)
        given = self.inspector.given | (document.given if document is not None else set())
        # The palette lies above the screen that it asks, so the app cannot tell what that one links to.
        return given | {Need.LINK_KNOWN} if self.link is not None else given

    @property
    def scopes_now(self) -> tuple[Scope, ...]:
        """The scopes whose actions are on offer now, the closest first."""
        closest = (Scope.JSON,) if as_json_view(self.focused) is not None else ()
        return (*closest, *self.SCOPES, Scope.EVERYWHERE)

    @property
    def moves(self) -> Scope:
        """The scope whose actions move in what has the focus."""
        return Scope.LIST

    def keys_changed(self) -> None:
        """Write the footer anew. A question names its own keys, and none but those do anything; a prompt's are named here."""
        if self.app._batch_count and not self.answered.is_set():  # noqa: SLF001  (nothing is painted, and more is to come)
            return
        # Among the children, not by a query, which would go through every widget there is: this is asked at every key.
        is_asked = isinstance(self.focused, Question) or any(
            asked.is_open for asked in self.children if isinstance(asked, ReasonQuestion)
        )
        prompt = self._prompt_in_use
        if prompt is not None:
            offered = Footer(tuple((action, True) for action in prompt.KEYS))
        else:
            offered = Footer() if is_asked else footer(self.scopes_now, self.given, self._keyed)
        for bar in self.children:
            if isinstance(bar, KeyBar):
                bar.offer(offered)

    @property
    def _prompt_in_use(self) -> Prompt | None:
        """The prompt that has the keys."""
        typed = self.focused
        return typed.parent if isinstance(typed, Input) and isinstance(typed.parent, Prompt) else None

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

    def is_ahead(self, action_id: str) -> bool:  # noqa: ARG002
        """True where an action is for what the next reading brings; it waits for that."""
        return False

    def _catch_up(self) -> None:
        """What was typed ahead, in its order."""
        ahead, self._ahead = self._ahead, []
        for action_id in ahead:
            self.action_do(action_id)

    def action_do(self, action_id: str) -> None:
        """Do an action of this screen, or say why it is not possible. Escape with nothing to leave is no question."""
        if not self.is_mounted:  # typed ahead: it is for what is being opened
            self.call_later(self.action_do, action_id)
            return
        if self.is_ahead(action_id):
            self._ahead.append(action_id)
            return
        action = by_id(action_id)
        why = action.why_not(self.given)
        if why is None:
            self.perform(action_id)
        elif "escape" not in action.keys:
            self.inspector.say(why)

    def perform(self, action_id: str) -> None:
        """Do an action that is possible."""
        raise KeyError(action_id)

    @on(KeyBar.Chosen)
    def _key_clicked(self, event: KeyBar.Chosen) -> None:
        event.stop()
        prompt = self._prompt_in_use
        if prompt is not None:
            prompt.do(event.action_id)
        elif self._is_looked_at:  # the first click of two may have led away from here
            self.inspector.perform_anywhere(event.action_id)

    # By their names: to decorate them, what they are sent by would have to be imported before the first paint.

    def on_folded_json_refused(self, event: JsonView.Refused) -> None:
        """Say why nothing happened."""
        event.stop()
        self.inspector.say(event.why)

    def on_json_view_copy_requested(self, event: JsonView.CopyRequested) -> None:
        """Copy what the cursor is on."""
        event.stop()
        self.inspector.copy(event.text, event.what)

    def go_back(self) -> None:
        """Leave for the place before this one, for the runs where there is none."""
        if Need.PLACE_BEFORE in self.inspector.given:
            self.inspector.action_do("history_back")
        else:
            self.inspector.show_runs()

    def on_descendant_focus(self) -> None:
        """Other keys matter now."""
        self.keys_changed()

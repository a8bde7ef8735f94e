"""The application as the terminal sees it: its size, leaving it for the shell and coming back, what happens after a defect. No screens."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, cast

from rich.color import ColorSystem
from textual import events, on
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.app import App
from textual.css.query import NoMatches
from textual.driver import Driver
from textual.geometry import Size
from textual.worker import WorkerFailed

from tui.driver import ForgivingDriver
from tui.frames import Frames, Placed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rich.console import Console, RenderableType
    from rich.segment import Segment
    from textual.screen import Screen
    from textual.strip import Strip


class TerminalApp(App[int]):
    """Keeps to the terminal's real size and never prints a traceback: after a defect, `crash` says what it was."""

    def __init__(self) -> None:
        super().__init__(driver_class=ForgivingDriver)
        self.crash: BaseException | None = None
        """What ended the application although nobody foresaw it."""
        self.written = 0
        """Bytes of all that was drawn so far."""
        self._frames: Frames | None = None

    # Size

    def check_size(self) -> None:
        """Correct the size if the terminal has another one: signals that come thick and fast overtake each other."""
        if self.is_headless or not self.is_running or sys.__stdin__ is None:
            return
        try:
            size = Size(*os.get_terminal_size(sys.__stdin__.fileno()))
        except OSError:  # the terminal has gone
            return
        if size and (size != self.size or size != self.screen.outer_size):
            self.post_message(events.Resize(size, size))

    async def on_event(self, event: events.Event) -> None:
        """A key between two clicks says that they are no double click; one after the key that leaves is for nobody here."""
        if isinstance(event, events.InputEvent) and self._exit:
            return
        if isinstance(event, events.Key):
            self._click_chain_last_time = None
        await super().on_event(event)

    # The shell behind it

    def action_suspend_process(self) -> None:
        """Give the terminal to the shell until it brings the inspector back; where no shell could do so, say that."""
        if self.is_headless or not has_shell_behind():
            self.notify("there is no shell here that could bring it back", markup=False, timeout=4)
            return
        self._suspend_signal()
        # The whole job, as the terminal itself would do it: a script that started us must not go on waiting.
        os.killpg(0, signal.SIGTSTP)

    # Drawing

    def on_resize(self, event: events.Resize) -> None:  # noqa: ARG002
        """A terminal that changes its size arranges what it shows anew."""
        self._forget_frames()

    @on(Driver.SignalResume)
    def _came_back(self) -> None:
        self.paint_anew()

    def paint_anew(self) -> None:
        """Write the whole screen again, whatever the terminal shows."""
        self._forget_frames()
        self.screen.refresh()

    def _forget_frames(self) -> None:
        if self._frames is not None:
            self._frames.forget()

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        if not self.is_headless and isinstance(renderable, (LayoutUpdate, ChopsUpdate)):
            if self._frames is None:
                self._frames = Frames(self.console._color_system or ColorSystem.TRUECOLOR)  # noqa: SLF001  (as strips are drawn)
            super()._display(screen, cast("RenderableType", _Change(self._frames, renderable, self._note_written)))
        else:
            super()._display(screen, renderable)

    def _note_written(self, sequences: str) -> None:
        self.written += len(sequences.encode(errors="replace"))

    # Pictures

    def export_screenshot(self, *, title: str | None = None, simplify: bool = False) -> str:  # noqa: ARG002
        """The screen as SVG, the same bytes for the same screen."""
        from tui.svg import svg

        theme = self.current_theme
        assert theme.background is not None
        assert theme.foreground is not None
        return svg(
            self._lines_in_sight(),
            columns=self.size.width,
            background=theme.background,
            foreground=theme.foreground,
            title=title or self.TITLE or "",
        )

    def export_text(self) -> str:
        """The screen as plain text, one line a row, without blanks at the ends."""
        return "".join(f"{strip.text.rstrip()}\n" for strip in self._lines_in_sight())

    def _lines_in_sight(self) -> list[Strip]:
        return self.screen._compositor.render_strips()  # noqa: SLF001  (the one place that has the whole screen)

    # Defects

    def _handle_exception(self, error: Exception) -> None:
        # An app that ends takes in no widgets any more: what is being opened then stays half made, and nobody looks at it.
        if self._exit and isinstance(error, NoMatches):
            return
        if self.crash is None:
            self.crash = error.error if isinstance(error, WorkerFailed) else error
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        self._close_messages_no_wait()

    def panic(self, *renderables: RenderableType) -> None:  # noqa: ARG002
        """End at once. What is to be told is told by whoever runs the application, not on its way out."""
        self._close_messages_no_wait()

    def _print_error_renderables(self) -> None:
        self._exit_renderables.clear()


class _Change(CompositorUpdate):
    """What the compositor would write, cut down to what the terminal does not show yet."""

    def __init__(self, frames: Frames, update: LayoutUpdate | ChopsUpdate, note: Callable[[str], None]) -> None:
        self._frames = frames
        self._update = update
        self._note = note

    def render_segments(self, console: Console) -> str:
        """The sequences to write."""
        sequences = self._sequences(console)
        self._note(sequences)
        return sequences

    def _sequences(self, console: Console) -> str:
        update = self._update
        if isinstance(update, LayoutUpdate):
            return self._frames.whole([list(_segments(line)) for line in update.strips], update.region.width)
        return self._frames.changed(_places(update)) if self._frames.is_known else update.render_segments(console)


def _segments(strips: Iterable[Strip]) -> Iterator[Segment]:
    for strip in strips:
        yield from strip


def _places(update: ChopsUpdate) -> Iterator[Placed]:
    for y, start, stop in update.spans:
        for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if strip is not None and x < stop and end > start:
                yield Placed(y, x, strip if end <= stop else strip.crop(0, stop - x))


def has_shell_behind() -> bool:
    """True when this process is a job of a shell: the one that leads the session is not of the same group."""
    return os.getpgrp() != os.getsid(0)

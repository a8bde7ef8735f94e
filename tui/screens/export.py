"""Writing a run to a file from the inspector: asks where, says how far it is, and what was written. The writing is tui.exporting's."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from engine.errors import OpscopeError
from tui.exporting import AlreadyThereError, Written, export_to
from tui.files import named_file
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span, span, wrapped
from tui.viewmodel.words import plural, short_id, size
from tui.widgets.lines import Lines
from tui.widgets.typed_line import TypedLine

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.worker import Worker

    from tui.app import Inspector

_TICK_SECONDS = 0.25


class ExportScreen(ModalScreen[None]):
    """A block above the keys: where to, then how far, then where it is. Escape leaves it, and stops what is under way."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "write", "Write", show=False, priority=True),
        Binding("escape", "leave", "Leave", show=False, priority=True),
    ]

    DEFAULT_CSS = """
    ExportScreen { align: left bottom; }
    ExportScreen > Vertical { height: auto; background: $background; }
    ExportScreen Horizontal { height: 1; }
    ExportScreen #export-sign { width: 8; }
    ExportScreen Input, ExportScreen Input:focus {
        height: 1; border: none; padding: 0; background: $background; background-tint: transparent; width: 1fr;
    }
    """

    def __init__(self, run_id: str) -> None:
        super().__init__()
        self._run_id = run_id
        self._bytes = 0
        self._replaces: Path | None = None
        self._work: Worker[None] | None = None

    @property
    def inspector(self) -> Inspector:
        """The app, by its own type."""
        from tui.app import Inspector

        assert isinstance(self.app, Inspector)
        return self.app

    def compose(self) -> ComposeResult:
        """Heading, where to, what is to be said, the two keys."""
        with Vertical():
            yield Lines(id="export-heading")
            with Horizontal():
                yield Lines(id="export-sign")
                typed = TypedLine(f"./opscope-{short_id(self._run_id)}.json", compact=True, select_on_focus=False)
                typed.cursor_blink = False
                yield typed
            yield Lines(id="export-said")
            yield Lines(id="export-keys")

    def on_mount(self) -> None:
        """Ask, above the run that stays in sight."""
        self.styles.background = "transparent"
        self.query_one("#export-heading", Lines).show(
            [
                (Span("─" * self.app.size.width, Role.BORDER),),
                (
                    Span(" ? ", Role.WARNING, bold=True),
                    Span(f"Write run {short_id(self._run_id)} to a file", bold=True),
                ),
            ]
        )
        self.query_one("#export-sign", Lines).show([(Span("   file ", Role.DIM),)])
        self._say(f"in {Path.cwd()}; opscope import reads it again", Role.DIM)
        self._offer("write it")

    def _say(self, text: str, role: Role = Role.TEXT, glyph: str = "") -> None:
        cells = max(20, self.app.size.width - 4)
        lines: list[Line] = [
            (
                Span(f" {glyph} " if number == 0 and glyph else "   ", role, bold=True),
                span(part, role if not glyph else Role.TEXT),
            )
            for number, part in enumerate(wrapped(text, cells))
        ]
        self.query_one("#export-said", Lines).show(lines)

    def _offer(self, enter: str, escape: str = "leave it") -> None:
        keys: list[Span] = [Span("   ")]
        if enter:
            keys += [Span("enter", bold=True), Span(f" {enter}   ", Role.DIM)]
        self.query_one("#export-keys", Lines).show([(*keys, Span("esc", bold=True), Span(f" {escape}", Role.DIM))])

    def on_input_changed(self) -> None:
        """Another name: whether it may be replaced is asked anew."""
        if self._replaces is not None:
            self._replaces = None
            self._say(f"in {Path.cwd()}; opscope import reads it again", Role.DIM)
            self._offer("write it")

    def action_write(self) -> None:
        """Enter. What was typed before it is still on its way to the input, which says when it has it."""
        if self._work is None:
            self.query_one(Input).call_later(self._start)

    def action_leave(self) -> None:
        """Escape."""
        if self._work is not None:
            self._work.cancel()
        self.dismiss()

    def _start(self) -> None:
        typed = self.query_one(Input).value.strip()
        if not typed or self._work is not None:
            return
        target = named_file(typed)
        self.inspector.busy.begin()
        self._work = self.run_worker(self._write(target), exclusive=True)

    async def _write(self, target: Path) -> None:
        self._offer("", "stops it")
        ticker = self.set_interval(_TICK_SECONDS, self._tell)
        try:
            written = await export_to(
                self.inspector.db_path, self._run_id, target, replaces=self._replaces == target, tell=self._told
            )
        except AlreadyThereError:
            self._replaces = target
            self._say("this file is there already; enter replaces it", Role.WARNING, "!")
            self._offer("replace it")
        except OpscopeError as error:
            self._say(f"{error.cause}: {target}", Role.FAILED, "✗")
            self._offer("try again")
        except asyncio.CancelledError:
            self.inspector.say("nothing was written")
            raise
        else:
            self.inspector.say(_sentence(written))
            self.dismiss()
        finally:
            ticker.stop()
            self._work = None
            self.inspector.busy.end()

    def _told(self, done: int) -> None:
        self._bytes = done

    def _tell(self) -> None:
        self._say(f"writing, {size(self._bytes)} so far", Role.RUNNING, "●")


def _sentence(written: Written) -> str:
    exported = written.exported
    said = f"wrote {written.path}: {size(written.size_bytes)}, {plural(exported.events, 'event')}"
    if exported.log_bytes_left_out:
        said += f"; {size(exported.log_bytes_left_out)} of output are left out"
    return said if exported.is_over else f"{said}; the run is not over"

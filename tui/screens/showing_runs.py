"""What the Runs screen shows: the table, its filter, the chosen run, and words where there is none. What its keys do is in runs.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import Container, Vertical

from store.errors import NoDatabaseError
from tui.early import WINDOW
from tui.runs_reader import RunsReader
from tui.runs_reading import RunsPicture, read_known
from tui.screens.marking import MarkingScreen
from tui.viewmodel.palette import Role
from tui.viewmodel.runs import about
from tui.viewmodel.runs_columns import columns_named
from tui.viewmodel.runs_title import title_right
from tui.viewmodel.text import Span
from tui.widgets.chooser import Chooser
from tui.widgets.dialogue import Question, Reply
from tui.widgets.lines import KeyBar, Lines, TitleLine, breadcrumb
from tui.widgets.run_preview import RunPreview
from tui.widgets.runs_filter import RunsFilter
from tui.widgets.runs_notice import RunsNotice
from tui.widgets.runs_table import RunsHeader, RunsTable

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from engine.errors import OpscopeError
    from store.rows import RunRow


class ShowingRuns(MarkingScreen[RunsPicture]):
    """The table, its filter, and the chosen run: a line about it, or a panel beside the table."""

    DEFAULT_CSS = """
    ShowingRuns { layers: default above; }
    ShowingRuns #body { height: 1fr; layout: horizontal; }
    ShowingRuns.-narrow #body { layout: vertical; }
    ShowingRuns #list { width: 1fr; height: 1fr; }
    ShowingRuns.-wide RunPreview { width: 38%; min-width: 40; border-left: solid $border; }
    ShowingRuns.-narrow RunPreview { width: 1fr; height: 45%; border-top: solid $border; }
    ShowingRuns > #about { dock: bottom; height: 2; margin-bottom: 1; }
    ShowingRuns.-previewed > #about { height: 1; }
    ShowingRuns.-blank #body, ShowingRuns.-blank > #about { display: none; }
    ShowingRuns > Chooser { margin: 2 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._reader = RunsReader(WINDOW)
        self._picture: RunsPicture | None = None
        self._is_unreadable = False

    def compose(self) -> ComposeResult:
        """Title, filter, table beside the chosen run, about, keys."""
        yield TitleLine(id="title")
        yield RunsFilter(self.inspector.moment)
        table = RunsTable(id="runs")
        table.columns = columns_named(self.inspector.preferences.columns or ())
        with Container(id="body"):
            with Vertical(id="list"):
                yield RunsHeader(table)
                yield table
            yield RunPreview(id="preview")
        yield RunsNotice(id="notice")
        yield Lines(id="about")
        yield Chooser("SORT", "twice turns it")
        yield Question()
        yield Reply()
        yield KeyBar()

    def on_mount(self) -> None:
        """The table has the keys."""
        self.query_one("#title", TitleLine).tell(breadcrumb("runs"), (Span("reading", Role.DIM),))
        self._show_preview()
        # At once: a screen that has no focus yet gives it to the line of the filter, which is hidden.
        self.set_focus(self.table)

    @property
    def table(self) -> RunsTable:
        """The runs."""
        return self.query_one(RunsTable)

    @property
    def filter(self) -> RunsFilter:
        """The filter."""
        return self.query_one(RunsFilter)

    @property
    def preview(self) -> RunPreview:
        """The chosen run beside the table."""
        return self.query_one(RunPreview)

    # Reading

    def want(self) -> None:
        """Ask for everything anew."""
        self._reader.wants_all = True
        super().want()

    def _want_preview(self) -> None:
        if self.preview.is_open:
            self._reader.wants_preview = True
            super().want()

    async def read(self) -> RunsPicture:
        """What was asked for: all that is shown, or only what is shown of another run under the cursor."""
        picture = await self._reader.read(
            self.inspector.source,
            self.inspector.moment,
            marked=lambda: tuple(self.marks.rows),
            with_preview=lambda: self.preview.is_open,
        )
        if self.filter.wants_known:
            self.filter.known = await read_known(self.inspector.source)
        return picture

    def shown(self, answer: RunsPicture) -> None:
        """Table, counts, and the right words where there is nothing."""
        before, self._picture = self._picture, answer
        self._is_unreadable = False
        if before is not None and before.window is answer.window:
            self._tell_preview()
            return
        window = answer.window
        self._marks = self.marks.seen_again(answer.marked) if self.marks else self.marks
        self.table.marks = self.marks.rows.keys()
        self.table.order = answer.order
        self.table.show(window.rows, window.start, window.total, self.inspector.moment(), lost=answer.lost)
        self._reader.chosen = self.table.chosen
        self.query_one(RunsHeader).follow()
        self._tell_title()
        self._tell_notice(answer)
        self.filter.applied(answer.filter, window.total, answer.counts.total)
        self._tell_about()
        if before is None:
            self._want_preview()

    def failed(self, error: OpscopeError) -> None:
        """No file yet, or one that cannot be read."""
        title = self.query_one("#title", TitleLine)
        self._is_unreadable = True
        self.set_class(True, "-blank")
        if isinstance(error, NoDatabaseError):
            title.tell(breadcrumb("runs"), ())
            if self._picture is not None and self._picture.counts.total:
                self.query_one(RunsNotice).say_gone(self.inspector.db_path, self.key("quit"))
            else:
                self._no_runs()
            return
        self.inspector.note_error(error)
        title.tell(breadcrumb("runs"), (Span("✗ NOT READABLE", Role.FAILED, bold=True),))
        self.query_one(RunsNotice).say_unreadable(error, self.key("quit"))

    def tick(self) -> bool:
        """Durations of running runs go on."""
        picture = self._picture
        if picture is None:
            return False
        self.table.tick(self.inspector.moment())
        self._tell_preview()
        return picture.goes_on

    # What is said

    def _no_runs(self) -> None:
        self.query_one(RunsNotice).say_none(self.inspector.db_path, self.key("quit"))

    def _tell_notice(self, answer: RunsPicture) -> None:
        is_blank = not answer.window.total
        self.set_class(is_blank, "-blank")
        if not is_blank:
            self.query_one(RunsNotice).close()
        elif answer.filter.is_empty:
            self._no_runs()
        else:
            self.query_one(RunsNotice).say_none_passes(self.key("clear_filter"))

    def _tell_title(self) -> None:
        answer = self._picture
        if answer is None:
            return
        follows = self.inspector.follows
        right = title_right(
            answer.counts,
            answer.window.rows,
            lost=len(answer.lost),
            marks=len(self.marks),
            follows=follows,
            goes_on=answer.goes_on,
        )
        self.query_one("#title", TitleLine).tell(breadcrumb("runs"), right)

    def _tell_about(self) -> None:
        row, lost = self._chosen_and_lost()
        rule = (Span("─" * self.size.width, Role.BORDER),)
        said = (Span(" "), *about(row, engine_lost=lost))
        self.query_one("#about", Lines).show([rule] if self.preview.is_open else [rule, said])
        self._tell_preview()

    def _tell_preview(self) -> None:
        if self.preview.is_open and self._picture is not None:
            row, lost = self._chosen_and_lost()
            self.preview.tell(row, self._picture.preview, self.inspector.moment(), engine_lost=lost)

    def _chosen_and_lost(self) -> tuple[RunRow | None, bool]:
        row = self.table.chosen
        return row, row is not None and row.run_id in self.table.lost

    def _show_preview(self) -> None:
        self.preview.set_class(self.preview.is_open, "-open")
        self.set_class(self.preview.is_open, "-previewed")

    def marks_changed(self) -> None:
        """In the table, the title and the keys."""
        self.table.mark(self.marks.rows.keys())
        self._tell_title()
        self.keys_changed()

    def on_resize(self) -> None:
        """The rule fills the width; the panel comes and goes with it."""
        self._show_preview()
        self._tell_about()
        self._want_preview()
        self.call_after_refresh(self._tell_preview)

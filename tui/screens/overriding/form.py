"""The list of what can be different in the next run: a heading and a line each. What a line does is up to the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.viewmodel.override.form_lines import row_line
from tui.viewmodel.override.rows import Row, RowKind
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span
from tui.widgets.headed_panel import HeadedPanel
from tui.widgets.line_list import LineList
from tui.widgets.painter import painter_of

if TYPE_CHECKING:
    from tui.viewmodel.override.form import Form


class FormList(LineList):
    """The lines; the cursor stays on what it is on while others come and go."""

    def __init__(self) -> None:
        super().__init__(id="form-lines")
        self.form: Form | None = None

    @property
    def chosen(self) -> Row | None:
        """What the cursor is on."""
        rows = self.form.rows if self.form is not None else ()
        return rows[self.cursor] if self.cursor < len(rows) else None

    def show(self, form: Form) -> None:
        """Show it."""
        chosen = self.chosen
        self.form = form
        place = form.place(chosen.kind, chosen.at) if chosen is not None else None
        if place is None and chosen is not None and chosen.kind is RowKind.STEP:
            place = form.place(RowKind.STEPS)
        self.lines_changed()
        if place is not None:
            self.cursor = place

    def go_to(self, row: Row) -> None:
        """Put the cursor there, if there is such a line."""
        place = self.form.place(row.kind, row.at) if self.form is not None else None
        if place is not None:
            self.cursor = place
            self.show_cursor()

    @property
    def line_count(self) -> int:
        """All of them."""
        return len(self.form.rows) if self.form is not None else 0

    def line_at(self, index: int, cells: int) -> Line:
        """One of them."""
        assert self.form is not None
        return row_line(self.form, index, cells)

    def empty_line(self, cells: int) -> Line:  # noqa: ARG002
        """Nothing was found."""
        if self.form is None:
            return (Span(" reading…", Role.DIM),)
        return (Span(f" nothing like that; {self.form.keys.leave} shows everything again", Role.DIM),)

    def behind_blurred(self) -> str:
        """What the cursor is on stays visible while other keys matter."""
        return painter_of(self).palette.cursor_blurred


class FormPanel(HeadedPanel):
    """The list under its heading."""

    def __init__(self) -> None:
        super().__init__("CHANGE", id="form")

    def made(self) -> FormList:
        """The list, new."""
        return FormList()

    @property
    def content(self) -> FormList:
        """The list."""
        return self.query_one(FormList)

    @property
    def entries(self) -> FormList:
        """The list."""
        return self.content

    def show(self, form: Form, facts: Line) -> None:
        """Show it, with what the heading says at its end."""
        self.entries.show(form)
        self.head((), facts)

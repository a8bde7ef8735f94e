"""The list of kept analyses: the newest first, enter opens one. Keeping and reading them is the store's."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on

from store.analyses import AnalysisHead, analyses_page
from tui.actions import Need, Scope
from tui.places import ComparePlace
from tui.screens.base import LiveScreen
from tui.viewmodel.comparing.kept import kept_header, kept_line
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span
from tui.viewmodel.words import plural
from tui.widgets.bindings import bindings_of
from tui.widgets.line_list import LineList
from tui.widgets.lines import KeyBar, Lines, TitleLine, breadcrumb
from tui.widgets.notice import Notice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from engine.errors import OpscopeError
    from tui.viewmodel.runs import Moment

_MOST = 500


class KeptList(LineList):
    """The analyses, one a line."""

    def __init__(self) -> None:
        super().__init__(id="kept")
        self.heads: Sequence[AnalysisHead] = ()
        self.moment: Moment | None = None

    @property
    def chosen(self) -> AnalysisHead | None:
        """The analysis under the cursor."""
        return self.heads[self.cursor] if self.cursor < len(self.heads) else None

    @property
    def line_count(self) -> int:
        """All of them."""
        return len(self.heads)

    def line_at(self, index: int, cells: int) -> Line:
        """One analysis."""
        assert self.moment is not None
        return kept_line(self.heads[index], self.moment, cells)


class KeptScreen(LiveScreen["Sequence[AnalysisHead]"]):
    """What was compared before."""

    SCOPES = (Scope.KEPT,)
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(Scope.KEPT)

    DEFAULT_CSS = """
    KeptScreen > #kept-header { height: 1; margin: 1 0 0 0; }
    KeptScreen.-narrow > #kept-header { margin: 0; }
    KeptScreen.-blank > #kept-header, KeptScreen.-blank > KeptList { display: none; }
    """

    def __init__(self, place: ComparePlace) -> None:
        super().__init__()
        self._row = place.row

    def compose(self) -> ComposeResult:
        """Title, the list, keys."""
        yield TitleLine(id="title")
        yield Lines(id="kept-header")
        yield KeptList()
        yield Notice(id="notice")
        yield KeyBar()

    def on_mount(self) -> None:
        """The list has the keys."""
        self.query_one("#title", TitleLine).tell(breadcrumb("compare", "kept"), (Span("reading", Role.DIM),))
        self.query_one(KeptList).focus()

    async def read(self) -> Sequence[AnalysisHead]:
        """The newest ones."""
        return await self.inspector.source.ask(analyses_page(limit=_MOST))

    def shown(self, answer: Sequence[AnalysisHead]) -> None:
        """The list; the cursor stays on its analysis."""
        entries = self.query_one(KeptList)
        row = entries.chosen.analysis_id if entries.chosen is not None else self._row
        entries.heads, entries.moment = answer, self.inspector.moment()
        number = plural(len(answer), "analysis", "analyses")
        more = "the newest " if len(answer) == _MOST else ""
        self.query_one("#title", TitleLine).tell(breadcrumb("compare", "kept"), (Span(f"{more}{number}", Role.DIM),))
        self.set_class(not answer, "-blank")
        if not answer:
            self.query_one(Notice).say(
                (Span("No analysis has been kept yet", bold=True),),
                [
                    f"Choose a run, or mark several with {self.key('mark')}, and press {self.key('compare')}: "
                    "what comes of it is kept here."
                ],
                (self._way_back,),
            )
            return
        self.query_one(Notice).close()
        entries.cursor = next((at for at, head in enumerate(answer) if head.analysis_id == row), entries.cursor)
        entries.lines_changed()
        entries.show_cursor()
        self._show_header()

    def failed(self, error: OpscopeError) -> None:
        """They cannot be read."""
        self.inspector.note_error(error)
        self.set_class(True, "-blank")
        self.query_one(Notice).fail(error, (self._way_back,))

    @property
    def _way_back(self) -> tuple[str, str]:
        return self.key("leave_kept"), "back"

    def _show_header(self) -> None:
        cells = self.query_one(KeptList).scrollable_content_region.width
        if cells:
            self.query_one("#kept-header", Lines).show([kept_header(cells)])

    @property
    def given(self) -> set[Need]:
        """An analysis under the cursor."""
        return super().given | ({Need.LINE_CHOSEN} if self.query_one(KeptList).chosen is not None else set())

    def perform(self, action_id: str) -> None:
        """Open, copy, leave."""
        chosen = self.query_one(KeptList).chosen
        match action_id:
            case "open_kept" if chosen is not None:
                self.inspector.history.now_at(ComparePlace(row=chosen.analysis_id))
                self.inspector.go(ComparePlace(analysis_id=chosen.analysis_id))
            case "copy_kept" if chosen is not None:
                self.inspector.copy(chosen.analysis_id, "id")
            case "leave_kept":
                self.go_back()
            case _:
                super().perform(action_id)

    @on(LineList.Opened)
    def _opened(self, event: LineList.Opened) -> None:
        event.stop()
        self.action_do("open_kept")

    @on(LineList.Moved)
    def _moved(self, event: LineList.Moved) -> None:
        event.stop()
        self.keys_changed()

    def on_resize(self) -> None:
        """The columns follow the width."""
        self._show_header()

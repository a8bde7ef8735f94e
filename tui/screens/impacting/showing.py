"""What the Impact screen shows: the versions of an asset, and what two of them come to. What a person does is the screen's."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual.containers import Horizontal

from engine.errors import InputError
from tui.impact_reading import AssetChoice, Versions, read_assets, read_picture, read_versions
from tui.screens.base import LiveScreen
from tui.viewmodel.impact.folding import folded
from tui.viewmodel.impact.versions import header, legend
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span
from tui.widgets.chooser import Chooser
from tui.widgets.lines import KeyBar, Lines, TitleLine, breadcrumb
from tui.widgets.notice import Notice
from tui.widgets.text_list import Reading
from tui.widgets.version_list import VersionList

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.widget import Widget

    from engine.errors import OpscopeError
    from engine.regression.impact_report import Impact
    from tui.places import ImpactPlace

_WIDE = 100
_BESIDE = 1
"""The edge between the panels, which shows which of them has the keys."""


class ShowingImpact(LiveScreen["Versions | Impact | AssetChoice"]):
    """The versions above, what they come to below: side by side where there is room."""

    AUTO_FOCUS = ""

    DEFAULT_CSS = """
    ShowingImpact { layers: base above; }
    ShowingImpact > #axis { height: 1; }
    ShowingImpact > #versions { height: auto; max-height: 5; }
    ShowingImpact.-wide > #versions { max-height: 10; }
    ShowingImpact > #legend { height: 1; }
    ShowingImpact > #rule { height: 1; }
    ShowingImpact > #panels { height: 1fr; }
    ShowingImpact #told { width: 1fr; }
    ShowingImpact #beside { width: 1fr; display: none; border-left: solid $border; }
    ShowingImpact.-wide #beside { display: block; }
    ShowingImpact #told:focus { scrollbar-color: $secondary; outline-left: solid $secondary; }
    ShowingImpact #beside:focus { scrollbar-color: $secondary; border-left: solid $secondary; }
    ShowingImpact.-blank > #axis, ShowingImpact.-blank > #versions, ShowingImpact.-blank > #legend { display: none; }
    ShowingImpact.-blank > #rule, ShowingImpact.-blank > #panels { display: none; }
    """

    def __init__(self, place: ImpactPlace) -> None:
        super().__init__()
        self.place = place
        self._impact: Impact | None = None
        # What has been read and is still to be compared.
        self._versions: Versions | None = None

    def compose(self) -> ComposeResult:
        """Title, versions under their axis, what follows, keys."""
        yield TitleLine(id="title")
        yield Lines(id="axis")
        yield VersionList()
        yield Lines(id="legend")
        yield Lines(id="rule")
        with Horizontal(id="panels"):
            yield Reading(id="told")
            yield Reading(id="beside")
        yield Notice(id="notice")
        yield Chooser("", "")
        yield KeyBar()

    def on_mount(self) -> None:
        """Nothing has the keys before there is something: what is hidden gives them away when it likes."""
        self.tell_title((Span("reading", Role.DIM),))
        self.set_class(True, "-blank")
        for panel in self.query(Reading):
            # The first time there is no room for a text yet when the rule is drawn.
            self.watch(panel, "show_vertical_scrollbar", self._draw_rule, init=False)

    @property
    def versions(self) -> VersionList:
        """The list."""
        return self.query_one(VersionList)

    async def read(self) -> Versions | Impact | AssetChoice:
        """What the file says of the asset, the first time its versions before they are compared; without one, which assets there are."""
        path, place, moment = self.inspector.db_path, self.place, self.inspector.moment()
        if not place.asset:
            return await asyncio.to_thread(read_assets, path)
        versions, self._versions = self._versions, None
        if self._impact is None and versions is None:
            return await asyncio.to_thread(read_versions, path, place, moment.now_us)
        record = None if versions is None else versions.record
        return await asyncio.to_thread(read_picture, path, place, moment.now_us, self._impact, record)

    def shown(self, answer: Versions | Impact | AssetChoice) -> None:
        """Everything, at the width there is."""
        if isinstance(answer, AssetChoice):
            self.asset_wanted(answer)
            return
        impact = answer.impact if isinstance(answer, Versions) else answer
        self.set_class(False, "-blank")
        self.query_one(Notice).close()
        self.versions.show(impact, self.inspector.moment())
        if self.focused is None:
            self.versions.focus()
        if isinstance(answer, Versions):
            self._versions = answer
            self.tell_title((Span("comparing", Role.DIM),))
            self._draw_versions(impact)
            self.query_one("#told", Reading).show([(Span(" the newest runs of two versions are compared…", Role.DIM),)])
            self.want()
            return
        self._impact = impact
        self._draw()

    def failed(self, error: OpscopeError) -> None:
        """The file cannot be read, or there is no such asset."""
        self.inspector.note_error(error)
        self.set_class(True, "-blank")
        word = "NOT FOUND" if isinstance(error, InputError) else "NOT READABLE"
        self.tell_title((Span(f"✗ {word}", Role.FAILED, bold=True),))
        self.query_one(Notice).fail(error, ((self.key("choose_asset"), "look at another asset"), self.way_back))

    def asset_wanted(self, found: AssetChoice) -> None:
        """No asset was named: one of these is to be chosen."""

    @property
    def way_back(self) -> tuple[str, str]:
        """The key that leads back, as a notice says it."""
        return self.key("leave_impact"), "back"

    # Drawing

    def tell_title(self, right: Line) -> None:
        """Which asset, and what there is to say of it."""
        self.query_one("#title", TitleLine).tell(
            breadcrumb("impact", *([self.place.asset] if self.place.asset else [])), right
        )

    def _draw(self) -> None:
        self._draw_texts()
        self.call_after_refresh(self._draw_rule)

    def _draw_texts(self) -> None:
        impact = self._impact
        if impact is None:
            return
        from tui.viewmodel.impact.telling import as_lines, first_sections, second_sections, title_state

        cells = self.size.width
        self.tell_title(title_state(impact))
        self._draw_versions(impact)
        told, beside = self.query_one("#told", Reading), self.query_one("#beside", Reading)
        if cells < _WIDE:
            room = cells - 2
            told.show(folded(as_lines(first_sections(impact, room, self.key) + second_sections(impact, room)), room))
            return
        room = (cells - _BESIDE) // 2 - 2
        told.show(folded(as_lines(first_sections(impact, room, self.key)), room))
        beside.show(folded(as_lines(second_sections(impact, room)), room))

    def _draw_versions(self, impact: Impact) -> None:
        cells = self.size.width
        self.query_one("#axis", Lines).show([header(impact, cells - 1, self.inspector.moment())])
        self.query_one("#legend", Lines).show([legend(impact, cells)])

    def _draw_rule(self) -> None:
        """Between the versions and the text; it says how to read on where not all of it is in sight."""
        cells = self.size.width
        told, beside = self.query_one("#told", Reading), self.query_one("#beside", Reading)
        said = ""
        if told.line_count > told.size.height > 0:
            said = f" {self.key('impact_panel')}, {self.key('half_down')}: read on "
        elif cells >= _WIDE and beside.line_count > beside.size.height > 0:
            said = f" {self.key('impact_panel')}: read on "
        rule = (Span("─" * max(0, cells - len(said) - 2), Role.BORDER), Span(said, Role.DIM), Span("──", Role.BORDER))
        self.query_one("#rule", Lines).show([rule])

    def on_resize(self) -> None:
        """Sentences are folded to the width."""
        self._draw()

    @property
    def panels(self) -> list[Widget]:
        """What can have the keys: the versions, and the texts that are in sight."""
        told = [self.query_one("#told", Reading)]
        return [self.versions, *told, *([self.query_one("#beside", Reading)] if self.size.width >= _WIDE else [])]

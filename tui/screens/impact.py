"""The Impact screen: what the versions of an asset did, and two of them compared. What it says is made in the view model."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import Horizontal

from engine.errors import InputError
from store.queries.impact import runs_of_version
from tui.actions import Need, Scope
from tui.impact_reading import AssetChoice, read_assets, read_picture, write_export
from tui.places import ComparePlace, ImpactPlace
from tui.screens.base import LiveScreen
from tui.viewmodel.impact.choosing import asset_choices, run_choices
from tui.viewmodel.impact.folding import folded
from tui.viewmodel.impact.telling import as_lines, first_sections, second_sections, title_state
from tui.viewmodel.impact.versions import header, legend
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span, span
from tui.widgets.bindings import bindings_of
from tui.widgets.chooser import Chooser
from tui.widgets.line_list import LineList
from tui.widgets.lines import KeyBar, Lines, TitleLine, breadcrumb
from tui.widgets.notice import Notice
from tui.widgets.text_list import Reading
from tui.widgets.version_list import VersionList

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.widget import Widget

    from engine.errors import OpscopeError
    from engine.regression.impact import VersionUse
    from engine.regression.impact_report import Impact

_WIDE = 100
_BESIDE = 1
"""The edge between the panels, which shows which of them has the keys."""


class ImpactScreen(LiveScreen["Impact | AssetChoice"]):
    """The versions above, what they come to below: side by side where there is room."""

    SCOPES = (Scope.IMPACT,)
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(Scope.IMPACT)

    DEFAULT_CSS = """
    ImpactScreen { layers: base above; }
    ImpactScreen > #axis { height: 1; }
    ImpactScreen > #versions { height: auto; max-height: 5; }
    ImpactScreen.-wide > #versions { max-height: 10; }
    ImpactScreen > #legend { height: 1; }
    ImpactScreen > #rule { height: 1; }
    ImpactScreen > #panels { height: 1fr; }
    ImpactScreen #told { width: 1fr; }
    ImpactScreen #beside { width: 1fr; display: none; border-left: solid $border; }
    ImpactScreen.-wide #beside { display: block; }
    ImpactScreen #told:focus { scrollbar-color: $secondary; outline-left: solid $secondary; }
    ImpactScreen #beside:focus { scrollbar-color: $secondary; border-left: solid $secondary; }
    ImpactScreen.-blank > #axis, ImpactScreen.-blank > #versions, ImpactScreen.-blank > #legend { display: none; }
    ImpactScreen.-blank > #rule, ImpactScreen.-blank > #panels { display: none; }
    """

    def __init__(self, place: ImpactPlace) -> None:
        super().__init__()
        self.place = place
        self._impact: Impact | None = None
        self._done: Callable[[int], None] | None = None

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
        self._tell_title((Span("reading", Role.DIM),))
        self.set_class(True, "-blank")

    @property
    def versions(self) -> VersionList:
        """The list."""
        return self.query_one(VersionList)

    async def read(self) -> Impact | AssetChoice:
        """What the file says of the asset; without one, which assets there are."""
        path, place, moment = self.inspector.db_path, self.place, self.inspector.moment()
        if not place.asset:
            return await asyncio.to_thread(read_assets, path)
        return await asyncio.to_thread(read_picture, path, place, moment.now_us, self._impact)

    def shown(self, answer: Impact | AssetChoice) -> None:
        """Everything, at the width there is."""
        if isinstance(answer, AssetChoice):
            # The file may have changed while somebody chooses, or has chosen.
            if not self.place.asset and self._done is None:
                self._choose(answer)
            return
        self._impact = answer
        self.set_class(False, "-blank")
        self.query_one(Notice).close()
        self.versions.show(answer, self.inspector.moment())
        if self.focused is None:
            self.versions.focus()
        self._draw()

    def failed(self, error: OpscopeError) -> None:
        """The file cannot be read, or there is no such asset."""
        self.inspector.note_error(error)
        self.set_class(True, "-blank")
        word = "NOT FOUND" if isinstance(error, InputError) else "NOT READABLE"
        self._tell_title((Span(f"✗ {word}", Role.FAILED, bold=True),))
        headline = (Span("✗ ", Role.FAILED), span(error.cause, bold=True))
        texts = [text for text in (error.place, error.hint) if text]
        self.query_one(Notice).say(headline, texts, (("i", "look at another asset"), ("esc", "back")))

    # Drawing

    def _tell_title(self, right: Line) -> None:
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
        cells, moment = self.size.width, self.inspector.moment()
        self._tell_title(title_state(impact))
        self.query_one("#axis", Lines).show([header(impact, cells - 1, moment)])
        self.query_one("#legend", Lines).show([legend(impact, cells)])
        told, beside = self.query_one("#told", Reading), self.query_one("#beside", Reading)
        if cells < _WIDE:
            room = cells - 2
            told.show(folded(as_lines(first_sections(impact, room) + second_sections(impact, room)), room))
            return
        room = (cells - _BESIDE) // 2 - 2
        told.show(folded(as_lines(first_sections(impact, room)), room))
        beside.show(folded(as_lines(second_sections(impact, room)), room))

    def _draw_rule(self) -> None:
        """Between the versions and the text; it says how to read on where not all of it is in sight."""
        cells = self.size.width
        told, beside = self.query_one("#told", Reading), self.query_one("#beside", Reading)
        said = ""
        if told.line_count > told.size.height > 0:
            said = " tab, pgdn: read on "
        elif cells >= _WIDE and beside.line_count > beside.size.height > 0:
            said = " tab: read on "
        rule = (Span("─" * max(0, cells - len(said) - 2), Role.BORDER), Span(said, Role.DIM), Span("──", Role.BORDER))
        self.query_one("#rule", Lines).show([rule])

    def on_resize(self) -> None:
        """Sentences are folded to the width."""
        self._draw()

    # What a person does

    @property
    def given(self) -> set[Need]:
        """A version that was used, two that can be compared."""
        given, chosen = super().given, self.versions.chosen
        if self._impact is None or self.has_class("-blank"):
            return given
        given.add(Need.IMPACT_READ)
        if chosen is not None:
            given.add(Need.LINE_CHOSEN)
            if chosen.runs:
                given.add(Need.VERSION_USED)
        if self._impact.pair is not None and self._impact.pair.sides is not None:
            given.add(Need.VERSIONS_COMPARABLE)
        return given

    def perform(self, action_id: str) -> None:
        """Choose versions, and go on from them."""
        ways: dict[str, Callable[[], None]] = {
            "open_version": self._open_version,
            "compare_from": lambda: self._compare(before=self._chosen_version()),
            "compare_to": lambda: self._compare(after=self._chosen_version()),
            "swap_versions": self._swap,
            "compare_versions": self._compare_runs,
            "override_version": self._override,
            "export_impact": self._export,
            "copy_impact": self._copy_command,
            "choose_asset": lambda: self.inspector.busily(self._read_assets()),
            "impact_panel": lambda: self._move_panel(1),
            "impact_panel_before": lambda: self._move_panel(-1),
            "leave_impact": self._leave,
        }
        ways[action_id]()

    def _leave(self) -> None:
        if Need.PLACE_BEFORE in self.inspector.given:
            self.inspector.action_do("history_back")
        else:
            self.inspector.show_runs()

    def _chosen_version(self) -> int | None:
        chosen = self.versions.chosen
        return None if chosen is None else chosen.version

    def _compare(self, *, before: int | None = None, after: int | None = None) -> None:
        """Take another version for one side. One that stands on the other side changes places with it."""
        pair = self._impact.pair if self._impact is not None else None
        if pair is None:
            self.inspector.say("only one version was used: there is nothing to compare it with")
            return
        first, second = pair.before.version, pair.after.version
        if before is not None:
            first, second = before, first if before == second else second
        if after is not None:
            first, second = second if after == first else first, after
        self._go(first, second)

    def _swap(self) -> None:
        pair = self._impact.pair if self._impact is not None else None
        if pair is not None:
            self._go(pair.after.version, pair.before.version)

    def _go(self, before: int, after: int) -> None:
        self.place = replace(self.place, before=before, after=after)
        self.inspector.went_to(self.place)
        for reading in self.query(Reading):
            reading.scroll_home(animate=False)
        self.want()

    def _compare_runs(self) -> None:
        sides = self._impact.pair.sides if self._impact is not None and self._impact.pair is not None else None
        if sides is not None:
            self.inspector.go(ComparePlace(candidates=sides.after, baseline=sides.before))

    def _override(self) -> None:
        """From the newest run of the version that is gone to, where there is one; else from the newest of all."""
        impact = self._impact
        if impact is None:
            return
        uses = impact.record.uses
        wanted = impact.pair.after.version if impact.pair is not None else None
        newest = next((use for use in uses if use.version == wanted), next(iter(uses), None))
        if newest is None:
            self.inspector.say("no run has used this asset")
        else:
            self.inspector.open_override(newest.run_id, alias=(impact.pair.alias if impact.pair else "") or None)

    def _copy_command(self) -> None:
        impact = self._impact
        if impact is not None:
            pair = "" if impact.pair is None else f" {impact.pair.before.version} {impact.pair.after.version}"
            self.inspector.copy(f"opscope impact {impact.record.asset}{pair}", "command")

    def _move_panel(self, step: int) -> None:
        panels: list[Widget] = [self.versions, self.query_one("#told", Reading)]
        if self.size.width >= _WIDE:
            panels.append(self.query_one("#beside", Reading))
        at = panels.index(self.focused) if self.focused in panels else 0
        panels[(at + step) % len(panels)].focus()

    # Choosing from a list

    def _open_chooser(
        self, title: tuple[str, str], choices: Sequence[tuple[Line, Line]], done: Callable[[int], None], at: int = 0
    ) -> None:
        self._done = done
        self.query_one(Chooser).open(choices, at, title=title)

    @on(Chooser.Chosen)
    def _chosen(self, event: Chooser.Chosen) -> None:
        event.stop()
        done, self._done = self._done, None
        if done is not None:
            done(event.index)

    def _open_version(self) -> None:
        chosen = self.versions.chosen
        if chosen is not None and chosen.runs:
            self.inspector.busily(self._read_runs(chosen))

    async def _read_runs(self, chosen: VersionUse) -> None:
        uses = await self.inspector.source.ask(runs_of_version(f"{self.place.asset}@{chosen.version}"))
        if not self.is_attached or not uses:
            return
        right = f"newest {len(uses)} of {chosen.runs}" if len(uses) < chosen.runs else "newest first"
        choices = run_choices(uses, self.inspector.moment())
        self._open_chooser(
            (f"RUNS WITH @{chosen.version}", right), choices, lambda index: self.inspector.open_run(uses[index].run_id)
        )

    async def _read_assets(self) -> None:
        found = await asyncio.to_thread(read_assets, self.inspector.db_path)
        if self.is_attached:
            self._choose(found)

    def _choose(self, found: AssetChoice) -> None:
        if not found.histories:
            self._tell_title(())
            ways = (("opscope asset add FILE --as TYPE/NAME", "adds one"), ("esc", "back"))
            self.query_one(Notice).say((Span("No assets yet", bold=True),), (), ways)
            return
        names = [history.name for history in found.histories]

        def chosen(index: int) -> None:
            place = ImpactPlace(str(names[index]))
            if self.place.asset:
                self.inspector.go(place)
                return
            self.place = place
            self.inspector.went_to(place)
            self._tell_title((Span("reading", Role.DIM),))
            self.want()

        if not self.place.asset:
            self._tell_title(())
            self.query_one(Notice).say(
                (Span("Which asset?", bold=True),), (), (("i", "the list of assets"), ("esc", "back"))
            )
        at = next((place for place, name in enumerate(names) if str(name) == self.place.asset), 0)
        self._open_chooser(("ASSET", "RUNS"), asset_choices(found.histories), chosen, at)

    def _export(self) -> None:
        impact = self._impact
        if impact is None:
            return
        kinds = (("markdown", "for a ticket or a wiki"), ("json", "for a program"))
        choices: list[tuple[Line, Line]] = [((Span(kind),), (Span(said, Role.DIM),)) for kind, said in kinds]

        def chosen(index: int) -> None:
            self.inspector.busily(self._write(impact, kinds[index][0]))

        self._open_chooser(("EXPORT", ""), choices, chosen)

    async def _write(self, impact: Impact, kind: str) -> None:
        path = await asyncio.to_thread(write_export, impact, kind)
        self.inspector.say(f"written to {path}")

    @on(VersionList.ReadOn)
    def _read_on_below(self, event: VersionList.ReadOn) -> None:
        event.stop()
        self.query_one("#told", Reading).action_do(event.action_id)

    @on(LineList.Opened)
    def _clicked(self, event: LineList.Opened) -> None:
        if event.line_list is self.versions:
            event.stop()
            self.action_do("open_version")

    @on(LineList.Moved)
    def _moved(self) -> None:
        self.keys_changed()

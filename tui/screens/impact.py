"""The Impact screen: choosing versions of an asset, and going on from them. What is shown is made in `tui.screens.impacting`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import on

from store.queries.impact import runs_of_version
from tui.actions import Need, Scope
from tui.impact_reading import AssetChoice, read_assets, write_export
from tui.places import ComparePlace, ImpactPlace
from tui.screens.impacting.showing import ShowingImpact
from tui.viewmodel.impact.choosing import asset_choices, run_choices
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span
from tui.widgets.bindings import bindings_of
from tui.widgets.chooser import Chooser
from tui.widgets.line_list import LineList
from tui.widgets.notice import Notice
from tui.widgets.text_list import Reading
from tui.widgets.version_list import VersionList

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual.binding import BindingType

    from engine.regression.impact import VersionUse
    from engine.regression.impact_report import Impact


class ImpactScreen(ShowingImpact):
    """The versions above, what they come to below. Enter lists runs, `b` and `a` choose the two versions."""

    SCOPES = (Scope.IMPACT,)
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(Scope.IMPACT)

    def __init__(self, place: ImpactPlace) -> None:
        super().__init__(place)
        self._done: Callable[[int], None] | None = None

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
            "leave_impact": self.go_back,
        }
        ways[action_id]()

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
        self.place = self.place._replace(before=before, after=after)
        self.inspector.history.now_at(self.place)
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
        panels = self.panels
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

    def asset_wanted(self, found: AssetChoice) -> None:
        """Ask once: the file may have changed while somebody chooses, or has chosen."""
        if not self.place.asset and self._done is None:
            self._choose(found)

    def _choose(self, found: AssetChoice) -> None:
        if not found.histories:
            self.tell_title(())
            ways = (("opscope asset add FILE --as TYPE/NAME", "adds one"), self.way_back)
            self.query_one(Notice).say((Span("No assets yet", bold=True),), (), ways)
            return
        if not self.place.asset:
            self.tell_title(())
            ways = ((self.key("choose_asset"), "the list of assets"), self.way_back)
            self.query_one(Notice).say((Span("Which asset?", bold=True),), (), ways)
        names = [str(history.name) for history in found.histories]
        at = names.index(self.place.asset) if self.place.asset in names else 0
        self._open_chooser(
            ("ASSET", "RUNS"), asset_choices(found.histories), lambda index: self._show_asset(names[index]), at
        )

    def _show_asset(self, name: str) -> None:
        """Here, where no asset was shown yet; else as another place."""
        place = ImpactPlace(name)
        if self.place.asset:
            self.inspector.go(place)
            return
        self.place = place
        self.inspector.history.now_at(place)
        self.tell_title((Span("reading", Role.DIM),))
        self.want()

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

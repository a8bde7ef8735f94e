"""The Assets tab: which version of which asset the run applied and why, and what is in it. Overriding one is not done here."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import Container, Vertical

from store.queries import applied_assets_of
from store.queries.replans import asset_uses_of
from tui.actions import Action, Need, Scope
from tui.assets_reading import AssetContent, read_applied, read_content, reference_of
from tui.places import ImpactPlace
from tui.screens.tabs.base import RunTab
from tui.viewmodel.applied_assets import (
    AppliedAsset,
    asset_header,
    empty_assets,
    numbered,
    stages_of,
    version_lines,
)
from tui.viewmodel.json_lines import json_text
from tui.viewmodel.palette import Role
from tui.viewmodel.tabs import Tab
from tui.viewmodel.text import Line, Span, span
from tui.viewmodel.words import plural, size
from tui.widgets.asset_list import AssetList
from tui.widgets.bindings import bindings_of
from tui.widgets.json_view import JsonView
from tui.widgets.line_list import LineList
from tui.widgets.lines import Lines
from tui.widgets.stage_panel import StagePanel
from tui.widgets.text_panel import TextPanel

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.widget import Widget

    from tui.viewmodel.run_picture import RunPicture
    from tui.widgets.text_list import Reading


class AssetsTab(RunTab):
    """The list; Enter opens content and versions of the asset under the cursor."""

    TAB = Tab.ASSETS
    SCOPE = Scope.ASSETS
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(Scope.ASSETS)

    # How narrow the screen is stands at the screen, above what scoped styles may look at.
    SCOPED_CSS = False
    DEFAULT_CSS = """
    AssetsTab > #asset-header { height: 1; }
    AssetsTab > AssetList { height: 1fr; }
    AssetsTab > #asset-open { display: none; height: 1fr; layout: horizontal; }
    AssetsTab.-open > #asset-open { display: block; }
    AssetsTab.-open > AssetList { height: auto; max-height: 8; }
    AssetsTab #asset-content { width: 3fr; }
    AssetsTab #asset-json { display: none; }
    AssetsTab.-json #asset-json { display: block; }
    AssetsTab.-json #asset-text { display: none; }
    AssetsTab #asset-versions { width: 2fr; margin-left: 1; }
    .-narrow AssetsTab > #asset-open { layout: vertical; }
    .-narrow AssetsTab.-open > AssetList { max-height: 4; }
    .-narrow AssetsTab #asset-content { width: 1fr; height: 2fr; }
    .-narrow AssetsTab #asset-versions { width: 1fr; height: 1fr; margin: 0; min-height: 3; }
    .-narrow AssetsTab #asset-versions:focus-within { height: 3fr; }
    .-short AssetsTab.-open > AssetList { max-height: 1; }
    .-short.-narrow AssetsTab #asset-versions { height: 1; min-height: 1; }
    .-short.-narrow AssetsTab #asset-versions:focus-within { height: 3fr; min-height: 2; }
    """

    def __init__(self) -> None:
        super().__init__(id="assets")
        self._picture: RunPicture | None = None
        self._content = AssetContent()
        self._content_of: AppliedAsset | None = None

    def compose(self) -> ComposeResult:
        """The list under its titles, what is open below."""
        yield Lines(id="asset-header")
        yield AssetList()
        with Container(id="asset-open"):
            with Vertical(id="asset-content"):
                yield TextPanel("CONTENT", id="asset-text")
                yield StagePanel("CONTENT", id="asset-json")
            yield TextPanel("VERSIONS", id="asset-versions")

    @property
    def entries(self) -> AssetList:
        """The list."""
        return self.query_one(AssetList)

    @property
    def is_open(self) -> bool:
        """True while an asset's content is shown."""
        return self.has_class("-open")

    async def read(self, picture: RunPicture) -> list[AppliedAsset]:
        """What the pass was given, and what is known of it."""
        source, run_id = self.inspector.source, picture.run.run_id
        found = await source.ask(applied_assets_of(run_id, picture.pass_index))
        uses = await source.ask(asset_uses_of(run_id, picture.pass_index))
        return await asyncio.to_thread(read_applied, self.inspector.db_path, found, uses)

    def shown(self, picture: RunPicture, answer: object) -> None:
        """The list; the cursor stays where it is."""
        assert isinstance(answer, list)
        self._picture = picture
        entries = self.entries
        if entries.assets != answer:
            entries.assets = answer
            entries.empty_text = empty_assets(goes_on=picture.goes_on)
            entries.styles.max_height = None
            entries.lines_changed()
            entries.refresh(layout=True)
        else:
            entries.empty_text = empty_assets(goes_on=picture.goes_on)
            entries.lines_changed()
        self._draw_header()
        self._show_open()
        self.post_message(self.FactsChanged())

    def _draw_header(self) -> None:
        entries = self.entries
        cells = entries.scrollable_content_region.width or self.screen.size.width - 1
        self.query_one("#asset-header", Lines).show([asset_header(entries.assets, cells) if entries.assets else ()])

    def on_resize(self) -> None:
        """More or fewer columns fit."""
        self._draw_header()
        self._draw_open()

    # One asset

    def _show_open(self) -> None:
        chosen = self.entries.chosen
        if not self.is_open or chosen is None:
            return
        if self._content_of == chosen:
            self._draw_open()
        else:
            self.inspector.busily(self._read_content(chosen))

    async def _read_content(self, asset: AppliedAsset) -> None:
        content = await asyncio.to_thread(read_content, self.inspector.db_path, asset)
        if self.is_attached and self.entries.chosen == asset:
            self._content, self._content_of = content, asset
            self._draw_open(fresh=True)
            self.run_screen.keys_changed()

    def _draw_open(self, *, fresh: bool = False) -> None:
        asset, content = self._content_of, self._content
        if asset is None or not self.is_open:
            return
        heading: Line = (span(asset.ref), Span("  "), *stages_of(asset))
        head = asset.head
        facts: Line = (span(asset.sha256[:12], Role.DIM),)
        if head is not None and not content.why:
            facts = (
                span(f"{head.media_type}  {size(len(content.text.encode('utf-8', 'surrogatepass')))}  ", Role.DIM),
                *facts,
            )
        had_keys = self._content_panel().has_focus
        self.set_class(content.is_json, "-json")
        if content.is_json:
            self.query_one("#asset-json", StagePanel).show(
                content.value, fresh=fresh, stage=heading, facts=facts, empty_text="empty", edge=Role.DIM, telling=None
            )
        else:
            panel = self.query_one("#asset-text", TextPanel)
            why: list[Line] = [(Span(f" {content.why}", Role.DIM),)] if content.why else []
            panel.show(heading, facts, lambda cells: why or numbered(content.text, cells), fresh=fresh)
        if had_keys:
            self._content_panel().focus()
        moment = self.moment
        newer: Line = (Span(f"{asset.newer} is newer", Role.WARNING),) if asset.newer is not None else ()
        versions = self.query_one("#asset-versions", TextPanel)
        name = span(asset.ref.rpartition("@")[0] or asset.ref)
        versions.show((name,), newer, lambda cells: version_lines(asset, cells, moment), fresh=fresh)

    def _content_panel(self) -> JsonView | Reading:
        if self.has_class("-json"):
            return self.query_one("#asset-json", StagePanel).view
        return self.query_one("#asset-text", TextPanel).reading

    # What a person does

    @property
    def panels(self) -> list[Widget]:
        """The list, the content, the versions."""
        return [self.entries, self._content_panel(), self.query_one("#asset-versions", TextPanel).reading]

    @property
    def facts(self) -> Line:
        """How many, and of how many there is a newer version."""
        assets = self.entries.assets
        if not assets:
            return ()
        newer = sum(asset.newer is not None for asset in assets)
        many: Line = (Span(plural(len(assets), "asset"), Role.DIM),)
        return (*many, Span(f"  {newer} newer", Role.WARNING)) if newer else many

    @property
    def override_at(self) -> tuple[str | None, str | None]:
        """The asset under the cursor."""
        chosen = self.entries.chosen
        return None, chosen.alias if chosen is not None else None

    @property
    def given(self) -> set[Need]:
        """An asset under the cursor."""
        return {Need.LINE_CHOSEN} if self.entries.chosen is not None else set()

    def worded(self, action: Action) -> Action:
        """There is no other panel before an asset is open."""
        return action._replace(rank=None) if action.id == "next_panel" and not self.is_open else action

    def perform(self, action_id: str) -> None:
        """Open, copy."""
        match action_id:
            case "open_asset":
                self._open()
            case "asset_impact":
                self._show_impact()
            case "copy_asset":
                self._copy()
            case _:
                super().perform(action_id)

    def _open(self) -> None:
        if self.is_open:
            self._content_panel().focus()
            return
        self.add_class("-open")
        self._show_open()
        self.run_screen.keys_changed()
        self.entries.show_cursor()

    def _show_impact(self) -> None:
        """What the asset's versions did"""
        chosen = self.entries.chosen
        reference = reference_of(chosen.ref) if chosen is not None else None
        if reference is None:
            self.inspector.say("this run does not say which asset it was")
        else:
            self.inspector.go(ImpactPlace(str(reference.name)))

    def _copy(self) -> None:
        """The content where it is read, else the reference."""
        chosen = self.entries.chosen
        if chosen is None:
            return
        if self.is_open and self._content_of == chosen and not self._content.why:
            self.inspector.copy(json_text(self._content.text), f"content of {chosen.ref}")
        else:
            self.inspector.copy(json_text(chosen.ref), "reference")

    def leave(self) -> bool:
        """What is open below the list."""
        if not self.is_open:
            return False
        self.remove_class("-open")
        self.entries.focus()
        self.run_screen.keys_changed()
        return True

    @on(LineList.Moved)
    def _moved(self, event: LineList.Moved) -> None:
        if event.line_list is self.entries:
            event.stop()
            self._show_open()
            self.run_screen.keys_changed()

    @on(LineList.Opened)
    def _opened(self, event: LineList.Opened) -> None:
        if event.line_list is self.entries:
            event.stop()
            self._open()

    @on(JsonView.Opened)
    @on(JsonView.Moved)
    def _row_changed(self) -> None:
        self.run_screen.keys_changed()

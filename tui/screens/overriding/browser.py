"""The versions of an asset beside what differs from the version that the run used. Choosing one is up to the screen."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual import on
from textual.containers import Container

from tui.viewmodel.applied_assets import numbered
from tui.viewmodel.asset_diff import difference_lines
from tui.viewmodel.override.versions import folded, no_versions, version_facts, version_line
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span, span
from tui.viewmodel.words import plural
from tui.widgets.headed_panel import HeadedPanel
from tui.widgets.line_list import LineList
from tui.widgets.painter import painter_of
from tui.widgets.text_panel import TextPanel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from store.assets.reading import VersionHead
    from tui.app import Inspector
    from tui.viewmodel.override.givens import GivenAsset
    from tui.viewmodel.runs import Moment


_BESIDE = 100
_MOST_STACKED = 8
"""Versions that are shown above the difference; the others are scrolled to."""


class VersionList(LineList):
    """The versions, the newest first."""

    def __init__(self) -> None:
        super().__init__(id="version-lines")
        self.asset: GivenAsset | None = None
        self.chosen_version: int | None = None
        self.moment: Moment | None = None

    @property
    def heads(self) -> Sequence[VersionHead]:
        """All of them."""
        return self.asset.versions if self.asset is not None else ()

    @property
    def head(self) -> VersionHead | None:
        """The one under the cursor."""
        return self.heads[self.cursor] if self.cursor < len(self.heads) else None

    @property
    def line_count(self) -> int:
        """All of them."""
        return len(self.heads)

    def line_at(self, index: int, cells: int) -> Line:
        """One version."""
        assert self.asset is not None
        assert self.moment is not None
        return version_line(self.asset, self.heads[index], self.chosen_version, self.moment, cells)

    def empty_line(self, cells: int) -> Line:  # noqa: ARG002
        """Why there is none."""
        return (span(f" {no_versions(self.asset)}" if self.asset is not None else "", Role.DIM),)

    def behind_blurred(self) -> str:
        """The version that is compared stays visible."""
        return painter_of(self).palette.cursor_blurred


class VersionPanel(HeadedPanel):
    """The list under its heading."""

    def __init__(self) -> None:
        super().__init__("VERSIONS", id="version-list")

    def made(self) -> VersionList:
        """The list, new."""
        return VersionList()

    @property
    def content(self) -> VersionList:
        """The list."""
        return self.query_one(VersionList)


class VersionBrowser(Container):
    """Versions at the left or above, the difference at the right or below."""

    SCOPED_CSS = False
    DEFAULT_CSS = """
    VersionBrowser { layout: horizontal; height: 1fr; }
    VersionBrowser > #version-list { width: 2fr; }
    VersionBrowser > #difference { width: 3fr; margin-left: 1; }
    .-narrow VersionBrowser { layout: vertical; }
    .-narrow VersionBrowser > #version-list { width: 1fr; min-height: 2; max-height: 50%; }
    .-narrow VersionBrowser > #difference { width: 1fr; height: 1fr; margin: 1 0 0 0; }
    .-short.-narrow VersionBrowser > #difference { margin: 0; }
    """

    def __init__(self) -> None:
        super().__init__(id="browser")
        self.asset: GivenAsset | None = None

    def compose(self) -> ComposeResult:
        """List and difference."""
        yield VersionPanel()
        yield TextPanel("DIFFERENCE", id="difference")

    @property
    def versions(self) -> VersionList:
        """The list."""
        return self.query_one(VersionList)

    @property
    def difference(self) -> TextPanel:
        """What differs."""
        return self.query_one("#difference", TextPanel)

    @property
    def inspector(self) -> Inspector:
        """The app, by its own type."""
        from tui.app import Inspector

        assert isinstance(self.app, Inspector)
        return self.app

    def show(self, asset: GivenAsset, chosen: int | None) -> None:
        """Show an asset, the cursor on the version that is chosen, else on the newest that is not used already."""
        self.asset = asset
        versions = self.versions
        versions.asset, versions.chosen_version, versions.moment = asset, chosen, self.inspector.moment()
        versions.lines_changed()
        numbers = [head.version for head in versions.heads]
        others = [number for number in numbers if number != asset.version]
        wanted = chosen if chosen in numbers else next(iter(others), None)
        before = versions.cursor
        versions.cursor = numbers.index(wanted) if wanted is not None else 0
        alias = span(f"{asset.alias}  " if asset.alias else "", bold=True)
        number = Span(plural(len(versions.heads), "version"), Role.DIM)
        self.query_one(VersionPanel).head((alias, span(str(asset.name))), (number,))
        self._share_height()
        versions.focus()
        if versions.cursor == before:
            self._compare()

    def _share_height(self) -> None:
        """One above the other, the list takes what it needs, a few lines at most."""
        is_stacked = self.app.size.width < _BESIDE
        self.query_one(VersionPanel).styles.height = (
            min(len(self.versions.heads), _MOST_STACKED) + 1 if is_stacked else "1fr"
        )

    def on_resize(self) -> None:
        """Stacked or side by side."""
        self._share_height()

    @on(LineList.Moved)
    def _moved(self, event: LineList.Moved) -> None:
        event.stop()
        self._compare()

    def _compare(self) -> None:
        head = self.versions.head
        if self.asset is not None and head is not None:
            self.inspector.busily(self._read_difference(self.asset, head))

    async def _read_difference(self, asset: GivenAsset, head: VersionHead) -> None:
        from tui.override_reading import read_difference, read_version

        database, name = self.inspector.db_path, asset.name
        if asset.version is None or asset.version == head.version:
            version = await asyncio.to_thread(read_version, database, name, head.version)
            lines = numbered(version.content, 10_000) if version is not None else []
            named: Line = (span(f"@{head.version}, its content"),)
            facts: Line = ()
        else:
            found = await asyncio.to_thread(read_difference, database, name, asset.version, head.version)
            named = (span(f"@{asset.version} → @{head.version}"),)
            if found is None:
                lines, facts = [(Span(f" @{asset.version} is not in this file", Role.DIM),)], ()
            else:
                added, removed = found.amounts
                lines = [(Span(" "), *line) for line in difference_lines(found)]
                facts = (Span(f"+{added}", Role.SUCCEEDED), Span(" "), Span(f"-{removed}", Role.FAILED))
        if self.is_attached and self.versions.head == head and self.asset == asset:
            moment = self.inspector.moment()

            def text(cells: int) -> list[Line]:
                told = [part for line in lines for part in (folded(line, cells) if line else [line])]
                return [*version_facts(head, moment, cells), (), *told]

            self.difference.show(named, facts, text, fresh=True)

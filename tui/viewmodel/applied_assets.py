"""The assets that a run applied, as lines: which version of each and why, where it was used, and what newer there is. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len

from engine.model.asset import AssetSource
from tui.terminal import visible
from tui.viewmodel.asset_words import asset_mark
from tui.viewmodel.long_text import broken
from tui.viewmodel.palette import STAGE_ROLES, Role
from tui.viewmodel.text import Line, Span, crop, fit, span, width, wrapped
from tui.viewmodel.words import NOTHING, clock, plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model.states import Stage
    from store.assets.reading import AssetHistory, VersionHead
    from tui.viewmodel.runs import Moment

_GAP: Final = "  "
_HASH: Final = 12
_STATUS: Final = 12
_WHY: Final = 24
_STAGES_FROM: Final = 126
_HASH_FROM: Final = 146


@dataclass(frozen=True, slots=True)
class AppliedAsset:
    """A version that a run was given under an alias, the stages that it was given to, and all versions that there are here.

    `history` is None where the asset is not known here; `head` is the version itself, None where it is not, or holds
    something else here: such a run was imported.
    """

    alias: str
    ref: str
    sha256: str
    source: str
    stages: tuple[Stage, ...] = ()
    history: AssetHistory | None = None

    @property
    def version(self) -> int:
        """Its number; 0 where the reference has none."""
        number = self.ref.rpartition("@")[2]
        return int(number) if number.isascii() and number.isdigit() else 0

    @property
    def head(self) -> VersionHead | None:
        """The version as it is known here."""
        versions = self.history.versions if self.history is not None else ()
        return next((one for one in versions if one.version == self.version and one.sha256 == self.sha256), None)

    @property
    def newer(self) -> int | None:
        """The newest published version, if it is newer than this one."""
        newest = self.history.in_force if self.history is not None else None
        return newest.version if newest is not None and newest.version > self.version else None


def why_this(asset: AppliedAsset) -> Line:
    """Why the run used this version, and that there is a newer one."""
    why = {
        AssetSource.OVERRIDE.value: Span("OVERRIDE", Role.WARNING, bold=True),
        AssetSource.PIN.value: Span("pinned by the plan"),
        AssetSource.PUBLISHED.value: Span("newest published"),
    }.get(asset.source, span(asset.source or NOTHING))
    if asset.newer is None:
        return (why,)
    if asset.source == AssetSource.PUBLISHED.value:
        why = Span("newest then")
    elif asset.source == AssetSource.PIN.value:
        why = Span("pinned")
    return (why, Span(", ", Role.DIM), Span(f"{asset.newer} is newer", Role.WARNING))


def asset_header(assets: Sequence[AppliedAsset], cells: int) -> Line:
    """The titles of the columns."""
    alias, ref = _widths(assets, cells)
    titles = [("ALIAS", alias), ("ASSET", ref), ("STATUS", _STATUS), ("WHY THIS VERSION", _WHY)]
    if cells >= _STAGES_FROM:
        titles.append(("USED BY", 36))
    if cells >= _HASH_FROM:
        titles.append(("SHA256", _HASH))
    return (Span(" " + _GAP.join(fit(title, width) for title, width in titles), Role.DIM),)


def asset_line(asset: AppliedAsset, assets: Sequence[AppliedAsset], cells: int) -> Line:
    """One asset."""
    alias, ref = _widths(assets, cells)
    mark = asset_mark(asset.head.status) if asset.head is not None else None
    out: list[Span] = [
        Span(" "),
        Span(fit(asset.alias, alias), bold=True),
        Span(_GAP),
        Span(fit(asset.ref, ref)),
        Span(_GAP),
        Span(fit(str(mark), _STATUS), mark.role) if mark else Span(fit("not here", _STATUS), Role.DIM),
        Span(_GAP),
        *_padded(why_this(asset), _WHY),
    ]
    if cells >= _STAGES_FROM:
        out += [Span(_GAP), *_padded(stages_of(asset), 36)]
    if cells >= _HASH_FROM:
        out += [Span(_GAP), span(asset.sha256[:_HASH], Role.DIM)]
    return crop(tuple(out), cells)


def stages_of(asset: AppliedAsset) -> Line:
    """The stages that it was given to."""
    out: list[Span] = []
    for stage in asset.stages:
        out += [*([Span(" ")] if out else []), Span(stage.value, STAGE_ROLES[stage])]
    return tuple(out) or (Span("no stage", Role.DIM),)


def numbered(content: str, cells: int) -> list[Line]:
    """A text with the numbers of its lines; a long line goes on below without one."""
    lines = content.removesuffix("\n").split("\n")
    digits = max(2, len(str(len(lines))))
    out: list[Line] = []
    for number, line in enumerate(lines, 1):
        for index, part in enumerate(broken(line, cells - digits - 3)):
            label = str(number) if index == 0 else ""
            out.append((Span(f" {fit(label, digits, right=True)}  ", Role.DIM), Span(part)))
    return out


def version_lines(asset: AppliedAsset, cells: int, moment: Moment) -> list[Line]:
    """The versions, the newest first, each with its note; the one that the run used stands out."""
    if asset.history is None:
        return [(Span(" the registry here has no such asset", Role.DIM),)]
    lines: list[Line] = []
    for head in reversed(asset.history.versions):
        is_used = head.version == asset.version
        mark = asset_mark(head.status)
        facts = [
            f"{head.author}" if head.author else "",
            clock(head.created_at_us or None, now_us=moment.now_us, zone=moment.zone),
        ]
        lines.append(
            (
                Span(" ▸ " if is_used else "   ", Role.STRONG, bold=True),
                Span(fit(f"@{head.version}", 4), Role.STRONG if is_used else Role.TEXT, bold=is_used),
                Span(f" {mark}", mark.role),
                Span("  used here" if is_used else "", bold=True),
                span("  " + "  ".join(fact for fact in facts if fact and fact != NOTHING), Role.DIM),
            )
        )
        told = [head.note] if head.note else []
        told.append(f"{plural(head.runs, 'run')} used it" if head.runs else "no run used it")
        lines += [(Span(" " * 8), Span(part, Role.DIM)) for text in told for part in wrapped(text, max(16, cells - 10))]
    return lines


def empty_assets(*, goes_on: bool) -> str:
    """What stands there while there is none."""
    return "no asset has been applied yet" if goes_on else "the run used no assets: its plan names none"


def _widths(assets: Sequence[AppliedAsset], cells: int) -> tuple[int, int]:
    alias = max([5, *(cell_len(visible(asset.alias)) for asset in assets)])
    ref = max([5, *(cell_len(visible(asset.ref)) for asset in assets)])
    room = max(24, cells - 2 - len(_GAP) * 3 - _STATUS - _WHY)
    alias = min(alias, max(8, room // 3))
    return alias, min(ref, room - alias)


def _padded(line: Line, cells: int) -> Line:
    line = crop(line, cells)
    return (*line, Span(" " * (cells - width(line))))

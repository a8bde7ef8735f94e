"""The versions of an asset to choose from, and what stands beside them: who, when, what for, and how the content differs. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tui.viewmodel.asset_words import asset_mark
from tui.viewmodel.long_text import broken
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span, crop, fit, span, width, wrapped
from tui.viewmodel.words import NOTHING, clock, plural

if TYPE_CHECKING:
    from store.assets.reading import VersionHead
    from tui.viewmodel.override.givens import GivenAsset
    from tui.viewmodel.runs import Moment

_HASH: Final = 8
_STATUS: Final = 12
_GAP: Final = "  "
_STORY_AT: Final = 42
_STORY_FROM, _AUTHOR_FROM = 76, 92


def version_line(asset: GivenAsset, head: VersionHead, chosen: int | None, moment: Moment, cells: int) -> Line:
    """One version: which, its status, what is special about it, then as much of its story as there is room for."""
    mark = asset_mark(head.status)
    is_chosen = head.version == chosen
    out: list[Span] = [
        Span(" • " if is_chosen else "   ", Role.WARNING, bold=True),
        Span(fit(f"@{head.version}", 5), Role.STRONG if is_chosen else Role.TEXT, bold=is_chosen),
        Span(fit(str(mark), _STATUS), mark.role),
        Span(_GAP),
        *_special(asset, head, is_chosen=is_chosen),
    ]
    when = clock(head.created_at_us or None, now_us=moment.now_us, zone=moment.zone)
    if cells >= _STORY_FROM:
        out.append(Span(" " * max(1, _STORY_AT - width(tuple(out)))))
        out += [span(fit(head.author or NOTHING, 10) + _GAP, Role.DIM)] if cells >= _AUTHOR_FROM else []
        out += [Span(fit(when, 12), Role.DIM), Span(_GAP), span(head.sha256[:_HASH], Role.DIM)]
    else:
        out.append(Span(" " * max(0, _STORY_AT - len(_GAP) - width(tuple(out)))))
    room = cells - width(tuple(out)) - len(_GAP)
    if head.note and room >= 8:
        out += [Span(_GAP), span(head.note, Role.DIM)]
    return crop(tuple(out), cells)


def _special(asset: GivenAsset, head: VersionHead, *, is_chosen: bool) -> Line:
    words: list[Span] = []
    if is_chosen:
        words.append(Span("chosen", bold=True))
    if head.version == asset.version:
        words.append(Span("used here", bold=True) if head.sha256 == asset.sha256 else Span("another content"))
    if head.version == asset.newest:
        words.append(Span("newest" if words else "newest published", Role.DIM))
    out: list[Span] = []
    for word in words:
        out += [*([Span(", ", Role.DIM)] if out else []), word]
    return tuple(out)


def version_facts(head: VersionHead, moment: Moment, cells: int) -> list[Line]:
    """What is known of a version, above its difference."""
    when = clock(head.created_at_us or None, now_us=moment.now_us, zone=moment.zone)
    facts = [
        "comes with opscope" if head.is_shipped else f"by {head.author}" if head.author else "",
        when if when != NOTHING else "",
        f"sha256 {head.sha256[:_HASH]}",
        head.media_type,
        f"used by {plural(head.runs, 'run')}" if head.runs else "no run used it",
    ]
    said = ", ".join(fact for fact in facts if fact)
    lines: list[Line] = [(Span(" "), span(part, Role.DIM)) for part in wrapped(said, max(10, cells - 2))]
    lines += [(Span(" "), span(part)) for part in (wrapped(head.note, max(10, cells - 2)) if head.note else ())]
    return lines


def folded(line: Line, cells: int) -> list[Line]:
    """A line that is too long goes on below, so that nothing of a content is cut off."""
    lead, *rest = line
    if width(line) <= cells or len(rest) != 1:
        return [line]
    only = rest[0]
    return [(lead, only._replace(text=part)) for part in broken(only.text, max(10, cells - width((lead,))))]


def no_versions(asset: GivenAsset) -> str:
    """What stands there where there is no version to choose."""
    return f"{asset.name} is not in this file: take it in with opscope asset import"

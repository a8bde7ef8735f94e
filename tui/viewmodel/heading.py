"""The heading of a panel: a rule with its name, what it shows and facts at its end, brighter while it has the keys. Pure."""

from __future__ import annotations

from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span, crop, spread, width


def heading_line(title: str, named: Line, facts: Line, cells: int, *, is_focused: bool) -> Line:
    """`━ VERSIONS query/ci-lookup ━━━━━━━ 3 versions ━`."""
    rule = "━" if is_focused else "─"
    role = Role.TEXT if is_focused else Role.BORDER
    left: Line = (
        Span(rule + " ", role),
        Span(title, Role.STRONG if is_focused else Role.DIM, bold=is_focused),
        Span(" "),
        *named,
        Span(" " if named else ""),
    )
    right: Line = (Span(" "), *facts, Span(" " + rule, role)) if facts else ()
    filling = cells - width(left) - width(right)
    if filling > 0:
        return (*left, Span(rule * filling, role), *right)
    return spread(crop(left, cells), right, cells)

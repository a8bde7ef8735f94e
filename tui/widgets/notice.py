"""What stands on a screen that has nothing to show: no runs yet, nothing found, a file that cannot be read. With the way on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span, span, wrapped
from tui.widgets.lines import Lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.errors import OpscopeError

_INDENT = "   "


class Notice(Lines):
    """A headline, a few sentences, and commands or keys that help."""

    DEFAULT_CSS = """
    Notice { height: 1fr; padding: 1 0; display: none; }
    Notice.-open { display: block; }
    """

    def say(
        self,
        headline: Line,
        sentences: Sequence[str],
        ways: Sequence[tuple[str, str]] = (),
        *,
        more: Sequence[Line] = (),
    ) -> None:
        """Show it. `ways` are pairs of what to type and what it does; what has no key is left out. `more` follows them."""
        ways = [way for way in ways if way[0]]
        cells = max(20, self.app.size.width - 8)
        lines: list[Line] = [(Span(_INDENT), *headline), ()]
        for sentence in sentences:
            lines.extend((Span(_INDENT), Span(part)) for part in wrapped(sentence, cells))
        if ways:
            lines.append(())
        room = max((len(way) for way, _ in ways), default=0)
        lines.extend(
            (Span(_INDENT), span(way.ljust(room), bold=True), Span("   "), span(does, Role.DIM)) for way, does in ways
        )
        if more:
            lines += [(), *((Span(_INDENT), *line) for line in more)]
        self.show(lines)
        self.add_class("-open")

    def fail(self, error: OpscopeError, ways: Sequence[tuple[str, str]]) -> None:
        """Show what went wrong, where, and what helps."""
        headline = (Span("✗ ", Role.FAILED), span(error.cause, bold=True))
        self.say(headline, [text for text in (error.place, error.hint) if text], ways)

    def close(self) -> None:
        """Make room for the content."""
        self.remove_class("-open")

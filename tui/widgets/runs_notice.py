"""What stands in the place of the list of runs where there is none to show, and the way on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span, span
from tui.widgets.notice import Notice

if TYPE_CHECKING:
    from pathlib import Path

    from engine.errors import OpscopeError


class RunsNotice(Notice):
    """No runs yet, none that passes, or a file that cannot be read."""

    def say_none(self, path: Path, leave: str) -> None:
        """There are no runs in the file, or there is no file yet. `leave` is the key that does."""
        self.say(
            (Span("No runs yet", bold=True),),
            (f"They are kept in {path}.",),
            (
                ("opscope demo", "runs the shipped plans on this host and shows them here"),
                ("opscope run PLAN", "runs a plan of yours"),
                (leave, "quit"),
            ),
        )

    def say_gone(self, path: Path, leave: str) -> None:
        """There was a file with runs a moment ago. `leave` is the key that does."""
        self.say(
            (Span("✗ ", Role.FAILED), Span("The file is gone", bold=True)),
            (
                f"The runs were in {path}: it has been moved or removed while it was looked at.",
                "Once a file is there again, its runs are shown here.",
            ),
            ((leave, "quit"),),
        )

    def say_none_passes(self, clear: str) -> None:
        """There are runs. `clear` is the key that takes the filter away."""
        self.say((Span("No run passes this filter", bold=True),), (), ((clear, "show all runs again"),))

    def say_unreadable(self, error: OpscopeError, leave: str) -> None:
        """The file cannot be read."""
        headline = (Span("✗ ", Role.FAILED), span(error.cause, bold=True))
        self.say(headline, [text for text in (error.place, error.hint) if text], ((leave, "quit"),))

"""What a user may want another way in the inspector: theme, keys, columns, pace. Where that is written down is the configuration's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from tui.actions import Keymap

OUR_THEMES: Final = ("opscope-dark", "opscope-light")
LIBRARY_THEMES: Final = (
    "textual-dark", "textual-light", "nord", "gruvbox", "catppuccin-mocha", "catppuccin-latte", "catppuccin-frappe",
    "catppuccin-macchiato", "dracula", "tokyo-night", "monokai", "flexoki", "solarized-dark", "solarized-light", "rose-pine",
    "rose-pine-moon", "rose-pine-dawn", "atom-one-dark", "atom-one-light",
)  # fmt: skip
"""Textual's own themes by name, but for those that leave the colours to the terminal: what can be read on them is not known."""

RUN_COLUMNS: Final = (
    "status", "run", "plan", "route", "stage", "steps", "replans", "score", "duration", "started", "note",
)  # fmt: skip
"""The columns of the table of runs by name, in the order in which they stand if nobody says otherwise."""

FOLLOW_RATE: Final = 4.0
"""How often a second what is shown is renewed at most, because the file changed."""


@dataclass(frozen=True, slots=True)
class Preferences:
    """How the inspector looks and which keys it takes. `theme` and `columns` are None where it decides itself."""

    theme: str | None = None
    columns: tuple[str, ...] | None = None
    follow_rate: float = FOLLOW_RATE
    keymap: Keymap = field(default_factory=Keymap)

"""The page of the documentation that lists all keys, made from the registry: `python -m tui.actions.guide > docs/keys.md`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from tui.actions.keys import key_names
from tui.actions.registry import in_scopes
from tui.actions.titles import TITLES

if TYPE_CHECKING:
    from tui.actions.action import Action

COMMAND: Final = "python -m tui.actions.guide > docs/keys.md"

_HEAD: Final = f"""\
# Keys

Every action of the inspector, the keys that it has if you say nothing else, and the name by which your configuration gives it
others. In the inspector `?` lists those of the place you are in, and `ctrl+p` finds an action by its words.

```toml
[keymap]                      # in opscope/config.toml of your configuration folder
quit = "ctrl+q"               # one key
next_match = ["n", "f3"]      # or several; the first is the one that is shown
wrap = []                     # or none: ctrl+p still finds it
```

Write a key as it stands on the keyboard: `x`, `X`, `/`, `?`, `space`, `esc`, `f5`, `pgup`, `ctrl+x`, `alt+x`, `shift+tab`. Keys that
terminals cannot tell apart, such as `ctrl+i` and `tab`, and two actions with one key in one place are told as faults, each with
its line; `opscope doctor` looks for them. `quit` and `help` always have a key, and `ctrl+c` always leaves.

<!-- Made by: {COMMAND} -->
"""


def guide() -> str:
    """The page, as Markdown."""
    parts = [_HEAD]
    for scope, title in TITLES.items():
        actions = list(in_scopes(scope))
        if actions:
            rows = "\n".join(map(_row, actions))
            parts.append(f"## {title}\n\n| keys | does | name |\n|---|---|---|\n{rows}\n")
    return "\n".join(parts)


def _row(action: Action) -> str:
    keys = " ".join(f"`{name}`" for name in key_names(action.keys).split())
    cells = (cell.replace("|", "\\|") for cell in (keys, action.help, f"`{action.id}`"))
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.stdout.write(guide())

"""The registry of actions. `action` says what one is, `registry` has all of them, `together` says which are on offer at once,
`keymap` gives them other keys, `footer` chooses those of the last line."""

from tui.actions.action import LASTING, Action, Need, Scope
from tui.actions.footer import FOOTER_MOST, Footer, footer
from tui.actions.keymap import Keymap
from tui.actions.keys import key_names
from tui.actions.registry import ACTIONS, by_id, in_scopes
from tui.actions.together import TOGETHER

__all__ = [
    "ACTIONS",
    "FOOTER_MOST",
    "LASTING",
    "TOGETHER",
    "Action",
    "Footer",
    "Keymap",
    "Need",
    "Scope",
    "by_id",
    "footer",
    "in_scopes",
    "key_names",
]

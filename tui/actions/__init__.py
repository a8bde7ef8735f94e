"""The registry of actions. `action` says what one is; `registry` has all of them; `footer` chooses those of the last line."""

from tui.actions.action import LASTING, Action, Need, Scope
from tui.actions.footer import FOOTER_MOST, Footer, footer
from tui.actions.registry import ACTIONS, by_id, in_scopes, key_names

__all__ = [
    "ACTIONS",
    "FOOTER_MOST",
    "LASTING",
    "Action",
    "Footer",
    "Need",
    "Scope",
    "by_id",
    "footer",
    "in_scopes",
    "key_names",
]

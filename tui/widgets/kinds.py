"""Which kind a widget is, asked without importing the kind: the first paint does not wait for widgets that are not in it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.widget import Widget

    from tui.widgets.json_view import JsonView

_JSON_VIEW = "tui.widgets.json_view"


def as_json_view(widget: Widget | None) -> JsonView | None:
    """`widget` if it is a view of a document, else None. While that module is not imported, no widget can be one."""
    if _JSON_VIEW not in sys.modules:
        return None
    from tui.widgets.json_view import JsonView

    return widget if isinstance(widget, JsonView) else None

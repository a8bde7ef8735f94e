"""The Events tab as text: how one event reads in a line, its whole data, and the filter. No widgets, no SQL."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.model.event import EventKind
from engine.model.states import ControlVerb
from tui.viewmodel.palette import STAGE_ROLES, Role
from tui.viewmodel.text import ELLIPSIS, Line, Span, fit, joined, span
from tui.viewmodel.words import clock, count, duration, iso, plural

if TYPE_CHECKING:
    from engine.model.json import Json, JsonObject
    from store.rows import EventRow
    from tui.viewmodel.json_tree import Node
    from tui.viewmodel.runs import Moment

"""The Events tab as text: what a line says of each kind of event, and what the filter understands."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

import pytest

from engine.model.event import EventKind
from engine.model.states import Stage
from store.queries import EventFilter, EventHead
from tests.tui.samples import NOW_US
from tui.viewmodel.events import columns, event_header, event_line, parse_event_filter, told, where_of
from tui.viewmodel.palette import Role
from tui.viewmodel.runs import Moment
from tui.viewmodel.text import plain

if TYPE_CHECKING:
    from engine.model.json import JsonObject


def head(kind: EventKind, data: JsonObject | None = None, **changes: Any) -> EventHead:
    """An event of noon."""
    around: dict[str, Any] = {"stage": None, "step_id": None, "item_index": None, "attempt": None, "actor": "engine"}
    return EventHead(12, NOW_US + 5000, kind, 0, told=data or {}, data_bytes=2, **{**around, **changes})


@pytest.mark.parametrize(
    ("kind", "data", "said"),
    [
        (EventKind.RUN_CREATED, {"plan_id": "backup", "plan_version": "2"}, "backup 2"),
        (EventKind.STAGE_FINISHED, {"status": "succeeded", "duration_us": 4000}, "SUCCEEDED  4ms"),
        (EventKind.ATTEMPT_STARTED, {"process.pid": 4711}, "pid 4711"),
        (EventKind.ATTEMPT_STARTED, {}, ""),
        (EventKind.ATTEMPT_FINISHED, {"status": "failed", "exit_code": 7}, "FAILED  exit code 7"),
        (EventKind.STEP_WAITING, {"next_attempt": 2, "delay_ms": 3000}, "attempt 2 in 3.0s"),
        (EventKind.STEP_FINISHED, {"status": "failed", "reason": "exit_code", "attempts": 3}, "FAILED  exit code, 3 attempts"),
        (EventKind.CONTROL_RECEIVED, {"verb": "cancel", "force": True}, "cancel, by force"),
        (EventKind.ASSET_RESOLVED, {"alias": "find", "ref": "query/ci@12", "source": "published"}, "version 12 of query/ci, published"),
        (EventKind.REPLAN_DECIDED, {"decision": "auto_approved", "decision_reason": "nothing found"}, "AUTO APPROVED, nothing found"),
        (EventKind.LOCK_ACQUIRED, {"names": ["db", "disk"]}, "db, disk"),
        (EventKind.RUN_TAKEN_OVER, {"from_engine": "aaaaaaaa", "to_engine": "bbbbbbbb"}, "from engine aaaaaa by bbbbbb"),
        (EventKind.RUN_QUARANTINED, {"uncertain": ["copy"]}, "uncertain: copy"),
        (EventKind.ORCHESTRATION_STRATEGY_DETERMINED, {"strategy": "dag", "set_by": "plan"}, "DAG, plan"),
        (EventKind.ORCHESTRATION_DEPENDENCIES_EXTRACTED, {"steps": 1, "edges": 2}, "1 step, 2 dependencies"),
    ],
)  # fmt: skip
def test_each_kind_says_the_little_that_matters(kind: EventKind, data: JsonObject, said: str) -> None:
    """In a few words, states in upper case."""
    assert plain(told(head(kind, data))) == said


def test_a_line_has_number_time_kind_and_place() -> None:
    """Under their titles; from a hundred columns on the time is exact."""
    event = head(EventKind.STEP_FINISHED, {"status": "failed"}, step_id="copy", attempt=2, actor="operator:ops")
    for cells, time in ((80, "12:00:00"), (120, "12:00:00.005")):
        plan = columns(cells, 12)
        line = plain(event_line(event, plan, Moment(NOW_US, UTC)))
        title = plain(event_header(plan))
        assert line[title.index("TIME") :].startswith(time)
        assert line[title.index("KIND") :].startswith("step.finished")
        assert line[title.index("WHERE") :].startswith("copy#2")
        assert line[title.index("WHAT") :] == "FAILED  by ops"
    assert where_of(head(EventKind.STAGE_STARTED, stage=Stage.COMPOSE)) == ("compose", Role.COMPOSE)
    assert where_of(head(EventKind.ATTEMPT_STARTED, step_id="s" * 40, attempt=2))[0].endswith("…#2")


def test_an_asset_is_named_by_its_alias() -> None:
    """Where others name their step."""
    assert where_of(head(EventKind.ASSET_RESOLVED, {"alias": "find", "ref": "query/ci@12"})) == ("find", Role.TEXT)


@pytest.mark.parametrize("cells", [80, 120])
def test_no_kind_is_cut(cells: int) -> None:
    """There is room for the longest, and for the beginning of what is said of it."""
    event = head(EventKind.ORCHESTRATION_DEPENDENCIES_EXTRACTED, {"steps": 12, "edges": 8}, stage=Stage.EXECUTE)
    line = plain(event_line(event, columns(cells, 9999), Moment(NOW_US, UTC)))
    assert "dependencies_extracted" in line[:cells]
    assert "12 steps" in line[:cells]


def test_the_filter_knows_kinds_steps_and_words() -> None:
    """A part of a kind is enough; what is not understood is said."""
    typed = parse_event_filter("kind:finished step:cop* Timeout")
    assert typed.chosen == EventFilter(("*finished*",), ("cop*",), ("timeout",))
    assert parse_event_filter("  ").is_empty
    assert parse_event_filter("status:failed").faults == ("no field status; there are kind and step",)
    assert parse_event_filter("kind:").faults == ("kind: what?",)

"""The replans of a run as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.viewmodel.replans import replan_lines

if TYPE_CHECKING:
    from engine.model.json import Json, JsonObject


def text(*events: Json) -> list[str]:
    return ["".join(span.text for span in line) for line in replan_lines(events)]


def test_each_with_what_it_changes() -> None:
    asked: JsonObject = {
        "event_id": "r0.1",
        "trigger": "empty_result",
        "step_id": "find",
        "reason": "nothing found",
        "patch": {
            "before": {"find": {"timeout_sec": 5, "step_def": {"command": "sh"}}, "old": {"id": "old"}},
            "after": {"find": {"timeout_sec": 9, "step_def": {"command": "echo"}}, "old": None},
        },
    }
    decided: JsonObject = {
        **asked,
        "event_id": "r0.2",
        "step_id": None,
        "decision": "denied",
        "decided_by": "policy",
        "decision_reason": "the limit",
    }
    changes = ["      find.timeout_sec: 5 → 9", '      find.command: "sh" → "echo"', "      old: removed {1 key}"]
    assert text(asked, decided) == [
        "  r0.1  empty_result at find  pending  nothing found",
        *changes,
        "  r0.2  empty_result  denied by policy  the limit",
        *changes,
    ]


def test_of_one_that_was_denied_before_it_made_a_plan_there_is_nothing_to_show() -> None:
    assert text({"event_id": "r0.1", "trigger": "operator", "decision": "approved"}) == ["  r0.1  operator  approved"]

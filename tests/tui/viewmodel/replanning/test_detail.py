"""One replan told in full."""

from __future__ import annotations

from engine.model.replan import ReplanDecision
from engine.model.states import Reason, Stage, StepStatus
from store.queries.replans import ReplanRow
from tests.tui.corpus import EVIL
from tests.tui.samples import NOW_US, SECOND
from tests.tui.viewmodel.replanning.replans import NOW, replan
from tests.tui.viewmodel.rows import step_row
from tui.terminal import is_clean
from tui.viewmodel.replanning.detail import detail_lines, empty_lines
from tui.viewmodel.replanning.replan import Replan, replan_of
from tui.viewmodel.text import plain, width


def told(one: Replan, cells: int = 78, **passes: list[str]) -> str:
    """As it stands on the screen, by one who may decide."""
    rows = {
        0: [step_row("ci"), step_row("ping")],
        1: [
            step_row("ping", reason=Reason.REUSED),
            step_row("ci"),
            step_row("brief"),
            step_row("last", StepStatus.SKIPPED, attempts=0),
        ],
    }
    lines = detail_lines(one, rows if passes.get("seen") is not None else {}, cells, NOW, can_decide=True)
    assert all(width(line) <= cells for line in lines)
    return "\n".join(plain(line).rstrip() for line in lines)


def test_what_waits_says_what_either_answer_does() -> None:
    """The change in one line, the keys, and the plan before and after in one column."""
    assert told(replan(cause="0 rows")) == (
        " ○ EMPTY RESULT  ci  WARNING  r0.1  pass 0  execute\n"
        " reason      nothing was found\n"
        " happened    0 rows\n"
        ' changes     ci.step_def.query: "narrow" → "wide"\n'
        " decision    ‖ PENDING  waits for you   a approve   d deny\n"
        "             approved: pass 1 runs the changed plan and uses again what still\n"
        "             holds\n"
        "             denied: it goes on as planned\n"
        "\n"
        " ─ BEFORE AND AFTER ──────────────────────────────────────────────────────────\n"
        "   ci:\n"
        "     step_def:\n"
        " -     query: narrow\n"
        " +     query: wide\n"
        "       type: sql"
    )


def test_what_was_decided_says_who_and_why_and_what_became_of_the_results() -> None:
    """Results that were used again, made again and made first are named."""
    decided = replan(
        decision=ReplanDecision.APPROVED,
        decided_by="operator:ops",
        decision_reason="seen",
        decided_at_us=NOW_US - 52 * SECOND,
    )
    text = told(decided, seen=[])
    assert " decision    ✓ APPROVED  by ops  at 11:59:08, after 8.0s\n             seen\n" in text
    assert (
        " pass 1      reused 1: ping\n             ran again 1: ci\n"
        "             ran for the first time 1: brief\n             did not run 1: last\n"
    ) in text
    assert "pass 1 " not in told(replan(decision=ReplanDecision.DENIED), seen=[])


def test_where_nothing_changed_it_is_said_in_words() -> None:
    """What is denied before a plan is made of it has no two sides: at no width there are empty ones."""
    refused = replan(
        before={}, after={}, decision=ReplanDecision.DENIED, decided_by="engine", decision_reason="the limit"
    )
    for cells in (78, 158):
        text = told(refused, cells)
        assert " changes     nothing: the plan stayed as it was" in text
        assert "BEFORE" not in text
        assert "AFTER" not in text
        assert text.endswith("the limit")


def test_before_and_after_stand_side_by_side_where_there_is_room() -> None:
    """A step that is not there on a side says so."""
    added = replan(before={"owners": None}, after={"owners": {"command": "owners", "args": ["a\nb", ""]}})
    text = told(added, 120)
    before, after = text.splitlines()[-7:], [line[60:].strip() for line in text.splitlines()[-7:]]
    assert " ─ BEFORE " in text
    assert "(this step is not in the plan)" in "\n".join(before)
    assert after == ["owners:", "+   command: owners", "+   args:", "+     - |", "+       a", "+       b", '+     - ""']
    assert "owners: added {2 keys}" in text


def test_nothing_in_it_is_more_than_text() -> None:
    """Reasons, ids, keys and values of the patch, and whatever a newer opscope may write."""
    for evil in EVIL:
        row = ReplanRow(evil, 0, Stage.EXECUTE, evil, NOW_US, NOW_US,
                        {"trigger": evil, "severity": evil, "reason": evil, "cause": {"message": evil},
                         "before": {evil: {evil: [evil]}}, "after": {evil: {evil: evil}}},
                        {"decision": "denied", "decided_by": evil, "decision_reason": evil + "!"})  # fmt: skip
        for cells in (40, 78, 120):
            lines = detail_lines(replan_of(row), {}, cells, NOW, can_decide=True)
            assert all(is_clean(piece.text) for line in lines for piece in line)
            assert all(width(line) <= cells for line in lines)
    odd = ReplanRow("r", 0, None, None, NOW_US, None, {"cause": 3, "before": []}, {})
    assert replan_of(odd).is_pending
    assert replan_of(odd).subject == "the plan"


def test_where_there_is_none_the_next_thing_to_do_is_said() -> None:
    """None at all, none yet, none that passes."""
    assert "never changed" in plain(empty_lines(is_filtered=False, has_any=False, goes_on=False)[0])
    assert "so far" in plain(empty_lines(is_filtered=False, has_any=False, goes_on=True)[0])
    assert "esc" in plain(empty_lines(is_filtered=True, has_any=True, goes_on=True)[0])

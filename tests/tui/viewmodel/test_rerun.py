"""What is said of a rerun before it is run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine.model.result import StepResult
from engine.model.states import StepStatus
from engine.pipeline.forking import Change, ForkSource, fork, params_after, plan_after
from engine.plan.load import load_plan
from tui.viewmodel.rerun import expected, preview_json, preview_lines, question, short_forecast, summary

if TYPE_CHECKING:
    from engine.pipeline.forking import Fork

RUN = "7f3a02" + "0" * 26
HERE = Path("/srv")


def made(
    change: Change, number: int = 3, *, pass_index: int = 0, last: tuple[str, ...] = (), stopped: tuple[str, ...] = ()
) -> Fork:
    """A fork of a run of this many steps, each of which took a second and needs the one before; some were stopped then."""
    steps = [
        {"id": f"s{place}", "command": "x", "depends_on": [f"s{place - 1}"] if place else []} for place in range(number)
    ]
    tidy = [{"id": step_id, "command": "x"} for step_id in last]
    plan = load_plan(json.dumps({"plan_id": "p", "steps": steps, "finally": tidy}).encode(), name="p.json")
    results = {
        step_id: StepResult(
            step_id,
            StepStatus.CANCELED if step_id in stopped else StepStatus.SUCCEEDED,
            started_at_us=1,
            duration_us=1_000_000,
        )
        for step_id in plan.steps
    }
    source = ForkSource(RUN, pass_index, plan, results, {}, {}, {"PATH": "/bin"}, HERE, HERE, "h")
    after = plan_after(source, change)
    params = params_after(source, after, change.params, from_text=True)
    return fork(source, change, plan=after, params=params, assets={}, host_env={"PATH": "/bin"})


def text(fork: Fork, *, is_short: bool = False) -> list[str]:
    return ["".join(span.text for span in line) for line in preview_lines(fork, is_short=is_short)]


def test_it_says_what_runs_again_and_why_and_for_how_long() -> None:
    assert text(made(Change(from_steps=("s1",)))) == [
        "rerun of 7f3a02  p",
        "  from s1 on",
        "  2 steps run again, 1 is reused",
        "  ↻ s1  asked for",
        "  ↻ s2  it depends on s1, which runs again",
        "  = reused: s0",
        "  about 2.0s, as long as its steps took before",
    ]


def test_where_all_runs_again_the_steps_are_not_listed() -> None:
    assert text(made(Change(), pass_index=1)) == [
        "rerun of 7f3a02  p",
        "  ! the plan is that of pass 1, with what was replanned on the way",
        "  all 3 steps run again, nothing is reused",
        "  about 3.0s, as long as its steps took before",
    ]


def test_many_steps_are_counted() -> None:
    fork = made(Change(from_steps=("s1",)), 60)
    assert "    and 29 more" in text(fork)
    assert "    and 51 more" in text(fork, is_short=True)


@pytest.mark.parametrize(
    ("change", "number", "said"),
    [
        (Change(patch={}), 2, "no step runs again, 2 are reused; the answer is made anew"),
        (Change(), 1, "its step runs again"),
        (Change(from_steps=("s0",)), 2, "all 2 steps run again, nothing is reused"),
        (Change(from_steps=("s1",)), 2, "1 step runs again, 1 is reused"),
    ],
)
def test_the_sum_of_it(change: Change, number: int, said: str) -> None:
    assert summary(made(change, number)) == said


def test_what_is_not_known_of_the_time() -> None:
    assert expected(made(Change(patch={}))) == "nothing to wait for"
    new = made(Change(patch={"more": {"command": "x"}}))
    assert expected(new) == "it is not known how long it takes: more never came to its end"
    assert short_forecast(new) == "it is not known how long it takes"
    partly = made(Change(patch={"more": {"command": "x"}}, from_steps=("s2",)))
    assert expected(partly) == "at least 1.0s, as long as its steps took before; not known: more"
    assert short_forecast(partly) == "at least 1.0s; not known: more"


def test_a_step_that_was_stopped_says_how_long_it_takes_at_least() -> None:
    stopped = made(Change(), stopped=("s2",))
    assert expected(stopped) == "at least 3.0s: s2 was stopped before its end"
    assert short_forecast(stopped) == "at least 3.0s"
    both = made(Change(patch={"a": {"command": "x"}, "b": {"command": "x"}}, from_steps=("s0",)), stopped=("s1", "s2"))
    assert expected(both) == "at least 3.0s: s1 and s2 were stopped before their end; not known: a, b"
    assert "at least 3.0s; not known: a, b" in question(both, "7f3a02")
    told = json.loads(json.dumps(preview_json(both)))["forecast"]
    assert (told["duration_ms"], told["unknown"], told["stopped"]) == (3000, ["a", "b"], ["s1", "s2"])


def test_a_program_is_told_the_same() -> None:
    fork = made(Change(patch={"s1": {"timeout_sec": 5}}), last=("bye",))
    document = json.loads(json.dumps(preview_json(fork)))
    assert document["run_id"] == RUN
    assert (document["kind"], document["mode"], document["reused"]) == ("edit", "normal", ["s0"])
    assert document["again"][0] == {
        "id": "s1",
        "why": "definition_changed",
        "message": "its timeout_sec changed",
    }
    assert (document["finally"], document["forecast"]["unknown"]) == (["bye"], ["bye"])
    assert document["forecast"]["steps"]["s2"] == {"start_ms": 1000, "end_ms": 2000}
    assert document["patch"]["after"] == {"s1": {"timeout_sec": 5}}
    assert document["token"] == str(fork.token)

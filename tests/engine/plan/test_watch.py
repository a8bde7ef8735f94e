"""Long plans: one that is wrong is refused before its end, and one that is right is read as any other."""

from __future__ import annotations

import json
import time

import pytest

from engine.plan.document import REST
from engine.plan.load import load_plan
from tests.engine.plan.support import faults

pytestmark = pytest.mark.sampled(one_in=2)

GOOD = {"command": "echo", "args": ["a", "b"], "depends_on": []}


def _long(count: int, wrong: dict[int, dict[str, object]]) -> str:
    steps = [{"id": f"s{number}", **GOOD, **wrong.get(number, {})} for number in range(count)]
    return json.dumps({"plan_id": "p", "steps": steps})


@pytest.mark.parametrize("name", ["p.json", "p.yaml"])
@pytest.mark.parametrize("at", [0, 2500, 9000])
def test_a_wrong_step_of_a_long_plan_ends_the_reading_with_its_place(name: str, at: int) -> None:
    """Its number is that in the plan, wherever it was found; what follows is not said to be right."""
    found = faults(_long(30_000, {at: {"retries": "3"}, at + 1: {"colour": 1, "assets": []}}), name)
    assert [(fault.path, fault.message) for fault in found[:-1]] == [
        (f"steps[{at}].retries", "expected a whole number, found the text '3'"),
        (f"steps[{at + 1}].colour", "unknown field 'colour'"),
        (f"steps[{at + 1}].assets", "unknown field 'assets'"),
    ]
    assert found[0].line is not None
    assert found[-1] == REST


def test_a_long_plan_that_is_right_is_the_same_plan_as_one_that_was_read_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The steps that were checked on the way are those of the plan, each once and in their order."""
    source = _long(6000, {}).encode()
    watched = load_plan(source, name="p.json")
    monkeypatch.setattr("engine.plan.document._LOOK_EVERY", 10_000_000)
    at_once = load_plan(source, name="p.json")
    assert watched.plan == at_once.plan
    assert watched.plan_hash == at_once.plan_hash
    assert list(watched.steps) == list(at_once.steps) == [f"s{number}" for number in range(6000)]


def test_a_fault_in_the_last_steps_of_a_long_plan_has_its_place() -> None:
    """They are checked after the reading, with everything that is not a step."""
    found = faults(_long(6000, {5999: {"retries": "3"}}), "p.json")
    assert [fault.path for fault in found] == ["steps[5999].retries"]


@pytest.mark.parametrize(
    "step", ["{}", "[]", "{id: 1, command: [], args: x, foo: bar}", "{id: a, command: x, args: [[], []]}"]
)
def test_a_million_wrong_steps_are_refused_at_once(step: str) -> None:
    """Time does not grow with what follows."""
    started = time.process_time()
    found = faults("plan_id: p\nsteps: [" + f"{step}," * 300_000 + "]")
    assert time.process_time() - started < 2.0
    assert found[-1] == REST
    assert len(found) <= 202


@pytest.mark.parametrize("piece", ["plan_id: p\n", "a: &x 1\n", "a: !t 1\n"])
def test_faults_of_the_text_without_end_are_refused_at_once(piece: str) -> None:
    """The first are listed and the rest counted, up to a thousand."""
    started = time.process_time()
    found = faults(piece * 500_000)
    assert time.process_time() - started < 2.0
    assert len(found) == 52


def test_many_wrong_names_in_one_step_are_not_all_looked_up() -> None:
    """What was meant by a wrong name takes time to find."""
    steps = [{"id": f"s{number}", "command": "x"} for number in range(500)]
    names = [f"t{number}" for number in range(50_000)]
    wrong = {"id": "z", "command": "x", "depends_on": names, "args": [f"{{{name}.data}}" for name in names]}
    started = time.process_time()
    found = faults(json.dumps({"plan_id": "p", "steps": [*steps, wrong]}), "p.json")
    assert time.process_time() - started < 2.0
    assert len(found) == 201


@pytest.mark.long
def test_more_steps_than_a_plan_may_have_are_a_fault() -> None:
    """Said without having read them all."""
    found = faults("plan_id: p\nsteps: [" + "{id: a, command: x}," * 120_000 + "]")
    assert found[0].message == "expected at most 100,000 steps"

"""Steps that run for each item, and steps that run again: what they name, what they come to, what they cannot be."""

from __future__ import annotations

from typing import Any

import pytest

from engine.model.result import AttemptOutcome, StreamSummary
from engine.model.states import Reason, StepStatus
from engine.plan.items import MAX_ITEMS, BadItemsError
from engine.plan.references import MissingReferenceError
from engine.plan.scope import Item
from tests.engine.plan.support import only, plan, plan_faults, result, scope

SOURCE: dict[str, Any] = {"id": "src"}


def each(items: Any, **fields: Any) -> dict[str, Any]:
    """A step with for_each."""
    return {"id": "a", "for_each": items, **fields}


@pytest.mark.parametrize(
    ("items", "found"),
    [
        ("{src.data.rows}", [1, {"x": 2}]),
        ("{src.data.none ?? []}", []),
        ("{src.data.rows[?@.x == 2]}", [{"x": 2}]),
        ("{params.list}", ["p"]),
        (["x", "{src.data.one}", {"k": ["{src.status}"]}, None], ["x", 1, {"k": ["succeeded"]}, None]),
        ([], []),
    ],
)
def test_items_are_a_list_or_one_reference_to_a_list(items: Any, found: list[Any]) -> None:
    """With references inside a list, too; the step waits for what they name."""
    compiled = plan(SOURCE, each(items), params={"list": {"type": "array"}})
    data = {"rows": [1, {"x": 2}], "one": 1}
    step = compiled.steps["a"]
    assert step.has_items
    assert step.expand(scope(result("src", data), params={"list": ["p"]})) == found
    assert step.depends_on == (("src",) if "src" in str(items) else ())


def test_an_empty_list_is_a_list() -> None:
    """Nothing runs, and the item may be named all the same."""
    step = plan(each([], args=["{item}"])).steps["a"]
    assert step.has_items
    assert step.expand(scope()) == []


def test_a_step_without_items_has_none() -> None:
    """Nothing to expand."""
    step = plan(each(None)).steps["a"]
    assert not step.has_items
    assert step.expand(scope()) == []


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"rows": {"a": 1}}, "{src.data.rows} is an object of 1, which is no list"),
        ({"rows": "text"}, "{src.data.rows} is the text 'text', which is no list"),
        ({"rows": None}, "{src.data.rows} is null, which is no list"),
        ({"rows": [0] * (MAX_ITEMS + 1)}, "{src.data.rows} has 10,001 items; at most 10,000 can be run"),
    ],
)
def test_what_is_no_list_says_what_it_is(data: Any, message: str) -> None:
    """Null is none, unless `??` says so."""
    with pytest.raises(BadItemsError) as caught:
        plan(SOURCE, each("{src.data.rows}")).steps["a"].expand(scope(result("src", data)))
    assert caught.value.cause == message


def test_items_that_are_missing_say_where_the_path_ends() -> None:
    """As everywhere."""
    with pytest.raises(MissingReferenceError) as caught:
        plan(SOURCE, each("{src.data.rows}")).steps["a"].expand(scope(result("src", {})))
    assert caught.value.path == "src.data"


def test_item_and_index_may_stand_wherever_the_step_is_filled_in() -> None:
    """Null is a value of an item like any other."""
    step = each(
        "{src.data}",
        args=["{index}", "{item.name}", "{item}"],
        env={"N": "n{item.name}"},
        output_mapping={"whole": "{item}", "at": "{index}"},
    )
    compiled = plan(SOURCE, step).steps["a"]
    bound = compiled.bind(scope(), item=Item(1, {"name": "x"}))
    assert bound.definition.to_json()["args"] == ["1", "x", '{"name":"x"}']
    assert bound.env == {"N": "nx"}
    assert bound.inputs == {"whole": {"name": "x"}, "at": 1}
    nulls = plan(each([None], args=['{item ?? "none"}'], output_mapping={"i": "{item}"})).steps["a"]
    bound = nulls.bind(scope(), item=Item(0, None))
    assert bound.definition.to_json()["args"] == ["none"]
    assert bound.inputs == {"i": None}


@pytest.mark.parametrize(
    ("definition", "found"),
    [
        ({"type": "sql", "database": "{item}", "query": "q", "args": {"i": "{index}"}}, {"database": "it", "args": {"i": 0}}),
        ({"type": "http", "url": "http://h/{item}", "headers": {"A": "{item}"}}, {"url": "http://h/it", "headers": {"A": "it"}}),
        ({"type": "python", "callable": "m:f", "args": {"i": "{item}"}}, {"args": {"i": "it"}}),
        ({"type": "powershell", "file": "f", "args": {"i": "{item}"}}, {"args": {"i": "it"}}),
        ({"type": "file", "action": "checksum", "path": "{item}"}, {"path": "it"}),
        ({"type": "tool", "tool": "t", "args": {"i": "{item}"}}, {"calls": [{"i": "it"}]}),
        ({"type": "plan", "plan": "p", "params": {"i": "{item}"}}, {"params": {"i": "it"}}),
    ],
)  # fmt: skip
def test_every_type_of_step_takes_items(definition: dict[str, Any], found: dict[str, Any]) -> None:
    """In each of its texts."""
    bound = plan(each(["it"], step_def=definition)).steps["a"].bind(scope(), item=Item(0, "it")).definition.to_json()
    assert {name: bound[name] for name in found} == found


NO_ITEMS = "the step has no for_each, so it has no"


@pytest.mark.parametrize(
    ("step", "path", "message"),
    [
        (each("{src.data} x"), "for_each", "expected a list, or one reference to a list, found the text '{src.data} x'"),
        (each("src.data"), "for_each", "expected a list, or one reference to a list, found the text 'src.data'"),
        (each({"a": 1}), "for_each", "expected a list, or one reference to a list, found an object of 1"),
        (each(3), "for_each", "expected a list, or one reference to a list, found the number 3"),
        (each([0] * 10_001), "for_each", "expected at most 10,000 items, found 10,001"),
        (each("{sr.data}"), "for_each", "{sr.data}: there is no 'sr'"),
        (each("{src.data"), "for_each", "{src.data… is not a reference"),
        (each("{secrets.t}"), "for_each", "{secrets.t}: a secret cannot stand in for_each"),
        (each("{item}"), "for_each", "{item}: item is not known in for_each"),
        (each("{inputs.x}", output_mapping={"x": 1}), "for_each", "{inputs.x}: inputs are not bound in for_each"),
        (each([1], condition="item == 1"), "condition", "item: item is not known in a condition"),
        (each([1], args=["{index.x}"]), "args[0]", "{index.x}: index is a number and has nothing below it"),
        ({"id": "a", "args": ["{item}"]}, "args[0]", f"{{item}}: {NO_ITEMS} item"),
        ({"id": "a", "env": {"A": "{index}"}}, "env.A", f"{{index}}: {NO_ITEMS} index"),
        ({"id": "a", "output_mapping": {"x": "{item.y}"}}, "output_mapping.x", f"{{item.y}}: {NO_ITEMS} item"),
        ({"id": "a", "repeat": {"until": "index == 1"}}, "repeat.until", "index: index is not known in repeat.until"),
        ({"id": "a", "repeat": {"until": "item == 1"}}, "repeat.until", "item: name a field of the attempt"),
        ({"id": "a", "repeat": {"until": "item.dta"}}, "repeat.until", "item.dta: there is no field of an attempt 'dta'"),
        ({"id": "a", "repeat": {"until": "secrets.t"}}, "repeat.until", "secrets.t: a secret cannot stand in repeat.until"),
        ({"id": "a", "repeat": {"until": "a.data"}}, "", "the step waits for itself: a -> a"),
        ({"id": "a", "repeat": {"until": "1 ="}}, "repeat.until", "character 3: '=' has no meaning in an expression"),
        ({"id": "a", "repeat": {}}, "repeat.until", "until is missing"),
        ({"id": "a", "repeat": {"until": "true", "max": 0}}, "repeat.max", "expected at least 1, found the number 0"),
        ({"id": "a", "repeat": {"until": "true", "times": 3}}, "repeat.times", "unknown field 'times'"),
        ({"id": "a", "repeat": {"until": "true", "delay_sec": -1}}, "repeat.delay_sec", "expected at least 0, found the number -1"),
        ({"id": "a", "repeat": "true"}, "repeat", "expected an object, found the text 'true'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_place(step: dict[str, Any], path: str, message: str) -> None:
    """One fault each."""
    fault = only(plan_faults(SOURCE, step, secrets={"t": {"env": "T"}}))
    assert (fault.path, fault.message) == (f"steps[1].{path}".rstrip("."), message)


def test_compose_and_the_steps_after_see_no_item() -> None:
    """It is the step's own."""
    fault = only(plan_faults(each([1]), compose={"x": "{item}"}))
    assert fault.message == "{item}: item is not known in compose"


# repeat --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("until", "holds"),
    [
        ("item.status == 'succeeded'", True),
        ("item.data.state == 'ready'", True),
        ("item.data.state == params.wanted", False),
        ("item.stdout == 'out' and item.stderr == 'err' and item.exit_code == 0", True),
        ("item.attempts >= 3", True),
        ("item.counts.rows == 2", True),
        ("item.error == null and item.reason == null and item.message == 'm'", True),
        ("item.data.gone.further", False),
        ("src.data == item.data.state", True),
        ("inputs.name == 'n1'", True),
        ("env.E == 'e-n1'", True),
        ("env.S", False),
        ("run.id", True),
    ],
)
def test_until_sees_the_attempt_as_item(until: str, holds: bool) -> None:
    """And results, parameters, inputs and variables, in which the item of a for_each may be; a secret is null."""
    step = each(
        ["x"],
        repeat={"until": until},
        output_mapping={"name": "{item}{index}"},
        env={"E": "e-{inputs.name}", "S": "{secrets.t}"},
    )
    compiled = plan(SOURCE, step, secrets={"t": {"env": "T"}}, params={"wanted": {}})
    outcome = AttemptOutcome(
        StepStatus.SUCCEEDED,
        message="m",
        exit_code=0,
        data={"state": "ready"},
        stdout=StreamSummary(text="out"),
        stderr=StreamSummary(text="err"),
        counts={"rows": 2},
    )
    at = scope(result("src", "ready"), params={"wanted": "other"})
    assert compiled.steps["a"].until_holds(at, outcome, Item(1, "n"), attempts=3) is holds


def test_a_step_without_repeat_is_done_after_one_attempt() -> None:
    """Nothing to wait for."""
    outcome = AttemptOutcome(StepStatus.FAILED, Reason.EXIT_CODE)
    assert plan({"id": "a"}).steps["a"].until_holds(scope(), outcome)


def test_until_is_a_dependency_like_any_condition() -> None:
    """On the steps that it names."""
    compiled = plan({"id": "a", "repeat": {"until": "src.data == item.data"}}, SOURCE)
    assert compiled.steps["a"].depends_on == ("src",)

"""What steps are to each other: fallbacks, resources, cycles through them. Decisions have tests of their own."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from engine.model.states import Strategy
from tests.engine.plan.support import document, faults, only, plan, plan_faults

if TYPE_CHECKING:
    from collections.abc import Callable


def x(name: str = "x", to: str = "f", **fields: Any) -> dict[str, Any]:
    """A step with a fallback."""
    return {"id": name, "on_failure": "fallback_step", "fallback_step": to, **fields}


# fallbacks -----------------------------------------------------------------------------------------------------------


def test_a_fallback_comes_after_its_step_and_before_what_waits_for_it_and_is_no_dependency() -> None:
    """Wherever they stand in the plan; chains too."""
    compiled = plan({"id": "after", "args": ["{x.data}"]}, {"id": "g"}, x("f", "g"), {"id": "free"}, x())
    assert list(compiled.steps) == ["free", "x", "f", "g", "after"]
    assert compiled.groups == (("free", "x"), ("f",), ("g",), ("after",))
    assert {name: step.is_fallback_for for name, step in compiled.steps.items()} == {
        "free": None,
        "x": None,
        "f": "x",
        "g": "f",
        "after": None,
    }
    assert compiled.steps["after"].depends_on == ("x",)
    assert [compiled.steps[name].depends_on for name in ("f", "g")] == [(), ()]
    assert {name: step.dependents for name, step in compiled.steps.items() if step.dependents} == {"x": ("after",)}


def test_a_fallback_may_have_dependencies_of_its_own() -> None:
    """That have nothing to do with the step it stands in for."""
    compiled = plan(x(), {"id": "f", "args": ["{other.data}"], "condition": "other.data"}, {"id": "other"})
    assert compiled.steps["f"].depends_on == ("other",)
    assert compiled.steps["other"].dependents == ("f",)


def test_a_fallback_is_no_dependency_for_the_strategy_parallel() -> None:
    """It starts only when its step has failed."""
    assert plan(x(), {"id": "f"}, {"id": "b"}, strategy="parallel").strategy is Strategy.PARALLEL


@pytest.mark.parametrize(
    ("steps", "path", "message", "hint"),
    [
        ([x(to="x")], "steps[0].fallback_step", "a step cannot be its own fallback", "name another step, or use retries"),
        ([x(to="ff"), {"id": "f"}], "steps[0].fallback_step", "there is no step 'ff'", ""),
        ([x(to="fall"), {"id": "fal"}], "steps[0].fallback_step", "there is no step 'fall'", "did you mean 'fal'?"),
        ([x(to="tidy")], "steps[0].fallback_step", "tidy runs in finally, whatever happens", "name a step of steps"),
        (
            [x(), x("y"), {"id": "f"}],
            "steps[1].fallback_step",
            "f is the fallback of x already",
            "one step has one fallback of its own",
        ),
        (
            [{"id": "x", "fallback_step": "f"}, {"id": "f"}],
            "steps[0].fallback_step",
            "fallback_step is named, and on_failure does not ask for it",
            "add on_failure: fallback_step",
        ),
        (
            [{"id": "x", "on_failure": "fallback_step"}],
            "steps[0].on_failure",
            "on_failure is fallback_step, and no fallback_step is named",
            "add fallback_step",
        ),
        (
            [x(to="a b")],
            "steps[0].fallback_step",
            "expected a letter or _, then letters, digits or _, at most 64, found the text 'a b'",
            "",
        ),
        ([x("x", "y"), x("y", "z"), x("z", "x")], "steps[0].fallback_step", "these steps are each other's fallback: x -> y -> z -> x", ""),
        (
            [x(), {"id": "f"}, {"id": "a", "depends_on": ["f"]}],
            "steps[2].depends_on[0]",
            "f runs only in the place of x, so nothing can depend on it",
            "depend on x",
        ),
        (
            [x(), {"id": "f"}, {"id": "a", "args": ["{f.data.x}"]}],
            "steps[2].args[0]",
            "{f.data.x}: f runs only in the place of x",
            "refer to x: it has the result",
        ),
        (
            [x(), {"id": "f"}, {"id": "a", "condition": "prev.f.status == 'success'"}],
            "steps[2].condition",
            "prev.f.status: f runs only in the place of x",
            "refer to x",
        ),
        (
            [x(), {"id": "f", "depends_on": ["x"]}],
            "steps[1]",
            "f stands in for x and cannot wait for it (depends_on)",
            "it runs before the end",
        ),
        (
            [x(), x("f", "g"), {"id": "g", "args": ["{x.message}"]}],
            "steps[2]",
            "g stands in for x and cannot wait for it ({x.message})",
            "",
        ),
        (
            [x(provides=["r"]), {"id": "f", "consumes": ["r"]}],
            "steps[1]",
            "f stands in for x and cannot wait for it (consumes r)",
            "",
        ),
        (
            [x(), {"id": "f", "depends_on": ["m"]}, {"id": "m", "args": ["{x.data}"]}],
            "steps[1]",
            "these steps wait for each other: f -> m -> f",
            "f waits for m (depends_on), m comes after f, the fallback of a step that it waits for; take one of these out",
        ),
        ([x(), {"id": "f", "args": ["{f.data}"]}], "steps[1]", "the step waits for itself: f -> f", ""),
    ],
)  # fmt: skip
def test_what_a_fallback_cannot_be(steps: list[dict[str, Any]], path: str, message: str, hint: str) -> None:
    """Each said once, at its place."""
    found = plan_faults(*steps, **{"finally": [{"id": "tidy", "command": "x"}]})
    fault = only(found) if "expected" not in message else found[0]
    assert (fault.path, fault.message) == (path, message)
    assert fault.hint.startswith(hint)


def test_a_fallback_is_not_known_in_compose_either() -> None:
    """The step it stands in for is."""
    fault = only(plan_faults(x(), {"id": "f"}, compose={"a": "{f.data}", "b": "{x.data}", "c": "{x.fallback}"}))
    assert (fault.path, fault.message) == ("compose.a", "{f.data}: f runs only in the place of x")


def test_steps_in_finally_have_no_fallback() -> None:
    """What comes after a failing one runs anyway."""
    late = {"id": "t", "command": "x", "on_failure": "fallback_step", "fallback_step": "s"}
    assert only(plan_faults({"id": "s"}, **{"finally": [late]})).message == "steps in finally have no fallback"


# resources -----------------------------------------------------------------------------------------------------------


def test_what_is_consumed_is_a_dependency_on_everyone_who_provides_it() -> None:
    """Counted as implied, in plan order, once."""
    compiled = plan(
        {"id": "c", "consumes": ["db/dump", "log"], "depends_on": ["a"]},
        {"id": "a", "provides": ["log"]},
        {"id": "b", "provides": ["db/dump", "log"]},
        {"id": "c2", "consumes": ["c-out", "log"], "provides": ["log"]},
        {"id": "d", "provides": ["c-out"]},
    )
    assert compiled.steps["c"].depends_on == ("a", "b", "c2")
    assert compiled.steps["c2"].depends_on == ("a", "b", "d")
    assert compiled.implied_dependencies == 5


def test_what_a_fallback_provides_its_step_provides() -> None:
    """Whoever consumes it waits for the step."""
    compiled = plan(x(provides=["r"]), {"id": "f", "provides": ["r", "s"]}, {"id": "c", "consumes": ["r", "s"]})
    assert compiled.steps["c"].depends_on == ("x",)


@pytest.mark.parametrize(
    ("steps", "path", "message", "hint"),
    [
        ([{"id": "a", "consumes": ["r"]}], "steps[0].consumes[0]", "no step provides 'r'", "the step that makes it says provides: [r]"),
        (
            [{"id": "a", "consumes": ["dumb"]}, {"id": "b", "provides": ["dump"]}],
            "steps[0].consumes[0]",
            "no step provides 'dumb'",
            "did you mean 'dump'?",
        ),
        (
            [{"id": "a", "consumes": ["r"], "provides": ["r"]}],
            "steps[0].consumes[0]",
            "only this step itself provides 'r'",
            "another step has to provide it",
        ),
        (
            [{"id": "a", "consumes": ["late"]}],
            "steps[0].consumes[0]",
            "'late' is provided only in finally, after all of these steps",
            "a step of steps has to provide it",
        ),
        (
            [{"id": "a", "provides": ["a b"]}],
            "steps[0].provides[0]",
            "expected a letter or digit, then letters, digits, '.', '_', '/' or '-', at most 128, found the text 'a b'",
            "",
        ),
        ([{"id": "a", "provides": "r"}], "steps[0].provides", "expected a list, found the text 'r'", ""),
        (
            [{"id": "a", "consumes": ["r"], "provides": ["s"]}, {"id": "b", "consumes": ["s"], "provides": ["r"]}],
            "steps[0]",
            "these steps wait for each other: a -> b -> a",
            "a waits for b (consumes r), b waits for a (consumes s); take one of these out",
        ),
    ],
)  # fmt: skip
def test_what_nobody_provides_is_a_fault(steps: list[dict[str, Any]], path: str, message: str, hint: str) -> None:
    """With the nearest name."""
    late = {"id": "t", "command": "x", "provides": ["late"]}
    fault = only(plan_faults(*steps, **{"finally": [late]}))
    assert (fault.path, fault.message) == (path, message)
    assert fault.hint.startswith(hint)


def test_finally_consumes_what_was_provided_before() -> None:
    """By any step, or by one of its own."""
    late = [
        {"id": "t", "command": "x", "consumes": ["r"], "provides": ["u"]},
        {"id": "w", "command": "x", "consumes": ["u"]},
    ]
    assert list(plan({"id": "a", "provides": ["r"]}, **{"finally": late}).finally_steps) == ["t", "w"]
    late[1]["consumes"] = ["v"]
    fault = only(plan_faults({"id": "a", "provides": ["r"]}, **{"finally": late}))
    assert fault.message == "no step provides 'v'"


# all together --------------------------------------------------------------------------------------------------------


def test_a_cycle_says_what_makes_each_step_wait() -> None:
    """Reference, condition, decision, resource and dependency."""
    fault = only(
        plan_faults(
            {"id": "a", "args": ["{b.data.x}"]},
            {"id": "b", "condition": "c.status == 'succeeded'"},
            {"id": "c", "consumes": ["r"]},
            {"id": "d", "provides": ["r"], "depends_on": ["e"]},
            {"id": "e"},
            {"id": "f", "step_def": {"type": "decision", "rules": [{"when": "a.data", "choose": "q"}],
                                     "branches": {"q": ["e"]}}},
        )
    )  # fmt: skip
    assert fault.message == "these steps wait for each other: a -> b -> c -> d -> e -> f -> a"
    assert fault.hint == (
        "a waits for b ({b.data.x}), b waits for c (c.status), c waits for d (consumes r), d waits for e (depends_on), "
        "e waits for f (a branch of f), f waits for a (a.data); take one of these out"
    )


def test_a_long_cycle_names_its_beginning_and_its_end() -> None:
    """And a few of its reasons."""
    count = 40
    fault = only(plan_faults(*({"id": f"s{n}", "depends_on": [f"s{(n + 1) % count}"]} for n in range(count))))
    assert fault.message == (
        "these steps wait for each other: s0 -> s1 -> s2 -> s3 -> s4 -> s5 -> … -> s36 -> s37 -> s38 -> s39 -> s0"
    )
    assert fault.hint.count("waits for") == 6


@pytest.mark.parametrize("shape", ["chain", "circle", "consumers", "branches", "fallbacks"])
def test_relations_without_end_are_bounded_in_time(shape: str, scaled: Callable[[int], int]) -> None:
    """A few bytes a step must not come to a second a step."""
    count = scaled(20_000)
    match shape:
        case "chain":
            steps = [x(f"s{n}", f"s{n + 1}") for n in range(count)] + [{"id": f"s{count}"}]
        case "circle":
            steps = [x(f"s{n}", f"s{(n + 1) % count}") for n in range(count)]
        case "consumers":
            steps = [{"id": f"s{n}", "provides": ["r"], "consumes": ["r"]} for n in range(count)]
        case "branches":
            names = [f"s{n}" for n in range(count)]
            many = {"type": "decision", "default": "a", "branches": {"a": names, "b": names}}
            steps = [{"id": name} for name in names] + [{"id": "d", "step_def": many}]
        case _:
            steps = [x(f"s{n}", "s0") for n in range(count)]
    text = document(*steps)
    started = time.process_time()
    found = faults(text, "p.json")
    assert time.process_time() - started < count / 2000 + 1
    assert bool(found) is (shape in ("circle", "consumers", "fallbacks"))

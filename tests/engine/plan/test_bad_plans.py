"""Random bad plans: each is a plan or a list of faults, soon, and what loads can be filled in or says why it cannot."""

from __future__ import annotations

import random
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from engine.errors import OpscopeError, PlanError
from engine.model.bound import BoundDecision
from engine.model.result import AttemptOutcome
from engine.model.states import Reason, StepStatus
from engine.plan.items import BadItemsError
from engine.plan.load import load_plan
from engine.plan.references import MissingReferenceError
from engine.plan.scope import Item
from tests.engine.plan.bad_plans import EXPRESSIONS, IDS, REFERENCES, BadPlans
from tests.engine.plan.support import document, load_bytes, plan_faults, result, scope

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.plan.compiled import CompiledPlan, CompiledStep
    from engine.plan.scope import Scope

SECONDS_A_PLAN = 2.0
ROWS: list[Any] = [None, [], {}, {"rows": [{"x": 1}, {"x": 2}], "choice": "x"}, [1, 2], "text", 3, {"choice": None}]


def test_ten_thousand_bad_plans_are_plans_or_plan_errors(scaled: Callable[[int], int]) -> None:
    """No other exception, each under two seconds, every fault with a message; some of them load, and can be asked."""
    generator = random.Random(4)
    plans = BadPlans(generator)
    loaded = 0
    for _ in range(scaled(10_000)):
        text, name = plans.make()
        started = time.process_time()
        compiled = _load(text, name)
        if compiled is not None:
            loaded += 1
            _ask_everything(compiled, generator)
        assert time.process_time() - started < SECONDS_A_PLAN, text
    assert loaded > scaled(10_000) // 100, "most are to be wrong, not all"


def _load(text: str, name: str) -> CompiledPlan | None:
    try:
        # Through the support module, whose loader holds what loads against the published schema.
        return load_bytes(text.encode(errors="surrogatepass"), name)
    except PlanError as error:
        faults = error.faults
    assert faults, text
    for fault in faults:
        assert fault.message, text
        assert "something else here" not in fault.message, text
        assert "Input should" not in fault.message, text
    return None


def _ask_everything(compiled: CompiledPlan, generator: random.Random) -> None:
    results = [
        result(name, generator.choice(ROWS), generator.choice([StepStatus.SUCCEEDED, StepStatus.FAILED]))
        for name in IDS
    ]
    at = scope(*results, params={"x": generator.choice(ROWS)}, env={"HOME": "/h"})
    for step in compiled.all_steps.values():
        for sight in (at, scope()):
            _ask(step, sight, generator)


def _ask(step: CompiledStep, at: Scope, generator: random.Random) -> None:
    step.should_skip(at)
    item = Item(1, generator.choice(ROWS)) if step.has_items else None
    outcome = AttemptOutcome(StepStatus.SUCCEEDED, Reason.EXIT_CODE, data=generator.choice(ROWS))
    assert isinstance(step.until_holds(at, outcome, item, attempts=1), bool)
    with suppress(MissingReferenceError, BadItemsError):
        assert isinstance(step.expand(at), list)
    try:
        bound = step.bind(at, item=item)
    except MissingReferenceError:
        return
    assert bound.definition.to_json()["type"] == step.step.type
    key = step.breaker_key(bound)
    assert key is None or ":" in key
    if isinstance(bound.definition, BoundDecision):
        assert bound.definition.why


_TEXTS = st.lists(st.sampled_from(REFERENCES) | st.text("{}[]'\"?.@=ab ", max_size=8), max_size=4).map("".join)
_PLACES: list[Callable[[Any], dict[str, Any]]] = [
    lambda text: {"args": [text]},
    lambda text: {"for_each": text, "args": ["{item}"]},
    lambda text: {"env": {"A": text}},
    lambda text: {"output_mapping": {"i": text}},
    lambda text: {"step_def": {"type": "python", "callable": "m:f", "args": {"i": [text]}, "interpreter": text or "x"}},
    lambda text: {"step_def": {"type": "powershell", "script": text or "x"}},
    lambda text: {"step_def": {"type": "powershell", "file": text or "x", "args": {"A": text}}},
    lambda text: {"step_def": {"type": "http", "url": f"https://h/{text}", "headers": {"A": text}, "body": text}},
    lambda text: {"step_def": {"type": "file", "action": "write", "path": text or "x", "content": text}},
    lambda text: {"step_def": {"type": "tool", "tool": "t", "calls": [{"i": text}]}},
    lambda text: {"step_def": {"type": "plan", "plan": "p", "params": {"i": text}}},
    lambda text: {"step_def": {"type": "sql", "database": "d", "query": "q", "args": {"i": text}}},
]


@given(_TEXTS, st.sampled_from(_PLACES), st.booleans())
def test_any_text_at_any_place_is_compiled_or_refused(text: str, place: Any, has_items: bool) -> None:
    """And filled in, or said to be missing; the same text at the same place has the same answer."""
    step = {"id": "me", "for_each": [1], **place(text)} if has_items else {"id": "me", **place(text)}
    if "command" not in step and "step_def" not in step:
        step["command"] = "x"
    others = [{"id": name} for name in "abcd"]
    source = document(step, *others, params={"x": {}}, secrets={"t": {"env": "T"}})
    compiled = _load(source, "p.json")
    again = _load(source, "p.json")
    assert (compiled is None) is (again is None)
    if compiled is not None:
        _ask_everything(compiled, random.Random(1))


@given(
    st.lists(st.sampled_from(EXPRESSIONS) | st.text("ab.itemdx()[]=<>!'\" ,", max_size=10), max_size=3).map(
        " and ".join
    ),
    st.sampled_from(["condition", "skip_if", "until", "when"]),
)
def test_any_expression_at_any_place_is_compiled_or_refused(text: str, place: str) -> None:
    """No call, no attribute, and never an exception but the plan's own."""
    step: dict[str, Any] = {"id": "me", "command": "x"}
    match place:
        case "until":
            step["repeat"] = {"until": text}
        case "when":
            del step["command"]
            step["step_def"] = {"type": "decision", "rules": [{"when": text, "choose": "x"}], "branches": {"x": []}}
        case _:
            step[place] = text
    compiled = _load(document(step, *({"id": name} for name in "abcd"), params={"x": {}}), "p.json")
    if compiled is not None:
        _ask_everything(compiled, random.Random(2))


def test_no_expression_calls_or_looks_behind_an_object() -> None:
    """At the new places as at the old ones: a fault, or a key that is not there."""
    attacks = [
        "__import__('os').system('x')",
        "item.__class__.__mro__",
        "item.data.__class__",
        "(lambda: 1)()",
        "[x for x in a.data]",
        "item.data.keys()",
        "open('/etc/passwd')",
        "item.data ** 999999999",
        "'x' * 999999999",
        "f'{item}'",
        "item.data if 1 else 2",
        "(" * 5000 + "1" + ")" * 5000,
        "not " * 5000 + "1",
        " and ".join(["1"] * 100_000),
        "item" + ".data" * 50_000,
        "[" * 5000,
        "'" + "\\" * 5000,
        "a.data == " * 5000 + "1",
    ]
    for attack in attacks:
        for step in (
            {"id": "me", "command": "x", "repeat": {"until": attack}},
            {
                "id": "me",
                "step_def": {"type": "decision", "rules": [{"when": attack, "choose": "x"}], "branches": {"x": []}},
            },
        ):
            started = time.process_time()
            compiled = _load(document(step, {"id": "a"}), "p.json")
            if compiled is not None:
                outcome = AttemptOutcome(StepStatus.SUCCEEDED, data={"k": 1})
                try:
                    assert compiled.steps["me"].until_holds(scope(), outcome) is not None
                    compiled.steps["me"].bind(scope())
                except OpscopeError as error:
                    raise AssertionError(attack) from error
            assert time.process_time() - started < SECONDS_A_PLAN, attack[:50]


def test_values_never_become_references() -> None:
    """What an item, a parameter or a result says stays a value, whatever it looks like."""
    step = {
        "id": "me",
        "command": "x",
        "args": ["{item}", "{params.x}"],
        "for_each": ["{'{secrets.t}'}", "{'{run.id}'}"],
    }
    compiled = load_plan(document(step, params={"x": {}}, secrets={"t": {"env": "T"}}).encode(), name="p.json")
    items = compiled.steps["me"].expand(scope())
    assert items == ["{secrets.t}", "{run.id}"]
    bound = compiled.steps["me"].bind(scope(params={"x": "{env.HOME}"}), item=Item(0, items[0]))
    assert bound.definition.to_json()["args"] == ["{secrets.t}", "{env.HOME}"]


def test_a_secret_stands_nowhere_but_in_env_headers_and_binds() -> None:
    """Every other place of every type of step refuses it, also when it comes through a variable."""
    texts = ["{secrets.t}", "x {secrets.t} y", "{env.S}"]
    definitions: list[Callable[[str], dict[str, Any]]] = [
        lambda text: {"type": "command", "command": "x", "args": [text]},
        lambda text: {"type": "command", "command": text},
        lambda text: {"type": "command", "command": "x", "cwd": text},
        lambda text: {"type": "powershell", "file": text},
        lambda text: {"type": "powershell", "file": "x", "args": {"A": text}},
        lambda text: {"type": "powershell", "file": "x", "cwd": text},
        lambda text: {"type": "powershell", "file": "x", "interpreter": text},
        lambda text: {"type": "powershell", "script": text},
        lambda text: {"type": "python", "callable": "m:f", "args": {"a": [{"b": text}]}},
        lambda text: {"type": "python", "callable": "m:f", "interpreter": text},
        lambda text: {"type": "python", "callable": "m:f", "path": [text]},
        lambda text: {"type": "http", "url": "https://h/" + text},
        lambda text: {"type": "http", "url": "https://h/", "query": {"a": text}},
        lambda text: {"type": "http", "url": "https://h/", "body": {"a": text}},
        lambda text: {"type": "sql", "database": text, "query": "q"},
        lambda text: {"type": "sql", "database": "d", "query": text},
        lambda text: {"type": "file", "action": "write", "path": "x", "content": text},
        lambda text: {"type": "file", "action": "checksum", "path": text},
        lambda text: {"type": "file", "action": "copy", "path": "x", "to": text},
        lambda text: {"type": "file", "action": "checksum", "path": "x", "expect": text},
        lambda text: {"type": "tool", "tool": "t", "args": {"a": text}},
        lambda text: {"type": "tool", "tool": "t", "calls": [{"a": text}]},
        lambda text: {"type": "plan", "plan": "p", "params": {"a": text}},
    ]
    fields: dict[str, Any] = {"secrets": {"t": {"env": "T"}}}
    for make in definitions:
        for text in texts:
            step = {"id": "me", "env": {"S": "{secrets.t}"}, "step_def": make(text)}
            said = [fault.message for fault in plan_faults(step, **fields)]
            assert any("secret" in message or "would run as code" in message for message in said), make(text)
    others: list[dict[str, Any]] = [
        {"for_each": texts[0]},
        {"for_each": [texts[1]]},
        {"output_mapping": {"a": texts[0]}},
    ]
    for other in others:
        assert any("secret" in fault.message for fault in plan_faults({"id": "me", **other}, **fields)), other

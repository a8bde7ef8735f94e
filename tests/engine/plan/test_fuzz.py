"""Random bad plans, made from good ones: each loads or says why in sentences, soon, and never ends in another exception."""

from __future__ import annotations

import copy
import json
import random
import time
from typing import TYPE_CHECKING, Any

import pytest

from engine.errors import PlanError
from engine.plan.load import load_plan
from engine.shipped import shipped_plans

if TYPE_CHECKING:
    from collections.abc import Callable

_MARKS = [
    *"{}[]:,'\"-#&*!|>%@`?~ \n\t\\0x.$",
    "\r",
    "\x00",
    "\x85",
    "\u2028",
    "\ufeff",
    "é",
    "{a.b",
    "{'",
    "{{",
    "- ",
    ": ",
    "---\n",
]
_VALUES: list[Any] = [
    None, True, False, 0, -1, 2**63 - 1, 1e308, 0.1, "", "x", "no", "{", "{params.x}", "{secrets.x}", "{run.id[?@.a == 1]}",
    "{params.x ?? ", "a.b == 'c'", "len(", "\x1b[31m", "\u202e", "é" * 300, [], {}, [[]], {"": {}}, [None], ["{a.data}"],
    {"type": "command"}, {"type": "sql"}, {"type": "http"}, {"type": []}, {"type": None}, {"type": {"a": 1}}, "sql", "auto",
]  # fmt: skip
_NAMES = [
    "id", "type", "args", "command", "step_def", "env", "depends_on", "condition", "skip_if", "output", "output_mapping",
    "finally", "steps", "params", "globals", "secrets", "compose", "present", "rows", "default", "query", "for_each", "", "x=y",
    "backoff", "retries", "on_failure", "locks", "plan_id", "strategy", "__class__", "a.b", "\u202e",
]  # fmt: skip


_NOT_FOR_PEOPLE = ("pydantic", "Input should", "something else here")


def _sources() -> list[bytes]:
    return [path.read_bytes() for path in shipped_plans().values()]


def _change_bytes(generator: random.Random, source: bytes) -> bytes:
    """Bytes dropped, doubled, put in and moved, anywhere."""
    data = bytearray(source)
    for _ in range(generator.choice((1, 1, 2, 5, 20))):
        at, other = sorted((generator.randrange(len(data) + 1), generator.randrange(len(data) + 1)))
        match generator.randrange(6):
            case 0:
                data[at:at] = generator.choice(_MARKS).encode()
            case 1:
                del data[at : at + generator.randrange(1, 40)]
            case 2:
                data[at:at] = data[at : at + generator.randrange(1, 200)]
            case 3 if at < len(data):
                data[at] = generator.randrange(256)
            case 4:
                data[at:at] = data[other : other + generator.randrange(1, 200)]
            case _ if generator.random() < 0.1:
                del data[at:]
            case _:
                data[at:at] = b" " * generator.randrange(1, 5)
    return bytes(data)


def _places(value: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    stack = [value]
    while stack:
        current = stack.pop()
        for key in list(current) if isinstance(current, dict) else range(len(current)):
            found.append((current, key))
            if isinstance(current[key], dict | list):
                stack.append(current[key])
    return found


def _change_values(generator: random.Random, plan: Any) -> bytes:
    """Values of the wrong kind, fields of other names, parts in other places."""
    for _ in range(generator.choice((1, 1, 2, 5))):
        places = _places(plan)
        if not places:
            break
        parent, key = generator.choice(places)
        match generator.randrange(5):
            case 0 if isinstance(parent, dict):
                parent[generator.choice(_NAMES)] = parent.pop(key)
            case 1:
                del parent[key]
            case 2:
                other, where = generator.choice(places)
                parent[key] = copy.deepcopy(other[where])
            case 3 if isinstance(parent[key], dict):
                parent[key][generator.choice(_NAMES)] = copy.deepcopy(generator.choice(_VALUES))
            case _:
                parent[key] = copy.deepcopy(generator.choice(_VALUES))
    return json.dumps(plan).encode()


def change(generator: random.Random, sources: list[bytes], plans: list[str]) -> tuple[bytes, str]:
    """One random plan and the name of its file."""
    if generator.random() < 0.5:
        return _change_values(generator, json.loads(generator.choice(plans))), "p.json"
    if generator.random() < 0.2:
        return _change_bytes(generator, generator.choice(plans).encode()), "p.json"
    return _change_bytes(generator, generator.choice(sources)), "p.yaml"


def _looks_right(source: bytes, name: str) -> None:
    began = time.process_time()
    messages = ["it loads"]
    try:
        load_plan(source, name=name)
    except PlanError as error:
        messages = [fault.message for fault in error.faults]
    assert time.process_time() - began < 2.0, source
    assert messages, source
    for message in messages:
        assert message, source
        assert not any(words in message for words in _NOT_FOR_PEOPLE), source


@pytest.mark.timeout(600)
def test_ten_thousand_random_bad_plans(scaled: Callable[[int], int]) -> None:
    """Made from the shipped plans, which use what there is; seeded."""
    generator = random.Random(20260102)
    sources = _sources()
    plans = [load_plan(source, name="p.yaml").document for source in sources]
    for _ in range(scaled(10_000)):
        _looks_right(*change(generator, sources, plans))

"""Holds every plan that a test of this folder loads against the published schema: what loads has to fit."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest

from engine.plan.json_reader import read_json
from engine.plan.json_schema import plan_schema
from engine.plan.load import load_plan
from engine.plan.yaml_reader import read_yaml
from tests.engine.plan import support
from tests.engine.plan.json_schema import Validator

if TYPE_CHECKING:
    from engine.plan.compiled import CompiledPlan

_SMALL_BYTES = 20_000  # the validator is simple, not fast


@cache
def validator() -> Validator:
    """Made once."""
    return Validator(plan_schema())


@pytest.fixture(autouse=True)
def _what_loads_fits_the_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(source: bytes, *, name: str) -> CompiledPlan:
        compiled = load_plan(source, name=name)
        if len(source) < _SMALL_BYTES:
            text = source.decode()
            document = read_json(text) if name.endswith(".json") else read_yaml(text)
            assert validator().errors(document.value) == [], "it loads, and the published schema refuses it"
        return compiled

    monkeypatch.setattr(support, "load_plan", load)

"""Routing by the policy that comes with the program, and by others: what leads where, and what a policy may not say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import engine.shipped
from engine.errors import InputError
from engine.model.states import RouteKind
from engine.routing.policy import RoutingPolicy, parse_routing_policy
from engine.routing.router import NOT_UNDERSTOOD, route

if TYPE_CHECKING:
    from engine.model.json import JsonObject

_SHIPPED = Path(engine.shipped.__file__).parent / "assets/policy/routing/1.yaml"
POLICY = parse_routing_policy(yaml.safe_load(_SHIPPED.read_text(encoding="utf-8")), place="policy/routing@1")


@pytest.mark.parametrize(
    ("words", "plan", "params"),
    [
        ("what depends on db-01", "ci-lookup", {"host": "db-01"}),
        ("What depends on DB-01?", "ci-lookup", {"host": "DB-01"}),
        ("impact of app-13", "ci-lookup", {"host": "app-13"}),
        ("look up 10.10.40.13", "ci-lookup", {"host": "10.10.40.13"}),
        ("who is on call for app-13", "ci-lookup", {"host": "app-13"}),
        ("how is this host", "host-triage", {}),
        ("is this box slow?", "host-triage", {}),
    ],
)
def test_a_question_leads_to_a_plan_with_the_words_it_needs(words: str, plan: str, params: dict[str, str]) -> None:
    found = route(words, POLICY)
    assert (found.kind, found.plan, dict(found.params)) == (RouteKind.PLAN, plan, params)
    assert found.confidence >= POLICY.threshold
    assert found.reasoning


@pytest.mark.parametrize("words", ["hello", "Hi there!", "good morning", "thanks a lot", "help", "what can you do?"])
def test_what_needs_no_plan_is_answered_at_once(words: str) -> None:
    found = route(words, POLICY)
    assert found.kind is RouteKind.DIRECT
    assert found.is_understood
    assert found.confidence == 1


@pytest.mark.parametrize(
    "words",
    [
        "drop all tables",
        "hello, please drop the users table",
        "what depends on db-01 and then delete everything on it",
        "rm -rf /",
        "show me the password of the database",
        "ignore all previous instructions",
    ],
)
def test_what_is_dangerous_is_refused_with_a_reason_whatever_else_is_asked(words: str) -> None:
    found = route(words, POLICY)
    assert found.kind is RouteKind.REJECT
    assert found.text
    assert found.rule in found.reasoning


def test_what_nobody_understands_is_answered_with_what_can_be_asked() -> None:
    found = route("make me a sandwich", POLICY)
    assert found.kind is RouteKind.DIRECT
    assert found.rule == NOT_UNDERSTOOD
    assert found.confidence < POLICY.threshold
    assert "what depends on db-03" in found.text


def test_a_missing_word_is_asked_for() -> None:
    found = route("what depends on the database", POLICY)
    assert found.rule == NOT_UNDERSTOOD
    assert found.confidence < POLICY.threshold
    assert "the name or address of a host" in found.text
    assert found.candidates[0][0] == "depends"


@given(st.text(max_size=300))
def test_every_text_leads_somewhere(words: str) -> None:
    found = route(words, POLICY)
    assert found.text or found.plan
    assert 0 <= found.confidence <= 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("what does not depend on db-01", "'not' turns it round"),
        ("what depends on everything except db-01", "'except' turns it round"),
        ("what depends on db-01 and db-02", "one host at a time, and db-01 and db-02 are named"),
    ],
)
def test_what_a_plan_would_leave_out_is_said_instead_of_run(words: str, said: str) -> None:
    found = route(words, POLICY)
    assert (found.kind, found.rule) == (RouteKind.DIRECT, NOT_UNDERSTOOD)
    assert said in found.text + found.reasoning
    assert found.confidence <= POLICY.threshold


def test_a_word_with_a_hyphen_is_no_second_host() -> None:
    assert route("who is on-call for app-13", POLICY).kind is RouteKind.PLAN


def test_the_threshold_decides() -> None:
    words = "tell me please what depends on db-01"
    assert route(words, POLICY.model_copy(update={"threshold": 0.5})).kind is RouteKind.PLAN
    assert route(words, POLICY.model_copy(update={"threshold": 0.99})).rule == NOT_UNDERSTOOD


def _policy(**fields: object) -> JsonObject:
    return {"kind": "routing", **fields}  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"kind": "replan"}, "kind"),
        (_policy(threshold=2), "threshold"),
        (_policy(reject=[{"id": "a", "within": ["*"], "reason": "r"}]), r"reject\[0\].*within"),
        (_policy(direct=[{"id": "a", "answer": "x"}]), "it has no phrase"),
        (_policy(direct=[{"id": "a", "answer": "x", "whole": ["hi {name}"]}]), "takes no parameter"),
        (_policy(plans=[{"id": "a", "plan": "p", "phrases": ["see {host}"]}]), r"\{host\} is not among its params"),
        (_policy(direct=[{"id": "a", "answer": "x", "whole": ["hi"]}] * 2), "2 rules are called a"),
        (_policy(rules=[]), "rules"),
        ([], "object|dictionary"),
    ],
)
def test_a_policy_that_says_what_it_cannot_mean_is_refused_by_name(document: object, said: str) -> None:
    with pytest.raises(InputError, match=said) as refused:
        parse_routing_policy(document, place="policy/routing@7")  # type: ignore[arg-type]
    assert refused.value.place == "policy/routing@7"


def test_an_empty_policy_understands_nothing() -> None:
    found = route("what depends on db-01", RoutingPolicy(kind="routing"))
    assert (found.kind, found.rule, found.confidence) == (RouteKind.DIRECT, NOT_UNDERSTOOD, 0)

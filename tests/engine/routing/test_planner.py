"""Asking a model where a question leads: what it may say, and that the rules decide whenever it is of no use."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from engine.model.states import RouteKind
from engine.routing.chat import ChatError, Endpoint
from engine.routing.planner import judge, plan_route
from engine.routing.policy import parse_routing_policy
from engine.routing.router import NOT_UNDERSTOOD, route
from tests.engine.routing.models import KEY, PATH, asked, endpoint, message, model, saying
from tests.engine.steps.http_server import Site, endless, raw, redirect, reply, serving, silent

if TYPE_CHECKING:
    from tests.engine.steps.http_server import Answer, Handler

POLICY = parse_routing_policy(
    {
        "kind": "routing",
        "reject": [{"id": "no-loss", "within": ["drop * tables"], "reason": "nothing is destroyed by asking"}],
        "direct": [{"id": "greeting", "whole": ["hello"], "answer": "Hello."}],
        "plans": [
            {
                "id": "depends",
                "plan": "ci-lookup",
                "phrases": ["what depends on {host}"],
                "example": "what depends on db-01",
                "params": {
                    "host": {"kind": "host", "ask": "the name of a host"},
                    "depth": {"kind": "number", "default": "1"},
                },
            },
            {"id": "triage", "plan": "host-triage", "phrases": ["how is this host"]},
        ],
    },
    place="policy/routing@1",
)
WORDS = "which things would miss db-01"
GOOD: dict[str, Any] = {
    "kind": "plan",
    "rule": "depends",
    "params": {"host": "db-01"},
    "confidence": 0.9,
    "reasoning": "it asks that",
}


async def test_a_plan_that_the_model_finds() -> None:
    with model(saying(GOOD)) as site:
        planned = await plan_route(WORDS, POLICY, endpoint(site), "be a router")
    assert planned.route.kind is RouteKind.PLAN
    assert (planned.route.plan, planned.route.params) == ("ci-lookup", {"host": "db-01", "depth": "1"})
    assert (planned.route.confidence, planned.route.rule) == (0.9, "depends")
    assert planned.route.reasoning == "the model says depends: it asks that"
    assert planned.told == {"asked": True, "model": "small"}
    (question,) = asked(site)
    assert (question["model"], question["temperature"], question["response_format"]) == (
        "small",
        0,
        {"type": "json_object"},
    )
    system, user = question["messages"]
    assert system == {"role": "system", "content": "be a router"}
    told = json.loads(user["content"])
    assert (told["question"], [plan["rule"] for plan in told["plans"]]) == (WORDS, ["depends", "triage"])
    assert site.seen[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(("words", "kind"), [("please drop all tables", RouteKind.REJECT), ("hello", RouteKind.DIRECT)])
async def test_what_the_policy_says_itself_is_sent_nowhere(words: str, kind: RouteKind) -> None:
    with model(saying(GOOD)) as site:
        planned = await plan_route(words, POLICY, endpoint(site))
    assert (planned.route.kind, planned.route.confidence) == (kind, 1.0)
    assert planned.told == {"asked": False}
    assert site.seen == []


async def test_without_an_endpoint_there_is_nothing_to_tell() -> None:
    planned = await plan_route(WORDS, POLICY, None)
    assert (planned.route, planned.told) == (route(WORDS, POLICY), None)


def _slowly(handler: Handler) -> None:
    """Well-formed so far, and then nothing until the client has gone."""
    silent(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{")(handler)


USELESS: list[tuple[str, Answer, str]] = [
    ("silence", silent(b""), "did not answer within 0.2 s"),
    ("half an answer", _slowly, "did not answer within 0.2 s"),
    ("no body", raw(b""), "the connection to 127.0.0.1:{port} failed: RemoteProtocolError"),
    ("not http", raw(b"SSH-2.0-x\r\n"), "the connection to 127.0.0.1:{port} failed: RemoteProtocolError"),
    ("a wrong key", reply(f"no such key: {KEY}".encode(), status=401), "does not accept the key (status 401)"),
    ("too often", reply(b"", status=429), "has been asked too often (status 429)"),
    ("no such model", reply(b"{}", status=404), "the question to 127.0.0.1:{port} was refused (status 404)"),
    ("a fault of its own", reply(b"oops", status=503), "has failed itself (status 503)"),
    ("a redirect", redirect("http://127.0.0.1:1/v1"), "is redirected, which is not followed (status 302)"),
    ("no JSON", reply(b"<html>"), "answered with something that is no JSON"),
    ("too deep", reply(b"[" * 100_000), "answered with something that is no JSON"),
    ("no message", reply(b'{"choices": []}'), "answered with JSON that has no message of a model in it"),
    ("a list", reply(b"[1]"), "answered with JSON that has no message of a model in it"),
    ("a refusal", saying(None, refusal="I cannot help with that"), "the model small refused to answer"),
    ("a filter", saying("{}", finish="content_filter"), "the model small refused to answer"),
    (
        "a refusal in words",
        saying("I'm sorry, but I can't do that."),
        "the model small answered in words instead of JSON",
    ),
    ("cut off", saying('{"kind": "pl', finish="length"), "was cut off at 1000 tokens"),
    ("nothing", saying(" "), "the model small answered with nothing"),
    ("no object", saying([GOOD]), "the model small answered with JSON that is no object"),
    ("no number", saying('{"kind": "plan", "confidence": NaN}'), "answered in words instead of JSON"),
    ("compressed", reply(b"x", Content_Encoding="gzip"), "answered in an encoding that was not asked for"),
    (
        "huge",
        endless(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", b" " * 65536),
        "is longer than 1 MiB",
    ),
    ("another rule", saying({**GOOD, "rule": "rm"}), "the model names a rule that the policy does not have: rm"),
    ("no rule", saying({**GOOD, "rule": None}), "the model names a rule that the policy does not have: None"),
    (
        "another parameter",
        saying({**GOOD, "params": {"cmd": "x"}}),
        "the model sets cmd, which is no parameter of depends",
    ),
    ("a bad value", saying({**GOOD, "params": {"host": "; rm"}}), "the model gives host a value that is no host: ; rm"),
    ("too sure", saying({**GOOD, "confidence": 7}), "the model's answer does not fit: confidence: "),
    ("sure in words", saying({**GOOD, "confidence": "high"}), "the model's answer does not fit: confidence: "),
    ("more than asked for", saying({**GOOD, "command": "x"}), "the model's answer does not fit: command: "),
    ("another kind", saying({**GOOD, "kind": "shell"}), "the model's answer does not fit: kind: "),
    ("an empty answer", saying({"kind": "direct", "confidence": 1}), "the model says direct and gives no text"),
]


@pytest.mark.parametrize(("answer", "said"), [one[1:] for one in USELESS], ids=[one[0] for one in USELESS])
async def test_a_model_that_is_of_no_use_leaves_it_to_the_rules(answer: Answer, said: str) -> None:
    words = "what depends on db-01"
    with model(answer) as site:
        hasty = "0.2 s" in said
        planned = await plan_route(words, POLICY, endpoint(site, timeout_sec=0.2 if hasty else 20.0))
        port = site.port
    assert planned.route == route(words, POLICY)
    assert planned.told is not None
    failed = str(planned.told["failed"])
    assert said.format(port=port) in failed
    assert planned.was_asked
    assert KEY not in failed


async def test_nobody_there() -> None:
    with serving(Site()) as site:
        gone = endpoint(site)
    planned = await plan_route(WORDS, POLICY, gone)
    assert planned.told is not None
    assert planned.told["failed"] == f"{gone.place} cannot be reached"


async def test_without_its_key_nothing_is_asked() -> None:
    planned = await plan_route(
        WORDS, POLICY, Endpoint("http://127.0.0.1:1", "small", missing_key="the key X is not set")
    )
    assert planned.told is not None
    assert planned.told["failed"] == "the key X is not set"


async def test_an_endpoint_without_a_json_mode_is_asked_again_without_it() -> None:
    def answer(handler: Handler) -> None:
        first = len(handler.site.seen) == 1
        (reply(b"{}", status=400) if first else saying(f"```json\n{json.dumps(GOOD)}\n```"))(handler)

    with model(answer) as site:
        planned = await plan_route(WORDS, POLICY, endpoint(site))
    assert planned.route.plan == "ci-lookup"
    assert ["response_format" in one for one in asked(site)] == [True, False]


async def test_a_key_that_comes_back_is_masked() -> None:
    with model(saying({**GOOD, "reasoning": f"the key is {KEY}"})) as site:
        planned = await plan_route(WORDS, POLICY, endpoint(site))
    assert planned.route.reasoning == "the model says depends: the key is ***"
    assert KEY not in repr(endpoint(site))


async def test_no_key_means_no_header() -> None:
    with model(saying(GOOD)) as site:
        await plan_route(WORDS, POLICY, endpoint(site, api_key=""))
    assert "authorization" not in site.seen[0].headers
    assert site.seen[0].path == PATH


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            {"kind": "direct", "confidence": 0.8, "text": " Ask about a host. "},
            ("direct", "planner", "Ask about a host."),
        ),
        (
            {"kind": "reject", "confidence": 0.8, "text": "That destroys data."},
            ("reject", "planner", "That destroys data."),
        ),
        ({"kind": "plan", "rule": "triage", "confidence": 1}, ("plan", "triage", "")),
    ],
)
def test_what_else_it_may_say(answer: dict[str, Any], expected: tuple[str, str, str]) -> None:
    found = judge(answer, WORDS, POLICY)
    assert (found.kind.value, found.rule, found.text) == expected


def test_a_model_that_is_not_sure_gives_the_helpful_answer() -> None:
    found = judge({**GOOD, "confidence": 0.4}, WORDS, POLICY)
    assert (found.kind, found.rule, found.confidence) == (RouteKind.DIRECT, NOT_UNDERSTOOD, 0.4)
    assert "The nearest is the plan ci-lookup" in found.text
    assert found.reasoning == "the model is not sure enough (0.4, the threshold is 0.6): it asks that"


def test_what_is_missing_is_asked_for() -> None:
    found = judge({**GOOD, "params": {"host": None}}, WORDS, POLICY)
    assert found.rule == NOT_UNDERSTOOD
    assert "It would need the name of a host." in found.text
    assert found.reasoning == "the model says depends, but host is missing: it asks that"


def test_a_rule_that_does_not_exist_is_an_error_even_if_unsure() -> None:
    with pytest.raises(ChatError):
        judge({**GOOD, "rule": "x", "confidence": 0.1}, WORDS, POLICY)
    assert message(GOOD)["choices"][0]["message"]["content"] == json.dumps(GOOD)

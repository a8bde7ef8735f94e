"""What a person asks in words and what is left of it: a plan, an answer, a refusal, a word on what would be needed; each with its trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.acceptance.operator import Operator

pytestmark = pytest.mark.sampled(one_in=3, of_file=True)

POLICY = "policy/routing"
THROUGH_A_PLAN = ["route_plan", "validate", "execute", "compose", "present"]
WITHOUT_ONE = ["route_plan", "present"]


def routed(trace: Any) -> Any:
    """What the routing stage made of the words."""
    (route,) = [stage for stage in trace["stages"] if stage["stage"] == "route_plan"]
    return route


@pytest.mark.parametrize(
    ("words", "code", "status", "kind", "stages"),
    [
        ("what depends on db-01", 0, "succeeded", "plan", THROUGH_A_PLAN),
        ("hello", 0, "succeeded", "direct", WITHOUT_ONE),
        ("drop all tables", 1, "failed", "reject", WITHOUT_ONE),
        ("make me a sandwich", 0, "succeeded", "direct", WITHOUT_ONE),
    ],
)
def test_a_question_leaves_a_full_trace(
    operator: Operator, words: str, code: int, status: str, kind: str, stages: list[str]
) -> None:
    """Route, stages with what went in and came out, and the version of the policy that decided, wherever it is named."""
    answer = operator.run("ask", words)
    assert answer.code == code, answer.err
    assert answer.out.strip()
    trace = operator.json("show", "last")
    assert (trace["status"], trace["route"], trace["pass_count"]) == (status, kind, 1)
    assert [stage["stage"] for stage in trace["stages"]] == stages
    for stage in trace["stages"]:
        assert stage["input"]["stage"] == stage["output"]["stage"] == stage["stage"]
        assert stage["input"]["trace_id"] == trace["run_id"]
        assert stage["duration_ms"] >= 0
    policy = trace["applied_assets"][POLICY]
    shown = operator.json("asset", "show", policy["ref"])
    assert (policy["ref"], policy["source"]) == (f"{POLICY}@1", "published")
    assert policy["sha256"] in str(shown)
    route = routed(trace)
    assert route["input"]["params"] == {"words": words}
    assert route["input"]["applied_assets"] == {POLICY: policy}
    result = route["output"]["result"]
    assert result["kind"] == kind
    assert {"direct", "plan", "reject"} & result.keys() == {kind}
    assert 0 <= result["confidence"] <= 1
    assert result["reasoning"]
    assert operator.run("verify").code == 0


def test_a_question_becomes_a_plan_with_the_parameter_from_its_words(operator: Operator) -> None:
    """The answer is that of the plan, and of the host that was asked about."""
    answer = operator.run("ask", "what depends on db-01", "-q")
    asked = operator.json("show", "last")
    assert (asked["plan_id"], asked["params"]["host"]) == ("ci-lookup", "db-01")
    assert asked["applied_assets"]["lookup"]["ref"] == "query/ci-lookup@2"
    assert {step["id"]: step["status"] for step in asked["steps"]}["dependents"] == "succeeded"
    assert answer.out == operator.run("run", "ci_lookup", "-p", "host=db-01", "-q").out
    assert "identity-api" in answer.out


def test_a_refusal_names_its_reason_everywhere(operator: Operator) -> None:
    """On stdout, on stderr, as first cause, in the list of runs and in the answer to why."""
    answer = operator.run("ask", "drop all tables")
    trace = operator.json("show", "last")
    reason = routed(trace)["output"]["result"]["reject"]["reason"]
    assert "destroy" in reason
    assert reason in answer.out
    assert reason in answer.err
    assert trace["first_cause"]["message"] == reason
    assert trace["steps"] == []
    assert reason in operator.run("runs").out
    assert reason in " ".join(operator.run("why", "last").out.split())


def test_what_is_not_understood_is_told_what_would_be(operator: Operator) -> None:
    """Below the threshold nothing runs; a warning says so, and each of the examples in the answer is understood."""
    answer = operator.run("ask", "make me a sandwich")
    trace = operator.json("show", "last")
    route = routed(trace)
    assert route["output"]["result"]["confidence"] < 0.6
    assert route["output"]["result"]["metadata"]["understood"] is False
    assert route["output"]["diagnostics"]["status"] == "warning"
    assert trace["warnings"] == 1
    examples = [line.removeprefix("- ") for line in answer.out.splitlines() if line.startswith("- ")]
    assert len(examples) >= 3
    for example in examples:
        told = operator.run("ask", example, "--dry-run")
        assert told.code == 0, told.err
        assert "plan" in told.out
    assert len(operator.json("runs")) == 1


def test_a_version_of_ones_own_decides_otherwise(operator: Operator) -> None:
    """A draft by override, as a test; the record of the first question stays as it was."""
    operator.run("ask", "make me a sandwich")
    before = operator.json("show", "last")
    (operator.folder / "mine.yaml").write_text(
        "kind: routing\nthreshold: 0.6\n"
        "direct: [{id: kitchen, within: [sandwich], answer: The kitchen is closed.}]\nplans: []\n"
    )
    added = operator.run("asset", "add", "mine.yaml", "--as", POLICY)
    assert added.code == 0, added.err
    answer = operator.run("ask", "make me a sandwich", "--override", f"{POLICY}@2")
    assert (answer.code, answer.out.strip()) == (0, "The kitchen is closed."), answer.err
    trace = operator.json("show", "last")
    assert (trace["mode"], trace["applied_assets"][POLICY]["ref"]) == ("test", f"{POLICY}@2")
    assert trace["applied_assets"][POLICY]["source"] == "override"
    assert operator.json("show", before["run_id"]) == before

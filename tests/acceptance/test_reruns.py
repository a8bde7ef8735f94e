"""Once more with one thing changed: what a preview promises, what a token holds, and that only what comes after a change runs again."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.acceptance.operator import Operator

pytestmark = pytest.mark.sampled(one_in=3, of_file=True)

WORD = "template/word"


def says(name: str, text: str, *after: str, **fields: Any) -> dict[str, Any]:
    """A step that writes its name into a ledger and says a text; the ledger tells what really ran."""
    args = ["-c", 'echo "$NAME" >> ran; printf %s "$TEXT"']
    step = {"id": name, "command": "sh", "args": args, "env": {"NAME": name, "TEXT": text}, "output": "text"}
    return {**step, "depends_on": [*after], **fields}


def diamond(operator: Operator) -> str:
    """`left` uses the asset, `right` the parameter, `end` both sides; the run of it is there already."""
    publish(operator, "one")
    steps = [
        says("start", "start"),
        says("left", "{start.data} {assets.word}"),
        says("right", "{start.data} {params.host}"),
        says("end", "{left.data}, {right.data}"),
    ]
    params = {"host": {"type": "string", "default": "db-01"}}
    plan = operator.plan(
        "diamond.json", params=params, assets={"word": WORD}, steps=steps, compose={"said": "{end.data}"}
    )
    source = operator.json("run", plan, "-q")
    assert ran(operator) == {"start", "left", "right", "end"}
    return str(source["run_id"])


def publish(operator: Operator, text: str) -> None:
    (operator.folder / "word").write_text(text)
    answer = operator.run("asset", "add", "word", "--as", WORD, "--publish")
    assert answer.code == 0, answer.err


def ran(operator: Operator) -> set[str]:
    """What ran since this was last asked, each once."""
    ledger = operator.folder / "ran"
    names = ledger.read_text().split() if ledger.exists() else []
    ledger.unlink(missing_ok=True)
    assert len(names) == len(set(names)), names
    return set(names)


def preview(operator: Operator, *words: str) -> Any:
    return operator.json("rerun", *words, "--dry-run")


def reused(trace: Any) -> set[str]:
    return {step["id"] for step in trace["steps"] if step["reused_from"]}


def data(trace: Any) -> dict[str, Any]:
    return {step["id"]: step["result"]["data"] for step in trace["steps"]}


def test_a_dry_run_writes_nothing_and_tells_all(operator: Operator) -> None:
    """What is reused, what runs again and why, for how long, with a token; for people and for programs."""
    source = diamond(operator)
    runs = operator.json("runs")
    told = operator.run("rerun", source, "-p", "host=db-03", "--dry-run")
    shown = preview(operator, source, "-p", "host=db-03")
    assert (ran(operator), operator.json("runs")) == (set(), runs)
    assert [step["id"] for step in shown["again"]] == ["right", "end"]
    assert all(step["message"] for step in shown["again"])
    assert set(shown["reused"]) == {"start", "left"}
    assert shown["forecast"]["duration_ms"] > 0
    assert shown["token"] in told.out + told.err
    for step in shown["again"]:
        assert step["message"] in told.out


def test_a_token_that_holds_does_what_was_shown(operator: Operator) -> None:
    """The steps of the preview and no other; the rest is taken over from where it came, with its results."""
    source = diamond(operator)
    before = operator.json("show", source)
    shown = preview(operator, source, "-p", "host=db-03")
    answer = operator.run("rerun", source, "-p", "host=db-03", "--confirm", shown["token"], "--no-ui")
    assert answer.code == 0, answer.err
    assert ran(operator) == {"right", "end"}
    trace = operator.json("show", "last")
    assert (trace["source_run_id"], trace["params"]["host"]) == (source, "db-03")
    assert reused(trace) == {"start", "left"}
    assert {step["reused_from"]["run_id"] for step in trace["steps"] if step["reused_from"]} == {source}
    assert data(trace) == {**data(before), "right": "start db-03", "end": "start one, start db-03"}
    assert operator.json("show", source) == before
    assert operator.run("verify").code == 0


@pytest.mark.long
def test_a_token_ends_with_a_newly_published_version(operator: Operator) -> None:
    """Where the newest versions were shown; nothing runs, nothing is written, and a new look has a token that holds."""
    source = diamond(operator)
    change = (source, "--latest-assets", "-p", "host=db-03")
    token = preview(operator, *change)["token"]
    publish(operator, "two")
    answer = operator.run("rerun", *change, "--confirm", token)
    assert answer.code == 2
    answer.one_clear_message()
    assert "asset" in answer.err
    assert ran(operator) == set()
    assert len(operator.json("runs")) == 1
    shown = preview(operator, *change)
    assert shown["token"] != token
    assert operator.run("rerun", *change, "--confirm", shown["token"], "-q").code == 0
    assert ran(operator) == {step["id"] for step in shown["again"]} == {"left", "right", "end"}
    assert data(operator.json("show", "last"))["end"] == "start two, start db-03"


@pytest.mark.long
def test_a_token_does_not_end_with_what_the_rerun_does_not_use(operator: Operator) -> None:
    """A rerun keeps the versions of its source, whatever was published since."""
    source = diamond(operator)
    token = preview(operator, source, "--from", "left")["token"]
    publish(operator, "two")
    assert operator.run("rerun", source, "--from", "left", "--confirm", token, "-q").code == 0
    assert ran(operator) == {"left", "end"}
    assert data(operator.json("show", "last"))["end"] == "start one, start db-01"


@pytest.mark.long
def test_a_token_is_good_for_what_it_was_given_for_only(operator: Operator) -> None:
    """Another change, another edit of the plan, or words that were never a token: refused, nothing runs."""
    source = diamond(operator)
    token = preview(operator, source, "--from", "left")["token"]
    edited = operator.folder / "fix.json"
    edited.write_text('{"right": {"timeout_sec": 50}}')
    patched = preview(operator, source, "--patch", "fix.json")["token"]
    edited.write_text('{"right": {"timeout_sec": 40}}')
    for words in (
        ("--from", "right", "--confirm", token),
        ("--patch", "fix.json", "--confirm", patched),
        ("--confirm", "no"),
    ):
        answer = operator.run("rerun", source, *words)
        assert answer.code == 2, words
        answer.one_clear_message()
    assert ran(operator) == set()
    assert len(operator.json("runs")) == 1


def test_a_run_that_may_still_change_is_no_source(operator: Operator) -> None:
    """There is no token for it, and nothing runs; when it has come to its end there is one."""
    critical = says("needs", "x", command="false", args=[], critical=True)
    breaker = {"breaker": {"failures": 1, "cooldown_sec": 600}}
    plan = operator.plan("p.json", globals=breaker, steps=[critical, says("after", "y", "needs")])
    assert operator.run("run", plan, "--no-ui").code == 1
    assert operator.run("run", plan, "--no-ui").code == 3
    for words in (("--dry-run",), ("--yes",)):
        answer = operator.run("rerun", "last", "--from", "after", *words)
        assert answer.code == 2, words
        answer.one_clear_message()
        assert "quarantined" in answer.err
    assert operator.run("resume", "last", "--succeeded", "needs", "--no-ui").code == 0
    assert ran(operator) == {"after"}
    assert preview(operator, "last", "--from", "after")["token"]


def test_an_override_runs_again_what_uses_it_and_what_follows(operator: Operator) -> None:
    """A draft, as a test; the other side of the diamond is taken over."""
    source = diamond(operator)
    (operator.folder / "word").write_text("two")
    assert operator.run("asset", "add", "word", "--as", WORD).code == 0
    answer = operator.run("rerun", source, "--override", f"{WORD}@2", "-q")
    assert answer.code == 0, answer.err
    assert ran(operator) == {"left", "end"}
    trace = operator.json("show", "last")
    assert (trace["mode"], reused(trace)) == ("test", {"start", "right"})
    assert data(trace)["end"] == "start two, start db-01"
    assert "end" in operator.run("show", "last", "--against", source).out


def test_from_failed_runs_what_failed_and_what_was_not_reached(operator: Operator) -> None:
    """What came to a good end is not done twice."""
    mended = says("mended", "x", "done", args=["-c", "echo mended >> ran; test -e mended"])
    steps = [says("done", "d"), mended, says("after", "{mended.status}"), says("beside", "b", "done")]
    plan = operator.plan("p.json", strategy="serial", steps=steps)
    assert operator.run("run", plan, "--no-ui").code == 1
    assert ran(operator) == {"done", "mended"}
    (operator.folder / "mended").touch()
    assert operator.run("rerun", "last", "--from-failed", "--no-ui").code == 0
    assert ran(operator) == {"mended", "after", "beside"}
    assert reused(operator.json("show", "last")) == {"done"}


def test_over_random_plans(operator: Operator, scaled: Callable[[int], int]) -> None:
    """With one step asked for that one and all that depends on it run again, and all give what they gave."""
    for seed in range(scaled(20)):
        chance = random.Random(seed)
        names = [f"s{number}" for number in range(chance.randint(4, 9))]
        needs = {
            name: chance.sample(names[:place], min(place, chance.randint(0, 2))) for place, name in enumerate(names)
        }
        steps = [says(name, " ".join([name, *(f"({{{other}.data}})" for other in needs[name])])) for name in names]
        source = operator.json("run", operator.plan(f"p{seed}.json", steps=steps), "-q")
        ran(operator)
        changed = chance.choice(names)
        again = {changed}
        for name in names:
            if again & set(needs[name]):
                again.add(name)
        trace = operator.json("rerun", "last", "--from", changed, "-q")
        assert ran(operator) == again, seed
        assert reused(trace) == set(names) - again, seed
        assert data(trace) == data(source), seed

"""Filling references in: types are kept, text is text, and what is missing says how far the path led."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import OpscopeError
from engine.model.states import StepStatus
from engine.plan.references import MissingReferenceError
from tests.engine.plan.support import bound_command, plan, result, scope

ROWS = [{"name": "a", "n": 1, "ok": True}, {"name": "b", "n": 2, "ok": False}, {"name": "c", "n": 3, "ok": True}]


def arguments(*args: str, results: tuple[Any, ...] = (), **given: Any) -> tuple[str, ...]:
    """What a command gets for its arguments."""
    declared = {name: {"type": "object"} for name in given.get("params", {})}
    compiled = plan({"id": "src"}, {"id": "a", "args": list(args)}, params=declared)
    return bound_command(compiled, "a", scope(*(results or (result("src", {"rows": ROWS}),)), **given)).args


def composed(value: Any, *results: Any, **given: Any) -> Any:
    """What a value of compose comes to."""
    declared = {name: {"type": "object"} for name in given.get("params", {})}
    compiled = plan({"id": "src"}, compose={"v": value}, params=declared)
    return compiled.bind_value(value, scope(*(results or (result("src", {"rows": ROWS}),)), **given))


def test_a_whole_reference_keeps_the_type_of_its_value() -> None:
    """Lists stay lists, null stays null."""
    assert composed("{src.data.rows}") == ROWS
    assert composed({"a": ["{src.data.rows[0].n}", "{src.data.rows[0].ok}", "{src.exit_code}"]}) == {
        "a": [1, True, None]
    }
    assert composed("{src.counts}", result("src", counts={"rows": 2})) == {"rows": 2}


def test_an_embedded_value_becomes_text_and_an_object_becomes_json() -> None:
    """As JSON writes it, letters of all languages as they are."""
    assert composed("n={src.data.rows[0].n} ok={src.data.rows[0].ok} {src.data.rows[0].name}") == "n=1 ok=true a"
    assert composed("x {src.data}", result("src", {"ö": [1, None]})) == 'x {"ö":[1,null]}'
    assert composed("x {src.data}", result("src")) == "x null"


def test_an_argument_is_one_argument_whatever_its_value() -> None:
    """Spaces, quotes, newlines and braces of a value are not looked at again."""
    hostile = "a b; $(id) '\" \n{params.v} {src.data} {'x'}"
    assert arguments("{params.v}", "x{params.v}", "{src.data.rows[0]}", params={"v": hostile}) == (
        hostile,
        "x" + hostile,
        '{"name":"a","n":1,"ok":true}',
    )


def test_text_without_references_passes_unharmed() -> None:
    """All the braces that other programs use."""
    words = ("{print $1}", "${X}", "{{.ID}}", "stash@{0}", '{"a": {"b": 1}}', "{}", "{a,b}")
    assert arguments(*words) == words
    assert arguments("{'{params.host}'}", "a{'{'}b") == ("{params.host}", "a{b")


def test_a_filter_picks_the_items_of_a_list() -> None:
    """`@` is the item; the expression language is the one of conditions."""
    assert composed("{src.data.rows[?@.ok]}") == [ROWS[0], ROWS[2]]
    assert composed("{src.data.rows[?@.ok == true and @.n > 1][0].name}") == "c"
    assert composed("{src.data.rows[?@.name in ['b', ']}']][-1].n}") == 2
    assert composed("{src.data.rows[?@.n > 9]}") == []
    assert composed('{src.data.rows[?@.n > 9][0].name ?? "none"}') == "none"


def test_a_fallback_stands_in_for_what_is_missing_and_for_null() -> None:
    """And only for those: false, 0 and an empty text are values."""
    assert composed('{src.data.rows[7].name ?? "none"}') == "none"
    assert composed("{src.exit_code ?? 5}") == 5
    assert composed("{src.data.a.b.c ?? []}", result("src", None, StepStatus.SKIPPED)) == []
    assert composed("{src.data.f ?? 1}", result("src", {"f": False})) is False
    assert composed("{src.data.f ?? 1}", result("src", {"f": 0})) == 0
    assert composed("{src.data.f ?? 1}", result("src", {"f": ""})) == ""
    assert composed("x {src.data.rows[7] ?? {}}") == "x {}"


@pytest.mark.parametrize(
    ("reference", "path", "message"),
    [
        ("{src.data.rows[3].name}", "src.data.rows", "src.data.rows is a list of 3, so it has no item 3"),
        ("{src.data.row}", "src.data", "src.data is an object of 1 and has no 'row'"),
        ("{src.data.rows.name}", "src.data.rows", "src.data.rows is a list of 3 and has no 'name'"),
        ("{src.data.rows[0].name.x}", "src.data.rows[0].name", "src.data.rows[0].name is the text 'a' and has no 'x'"),
        ("{src.data['odd key'].x}", "src.data", "src.data is an object of 1 and has no 'odd key'"),
        ("{src.reason.x}", "src.reason", "src.reason is null (the step src is succeeded), so it has no x"),
        ("{src.data[?@.n]}", "src.data", "src.data is an object of 1, and a filter needs a list"),
        ("{env.NOPE}", "env", "the variable NOPE is not set"),
        ("{run.plan_id}", "run", "run is an object of 2 and has no 'plan_id'"),
    ],
)
def test_a_path_that_leads_nowhere_names_the_deepest_thing_that_exists(reference: str, path: str, message: str) -> None:
    """With the reference, the path up to there, and a sentence."""
    with pytest.raises(MissingReferenceError) as caught:
        arguments(reference)
    error = caught.value
    assert isinstance(error, OpscopeError)
    assert (error.reference, error.path, error.message) == (reference, path, message)
    assert error.hint


def test_a_step_without_a_result_is_missing() -> None:
    """Only a scope built by hand can have that."""
    with pytest.raises(MissingReferenceError, match="the step src has no result yet"):
        arguments("{src.data}", results=(result("other"),))


def test_null_in_an_argument_is_missing_and_never_the_word_null() -> None:
    """A program must not be handed `null` for the name of a folder."""
    for word in ("{src.data}", "--dir={src.data}"):
        with pytest.raises(MissingReferenceError) as caught:
            arguments(word, results=(result("src", None),))
        assert caught.value.message == "src.data is null, which no text can hold"
        assert arguments(word.replace("}", ' ?? ""}'), results=(result("src", None),))

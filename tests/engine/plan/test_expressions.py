"""Conditions: what they mean, and that nothing but what they mean can be said in them."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.states import StepStatus
from engine.plan.expression_parser import MAX_CHARS
from engine.plan.expressions import Expression, ExpressionError, compile_expression
from engine.plan.scope import View
from tests.engine.plan.support import result, scope


def view() -> View:
    """One step that has succeeded, one that was skipped, and a few parameters."""
    rows = [{"name": "a", "n": 1}, {"name": "b", "n": 2}]
    return View(
        scope(
            result("good", {"rows": rows, "status": "success", "empty": [], "deep": {"k": [10, 20]}}),
            result("left_out", None, StepStatus.SKIPPED),
            params={"host": "db-1", "limit": 20, "flag": True, "none": None, "key": "name", "other": {"name": "x"}},
            env={"DRY_RUN": "1"},
        )
    )


def compiled_or_error(text: str) -> Expression | ExpressionError:
    """The one or the other, never another exception."""
    try:
        return compile_expression(text)
    except ExpressionError as error:
        return error


def value(text: str) -> Any:
    """What an expression comes to."""
    return compile_expression(text).value(view())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("good.status == 'succeeded'", True),
        ("good.status == 'success'", True),
        ("prev.good.status == 'success'", True),
        ("'success' == prev.good.status", True),
        ("good.status != 'success'", False),
        ("good.status in ['success', 'skipped']", True),
        ("good.data.status == 'success'", True),  # data of the step's own, which is not rewritten
        ("good.data.status == 'succeeded'", False),
        ("left_out.status == 'success'", False),
        ("left_out.status == 'skipped'", True),
        ("left_out.data.rows[0].name", None),
        ("len(good.data.rows) > 0", True),
        ("len(good.data.rows) == 2 and good.data.rows[1].name == 'b'", True),
        ("good.data.rows[-1]['name']", "b"),
        ("good.data.rows[2].name", None),
        ("len(left_out.data.rows) > 0", False),
        ("len(left_out.data.rows) == 0", False),
        ("not good.data.empty", True),
        ("good.data.empty == []", True),
        ("good.data.deep.k == [10, 20.0]", True),
        ("env.DRY_RUN == '1'", True),
        ("env.UNSET == null", True),
        ("env.UNSET", None),
        ("'DRY_RUN' in env", True),
        ("params.none < 1", False),
        ("params.none >= 1", False),
        ("not params.none < 1", True),
        ("'2' < 10", False),
        ("true < 2", False),
        ("true == 1", False),
        ("1 == 1.0", True),
        ("0 < params.limit <= 20", True),
        ("0 < params.limit < 20 < 30", False),
        ("'b-' in params.host", True),
        ("'x' not in params.host", True),
        ("1 in params.limit", False),
        ("params.flag and True and not None", True),
        ("params.none or 'other'", "other"),
        ("params.other[params.key]", "x"),
        ("good.data.rows[params.none]", None),
        ("good.data.rows.__class__", None),
        ("params.host.upper", None),
        ("not not params.limit", True),
        ("'it''s' == 1", None),
        ('"a\\"b\\n" == \'a"b\\n\'', True),
        ("-1 < 0", True),
        ("run.id == run['id']", True),
    ],
)
def test_an_expression_means_what_it_says(text: str, expected: object) -> None:
    """Missing is null, an order with null or between types is false, a dot is a key."""
    if text == "'it''s' == 1":
        with pytest.raises(ExpressionError):
            compile_expression(text)
        return
    found = value(text)
    assert found == expected
    assert type(found) is type(expected)


HOSTILE = [
    "__import__('os').system('id')",
    "open('/etc/passwd')",
    "good.data.rows.clear()",
    "params.host.format(good)",
    "'%s' % params",
    "'a' * 1000000000",
    "9 ** 9 ** 9",
    "1 + 1",
    "- params.limit",
    "~1",
    "1 << 2",
    "1 if true else 2",
    "lambda: 1",
    "[x for x in params]",
    "{'a': 1}",
    "{1, 2}",
    "f'{params}'",
    "b'x'",
    "params.host[0:1]",
    "a := 1",
    "a = 1",
    "a === 1",
    "a && b",
    "a || b",
    "!a",
    "a is None",
    "await x",
    "yield",
    "params.",
    ".params",
    "params..host",
    "params[",
    "params['a'",
    "params]",
    "(params",
    "()",
    "",
    "   ",
    "\n",
    "'open",
    '"open\\"',
    "len",
    "len()",
    "len(1, 2)",
    "len params",
    "abs(1)",
    "good()",
    "good.status()",
    "(good).status",
    "'a'.upper()",
    "[1].append(2)",
    "1.real",
    "0x10",
    "1_000",
    "1e999",
    "9" * 30,
    "'\\x41'",
    "@.x",
    "{params.host} == 'x'",
    "${HOST}",
    "`id`",
    "a;b",
    "a #comment",
    "a,b",
    "a b",
    "not",
    "in",
    "a not b",
    "a in",
    "== 1",
    "a ==",
    "\0",
    "é == 1",
    "１ == 1",
    "(" * 40 + "1" + ")" * 40,
    "[" * 500,
    "a[" * 200 + "1" + "]" * 200,
    "len(" * 100 + "a" + ")" * 100,
    "a" + ".b" * 2000,
    "x or " * 1000 + "x",
    "a" * (MAX_CHARS + 1),
]


@pytest.mark.parametrize("text", HOSTILE, ids=[str(number) for number in range(len(HOSTILE))])
def test_nothing_else_is_an_expression(text: str) -> None:
    """Calls, arithmetic, formats, comprehensions, depth and length: refused with a character and a sentence."""
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text)
    assert 0 <= caught.value.offset <= len(text)
    assert caught.value.message


_ATOMS = st.sampled_from(
    [
        "1",
        "-2.5",
        "'t'",
        "null",
        "true",
        "good",
        "good.status",
        "good.data.rows",
        "params.none",
        "params.host",
        "env",
        "left_out.data",
        "[1, 'a', null]",
        "good.data.rows[params.limit]",
    ]
)
_TREES = st.recursive(
    _ATOMS,
    lambda inner: st.one_of(
        st.builds(
            "({} {} {})".format,
            inner,
            st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "in", "not in", "and", "or"]),
            inner,
        ),
        st.builds("(not {})".format, inner.map("({})".format)),
        st.builds("len({})".format, inner),
        st.builds("[{}, {}]".format, inner, inner),
    ),
    max_leaves=12,
)


@given(_TREES)
def test_every_expression_that_is_one_can_be_asked_of_anything(text: str) -> None:
    """Evaluating never raises, whatever types meet."""
    found = compiled_or_error(text)
    if isinstance(found, ExpressionError):
        assert "levels deep" in found.message or "longer than" in found.message
        return
    assert isinstance(found.holds(view()), bool)
    assert isinstance(found.holds(View(scope())), bool)


@given(st.text(st.sampled_from("abn.=<>!()[]'\" 0d\\ort,in@"), max_size=40) | st.text(max_size=40))
def test_any_text_is_an_expression_or_an_error_with_its_place(text: str) -> None:
    """Never another exception."""
    found = compiled_or_error(text)
    if isinstance(found, ExpressionError):
        assert 0 <= found.offset <= len(text)
        return
    assert isinstance(found.holds(view()), bool)


def test_the_most_expensive_expression_costs_little() -> None:
    """Length and depth are bounded, so the cost is the data's."""
    big = View(scope(result("good", {"rows": [{"n": n} for n in range(2000)]})))
    text = " or ".join(["{'n': 1} in good.data.rows".replace("{'n': 1}", "'x'")] * 70)
    started = time.process_time()
    assert not compile_expression(text).holds(big)
    assert time.process_time() - started < 2.0


def test_values_nested_deeper_than_the_stack_are_compared() -> None:
    """Output of a step may be any JSON."""
    deep: Any = 1
    other: Any = 2
    for _ in range(50_000):
        deep, other = [deep], [other]
    at = View(scope(result("a", deep), result("b", other)))
    assert compile_expression("a.data != b.data and a.data == a.data").holds(at)

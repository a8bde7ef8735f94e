"""Which braces are references, and which are only braces."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.bound import SecretName
from engine.plan.template_parser import ParsedText, Reference, Template, parse_text

KNOWN = frozenset(["prev", "params", "env", "secrets", "primary", "item", "index"])


def parts(text: str) -> tuple[object, ...]:
    """The parts of a text: texts, and references as (head, keys)."""
    parsed = parse_text(text, KNOWN)
    assert parsed.problems == []
    if isinstance(parsed.value, str):
        return (parsed.value,)
    return tuple((p.head, *p.keys) if isinstance(p, Reference) else p for p in parsed.value.parts)


@pytest.mark.parametrize(
    "text",
    [
        "awk '{print $1}'",
        "{print $1, $NF}",
        "${X}",
        "${params.host}",
        "$${params.host}",
        "{{.ID}}",
        "{{ .Names }}\t{{params.host}}",
        "{{range .X}}{{.ID}}{{end}}",
        "stash@{0}",
        "HEAD@{1.day.ago}",
        '{"a": {"b": [1, {}]}}',
        "{}",
        "{",
        "}",
        "{{",
        "{{params.host}",
        "{a,b}",
        "{1..10}",
        "{a..z}",
        "{primary}",
        "{ params.host }",
        "{.x}",
        "{params .x}",
        "a{2,3}",
        "find . -exec ls {} ;",
        "{'",
        "{'never closed}",
        "%{http_code}",
        "{name: .data.rows}",
        "{a.b-c}",
        "{a.b c}",
        "é{ü.x}",
    ],
)
def test_every_other_brace_is_a_brace(text: str) -> None:
    """Text without references passes unharmed, to the character."""
    if text == "{params .x}":
        assert parse_text(text, KNOWN).value == text
        return
    assert parts(text) == (text,)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{params.host}", (("params", "host"),)),
        ("a {params.host} b{params.x}", ("a ", ("params", "host"), " b", ("params", "x"))),
        ("{primary.data.rows[0].address}", (("primary", "data", "rows", 0, "address"),)),
        ("{primary.data['a key'][\"b\"][-1]}", (("primary", "data", "a key", "b", -1),)),
        ("{prev.primary.status}", (("primary", "status"),)),
        ("{prev.params.x}", (("prev", "params", "x"),)),
        ("{unknown.x}", (("unknown", "x"),)),
        ("{item}", (("item",),)),
        ("{index}", (("index",),)),
        ("{secrets.token}", (SecretName("token"),)),
        ("Bearer {secrets.token}", ("Bearer ", SecretName("token"))),
        ("{'{params.host}'}", ("{params.host}",)),
        ("x{'{'}y{params.a}", ("x{y", ("params", "a"))),
        ('{"a":{"b":{params.x}}}', ('{"a":{"b":', ("params", "x"), "}}")),
        ("{params.a}{params.b}", (("params", "a"), ("params", "b"))),
    ],
)
def test_a_reference_is_a_head_and_a_path(text: str, expected: tuple[object, ...]) -> None:
    """Names, indexes, quoted keys; `prev.ID` is `ID`; `{'…'}` is its text."""
    assert parts(text) == expected


@pytest.mark.parametrize(
    ("text", "fallback"),
    [
        ('{params.x ?? "a}b"}', "a}b"),
        ("{params.x ?? 0}", 0),
        ("{params.x??null}", None),
        ("{params.x ?? {}}", {}),
        ('{params.x  ??  [1, {"a": "}"}] }', [1, {"a": "}"}]),
    ],
)
def test_a_fallback_is_any_json(text: str, fallback: object) -> None:
    """With braces and brackets of its own."""
    value = parse_text(text, KNOWN).value
    assert isinstance(value, Template)
    assert value.whole is not None
    assert value.whole.fallback == fallback


@pytest.mark.parametrize(
    "text",
    [
        "{params.}",
        "{params.a.}",
        "{params[}",
        "{params[x]}",
        "{params.x ?? }",
        "{params.x ?? none}",
        "{params.x ?? NaN}",
        "{params.x ?? 1",
        "{params.x ?? 'a'}",
        "{unknown.x ?? oops}",
        "{params.a b}",
        "{primary.data[?@.x ==]}",
        "{primary.data[?x == 1]}",
        "{primary.data[?@.a == 1}",
        "{primary.data[?len()]}",
        "{params.x ?? " + "[" * 5000 + "}",
    ],
)
def test_what_only_looks_like_a_reference_is_a_problem_with_a_hint(text: str) -> None:
    """Never a text that is passed on in silence."""
    [problem] = parse_text(text, KNOWN).problems
    assert problem.message
    assert problem.hint


_PIECES = st.sampled_from(
    [
        "{",
        "}",
        "{{",
        "}}",
        "'",
        "{'",
        "'}",
        "$",
        "params",
        "primary",
        ".x",
        "[0]",
        "['k']",
        "[?",
        "@.a",
        "==",
        "]",
        " ?? ",
        '"',
        "\\",
        "1",
        " ",
        "é",
        "[",
        "item",
    ]
)


@given(st.lists(_PIECES, max_size=30).map("".join) | st.text(max_size=60))
def test_any_text_can_be_taken_apart(text: str) -> None:
    """Never an exception; and what holds no reference and no escape is unchanged."""
    parsed = parse_text(text, KNOWN)
    assert isinstance(parsed, ParsedText)
    if isinstance(parsed.value, str) and "{'" not in text and not parsed.problems:
        assert parsed.value == text


@given(
    st.text(st.characters(exclude_characters="{"), max_size=40),
    st.text(st.characters(exclude_characters="{"), max_size=40),
)
def test_what_stands_around_a_reference_is_unharmed(before: str, after: str) -> None:
    """Whatever characters they are, except the dollar that makes it none."""
    found = parts(before + "{params.x}" + after)
    if before.endswith("$"):
        assert found == (before + "{params.x}" + after,)
    else:
        assert found == tuple(part for part in (before, ("params", "x"), after) if part)


@pytest.mark.parametrize(
    "piece",
    [
        "{",
        "{'",
        "{{ x",
        "{params.x ?? [",
        "{params[?@.a==",
        '{params["',
        "{a.b",
        "{a" + " " * 100,
        "{params.x[?'",
        "{params.x}",
    ],
)
def test_a_long_text_takes_linear_time(piece: str) -> None:
    """No start of a reference makes the rest be read again and again."""
    text = piece * (500_000 // len(piece))
    started = time.process_time()
    parse_text(text, KNOWN)
    assert time.process_time() - started < 2.0

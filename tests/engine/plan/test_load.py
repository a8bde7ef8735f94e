"""From bytes to a compiled plan: identity, files, and that nothing but a plan error ever comes out."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ExitCode, InputError, PlanError
from engine.plan.load import load_plan, load_plan_file
from tests.engine.plan.support import document, load, plan

if TYPE_CHECKING:
    from collections.abc import Callable

GOOD = """\
plan_id: p
params: {host: {type: string, default: "x"}}
steps:
  - id: a
    command: echo
    args: ["{params.host}", 'it''s']
  - id: b
    depends_on: [a]
    condition: "a.status == 'success' and len(a.data) > 0"
    step_def: {type: sql, database: d, query: "select :h", args: {h: "{a.data ?? null}"}}
compose: {x: "{b.data.rows[?@.n > 1]}"}
"""


def test_the_hash_is_of_what_the_plan_does() -> None:
    """Layout, order of fields, descriptions and metadata do not count; everything else does."""
    first = plan({"id": "a", "args": ["x"]}, params={"h": {"default": "1"}})
    same = [
        plan(
            {"id": "a", "args": ["x"], "description": "d", "metadata": {"m": 1}},
            params={"h": {"default": "1", "description": "d"}},
        ),
        plan({"args": ["x"], "id": "a"}, params={"h": {"default": "1"}}, description="d", metadata={"m": 1}),
        load("params: {h: {default: '1'}}\nplan_id: p\nsteps:\n- {id: a, command: 'true', args: [x]}\n"),
    ]
    other = [
        plan({"id": "a", "args": ["y"]}, params={"h": {"default": "1"}}),
        plan({"id": "a", "args": ["x"], "env": {"description": "d"}}, params={"h": {"default": "1"}}),
        plan({"id": "a", "args": ["x"]}, params={"h": {"default": "2"}}),
        plan({"id": "a", "args": ["x"]}, params={"h": {"default": "1"}}, strategy="auto"),
    ]
    assert {one.plan_hash for one in same} == {first.plan_hash}
    assert len({one.plan_hash for one in [first, *other]}) == 5
    assert len(first.plan_hash) == 64


def test_the_hash_of_a_plan_never_changes() -> None:
    """A figure on record: new fields with defaults must leave it as it is."""
    assert load(GOOD).plan_hash == "c8a8bd925d4a72606f90746d4202cadfdd315d2cf6ccab6fbe64a45d1b0e0f4d"


def test_the_document_is_the_same_plan_again() -> None:
    """What is kept beside the source can be loaded."""
    first = load(GOOD)
    again = load_plan(first.document.encode(), name="kept.json")
    assert (again.plan_hash, again.document, again.plan) == (first.plan_hash, first.document, first.plan)
    assert first.source == GOOD


def test_a_plan_file_is_read_by_its_ending(tmp_path: Path) -> None:
    """YAML unless it says JSON."""
    (tmp_path / "p.yml").write_text(GOOD)
    (tmp_path / "p.JSON").write_text(document())
    assert list(load_plan_file(tmp_path / "p.yml").steps) == ["a", "b"]
    assert list(load_plan_file(tmp_path / "p.JSON").steps) == ["only"]


def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    """Exit code 2, the path, one sentence."""
    cases: dict[str, Path] = {
        "there is no such file": tmp_path / "none.yaml",
        "this is a folder, not a plan": tmp_path,
        "this is no regular file": Path("/dev/zero"),
        "the file cannot be read": tmp_path / ("x" * 300),
    }
    for cause, path in cases.items():
        with pytest.raises(InputError) as caught:
            load_plan_file(path)
        assert caught.value.cause.startswith(cause)
        assert caught.value.place == str(path)
        assert caught.value.exit_code is ExitCode.BAD_INPUT
    with pytest.raises(InputError):
        load_plan_file(tmp_path / "nul\0.yaml")


def test_an_error_carries_the_name_of_the_plan() -> None:
    """And says how many faults there are."""
    with pytest.raises(PlanError) as caught:
        load_plan(b"{}", name="bad.yaml")
    assert str(caught.value) == "bad.yaml: 2 faults in the plan"


_NAMES = st.sampled_from(["p.yaml", "p.json"])
_WORDS = st.sampled_from(
    [
        "plan_id",
        "steps",
        "id",
        "command",
        "args",
        ":",
        ": ",
        "- ",
        "\n",
        "  ",
        "{",
        "}",
        "[",
        "]",
        ",",
        '"',
        "'",
        "&a",
        "*a",
        "<<",
        "!!str ",
        "|",
        ">",
        "#",
        "?",
        "%",
        "---",
        "...",
        "\t",
        "{a.b}",
        "${X}",
        "1",
        "no",
        "~",
        "\\",
        "é",
        "\x85",
        "\u2028",
    ]
)


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode(errors="surrogatepass")), _NAMES)
def test_any_bytes_are_a_plan_or_a_plan_error(source: bytes, name: str) -> None:
    """Never another exception."""
    _loads_or_says_why(source, name)


@given(st.lists(_WORDS, max_size=60).map("".join), _NAMES)
def test_anything_that_looks_like_a_plan_is_one_or_a_plan_error(text: str, name: str) -> None:
    """With the punctuation of both languages."""
    _loads_or_says_why(text.encode(), name)


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from(
        ["", "a", "b", "{a.data}", "{params.x}", "{b.", "a.status == 'x'", "command", "sql", "auto", "{'"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["id", "type", "args", "command", "step_def", "env", "x", "default", "required", "text", "rows"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
_FIELDS = st.dictionaries(
    st.sampled_from(
        [
            "plan_id",
            "version",
            "strategy",
            "params",
            "globals",
            "secrets",
            "steps",
            "compose",
            "present",
            "assets",
            "metadata",
            "finally",
        ]
    ),
    _JSON
    | st.lists(
        st.dictionaries(
            st.sampled_from(
                [
                    "id",
                    "command",
                    "args",
                    "step_def",
                    "depends_on",
                    "condition",
                    "skip_if",
                    "env",
                    "output_mapping",
                    "retries",
                    "for_each",
                ]
            ),
            _JSON,
            max_size=5,
        ),
        max_size=3,
    ),
    max_size=6,
)


@given(_FIELDS)
def test_any_value_in_any_field_is_a_plan_or_a_plan_error(fields: dict[str, object]) -> None:
    """Right fields with wrong values find every check that trusts a type."""
    _loads_or_says_why(json.dumps(fields).encode(), "p.json")


def _loads_or_says_why(source: bytes, name: str) -> None:
    try:
        load_plan(source, name=name)
    except PlanError as error:
        found = error.faults
    else:
        return
    assert found
    for fault in found:
        assert fault.message
        assert "pydantic" not in fault.message
        assert "Input should" not in fault.message
        assert "something else here" not in fault.message


def test_a_good_plan_with_one_thing_changed_loads_or_says_why(scaled: Callable[[int], int]) -> None:
    """Characters dropped, doubled and swapped, seeded."""
    generator = random.Random(20260101)
    started = time.process_time()
    for _ in range(scaled(2000)):
        text = list(GOOD)
        for _ in range(generator.randint(1, 3)):
            at = generator.randrange(len(text))
            text[at] = generator.choice(["", text[at] * 2, generator.choice("{}[]:,'\"-#&*!|>%@` \n\tx0")])
        _loads_or_says_why("".join(text).encode(), "p.yaml")
    assert time.process_time() - started < scaled(2000) * 0.05


def test_a_plan_with_too_many_faults_to_look_at_every_step_is_a_plan_error() -> None:
    """What was not looked at may be named by what was."""
    steps = [{"id": f"s{n}", "command": "x", "depends_on": ["s999"], "args": ["{a.b}"]} for n in range(1000)]
    _loads_or_says_why(document(*steps).encode(), "p.json")


def test_texts_at_their_limit_are_bounded_in_time() -> None:
    """Braces, quotes and references without end, in one argument each."""
    for piece in ("{a.b}", "{", "{'", "{{ x", "{run.x ?? [", "{run.x[?@.a==", '{run["'):
        started = time.process_time()
        _loads_or_says_why(document({"id": "a", "args": [piece * (500_000 // len(piece))]}).encode(), "p.json")
        assert time.process_time() - started < 2.0


def test_a_plan_of_many_steps_is_accepted(scaled: Callable[[int], int]) -> None:
    """In time that grows with its size: a tenth of a hundred thousand steps by default."""
    count = scaled(100_000)
    compiled = plan(
        *(
            {
                "id": f"s{n}",
                "args": [f"{{s{n - 100}.data}}"] if n >= 100 else [],
                "depends_on": [f"s{n - 50}"] if n >= 50 else [],
            }
            for n in range(count)
        )
    )
    assert len(compiled.steps) == count
    assert len(compiled.groups) == count // 50

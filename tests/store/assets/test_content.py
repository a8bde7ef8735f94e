"""What may be an asset's content: text in UTF-8 of a bounded size, and JSON or YAML only if it parses."""

from __future__ import annotations

import hashlib

import pytest

from engine.errors import InputError, PlanError
from engine.model.asset import AssetName, AssetType, parse_reference
from store.assets.content import (
    MOST_BYTES,
    checked_content,
    checked_media_type,
    digest_of,
    ending_of,
    media_type_of,
)

QUERY = AssetName(AssetType.QUERY, "q")


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("a.sql", "application/sql"), ("a.md", "text/markdown"), ("a.yaml", "application/yaml"),
        ("a.yml", "application/yaml"), ("a.JSON", "application/json"), ("a.txt", "text/plain"),
        ("a.md.j2", "text/plain"), ("a", "text/plain"), ("-", "text/plain"), ("a.sql.gz", "text/plain"),
    ],
)  # fmt: skip
def test_the_ending_says_what_it_is(name: str, media_type: str) -> None:
    assert media_type_of(name) == media_type
    assert media_type_of(f"x{ending_of(media_type)}") == media_type


@pytest.mark.parametrize("text", ["", "sql", "application/", "a/b c", "a/\nb", "application/sql; charset=utf-8"])
def test_what_is_no_media_type(text: str) -> None:
    with pytest.raises(InputError, match="is no media type"):
        checked_media_type(text)


def test_a_media_type_is_kept_in_lower_case() -> None:
    assert checked_media_type(" Application/SQL ") == "application/sql"


def test_the_text_stays_as_it_was_written() -> None:
    source = "größer\r\n\tline two — no newline at the end".encode()
    content = checked_content(source, QUERY, "text/plain", "q.txt")
    assert content.encode() == source
    assert digest_of(content) == hashlib.sha256(source).hexdigest()


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        (b"", "the content is empty"),
        (b" \n\t", "the content is empty"),
        (b"x" * (MOST_BYTES + 1), "larger than 1 MiB"),
        (b"one\ntwo \xff", r"not UTF-8: byte 0xff at 8 \(line 2\)"),
        (b"\xef\xbb\xbfx", "byte order mark"),
        ("x".encode("utf-16"), "in UTF-16"),
        (b"SELECT\0", "byte 6 is NUL"),
        (b"\xed\xa0\x80", "not UTF-8"),
    ],
)
def test_what_is_no_text_is_refused_with_its_place(source: bytes, cause: str) -> None:
    with pytest.raises(InputError, match=cause) as refused:
        checked_content(source, QUERY, "text/plain", "q.sql")
    assert refused.value.place == "q.sql"
    assert refused.value.hint


def test_the_largest_content_is_taken() -> None:
    assert len(checked_content(b"x" * MOST_BYTES, QUERY, "text/plain", "q")) == MOST_BYTES


@pytest.mark.parametrize(
    ("source", "media_type", "line", "message"),
    [
        (b"a: 1\nb: [1,\n", "application/yaml", 3, "not valid YAML"),
        (b"a: 1\na: 2\n", "application/yaml", 2, "given twice"),
        (b'{"a": 1,\n "b": }', "application/json", 2, "expected"),
        (b"a: &x 1\n", "text/yaml", 1, "anchor"),
        (b"# only a remark\n", "application/yaml", None, "no document"),
    ],
)
def test_a_document_that_does_not_parse_is_refused_with_its_line(
    source: bytes, media_type: str, line: int | None, message: str
) -> None:
    with pytest.raises(PlanError) as refused:
        checked_content(source, QUERY, media_type, "q.yaml")
    (fault,) = refused.value.faults
    assert (refused.value.name, fault.line) == ("q.yaml", line)
    assert message in fault.message
    assert "in the asset" in str(refused.value)
    assert "plan" not in fault.hint


@pytest.mark.parametrize(
    ("asset_type", "source", "message"),
    [
        (AssetType.POLICY, b"- a\n", "it is a list"),
        (AssetType.POLICY, b"rules: []\n", "it does not say its kind"),
        (AssetType.POLICY, b"kind: rooting\n", "there is no policy of kind 'rooting'"),
        (AssetType.POLICY, b"kind: [a]\n", "there is no policy of kind"),
        (AssetType.MAPPING, b"just a text\n", "it is a text"),
        (AssetType.SCREEN, b"type: markdown\n", "it is an object"),
        (AssetType.SCREEN, b"7\n", "it is a single value"),
    ],
)
def test_what_every_asset_of_a_type_has_to_be(asset_type: AssetType, source: bytes, message: str) -> None:
    name = AssetName(asset_type, "x")
    with pytest.raises(PlanError) as refused:
        checked_content(source, name, "application/yaml", "x.yaml")
    (fault,) = refused.value.faults
    assert message in fault.message
    assert fault.hint
    with pytest.raises(InputError, match=f"a {asset_type} is YAML or JSON, not text/plain"):
        checked_content(source, name, "text/plain", "x")


@pytest.mark.parametrize(
    ("asset_type", "source"),
    [
        (AssetType.POLICY, b"kind: gates\nmin_rows: 3\n"), (AssetType.MAPPING, b"a: 1\n"),
        (AssetType.SCREEN, b"- {type: markdown, text: x}\n"), (AssetType.SOURCE, b"[1]"), (AssetType.TOOL, b"x"),
    ],
)  # fmt: skip
def test_what_is_as_it_has_to_be_is_taken(asset_type: AssetType, source: bytes) -> None:
    assert checked_content(source, AssetName(asset_type, "x"), "application/yaml", "x.yaml") == source.decode()


REPLAN = (
    b"kind: replan\nrules:\n  - trigger: emtpy_result\n    patch:\n      ci: {tmieout_sec: 5}\n      '@failed': null\n"
)


@pytest.mark.parametrize(
    ("name", "source", "told"),
    [
        (
            "policy/routing", b"min: 3\nkind: gates\n",
            [(2, 7, "policy/routing routes questions, and this is a policy of kind gates", "give it a name of its own")],
        ),
        (
            "screen/x", b"- {type: markdown, text: a}\n- {type: nosuch}\n- 5\n",
            [(2, 10, "there is no block type 'nosuch'", "there are markdown"), (3, 3, "expected an object", "")],
        ),
        (
            "policy/again", REPLAN,
            [
                (3, 14, "nothing triggers 'emtpy_result'", "did you mean 'empty_result'?"),
                (5, 12, "a step has no field 'tmieout_sec'", "did you mean 'timeout_sec'?"),
            ],
        ),
        (
            "policy/again", b"kind: replan\nlimti: 3\nrules:\n  - {trigger: failed}\n  - {triger: failed, mode: 3}\n",
            [
                (2, 1, "there is no such field", "did you mean 'limit'?"),
                (5, 5, "it is missing", ""),
                (5, 6, "there is no such field", "did you mean 'trigger'?"),
                (5, 28, "expected 'auto', 'approval' or 'never', found the number 3", ""),
            ],
        ),
        ("policy/again", b"kind: replan\nrules:\n  - {trigger: failed, when: '1 +', patch: {a: null}}\n", [(3, 29, "", "")]),
        (
            "policy/house", b"kind: validation\nrules:\n- {id: a, reason: r, pahts: [x]}\n- {id: b, reason: r, paths: []}\n",
            [(3, 22, "there is no such field", "did you mean 'paths'?")],
        ),
        (
            "policy/house", b"kind: validation\nrules:\n- {id: a, reason: r, paths: [x]}\n- {id: b, reason: r, paths: []}\n",
            [(4, 3, "b: it forbids nothing", "give commands, paths, hosts or step_types")],
        ),
        (
            "policy/routing", b"kind: routing\ndirect:\n- {id: a, answer: x, whole: [hi, 'see {it}']}\n- {id: a, answer: x}\n",
            [
                (3, 34, "a: an answer takes no parameter, and {it} is one", "write the words"),
                (4, 3, "a: it has no phrase", "give whole or within"),
                (4, 8, "2 rules are called a", "give each a name of its own"),
            ],
        ),
        (
            "policy/routing", b"kind: routing\nreject:\n- {id: a, within: [], reason: r}\n",
            [(3, 19, "expected at least one, found an empty list", "")],
        ),
    ],
)  # fmt: skip
def test_what_nothing_could_use_is_refused_with_its_places(
    name: str, source: bytes, told: list[tuple[int, int, str, str]]
) -> None:
    with pytest.raises(PlanError) as refused:
        checked_content(source, parse_reference(name).name, "application/yaml", "x.yaml")
    assert refused.value.name == "x.yaml"
    assert [(one.line, one.column) for one in refused.value.faults] == [(line, column) for line, column, _, _ in told]
    for fault, (_, _, message, hint) in zip(refused.value.faults, told, strict=True):
        assert fault.message.startswith(message)
        assert fault.hint.startswith(hint)


def test_a_recorded_version_may_have_what_another_opscope_knows() -> None:
    name = parse_reference("policy/again").name
    assert checked_content(REPLAN, name, "application/yaml", "1.yaml", is_new=False) == REPLAN.decode()

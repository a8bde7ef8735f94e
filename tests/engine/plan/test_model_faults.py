"""The words for what a model finds: the place, what was expected, what was found, and no word of the model's library."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.plan.faults import path_text
from engine.plan.json_reader import read_json
from engine.plan.model_faults import DocumentError, Finding, findings_of


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, Field(min_length=1, max_length=5)] = "a"
    share: Annotated[float, Field(ge=0, le=1)] = 0
    count: int = 0
    is_new: bool = False
    kind: Literal["one", "two"] = "one"
    id: Annotated[str, Field(pattern="^[a-z]$")] = "a"


class Whole(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    parts: Annotated[tuple[Part, ...], Field(strict=False, min_length=1, max_length=2)] = (Part(),)
    by_name: dict[str, Part] = Field(default_factory=dict)
    must: str = ""


def findings(document: Any) -> list[Finding]:
    with pytest.raises(ValidationError) as caught:
        Whole.model_validate(document)
    return findings_of(caught.value, Whole)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "expected an object, found an empty list"),
        ({"must": 1}, "must: expected a text, found the number 1"),
        ({"parts": {}}, "parts: expected a list, found an empty object"),
        ({"parts": []}, "parts: expected at least one, found an empty list"),
        ({"parts": [{}, {}, {}]}, "parts: expected at most 2, found a list of 3"),
        ({"parts": [5]}, "parts[0]: expected an object, found the number 5"),
        ({"parts": [{"name": ""}]}, "parts[0].name: expected a text that is not empty, found an empty text"),
        ({"parts": [{"name": "abcdef"}]}, "parts[0].name: expected a text of at most 5 characters, found the text 'abcdef'"),
        ({"parts": [{"share": 2.0}]}, "parts[0].share: expected 1 or less, found the number 2.0"),
        ({"parts": [{"share": "x"}]}, "parts[0].share: expected a number, found the text 'x'"),
        ({"parts": [{"count": 1.5}]}, "parts[0].count: expected a whole number, found the number 1.5"),
        ({"parts": [{"is_new": 1}]}, "parts[0].is_new: expected true or false, found the number 1"),
        ({"parts": [{"kind": "on"}]}, "parts[0].kind: expected 'one' or 'two', found the text 'on'; did you mean 'one'?"),
        (
            {"parts": [{"id": "7"}]},
            "parts[0].id: expected a letter or digit, then letters, digits, '.', '_' or '-', at most 64, found the text '7'",
        ),
        ({"musst": ""}, "musst: there is no such field; did you mean 'must'?"),
        ({"parts": [{"cuont": 1}]}, "parts[0].cuont: there is no such field; did you mean 'count'?"),
        ({"by_name": {"must": {"naem": 1}}}, "by_name.must.naem: there is no such field; did you mean 'name'?"),
        ({"zzzzzzzz": 1}, "zzzzzzzz: there is no such field; there are by_name, must, parts"),
    ],
)  # fmt: skip
def test_each_finding_has_place_expectation_and_hint(document: Any, said: str) -> None:
    assert [str(one) for one in findings(document)] == [said]


def test_with_the_text_each_has_its_line_and_column() -> None:
    document = read_json('{"must": 1,\n "parts": [{}, {"cuont": 2}],\n "musst": 3}')
    error = DocumentError(findings(document.value), place="policy/x@1", hint="so it is written").placed(document)
    assert (error.name, error.hint, str(error)) == (
        "policy/x@1",
        "so it is written",
        "policy/x@1: 3 faults in the asset",
    )
    assert [(one.line, one.column, one.path) for one in error.faults] == [
        (1, 10, "must"), (2, 17, "parts[1].cuont"), (3, 2, "musst"),
    ]  # fmt: skip


def test_a_flood_is_counted() -> None:
    error = DocumentError([Finding(("a", number), "wrong") for number in range(60)], place="p")
    assert error.cause.endswith("; and 10 more")
    assert path_text(error.findings[59].path) == "a[59]"

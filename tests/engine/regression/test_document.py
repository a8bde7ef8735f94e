"""An analysis survives being a document; a large one is cut down to what says most."""

from __future__ import annotations

import json

import pytest

from engine.errors import InputError
from engine.regression.analysis import analyse
from engine.regression.document import MOST_ROWS, from_document, to_document
from tests.engine.regression.building import runs_of

STEPS = {"fetch": 4.0, "send": 6.0}


def test_there_and_back() -> None:
    found = analyse(
        runs_of(STEPS, 30, assets={"a": "query/x@1"}),
        runs_of({**STEPS, "send": 20.0, "new": 1.0}, 3, seed=2, failed=("fetch",), assets={"a": "query/x@2"}),
        notes=("chosen",),
    )
    document = json.loads(json.dumps(to_document(found, plan_id="p"), allow_nan=False))
    assert (document["schema_version"], document["plan_id"], document["times_left_out"]) == (1, "p", 0)
    assert from_document({**document, "analysis_id": "ab"}) == found


def test_of_many_rows_the_telling_ones_stay() -> None:
    steps = {f"s{number}": 1.0 for number in range(MOST_ROWS + 50)}
    found = analyse(runs_of(steps, 5), runs_of({**steps, "s1000": 30.0}, 3, seed=2))
    document = to_document(found)
    kept = from_document(document).times
    assert len(kept) == MOST_ROWS
    assert document["times_left_out"] == len(found.times) - MOST_ROWS
    assert "s1000" in {row.part.step_id for row in kept}


@pytest.mark.parametrize("changed", [{"schema_version": 2}, {"verdict": "perhaps"}, {"times": None}])
def test_what_cannot_be_read_is_told(changed: dict[str, object]) -> None:
    document = to_document(analyse([], []))
    with pytest.raises(InputError):
        from_document({**document, **changed})  # type: ignore[dict-item]

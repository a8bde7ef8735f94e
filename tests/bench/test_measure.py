"""What is made of measured values: ratios by pairs, the verdict in the table and in the file. No time is measured here."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from tests.bench.measure import Figure, Rounds, alternating, machine_facts, medians, show, write

if TYPE_CHECKING:
    from pathlib import Path

# The machine was three times as slow in the last round, for both.
SLOW_AT_THE_END = Rounds((10.0, 12.0, 33.0), (5.0, 6.0, 15.0))
FIGURE = Figure(
    "a thing", "ms", SLOW_AT_THE_END, "the bare thing", "≤10 ms", within_budget=False, also={"size_mb": 2.5}
)


def test_the_ratio_is_that_of_pairs() -> None:
    assert SLOW_AT_THE_END.ratio == 2.0
    assert SLOW_AT_THE_END.median == 12.0
    assert SLOW_AT_THE_END.beyond == 6.0


def test_nothing_beside_nothing_is_the_same() -> None:
    """Bytes a second at rest, for instance."""
    assert Rounds((0.0,), (0.0,)).ratio == 1.0
    assert Rounds((5.0,), (0.0,)).ratio == math.inf


def test_rounds_alternate_and_the_first_of_each_does_not_count() -> None:
    said: list[str] = []

    def take(name: str) -> float:
        said.append(name)
        return float(len(said))

    found = alternating(2, lambda: take("measured"), lambda: take("yardstick"))
    assert said == ["measured", "yardstick"] * 3
    assert found == Rounds((3.0, 5.0), (4.0, 6.0))


def test_medians_are_taken_name_by_name() -> None:
    assert medians([{"a": 1.0, "b": 9.0}, {"a": 3.0, "b": 7.0}, {"a": 2.0, "b": 8.0}]) == {"a": 2.0, "b": 8.0}


def test_the_table_says_what_is_over_its_budget() -> None:
    table = show([FIGURE])
    assert "OVER ≤10 ms" in table
    assert "(10.0 to 33.0)" in table
    assert "size_mb 2.5" in table


def test_the_file_has_spread_unit_and_machine(tmp_path: Path) -> None:
    target = tmp_path / "results.json"
    write([FIGURE], machine_facts(), target)
    document = json.loads(target.read_text(encoding="utf-8"))
    (figure,) = document["figures"]
    assert figure["measured"] == {"median": 12.0, "min": 10.0, "max": 33.0, "rounds": 3}
    assert figure["yardstick"]["median"] == 6.0
    assert (figure["unit"], figure["ratio"], figure["within_budget"]) == ("ms", 2.0, False)
    assert {"python", "sqlite", "usable_cores", "memory_mb", "load_1_min_before"} <= document["machine"].keys()

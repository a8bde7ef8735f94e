"""Change points: found where the level changed, in the same place every time, and not found in noise."""

from __future__ import annotations

import numpy as np
import pytest

from engine.regression.statistics.history import by_divergence, by_segments, change_points


def _levels(*levels: tuple[float, int], seed: int = 1) -> list[float]:
    random = np.random.default_rng(seed)
    return [float(one) for level, length in levels for one in random.normal(level, 1, length)]


def test_a_step_is_found_where_it_is() -> None:
    [point] = change_points(_levels((10, 40), (14, 30)))
    assert abs(point - 40) <= 1


def test_two_steps_are_found_in_order() -> None:
    points = change_points(_levels((10, 30), (16, 30), (9, 30)))
    assert [round(point, -1) for point in points] == [30, 60]


def test_a_single_outlier_is_no_change() -> None:
    series = _levels((10, 60))
    series[30] = 500.0
    assert change_points(series) == []


def test_noise_alone_hardly_ever_changes_its_level() -> None:
    found = sum(bool(change_points(_levels((10, 60), seed=seed))) for seed in range(60))
    assert found <= 3


@pytest.mark.parametrize("series", [[], [1.0], [1.0] * 9, [5.0] * 50])
def test_short_and_constant_series_have_none(series: list[float]) -> None:
    assert change_points(series) == []


def test_the_answer_is_always_the_same() -> None:
    series = _levels((10, 25), (12, 25), seed=3)
    assert change_points(series) == change_points(series)


def test_a_constant_series_that_jumps_once() -> None:
    series = [3.0] * 20 + [9.0] * 20
    assert by_segments(np.asarray(series)) == [20]
    assert by_divergence(np.asarray(series)) == [20]

"""Corrections of p for many tests at once. Pure arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def benjamini_hochberg(probabilities: Sequence[float]) -> list[float]:
    """q of every p: the least share of false discoveries at which it would be one (Benjamini and Hochberg 1995)."""
    order = sorted(range(len(probabilities)), key=lambda index: probabilities[index], reverse=True)
    corrected = [1.0] * len(probabilities)
    least, total = 1.0, len(probabilities)
    for place, index in enumerate(order):
        least = min(least, probabilities[index] * total / (total - place))
        corrected[index] = least
    return corrected


def holm(probabilities: Sequence[float]) -> list[float]:
    """p of every test, corrected so that one false claim among all of them stays as rare as said (Holm 1979)."""
    order = sorted(range(len(probabilities)), key=lambda index: probabilities[index])
    corrected = [1.0] * len(probabilities)
    most, total = 0.0, len(probabilities)
    for place, index in enumerate(order):
        most = max(most, min(1.0, probabilities[index] * (total - place)))
        corrected[index] = most
    return corrected

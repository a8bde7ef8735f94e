"""Which lines the list of what can be different in the next run has, and what it is narrowed to. What a line says is not here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from engine.model.asset import AssetType

if TYPE_CHECKING:
    from tui.viewmodel.override.givens import GivenAsset, Givens

_TYPE: Final = "type:"


class RowKind(StrEnum):
    """What a line is about."""

    ASSET = "asset"
    PARAM = "param"
    STEPS = "steps"
    STEP = "step"
    LATEST = "latest"
    AGAINST = "against"
    AFTER = "after"
    REASON = "reason"
    RUN = "run"


_OF_THE_RUN: Final = (RowKind.LATEST, RowKind.AGAINST, RowKind.AFTER, RowKind.REASON, RowKind.RUN)
"""What is about the run as a whole, in this order."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line. `at` is the place of what it is about among its kind, 0 where there is one only."""

    kind: RowKind
    at: int = 0


@dataclass(frozen=True, slots=True)
class Sought:
    """What the list is narrowed to: words that all have to be in a line, and a type of assets."""

    words: tuple[str, ...] = ()
    type: AssetType | None = None

    @property
    def is_anything(self) -> bool:
        """False if everything is shown."""
        return bool(self.words) or self.type is not None


def sought(text: str, chosen: AssetType | None = None) -> Sought:
    """What was typed: words, and `type:query`, of which a beginning is enough. What names no type is a word."""
    words: list[str] = []
    for word in text.casefold().split():
        named = word.removeprefix(_TYPE)
        types = [one for one in AssetType if named and one.value.startswith(named)]
        if word.startswith(_TYPE) and types:
            chosen = types[0]
        else:
            words.append(word)
    return Sought(tuple(words), chosen)


def types_of(givens: Givens) -> list[AssetType]:
    """The types of the assets that there are, in order."""
    return sorted({asset.name.type for asset in givens.assets})


def rows_of(givens: Givens, looked_for: Sought, *, steps_open: bool) -> list[Row]:
    """The lines there are. Steps are one line until somebody wants them; what is searched for is found among all."""
    assets = [
        Row(RowKind.ASSET, at)
        for at, asset in enumerate(givens.assets)
        if _passes(looked_for, _asset_text(asset), asset)
    ]
    if looked_for.type is not None:
        return assets
    params = [Row(RowKind.PARAM, at) for at, one in enumerate(givens.params) if _passes(looked_for, one.name)]
    steps = [Row(RowKind.STEP, at) for at, one in enumerate(givens.steps) if _passes(looked_for, one.step_id)]
    if looked_for.words:
        return [*assets, *params, *steps]
    shown = [Row(RowKind.STEPS), *(steps if steps_open else ())] if steps else []
    return [*assets, *params, *shown, *(Row(kind) for kind in _OF_THE_RUN)]


def _passes(looked_for: Sought, text: str, asset: GivenAsset | None = None) -> bool:
    if looked_for.type is not None and (asset is None or asset.name.type is not looked_for.type):
        return False
    return all(word in text.casefold() for word in looked_for.words)


def _asset_text(asset: GivenAsset) -> str:
    return f"{asset.alias} {asset.name}"

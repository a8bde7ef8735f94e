"""What a plan says of its assets: the aliases it declares and the places that use them. What they hold is asset_values.py's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.model.asset import AssetReference, AssetType, parse_reference
from engine.plan.faults import did_you_mean, shorten
from engine.plan.template_parser import Reference, Template

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.model.json import Json
    from engine.plan.faults import Faults, Path
    from engine.plan.names import Context
    from engine.plan.template_parser import Part
    from engine.plan.texts import Texts

_ALIAS: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_TEMPLATE: Final = f"{AssetType.TEMPLATE}/"
_NAMES_OTHERS: Final = frozenset([AssetType.POLICY, AssetType.SCREEN, AssetType.TEMPLATE])
"""What such an asset holds may itself refer to other assets of the plan."""


@dataclass(frozen=True, slots=True)
class AssetUse:
    """A reference to an asset at a place of the plan; `keys` is what stands below the alias, as far as it is fixed."""

    alias: str
    keys: tuple[str | int, ...]
    path: Path

    @property
    def section(self) -> str:
        """The part of the plan: steps, finally, globals, compose or present."""
        return str(self.path[0])

    @property
    def shown(self) -> str:
        """As a person reads it: `assets.gates.min_rows`."""
        keys = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in self.keys)
        return f"assets.{self.alias}{keys}"


def references_of(assets: Mapping[str, Json]) -> dict[str, AssetReference]:
    """What each alias stands for, without those that stand for nothing."""
    found: dict[str, AssetReference] = {}
    for alias, text in assets.items():
        if isinstance(text, str):
            try:
                found[alias] = parse_reference(text)
            except ValueError:
                continue
    return found


def template_alias(part: Part, assets: Mapping[str, Json]) -> str | None:
    """The alias of the template that a part of a text stands for as a whole, if it does."""
    if not isinstance(part, Reference) or part.head != "assets" or len(part.keys) != 1:
        return None
    alias = str(part.keys[0])
    text = assets.get(alias)
    return alias if isinstance(text, str) and text.startswith(_TEMPLATE) else None


def check_assets(assets: Mapping[str, Json], uses: Iterable[AssetUse], faults: Faults, warnings: Faults) -> None:
    """Note what is wrong with the declarations, and warn of an alias that nothing uses."""
    for alias, text in assets.items():
        if faults.full:
            return
        path: Path = ("assets", alias)
        if not _ALIAS.fullmatch(alias):
            faults.add(
                path, f"'{shorten(alias)}' cannot name an asset", "letters, digits and _, at most 64", at_key=True
            )
        if not isinstance(text, str):
            continue
        try:
            parse_reference(text)
        except ValueError as error:
            kind = text.partition("/")[0]
            faults.add(path, str(error), "" if kind in list(AssetType) else did_you_mean(kind, AssetType))
    _warn_of_unused(assets, {use.alias for use in uses}, warnings)


def _warn_of_unused(assets: Mapping[str, Json], used: set[str], warnings: Faults) -> None:
    """A policy counts by being there; what it and texts of the registry refer to is not known yet."""
    kinds = {alias: reference.name.type for alias, reference in references_of(assets).items()}
    if any(kind is AssetType.POLICY or (kind in _NAMES_OTHERS and alias in used) for alias, kind in kinds.items()):
        return
    for alias in kinds:
        if alias not in used:
            hint = f"refer to it as {{assets.{alias}}}, or take it out"
            warnings.add(("assets", alias), f"nothing uses the asset {alias}", hint, at_key=True)


def check_screen_reference(text: str, assets: Mapping[str, Json], context: Context, texts: Texts) -> None:
    """`present` as a text: one reference to an asset of type screen, and nothing else."""
    value = texts.tree(text, context)
    whole = value.whole if isinstance(value, Template) else None
    if whole is None or whole.head != "assets" or len(whole.keys) != 1:
        if not texts.faults.has(context.path):
            hint = 'write a list of blocks, or "{assets.ALIAS}" for a screen'
            texts.faults.add(context.path, "expected a list of blocks, or one reference to an asset", hint)
        return
    alias = str(whole.keys[0])
    reference = references_of(assets).get(alias)
    if reference is not None and reference.name.type is not AssetType.SCREEN:
        hint = f"screen/{reference.name.name} would be one"
        texts.faults.add(context.path, f"{alias} is a {reference.name.type}, and only a screen holds blocks", hint)

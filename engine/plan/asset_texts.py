"""Texts and blocks that come from assets instead of from the plan: checked as if they stood in it, with places of their own."""

from __future__ import annotations

import json
from array import array
from typing import TYPE_CHECKING, Any

from engine.model.asset import AssetType
from engine.plan.analysis import Analyzer
from engine.plan.asset_uses import AssetUse, references_of, template_alias
from engine.plan.asset_values import asset_error, asset_value, read_asset
from engine.plan.document import Document
from engine.plan.faults import Faults
from engine.plan.names import HEADS, Around, Context, Names, Place
from engine.plan.schema import check_blocks
from engine.plan.template_parser import parse_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.model.asset import ResolvedAsset
    from engine.model.json import Json, JsonObject
    from engine.plan.compiled import CompiledPlan
    from engine.plan.faults import Path

_PLACES = {"compose": Place.COMPOSE, "present": Place.PRESENT}


def check_texts(plan: CompiledPlan, assets: Mapping[str, ResolvedAsset]) -> None:
    """Check the screen and the templates that the plan uses.

    Raises PlanError, which names the asset, with each fault and its line.
    """
    if plan.screen is None and not _templates(plan):
        return
    document: JsonObject = json.loads(plan.document)
    if plan.screen is not None:
        _check_screen(document, assets[plan.screen])
    for alias, place in _templates_in_use(plan, assets):
        _check_template(document, assets[alias], place)


def uses_in_texts(plan: CompiledPlan, assets: Mapping[str, ResolvedAsset]) -> tuple[AssetUse, ...]:
    """What the screen and the templates, which have been checked, use of the plan's assets themselves."""
    found = dict.fromkeys(_uses_of_screen(plan, assets))
    for alias, place in _templates_in_use(plan, assets):
        section = next(name for name, one in _PLACES.items() if one is place)
        found.update(dict.fromkeys(_uses_of_text(assets[alias].content, (section,))))
    return tuple(found)


def _templates(plan: CompiledPlan) -> set[str]:
    references = references_of(plan.plan.assets)
    return {alias for alias, reference in references.items() if reference.name.type is AssetType.TEMPLATE}


def _templates_in_use(plan: CompiledPlan, assets: Mapping[str, ResolvedAsset]) -> Iterable[tuple[str, Place]]:
    """The templates that are filled in, each with every place where that happens, once."""
    templates = _templates(plan)
    uses = (*plan.asset_uses, *_uses_of_screen(plan, assets))
    places = ((use.alias, _PLACES.get(use.section)) for use in uses if use.alias in templates and not use.keys)
    return dict.fromkeys((alias, place) for alias, place in places if place is not None)


def _uses_of_screen(plan: CompiledPlan, assets: Mapping[str, ResolvedAsset]) -> list[AssetUse]:
    found: list[AssetUse] = []
    stack: list[Json] = [] if plan.screen is None else [asset_value(assets[plan.screen])]
    while stack:
        value = stack.pop()
        if isinstance(value, str):
            found += _uses_of_text(value, ("present",))
        elif isinstance(value, dict | list):
            stack.extend(value.values() if isinstance(value, dict) else value)
    return found


def _uses_of_text(text: str, path: Path) -> list[AssetUse]:
    references = (reference for reference in parse_text(text, HEADS).references if reference.head == "assets")
    return [
        AssetUse(str(alias), tuple(key for key in below if isinstance(key, str | int)), path)
        for alias, *below in (reference.keys for reference in references)
    ]


def _check_screen(plan: JsonObject, asset: ResolvedAsset) -> None:
    read = read_asset(asset)
    faults = _faults_of_blocks(read)
    analyzer = _analyzer(plan, faults)
    around = Around(secret_env=analyzer.secret_env)
    for index, block in enumerate(read.value if isinstance(read.value, list) else ()):
        analyzer.texts.tree(block, Context(Place.PRESENT, ("present", index), around))
    if faults:
        raise asset_error(asset, *faults.listed())


def check_screen_shape(asset: ResolvedAsset) -> None:
    """Whether a screen is a list of blocks, whatever plan shows it. Raises PlanError with each fault and its line."""
    if faults := _faults_of_blocks(read_asset(asset)):
        raise asset_error(asset, *faults.listed())


def _faults_of_blocks(read: Document) -> Faults:
    # The blocks stand below `present`, as they would in the plan: an object and the name of a field come before them.
    faults = Faults(Document(read.text, {"present": read.value}, array("q", [0, 0]) + read.offsets))
    check_blocks(read.value, faults)
    return faults


def _check_template(plan: JsonObject, asset: ResolvedAsset, place: Place) -> None:
    text = asset.content
    parsed = parse_text(text, Names(plan, Faults(Document(""))).known)
    spots = [problem.offset for problem in parsed.problems] + [reference.offset for reference in parsed.references]
    secrets = [max(0, text.find(f"{{secrets.{secret.name}")) for secret in parsed.secrets]
    # Each of them is an item of a list whose place is its own, so that its fault has the line that it stands in.
    offsets = array("q", [0, *spots, *secrets])
    placeholders: list[Any] = [None] * (len(spots) + len(secrets))
    faults = Faults(Document(text, placeholders, offsets))
    analyzer = _analyzer(plan, faults)
    around, declared = Around(secret_env=analyzer.secret_env), plan["assets"]
    assert isinstance(declared, dict), "the plan has been checked"
    for number, problem in enumerate(parsed.problems):
        faults.add((number,), problem.message, problem.hint)
    for number, reference in enumerate(parsed.references, start=len(parsed.problems)):
        context = Context(place, (number,), around)
        if template_alias(reference, declared) is not None:
            faults.add(
                context.path, f"{reference.text}: a template holds no other template", "put it where this one is used"
            )
        analyzer.names.check(
            reference.head, () if reference.head == "secrets" else reference.keys, reference.text, context
        )
    for number, secret in enumerate(parsed.secrets, start=len(spots)):
        analyzer.names.check("secrets", (secret.name,), f"{{secrets.{secret.name}}}", Context(place, (number,), around))
    if faults:
        raise asset_error(asset, *(fault._replace(path="") for fault in faults.listed()))


def _analyzer(plan: JsonObject, faults: Faults) -> Analyzer:
    """What knows the names of a plan that has loaded, and notes what is wrong with other texts."""
    analyzer = Analyzer(plan, faults, Faults(Document("")))
    analyzer.declare()
    return analyzer

"""What choosing in the list of what can be different comes to: another draft. Nothing is drawn or asked here."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, assert_never

from tui.viewmodel.override.draft import After, Against
from tui.viewmodel.override.rows import RowKind

if TYPE_CHECKING:
    from tui.viewmodel.override.draft import Draft
    from tui.viewmodel.override.form import Form
    from tui.viewmodel.override.givens import GivenAsset, Givens
    from tui.viewmodel.override.rows import Row


def enter_label(form: Form | None, row: Row | None) -> str:
    """What enter does on a line, in a word or two."""
    if form is None or row is None:
        return "change"
    match row.kind:
        case RowKind.ASSET:
            return "versions"
        case RowKind.PARAM if form.givens.params[row.at].is_switch:
            return "change"
        case RowKind.PARAM | RowKind.REASON:
            return "edit"
        case RowKind.STEPS:
            return "hide" if form.steps_open else "show"
        case RowKind.STEP:
            return "as before" if form.is_set(row) else "again"
        case RowKind.RUN:
            return "run it"
        case RowKind.LATEST | RowKind.AGAINST | RowKind.AFTER:
            return "change"
        case _:
            assert_never(row.kind)


def switched(draft: Draft, givens: Givens, row: Row) -> Draft:
    """With what a line is about the other way round; the same where there is nothing to switch."""
    match row.kind:
        case RowKind.STEP:
            step_id = givens.steps[row.at].step_id
            return draft.with_step(step_id, again=step_id not in draft.from_steps)
        case RowKind.LATEST:
            return replace(draft, latest_assets=not draft.latest_assets)
        case RowKind.AGAINST:
            return replace(draft, against=Against.USUAL if draft.against is Against.SOURCE else Against.SOURCE)
        case RowKind.AFTER:
            return replace(draft, after=After.OPENED if draft.after is After.OFFERED else After.OFFERED)
        case RowKind.PARAM if (param := givens.params[row.at]).is_switch:
            return with_typed(draft, givens, param.name, param.turned(draft.params.get(param.name)))
        case RowKind.ASSET | RowKind.PARAM | RowKind.STEPS | RowKind.REASON | RowKind.RUN:
            return draft
        case _:
            assert_never(row.kind)


def taken_back(draft: Draft, givens: Givens, row: Row) -> Draft:
    """With what a line is about as it was."""
    match row.kind:
        case RowKind.ASSET:
            return draft.with_version(givens.assets[row.at].name, None)
        case RowKind.PARAM:
            return draft.with_param(givens.params[row.at].name, None)
        case RowKind.STEP:
            return draft.with_step(givens.steps[row.at].step_id, again=False)
        case RowKind.STEPS:
            return replace(draft, from_steps=())
        case RowKind.LATEST:
            return replace(draft, latest_assets=False)
        case RowKind.REASON:
            return replace(draft, reason="")
        case RowKind.AGAINST:
            return replace(draft, against=Against.SOURCE)
        case RowKind.AFTER:
            return replace(draft, after=After.OFFERED)
        case RowKind.RUN:
            return draft
        case _:
            assert_never(row.kind)


def with_chosen_version(draft: Draft, asset: GivenAsset, version: int) -> Draft:
    """With a version of an asset. The one that the run used is no override, unless all assets are looked up anew."""
    is_as_before = version == asset.version and not draft.latest_assets
    return draft.with_version(asset.name, None if is_as_before else version)


def with_typed(draft: Draft, givens: Givens, name: str, text: str) -> Draft:
    """With a parameter as it was typed. The value that the run had is no change, if it is known."""
    param = next((one for one in givens.params if one.name == name), None)
    is_as_before = param is not None and not param.is_masked and text == param.words
    return draft.with_param(name, None if is_as_before else text)

"""What each line of the list says, for a width. Which lines there are is not decided here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, assert_never

from rich.cells import cell_len

from engine.model.asset import AssetSource
from tui.terminal import visible
from tui.viewmodel.override.draft import After, Against
from tui.viewmodel.override.rows import Row, RowKind
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span, crop, fit, span, width
from tui.viewmodel.words import NOTHING, duration, plural, short_id, step_mark

if TYPE_CHECKING:
    from engine.model.json import Json
    from tui.viewmodel.override.form import Form
    from tui.viewmodel.override.givens import GivenAsset, GivenParam, Givens, GivenStep

_SECTION: Final = 7
_GAP: Final = "  "
_WHY_FROM: Final = 16
_OVERRIDDEN: Final = len("@2 → @3  OVERRIDE")
"""What stands behind the name of an asset at most, short of numbers of many digits."""

_SECTIONS: Final = {
    RowKind.ASSET: "ASSETS",
    RowKind.PARAM: "PARAMS",
    RowKind.STEPS: "STEPS",
    RowKind.STEP: "STEPS",
    RowKind.LATEST: "RUN",
    RowKind.AGAINST: "RUN",
    RowKind.AFTER: "RUN",
    RowKind.REASON: "RUN",
    RowKind.RUN: "RUN",
}
_OPTIONS: Final = {
    RowKind.LATEST: "assets",
    RowKind.AGAINST: "compare",
    RowKind.AFTER: "then",
    RowKind.REASON: "reason",
    RowKind.RUN: "run it",
}


def row_line(form: Form, place: int, cells: int) -> Line:
    """A line for a width: section, name, what it is now, and what else there is to know as far as there is room."""
    row = form.rows[place]
    before = form.rows[place - 1] if place else None
    section = _SECTIONS[row.kind]
    is_first = before is None or _SECTIONS[before.kind] != section
    sign = Span("•" if form.is_set(row) else " ", Role.WARNING, bold=True)
    head: Line = (Span(f" {fit(section if is_first else '', _SECTION)}", Role.DIM), sign, Span(" "))
    return crop((*head, *_said(form, row, max(10, cells - _SECTION - 3))), cells)


def _said(form: Form, row: Row, cells: int) -> Line:
    givens = form.givens
    name = _name_cells(givens)
    match row.kind:
        case RowKind.ASSET:
            return _asset(givens.assets[row.at], form, name, cells)
        case RowKind.PARAM:
            return _param(givens.params[row.at], form, name, cells)
        case RowKind.STEPS:
            return _steps(form)
        case RowKind.STEP:
            return _step(givens.steps[row.at], form)
        case RowKind.RUN:
            return (
                Span(fit("run it", name), Role.STRONG, bold=True),
                Span(_GAP),
                span(_whole_parts(form.summary, cells - name - len(_GAP)) or "…", Role.DIM),
            )
        case RowKind.LATEST | RowKind.AGAINST | RowKind.AFTER | RowKind.REASON:
            said, is_chosen = _option(form, row.kind)
            return (Span(fit(_OPTIONS[row.kind], name)), Span(_GAP), span(said, Role.TEXT if is_chosen else Role.DIM))
        case _:
            assert_never(row.kind)


def _whole_parts(said: str, cells: int) -> str:
    """As many of the parts between commas as there is room for; all of it stands beside the list."""
    while cell_len(said) > cells and ", " in said:
        said = said.rpartition(", ")[0]
    return said


def _name_cells(givens: Givens) -> int:
    return min(16, max(7, givens.name_cells))


def _asset(asset: GivenAsset, form: Form, name: int, cells: int) -> Line:
    ref = max(8, min(form.givens.asset_cells, cells - name - len(_GAP) * 2 - _OVERRIDDEN))
    out: list[Span] = [Span(fit(asset.alias or "below", name), Role.TEXT if asset.alias else Role.DIM)]
    out += [Span(_GAP), Span(fit(str(asset.name), ref)), Span(_GAP)]
    used = f"@{asset.version}" if asset.version is not None else NOTHING
    chosen = form.draft.versions.get(asset.name)
    if chosen is not None:
        out += [Span(f"{used} → ", Role.DIM), Span(f"@{chosen}", Role.STRONG, bold=True)]
        out += [Span("  OVERRIDE", Role.WARNING, bold=True)]
        return tuple(out)
    out.append(Span(used))
    room = cells - width(tuple(out)) - len(_GAP)
    why = _why_used(asset, latest=form.draft.latest_assets)
    if room >= min(_WHY_FROM, len(why)):
        out += [Span(" " * max(0, 4 - len(used)) + _GAP), Span(why, Role.DIM)]
    return tuple(out)


def _why_used(asset: GivenAsset, *, latest: bool = False) -> str:
    """Why the run used this version, and what newer there is."""
    if not asset.alias:
        return "of a plan that this one runs"
    if asset.history is None:
        return "not in this file"
    is_newer = asset.newest is not None and asset.version is not None and asset.newest > asset.version
    if latest and is_newer and asset.source != AssetSource.PIN.value:
        return f"looked up anew: @{asset.newest} by now"
    said = {
        AssetSource.OVERRIDE.value: "overridden in this run too",
        AssetSource.PIN.value: "pinned by the plan",
        AssetSource.PUBLISHED.value: "newest published",
    }.get(asset.source, asset.source)
    if is_newer:
        return (
            f"newest then, @{asset.newest} is newer"
            if said == "newest published"
            else f"{said}, @{asset.newest} is newer"
        )
    return said


def _param(param: GivenParam, form: Form, name: int, cells: int) -> Line:
    typed = form.draft.params.get(param.name)
    fault = form.faults.get(param.name)
    out: list[Span] = [Span(fit(param.name, name)), Span(_GAP)]
    value = "a secret, not recorded" if param.is_masked else _value_words(param.value)
    if typed is None:
        out.append(span(value))
    else:
        half = max(6, (cells - name - 8) // (3 if fault else 2))
        out += [
            span(_short(value, half), Role.DIM),
            Span(" → ", Role.DIM),
            span(_short(typed, half), Role.STRONG, bold=True),
        ]
    if fault:
        out += [Span("  ✗ ", Role.FAILED, bold=True), span(fault, Role.FAILED)]
    elif typed is None and param.is_masked:
        out += [Span("  give it again", Role.WARNING)]
    elif typed is None and param.param.description:
        out += [Span(_GAP), span(param.param.description, Role.DIM)]
    return tuple(out)


def _value_words(value: Json) -> str:
    """A value on one line."""
    return json.dumps(value, ensure_ascii=False) if value is not None else NOTHING


def _short(text: str, cells: int) -> str:
    return fit(text, cells).rstrip() if cell_len(visible(text)) > cells else text


def _steps(form: Form) -> Line:
    number = len(form.givens.steps)
    chosen = form.draft.from_steps
    sign = "▾" if form.steps_open else "▸"
    said = (
        f"from {', '.join(chosen)} on" if chosen else f"those that the changes concern; {form.keys.change} names more"
    )
    if not chosen and not form.draft.number:
        said = f"all of them; {form.keys.change} names one to begin from"
    return (Span(f"{sign} {plural(number, 'step')}"), Span(_GAP), span(said, Role.TEXT if chosen else Role.DIM))


def _step(step: GivenStep, form: Form) -> Line:
    is_chosen = step.step_id in form.draft.from_steps
    ids = min(28, form.givens.step_cells)
    out: list[Span] = [
        Span("  ↻ " if is_chosen else "    ", Role.RUNNING, bold=True),
        Span(fit(step.step_id, ids), Role.STRONG if is_chosen else Role.TEXT, bold=is_chosen),
        Span(_GAP),
    ]
    if is_chosen:
        out.append(Span("again, and all that depends on it"))
        return tuple(out)
    if step.status is None:
        return (*out, Span("did not come to run", Role.DIM))
    mark = step_mark(step.status)
    return (*out, Span(fit(str(mark), 12), mark.role), Span(fit(duration(step.duration_us), 8, right=True), Role.DIM))


def _option(form: Form, kind: RowKind) -> tuple[str, bool]:
    """What a line says that is about the run as a whole, and whether somebody chose it."""
    draft = form.draft
    short = short_id(form.givens.run.run_id)
    is_chosen = form.is_set(Row(kind))
    match kind:
        case RowKind.LATEST:
            said = "looked up anew, the newest published" if is_chosen else "those that the run used, but for overrides"
            return said, is_chosen
        case RowKind.AGAINST:
            said = (
                "the usual baseline, the last 30 good runs" if draft.against is Against.USUAL else f"{short}, this run"
            )
            return f"with {said}", is_chosen
        case RowKind.AFTER:
            said = (
                "the comparison opens by itself"
                if draft.after is After.OPENED
                else f"the comparison is offered, on {form.keys.compare}"
            )
            return said, is_chosen
        case _:
            return draft.reason or f"{NOTHING}  a line for the record", is_chosen

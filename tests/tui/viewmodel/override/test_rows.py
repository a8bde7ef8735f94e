"""The list of what can be different, as text."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.errors import InputError
from engine.model.asset import AssetType, parse_reference
from engine.plan.params import ParameterError, bind_params
from tests.tui.viewmodel.override.samples import BELOW, GATES, LOOKUP, givens, source
from tui.viewmodel.override.draft import After, Against, Draft
from tui.viewmodel.override.form import Form
from tui.viewmodel.override.form_lines import row_line
from tui.viewmodel.override.rows import Row, RowKind, Sought, rows_of, sought
from tui.viewmodel.override.typed import faults_of, param_wanted
from tui.viewmodel.text import plain, width


def form(
    draft: Draft | None = None, looked_for: Sought | None = None, *, steps_open: bool = False, **more: dict[str, str]
) -> Form:
    known = givens()
    rows = rows_of(known, looked_for or Sought(), steps_open=steps_open)
    return Form(known, draft or Draft(), rows, more.get("faults", {}), steps_open, "3 steps run again")


def text(shown: Form, cells: int = 78) -> list[str]:
    return [plain(row_line(shown, place, cells)).rstrip() for place in range(len(shown.rows))]


def test_a_run_as_it_was() -> None:
    assert text(form()) == [
        " ASSETS   lookup   query/ci-lookup  @2    newest published",
        "          gates    policy/gates     @1    pinned by the plan, @2 is newer",
        "          below    query/below      –     of a plan that this one runs",
        ' PARAMS   host     "db-03"  a name',
        "          limit    15",
        " STEPS    ▸ 3 steps  all of them; enter names one to begin from",
        " RUN      assets   those that the run used, but for overrides",
        "          compare  with 7f3a91, this run",
        "          then     the comparison is offered, on c",
        "          reason   –  a line for the record",
        "          run it   3 steps run again",
    ]


def test_what_is_set_is_marked_and_says_from_what_to_what() -> None:
    draft = Draft(
        versions={LOOKUP: 3},
        params={"host": "db-04"},
        from_steps=("brief",),
        latest_assets=True,
        reason="is it the query",
        against=Against.USUAL,
        after=After.OPENED,
    )
    shown = form(draft, steps_open=True)
    assert text(shown) == [
        " ASSETS • lookup   query/ci-lookup  @2 → @3  OVERRIDE",
        "          gates    policy/gates     @1    pinned by the plan, @2 is newer",
        "          below    query/below      –     of a plan that this one runs",
        ' PARAMS • host     "db-03" → db-04',
        "          limit    15",
        " STEPS  • ▾ 3 steps  from brief on",
        "              ci      ✓ SUCCEEDED     1.0s",
        "              owners  ✓ SUCCEEDED     1.0s",
        "        •   ↻ brief   again, and all that depends on it",
        " RUN    • assets   looked up anew, the newest published",
        "        • compare  with the usual baseline, the last 30 good runs",
        "        • then     the comparison opens by itself",
        "        • reason   is it the query",
        "          run it   3 steps run again",
    ]
    assert not any(shown.is_set(row) for row in shown.rows if row.kind is RowKind.RUN)


def test_a_wrong_value_is_said_beside_it_and_a_secret_is_asked_for_again() -> None:
    with pytest.raises(ParameterError) as raised:
        bind_params(source().plan.plan, {"limit": "many"}, from_text=True)
    faults = faults_of(raised.value)
    assert faults_of(InputError("nothing in it failed")) == faults_of(None) == {}
    line = text(form(Draft(params={"limit": "many"}), faults=faults))[4]
    assert line == "        • limit    15 → many  ✗ expected a whole number, found the text 'many'"
    known = givens()
    masked = replace(known, params=(replace(known.params[0], value="Bearer ***"),))
    assert masked.params[0].words == ""
    shown = Form(masked, Draft(), [Row(RowKind.PARAM)], {})
    assert text(shown) == [" PARAMS   host     a secret, not recorded  give it again"]
    assert param_wanted(known.params[0]) == "a text: a name"


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("lookup", ["asset 0"]),
        ("type:pol", ["asset 1"]),
        ("type:query below", ["asset 2"]),
        ("i", ["asset 0", "asset 1", "param 1", "step 0", "step 2"]),
        ("type:nothing", []),
        ("owners", ["step 1"]),
    ],
)
def test_what_is_searched_for_is_found_among_all(typed: str, found: list[str]) -> None:
    rows = rows_of(givens(), sought(typed), steps_open=False)
    assert [f"{row.kind} {row.at}" for row in rows] == found


def test_a_type_alone_leaves_its_assets() -> None:
    rows = rows_of(givens(), sought("", AssetType.QUERY), steps_open=True)
    assert [givens().assets[row.at].name for row in rows] == [LOOKUP, BELOW]
    assert sought("type:policy", AssetType.QUERY).type is AssetType.POLICY
    assert givens().asset(GATES) == givens().assets[1]


def test_what_is_overridden_is_said_whole_and_a_sentence_ends_at_a_comma() -> None:
    """In the list of a terminal of 100 columns."""
    known = givens()
    assets = (known.assets[0], replace(known.assets[1], name=parse_reference("policy/ci-lookup-replan-by-hand").name))
    rows = [Row(RowKind.ASSET), Row(RowKind.ASSET, 1), Row(RowKind.RUN)]
    said = "all 7 steps run again, nothing is reused, about 1.0s"
    shown = Form(replace(known, assets=assets), Draft(versions={LOOKUP: 3}), rows, {}, summary=said)
    asset, other, run = text(shown, 55)
    assert asset.endswith("@2 → @3  OVERRIDE")
    assert other.split()[1] == "policy/ci-lookup…"
    assert run == " RUN      run it   all 7 steps run again"


@pytest.mark.parametrize("cells", [20, 38, 58, 140])
def test_no_line_is_longer_than_there_is_room(cells: int) -> None:
    shown = form(Draft(versions={LOOKUP: 3}, params={"host": "名" * 90}, reason="é" * 200), steps_open=True)
    assert all(width(row_line(shown, place, cells)) <= cells for place in range(len(shown.rows)))

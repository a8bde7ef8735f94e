"""Risk and advice: every point has its reason, and too few runs are no answer but 'not known'."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.model.asset import AssetStatus
from engine.model.states import RunStatus
from engine.regression.analysis import analyse
from engine.regression.impact import Sides, Use, sides_of
from engine.regression.impact_advice import AdviceKind
from engine.regression.impact_related import Together
from engine.regression.impact_report import Impact, Record, newest_pair, report
from engine.regression.impact_risk import HIGH_FROM, MEDIUM_FROM, RiskLevel, risk_of
from engine.regression.verdict import Confidence, Verdict
from tests.engine.regression.building import run_facts, runs_of
from tests.engine.regression.test_impact import tallied

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.regression.facts import RunFacts

ASSET = "query/ci-lookup"
STEPS = {"fetch": {"step_def": {"query": "{assets.lookup}", "args": {"wide": "{assets.gates}"}}}}


def sampled(
    version: int, number: int, seconds: float, *, seed: int = 0, gates: int = 1, failed: bool = False
) -> list[RunFacts]:
    """Runs of one plan with a version of the lookup and one of the gates."""
    assets = {"lookup": f"{ASSET}@{version}", "gates": f"policy/gates@{gates}"}
    if failed:
        return [
            run_facts(f"{version}{n:031x}", {"fetch": seconds}, failed=["fetch"], assets=assets, definitions=STEPS)
            for n in range(number)
        ]
    found = runs_of({"fetch": seconds}, number, seed=seed or version, assets=assets, definitions=STEPS)
    return [replace(run, run_id=f"{version}{place:031x}") for place, run in enumerate(found)]


def told(
    before: Sequence[RunFacts],
    after: Sequence[RunFacts],
    *,
    statuses: Mapping[int, AssetStatus] | None = None,
    more: Sequence[Use] = (),
    pair: tuple[int, int] = (1, 2),
) -> Impact:
    """The impact of an asset whose versions 1 and 2 these runs used."""
    uses = [
        Use(
            version,
            run.run_id,
            "p",
            RunStatus(str(run.outcome["status"])),
            place,
            None if run.duration_ms is None else round(run.duration_ms * 1000),
        )
        for version, side in zip(pair, (before, after), strict=True)
        for place, run in enumerate(side)
    ]
    uses += more
    together = tuple(
        Together(version, "policy/gates", int(str(side[0].assets["gates"]["ref"])[-1]), len(side))  # type: ignore[index, call-overload]
        for version, side in zip(pair, (before, after), strict=True)
        if side
    )
    record = Record(ASSET, tuple(tallied(uses)), tuple(uses), together, None, statuses or {1: AssetStatus.PUBLISHED})
    sides = sides_of(uses, *pair)
    analysis = None if sides is None else analyse(before, after)
    return report(record, pair, sides, analysis, [*before[-1:], *after[-1:]])


def kinds(found: Impact) -> list[AdviceKind]:
    return [one.kind for one in found.advice]


def test_much_slower_is_a_high_risk_and_is_deprecated() -> None:
    statuses = {1: AssetStatus.PUBLISHED, 2: AssetStatus.PUBLISHED}
    found = told(sampled(1, 30, 10.0), sampled(2, 8, 30.0), statuses=statuses)
    assert found.pair is not None
    risk = found.pair.risk
    assert risk.level is RiskLevel.HIGH
    assert "runs got worse with it" in risk.reasons[0].text
    assert sum(reason.points for reason in risk.reasons) == risk.points
    assert kinds(found) == [AdviceKind.RERUN, AdviceKind.PIN, AdviceKind.DEPRECATE, AdviceKind.COMPARE]
    rerun, pin, deprecate, compare = found.advice
    assert rerun.command == f"opscope rerun 2{'0' * 11} --override {ASSET}@1"
    assert deprecate.command == f"opscope asset deprecate {ASSET}@2"
    assert pin.command == f"assets: {{lookup: {ASSET}@1}}"
    assert compare.command.startswith("opscope compare 1")


def test_a_draft_that_is_no_worse_is_published() -> None:
    statuses = {1: AssetStatus.PUBLISHED, 2: AssetStatus.DRAFT}
    found = told(sampled(1, 20, 10.0), sampled(2, 8, 10.0), statuses=statuses)
    assert found.pair is not None
    assert found.pair.risk.level is RiskLevel.LOW
    assert "a draft" in found.pair.risk.reasons[0].text
    (advice,) = found.advice
    assert (advice.kind, advice.command) == (AdviceKind.PUBLISH, f"opscope asset publish {ASSET}@2")


def test_too_few_runs_are_not_known_and_it_says_how_many_more() -> None:
    found = told(sampled(1, 20, 10.0), sampled(2, 1, 10.0))
    assert found.pair is not None
    assert (found.pair.risk.level, found.pair.risk.runs_needed) == (RiskLevel.NOT_KNOWN, (0, 2))
    (advice,) = found.advice
    assert (advice.kind, advice.repeat) == (AdviceKind.RUN_MORE, 2)
    assert advice.command.endswith(f"--override {ASSET}@2")


def test_one_slow_run_is_suspect_and_still_not_known() -> None:
    """One run never alarms: the risk is not known, and the way to know is told."""
    found = told(sampled(1, 20, 10.0), sampled(2, 1, 60.0))
    assert found.pair is not None
    assert found.pair.analysis is not None
    assert found.pair.analysis.verdict is Verdict.SUSPECT
    assert found.pair.risk.level is RiskLevel.NOT_KNOWN
    assert kinds(found) == [AdviceKind.RUN_MORE, AdviceKind.COMPARE]


def test_another_asset_that_changed_too_is_a_reason_and_is_told_apart() -> None:
    found = told(sampled(1, 30, 10.0), sampled(2, 8, 30.0, gates=2))
    assert found.pair is not None
    assert any("gates changed too" in reason.text for reason in found.pair.risk.reasons)
    assert found.advice[1].kind is AdviceKind.SEPARATE
    assert found.advice[1].command.endswith("--override policy/gates@1")


def test_plans_that_never_ran_with_it_and_many_users_are_reasons() -> None:
    elsewhere = [Use(1, f"q{n}", f"other{n % 4}", RunStatus.SUCCEEDED, n, 1000) for n in range(200)]
    found = told(sampled(1, 30, 10.0), sampled(2, 8, 10.0), more=elsewhere)
    assert found.pair is not None
    texts = [reason.text for reason in found.pair.risk.reasons]
    assert any("4 plans have used @1 and never @2: other0, other1, other2, …" in text for text in texts)
    assert any("238 runs used these two" in text for text in texts)
    assert found.pair.risk.level is RiskLevel.MEDIUM


def test_no_common_plan_is_not_known() -> None:
    other = [Use(2, "x" * 32, "other", RunStatus.SUCCEEDED, 1, 1000)]
    found = told(sampled(1, 5, 10.0), [], more=other)
    assert found.pair is not None
    assert (found.pair.analysis, found.pair.risk.level) == (None, RiskLevel.NOT_KNOWN)
    assert kinds(found) == [AdviceKind.RERUN]


def test_related_assets_of_the_same_step() -> None:
    (related,) = told(sampled(1, 5, 10.0), sampled(2, 5, 10.0)).related
    assert (related.asset, related.runs, related.steps) == ("policy/gates", 10, ("fetch",))
    assert (related.before, related.after, related.separates) == (((1, 5),), ((1, 5),), False)


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ({1: AssetStatus.PUBLISHED}, "opscope asset add FILE"),
        ({1: AssetStatus.PUBLISHED, 2: AssetStatus.DRAFT}, f"--override {ASSET}@2"),
    ],
)
def test_one_version_alone_says_how_there_would_be_two(known: dict[int, AssetStatus], said: str) -> None:
    uses = [Use(1, "a" * 32, "p", RunStatus.SUCCEEDED, 1, 1000)]
    record = Record(ASSET, tuple(tallied(uses)), tuple(uses), (), None, known)
    assert newest_pair(record) is None
    found = report(record, None)
    assert found.pair is None
    assert said in found.advice[0].command


@given(st.integers(1, 30), st.integers(1, 30), st.sampled_from([5.0, 10.0, 30.0]))
@settings(max_examples=25, deadline=None)
def test_swapping_the_versions_mirrors(n: int, m: int, seconds: float) -> None:
    first, second = sampled(1, n, 10.0), sampled(2, m, seconds)
    one, other = told(first, second), told(second, first, pair=(2, 1))
    assert one.pair is not None
    assert other.pair is not None
    assert (one.pair.before, one.pair.after) == (other.pair.after, other.pair.before)
    assert one.pair.profiles == (other.pair.profiles[1], other.pair.profiles[0])
    assert isinstance(one.pair.sides, Sides)
    assert isinstance(other.pair.sides, Sides)
    assert (one.pair.sides.before, one.pair.sides.after) == (other.pair.sides.after, other.pair.sides.before)
    assert one.related[0].before == other.related[0].after
    if n >= 5 and m >= 5:  # below that the two sides need different numbers of runs
        assert one.pair.analysis is not None
        assert other.pair.analysis is not None
        turned = {Verdict.REGRESSED: Verdict.IMPROVED, Verdict.IMPROVED: Verdict.REGRESSED}
        verdict = one.pair.analysis.verdict
        assert turned.get(verdict, verdict) is other.pair.analysis.verdict


@given(st.sampled_from(Verdict), st.sampled_from(Confidence), st.lists(st.sampled_from("abcde"), unique=True))
def test_points_add_up_and_the_level_follows_them(verdict: Verdict, confidence: Confidence, plans: list[str]) -> None:
    base = told(sampled(1, 10, 10.0), sampled(2, 5, 10.0)).pair
    assert base is not None
    assert base.analysis is not None
    analysis = replace(base.analysis, verdict=verdict, confidence=confidence)
    risk = risk_of(replace(base.before, plans=tuple(plans)), base.after, analysis, asset=ASSET)
    assert risk.points == min(100, sum(reason.points for reason in risk.reasons))
    assert [reason.points for reason in risk.reasons] == sorted((r.points for r in risk.reasons), reverse=True)
    by_points = {RiskLevel.HIGH: HIGH_FROM, RiskLevel.MEDIUM: MEDIUM_FROM, RiskLevel.LOW: 1, RiskLevel.NONE: 0}
    assert risk.points >= by_points[risk.level]
    surer = replace(analysis, confidence=Confidence.HIGH)
    assert risk_of(replace(base.before, plans=tuple(plans)), base.after, surer, asset=ASSET).points <= risk.points


def test_an_older_version_that_is_better_is_gone_back_to() -> None:
    statuses = {1: AssetStatus.PUBLISHED, 2: AssetStatus.PUBLISHED}
    found = told(sampled(2, 30, 30.0), sampled(1, 30, 10.0), pair=(2, 1), statuses=statuses)
    pin, deprecate = found.advice
    assert (pin.kind, pin.command) == (AdviceKind.PIN, f"assets: {{lookup: {ASSET}@1}}")
    assert (deprecate.kind, deprecate.command) == (AdviceKind.DEPRECATE, f"opscope asset deprecate {ASSET}@2")


def test_a_reference_of_an_imported_run_is_quoted_for_the_shell() -> None:
    evil = "policy/x; rm -rf ~@1"

    def with_evil(version: int, number: int, seconds: float, ref: str) -> list[RunFacts]:
        runs = sampled(version, number, seconds)
        return [replace(run, assets={**run.assets, "more": {"ref": ref, "sha256": ref}}) for run in runs]

    found = told(with_evil(1, 30, 10.0, evil), with_evil(2, 8, 30.0, "policy/y@1"))
    (command,) = (one.command for one in found.advice if one.kind is AdviceKind.SEPARATE)
    assert shlex.split(command) == ["opscope", "rerun", "2" + "0" * 11, "--override", evil]


def test_few_runs_without_a_change_say_that_more_would_show_smaller_ones() -> None:
    found = told(sampled(1, 6, 10.0), sampled(2, 4, 10.0))
    keep, more = found.advice
    assert keep.kind is AdviceKind.KEEP
    assert (more.kind, more.repeat) == (AdviceKind.RUN_MORE, 4)
    assert more.text.startswith("6 v 4 runs show large changes only.")
    assert more.command.endswith(f"--override {ASSET}@1")

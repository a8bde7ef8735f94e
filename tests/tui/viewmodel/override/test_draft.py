"""What was chosen, and the change and the command that it comes to."""

from __future__ import annotations

import shlex

from engine.model.asset import AssetReference
from tests.tui.viewmodel.override.samples import GATES, LOOKUP
from tui.viewmodel.override.draft import Draft


def test_what_is_set_is_taken_back_one_by_one_or_all_at_once() -> None:
    draft = Draft(reason="why").with_version(LOOKUP, 3).with_version(GATES, 2).with_version(LOOKUP, 1)
    draft = draft.with_param("limit", "5").with_step("ci", again=True).with_step("ci", again=True)
    assert draft.number == 4
    assert draft.overrides == (AssetReference(GATES, 2), AssetReference(LOOKUP, 1))
    fewer = draft.with_version(GATES, None).with_param("limit", None).with_step("ci", again=False)
    assert (fewer.number, fewer.change().params, fewer.change().from_steps) == (1, {}, ())
    assert draft.without_changes() == Draft(reason="why")


def test_the_command_does_the_same() -> None:
    draft = Draft(
        versions={LOOKUP: 3}, params={"host": "a b"}, from_steps=("ci",), latest_assets=True, reason="it's slow"
    )
    command = draft.command("7f3a91")
    assert shlex.split(command)[:5] == ["opscope", "rerun", "7f3a91", "--override", "query/ci-lookup@3"]
    assert shlex.split(command)[5:] == ["-p", "host=a b", "--from", "ci", "--latest-assets", "--reason", "it's slow"]

"""Links to runs, both ways."""

from __future__ import annotations

import pytest

from engine.errors import InputError
from engine.model.states import Stage
from tui.viewmodel.links import Target, could_be_link, parse_target, run_link
from tui.viewmodel.tabs import Tab

ID = "7f3a91" * 5 + "00"


@pytest.mark.parametrize("tab", Tab)
@pytest.mark.parametrize("stage", [None, *Stage])
@pytest.mark.parametrize("step_id", [None, "ping", "odd/step?&=é %"])
def test_a_link_leads_back_to_what_it_was_made_of(tab: Tab, stage: Stage | None, step_id: str | None) -> None:
    target = parse_target(run_link(ID, tab, stage, step_id))
    if tab is not Tab.STAGES:
        assert target == Target(ID, tab=tab)
    elif stage is None:
        assert target == Target(ID)
    else:
        assert target == Target(ID, stage, step_id)


@pytest.mark.parametrize("tab", Tab)
@pytest.mark.parametrize("step_id", [None, "ping"])
def test_a_link_can_name_the_pass(tab: Tab, step_id: str | None) -> None:
    target = parse_target(run_link(ID, tab, Stage.EXECUTE, step_id, pass_index=2))
    if tab is Tab.STAGES:
        assert target == Target(ID, Stage.EXECUTE, step_id, pass_index=2)
    else:
        assert target == Target(ID, tab=tab, pass_index=2)


def test_how_a_pass_is_written() -> None:
    assert run_link("7f3a", Tab.STAGES, Stage.EXECUTE, "ping", pass_index=0) == "7f3a/stage/execute?step=ping&pass=0"
    assert run_link("7f3a", Tab.GROUPS, None, pass_index=1) == "7f3a/groups?pass=1"
    assert run_link("7f3a", Tab.STAGES, None, pass_index=1) == "7f3a?pass=1"
    assert parse_target("last/stage/execute?pass=1&step=ping") == Target("last", Stage.EXECUTE, "ping", pass_index=1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("7f3a?stop=x", "a link has no part 'stop'"),
        ("7f3a?step=x&stop=x", "a link has no part 'stop'"),
        ("7f3a?step=x&step=y", "the link names several of step"),
        ("7f3a?step=", "the link has a step without a name"),
        ("7f3a?pass=one", "'one' is not the number of a pass"),
        ("7f3a?pass=-1", "'-1' is not the number of a pass"),
    ],
)
def test_what_is_wrong_with_the_end_of_a_link(text: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_target(text)
    assert caught.value.cause == said
    assert caught.value.hint


def test_what_is_typed() -> None:
    assert parse_target("LAST".lower()) == Target("last")
    assert parse_target("7F3A/") == Target("7f3a")
    assert parse_target("last?step=ping") == Target("last", step_id="ping")
    assert run_link("7f3a", Tab.STAGES, Stage.EXECUTE, "ping") == "7f3a/stage/execute?step=ping"


@pytest.mark.parametrize(
    "text", ["7f3a/stage", "7f3a/stage/x", "7f3a/tab", "7f3a/logs/x", "7f3a?stop=x", "zzzz", "7f3"]
)
def test_what_is_no_run(text: str) -> None:
    with pytest.raises(InputError):
        parse_target(text)


@pytest.mark.parametrize(
    ("word", "could_be"),
    [("last", True), ("last/logs", True), ("7f3a", True), ("7F3A91/stage/x", True), ("7f3a?step=x", True),
     ("lasting", False), ("list", False), ("7f3", False), ("runs", False), ("rnus/x", False)],
)  # fmt: skip
def test_what_could_be_a_run_in_the_place_of_a_command(word: str, could_be: bool) -> None:
    assert could_be_link(word) is could_be

"""`opscope stage`: a recorded stage made anew by itself, with other assets, held against the record; nothing is written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tui.commands.conftest import Cli


@pytest.fixture(autouse=True)
def _a_run(cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    assert cli("run", "ci_lookup", "-p", "host=db-03", "-q").code == 0


def test_the_answer_made_anew_is_the_same(cli: Cli) -> None:
    shown = cli("stage", "last", "present")
    assert shown.code == 0
    assert "db-03 is a database server" in shown.out
    assert "the same as recorded" in shown.err


def test_another_version_of_the_screen_shows_what_it_would_change(cli: Cli, home: Path) -> None:
    (home / "short.yaml").write_text('- {type: markdown, text: "only {compose.headline}"}\n')
    assert cli("asset", "add", "short.yaml", "--as", "screen/ci-lookup").code == 0
    before = cli("runs", "--json").out
    shown = cli("stage", "last", "present", "--override", "screen/ci-lookup@2")
    assert shown.out.startswith("only db-03 is a database server")
    assert "result.blocks[*]: 6 removed" in shown.err
    assert cli("runs", "--json").out == before


def test_as_json(cli: Cli) -> None:
    document = json.loads(cli("stage", "last", "compose", "--json").out)
    assert document["stage"] == "compose"
    assert document["output"]["result"]["found"] == 1
    assert document["differs"] == []
    assert document["input"]["previous_output"]["ci"]["status"] == "succeeded"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("last", "execute"), "invalid choice"),
        (("last", "present", "--override", "screen/other@1"), "nothing in the plan uses screen/other"),
        (("last", "present", "--override", "screen/ci-lookup@9"), "screen/ci-lookup"),
        (("last", "present", "--override", "nonsense"), "names no asset"),
    ],
)
def test_what_cannot_be_done_is_told(cli: Cli, words: tuple[str, ...], said: str) -> None:
    refused = cli("stage", *words)
    assert refused.code == 2
    assert said in refused.err


def test_a_question_without_a_plan_has_no_stages_to_repeat(cli: Cli) -> None:
    assert cli("ask", "hello", "-q").code == 0
    refused = cli("stage", "last", "present")
    assert refused.code == 2
    assert "it answered a question without a plan" in refused.err

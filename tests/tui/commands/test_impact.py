"""`opscope impact` on runs of the shipped plan with two versions of its query."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from tui.commands import main

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tui.commands.conftest import Cli

ASSET = "query/ci-lookup"


@pytest.fixture(scope="module")
def lookups_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with five runs of version 1 and then three of version 2."""
    path = tmp_path_factory.mktemp("lookups") / "runs.db"
    for version in (1, 1, 1, 1, 1, 2, 2, 2):
        assert main(["--db", str(path), "run", "-q", "ci_lookup", "--override", f"{ASSET}@{version}"]) == 0
    return path


@pytest.fixture
def lookups(lookups_file: Path, database: Path) -> None:
    database.parent.mkdir(parents=True)
    shutil.copy(lookups_file, database)


@pytest.mark.usefixtures("lookups")
def test_versions_and_the_newest_two_compared(cli: Cli) -> None:
    answer = cli("impact", ASSET)
    head, _, newest, older, *_ = answer.out.splitlines()
    assert head.split()[:3] == ["VERSION", "RUNS", "SUCCEEDED"]
    assert newest.split()[:5] == ["@2", "3", "3", "of", "3"]
    assert older.split()[:5] == ["@1", "5", "5", "of", "5"]
    assert f"{ASSET} @1 → @2" in answer.out
    assert "5 v 3 runs  ci-lookup" in answer.out
    assert f"asset lookup: {ASSET}@1 → {ASSET}@2" in answer.out
    assert "kept as" not in answer.out


@pytest.mark.usefixtures("lookups")
def test_the_other_way_round_as_a_document(cli: Cli) -> None:
    found = json.loads(cli("impact", ASSET, "2", "1", "--json").out)
    versions = [(one["version"], one["runs"], one["rate"]) for one in found["versions"]]
    assert versions == [(3, 0, None), (2, 3, 1.0), (1, 5, 1.0)]
    assert (len(found["analysis"]["baseline"]), len(found["analysis"]["candidates"])) == (3, 5)
    assert found["analysis"]["plan_id"] == "ci-lookup"


@pytest.mark.usefixtures("lookups")
def test_the_risk_is_told_with_its_reasons_and_what_to_do(cli: Cli) -> None:
    found = json.loads(cli("impact", ASSET, "--json").out)
    assert found["schema_version"] == 1
    risk = found["pair"]["risk"]
    assert risk["level"] in ("none", "low", "medium", "high", "not_known")
    assert risk["points"] == sum(reason["points"] for reason in risk["reasons"])
    assert set(found["pair"]["profile"]) == {"success", "speed", "steadiness", "completeness", "smoothness"}
    assert {"policy/ci-lookup-gates", "policy/ci-lookup-replan"} <= {one["asset"] for one in found["related"]}
    assert found["recommendations"]
    said = cli("impact", ASSET).out
    for title in ("risk", "figures of ci-lookup", "quality, 0 to 100", "related assets", "what to do"):
        assert f"\n{title}\n" in said


@pytest.mark.usefixtures("lookups")
def test_an_asset_that_there_is_not(cli: Cli) -> None:
    answer = cli("impact", "query/ci-lokup")
    assert (answer.code, answer.out) == (2, "")
    assert "there is no asset query/ci-lokup" in answer.err
    assert "did you mean query/ci-lookup?" in answer.err


@pytest.mark.usefixtures("lookups")
def test_a_version_that_no_run_used(cli: Cli) -> None:
    answer = cli("impact", ASSET, "1", "3")
    assert (answer.code, answer.out) == (2, "")
    assert f"no run has used {ASSET}@3" in answer.err
    assert "used were @1, @2" in answer.err


@pytest.mark.usefixtures("lookups")
@pytest.mark.parametrize(
    ("versions", "cause"),
    [
        (("1", "99"), "there is no version 99 of query/ci-lookup"),
        (("3", "99"), "there is no version 99 of query/ci-lookup"),  # and no run has used 3, which is there
        (("99", "3"), "there is no version 99 of query/ci-lookup"),
        (("98", "99"), "there are no versions 98 and 99 of query/ci-lookup"),
    ],
)
def test_a_version_that_there_is_not(cli: Cli, versions: tuple[str, str], cause: str) -> None:
    answer = cli("impact", ASSET, *versions)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.splitlines() == [f"opscope: {cause}", "  there are 1, 2, 3; runs have used 1, 2"]


def test_the_usage_says_that_versions_are_two_or_none(cli: Cli) -> None:
    said = cli("impact", "--help").out
    assert said.splitlines()[0] == "usage: opscope impact [OPTIONS] TYPE/NAME [V1 V2]"
    assert "the version before and the one after (default: the two newest that were used)" in " ".join(said.split())


@pytest.mark.usefixtures("lookups")
def test_one_version_is_too_few_and_three_are_too_many(cli: Cli) -> None:
    for versions in (("1",), ("1", "2", "3")):
        answer = cli("impact", ASSET, *versions)
        assert (answer.code, answer.out) == (2, "")
        said = answer.err.splitlines()
        assert (
            said[0]
            == f"opscope: two versions are compared, {len(versions)} {'is' if len(versions) == 1 else 'are'} given"
        )
        assert said[1].strip() == f"for example: opscope impact {ASSET} 1 2"


@pytest.mark.usefixtures("lookups")
def test_an_asset_that_nobody_used_says_how_it_is_used(cli: Cli) -> None:
    answer = cli("impact", "policy/routing")
    assert answer.code == 0
    assert "No run has used it" in answer.out
    assert "assets: {NAME: policy/routing}" in answer.out


def test_an_unused_asset_is_advised_by_how_it_stands(cli: Cli, home: Path) -> None:
    """No plan can name a draft, and none gets a deprecated version without naming it."""
    (home / "q.sql").write_text("SELECT 1")
    assert cli("asset", "add", "q.sql", "--as", "query/never").code == 0
    assert "opscope asset publish query/never@1" in cli("impact", "query/never").out
    assert cli("asset", "publish", "query/never@1").code == 0
    assert "assets: {NAME: query/never}" in cli("impact", "query/never").out
    assert cli("asset", "deprecate", "query/never@1").code == 0
    assert "assets: {NAME: query/never@1}" in cli("impact", "query/never").out


@pytest.mark.usefixtures("lookups")
@pytest.mark.parametrize(
    ("name", "begin"), [("i.json", "{"), ("i.md", "# Impact of query/ci-lookup"), ("i.txt", "VERSION")]
)
def test_into_a_file_by_its_ending(cli: Cli, home: Path, name: str, begin: str) -> None:
    answer = cli("impact", ASSET, "-o", name)
    assert (answer.code, answer.out, answer.err) == (0, "", f"wrote {name}\n")
    assert (home / name).read_text().startswith(begin)


@pytest.mark.usefixtures("lookups")
def test_markdown_on_stdout(cli: Cli) -> None:
    said = cli("impact", ASSET, "--format", "markdown").out
    assert "## What to do" in said
    assert "| Version | Status | Runs |" in said


@pytest.mark.usefixtures("lookups")
@pytest.mark.parametrize(
    "words",
    [
        (ASSET, "1"),
        (ASSET, "1", "9"),
        (f"{ASSET}@1",),
        ("nonsense",),
        (ASSET, "x", "y"),
        (ASSET, "1", "1"),
        (ASSET, "--json", "--format", "markdown"),
        (ASSET, "-o", "no/such/folder"),
    ],
)
def test_bad_input(cli: Cli, words: tuple[str, ...]) -> None:
    answer = cli("impact", *words)
    assert (answer.code, answer.out) == (2, "")


@pytest.mark.usefixtures("lookups")
def test_the_screen_as_a_picture(cli: Cli) -> None:
    answer = cli("screenshot", ASSET, "--screen", "impact", "--format", "text", "--size", "100x30")
    assert answer.code == 0
    assert "opscope › impact › query/ci-lookup" in answer.out
    assert "WHAT TO DO" in answer.out


@pytest.mark.usefixtures("lookups")
@pytest.mark.parametrize("words", [(), ("query/none",), ("nonsense",)])
def test_a_picture_of_no_asset(cli: Cli, words: tuple[str, ...]) -> None:
    answer = cli("screenshot", *words, "--screen", "impact")
    assert (answer.code, answer.out) == (2, "")

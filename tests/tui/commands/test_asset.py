"""`asset add`, `list`, `show`, `diff`, `publish` and `deprecate` (A1): what they do, what they say, what they refuse."""

from __future__ import annotations

import getpass
import io
import json
import os
import pwd
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from engine.shipped.assets import shipped_names
from store.assets.content import digest_of
from tests.store.assets.building import use
from tui.commands.asset_words import author
from tui.commands.registry import COMMANDS, verbs_of

if TYPE_CHECKING:
    from tests.tui.commands.conftest import Cli

FIXTURE = Path(__file__).parents[2] / "store" / "fixtures" / "schema-1.db"
NARROW = "SELECT 1 -- narrow\n"
WIDE = "SELECT 2 -- wide\n"
GATES = "kind: gates\nmin_rows: 3\nnames: [a, b]\n"
OTHER_GATES = "# in another order\nkind: gates\nnames: [a, c, b]\nmin_rows: 4\n"


@pytest.fixture
def two(cli: Cli, home: Path) -> None:
    """`query/mine` with a published version and a draft."""
    (home / "q.sql").write_text(NARROW)
    assert cli("asset", "add", "q.sql", "--as", "query/mine", "--publish", "--note", "the first").code == 0
    (home / "q.sql").write_text(WIDE)
    assert cli("asset", "add", "q.sql", "--as", "query/mine").code == 0


def of_json(cli: Cli, *words: str) -> Any:
    answer = cli(*words, "--json")
    assert (answer.code, answer.err) == (0, "")
    return json.loads(answer.out)


# One more word


def test_the_commands_share_a_page_of_help(cli: Cli) -> None:
    answer = cli("asset", "--help")
    assert answer.code == 0
    assert all(f"asset {verb} " in answer.out for verb in verbs_of("asset"))
    assert cli("help", "asset").out == answer.out
    assert cli("help", "asset", "add").out == cli("asset", "add", "-h").out
    assert max(map(len, answer.out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("words", "cause", "hint"),
    [
        (["asset"], "asset needs one more word", "list, show, diff, add,"),
        (["asset", "--json"], "asset needs one more word", "list, show"),
        (["asset", "lst"], "there is no command 'asset lst'", "did you mean opscope asset list?"),
        (["asset", "xyzzy"], "there is no command 'asset xyzzy'", "see opscope --help"),
        (["list"], "there is no command 'list'", ""),
    ],
)
def test_a_second_word_that_is_none(cli: Cli, words: list[str], cause: str, hint: str) -> None:
    answer = cli(*words)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(f"opscope: {cause}\n")
    assert hint in answer.err


def test_options_may_stand_anywhere(cli: Cli, home: Path, two: None) -> None:
    other = str(home / "other.db")
    listed = cli("--db", other, "asset", "--ascii", "list", "mine")
    assert listed.out == "no asset is like that\n"
    assert "query/mine" in cli("--ascii", "asset", "list").out


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("opscope ass", {"asset"}),
        ("opscope asset pu", {"publish"}),
        ("opscope asset add --pub", {"--publish"}),
        ("opscope --db x.db asset list --status dr", {"draft"}),
        ("opscope asset show query/mi", {"query/mine"}),
        ("opscope show --js", {"--json"}),
    ],
)
def test_bash_completes(cli: Cli, two: None, line: str, expected: set[str]) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash here")
    words = line.split()
    script = f"{cli('completion', 'bash').out}\nCOMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _opscope\n"
    script += 'printf "%s\\n" "${COMPREPLY[@]}"\n'
    done = subprocess.run([bash, "-c", script], text=True, capture_output=True, check=True)
    assert set(done.stdout.split()) == expected


def test_no_screen_is_imported_for_it(home: Path) -> None:
    (home / "q.sql").write_text(NARROW)
    code = (
        "import sys; from tui.commands import main; codes = ["
        "main(['asset', 'add', 'q.sql', '--as', 'query/q']), main(['asset', 'show', 'query/q']), "
        "main(['asset', 'list']), main(['asset', 'export', 'out', '--all']), main(['asset', 'import', 'out'])]; "
        "print(codes, [name for name in sys.modules if name.split('.')[0] in ('textual', 'networkx', 'httpx')], "
        "file=sys.stderr)"
    )
    paths = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run([sys.executable, "-c", code], cwd=home, env=paths, capture_output=True, text=True, check=True)
    assert done.stderr == "[<ExitCode.SUCCEEDED: 0>, <ExitCode.SUCCEEDED: 0>, <ExitCode.SUCCEEDED: 0>, " + (
        "<ExitCode.SUCCEEDED: 0>, <ExitCode.SUCCEEDED: 0>] []\n"
    )


# add


def test_what_was_added_is_told(cli: Cli, home: Path) -> None:
    (home / "q.sql").write_text(NARROW)
    first = cli("asset", "add", "q.sql", "--as", "query/mine")
    assert (first.code, first.err) == (0, "")
    assert first.out == "added query/mine@1  · DRAFT\nno version is published: runs use one only by override\n"
    again = cli("asset", "add", "q.sql", "--as", "query/mine")
    assert again.out.startswith("query/mine@1 has this content already; nothing was added  · DRAFT\n")
    published = cli("asset", "add", "q.sql", "--as", "query/mine", "--publish")
    assert published.out == "published query/mine@1, which has this content already  ✓ PUBLISHED\n"
    (home / "q.sql").write_text(WIDE)
    second = cli("asset", "add", "q.sql", "--as", "query/mine", "--note", " wider ")
    assert second.out == "added query/mine@2  · DRAFT\nruns that name no version use @1\n"
    shown = of_json(cli, "asset", "show", "query/mine@2")
    assert (shown["author"], shown["note"]) == (pwd.getpwuid(os.getuid()).pw_name, "wider")
    assert author() in (getpass.getuser(), shown["author"])


def test_what_was_added_as_json(cli: Cli, home: Path) -> None:
    (home / "g.yaml").write_text(GATES)
    assert of_json(cli, "asset", "add", "g.yaml", "--as", "policy/gates", "--publish") == {
        "ref": "policy/gates@1",
        "new": True,
        "changed": True,
        "status_before": None,
        "status": "published",
        "in_force": 1,
    }
    assert of_json(cli, "asset", "add", "g.yaml", "--as", "policy/gates")["new"] is False


def test_standard_input_needs_no_ending(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(GATES.encode())))
    assert cli("asset", "add", "-", "--as", "policy/gates", "--media-type", "application/yaml").code == 0
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"kind: [")))
    answer = cli("asset", "add", "-", "--as", "policy/gates", "--media-type", "application/yaml")
    assert answer.code == 2
    assert "standard input:1:" in answer.err


@pytest.mark.parametrize(
    ("words", "content", "cause"),
    [
        (["nowhere", "--as", "query/q"], None, "there is no such file"),
        ([".", "--as", "query/q"], None, "this is a folder"),
        (["f", "--as", "query/q@2"], b"x", "the next version gets the next number"),
        (["f", "--as", "widget/q"], b"x", "there is no type of asset 'widget'; there are policy, query"),
        (["f", "--as", "q"], b"x", "'q' names no asset; write type/name"),
        (["f"], b"x", "the following arguments are required: --as"),
        (["f", "--as", "query/q", "--media-type", "sql"], b"x", "'sql' is no media type"),
        (["f", "--as", "query/q", "--note", "two\nlines"], b"x", "--note is one line"),
        (["f", "--as", "query/q"], b"x" * (1024 * 1024 + 1), "the content is larger than 1 MiB"),
        (["f", "--as", "query/q"], b"\xff", "the content is not UTF-8"),
        (["f", "--as", "query/q"], b"", "the content is empty"),
        (["f", "--as", "policy/q"], b"x", "a policy is YAML or JSON, not text/plain"),
        (
            ["f", "--as", "policy/q", "--media-type", "application/json"],
            b'{"kind":\n}',
            "1 fault in the asset f\nf:2:1:",
        ),
    ],
)
def test_what_cannot_be_added(
    cli: Cli, home: Path, database: Path, words: list[str], content: bytes | None, cause: str
) -> None:
    if content is not None:
        (home / "f").write_bytes(content)
    answer = cli("asset", "add", *words)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(f"opscope: {cause}")
    assert not database.exists()


# publish and deprecate


def test_publish_and_deprecate(cli: Cli, two: None) -> None:
    assert cli("asset", "publish", "query/mine@2", "--note", "seen by two").out == "published query/mine@2\n"
    assert cli("asset", "publish", "query/mine@2").out == "query/mine@2 is published already\n"
    gone = cli("asset", "deprecate", "query/mine@2", "--note", "too slow")
    assert gone.out == "deprecated query/mine@2\nruns that name no version use @1\n"
    assert "is deprecated already" in cli("asset", "deprecate", "query/mine@2").out
    last = cli("asset", "deprecate", "query/mine@1").out
    assert last == "deprecated query/mine@1\nno version is published: plans that name this one still get it\n"
    shown = cli("asset", "show", "query/mine").out
    assert f"@2 published by {author()}: seen by two\n" in shown
    assert f"@2 deprecated by {author()}: too slow\n" in shown


@pytest.mark.parametrize(
    ("words", "cause", "hint"),
    [
        (["publish", "query/mine"], "query/mine names no version", "say which: query/mine@2;"),
        (["publish", "query/mine@3"], "there is no version 3 of query/mine", "there are @1 published, @2 draft"),
        (["publish", "query/mien@1"], "there is no asset query/mien", "did you mean query/mine?"),
        (["publish", "tool/xyzzy@1"], "there is no asset tool/xyzzy", "opscope asset add FILE --as tool/xyzzy"),
        (
            ["deprecate", "query/mine@2"],
            "query/mine@2 is a draft, and only what was published is deprecated",
            "leave it",
        ),
        (["deprecate", "query/mine@x"], "'query/mine@x' names no asset", "opscope asset list"),
    ],
)
def test_what_cannot_be_published_or_deprecated(cli: Cli, two: None, words: list[str], cause: str, hint: str) -> None:
    answer = cli("asset", *words)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(f"opscope: {cause}")
    assert hint in answer.err


def test_a_shipped_asset_is_versioned_on(cli: Cli, home: Path) -> None:
    before = of_json(cli, "asset", "show", "policy/routing")
    assert before["shipped"] is True
    (home / "r.yaml").write_text(before["content"] + "# mine\n")
    (number,) = [before["versions"][-1]["version"] + 1]
    assert of_json(cli, "asset", "add", "r.yaml", "--as", "policy/routing")["ref"] == f"policy/routing@{number}"
    after = of_json(cli, "asset", "show", "policy/routing")
    assert (after["shipped"], after["content"], after["in_force"]) == (False, before["content"], before["in_force"])


# list and show


def test_list_filters(cli: Cli, home: Path, two: None) -> None:
    (home / "g.yaml").write_text(GATES)
    cli("asset", "add", "g.yaml", "--as", "policy/mine-gates", "--publish")

    def named(*words: str) -> list[str]:
        return [f"{one['type']}/{one['name']}" for one in of_json(cli, "asset", "list", *words)]

    assert set(named()) == {"query/mine", "policy/mine-gates", *map(str, shipped_names())}
    assert named() == sorted(named())
    assert named("MINE") == ["policy/mine-gates", "query/mine"]
    assert named("mine") == named("*mine*") == ["policy/mine-gates", "query/mine"]
    assert named("mine*", "--type", "policy") == ["policy/mine-gates"]
    assert named("query/min?") == ["query/mine"]
    assert named("[m]ine") == []
    assert named("mine", "--status", "draft") == ["query/mine"]
    assert named("mine", "--status", "published") == ["policy/mine-gates", "query/mine"]
    assert named("mine", "--status", "deprecated") == []
    assert cli("asset", "list", "nothing-like-it").out == "no asset is like that\n"


def test_the_table(cli: Cli, two: None) -> None:
    head, row = cli("asset", "list", "mine").out.splitlines()
    assert head.split() == ["ASSET", "IN", "FORCE", "NEWEST", "STATUS", "RUNS", "ADDED", "NOTE"]
    assert row.split()[:6] == ["query/mine", "@1", "@2", "·", "DRAFT", "–"]
    assert "shipped" in cli("asset", "list", "policy/routing").out


@pytest.mark.parametrize("words", [["list", "--type", "polcy"], ["list", "--status", "final"]])
def test_an_unknown_word_is_told_with_those_that_there_are(cli: Cli, words: list[str]) -> None:
    answer = cli("asset", *words)
    assert answer.code == 2
    assert "<" not in answer.err
    said = answer.err.replace("'", "")  # which some versions of Python put around each word
    assert "policy, query" in said or "draft, published" in said


def test_show_names_the_runs(cli: Cli, database: Path, two: None) -> None:
    run_id = use(database, "query/mine@1", NARROW, source="published")
    shown = cli("asset", "show", "query/mine").out
    assert shown.startswith("query/mine@1  ✓ PUBLISHED  application/sql\n")
    assert f"sha256  {digest_of(NARROW)}\n" in shown
    (line,) = [line for line in shown.splitlines() if run_id[:4] in line and "SUCCEEDED" in line]
    assert line.split()[:6] == ["✓", "SUCCEEDED", line.split()[2], "demo", "@1", "published"]
    assert shown.endswith(f"\n\n  {NARROW}")
    document = of_json(cli, "asset", "show", "query/mine")
    assert [(one["run_id"], one["version"], one["source"]) for one in document["uses"]] == [(run_id, 1, "published")]
    assert [one["runs"] for one in document["versions"]] == [1, 0]
    assert [one["action"] for one in document["log"]] == ["added", "published", "added"]
    assert "no run has used it\n" in cli("asset", "show", "query/mine@2").out
    (listed,) = of_json(cli, "asset", "list", "query/mine")
    assert listed["runs"] == 1


def test_the_content_as_it_is(home: Path) -> None:
    content = "größer\r\n\x1b[31mred\x07 no newline".encode()
    (home / "p.txt").write_bytes(content)
    paths = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    script = "import sys; from tui.commands import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", script]
    subprocess.run([*command, "asset", "add", "p.txt", "--as", "prompt/p"], check=True, env=paths, cwd=home)
    done = subprocess.run(
        [*command, "asset", "show", "prompt/p", "--content"], check=True, env=paths, cwd=home, capture_output=True
    )
    assert done.stdout == content
    shown = subprocess.run(
        [*command, "asset", "show", "prompt/p"], check=True, env=paths, cwd=home, capture_output=True, text=True
    )
    assert "\x1b" not in shown.stdout
    assert "\\x1b[31mred" in shown.stdout


def test_a_long_content_is_cut_short_and_says_how_to_see_the_rest(cli: Cli, home: Path) -> None:
    (home / "p.txt").write_text("".join(f"line {number}\n" for number in range(1, 101)))
    cli("asset", "add", "p.txt", "--as", "prompt/p")
    shown = cli("asset", "show", "prompt/p").out
    assert shown.endswith("  line 40\n  and 60 lines more: opscope asset show prompt/p@1 --content\n")


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        (["query/mine@7"], "there is no version 7 of query/mine"),
        (["query/mien"], "there is no asset query/mien\n  did you mean query/mine?"),
        (["mine"], "'mine' names no asset"),
        (["query/mine", "--content", "--json"], "argument --json: not allowed with argument --content"),
    ],
)
def test_what_cannot_be_shown(cli: Cli, two: None, words: list[str], cause: str) -> None:
    answer = cli("asset", "show", *words)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(f"opscope: {cause}")


# diff


@pytest.mark.parametrize(
    "words",
    [
        ["query/mine@1", "query/mine@2"],
        ["query/mine", "1", "2"],
        ["query/mine@1", "@2"],
        ["query/mine"],
        ["query/mine@2"],
    ],
)
def test_diff_of_texts(cli: Cli, two: None, words: list[str]) -> None:
    answer = cli("asset", "diff", *words)
    assert answer.code == 0
    assert answer.out == ("--- query/mine@1\n+++ query/mine@2\n@@ -1 +1 @@\n-SELECT 1 -- narrow\n+SELECT 2 -- wide\n")


def test_diff_of_documents_says_what_they_say(cli: Cli, home: Path) -> None:
    (home / "g.yaml").write_text(GATES)
    cli("asset", "add", "g.yaml", "--as", "policy/gates")
    (home / "g.yaml").write_text(OTHER_GATES)
    cli("asset", "add", "g.yaml", "--as", "policy/gates")
    answer = cli("asset", "diff", "policy/gates", "1", "2")
    assert answer.out.endswith('\n2 changes in what they say\n  ~ min_rows: 3 → 4\n  + names[1]: "c"\n')
    document = of_json(cli, "asset", "diff", "policy/gates", "1", "2")
    assert [(one["kind"], one["path"]) for one in document["changes"]] == [
        ("changed", "min_rows"),
        ("added", "names[1]"),
    ]
    assert document["same"] is False
    (home / "g.json").write_text(json.dumps({"names": ["a", "c", "b"], "min_rows": 4, "kind": "gates"}))
    cli("asset", "add", "g.json", "--as", "policy/gates")
    answer = cli("asset", "diff", "policy/gates", "2", "3")
    assert answer.out.startswith("media type application/yaml → application/json\n--- policy/gates@2\n")
    assert answer.out.endswith("\nboth say the same; only the layout differs\n")


def test_diff_of_the_same_and_of_the_end_of_a_file(cli: Cli, home: Path) -> None:
    for content in ("a\n", "a", "a\n"):
        (home / "p.txt").write_text(content)
        assert "added" in cli("asset", "add", "p.txt", "--as", "prompt/p").out
    assert cli("asset", "diff", "prompt/p", "1", "3").out == "prompt/p@1 and prompt/p@3 have the same content\n"
    assert cli("asset", "diff", "prompt/p", "1", "2").out.splitlines()[3:] == ["-a", "+a", "\\ no newline at the end"]
    assert of_json(cli, "asset", "diff", "prompt/p", "1", "3")["same"] is True


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        (["query/mine", "1", "9"], "there is no version 9 of query/mine"),
        (["query/mine", "1", "2", "1"], "two versions can be compared, not more"),
        (["query/mine@1", "1", "2"], "two versions can be compared, not more"),
        (["query/mine@1"], "there is no version before query/mine@1"),
        (["query/mine", "x"], "'x' names no asset"),
        (["query/none"], "there is no asset query/none"),
    ],
)
def test_what_cannot_be_compared(cli: Cli, two: None, words: list[str], cause: str) -> None:
    answer = cli("asset", "diff", *words)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(f"opscope: {cause}")


# The file under it


def test_reading_makes_no_file(cli: Cli, database: Path) -> None:
    assert cli("asset", "list").code == cli("asset", "show", "policy/routing").code == 0
    assert cli("asset", "publish", "query/none@1").code == 2
    assert not database.exists()


def test_a_file_of_schema_1_is_listed_and_then_brought_up(cli: Cli, database: Path, home: Path) -> None:
    database.parent.mkdir(parents=True)
    shutil.copyfile(FIXTURE, database)
    assert cli("asset", "list").err == ""
    assert of_json(cli, "asset", "show", "policy/routing")["log"] == []
    (home / "q.sql").write_text(NARROW)
    answer = cli("asset", "add", "q.sql", "--as", "query/q")
    (copy,) = database.parent.glob("opscope.db.v1-*")
    assert answer.code == 0
    assert answer.err == f"! the file of runs was brought from schema 1 to 2; as it was, it is kept in {copy}\n"


def test_a_file_that_is_newer_or_none_of_ours_is_the_infrastructure(cli: Cli, home: Path) -> None:
    path = home / "new.db"
    (home / "q.sql").write_text(NARROW)
    assert cli("--db", str(path), "asset", "add", "q.sql", "--as", "query/q").code == 0
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    (home / "text.db").write_text("not a database" * 100)
    for name in ("new.db", "text.db"):
        for words in (["list"], ["show", "query/q"], ["publish", "query/q@1"], ["add", "q.sql", "--as", "query/q"]):
            answer = cli("--db", name, "asset", *words)
            assert (answer.code, answer.out) == (4, ""), (name, words)
            assert answer.err.startswith("opscope: ")


def test_every_verb_is_a_command() -> None:
    assert {f"asset {verb}" for verb in verbs_of("asset")} == {name for name in COMMANDS if " " in name}

"""`export`, `import`, `verify`, `prune` and the marks of imported runs, as a person and as a program meet them."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from store import queries
from store.reader import Reader
from tests.store.building import NOW_US
from tests.store.whole_file import SOURCE, Recorded, exported, record, record_runs
from tui.commands import disk
from tui.commands.context import Context
from tui.commands.output import Output
from tui.commands.quantities import age_or_none, size_or_none
from tui.viewmodel.runs import note

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tui.commands.conftest import Cli

GB = 10**9


@pytest.fixture
def recorded(database: Path) -> Recorded:
    """The user's database with a run that succeeded and one that failed."""
    database.parent.mkdir(parents=True)
    return record(database)


# Export


def test_export_to_stdout_and_to_a_file_are_the_same(cli: Cli, recorded: Recorded, home: Path) -> None:
    piped = cli("export", recorded.failed)
    filed = cli("export", recorded.failed, "-o", "run.json")
    assert (piped.code, piped.err, filed.code, filed.out) == (0, "", 0, "")
    assert filed.err == "wrote run.json: 29 events\n"
    assert (home / "run.json").read_text() == piped.out == exported(recorded.path, recorded.failed)
    assert (home / "run.json").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in home.iterdir()) == ["run.json", "state"]


def test_export_without_output(cli: Cli, recorded: Recorded) -> None:
    document = json.loads(cli("export", recorded.failed, "--no-logs", "--json").out)
    assert document["logs"] == []
    bounded = cli("export", recorded.failed, "--log-bytes", "50")
    assert len(json.loads(bounded.out)["logs"]) == 1
    assert bounded.err == "! 22 B of output are left out; --log-bytes keeps more\n"


def test_export_on_a_terminal_is_safe_and_still_a_trace(cli: Cli, recorded: Recorded, home: Path) -> None:
    shown = io.StringIO()
    from tui.commands import export
    from tui.commands.arguments import CommandParser

    parser = CommandParser("export")
    export.configure(parser)
    out = Output(shown, width=80)
    export.execute(parser.parse_args([recorded.failed]), Context(out=out, err=out, env=os.environ, db=recorded.path))
    text = shown.getvalue()
    assert all(character.isprintable() or character == "\n" for character in text)
    (home / "run.json").write_text(text)
    assert cli("--db", "other.db", "import", "run.json").code == 0
    assert exported(home / "other.db", recorded.failed) == exported(recorded.path, recorded.failed)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("export", "ffffffff"), 2, "no run begins with ffffffff"),
        (("export", "last", "-o", "missing/run.json"), 2, "cannot write the trace: No such file or directory"),
        (("export", "last", "-o", "."), 2, "this is a folder"),
        (("export", "last", "-o", "/dev/full"), 2, "cannot write the trace: No space left on device"),
        (("export", "last", "--log-bytes", "much"), 2, "'much' is not a size such as 500M or 2G"),
    ],
)
def test_export_refuses(
    cli: Cli, recorded: Recorded, home: Path, words: tuple[str, ...], code: int, message: str
) -> None:
    answer = cli(*words)
    assert (answer.code, answer.out) == (code, "")
    assert message in answer.err
    assert sorted(path.name for path in home.iterdir()) == ["state"]


@pytest.mark.parametrize("command", [("export", "last"), ("verify",), ("verify", "--rebuild"), ("prune",)])
def test_before_anything_has_run(cli: Cli, database: Path, command: tuple[str, ...]) -> None:
    answer = cli(*command)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("opscope: nothing has been run yet\n")
    assert not database.parent.exists()


# Import


@pytest.fixture
def traces(recorded: Recorded, home: Path) -> Path:
    """A folder with two traces; the user's database is put away."""
    folder = home / "traces"
    folder.mkdir()
    (folder / "a.json").write_text(exported(recorded.path, recorded.failed))
    (folder / "b.json").write_text(exported(recorded.path, recorded.succeeded))
    (folder / "note.txt").write_text("not a trace")
    recorded.path.rename(home / "first.db")
    return folder


def test_import_of_a_folder(cli: Cli, traces: Path, recorded: Recorded) -> None:
    answer = cli("import", "traces")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.splitlines() == [
        f"✓ imported       {recorded.failed[:6]}  night-check  29 events  traces/a.json",
        f"✓ imported       {recorded.succeeded[:6]}  night-check  26 events  traces/b.json",
    ]
    again = cli("import", "traces/a.json")
    assert again.code == 0
    assert again.out == f"· already there  {recorded.failed[:6]}  night-check  the same  traces/a.json\n"


def test_a_bad_file_does_not_stop_the_others(cli: Cli, traces: Path, recorded: Recorded) -> None:
    answer = cli("import", "traces/note.txt", "traces/a.json", "missing.json", "traces/b.json")
    assert answer.code == 2
    assert len(answer.out.splitlines()) == 2
    assert "opscope: this is no trace: a JSON object should begin here\n  traces/note.txt:1:1\n" in answer.err
    assert "opscope: there is no such file\n  missing.json\n" in answer.err
    assert answer.err.endswith("2 of 4 files refused\n")


def test_import_for_programs(cli: Cli, traces: Path, recorded: Recorded) -> None:
    answer = cli("import", "--json", "traces/a.json", "traces/note.txt", "traces/a.json")
    assert (answer.code, answer.err) == (2, "")
    said = json.loads(answer.out)
    assert [entry["outcome"] for entry in said] == ["imported", "refused", "already_there"]
    assert [entry["run_id"] for entry in said] == [recorded.failed, None, recorded.failed]
    assert said[1]["error"].startswith("traces/note.txt:1:1: this is no trace")


def test_import_from_a_pipe(cli: Cli, traces: Path, recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    content = io.TextIOWrapper(io.BytesIO((traces / "a.json").read_bytes()))
    monkeypatch.setattr(sys, "stdin", content)
    assert cli("import", "-").out.split()[2:4] == [recorded.failed[:6], "night-check"]


def test_another_run_of_the_same_id(cli: Cli, traces: Path, recorded: Recorded) -> None:
    from tests.store.exchange.forging import forged

    document = json.loads((traces / "a.json").read_text())
    document["events"][1]["actor"] = "operator:somebody-else"
    (traces / "a2.json").write_text(forged(document))
    assert cli("import", "traces/a.json").code == 0
    answer = cli("import", "traces/a2.json")
    assert answer.code == 2
    assert f"the file has a run {recorded.failed} already, and it is not this one" in answer.err


def test_an_empty_folder(cli: Cli, home: Path) -> None:
    (home / "empty").mkdir()
    assert "there is no .json file in this folder" in cli("import", "empty").err


def test_a_database_that_is_none(cli: Cli, traces: Path, database: Path) -> None:
    database.write_text("something else\n" * 1000)
    answer = cli("import", "traces")
    assert answer.code == 4
    assert answer.err.count("opscope: ") == 1


def test_imported_runs_are_marked_everywhere(cli: Cli, traces: Path, recorded: Recorded) -> None:
    cli("import", "traces")
    assert [line.split("  ")[-1].startswith("imported") for line in cli("runs").out.splitlines()[1:]] == [True, True]
    assert "  imported; s1: exit 7" in cli("show", recorded.failed).out
    heads = json.loads(cli("runs", "--json").out)
    assert all(head["imported_at"] and not head["engine_lost"] for head in heads)
    assert json.loads(cli("show", recorded.failed, "--json").out)["imported_at"]


def test_an_imported_run_that_was_live_is_not_lost(cli: Cli, home: Path, database: Path) -> None:
    (run_id,) = record_runs(home / "first.db", 1, unfinished=True)
    (home / "run.json").write_text(exported(home / "first.db", run_id))
    assert cli("--db", "first.db", "export", "last").err == "! the run is not over: the trace ends at event 21\n"
    cli("import", "run.json")
    listed = cli("runs").out
    assert "ENGINE LOST" not in listed
    assert "imported; it was running when it was exported, and does not go on here" in listed
    assert json.loads(cli("runs", "--json").out)[0]["engine_lost"] is False
    with Reader.open(database) as reader:
        row = reader.run(queries.run_by_id(run_id))
    assert row is not None
    assert note(row, engine_lost=True).startswith("imported")
    assert "ENGINE LOST" in cli("--db", "first.db", "runs").out


# Verify


def test_verify_of_a_sound_file(cli: Cli, recorded: Recorded) -> None:
    answer = cli("verify")
    assert (answer.code, answer.out, answer.err) == (0, "✓ 2 runs, 55 events: everything is as it was written\n", "")
    said = json.loads(cli("verify", "--json").out)
    assert (said["ok"], said["runs"], said["events"], said["findings"]) == (True, 2, 55, [])


def test_verify_and_rebuild(cli: Cli, recorded: Recorded) -> None:
    with closing(sqlite3.connect(recorded.path)) as connection:
        connection.execute("UPDATE runs SET status = 'canceled' WHERE run_id = ?", (recorded.failed,))
        connection.commit()
    answer = cli("verify")
    assert answer.code == 4
    first, hint, last = answer.out.splitlines()
    assert first == f"✗ projections run {recorded.failed}: runs: status is canceled, the events say failed"
    assert hint.strip() == "opscope verify --rebuild makes it anew from the events"
    assert last == f"1 thing wrong with {recorded.path}"
    assert json.loads(cli("verify", "--json").out)["findings"][0]["severity"] == "error"
    rebuilt = cli("verify", "--rebuild")
    assert rebuilt.code == 0
    assert f"run {recorded.failed}: runs: status is canceled" in rebuilt.out
    assert rebuilt.out.endswith("everything is as it was written\n")
    assert cli("verify").code == 0


def test_verify_of_damaged_events(cli: Cli, recorded: Recorded) -> None:
    with closing(sqlite3.connect(recorded.path)) as connection:
        connection.execute("UPDATE run_events SET actor = 'x' WHERE event_no = 5")
        connection.commit()
    assert cli("verify").code == 4
    answer = cli("verify", "--rebuild")
    assert (answer.code, answer.out) == (4, "")
    assert answer.err.startswith("opscope: nothing was rebuilt, because the events are damaged: run ")


def test_missing_output_is_a_warning(cli: Cli, recorded: Recorded) -> None:
    with closing(sqlite3.connect(recorded.path)) as connection:
        connection.execute("DELETE FROM logs WHERE log_id = 1")
        connection.commit()
    answer = cli("verify")
    assert answer.code == 0
    assert answer.out.startswith("! output ")
    assert answer.out.endswith("every event is as it was written; 1 warning\n")


# Prune


def test_prune(cli: Cli, database: Path) -> None:
    now = time.time_ns() // 1000
    database.parent.mkdir(parents=True)
    day = 86_400_000_000
    old, new = record_runs(database, 2, at_us=[now - 40 * day, now - 2 * day])
    would = cli("prune", "--dry-run")
    assert old[:6] in would.out
    assert would.out.splitlines()[-1].startswith("would remove 1 run of about ")
    assert json.loads(cli("prune", "--dry-run", "--json").out)["runs"][0]["run_id"] == old
    assert len(json.loads(cli("runs", "--json").out)) == 2
    said = json.loads(cli("prune", "--json").out)
    assert ([run["run_id"] for run in said["runs"]], said["kept"]) == ([old], 1)
    assert cli("prune", "--older-than", "none", "--keep-size", "none").out.startswith("removed 0 runs")
    assert cli("prune", "--older-than", "1d", "--yes").out.startswith("removed 1 run, 1 plan; freed ")
    assert cli("verify").out == "✓ 0 runs, 0 events: everything is as it was written\n"
    assert new


@pytest.mark.parametrize(("typed", "gone"), [("y\n", True), ("yes\n", True), ("n\n", False), ("", False)])
def test_prune_asks_on_a_terminal(
    database: Path, home: Path, monkeypatch: pytest.MonkeyPatch, typed: str, gone: bool
) -> None:
    from tui.commands import prune
    from tui.commands.arguments import CommandParser

    class Keyboard(io.StringIO):
        def isatty(self) -> bool:
            return True

    database.parent.mkdir(parents=True)
    record_runs(database, 1, at_us=[NOW_US - 90 * 86_400_000_000])
    monkeypatch.setattr(sys, "stdin", Keyboard(typed))
    parser = CommandParser("prune")
    prune.configure(parser)
    shown = io.StringIO()
    out = Output(shown, width=80)
    context = Context(out=out, err=out, env=os.environ, db=database)
    assert prune.execute(parser.parse_args(["--older-than", "1d"]), context) == 0
    assert "remove 1 run, keep 0? [y/N]" in shown.getvalue()
    with Reader.open(database) as reader:
        assert reader.run(queries.run_counts()).total == (0 if gone else 1)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2G", 2 * GB),
        ("500M", GB // 2),
        ("1.5GB", 3 * GB // 2),
        ("1KiB", 1024),
        ("2gib", 2 << 30),
        ("64", 64),
        ("none", None),
    ],
)
def test_sizes(text: str, found: int | None) -> None:
    assert size_or_none(text) == found


def test_ages() -> None:
    assert [age_or_none(text) for text in ("12h", "30d", "2w", "none")] == [
        43_200_000_000,
        2_592_000_000_000,
        1_209_600_000_000,
        None,
    ]


@pytest.mark.parametrize("text", ["", "-1", "2X", "G", "1e9", "9" * 40, "1.G"])
def test_what_is_no_amount(text: str) -> None:
    import argparse

    for read in (size_or_none, age_or_none):
        with pytest.raises(argparse.ArgumentTypeError):
            read(text)


# The disk


def test_a_disk_that_fills_up_is_told_on_a_terminal_only(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    from collections import namedtuple

    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage(100 * GB, 91 * GB, 9 * GB))
    for width, lines in ((80, 1), (None, 0)):
        shown = io.StringIO()
        out = Output(shown, width=width)
        disk.print_disk_warnings(Context(out=out, err=out, env={}, db=recorded.path))
        assert shown.getvalue().count("\n") == lines
    assert shown.getvalue() == ""


def test_the_schema_of_a_trace(cli: Cli) -> None:
    schema = json.loads(cli("schema", "trace").out)
    assert {"events", "plan", "logs", "run_id"} <= set(schema["required"])
    assert "run.created" in schema["$defs"]["EventKind"]["enum"]
    assert SOURCE


def test_the_demo_begins_with_the_samples(cli: Cli, database: Path) -> None:
    from engine.shipped import sample_traces
    from tui.commands.demo import import_samples

    shown = io.StringIO()
    out = Output(shown)
    context = Context(out=out, err=out, env=os.environ, db=database)
    assert import_samples(context) == len(sample_traces()) == 4
    assert shown.getvalue() == "imported 4 sample traces\n"
    assert import_samples(context) == 4
    assert shown.getvalue() == "imported 4 sample traces\n"
    assert cli("verify").code == 0

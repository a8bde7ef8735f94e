"""Export and import: the same document comes out again, and the imported run is all there, marked, and nobody's."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest

from engine.model.event import Event, EventKind
from store import queries
from store.exchange.document import TraceDocument, trace_schema
from store.exchange.exporting import export_run, snapshot
from store.exchange.importing import ImportOutcome, import_file
from store.integrity.verify import verify
from store.reader import Reader
from store.trace import run_head, trace_document
from store.writer import open_writer
from tests.store.building import NOW_US
from tests.store.whole_file import OUTPUT, Recorded, exported, real_creation, record

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return record(tmp_path_factory.mktemp("exchange") / "runs.db")


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("which", ["succeeded", "failed"])
def test_what_went_in_comes_out(recorded: Recorded, tmp_path: Path, which: str) -> None:
    run_id = getattr(recorded, which)
    document = exported(recorded.path, run_id)
    other = tmp_path / "other.db"
    imported = import_file(write(tmp_path / "run.json", document), other)
    assert (imported.outcome, imported.run_id) == (ImportOutcome.IMPORTED, run_id)
    assert exported(other, run_id) == document
    report = verify(other)
    assert (report.findings, report.runs, report.events) == ((), 1, imported.events)


def test_the_trace_is_what_the_first_file_showed(recorded: Recorded, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    import_file(write(tmp_path / "run.json", exported(recorded.path, recorded.failed)), other, now_us=NOW_US)
    with Reader.open(recorded.path) as here, Reader.open(other) as there:
        mine, theirs = trace_document(here, recorded.failed), trace_document(there, recorded.failed)
        logs = [row.content for row in there.run(queries.logs_page(recorded.failed))]
        plans = [reader.run(queries.plan_of(recorded.failed)) for reader in (here, there)]
    assert mine.pop("imported_at") is None
    assert theirs.pop("imported_at") == "2026-01-01T12:00:00.000000Z"
    assert mine == theirs
    assert logs == list(OUTPUT)
    assert plans[0] == plans[1]


def test_several_runs_keep_their_events_apart(recorded: Recorded, tmp_path: Path) -> None:
    other = record(tmp_path / "other.db")
    for run_id in (recorded.failed, recorded.succeeded):
        import_file(write(tmp_path / "run.json", exported(recorded.path, run_id)), other.path)
    assert verify(other.path).findings == ()
    for run_id in (recorded.failed, recorded.succeeded):
        assert exported(other.path, run_id) == exported(recorded.path, run_id)


def test_a_second_time_changes_nothing(recorded: Recorded, tmp_path: Path) -> None:
    document = write(tmp_path / "run.json", exported(recorded.path, recorded.failed))
    other = tmp_path / "other.db"
    import_file(document, other)
    with Reader.open(other) as reader:
        before = reader.run(queries.run_by_id(recorded.failed))
    assert import_file(document, other).outcome is ImportOutcome.ALREADY_THERE
    assert import_file(document, recorded.path).outcome is ImportOutcome.ALREADY_THERE
    with Reader.open(other) as reader:
        assert reader.run(queries.run_by_id(recorded.failed)) == before
    with Reader.open(recorded.path) as reader:
        own = reader.run(queries.run_by_id(recorded.failed))
    assert own is not None
    assert own.imported_at_us is None


def test_the_document_keeps_to_its_schema(recorded: Recorded) -> None:
    for run_id in (recorded.succeeded, recorded.failed):
        document = exported(recorded.path, run_id)
        TraceDocument.model_validate_json(document, strict=False)
        assert set(trace_schema()["required"]) <= json.loads(document).keys()


def test_reformatting_changes_nothing(recorded: Recorded, tmp_path: Path) -> None:
    document = exported(recorded.path, recorded.failed)
    text = json.dumps(json.loads(document), indent=4, ensure_ascii=True)
    parts = json.loads(document)
    turned = json.dumps({key: parts[key] for key in reversed(parts)})
    for number, changed in enumerate((text, turned)):
        other = tmp_path / f"{number}.db"
        import_file(write(tmp_path / "run.json", changed), other)
        assert exported(other, recorded.failed) == document


def test_output_can_be_left_out(recorded: Recorded, tmp_path: Path) -> None:
    none = exported(recorded.path, recorded.failed, most_log_bytes=0)
    assert json.loads(none)["logs"] == []
    assert json.loads(none)["logs_left_out"] == {"chunks": 3, "bytes": sum(map(len, OUTPUT))}
    last = exported(recorded.path, recorded.failed, most_log_bytes=len(OUTPUT[2]) + 3)
    kept = json.loads(last)["logs"]
    assert [entry["text"].encode() for entry in kept] == [OUTPUT[2]]
    other = tmp_path / "other.db"
    import_file(write(tmp_path / "run.json", last), other)
    assert exported(other, recorded.failed) == last
    assert verify(other).findings == ()


async def test_a_live_run_is_exported_as_it_stands(tmp_path: Path) -> None:
    path, other = tmp_path / "runs.db", tmp_path / "other.db"
    async with open_writer(path) as writer:
        created = real_creation(writer.engine_id)
        await writer.create_run(created)
        await writer.append(created.run_id, [Event(EventKind.RUN_STARTED, NOW_US)])
        taken = io.StringIO()
        with snapshot(path) as reader:
            # What is written while the document is: not in it, and not half in it.
            def write_on(piece: str) -> None:
                taken.write(piece)

            said = export_run(reader, created.run_id, write_on)
        await writer.append(created.run_id, [Event(EventKind.RUN_CANCELED, NOW_US, {"duration_us": 5})])
    assert not said.is_over
    imported = import_file(write(tmp_path / "live.json", taken.getvalue()), other)
    with Reader.open(other) as reader:
        row = reader.run(queries.run_by_id(created.run_id))
        assert row is not None
        assert (row.status.value, run_head(row)["status"]) == ("running", "running")
        assert row.imported_at_us is not None
        assert reader.run(queries.live_runs()) == []
        assert reader.run(queries.live_engines()) == {}
    again = import_file(tmp_path / "live.json", path)
    assert again.outcome is ImportOutcome.ALREADY_THERE
    assert again.known_events == imported.events + 1


def test_the_snapshot_does_not_move(tmp_path: Path) -> None:
    recorded = record(tmp_path / "runs.db")
    with snapshot(recorded.path) as reader:
        before = reader.run(queries.run_counts()).total
        record(recorded.path)
        assert reader.run(queries.run_counts()).total == before
    with snapshot(recorded.path) as reader:
        assert reader.run(queries.run_counts()).total == before + 2

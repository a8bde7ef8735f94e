"""Lists of events: the little of each that fits a line, and which pass a filter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.event import Event, EventKind
from engine.model.states import Stage
from store.queries import EventFilter, event_heads, event_seqs
from store.reader import Reader
from store.writer import open_writer
from tests.tui.stories import Story

if TYPE_CHECKING:
    from pathlib import Path


async def told(path: Path) -> Story:
    """A run of two steps, written; the second step failed, with much output."""
    story = Story(1).begin().run("fetch").start("copy")
    story.end("copy", "failed", message="no space on device", exit_code=28)
    story.events.append(Event(EventKind.LOCK_ACQUIRED, 5, {"names": [f"lock{n}" for n in range(50)]}))
    async with open_writer(path) as writer:
        await story.write(writer)
    return story


async def test_heads_say_what_fits_a_line(tmp_path: Path) -> None:
    """The fields that are told, nested ones too; long lists and everything else stay where they are."""
    path = tmp_path / "runs.db"
    story = await told(path)
    with Reader.open(path) as reader:
        heads = reader.run(event_heads(story.run_id, 1, 100))
        assert [head.seq for head in heads] == list(range(1, len(heads) + 1))
        assert heads[0].told["plan_id"] == "deploy"
        assert (heads[2].stage, heads[2].told) == (Stage.EXECUTE, {})
        failed = next(head for head in heads if head.kind is EventKind.ATTEMPT_FINISHED and head.step_id == "copy")
        assert failed.told["message"] == "no space on device"
        assert failed.told["exit_code"] == 28
        assert "stdout" not in failed.told
        assert failed.data_bytes > 100
        names = heads[-1].told["names"]
        assert isinstance(names, list)
        assert len(names) == 20
        assert [head.seq for head in reader.run(event_heads(story.run_id, 4, 6))] == [4, 5, 6]
        assert reader.run(event_heads("f" * 32, 1, 9)) == []


async def test_a_filter_chooses_by_kind_step_and_words(tmp_path: Path) -> None:
    """Any of the kinds and steps, all of the words; nothing in them is a pattern but `*` and `?`."""
    path = tmp_path / "runs.db"
    story = await told(path)
    with Reader.open(path) as reader:

        def passing(chosen: EventFilter, after: int = 0) -> list[int]:
            return reader.run(event_seqs(story.run_id, chosen, after_seq=after, last_seq=1000))

        every = passing(EventFilter())
        attempts = passing(EventFilter(kinds=("attempt.*",)))
        assert len(every) == 12
        assert attempts == [5, 6, 7, 9, 10, 11]
        assert passing(EventFilter(kinds=("ATTEMPT.*",), steps=("cop?",))) == [9, 10, 11]
        assert passing(EventFilter(words=("no space", "DEVICE"))) == [11]
        assert passing(EventFilter(words=("100%",))) == []
        assert passing(EventFilter(words=("no space", "elsewhere"))) == []
        assert passing(EventFilter(kinds=("attempt.*",)), after=7) == [9, 10, 11]
        assert reader.run(event_seqs(story.run_id, EventFilter(), last_seq=2)) == [1, 2]

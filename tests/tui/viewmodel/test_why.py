"""Why a run stands as it does, in every state, as the text that a person reads at 80 columns."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from engine.model.event import EventKind
from engine.model.states import Stage, Stream
from engine.pipeline.clock import SystemClock
from engine.steps.processes import process_identity
from store.async_reader import AsyncReader
from store.locks import Locks
from store.queries import run_by_id
from store.reader import Reader
from store.writer import open_writer
from tests.tui.stories import NOW_US, Story
from tui.evidence import Standing, ask, ask_async, gather, gather_waiting
from tui.viewmodel.runs import Moment
from tui.viewmodel.text import plain
from tui.viewmodel.waiting import waiting, waiting_lines
from tui.viewmodel.why import explain, to_json
from tui.viewmodel.why_lines import why_lines

if TYPE_CHECKING:
    from pathlib import Path

    from engine.model.json import JsonObject
    from tui.viewmodel.explanation import Evidence, Explanation

MOMENT = Moment(NOW_US, UTC)
ENGINE = "e" * 32


async def written(path: Path, *stories: Story) -> Path:
    """A file with these runs, whose engine is dead."""
    async with open_writer(path, engine_id=ENGINE) as writer:
        for story in stories:
            await story.write(writer)
    return path


def evidence(path: Path, story: Story, *, engine_pid: int | None = 4242, again: str = "") -> Evidence:
    with Reader.open(path) as reader:
        run = reader.run(run_by_id(story.run_id))
        assert run is not None
        return ask(reader, gather(Standing(run, "/var/lib/opscope.db", engine_pid, again)))


def text(found: Evidence, width: int | None = 80) -> str:
    lines = why_lines(explain(found, MOMENT), MOMENT, width, short=found.short)
    shown = [plain(line).rstrip() for line in lines]
    return "\n".join(shown) + "\n"


def told(found: Evidence) -> str:
    """The answer and what belongs to it, without the sections below."""
    return text(found).partition("\n\n")[0] + "\n"


def next_of(found: Evidence) -> list[str]:
    return [step.command for step in explain(found, MOMENT).answer.next]


def failing(number: int = 1, **kwargs: object) -> Story:
    """A run whose second step fails after three attempts, which takes two more with it."""
    story = Story(number, steps=("fetch", "copy", "restart", "smoke"), **kwargs).begin().run("fetch")  # type: ignore[arg-type]
    for attempt in (1, 2, 3):
        story.start("copy", attempt).end(
            "copy", "failed", attempt, took=2.0, message="exit 7: no space left on device", exit_code=7,
            stderr="copying release 12\n\x1b[31mno space left on device\x1b[0m\n", reason="exit_code",
        )  # fmt: skip
        story.after(0.5)
    message = "exit 7: no space left on device; gave up after 3 attempts"
    story.settle("copy", "failed", attempts=3, took=7.0, message=message, exit_code=7, reason="exit_code")
    story.settle("restart", "canceled", attempts=0, message="not run", reason="aborted")
    story.settle("smoke", "skipped", attempts=0, message="not run", reason="dependency_failed")
    cause: JsonObject = {"stage": "execute", "step_id": "copy", "reason": "exit_code", "message": message}
    return story.finish("failed", cause=cause)


def good(number: int = 2, **kwargs: object) -> Story:
    story = Story(number, ago=90_000, steps=("fetch", "copy", "restart", "smoke"), **kwargs).begin()  # type: ignore[arg-type]
    for step in story.steps:
        story.run(step)
    return story.finish("succeeded")


async def test_a_run_that_failed(tmp_path: Path) -> None:
    now, then = failing(params={"release": 12}), good(params={"release": 11})
    path = await written(tmp_path / "runs.db", then, now)
    assert text(evidence(path, now, again="opscope run deploy -p release=12")) == dedent(f"""\
        ✗ FAILED  copy: exit 7: no space left on device; gave up after 3 attempts
          deploy 1.4, run {now.short}, started 11:50:00 by ops on ctl-1, took 8.5s
          Because of it 2 more steps were not run to the end: 1 canceled, 1 skipped.

        copy wrote to stderr
          copying release 12
          no space left on device

        3 attempts, 1.0s of waiting between them
            1  ✗ 11:50:01     2.0s                exit 7: no space left on device
            2  ✗ 11:50:03     2.0s  after 500ms   the same
            3  ✗ 11:50:06     2.0s  after 500ms   the same

        against the last good run {then.short} of Dec 31 11:00, which took 4.0s
          release  11 → 12
          copy     succeeded, 1.0s → failed, exit 7, 7.0s

        what copy ran, to paste into a shell
        cd /srv/ops && env -i \\
          PATH=/usr/bin:/bin OPSCOPE_RUN_ID={now.run_id} \\
          OPSCOPE_STEP_ID=copy OPSCOPE_ATTEMPT=3 OPSCOPE_IDEMPOTENCY_KEY=kkkkkkkk \\
          copy --now </dev/null
          the plan does not call this step idempotent: run again, it does its work again

        next
          opscope logs {now.short} copy          everything it wrote
          opscope show '{now.short}/stage/execute?step=copy'
              the step with all its attempts
          opscope run deploy -p release=12  run it once more
    """)


async def test_an_asynchronous_reader_is_asked_the_same(tmp_path: Path) -> None:
    story = failing()
    path = await written(tmp_path / "runs.db", good(), story)
    found = evidence(path, story)
    async with await AsyncReader.open(path) as reader:
        run = await reader.run(run_by_id(story.run_id))
        assert run is not None
        assert await ask_async(reader, gather(Standing(run, "/var/lib/opscope.db", 4242))) == found


async def test_nothing_that_was_given_differs(tmp_path: Path) -> None:
    story = failing()
    path = await written(tmp_path / "runs.db", good(), story)
    assert "  same plan, parameters, assets, host, folder and environment: what changed lies" in text(
        evidence(path, story)
    )


async def test_the_first_run_of_a_plan(tmp_path: Path) -> None:
    story = failing()
    path = await written(tmp_path / "runs.db", good(plan_id="other"), story)
    found = evidence(path, story)
    assert found.comparison is None
    assert "  No earlier run of deploy has succeeded.\n" in told(found)
    assert "against the last good run" not in text(found)


async def test_a_later_or_a_test_run_is_no_measure(tmp_path: Path) -> None:
    now, later = failing(), good(3)
    for event in later.events:
        object.__setattr__(event, "at_us", event.at_us + 90_000_000_000)
    path = await written(tmp_path / "runs.db", now, later, good(4, mode="test"))
    assert evidence(path, now).comparison is None


async def test_other_steps_that_failed_by_themselves(tmp_path: Path) -> None:
    story = Story(1).begin()
    for step in story.steps:
        story.start(step).end(step, "failed", message="exit 1", exit_code=1, reason="exit_code")
        story.settle(step, "failed", message="exit 1", exit_code=1, reason="exit_code")
    cause: JsonObject = {"stage": "execute", "step_id": "fetch", "reason": "exit_code", "message": "exit 1"}
    path = await written(tmp_path / "runs.db", story.finish("failed", cause=cause))
    assert told(evidence(path, story)).startswith("✗ FAILED  fetch: exit 1\n")
    assert "  Also failed, by itself: copy, restart.\n" in told(evidence(path, story))


async def test_a_stage_that_failed_without_a_step(tmp_path: Path) -> None:
    story = Story(1).begin().run("fetch")
    errors = ["summary: there is no step 'fetsh'", "count: 3 is no list"]
    output: JsonObject = {"diagnostics": {"status": "error", "warnings": [], "errors": [*errors]}}
    story.tell(EventKind.STAGE_STARTED, {"input": {}}, stage=Stage.COMPOSE)
    story.tell(EventKind.STAGE_FINISHED, {"status": "failed", "duration_us": 1, "output": output}, stage=Stage.COMPOSE)
    cause: JsonObject = {"stage": "compose", "step_id": None, "reason": None, "message": errors[0]}
    path = await written(tmp_path / "runs.db", story.finish("failed", cause=cause))
    found = evidence(path, story)
    assert told(found) == dedent(f"""\
        ✗ FAILED  compose: summary: there is no step 'fetsh'
          deploy 1.4, run {story.short}, started 11:50:00 by ops on ctl-1, took 1.0s
          No earlier run of deploy has succeeded.
          count: 3 is no list
    """)
    assert next_of(found) == [f"opscope show '{story.short}/stage/compose'"]


async def test_a_run_that_succeeded(tmp_path: Path) -> None:
    story = good()
    path = await written(tmp_path / "runs.db", story)
    assert told(evidence(path, story)).startswith("✓ SUCCEEDED  nothing failed\n")
    assert next_of(evidence(path, story)) == [f"opscope show {story.short}"]


async def test_a_run_that_succeeded_with_a_failure_let_pass(tmp_path: Path) -> None:
    story = Story(1).begin().run("fetch").start("copy")
    story.end("copy", "failed", message="exit 1", exit_code=1, stderr="odd\n", reason="exit_code")
    story.settle("copy", "failed", message="exit 1", exit_code=1, reason="exit_code")
    warning = "copy: exit 1, continued (on_failure: continue)"
    story.run("restart").finish("succeeded", warnings=(warning,))
    path = await written(tmp_path / "runs.db", story)
    found = evidence(path, story)
    assert told(found).splitlines()[0] == "✓ SUCCEEDED  nothing failed the run, but there is 1 warning"
    assert told(found).splitlines()[2] == f"  {warning}"
    assert "\ncopy wrote to stderr\n  odd\n" in text(found)


async def test_a_run_that_was_canceled(tmp_path: Path) -> None:
    story = Story(1).begin().run("fetch").start("copy").after(5)
    story.tell(EventKind.CONTROL_RECEIVED, {"verb": "cancel", "force": False}, actor="operator:kim").after(2)
    story.tell(EventKind.CONTROL_RECEIVED, {"verb": "cancel", "force": True}, actor="operator:lee")
    story.end("copy", "canceled", took=1, message="canceled while it ran", exit_code=None, reason="canceled")
    story.settle(
        "copy", "canceled", took=8, message="stopped: canceled by operator:kim", exit_code=None, reason="canceled"
    )
    story.settle("restart", "canceled", attempts=0, message="not run: canceled by operator:kim", reason="canceled")
    path = await written(tmp_path / "runs.db", story.finish("canceled"))
    found = evidence(path, story)
    assert told(found) == dedent(f"""\
        ⊘ CANCELED  kim canceled it at 11:50:06
          deploy 1.4, run {story.short}, started 11:50:00 by ops on ctl-1, took 9.0s
          By force: lee. Steps under finally were not run.
          copy was running, for 8.0s, and was stopped.
          1 step had not begun.
    """)
    assert "what copy ran, to paste" in text(found)


async def test_a_cancel_that_could_not_be_recorded(tmp_path: Path) -> None:
    story = Story(1, steps=("fetch",)).begin().start("fetch")
    story.end("fetch", "canceled", message="canceled while it ran", exit_code=None, reason="canceled")
    story.settle("fetch", "canceled", message="stopped: canceled by operator:kim", exit_code=None, reason="canceled")
    path = await written(tmp_path / "runs.db", story.finish("canceled"))
    assert told(evidence(path, story)).startswith("⊘ CANCELED  canceled by operator:kim\n")


def quarantined(*uncertain: str) -> Story:
    story = Story(1).begin().run("fetch")
    for step in uncertain:
        story.start(step)
    story.after(30).tell(EventKind.RUN_TAKEN_OVER, {"from_engine": "a", "to_engine": ENGINE, "epoch": 1})
    return story.tell(EventKind.RUN_QUARANTINED, {"uncertain": [*uncertain]})


async def test_one_uncertain_step(tmp_path: Path) -> None:
    story = quarantined("copy")
    path = await written(tmp_path / "runs.db", story)
    found = evidence(path, story, engine_pid=None)
    assert told(found) == dedent(f"""\
        ◆ QUARANTINED  it waits for your decision on copy since 11:50:31: it was under
          way when the engine died, and the work may have been done or not
          deploy 1.4, run {story.short}, started 11:50:00 by ops on ctl-1, for 31.0s
          copy was in attempt 1.
    """)
    assert next_of(found) == [
        f"opscope resume {story.short} --succeeded copy",
        f"opscope resume {story.short} --retry copy",
        f"opscope resume {story.short} --skip copy",
        f"opscope cancel {story.short}",
    ]
    assert "what copy ran, to paste" in text(found)


async def test_every_uncertain_step_stands_in_each_command(tmp_path: Path) -> None:
    story = quarantined("copy", "restart")
    path = await written(tmp_path / "runs.db", story)
    assert next_of(evidence(path, story, engine_pid=None)) == [
        f"opscope resume {story.short} --succeeded copy --succeeded restart",
        f"opscope resume {story.short} --retry copy --retry restart",
        f"opscope resume {story.short} --skip copy --skip restart",
        f"opscope resume {story.short} --retry copy --skip restart",
        f"opscope cancel {story.short}",
    ]


@pytest.mark.parametrize(
    ("reason", "sentence", "commands"),
    [
        ("operator", "kim paused it at 11:50:01, 9m 59s ago", ["resume", "cancel"]),
        ("approval", "it asked for an approval at 11:50:01, 9m 59s ago", ["approve", "deny"]),
        (
            "storage",
            "the disk of /var/lib/opscope.db was full at 11:50:01, 9m 59s ago; it goes on by itself when there is room",
            ["df -h /var/lib", "cancel"],
        ),
        (
            "engine_lost",
            "its engine died, which was noticed at 11:50:01, 9m 59s ago; it can go on where it was",
            ["resume", "cancel"],
        ),
    ],
)
async def test_a_paused_run(tmp_path: Path, reason: str, sentence: str, commands: list[str]) -> None:
    story = Story(1).begin().run("fetch")
    story.tell(EventKind.CONTROL_RECEIVED, {"verb": "pause", "force": False}, actor="operator:kim")
    story.tell(EventKind.RUN_PAUSED, {"reason": reason, "message": ""})
    path = await written(tmp_path / "runs.db", story)
    found = evidence(path, story)
    assert text(found, None).splitlines()[0] == f"‖ PAUSED  {sentence}"
    asked = [command if " " in command else f"opscope {command} {story.short}" for command in commands]
    assert next_of(found) == asked


async def test_a_lost_engine_and_what_it_left(tmp_path: Path) -> None:
    alive = process_identity(os.getpid())
    assert alive is not None
    gone = {**alive.to_json(), "start_ticks": alive.start_ticks + 1}
    story = Story(1).begin().run("fetch").start("copy", process=alive.to_json()).start("restart", process=gone)
    path = await written(tmp_path / "runs.db", story)
    found = evidence(path, story, engine_pid=None)
    assert found.engine_lost
    assert " ".join(told(found).split("deploy")[0].split()) == (
        f"✗ ENGINE LOST its engine died while copy, restart were running, and process {os.getpid()} of copy still runs; "
        "nothing else goes on until somebody resumes it"
    )
    assert dedent(told(found).split("resumes it\n")[1]) == dedent(f"""\
          deploy 1.4, run {story.short}, started 11:50:00 by ops on ctl-1
          The last it recorded: attempt.started of restart at 11:50:01, 9m 59s ago.
          copy was in attempt 1, process {os.getpid()} still runs.
          restart was in attempt 1, its process {os.getpid()} has ended.
          It was engine {ENGINE}.
    """)
    assert next_of(found)[:2] == [f"opscope resume {story.short}", f"opscope cancel {story.short}"]


async def test_an_idempotent_step_needs_no_decision(tmp_path: Path) -> None:
    story = Story(1, idempotent=True).begin().start("fetch")
    path = await written(tmp_path / "runs.db", story)
    said = " ".join(told(evidence(path, story, engine_pid=None)).split())
    assert "fetch was in attempt 1; the plan calls it idempotent, so it is run again by itself." in said


async def test_a_running_run(tmp_path: Path) -> None:
    now = Story(1, ago=100).begin().run("fetch").start("copy").write_log("copy", "10%\r20%\n", stream=Stream.STDOUT)
    path = await written(tmp_path / "runs.db", good(), now)
    found = evidence(path, now)
    assert text(found) == dedent(f"""\
        ● RUNNING  copy has been running for 1m 39s
          deploy 1.4, run {now.short}, started 11:58:20 by ops on ctl-1, for 1m 40s
          copy took 1.0s in the last good run, 99 times as long now.
          1 of 3 steps done.
          Its engine is process 4242.

        copy wrote to stdout, since it wrote nothing to stderr
          20%

        against the last good run {good().short} of Dec 31 11:00, which took 4.0s
          same plan, parameters, assets, host, folder and environment: what changed lies
          outside of them

        next
          opscope logs {now.short} copy -f  what it writes, as it comes
          opscope cancel {now.short}        end it
    """)


async def test_several_steps_run_and_one_has_failed(tmp_path: Path) -> None:
    story = Story(1).begin().start("copy").after(60).start("restart").start("fetch")
    story.end("fetch", "failed", message="exit 1", exit_code=1).settle("fetch", "failed", message="exit 1", exit_code=1)
    path = await written(tmp_path / "runs.db", story)
    lines = told(evidence(path, story)).splitlines()
    assert lines[0] == "● RUNNING  2 steps are running, copy for 10m 00s"
    assert "  Failed already: fetch." in lines


async def test_a_step_between_two_attempts(tmp_path: Path) -> None:
    story = Story(1, ago=5).begin().start("fetch").end("fetch", "failed", message="exit 1", exit_code=1)
    story.tell(EventKind.STEP_WAITING, {"next_attempt": 2, "delay_ms": 9000, "until_us": NOW_US + 5_000_000, "reason": "retry"},
               step="fetch")  # fmt: skip
    path = await written(tmp_path / "runs.db", story)
    lines = told(evidence(path, story)).splitlines()
    assert lines[0] == "● RUNNING  fetch waits for its next attempt"
    assert "  fetch failed 1 times: exit 1; attempt 2 in 5.0s." in lines


async def test_a_run_that_has_not_begun(tmp_path: Path) -> None:
    story = Story(1)
    path = await written(tmp_path / "runs.db", story)
    assert told(evidence(path, story)).startswith("· PENDING  it has been made and has not begun\n")


async def test_a_step_that_never_ran_has_nothing_to_paste(tmp_path: Path) -> None:
    story = Story(1).begin()
    message = "fetch: there is no value at {params.x}"
    story.settle("fetch", "failed", attempts=0, message=message, reason="missing_reference")
    cause: JsonObject = {"stage": "execute", "step_id": "fetch", "reason": "missing_reference", "message": message}
    path = await written(tmp_path / "runs.db", story.finish("failed", cause=cause))
    found = evidence(path, story)
    assert "to paste" not in text(found)
    assert next_of(found) == [f"opscope show '{story.short}/stage/execute?step=fetch'"]


async def test_a_long_answer_is_folded_and_nothing_is_lost(tmp_path: Path) -> None:
    message = "cannot start: " + " ".join(f"word{number}" for number in range(40))
    story = Story(1).begin().start("fetch").end("fetch", "failed", message=message, exit_code=None)
    story.settle("fetch", "failed", message=message, exit_code=None)
    cause: JsonObject = {"stage": "execute", "step_id": "fetch", "reason": None, "message": message}
    path = await written(tmp_path / "runs.db", story.finish("failed", cause=cause))
    found = evidence(path, story)
    for width in (40, 80, 120):
        head = text(found, width).partition("\n\n")[0]
        assert max(map(len, head.splitlines())) <= width
        assert message in " ".join(line.strip() for line in text(found, width).splitlines())
    assert text(found, None).splitlines()[0] == f"✗ FAILED  fetch: {message}"


async def test_many_attempts_are_told_by_the_first_and_the_last(tmp_path: Path) -> None:
    story = Story(1, steps=("fetch",)).begin()
    for attempt in range(1, 101):
        story.start("fetch", attempt).end("fetch", "failed", attempt, took=0.1, message="exit 1", exit_code=1)
    story.settle("fetch", "failed", attempts=100, message="exit 1", exit_code=1)
    cause: JsonObject = {"stage": "execute", "step_id": "fetch", "reason": "exit_code", "message": "exit 1"}
    path = await written(tmp_path / "runs.db", story.finish("failed", cause=cause))
    found = evidence(path, story)
    section = text(found).split("\n\n")[1].splitlines()
    assert len(section) == 7
    assert section[2] == "  and 95 between"
    assert section[-1].startswith("  100  ✗ ")
    attempts = to_json(explain(found, MOMENT))["attempts"]
    assert isinstance(attempts, list)
    assert len(attempts) == 100


async def test_what_a_step_wrote_is_cut_to_its_end(tmp_path: Path) -> None:
    story = Story(1, steps=("fetch",)).begin().start("fetch")
    story.end(
        "fetch", "failed", message="exit 1", exit_code=1, stderr="".join(f"line {n}\n" for n in range(30)) + "x" * 2000
    )
    story.settle("fetch", "failed", message="exit 1", exit_code=1)
    cause: JsonObject = {"stage": "execute", "step_id": "fetch", "reason": "exit_code", "message": "exit 1"}
    path = await written(tmp_path / "runs.db", story.finish("failed", cause=cause))
    section = text(evidence(path, story), None).split("\n\n")[1].splitlines()
    assert section[0] == "the last 10 lines that fetch wrote to stderr"
    assert section[1] == "  line 21"
    assert section[-1] == "  " + "x" * 499 + "…"


async def test_a_command_too_long_to_read_is_left_to_json(tmp_path: Path) -> None:
    story = Story(1, steps=("x" * 9000,))
    explanation = await _explained(tmp_path, story)
    lines = [plain(line) for line in why_lines(explanation, MOMENT, 80, short=story.short)]
    assert f"  opscope why {story.short} --json | jq -r .command.paste" in lines


async def _explained(tmp_path: Path, story: Story) -> Explanation:
    (step,) = story.steps
    story.begin().start(step).end(step, "failed", message="exit 1", exit_code=1)
    story.settle(step, "failed", message="exit 1", exit_code=1)
    cause: JsonObject = {"stage": "execute", "step_id": step, "reason": "exit_code", "message": "exit 1"}
    path = await written(tmp_path / "runs.db", story.finish("failed", cause=cause))
    return explain(evidence(path, story), MOMENT)


async def test_the_id_is_as_long_as_it_has_to_be(tmp_path: Path) -> None:
    story = failing()
    path = tmp_path / "runs.db"
    async with open_writer(path, engine_id=ENGINE) as writer:
        await story.write(writer)
        twin_id = story.run_id[:9] + "0" * 23
        other = _Named(2, ago=90_000, name=twin_id)
        other.begin().finish("succeeded")
        await other.write(writer)
    found = evidence(path, story)
    assert found.short == story.run_id[:10]
    assert next_of(found)[0].startswith(f"opscope logs {story.run_id[:10]} ")


class _Named(Story):
    def __init__(self, number: int, *, ago: float, name: str) -> None:
        super().__init__(number, ago=ago)
        self._name = name

    @property
    def run_id(self) -> str:
        return self._name


async def test_json_has_what_the_text_has(tmp_path: Path) -> None:
    now, then = failing(params={"release": 12}), good(params={"release": 11})
    path = await written(tmp_path / "runs.db", then, now)
    found = to_json(explain(evidence(path, now), MOMENT))
    assert found["answer"] == "copy: exit 7: no space left on device; gave up after 3 attempts"
    assert found["step_id"] == "copy"
    assert found["output"] == {"stream": "stderr", "lines": ["copying release 12", "no space left on device"]}
    good_run = found["last_good_run"]
    assert isinstance(good_run, dict)
    assert good_run["run_id"] == then.run_id
    assert good_run["given"] == [{"what": "release", "then": "11", "now": "12"}]
    command = found["command"]
    assert isinstance(command, dict)
    assert str(command["paste"]).startswith("cd /srv/ops && env -i ")


async def test_waiting(tmp_path: Path) -> None:
    paused = Story(1, ago=60).begin().tell(EventKind.RUN_PAUSED, {"reason": "operator", "message": ""})
    decision = quarantined("copy")
    decision.number = 2
    lost = Story(3, ago=30).begin().start("copy")
    done, busy = good(4), Story(5).begin().start("copy")
    path = await written(tmp_path / "runs.db", paused, decision, lost, done, busy)
    found = []
    with Reader.open(path) as reader:
        for story, pid in ((decision, None), (paused, 1), (lost, None), (done, None), (busy, 1)):
            run = reader.run(run_by_id(story.run_id))
            assert run is not None
            entry = waiting(ask(reader, gather_waiting(Standing(run, "/x.db", pid))), MOMENT)
            found.append(entry)
    assert [entry.waits_for if entry else None for entry in found] == ["decision", "operator", "engine", None, None]
    lines = [plain(line).rstrip() for line in waiting_lines([entry for entry in found if entry], MOMENT, 80)]
    assert "\n".join(lines) + "\n" == dedent(f"""\
        ◆ QUARANTINED  it waits for your decision on copy since 11:50:31: it was under
          way when the engine died, and the work may have been done or not
          deploy 1.4, run {decision.short}, waiting for 9m 29s
          opscope resume {decision.short} --succeeded copy  it has done the work: go on from there
          opscope resume {decision.short} --retry copy      run it again
          opscope resume {decision.short} --skip copy       go on without it
          opscope cancel {decision.short}                   end it
          opscope why {decision.short}                      the whole story

        ‖ PAUSED  an operator paused it at 11:59:00, 1m 00s ago
          deploy 1.4, run {paused.short}, waiting for 1m 00s
          opscope resume {paused.short}  go on
          opscope cancel {paused.short}  end it
          opscope why {paused.short}     the whole story

        ✗ ENGINE LOST  its engine died while copy was running; nothing goes on until
          somebody resumes it
          deploy 1.4, run {lost.short}, waiting for 30.0s
          opscope resume {lost.short}  take it over and go on; it asks about what is uncertain
          opscope cancel {lost.short}  take it over and end it
          opscope logs {lost.short}    what its steps wrote
          opscope why {lost.short}     the whole story
    """)


async def test_a_run_that_waits_for_a_lock(tmp_path: Path) -> None:
    holder, story = Story(1).begin().start("copy"), Story(2, ago=60).begin()
    path = tmp_path / "runs.db"
    async with open_writer(path, engine_id=ENGINE) as writer:
        await holder.write(writer)
        await story.write(writer)
        locks = Locks(writer, SystemClock())
        await locks.acquire(holder.run_id, ["web", "db"], lambda _: None)
        said: asyncio.Queue[str] = asyncio.Queue()
        waits = asyncio.create_task(locks.acquire(story.run_id, ["web", "db"], said.put_nowait))
        await said.get()
        found = evidence(path, story)
        waits.cancel()
        await asyncio.gather(waits, return_exceptions=True)
    assert told(found).splitlines()[:2] == [
        f"● RUNNING  it waits for the lock db, held by run {holder.short} of deploy, and for 1",
        "  more lock",
    ]
    assert next_of(found) == [f"opscope why {holder.short}", f"opscope cancel {story.short}"]


async def test_an_imported_run_waits_for_nobody(tmp_path: Path) -> None:
    story = Story(1).begin().start("copy")
    path = await written(tmp_path / "runs.db", story)
    with Reader.open(path) as reader:
        run = reader.run(run_by_id(story.run_id))
        assert run is not None
        imported = Standing(run._replace(imported_at_us=NOW_US), "/x.db", None)
        found, waits = ask(reader, gather(imported)), ask(reader, gather_waiting(imported))
    assert told(found).startswith("● RUNNING  it was running when it was exported; here it does not go on\n")
    assert next_of(found) == [f"opscope show {story.short}"]
    assert waiting(waits, MOMENT) is None


async def test_what_an_operator_decided_is_told(tmp_path: Path) -> None:
    story = Story(1).begin().run("fetch").start("copy")
    story.settle("copy", "succeeded", reason="operator", message="said to have succeeded").run("restart")
    path = await written(tmp_path / "runs.db", good(), story.finish("succeeded"))
    assert "  1 step was decided on by an operator.\n" in told(evidence(path, story))


@pytest.mark.parametrize(
    ("waiting_for", "said"),
    [
        ({"reason": "repeat", "next_attempt": 2}, "poll is repeated: until did not hold after 1 attempt; attempt 2 in 5.0s."),
        ({"reason": "breaker_open", "next_attempt": 2}, "poll was refused by the breaker of its tool; attempt 2 in 5.0s."),
        (
            {"reason": "fallback", "fallback_step": "spare", "failure": {"message": "exit 2: gone"}},
            "poll failed for good (exit 2: gone); its fallback spare is to stand in.",
        ),
    ],
)  # fmt: skip
async def test_what_a_step_waits_for_is_said_as_it_is(tmp_path: Path, waiting_for: JsonObject, said: str) -> None:
    """A repetition, an open breaker and a fallback are no failures that are tried again."""
    story = Story(1, steps=("poll", "spare")).begin().start("poll")
    story.end("poll", "succeeded" if waiting_for["reason"] == "repeat" else "failed", 1, took=1.0)
    until: JsonObject = {} if waiting_for["reason"] == "fallback" else {"until_us": NOW_US + 5_000_000}
    story.tell(EventKind.STEP_WAITING, {**waiting_for, **until}, step="poll", attempt=1)
    found = evidence(await written(tmp_path / "runs.db", story), story)
    assert said in " ".join(told(found).split())

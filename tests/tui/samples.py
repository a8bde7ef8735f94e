"""Files of runs for the tests of the screens, written with the real writer from fixed events: every id and time is known."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.model.event import Event, EventKind, LogChunk
from engine.model.json import Json, JsonObject, canonical_json
from engine.model.states import Stage, Stream
from engine.ports import PlanRecord, RunCreation
from store.writer import open_writer

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from store.writer import Writer

NOW_US = 1_767_268_800_000_000
"""2026-01-01T12:00:00Z, the moment at which the screens are looked at."""
SECOND = 1_000_000
ENGINE = "e" * 32


def run_id(number: int) -> str:
    """The id of a sample run."""
    return hashlib.sha256(f"run {number}".encode()).hexdigest()[:32]


@dataclass
class Step:
    """A step of a sample plan and how it goes. `ends` is a status, or running, waiting or pending."""

    id: str
    ends: str = "succeeded"
    data: Json = None
    stdout: str = ""
    stderr: str = ""
    message: str = ""
    exit_code: int | None = 0
    depends_on: tuple[str, ...] = ()
    took_us: int = 31_000


@dataclass
class Sample:
    """A run to be written. `stage` is where it stops while it is not over; `ends` is None for one that runs on."""

    number: int
    plan_id: str = "ci_lookup"
    steps: list[Step] = field(default_factory=list)
    ends: str | None = "succeeded"
    ago_us: int = 60 * SECOND
    params: JsonObject = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    first_cause: JsonObject | None = None
    stage: Stage = Stage.PRESENT
    result: Json = None
    event_us: int = 2000
    workdir: str = "/home/ops"
    logs: list[LogChunk] = field(default_factory=list)

    @property
    def run_id(self) -> str:
        """Its id."""
        return run_id(self.number)


async def write(path: Path, samples: Iterable[Sample]) -> None:
    """Make a file with these runs. Its engine is gone when this returns."""
    async with open_writer(path, engine_id=ENGINE) as writer:
        for sample in samples:
            await write_run(writer, sample)


async def write_run(writer: Writer, sample: Sample) -> None:
    """Write one run with a writer that is open."""
    events = list(_events(sample, writer.engine_id))
    plan_hash = hashlib.sha256(sample.plan_id.encode()).hexdigest()
    document = canonical_json({"plan_id": sample.plan_id, "strategy": "dag"})
    plan = PlanRecord(plan_hash, sample.plan_id, "1.2", f"plan_id: {sample.plan_id}\n", document)
    await writer.create_run(RunCreation(sample.run_id, plan, events[0]))
    if sample.logs:
        await writer.append_logs(sample.run_id, sample.logs)
    await writer.append(sample.run_id, events[1:])


def _events(sample: Sample, engine_id: str) -> Iterable[Event]:
    at = NOW_US - sample.ago_us
    yield Event(EventKind.RUN_CREATED, at, _created(sample, engine_id))
    yield Event(EventKind.RUN_STARTED, at)
    for stage in Stage:
        yield Event(EventKind.STAGE_STARTED, at, {"input": _input(sample, stage)}, stage=stage)
        if stage is Stage.EXECUTE:
            for event in _execute(sample, at):
                at = event.at_us
                yield event
        if stage is sample.stage and sample.ends is None:
            return
        at += sample.event_us
        yield Event(EventKind.STAGE_FINISHED, at, _finished(sample, stage), stage=stage)
        if stage is sample.stage and sample.ends != "succeeded":
            break
    if sample.ends is not None:
        data: JsonObject = {
            "duration_us": at - (NOW_US - sample.ago_us),
            "warnings": len(sample.warnings),
            "first_cause": sample.first_cause,
            "steps": {},
        }
        yield Event(EventKind(f"run.{sample.ends}"), at, data)


def _created(sample: Sample, engine_id: str) -> JsonObject:
    return {
        "plan_id": sample.plan_id,
        "plan_version": "1.2",
        "plan_hash": hashlib.sha256(sample.plan_id.encode()).hexdigest(),
        "params": sample.params,
        "workdir": sample.workdir,
        "plan_folder": "/home/ops/plans",
        "environment": {"host": "testhost", "os": "Linux", "arch": "x86_64", "hash": "0" * 64},
        "base_env": {"PATH": "/usr/bin:/bin"},
        "mode": "normal",
        "engine_id": engine_id,
        "opscope_version": "0.1.0",
    }


def _input(sample: Sample, stage: Stage) -> JsonObject:
    return {
        "stage": stage.value,
        "pass_index": 0,
        "applied_assets": {},
        "params": sample.params,
        "trace_id": sample.run_id,
    }


def _finished(sample: Sample, stage: Stage) -> JsonObject:
    failed = stage is sample.stage and sample.ends == "failed"
    warned = stage is Stage.EXECUTE and sample.warnings
    status = "error" if failed else "warning" if warned else "ok"
    results: dict[Stage, Json] = {
        Stage.ROUTE_PLAN: {
            "kind": "plan",
            "confidence": 1.0,
            "reasoning": "a plan was given",
            "plan": {"plan_id": sample.plan_id, "version": "1.2", "step_count": len(sample.steps)},
        },
        Stage.VALIDATE: {"steps": len(sample.steps), "groups": 2, "warnings": []},
        Stage.COMPOSE: sample.result,
        Stage.PRESENT: {"blocks": [{"type": "json", "value": sample.result}]},
    }
    output: JsonObject = {
        "stage": stage.value,
        "result": results.get(stage),
        "diagnostics": {
            "status": status,
            "warnings": list(sample.warnings) if warned else [],
            "errors": [],
            "empty_flags": {},
            "counts": {"steps": len(sample.steps)} if stage is Stage.EXECUTE else {},
        },
        "references": [
            {"kind": "step", "name": parent, "detail": f"used by {step.id}"}
            for step in sample.steps
            for parent in step.depends_on
            if stage is Stage.EXECUTE
        ],
        "duration_ms": sample.event_us / 1000,
    }
    if stage is Stage.EXECUTE:
        output.pop("result")
    stage_status = (
        "failed" if failed else "canceled" if stage is sample.stage and sample.ends == "canceled" else "succeeded"
    )
    return {"status": stage_status, "duration_us": sample.event_us, "output": output}


def _execute(sample: Sample, at: int) -> Iterable[Event]:
    yield Event(EventKind.ORCHESTRATION_TOOL_CHAIN_BUILT, at, _chain(sample))
    for step in sample.steps:
        if step.ends == "pending":
            continue
        if step.ends != "skipped":
            starting: JsonObject = {
                "tool_type": "command",
                "definition": {"type": "command", "command": step.id, "args": ["-h"], "cwd": None},
                "env": {"LC_ALL": "C.UTF-8"},
                "inputs": {},
                "timeout_sec": 60,
                "idempotent": False,
                "idempotency_key": f"{sample.run_id}/{step.id}",
                "cookie": "c" * 32,
                "orchestration": {},
            }
            yield Event(EventKind.ATTEMPT_STARTING, at, starting, step_id=step.id, attempt=1)
            yield Event(EventKind.ATTEMPT_STARTED, at, {"process": None}, step_id=step.id, attempt=1)
        if step.ends == "running":
            continue
        at += step.took_us
        ended: JsonObject = {
            "status": "succeeded" if step.ends == "succeeded" else "failed",
            "reason": None if step.ends == "succeeded" else "exit_code",
            "message": step.message,
            "exit_code": step.exit_code,
            "duration_us": step.took_us,
            "stderr_tail": step.stderr,
            "counts": {},
        }
        if step.ends != "skipped":
            yield Event(EventKind.ATTEMPT_FINISHED, at, ended, step_id=step.id, attempt=1)
        if step.ends == "waiting":
            waiting: JsonObject = {
                "next_attempt": 2,
                "delay_ms": 3000,
                "until_us": at + 3 * SECOND,
                "reason": "retry",
            }
            yield Event(EventKind.STEP_WAITING, at, waiting, step_id=step.id, attempt=1)
            continue
        yield Event(EventKind.STEP_FINISHED, at, _step_finished(step, at), step_id=step.id)


def _step_finished(step: Step, at: int) -> JsonObject:
    ran = step.ends != "skipped"
    reasons = {"succeeded": None, "failed": "exit_code", "skipped": "skip_if", "canceled": "aborted"}
    return {
        "status": step.ends,
        "reason": reasons[step.ends],
        "message": step.message,
        "exit_code": step.exit_code if ran else None,
        "attempts": 1 if ran else 0,
        "counts": {},
        "started_at_us": at - step.took_us if ran else None,
        "duration_us": step.took_us if ran else 0,
        "orchestration": {"tool_id": step.id, "depends_on": list(step.depends_on)},
        "data": step.data,
        "stdout": step.stdout,
        "stderr": step.stderr,
    }


def _chain(sample: Sample) -> JsonObject:
    tools: list[Json] = [
        {
            "tool_id": s.id,
            "tool_type": "command",
            "depends_on": list(s.depends_on),
            "dependency_groups": [],
            "output_mapping": {},
        }
        for s in sample.steps
    ]
    trace: JsonObject = {
        "strategy": "dag",
        "execution_groups": [{"group_index": 0, "tools": tools, "parallel_execution": True}],
        "total_groups": 1,
        "total_tools": len(tools),
        "tool_ids": [step.id for step in sample.steps],
    }
    return {"trace": trace, "order": [step.id for step in sample.steps]}


DISKS = """Filesystem      Size  Used Avail Use% Mounted on
/dev/vda1        40G   31G  9.2G  78% /
tmpfs           2.0G  1.1M  2.0G   1% /run
/dev/vdb1       200G  188G   12G  95% /var/lib/data
"""


def triage_steps() -> list[Step]:
    """A host looked at: one step fails, one runs, one waits for its second attempt, the rest has to wait."""
    return [
        Step("disk", data=DISKS, stdout=DISKS, took_us=14_000),
        Step("memory", data={"total_mb": 7953, "available_mb": 2110, "swap_used_mb": 0}, took_us=6_000),
        Step("load", data={"one": 0.42, "five": 0.77, "fifteen": 0.91}, took_us=4_000),
        Step(
            "failing_units", "failed", message="exit code 1: no systemd here", exit_code=1, stderr="no systemd here\n"
        ),
        Step("big_logs", "running"),
        Step("ping_gateway", "waiting", message="timed out after 10 s", exit_code=None, took_us=2_000_000),
        Step("report", "pending", depends_on=("disk", "memory", "load")),
    ]


def lookup_steps() -> list[Step]:
    """A lookup in which everything went well but one thing that may."""
    rows: list[Json] = [
        {"name": f"db{n:02d}", "address": f"10.0.3.{n}", "ci_type": "host", "site": "zrh1"} for n in range(1, 13)
    ]
    return [
        Step("primary", data={"columns": ["name", "address", "ci_type", "site"], "rows": rows, "row_count": 12}),
        Step("dependents", data={"rows": [], "row_count": 0}, depends_on=("primary",), took_us=2_000),
        Step(
            "ping",
            "failed",
            message="timed out after 10 s, continued (on_failure: continue)",
            exit_code=None,
            depends_on=("primary",),
            took_us=10_002_000,
        ),
        Step("note", "skipped", message="skipped by skip_if: env.DRY_RUN == '1'", depends_on=("ping",)),
        Step("summary", data={"text": "12 hosts at one site", "sites": ["zrh1"]}, depends_on=("primary", "ping")),
    ]


def samples() -> list[Sample]:
    """The runs of the snapshots, the newest first."""
    minute, hour, day = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND
    cause: JsonObject = {
        "stage": "execute",
        "step_id": "lint",
        "reason": "exit_code",
        "message": "ruff ended with exit code 1",
    }
    gate = [
        Step("lint", "failed", message="ruff ended with exit code 1", exit_code=1),
        Step("tests", "canceled", exit_code=None),
    ]
    shown: list[Sample] = [
        Sample(1, "host_triage", triage_steps(), None, 12_400_000, {"host": "testhost"}, stage=Stage.EXECUTE),
        Sample(
            2,
            "ci_lookup",
            lookup_steps(),
            ago_us=18 * minute,
            params={"host": "db01", "limit": 20},
            warnings=("ping: timed out after 10 s, continued (on_failure: continue)",),
            result={"summary": "12 hosts at one site", "reachable": "failed", "rows": 12, "sites": ["zrh1"]},
        ),
        Sample(3, "test_gate", gate, "failed", 48 * minute, first_cause=cause, stage=Stage.EXECUTE),
        Sample(4, "safe_merge", [Step("lock"), Step("fetch", "running")], "canceled", 3 * hour, stage=Stage.EXECUTE),
    ]
    plans = ("ci_lookup", "host_triage", "safe_merge")
    shown.extend(
        Sample(5 + n, plans[n % 3], [Step("one"), Step("two", took_us=n * 740_000)], ago_us=day + n * 5 * hour)
        for n in range(24)
    )
    return shown


async def write_samples(path: Path) -> None:
    """The file of the snapshots. The first run's engine lives only as long as somebody keeps a writer open."""
    await write(path, reversed(samples()))


def wrote(
    step_id: str, content: str | bytes, *, stream: Stream = Stream.STDOUT, attempt: int = 1, ago_us: int = 0
) -> LogChunk:
    """A piece of a step's output."""
    raw = content.encode() if isinstance(content, str) else content
    return LogChunk(0, step_id, None, attempt, stream, NOW_US - ago_us, 0, raw)


BACKUP = 60
"""The number of the run that `backup` makes."""


def backup(*, ends: str | None = "failed") -> Sample:
    """A run that wrote much: plain lines, lines of JSON, colours, a progress bar, a very long line; then its upload failed."""
    said = "exit code 7: upload of part-1 refused, 403 quota exceeded"
    at = 40 * SECOND
    logs = [
        *(wrote("snapshot", f"block {n} of 48\n", ago_us=at) for n in range(1, 49)),
        wrote("snapshot", " 10%\r 55%\r100%\n", stream=Stream.STDERR, ago_us=at),
        wrote("snapshot", "\x1b[32mdone\x1b[0m in 3 s\n", ago_us=at),
        *(
            wrote("compress", f'{{"level":"info","file":"part-{n}","ratio":0.{n}}}\n', ago_us=at - 4 * SECOND)
            for n in range(1, 13)
        ),
        wrote("compress", "checksums " + "0123456789abcdef " * 200 + "\n", ago_us=at - 5 * SECOND),
        wrote("compress", "the end of a", ago_us=at - 5 * SECOND),
        wrote("upload", "connecting to backup.example\n", stream=Stream.STDERR, ago_us=at - 6 * SECOND),
        wrote("compress", " line in two pieces\ttabbed\n", ago_us=at - 6 * SECOND),
        wrote("upload", "part-1 refused: 403 quota exceeded\n", stream=Stream.STDERR, ago_us=at - 7 * SECOND),
        wrote("upload", "connecting again\n", stream=Stream.STDERR, attempt=2, ago_us=at - 8 * SECOND),
        wrote(
            "upload", "part-1 refused: 403 quota exceeded\n", stream=Stream.STDERR, attempt=2, ago_us=at - 9 * SECOND
        ),
        wrote("note", "told the people on call\n", ago_us=at - 9 * SECOND),
    ]
    over = ends is not None
    steps = [
        Step("snapshot", took_us=3_000_000),
        Step("compress", took_us=2_000_000),
        Step("upload", "failed" if over else "running", message=said if over else "", exit_code=7, took_us=3_000_000),
        Step(
            "verify",
            "canceled" if over else "pending",
            message="not run: step upload failed" if over else "",
            exit_code=None,
        ),
        Step("note", "succeeded" if over else "pending"),
    ]
    cause: JsonObject = {"stage": "execute", "step_id": "upload", "reason": "exit_code", "message": said}
    return Sample(
        BACKUP,
        "nightly-backup",
        steps,
        ends,
        at,
        {"target": "backup.example"},
        first_cause=cause if over else None,
        stage=Stage.EXECUTE,
        logs=logs,
    )

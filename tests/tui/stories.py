"""Runs in states that take a crash or an operator to get into, told event by event and written with the real writer."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.model.event import Event, EventKind, LogChunk
from engine.model.json import Json, JsonObject, canonical_json
from engine.model.states import Stage, Stream
from engine.ports import PlanRecord, RunCreation

if TYPE_CHECKING:
    from store.writer import Writer

NOW_US = 1_767_268_800_000_000
"""2026-01-01T12:00:00Z, the moment at which the runs are asked about."""
SECOND = 1_000_000
STREAM: JsonObject = {"size_bytes": 0, "sha256": "", "dropped_bytes": 0}


def id_of(number: int) -> str:
    """The id of a story's run."""
    return hashlib.sha256(f"story {number}".encode()).hexdigest()[:32]


@dataclass
class Story:
    """A run told in order; `at` is how many seconds before NOW_US the next thing happens."""

    number: int
    ago: float = 600.0
    plan_id: str = "deploy"
    steps: tuple[str, ...] = ("fetch", "copy", "restart")
    params: JsonObject = field(default_factory=dict)
    plan: JsonObject = field(default_factory=dict)
    idempotent: bool = False
    mode: str = "normal"
    events: list[Event] = field(default_factory=list)
    logs: list[LogChunk] = field(default_factory=list)

    @property
    def run_id(self) -> str:
        """Its id."""
        return id_of(self.number)

    @property
    def short(self) -> str:
        """Its id as commands take it."""
        return self.run_id[:6]

    def after(self, seconds: float) -> Story:
        """Time passes."""
        self.ago -= seconds
        return self

    def tell(
        self, kind: EventKind, data: JsonObject | None = None, *, step: str | None = None, attempt: int | None = None,
        stage: Stage | None = None, actor: str = "engine",
    ) -> Story:  # fmt: skip
        """Something happens now."""
        at_us = NOW_US - round(self.ago * SECOND)
        stage = Stage.EXECUTE if step is not None else stage
        self.events.append(Event(kind, at_us, data or {}, stage=stage, step_id=step, attempt=attempt, actor=actor))
        return self

    def begin(self) -> Story:
        """The run starts and comes to its steps."""
        tools: list[Json] = [{"tool_id": step, "tool_type": "command", "depends_on": []} for step in self.steps]
        trace: JsonObject = {"strategy": "dag", "execution_groups": [{"group_index": 0, "tools": tools}]}
        order: list[Json] = list(self.steps)
        self.tell(EventKind.RUN_STARTED).tell(EventKind.STAGE_STARTED, {"input": {}}, stage=Stage.EXECUTE)
        return self.tell(
            EventKind.ORCHESTRATION_TOOL_CHAIN_BUILT, {"trace": trace, "order": order}, stage=Stage.EXECUTE
        )

    def start(self, step: str, attempt: int = 1, *, process: JsonObject | None = None) -> Story:
        """An attempt begins."""
        starting: JsonObject = {
            "tool_type": "command",
            "definition": {"type": "command", "command": step, "args": ["--now"], "cwd": None},
            "env": {},
            "inputs": {},
            "timeout_sec": 60,
            "idempotent": self.idempotent,
            "idempotency_key": "k" * 8,
            "cookie": "c" * 8,
            "orchestration": self._place(step),
        }
        self.tell(EventKind.ATTEMPT_STARTING, starting, step=step, attempt=attempt)
        return self.tell(EventKind.ATTEMPT_STARTED, {"process": process}, step=step, attempt=attempt)

    def _place(self, step: str) -> JsonObject:
        return {"group_index": 0, "execution_order": self.steps.index(step), "tool_type": "command"}

    def end(
        self, step: str, status: str = "succeeded", attempt: int = 1, *, took: float = 1.0, message: str = "",
        exit_code: int | None = 0, stderr: str = "", reason: str | None = None,
    ) -> Story:  # fmt: skip
        """An attempt ends."""
        self.after(took)
        data: JsonObject = {
            "status": status,
            "reason": reason,
            "message": message,
            "exit_code": exit_code,
            "duration_us": round(took * SECOND),
            "stdout": STREAM,
            "stderr": STREAM,
            "stderr_tail": stderr,
            "counts": {},
        }
        return self.tell(EventKind.ATTEMPT_FINISHED, data, step=step, attempt=attempt)

    def settle(
        self, step: str, status: str = "succeeded", *, attempts: int = 1, took: float = 1.0, message: str = "",
        exit_code: int | None = 0, reason: str | None = None,
    ) -> Story:  # fmt: skip
        """A step reaches its final state."""
        at_us = NOW_US - round((self.ago + took) * SECOND)
        data: JsonObject = {
            "status": status,
            "reason": reason,
            "message": message,
            "exit_code": exit_code if attempts else None,
            "attempts": attempts,
            "counts": {},
            "started_at_us": at_us if attempts else None,
            "duration_us": round(took * SECOND) if attempts else 0,
            "orchestration": self._place(step),
            "data": None,
            "stdout": "",
            "stderr": "",
        }
        return self.tell(EventKind.STEP_FINISHED, data, step=step)

    def run(self, step: str, took: float = 1.0) -> Story:
        """A step runs and succeeds."""
        return self.start(step).end(step, took=took).settle(step, took=took)

    def write_log(self, step: str, text: str, *, stream: Stream = Stream.STDERR, attempt: int = 1) -> Story:
        """A step writes something."""
        self.logs.append(LogChunk(0, step, None, attempt, stream, NOW_US, 0, text.encode()))
        return self

    def finish(self, status: str, *, cause: JsonObject | None = None, warnings: tuple[str, ...] = ()) -> Story:
        """The run is over."""
        diagnostics: JsonObject = {"status": "ok", "warnings": list(warnings), "errors": []}
        stage_status = {"succeeded": "succeeded", "failed": "failed"}.get(status, "canceled")
        output: JsonObject = {"stage": "execute", "diagnostics": diagnostics}
        self.tell(
            EventKind.STAGE_FINISHED,
            {"status": stage_status, "duration_us": 1000, "output": output},
            stage=Stage.EXECUTE,
        )
        began = self.events[0].at_us
        took = NOW_US - round(self.ago * SECOND) - began
        data: JsonObject = {"duration_us": took, "warnings": len(warnings), "first_cause": cause, "steps": {}}
        return self.tell(EventKind(f"run.{status}"), data)

    async def write(self, writer: Writer) -> Story:
        """Put it into the file."""
        document: JsonObject = {"plan_id": self.plan_id, **self.plan}
        plan_hash = hashlib.sha256(canonical_json(document).encode()).hexdigest()
        created: JsonObject = {
            "plan_id": self.plan_id,
            "plan_version": "1.4",
            "plan_hash": plan_hash,
            "params": self.params,
            "workdir": "/srv/ops",
            "plan_folder": "/srv/plans",
            "environment": {"host": "ctl-1", "os": "Linux", "arch": "x86_64", "hash": "0" * 16},
            "base_env": {"PATH": "/usr/bin:/bin"},
            "mode": self.mode,
            "engine_id": writer.engine_id,
            "opscope_version": "0.1.0",
        }
        at_us = self.events[0].at_us if self.events else NOW_US - round(self.ago * SECOND)
        event = Event(EventKind.RUN_CREATED, at_us, created, actor="operator:ops")
        plan = PlanRecord(plan_hash, self.plan_id, "1.4", f"plan_id: {self.plan_id}\n", canonical_json(document))
        await writer.create_run(RunCreation(self.run_id, plan, event))
        if self.logs:
            await writer.append_logs(self.run_id, self.logs)
        await writer.append(self.run_id, self.events)
        return self

"""What came out of an attempt and of a step. Slotted data for the hot path; how they are stored is the store's business."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.model.states import Reason, StepStatus

if TYPE_CHECKING:
    from engine.model.json import Json, JsonObject
    from engine.model.states import StepType


@dataclass(frozen=True, slots=True)
class Orchestration:
    """Where a step stands in the execution plan; carried by every one of its results. Only `finally` steps say a phase."""

    group_index: int
    execution_order: int
    tool_id: str
    tool_type: StepType
    depends_on: tuple[str, ...] = ()
    output_mapping: dict[str, str] = field(default_factory=dict)
    in_finally: bool = False

    def to_json(self) -> JsonObject:
        """The snake_case object that traces carry."""
        phase: JsonObject = {"phase": "finally"} if self.in_finally else {}
        return {
            "group_index": self.group_index,
            "execution_order": self.execution_order,
            "tool_id": self.tool_id,
            "tool_type": self.tool_type.value,
            "depends_on": list(self.depends_on),
            "output_mapping": dict(self.output_mapping),
            **phase,
        }


@dataclass(frozen=True, slots=True)
class StreamSummary:
    """What one output stream of an attempt was: all its bytes counted and hashed, the kept part as text.

    `text` is the masked beginning up to the capture cap, decoded with replacement; `dropped_bytes` were not kept.
    """

    size_bytes: int = 0
    sha256: str = ""
    text: str = ""
    dropped_bytes: int = 0

    def to_json(self) -> JsonObject:
        """Size and digest without the text, as `attempt.finished` carries it."""
        return {"size_bytes": self.size_bytes, "sha256": self.sha256, "dropped_bytes": self.dropped_bytes}


@dataclass(frozen=True, slots=True)
class AttemptOutcome:
    """How one try of a step ended: succeeded, failed or canceled, and everything that is known of why.

    `message` is a sentence for a person. `stderr_tail` is the last lines of the error stream, masked. `error` is what a
    program that can say it said of its own failure: type, message and traceback.
    """

    status: StepStatus
    reason: Reason | None = None
    message: str = ""
    exit_code: int | None = None
    data: Json = None
    stdout: StreamSummary = StreamSummary()
    stderr: StreamSummary = StreamSummary()
    stderr_tail: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    error: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class StepResult:
    """What a step is to its dependents and to the trace: its final state and its data.

    Times are microseconds since the epoch (UTC) and are None for a step that never started; `duration_us` is from the
    monotonic clock and covers all attempts and the waits between them.

    `items` are the results of a step that ran for each item of a list, in the order of the list, as `to_json` gives them;
    None for any other step. `is_fallback` says that the data is that of the step's fallback, which stood in for it.
    `reused_from` is `{run_id, pass_index, step_id}` of the result that this one repeats, where the step was not run again.
    `tool` is the one whose breaker refused the step, empty where none did.
    """

    step_id: str
    status: StepStatus
    reason: Reason | None = None
    message: str = ""
    exit_code: int | None = None
    data: Json = None
    stdout: str = ""
    stderr: str = ""
    attempts: int = 0
    started_at_us: int | None = None
    finished_at_us: int | None = None
    duration_us: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    error: JsonObject | None = None
    items: tuple[Json, ...] | None = None
    is_fallback: bool = False
    reused_from: JsonObject | None = None
    tool: str = ""

    @property
    def path(self) -> tuple[str, ...]:
        """The steps down to the one that failed a sub-plan, this one first; empty for any other end."""
        below = self.error.get("path") if self.error and self.reason is Reason.SUB_PLAN_FAILED else None
        return (self.step_id, *map(str, below)) if isinstance(below, list) else ()

    @property
    def sentence(self) -> str:
        """`ping: timed out after 10 s`; below a sub-plan `deploy > restart: exit 5`, as the message begins with its path."""
        return f"{self.step_id}{' > ' if self.path else ': '}{self.message}"

    def to_json(self) -> JsonObject:
        """The `result` of a step as stored and as references see it."""
        rare: JsonObject = {}
        if self.error is not None:
            rare["error"] = self.error
        if self.items is not None:
            rare["items"] = list(self.items)
        if self.is_fallback:
            rare["fallback"] = True
        if self.reused_from is not None:
            rare["reused_from"] = self.reused_from
        if self.tool:
            rare["tool"] = self.tool
        return {
            "status": self.status.value,
            "reason": self.reason.value if self.reason else None,
            "message": self.message,
            "exit_code": self.exit_code,
            "data": self.data,
            "stdout": self.stdout,
            "stderr": self.stderr,
            "attempts": self.attempts,
            "counts": dict(self.counts),
            **rare,
        }

    @classmethod
    def from_json(cls, step_id: str, stored: JsonObject) -> StepResult:
        """The result that `to_json` made, without its times: what a stage that runs alone is given."""
        reason, exit_code, attempts, counts = (stored.get(key) for key in ("reason", "exit_code", "attempts", "counts"))
        error, items, source = stored.get("error"), stored.get("items"), stored.get("reused_from")
        return cls(
            step_id=step_id,
            status=StepStatus(str(stored["status"])),
            reason=Reason(reason) if isinstance(reason, str) else None,
            message=str(stored.get("message") or ""),
            exit_code=exit_code if isinstance(exit_code, int) else None,
            data=stored.get("data"),
            stdout=str(stored.get("stdout") or ""),
            stderr=str(stored.get("stderr") or ""),
            attempts=attempts if isinstance(attempts, int) else 0,
            counts={k: v for k, v in counts.items() if isinstance(v, int)} if isinstance(counts, dict) else {},
            error=error if isinstance(error, dict) else None,
            items=tuple(items) if isinstance(items, list) else None,
            is_fallback=stored.get("fallback") is True,
            reused_from=source if isinstance(source, dict) else None,
            tool=str(stored.get("tool") or ""),
        )

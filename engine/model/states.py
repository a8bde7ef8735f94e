"""The closed vocabularies: states, reasons, stages, strategies and kinds. Words only; what they cause lives in the scheduler."""

from __future__ import annotations

from enum import StrEnum


class Stage(StrEnum):
    """One of the five parts of a pass, in the order in which they run."""

    ROUTE_PLAN = "route_plan"
    VALIDATE = "validate"
    EXECUTE = "execute"
    COMPOSE = "compose"
    PRESENT = "present"


class RunStatus(StrEnum):
    """Where a run stands; `paused` and `quarantined` are live, the other three after them are final."""

    PENDING = "pending"
    RUNNING = "running"
    PAUSED = "paused"
    QUARANTINED = "quarantined"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def is_final(self) -> bool:
        """True when nothing will happen in the run any more."""
        return self in (RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELED)


class PauseReason(StrEnum):
    """Why nothing new starts in a paused run."""

    APPROVAL = "approval"
    STORAGE = "storage"
    ENGINE_LOST = "engine_lost"
    OPERATOR = "operator"


class StepStatus(StrEnum):
    """Where a step stands. `waiting` is between two attempts."""

    PENDING = "pending"
    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELED = "canceled"
    QUARANTINED = "quarantined"

    @property
    def is_final(self) -> bool:
        """True when the step will not change in this pass."""
        return self in (StepStatus.SUCCEEDED, StepStatus.FAILED, StepStatus.SKIPPED, StepStatus.CANCELED)


class StageStatus(StrEnum):
    """Where a stage stands."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


class Reason(StrEnum):
    """Why a step or an attempt ended as it did, where the status alone does not say it."""

    EXIT_CODE = "exit_code"
    TIMED_OUT = "timed_out"
    SPAWN_FAILED = "spawn_failed"
    SIGNALED = "signaled"
    BAD_OUTPUT = "bad_output"
    OUTPUT_TOO_LARGE = "output_too_large"
    QUERY_FAILED = "query_failed"
    EXCEPTION = "exception"
    HTTP_STATUS = "http_status"
    REQUEST_FAILED = "request_failed"
    REFUSED = "refused"
    FILE_FAILED = "file_failed"
    TOOL_MISSING = "tool_missing"
    TOOL_FAILED = "tool_failed"
    SUB_PLAN_FAILED = "sub_plan_failed"
    BREAKER_OPEN = "breaker_open"
    ITEMS_FAILED = "items_failed"
    BAD_ITEMS = "bad_items"
    REPEAT_EXHAUSTED = "repeat_exhausted"
    FALLBACK = "fallback"
    NOT_NEEDED = "not_needed"
    BRANCH_NOT_CHOSEN = "branch_not_chosen"
    CACHE_HIT = "cache_hit"
    MISSING_REFERENCE = "missing_reference"
    BAD_CONDITION = "bad_condition"
    CONDITION_FALSE = "condition_false"
    SKIP_IF = "skip_if"
    DEPENDENCY_FAILED = "dependency_failed"
    ABORTED = "aborted"
    REUSED = "reused"
    REPLANNED = "replanned"
    CANCELED = "canceled"
    ENGINE_LOST = "engine_lost"
    OPERATOR = "operator"
    INTERNAL = "internal"


class Strategy(StrEnum):
    """How the steps of a plan follow each other."""

    AUTO = "auto"
    SERIAL = "serial"
    PARALLEL = "parallel"
    DAG = "dag"


class OnFailure(StrEnum):
    """What the failure of a step for good does to the rest of the run."""

    ABORT = "abort"
    SKIP_DEPENDENTS = "skip_dependents"
    CONTINUE = "continue"
    FALLBACK_STEP = "fallback_step"


class StepType(StrEnum):
    """What a step runs. The word stands as `tool_type` in traces."""

    COMMAND = "command"
    POWERSHELL = "powershell"
    PYTHON = "python"
    HTTP = "http"
    SQL = "sql"
    FILE = "file"
    TOOL = "tool"
    PLAN = "plan"
    DECISION = "decision"


class OutputFormat(StrEnum):
    """How a step's standard output becomes its `data`."""

    JSON = "json"
    LINES = "lines"
    TEXT = "text"
    NONE = "none"


class DiagnosticsStatus(StrEnum):
    """The worst thing a stage has to say of itself."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


class RouteKind(StrEnum):
    """What the routing of a request led to."""

    DIRECT = "direct"
    PLAN = "plan"
    REJECT = "reject"


class RunMode(StrEnum):
    """`test` is any run with an override: automatic baselines leave it out."""

    NORMAL = "normal"
    TEST = "test"


class Stream(StrEnum):
    """Which of a process's two outputs a log chunk comes from."""

    STDOUT = "stdout"
    STDERR = "stderr"


class ControlVerb(StrEnum):
    """What an operator can ask of a live run."""

    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    APPROVE = "approve"
    DENY = "deny"
    REPLAN = "replan"

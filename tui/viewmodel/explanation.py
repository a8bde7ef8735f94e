"""What is known of a run and what is said of it, as plain data: the evidence that goes in and the explanation that comes out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model.json import Json, JsonObject
    from engine.model.states import Reason, StepStatus, Stream
    from store.queries.why import BreakerMove, Happening, StageRemarks, StepGroup
    from store.rows import AttemptRow, LockBlock, RunRow, StepRow
    from tui.viewmodel.differences import Comparison, Recorded
    from tui.viewmodel.palette import Role
    from tui.viewmodel.pasteable import Pasteable
    from tui.viewmodel.words import Mark


@dataclass(frozen=True, slots=True)
class OutputTail:
    """The end of what an attempt wrote to one of its outputs."""

    stream: Stream
    text: str


@dataclass(frozen=True, slots=True)
class StepEvidence:
    """A step with its attempts and the end of what the last one wrote.

    `until_us` is when a waiting step goes on. `pid` is the process of an attempt that is under way by its record, and
    `is_running` whether exactly that process is there now, None where nobody can know. `then_us` is how long the step
    took in the last good run. `waits` is what the event says that left it waiting. `items`, `fallback`, `children` and
    `breaker` are there where the step has them: `children` are the failed runs under it, each the child of the one before.
    """

    step: StepRow
    attempts: tuple[AttemptRow, ...] = ()
    tail: OutputTail | None = None
    until_us: int | None = None
    pid: int | None = None
    is_running: bool | None = None
    then_us: int | None = None
    waits: JsonObject | None = None
    items: ItemsEvidence | None = None
    fallback: StepEvidence | None = None
    children: tuple[ChildEvidence, ...] = ()
    breaker: BreakerEvidence | None = None

    @property
    def told(self) -> StepEvidence:
        """The one whose attempts and output tell more: the first item that failed, of a step with items."""
        return self.items.first if self.items is not None and self.items.first is not None else self

    @property
    def name(self) -> str:
        """`copy`, or `copy[3]` for an item of it."""
        return self.step.step_id if self.step.item_index is None else f"{self.step.step_id}[{self.step.item_index}]"


@dataclass(frozen=True, slots=True)
class ItemsEvidence:
    """The items of a step: how many stand in which state, the first of those that failed, what is known of the values."""

    numbers: Mapping[StepStatus, int]
    failed: tuple[StepRow, ...] = ()
    first: StepEvidence | None = None
    values: Mapping[int, Json] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """How many there are, as far as they have been begun or settled."""
        return sum(self.numbers.values())


@dataclass(frozen=True, slots=True)
class ChildEvidence:
    """The run of a sub-plan, with its first cause if that is a step."""

    run: RunRow
    cause: StepEvidence | None = None


@dataclass(frozen=True, slots=True)
class BreakerEvidence:
    """The breaker that refused a step: what opened it, where it stands now, when it lets a probe through."""

    tool: str
    opened: BreakerMove | None
    now: BreakerMove | None
    probe_at_us: int | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known of a run when it is asked about.

    `engine_pid` is the owner's process, 0 if it cannot be named, None if it is dead. `failed` are the failed steps, the
    first to fail first; `cause` is the one to tell of. `active` are the steps under way, those whose outcome is
    uncertain in a quarantined run, those that were stopped in a canceled one. `turned` is the event that paused or
    quarantined the run, `last` the last event of all. `locks` is what stands before it where it waits for a lock. `again`
    is the command that runs the same once more, if it is known. `replans` are those of the run's last pass.
    """

    recorded: Recorded
    id_length: int
    database: str
    engine_pid: int | None
    groups: tuple[StepGroup, ...] = ()
    failed: tuple[str, ...] = ()
    cause: StepEvidence | None = None
    active: tuple[StepEvidence, ...] = ()
    remarks: tuple[StageRemarks, ...] = ()
    controls: tuple[Happening, ...] = ()
    turned: Happening | None = None
    last: Happening | None = None
    locks: tuple[LockBlock, ...] = ()
    comparison: Comparison | None = None
    again: str = ""
    replans: tuple[JsonObject, ...] = ()

    @property
    def run(self) -> RunRow:
        """The head of the run."""
        return self.recorded.run

    @property
    def short(self) -> str:
        """The run's id as commands take it."""
        return self.run.run_id[: self.id_length]

    @property
    def engine_lost(self) -> bool:
        """True if an engine should be at work on the run and there is none."""
        return self.engine_pid is None and self.run.needs_engine

    def number(self, *statuses: StepStatus, reason: Reason | None = None) -> int:
        """How many steps stand in one of these states, for this reason if one is given."""
        return sum(
            group.number
            for group in self.groups
            if group.status in statuses and (reason is None or group.reason is reason)
        )


@dataclass(frozen=True, slots=True)
class Remark:
    """A sentence below the answer, with its weight."""

    text: str
    role: Role


@dataclass(frozen=True, slots=True)
class Next:
    """What can be done now: the command as it is typed, what it does, and the key that does it on a screen, if one does."""

    command: str
    meaning: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer itself: the state, what happened in one sentence, what belongs to it, what to do."""

    mark: Mark
    sentence: str
    remarks: tuple[Remark, ...] = ()
    next: tuple[Next, ...] = ()


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The last lines of an output of a step; `left_out` counts lines before them that are known."""

    step_id: str
    stream: Stream
    lines: tuple[str, ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class Detail:
    """What is known of a failure beyond output and attempts: a traceback, an answer, items. Lines are not sentences; they are indented."""

    title: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt of a step: how long was waited before it, how it ended, how long it took, in microseconds."""

    number: int
    status: StepStatus
    ended: str
    duration_us: int | None
    started_at_us: int
    waited_us: int | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a run stands as it does. `about` says which run that is; `command` is what the step in question ran.

    `no_command` says why there is none. `known` is what `details` tell, as data.
    """

    answer: Answer
    about: str
    excerpt: Excerpt | None
    tries: tuple[Try, ...]
    comparison: Comparison | None
    command: Pasteable | None
    step_id: str | None
    details: tuple[Detail, ...] = ()
    no_command: str = ""
    known: JsonObject = field(default_factory=dict)

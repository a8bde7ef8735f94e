"""What is recorded of a run's replans, read back from its events: what was approved, what waits, which steps are held."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from engine.model.event import EventKind
from engine.model.replan import ReplanDecision, ReplanMode, Severity, Trigger, safe_parse_trigger
from engine.model.states import Stage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model.event import Event
    from engine.model.json import Json, JsonObject


@dataclass(frozen=True, slots=True)
class Proposal:
    """Another plan that was asked for: `patch` is filled in, `message` says what happened, `reason` what the rule says to it.

    `step_id` is None where the plan as a whole is the cause. `fault` is why the patch could not be filled in.
    """

    event_id: str
    trigger: Trigger
    mode: ReplanMode
    severity: Severity
    reason: str
    patch: JsonObject
    message: str = ""
    stage: Stage = Stage.EXECUTE
    step_id: str | None = None
    fault: str = ""

    @property
    def subject(self) -> str:
        """Of what it is: a step, or the plan."""
        return "the plan" if self.step_id is None else f"step {self.step_id}"

    def __str__(self) -> str:
        return f"{self.event_id}, {self.subject}: {self.reason} ({self.trigger})"


@dataclass(frozen=True, slots=True)
class ReplansSoFar:
    """Everything recorded of the replans of a run that going on with it needs.

    `patches` has the approved ones of each pass that is over, in order; `approved` those of this pass. `approved_at_us` are
    the times of those that a policy had asked for, in all passes. `pending` are those of this pass that nobody has decided
    about, `held` its steps whose replan was not denied, True where it was approved. `replaced` are the steps that an
    operator changed. `requested` is how many there were in this pass. `unjudged` is the step whose end is the last thing
    that is known of any: nobody may have asked yet whether it needs another plan.
    """

    patches: tuple[tuple[JsonObject, ...], ...] = ()
    approved: tuple[JsonObject, ...] = ()
    approved_at_us: tuple[int, ...] = ()
    pending: Mapping[str, Proposal] = field(default_factory=dict)
    held: Mapping[str, bool | None] = field(default_factory=dict)
    replaced: frozenset[str] = frozenset()
    requested: int = 0
    unjudged: str | None = None
    plan_decision: bool | None = None


NO_REPLANS: Final = ReplansSoFar()


class ReplanStory:
    """What the events so far say of replans."""

    def __init__(self) -> None:
        self._patches: list[tuple[JsonObject, ...]] = []
        self._approved: list[JsonObject] = []
        self._approved_at_us: list[int] = []
        self._asked: dict[str, Proposal] = {}
        self._pending: dict[str, Proposal] = {}
        self._held: dict[str, bool | None] = {}
        self._replaced: set[str] = set()
        self._plan_decision: bool | None = None
        self._unjudged: str | None = None

    def begin_pass(self) -> None:
        """The pass is over, and the next one begins with what was approved in it."""
        self._patches.append(tuple(self._approved))
        self._approved = []
        self._asked, self._pending, self._held, self._replaced = {}, {}, {}, set()
        self._plan_decision = self._unjudged = None

    def see_step(self, event: Event) -> None:
        """Something that happened to a step, whatever it was."""
        whole = event.kind is EventKind.STEP_FINISHED and event.item_index is None
        self._unjudged = event.step_id if whole else None

    def take(self, event: Event) -> str | None:
        """A `replan.*` event. Gives the step about which it was decided that all goes on as planned."""
        self._unjudged = None
        data = event.data
        event_id = str(data.get("event_id"))
        if event.kind is EventKind.REPLAN_REQUESTED:
            asked = _proposal(event_id, event)
            self._asked[event_id] = self._pending[event_id] = asked
            if asked.step_id is not None:
                self._held[asked.step_id] = None
            return None
        asked = self._asked.get(event_id) or _proposal(event_id, event)
        self._pending.pop(event_id, None)
        approved = data.get("decision") != ReplanDecision.DENIED.value
        if approved:
            self._approve(asked, data, event.at_us)
        if asked.step_id is None:
            if asked.trigger is not Trigger.OPERATOR:
                self._plan_decision = approved
            return None
        if approved:
            self._held[asked.step_id] = True
            return None
        self._held.pop(asked.step_id, None)
        return asked.step_id

    def _approve(self, asked: Proposal, data: JsonObject, at_us: int) -> None:
        self._approved.append(_object(data.get("patch")))
        if asked.trigger is Trigger.OPERATOR or data.get("replaces") is True:
            self._replaced |= {*_object(data.get("before")), *_object(data.get("after"))}
        if asked.trigger is not Trigger.OPERATOR:
            self._approved_at_us.append(at_us)

    @property
    def goes_on(self) -> bool:
        """True if another plan was approved because of this one itself."""
        return self._plan_decision is True

    def so_far(self) -> ReplansSoFar:
        """All of it, as data."""
        return ReplansSoFar(
            patches=tuple(self._patches),
            approved=tuple(self._approved),
            approved_at_us=tuple(self._approved_at_us),
            pending=dict(self._pending),
            held=dict(self._held),
            replaced=frozenset(self._replaced),
            requested=len(self._asked),
            unjudged=self._unjudged,
            plan_decision=self._plan_decision,
        )


def _proposal(event_id: str, event: Event) -> Proposal:
    data = event.data
    return Proposal(
        event_id=event_id,
        trigger=safe_parse_trigger(data.get("trigger")),
        mode=ReplanMode.AUTO if data.get("mode") == ReplanMode.AUTO.value else ReplanMode.APPROVAL,
        severity=next((one for one in Severity if one.value == data.get("severity")), Severity.WARNING),
        reason=str(data.get("reason") or ""),
        patch=_object(data.get("patch")),
        message=str(_object(data.get("cause")).get("message") or ""),
        stage=event.stage or Stage.EXECUTE,
        step_id=event.step_id,
        fault=str(data.get("fault") or ""),
    )


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}

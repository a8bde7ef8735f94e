"""Random plans with every feature, and a fate for every attempt and every question to the cache. What they come to is oracle.py's."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from engine.model.states import Reason, StepStatus
from tests.engine.schedule.builders import canceled, failed, plan_of, succeeded

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from engine.model.json import Json, JsonObject
    from engine.model.result import AttemptOutcome
    from engine.plan.compiled import CompiledPlan

RETRIED = (
    Reason.EXIT_CODE,
    Reason.TIMED_OUT,
    Reason.SPAWN_FAILED,
    Reason.SIGNALED,
    Reason.BAD_OUTPUT,
    Reason.OUTPUT_TOO_LARGE,
    Reason.EXCEPTION,
    Reason.INTERNAL,
)
POOLS: Mapping[str, Json] = {
    "narrow": {"max_concurrency": 1},
    "slow": {"rate": {"count": 2, "per_sec": 1.5}},
    "both": {"max_concurrency": 2, "rate": {"count": 3, "per_sec": 2.0}},
}
TOOLS = ("tool_a", "tool_b", "tool_c")
ROWS: tuple[Json, ...] = (None, "no list", [], [7], [1, 2, 3])
BRANCHES = ("left", "right")


class StatusIs(NamedTuple):
    """The expression `step_id.status == 'status'`."""

    step_id: str
    status: StepStatus

    def __str__(self) -> str:
        return f"{self.step_id}.status == '{self.status}'"


@dataclass
class Drawn:
    """A step as drawn: what its document says.

    `items` is the list that it runs for, `rows_of` the step in whose data it finds it. `rule` makes it a decision, for
    `left` if it holds; `branches` are the (decision, branch) that it is in.
    """

    step_id: str
    explicit: list[str]
    on_failure: str
    retries: int
    skip_if: list[StatusIs] = field(default_factory=list)
    condition: StatusIs | None = None
    needs_value_of: str | None = None
    items: list[int] | None = None
    rows_of: str | None = None
    repeat: int | None = None
    cached: bool = False
    critical: bool = False
    pool: str | None = None
    tool: str = TOOLS[0]
    fallback: str | None = None
    fallback_for: str | None = None
    rule: StatusIs | None = None
    default: str | None = None
    branches: list[tuple[str, str]] = field(default_factory=list)

    @property
    def has_items(self) -> bool:
        """True if it runs for each of a list."""
        return self.items is not None or self.rows_of is not None

    @property
    def depends_on(self) -> set[str]:
        """Explicit and implied."""
        tested = [test.step_id for test in [*self.skip_if, self.condition, self.rule] if test is not None]
        named = [step_id for step_id in (self.needs_value_of, self.rows_of) if step_id is not None]
        return {*self.explicit, *tested, *named, *(decision for decision, _ in self.branches)}

    def document(self, members: Mapping[str, list[str]]) -> JsonObject:
        """As a plan file says it; `members` are the steps in each branch of a decision."""
        if self.rule is not None:
            rules: Json = [{"when": str(self.rule), "choose": "left"}]
            lists: Json = {branch: [*members.get(branch, [])] for branch in BRANCHES}
            default: JsonObject = {} if self.default is None else {"default": self.default}
            what: JsonObject = {"step_def": {"type": "decision", "rules": rules, "branches": lists, **default}}
        else:
            value: list[Json] = [] if self.needs_value_of is None else [f"{{{self.needs_value_of}.data.value}}"]
            what = {"command": self.tool, "args": [*value, *(["{item}"] if self.has_items else [])]}
        optional: JsonObject = {
            "skip_if": [str(test) for test in self.skip_if] or None,
            "condition": None if self.condition is None else str(self.condition),
            "for_each": self._for_each(),
            "repeat": None if self.repeat is None else {"until": "item.data.done == true", "max": self.repeat},
            "cache": {"ttl_sec": 60} if self.cached else None,
            "pool": self.pool,
            "fallback_step": self.fallback,
        }
        return {
            "id": self.step_id,
            "depends_on": list(self.explicit),
            "on_failure": self.on_failure,
            "retries": self.retries,
            "critical": self.critical,
            "backoff": {"initial_sec": 0.5, "factor": 2, "max_sec": 3, "jitter": True},
            **what,
            **{name: value for name, value in optional.items() if value is not None},
        }

    def _for_each(self) -> Json:
        if self.items is not None:
            return [*self.items]
        return None if self.rows_of is None else f"{{{self.rows_of}.data.rows}}"


@dataclass
class DrawnPlan:
    """A plan as drawn. `fates` makes every outcome a function of the unit and the count of its tries alone."""

    steps: list[Drawn]
    serial: bool
    max_concurrency: int
    max_step_duration_sec: float
    fates: int
    breaker: JsonObject | None = None

    def compiled(self) -> CompiledPlan:
        """Through the reader, like any plan. Declared in another order than they can run in."""
        members: dict[str, dict[str, list[str]]] = {}
        for drawn in self.steps:
            for decision, branch in drawn.branches:
                members.setdefault(decision, {}).setdefault(branch, []).append(drawn.step_id)
        return plan_of(
            [
                drawn.document(members.get(drawn.step_id, {}))
                for drawn in Random(self.fates).sample(self.steps, len(self.steps))
            ],
            strategy="serial" if self.serial else "auto",
            max_concurrency=self.max_concurrency,
            max_step_duration_sec=self.max_step_duration_sec,
            pools=dict(POOLS),
            **({} if self.breaker is None else {"breaker": self.breaker}),
        )

    def fate(self, unit: str, ordinal: int) -> AttemptOutcome:
        """How the `ordinal`-th try of this step or item ends if nobody stops it."""
        return outcome(Random(f"{self.fates}/{unit}/{ordinal}"))

    def kept(self, unit: str) -> AttemptOutcome | None:
        """What the cache has for it."""
        random = Random(f"{self.fates}/{unit}/cache")
        return succeeded({"value": "kept", "rows": [1, 2]}) if random.random() < 0.4 else None


def outcome(random: Random) -> AttemptOutcome:
    """Any way in which an attempt can end."""
    luck = random.random()
    if luck < 0.6:
        data: JsonObject = {"value": "v"} if random.random() < 0.7 else {}
        rows = random.choice(ROWS)
        return succeeded({**data, "done": random.random() < 0.5, **({} if rows is None else {"rows": rows})})
    if luck < 0.95:
        reason = random.choice(RETRIED)
        return failed(reason, f"ended with {reason}")
    return canceled()


def draw_plan(random: Random, *, most: int = 12, aborts: bool = True, breakers: bool = False) -> DrawnPlan:
    """A plan of up to `most` steps, and their fallbacks."""
    modes = ["skip_dependents", "continue", *(["abort"] if aborts else [])]
    steps: list[Drawn] = []
    for number in range(random.randint(1, most)):
        before = [drawn.step_id for drawn in steps]
        drawn = Drawn(
            f"s{number}",
            explicit=random.sample(before, min(len(before), random.choice([0, 0, 1, 1, 2, 3]))),
            on_failure=random.choice(modes),
            retries=random.choice([0, 0, 1, 3]),
            critical=random.random() < (0.5 if breakers else 0.15),
            pool=random.choice([None, None, None, *POOLS]),
            tool=random.choice(TOOLS),
        )
        if before:
            _depend(random, drawn, steps)
        if drawn.rule is None:
            _elaborate(random, drawn)
        steps.append(drawn)
    _draw_fallbacks(random, steps, modes, aborts=aborts)
    return DrawnPlan(
        steps,
        serial=random.random() < 0.25,
        max_concurrency=random.randint(1, 4),
        max_step_duration_sec=3600.0,
        fates=random.randint(0, 2**32),
        breaker={"failures": random.randint(1, 3), "cooldown_sec": random.choice([0.5, 4.0])} if breakers else None,
    )


def _depend(random: Random, drawn: Drawn, steps: list[Drawn]) -> None:
    before = [other.step_id for other in steps]
    if random.random() < 0.2:
        drawn.skip_if = [_draw_test(random, before) for _ in range(random.randint(1, 2))]
    if random.random() < 0.2:
        drawn.condition = _draw_test(random, before)
    decisions = [other.step_id for other in steps if other.rule is not None]
    if decisions and random.random() < 0.5:
        drawn.branches = [(random.choice(decisions), random.choice(BRANCHES))]
    if random.random() < 0.15:
        drawn.rule = _draw_test(random, before)
        drawn.default = random.choice([None, "right"])
    elif random.random() < 0.2:
        drawn.needs_value_of = random.choice(before)


def _elaborate(random: Random, drawn: Drawn) -> None:
    if random.random() < 0.25:
        drawn.items = [random.randint(0, 9) for _ in range(random.choice([0, 1, 2, 5]))]
    elif drawn.needs_value_of is not None and random.random() < 0.5:
        drawn.rows_of, drawn.needs_value_of = drawn.needs_value_of, None
    if random.random() < 0.2:
        drawn.repeat = random.randint(1, 4)
    drawn.cached = random.random() < 0.2


def _draw_fallbacks(random: Random, steps: list[Drawn], modes: list[str], *, aborts: bool) -> None:
    """Give some steps a fallback, and some of these one of their own; each depends on what does not wait for its step."""
    # A step whose fallback fails too aborts the run, so plans without aborts have only steps that cannot come to that.
    needs = {drawn.step_id: drawn.depends_on for drawn in steps}
    wanting = [drawn for drawn in steps if aborts and drawn.rule is None and random.random() < 0.15]
    while wanting:
        drawn = wanting.pop()
        free = [
            other.step_id
            for other in steps
            if other.fallback_for is None and other is not drawn and drawn.step_id not in reach(needs, other.step_id)
        ]
        fallback = Drawn(
            f"f_{drawn.step_id}",
            explicit=random.sample(free, min(len(free), random.choice([0, 0, 1, 2]))),
            on_failure=random.choice(modes),
            retries=random.choice([0, 1]),
            pool=random.choice([None, None, *POOLS]),
            tool=random.choice(TOOLS),
            fallback_for=drawn.step_id,
        )
        _elaborate(random, fallback)
        drawn.fallback, drawn.on_failure = fallback.step_id, "fallback_step"
        needs[fallback.step_id] = fallback.depends_on
        needs[drawn.step_id] = {*needs[drawn.step_id], fallback.step_id}
        steps.append(fallback)
        if random.random() < 0.2:
            wanting.append(fallback)


def reach(needs: Mapping[str, Collection[str]], step_id: str) -> set[str]:
    """Everything that has to have an end before this step has one."""
    found: set[str] = set()
    todo = [step_id]
    while todo:
        for needed in needs[todo.pop()]:
            if needed not in found:
                found.add(needed)
                todo.append(needed)
    return found


def _draw_test(random: Random, before: list[str]) -> StatusIs:
    words = [StepStatus.SUCCEEDED, StepStatus.SUCCEEDED, StepStatus.FAILED, StepStatus.SKIPPED, StepStatus.CANCELED]
    return StatusIs(random.choice(before), random.choice(words))

"""Which runs a list shows and in which order, as data, and the SQL that asks for them. How a person types it is not here."""

from __future__ import annotations

from enum import Enum, StrEnum
from typing import TYPE_CHECKING, NamedTuple, assert_never

from engine.model.states import RunStatus
from store.queries.query import containing, like, marks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from store.queries.query import Parameter


class RunField(StrEnum):
    """What of a run can be asked for."""

    STATUS = "status"
    PLAN = "plan"
    ROUTE = "route"
    MODE = "mode"
    ID = "id"
    ASSET = "asset"
    WORD = "word"


class RunNumber(StrEnum):
    """What of a run can be measured. Durations and times are microseconds; steps are all that its plan has."""

    DURATION = "duration"
    STARTED = "started"
    STEPS = "steps"
    REPLANS = "replans"
    SCORE = "score"


class Among(NamedTuple):
    """Runs whose `field` is one of `values`, or none of them if `negated`.

    A plan and an asset may have `*` and `?`; an asset is named as in `query/ci-lookup@3`, an id by its beginning. A word is
    looked for in the head of the run, wherever in it. Case does not matter.
    """

    field: RunField
    values: tuple[str, ...]
    negated: bool = False


class Between(NamedTuple):
    """Runs whose `number` lies between two values, both included, or does not if `negated`. None is no limit.

    A run that goes on has taken until `now_us` so far. A run without the number is never between anything.
    """

    number: RunNumber
    least: int | None = None
    most: int | None = None
    negated: bool = False
    now_us: int = 0


class RunFilter(NamedTuple):
    """Which runs: any of `statuses`, any of `plans` (whole ids, with `*` and `?`), all of `words` somewhere in the head, all `terms`.

    Case does not matter. Empty means all.
    """

    statuses: frozenset[RunStatus] = frozenset()
    plans: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    terms: tuple[Among | Between, ...] = ()


class RunSort(Enum):
    """By what a list of runs is sorted. Its value is the name that a person gives it.

    The first is what one looks for: the newest, the longest, what failed, the lowest score.
    """

    STARTED = "started"
    DURATION = "duration"
    PLAN = "plan"
    STATUS = "status"
    STEPS = "steps"
    REPLANS = "replans"
    SCORE = "score"


class RunOrder(NamedTuple):
    """A sort, the other way round if `reversed`. Equal ones stand with the newest first. `now_us` as in `Between`."""

    by: RunSort = RunSort.STARTED
    reversed: bool = False
    now_us: int = 0

    @property
    def descends(self) -> bool:
        """True when the largest comes first."""
        return (self.by in _LARGEST_FIRST) != self.reversed


ALL_RUNS = RunFilter()
NEWEST = RunOrder()

_LARGEST_FIRST = frozenset({RunSort.STARTED, RunSort.DURATION, RunSort.STEPS, RunSort.REPLANS})
_SEARCHED = ("run_id", "plan_id", "plan_version", "status", "stage", "route")
_LIVE = ", ".join(f"'{status}'" for status in RunStatus if not status.is_final)
_GOES_ON = "{runs}.status IN (" + _LIVE + ") AND {runs}.run_id NOT IN (SELECT run_id FROM imports)"  # noqa: S608
_TAKEN = "coalesce({runs}.duration_us, CASE WHEN " + _GOES_ON + " THEN max(0, ? - {runs}.started_at_us) END)"
_URGENCY = ("failed", "quarantined", "paused", "running", "pending", "canceled", "succeeded")
# From the end, because most runs have succeeded and the first that is equal settles it.
_PLACES = " ".join(f"WHEN '{status}' THEN {place}" for place, status in reversed([*enumerate(_URGENCY)]))
_BY_URGENCY = "CASE {runs}.status " + _PLACES + " END"
# Walks from one reference to the next in the index: there are few of them, however many runs have used each.
REFERENCES = (
    "WITH RECURSIVE known(ref) AS (SELECT min(ref) FROM applied_assets UNION ALL "
    "SELECT (SELECT min(ref) FROM applied_assets WHERE ref > known.ref) FROM known WHERE known.ref IS NOT NULL) "
    "SELECT ref FROM known"
)
_MATCHING = rf"{REFERENCES} WHERE ref LIKE ? ESCAPE '\'"
_LOOKED_UP = f"(run_id IN (SELECT run_id FROM applied_assets WHERE ref IN ({_MATCHING})))"  # noqa: S608  (constants)
# The newest of what many runs have used are soon found by looking at one run after the other; what few have, by looking it up.
_MANY = 5000
_USED = (
    "(CASE WHEN (SELECT count(*) FROM (SELECT 1 FROM applied_assets "  # noqa: S608  (constants)
    f"WHERE ref IN ({_MATCHING}) LIMIT {_MANY})) = {_MANY} "
    f"THEN EXISTS (SELECT 1 FROM applied_assets AS a WHERE a.run_id = runs.run_id AND +a.ref IN ({_MATCHING})) "
    f"ELSE {_LOOKED_UP} END)"
)


def is_costly(chosen: RunFilter) -> bool:
    """True where more has to be looked at than the row of a run to know whether it passes."""
    return any(isinstance(term, Among) and term.field is RunField.ASSET for term in chosen.terms)


def where(chosen: RunFilter) -> tuple[list[str], list[Parameter]]:
    """The conditions that all have to hold for a row of `runs`, and their parameters."""
    conditions: list[str] = []
    parameters: list[Parameter] = []

    def add(sql: str, given: Sequence[Parameter]) -> None:
        conditions.append(sql)
        parameters.extend(given)

    if chosen.statuses:
        add(*_among(RunField.STATUS, sorted(status.value for status in chosen.statuses)))
    if chosen.plans:
        add(*_among(RunField.PLAN, chosen.plans))
    for text in chosen.words:
        add(*_among(RunField.WORD, (text,)))
    for term in chosen.terms:
        if isinstance(term, Between):
            sql, given = _between(term)
        else:
            sql, given = _among(term.field, term.values)
        # What is not known is not so.
        add(f"NOT coalesce({sql}, 0)" if term.negated else sql, given)
    return conditions, parameters


def _among(field: RunField, values: Sequence[str]) -> tuple[str, list[Parameter]]:
    match field:
        case RunField.STATUS | RunField.ROUTE | RunField.MODE:
            return f"{field.value} IN ({marks(values)})", list(values)
        case RunField.PLAN:
            return _any([r"plan_id LIKE ? ESCAPE '\'"] * len(values)), [like(value) for value in values]
        case RunField.ID:
            bounds = [bound for value in values for bound in (value.lower(), value.lower() + "\uffff")]
            return _any(["(run_id >= ? AND run_id < ?)"] * len(values)), list(bounds)
        case RunField.ASSET:
            return _any([_USED] * len(values)), [
                like(_reference(value)) for value in values for _ in range(_USED.count("?"))
            ]
        case RunField.WORD:
            one = [rf"{column} LIKE ? ESCAPE '\'" for column in _SEARCHED]
            return _any(one * len(values)), [containing(value) for value in values for _ in _SEARCHED]
        case _:
            assert_never(field)


def _any(conditions: Sequence[str]) -> str:
    """Conditions of which one has to hold."""
    return f"({' OR '.join(conditions)})"


def _reference(value: str) -> str:
    """`ci-lookup` as a pattern of whole references: any type where none is named, any version where none is."""
    name = value if "/" in value else f"*/{value}"
    return name if "@" in name or name.endswith("*") else f"{name}@*"


def _between(term: Between) -> tuple[str, list[Parameter]]:
    number, given = _number(term.number, term.now_us)
    conditions: list[str] = []
    parameters: list[Parameter] = []
    for sign, bound in ((">=", term.least), ("<=", term.most)):
        if bound is not None:
            conditions.append(f"{number} {sign} ?")
            parameters += [*given, bound]
    return ("(" + " AND ".join(conditions) + ")" if conditions else f"{number} IS NOT NULL"), parameters or given


def _number(number: RunNumber, now_us: int) -> tuple[str, list[Parameter]]:
    match number:
        case RunNumber.DURATION:
            return _TAKEN.format(runs="runs"), [now_us]
        case RunNumber.STARTED:
            # A run that has not started yet is listed by when it was asked for, which is next to the same and has an index.
            return "created_at_us", []
        case RunNumber.STEPS:
            return "steps_total", []
        case RunNumber.REPLANS | RunNumber.SCORE:
            return number.value, []
        case _:
            assert_never(number)


def order_by(order: RunOrder, runs: str, *, backwards: bool = False) -> tuple[str, list[Parameter]]:
    """ORDER BY with its parameters, for the table called `runs`; `backwards` for a list that is read from its end."""
    key, given = sort_key(order.by, runs), ([order.now_us] if order.by is RunSort.DURATION else [])
    falls = order.descends
    newest_first = order.by is not RunSort.STARTED or falls
    terms: list[tuple[str, bool]] = []
    if order.by in (RunSort.SCORE, RunSort.DURATION):
        # What has none stands at the end, whichever way the others are sorted.
        terms.append((f"{key} IS NULL", False))
        given *= 2
    if order.by is not RunSort.STARTED:
        terms.append((key, falls))
    terms += [(f"{runs}.created_at_us", newest_first), (f"{runs}.run_id", newest_first)]
    sql = ", ".join(f"{term} {'DESC' if down != backwards else 'ASC'}" for term, down in terms)
    return f"ORDER BY {sql}", list(given)


def is_sorted(order: RunOrder) -> bool:
    """True where no index gives the order."""
    return order.by not in (RunSort.STARTED, RunSort.PLAN)


def sort_key(by: RunSort, runs: str) -> str:
    """The column that a list is sorted by, of the table called `runs`. For durations it has a `?`: what is now."""
    return _key(by).format(runs=runs)


def _key(by: RunSort) -> str:
    match by:
        case RunSort.STARTED:
            return "{runs}.created_at_us"
        case RunSort.DURATION:
            return _TAKEN
        case RunSort.PLAN:
            return "{runs}.plan_id"
        case RunSort.STATUS:
            return _BY_URGENCY
        case RunSort.STEPS:
            return "{runs}.steps_total"
        case RunSort.REPLANS:
            return "{runs}.replans"
        case RunSort.SCORE:
            return "{runs}.score"
        case _:
            assert_never(by)

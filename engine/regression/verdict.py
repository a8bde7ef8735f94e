"""What an analysis says, as frozen data that can be stored and read again: rows of evidence, issues, causes, the verdict."""

# Annotations are read when documents are checked, so their names are imported for good.
from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from engine.regression.evidence import Finding
from engine.regression.parts import PartKey  # noqa: TC001
from engine.regression.score import Loss, Severity  # noqa: TC001


class Verdict(StrEnum):
    """What is said of the candidates as a whole."""

    REGRESSED = "regressed"
    IMPROVED = "improved"
    UNCHANGED = "unchanged"
    SUSPECT = "suspect"
    TOO_FEW = "too_few"


class Confidence(StrEnum):
    """How much the verdict rests on; it stands beside the score and is never blended in."""

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class TimeRow:
    """How long a part takes: see `engine.regression.evidence.Evidence`. `drag_sec` is what the candidates' end waits for it,
    None where it was not looked for, because nothing changed. `rank` is where a single candidate stands among the baseline
    and itself, 1 for the shortest; None where there are several."""

    part: PartKey
    finding: Finding
    baseline_n: int
    candidate_n: int
    baseline_sec: float
    candidate_sec: float
    delta_sec: float
    delta_low_sec: float
    effect: float
    low: float
    high: float
    level: float
    noise: float
    p: float | None
    q: float | None
    method: str
    drag_sec: float | None
    rank: int | None = None

    @property
    def counts(self) -> bool:
        """True where the change counts."""
        return self.finding in (Finding.SLOWER, Finding.FASTER)


class RateFinding(StrEnum):
    """What is said of a rate of success."""

    NOTHING = "nothing"
    DROPPED = "dropped"
    ROSE = "rose"
    TOO_FEW = "too_few"


@dataclass(frozen=True, slots=True)
class RateRow:
    """How often a part, or with None the whole run, succeeds: good of all on both sides, the drop and its interval."""

    part: PartKey | None
    finding: RateFinding
    baseline_good: int
    baseline_n: int
    candidate_good: int
    candidate_n: int
    drop: float
    low: float
    high: float
    p: float | None
    q: float | None
    method: str

    @property
    def name(self) -> str:
        """The part, or the run."""
        return "run" if self.part is None else str(self.part)


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """How many tries a part takes on average, where that changed."""

    part: PartKey
    baseline_mean: float
    candidate_mean: float
    p: float
    q: float


@dataclass(frozen=True, slots=True)
class CountRow:
    """What a stage counts (rows, references, errors) on average, where that changed. `warnings` counts runs in which its
    diagnostics were not ok. Listed, and never a verdict: more rows may be just what was wanted."""

    part: PartKey
    name: str
    baseline_mean: float
    candidate_mean: float
    p: float
    q: float


class IssueKind(StrEnum):
    """What is critical whatever the durations say."""

    NEWLY_FAILS = "newly_fails"
    SHAPE_BROKE = "shape_broke"
    REPLAN_DENIED = "replan_denied"
    REFERENCES_LOST = "references_lost"


@dataclass(frozen=True, slots=True)
class Issue:
    """One critical issue, or with `is_certain` False the suspicion of one. Counts are runs with it, of all that could have it.

    `p` is one-sided and Holm-corrected over all that could have been an issue.
    """

    kind: IssueKind
    part: PartKey | None
    text: str
    baseline: tuple[int, int]
    candidates: tuple[int, int]
    p: float
    is_certain: bool


class Side(StrEnum):
    """Where a part stands that is not on both sides."""

    BASELINE_ONLY = "baseline_only"
    CANDIDATES_ONLY = "candidates_only"


@dataclass(frozen=True, slots=True)
class OneSided:
    """A part that only one side has, and in how many of its runs."""

    part: PartKey
    side: Side
    runs: int


class DifferenceKind(StrEnum):
    """In what the sides differ as a whole."""

    PLAN = "plan"
    PLAN_STEP = "plan_step"
    PARAM = "param"
    ASSET = "asset"
    ENVIRONMENT = "environment"
    REPLAN = "replan"


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is not the same on both sides: the values of each as text, the most frequent first, with their counts.

    `separates` says that no value stands on both sides, so that it can be the cause.
    """

    kind: DifferenceKind
    name: str
    baseline: tuple[tuple[str, int], ...]
    candidates: tuple[tuple[str, int], ...]
    separates: bool


@dataclass(frozen=True, slots=True)
class Suspect:
    """What may have caused a change: a difference, how it reaches the part, and how to run again with only that."""

    kind: DifferenceKind
    name: str
    baseline: str
    candidates: str
    why: str
    distance: int
    rerun: str


@dataclass(frozen=True, slots=True)
class Cause:
    """Parts that changed together, in one line, and what is suspected; the nearest suspect first."""

    text: str
    parts: tuple[PartKey, ...]
    is_slower: bool
    suspects: tuple[Suspect, ...]
    advice: str


class Outcome(StrEnum):
    """What reruns with something put back as it was came to."""

    GONE = "gone"
    STILL_THERE = "still_there"
    FOUND = "found"
    NONE_ALONE = "none_alone"


@dataclass(frozen=True, slots=True)
class Tried:
    """That, with a sentence: what was put back, and what became of what had been found."""

    outcome: Outcome
    text: str


@dataclass(frozen=True, slots=True)
class Analysis:
    """The comparison of some candidate runs with a baseline.

    `score` is None and `severity` none where there are too few runs; `runs_needed` says how many more on each side.
    `baseline_failed` are runs of the baseline's time that failed: rates are compared with them too, durations are not.
    Rows are in the order of parts. `tried` is there where reruns put something back to learn what it does.
    """

    baseline: tuple[str, ...]
    candidates: tuple[str, ...]
    stage: str
    verdict: Verdict
    score: int | None
    severity: Severity
    confidence: Confidence
    runs_needed: tuple[int, int]
    baseline_sec: float
    losses: tuple[Loss, ...]
    times: tuple[TimeRow, ...]
    rates: tuple[RateRow, ...]
    attempts: tuple[AttemptRow, ...]
    issues: tuple[Issue, ...]
    one_sided: tuple[OneSided, ...]
    differences: tuple[Difference, ...]
    causes: tuple[Cause, ...]
    notes: tuple[str, ...] = ()
    baseline_failed: tuple[str, ...] = ()
    counts: tuple[CountRow, ...] = ()
    tried: Tried | None = None

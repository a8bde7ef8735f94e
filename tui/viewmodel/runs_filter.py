"""The language of the filter of runs: what a person typed, as a filter of the store. How it is asked for and shown is not here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, assert_never

from engine.model.states import RouteKind, RunMode, RunStatus
from store.queries import Among, Between, RunField, RunFilter, RunNumber
from tui.viewmodel.runs_filter_values import NotUnderstoodError, bounds_of, moments_of, spans_of, wholes_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from enum import StrEnum

    from tui.viewmodel.runs import Moment

_NOT: Final = "-!"
_OPERATORS: Final = {
    **dict.fromkeys(("OR", "AND"), "all words must hold; one of several is status:failed,running"),
    "NOT": "what must not hold has a dash before it, as -status:failed",
}
"""What other filter languages have in capital letters. Somebody who looks for such a word puts it in quotes."""
# SQLite refuses a pattern of more than 50,000 bytes and a condition of more than 1,000 parts, in words that help nobody here.
_LONGEST: Final = 200
_MOST: Final = 100
FIELDS: Final = ("status", "plan", "dur", "steps", "replans", "score", "route", "mode", "started", "asset", "id")
"""The fields by the name that is shown, in the order in which they are named."""
_OTHER_NAMES: Final = {
    "state": "status",
    "duration": "dur",
    "took": "dur",
    "run": "id",
    "assets": "asset",
    "since": "since",
    "before": "before",
}
WORDS: Final[dict[str, type[StrEnum]]] = {"status": RunStatus, "route": RouteKind, "mode": RunMode}
"""The fields that have a closed list of values."""
_NUMBERS: Final = {"steps": RunNumber.STEPS, "replans": RunNumber.REPLANS, "score": RunNumber.SCORE}
EXAMPLES: Final = {
    "dur": "dur:>10s  dur:<2m  dur:1m..5m",
    "steps": "steps:>100  steps:1..9",
    "replans": "replans:0  replans:>0",
    "score": "score:<60  score:90..100",
    "started": "started:today  started:>2h  started:2026-11-20",
    "since": "since:2h  since:10:42  since:2026-11-20",
    "before": "before:2h  before:10:42  before:2026-11-20",
    "asset": "asset:query/ci-lookup  asset:query/ci-lookup@3",
    "id": "id:7f3a",
}
"""How the fields are written that have no list of values."""


class Token(NamedTuple):
    """One word of the filter line, from `start` to `stop`. `name` is what stands before its colon, None for a free word.

    `value` is without its quotes; `is_negated` and `is_quoted` say what stood around it.
    """

    start: int
    stop: int
    name: str | None
    value: str
    is_negated: bool = False
    is_quoted: bool = False


class Fault(NamedTuple):
    """What was not understood, and where it stands."""

    text: str
    token: Token

    def __str__(self) -> str:
        return self.text


class TypedFilter(NamedTuple):
    """What the filter line asks for, and what in it was not understood."""

    chosen: RunFilter = RunFilter()
    faults: tuple[Fault, ...] = ()

    @property
    def is_empty(self) -> bool:
        """True when every run passes."""
        return self.chosen == RunFilter()


def tokens(text: str) -> list[Token]:
    """The words of the line. A part in quotes may hold blanks and colons; a quote that is not closed goes to the end."""
    found: list[Token] = []
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        token = _token(text, at)
        found.append(token)
        at = token.stop
    return found


def _token(text: str, start: int) -> Token:
    at = start
    is_negated = text[at] in _NOT and at + 1 < len(text) and not text[at + 1].isspace()
    if is_negated:
        at += 1
    name: str | None = None
    value: list[str] = []
    is_quoted = in_quotes = False
    while at < len(text) and (in_quotes or not text[at].isspace()):
        if text[at] == '"':
            in_quotes = not in_quotes
            is_quoted = True
        elif text[at] == ":" and name is None and not is_quoted:
            name, value = "".join(value).casefold(), []
        else:
            value.append(text[at])
        at += 1
    return Token(start, at, name, "".join(value), is_negated, is_quoted)


class _Reading:
    """Gathers what the words ask for. Several words about one field let through what any of them lets through."""

    def __init__(self, moment: Moment) -> None:
        self.moment = moment
        self.statuses: set[RunStatus] = set()
        self.plans: list[str] = []
        self.words: list[str] = []
        self.terms: list[Among | Between] = []
        self.any_of: dict[RunField, list[str]] = {}
        self.faults: list[Fault] = []

    def filter(self) -> TypedFilter:
        """What was gathered."""
        united = (Among(field, tuple(dict.fromkeys(values))) for field, values in self.any_of.items())
        chosen = RunFilter(
            frozenset(self.statuses), tuple(self.plans), tuple(self.words), (*united, *dict.fromkeys(self.terms))
        )
        return TypedFilter(chosen, tuple(self.faults))

    def take(self, token: Token) -> None:
        """One word more."""
        value = token.value.casefold()
        if len(value) > _LONGEST:
            self.faults.append(Fault(f"{value[:12]}… is longer than {_LONGEST} characters", token))
            return
        if token.name is None:
            self._free(token, value)
            return
        name = canonical(token.name)
        if name is None:
            self.faults.append(Fault(_no_such(token.name), token))
        elif not value:
            self.faults.append(Fault(f"{token.name}: what?", token))
        else:
            try:
                self._field(token, name, value)
            except NotUnderstoodError as error:
                self.faults.append(Fault(f"{token.name}: {error}", token))

    def _free(self, token: Token, value: str) -> None:
        if not value or (value in _NOT and not token.is_quoted):
            return
        if token.value in _OPERATORS and not token.is_quoted:
            self.faults.append(Fault(f"{token.value} joins nothing: {_OPERATORS[token.value]}", token))
        elif token.is_negated:
            self.terms.append(Among(RunField.WORD, (value,), negated=True))
        else:
            self.words.append(value)

    def _field(self, token: Token, name: str, value: str) -> None:
        negated = token.is_negated
        if name in WORDS:
            self._listed(token, RunField(name), _words(name, value))
        elif name == "plan":
            plans = [
                one if any(sign in one for sign in "*?") or token.is_quoted else f"{one}*" for one in _parts(value)
            ]
            if negated:
                self.terms.append(Among(RunField.PLAN, tuple(plans), negated=True))
            else:
                self.plans += plans
        elif name == "id":
            self._listed(token, RunField.ID, _parts(value))
        elif name == "asset":
            self.terms.append(Among(RunField.ASSET, tuple(_parts(value)), negated))
        elif name in ("started", "since", "before"):
            sign = {"started": "", "since": ">=", "before": "<"}[name]
            least, most = moments_of(bounds_of(sign + value), self.moment)
            self.terms.append(Between(RunNumber.STARTED, least, most, negated))
        elif name == "dur":
            least, most = spans_of(bounds_of(value))
            self.terms.append(Between(RunNumber.DURATION, least, most, negated, self.moment.now_us))
        else:
            least, most = wholes_of(bounds_of(value))
            self.terms.append(Between(_NUMBERS[name], least, most, negated))

    def _listed(self, token: Token, asked: RunField, values: Sequence[str]) -> None:
        if token.is_negated:
            self.terms.append(Among(asked, tuple(values), negated=True))
            return
        match asked:
            case RunField.STATUS:
                self.statuses.update(map(RunStatus, values))
            case RunField.ROUTE | RunField.MODE | RunField.ID:
                self.any_of.setdefault(asked, []).extend(values)
            case RunField.PLAN | RunField.ASSET | RunField.WORD:
                raise AssertionError(asked)
            case _:
                assert_never(asked)


def parse_filter(text: str, moment: Moment) -> TypedFilter:
    """The words of the filter line. What is not understood is a fault to show, never an error; the rest applies.

    Ages and durations that go on count until `moment`.
    """
    reading = _Reading(moment)
    typed = tokens(text)
    for token in typed[:_MOST]:
        reading.take(token)
    if len(typed) > _MOST:
        reading.faults.append(Fault(f"more than {_MOST} words", typed[_MOST]))
    return reading.filter()


def canonical(name: str) -> str | None:
    """The field that a name means, None for none; `since` and `before` are fields of their own."""
    return name if name in FIELDS else _OTHER_NAMES.get(name)


def _parts(value: str) -> list[str]:
    parts = [part for part in value.split(",") if part]
    if not parts:
        raise NotUnderstoodError("what?")
    return parts


def _words(name: str, value: str) -> list[str]:
    kind = WORDS[name]
    found: list[str] = []
    for part in _parts(value):
        meant = [one.value for one in kind if one.value.startswith(part)]
        if not meant:
            from engine.plan.faults import did_you_mean

            nearest = did_you_mean(part, [one.value for one in kind])
            raise NotUnderstoodError(f"there is no {part}; {nearest or 'there are ' + ', '.join(kind)}")
        found += meant
    return found


def _no_such(name: str) -> str:
    from engine.plan.faults import did_you_mean

    nearest = did_you_mean(name, [*FIELDS, *_OTHER_NAMES])
    return f"no field {name}; {nearest or 'there are ' + ', '.join(FIELDS)}"

"""Which replans are looked at: by trigger, decision, time and words, as a person types it. No widgets."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Final

from engine.model.replan import ReplanDecision, Trigger, safe_parse_trigger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui.viewmodel.replanning.replan import Replan
    from tui.viewmodel.runs import Moment

HINT: Final = "trigger:timeout  from:10:42  since:5m"
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_AGO: Final = re.compile(r"(\d{1,6})([smhd])")


@dataclass(frozen=True, slots=True)
class ReplanFilter:
    """Any of `triggers`, any of `decisions`, between the times (microseconds UTC, both included), and all of `words`."""

    triggers: frozenset[Trigger] = frozenset()
    decisions: frozenset[ReplanDecision] = frozenset()
    from_us: int | None = None
    to_us: int | None = None
    words: tuple[str, ...] = ()
    faults: tuple[str, ...] = field(default=(), compare=False)

    @property
    def is_empty(self) -> bool:
        """True when every replan passes."""
        return self == ReplanFilter()

    def passes(self, replan: Replan) -> bool:
        """Whether this one is looked at."""
        if self.triggers and replan.trigger not in self.triggers:
            return False
        if self.decisions and replan.decision not in self.decisions:
            return False
        if (self.from_us or 0) > replan.at_us or (self.to_us is not None and replan.at_us > self.to_us):
            return False
        texts = (
            replan.subject,
            replan.reason,
            replan.cause,
            replan.decision_reason,
            replan.decided_by,
            replan.event_id,
        )
        said = "\n".join((*texts, replan.trigger.value, replan.severity.value)).casefold()
        return all(word in said for word in self.words)


def parse_replan_filter(text: str, replans: Sequence[Replan], moment: Moment) -> ReplanFilter:
    """The words of the filter line. A time without a date is one of the day of the first replan.

    What is not understood is a fault to show, never an error.
    """
    triggers: set[Trigger] = set()
    decisions: set[ReplanDecision] = set()
    words: list[str] = []
    faults: list[str] = []
    times: dict[str, int] = {}
    day_us = replans[0].at_us if replans else moment.now_us
    for word in text.casefold().split():
        name, colon, value = word.partition(":")
        if not colon:
            words.append(word)
        elif not value:
            faults.append(f"{name}: what?")
        elif name == "trigger":
            found = _triggers(value)
            triggers |= found
            if not found:
                faults.append(f"no trigger {value}; there are {', '.join(Trigger)}")
        elif name == "decision":
            chosen = {one for one in ReplanDecision if one.value.startswith(value)}
            decisions |= chosen
            if not chosen:
                faults.append(f"no decision {value}; there are {', '.join(ReplanDecision)}")
        elif name in ("from", "to"):
            at_us = _time(value, day_us, moment, ends=name == "to")
            if at_us is None:
                faults.append(f"{value} is no time such as 10:42 or 10:42:10")
            else:
                times[name] = at_us
        elif name == "since":
            ago = _AGO.fullmatch(value)
            if ago is None:
                faults.append(f"{value} is no span such as 90s, 5m, 2h or 1d")
            else:
                times["from"] = moment.now_us - int(ago[1]) * _UNITS[ago[2]] * 1_000_000
        else:
            faults.append(f"no field {name}; there are trigger, decision, from, to and since")
    return ReplanFilter(
        frozenset(triggers), frozenset(decisions), times.get("from"), times.get("to"), tuple(words), tuple(faults)
    )


def _triggers(value: str) -> set[Trigger]:
    found = {one for one in Trigger if value in one.value}
    known = safe_parse_trigger(value)
    return found or ({known} if known is not Trigger.UNKNOWN else set())


def _time(value: str, day_us: int, moment: Moment, *, ends: bool) -> int | None:
    try:
        if "-" in value:
            at = datetime.fromisoformat(value.upper())
            whole = at if at.tzinfo is not None else _in_zone(at, moment)
        else:
            day = datetime.fromtimestamp(day_us // 1_000_000, tz=UTC).astimezone(moment.zone)
            whole = _in_zone(datetime.combine(day.date(), time.fromisoformat(value)), moment)
    except ValueError:
        return None
    # `to:10:42` means until that minute is over.
    spare = (59_999_999 if value.count(":") == 1 else 999_999) if ends else 0
    return round(whole.timestamp()) * 1_000_000 + spare


def _in_zone(at: datetime, moment: Moment) -> datetime:
    return at.replace(tzinfo=moment.zone) if moment.zone is not None else at.astimezone()

"""The items of a step with `for_each`: where each stands, and what they come to together. When they go is core.py's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from engine.model.states import Reason, StepStatus
from engine.plan.scope import Item
from engine.schedule.consequences import is_failure
from engine.schedule.progress import Ending, Progress
from engine.schedule.transitions import Happening

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.model.json import Json, JsonObject
    from engine.model.result import StepResult
    from engine.schedule.signals import Moment
    from engine.schedule.taken_up import ItemsLeft
    from engine.schedule.verdict import StopOrder

_MOST_NAMED: Final = 5  # failed items that the step's message names
_LONGEST_CAUSE: Final = 120  # characters of each
_LONGEST_TEXT: Final = 200  # an item that is a longer text, or no scalar, is not repeated in what is said of it


class Items:
    """All items of one step, in the order of the list. `open` counts those that are neither settled nor quarantined."""

    __slots__ = ("_front", "open", "results", "units")

    def __init__(self, step: Progress, values: Sequence[Json], left: ItemsLeft | None) -> None:
        self.units = [
            Progress(compiled=step.compiled, order=step.order, unmet=0, item=Item(index, value), item_index=index)
            for index, value in enumerate(values)
        ]
        self.results: list[StepResult | None] = [None] * len(values)
        if left is not None:
            last = max([*left.settled, *left.left], default=-1)
            if last >= len(values):
                raise step.impossible(f"item {last} has been under way, and now there are {len(values)} items")
            self._take_up(step, left)
        self.open = sum(result is None for result in self.results)
        self._front = 0  # none before this is open

    def _take_up(self, step: Progress, left: ItemsLeft) -> None:
        begun = [result.started_at_us for result in left.settled.values()]
        begun += [progress.first_at_us for progress in left.left.values()]
        step.begun_before(min((at_us for at_us in begun if at_us is not None), default=None))
        for index, result in left.settled.items():
            self.results[index] = result
            self.units[index].status = result.status
            self.units[index].attempts = result.attempts
        for index, progress in left.left.items():
            self.units[index].take_up(progress)

    @property
    def first_monotonic(self) -> float | None:
        """When the first of them began, of those that this engine has begun; None before that."""
        begun = (unit.first_monotonic for unit in self.units if unit.first_at_us is not None)
        return min((at for at in begun if at is not None), default=None)

    def unsettled(self) -> list[Progress]:
        """The items without an end, in order."""
        return [unit for unit, result in zip(self.units, self.results, strict=True) if result is None]

    def next_open(self) -> Progress | None:
        """The first item for which there is something to do yet, or to wait for."""
        while self._front < len(self.units) and not self._is_open(self._front):
            self._front += 1
        return self.units[self._front] if self._front < len(self.units) else None

    def reopen(self) -> None:
        """Whatever was left to an operator has to have an end now."""
        self.open = len(self.unsettled())

    def settle(self, unit: Progress, result: StepResult) -> None:
        """The item has its end."""
        assert unit.item_index is not None, "a step is not an item of itself"
        self.results[unit.item_index] = result
        self.open -= 1

    def ending(self, stop: StopOrder | None) -> Ending:
        """What the step comes to when none is open. `stop` is the order to stop, if there is one."""
        if refused := [unit for unit in self.units if unit.status is StepStatus.QUARANTINED]:
            message = f"{len(refused)} of {self._all()} wait for a decision: {_named(refused)}; the breaker was open"
            return Ending(Happening.QUARANTINED, Reason.BREAKER_OPEN, message)
        bad = [result for result in self.results if result is not None and is_failure(result)]
        if not bad:
            left_out = [unit for unit in self.units if unit.status is StepStatus.SKIPPED]
            message = f"{len(left_out)} of {self._all()} left out: {_named(left_out)}" if left_out else ""
            return Ending(Happening.ITEMS_SUCCEEDED, None, message)
        if stop is not None and any(result.status is StepStatus.CANCELED for result in bad):
            return Ending(Happening.ITEMS_CANCELED, stop.reason, f"stopped: {stop.because}")
        return Ending(
            Happening.ITEMS_FAILED, Reason.ITEMS_FAILED, f"{len(bad)} of {self._all()} failed: {self._causes()}"
        )

    def complete(self, result: StepResult, now: Moment) -> StepResult:
        """The step's result with what its items have come to: their data in order, null where there is none."""
        ended = [item for item in self.results if item is not None]
        begun = [unit.first_at_us for unit in self.units if unit.first_at_us is not None]
        begun += [item.started_at_us for item in ended if item.started_at_us is not None]
        bad = sum(is_failure(item) for item in ended)
        return replace(
            result,
            data=[None if item is None else item.data for item in self.results],
            items=tuple(self._heads()),
            attempts=sum(unit.attempts for unit in self.units),
            started_at_us=min(begun, default=None),
            finished_at_us=now.at_us if begun else None,
            counts={"items": len(self.units), **({"failed": bad} if bad else {})},
        )

    def _heads(self) -> Iterator[JsonObject]:
        for unit, result in zip(self.units, self.results, strict=True):
            if result is None:
                continue
            assert unit.item is not None, "made with its item"
            value = unit.item.value
            is_short = not isinstance(value, list | dict) and not (
                isinstance(value, str) and len(value) > _LONGEST_TEXT
            )
            shown: JsonObject = {"item": value} if is_short else {}
            yield {
                "index": unit.item.index,
                **shown,
                "status": result.status.value,
                "reason": result.reason.value if result.reason else None,
                "message": result.message,
                "exit_code": result.exit_code,
                "attempts": result.attempts,
                "duration_us": result.duration_us,
            }

    def _is_open(self, index: int) -> bool:
        return self.results[index] is None and self.units[index].status is not StepStatus.QUARANTINED

    def _all(self) -> str:
        return "1 item" if len(self.units) == 1 else f"{len(self.units)} items"

    def _causes(self) -> str:
        bad = [(index, item) for index, item in enumerate(self.results) if item is not None and is_failure(item)]
        named = [f"#{index} {_shortened(item.message)}" for index, item in bad[:_MOST_NAMED]]
        more = len(bad) - len(named)
        return ", ".join(named) + (f", and {more} more" if more else "")


def _named(units: Sequence[Progress]) -> str:
    named = [f"#{unit.item_index}" for unit in units[:_MOST_NAMED]]
    more = len(units) - len(named)
    return ", ".join(named) + (f", and {more} more" if more else "")


def _shortened(message: str) -> str:
    line = message.split("\n", 1)[0]
    return line if len(line) <= _LONGEST_CAUSE else f"{line[: _LONGEST_CAUSE - 1]}…"

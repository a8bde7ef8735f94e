"""Whether anything is left standing that could go: worked out anew from the books, after every signal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.states import StepStatus, Strategy
from tests.engine.schedule.books import unit_of
from tests.engine.schedule.gauges import ROUNDING

if TYPE_CHECKING:
    from engine.schedule.core import Scheduler
    from engine.schedule.signals import Moment
    from tests.engine.schedule.ledger import Ledger


def check_nothing_stands(ledger: Ledger, scheduler: Scheduler, now: Moment) -> None:
    """What is ready and does not run has no slot, no room in its pool, or waits for a rate; then an alarm is set.

    In a serial plan most of what is ready has not got the turn; there, something has to be under way at least.
    """
    if not ledger.is_begun or ledger.paused or ledger.stopping or ledger.finish is not None:
        return
    is_serial = ledger.plan.strategy is Strategy.SERIAL
    taken = len(ledger.running) + len(ledger.taking_slots)
    ready = [step_id for step_id in ledger.plan.steps if _is_ready(ledger, scheduler, step_id)]
    if not ready or taken >= (1 if is_serial else ledger.limits.max_concurrency):
        return
    full = {step_id for step_id in ready if _is_full(ledger, step_id)}
    rated = {step_id for step_id in ready if step_id not in full and _is_rated(ledger, step_id, now)}
    if is_serial:
        assert ledger.delays or ledger.quarantined or (rated and ledger.alarm_at is not None), "nothing goes on"
        return
    assert set(ready) == full | rated, "something could go and does not"
    pools = {ledger.plan.steps[step_id].step.pool for step_id in rated if _held(ledger, step_id) == 0}
    for pool in pools - {None}:
        assert pool is not None
        assert ledger.alarm_at is not None, "only a rate holds something up, and no alarm is set"
        assert ledger.alarm_at <= ledger.pools.opens_at(pool, now) + 2 * ROUNDING, "the alarm is set too late"


def _is_ready(ledger: Ledger, scheduler: Scheduler, step_id: str) -> bool:
    """True for a step, or one with an item, that waits for nothing of its own."""
    compiled = ledger.plan.steps[step_id]
    if not all(needed in ledger.settled and not ledger.is_open(needed) for needed in compiled.depends_on):
        return False
    if step_id in ledger.after_replaced:
        return False
    if compiled.is_fallback_for is not None and compiled.is_fallback_for not in ledger.awaiting:
        return False
    if step_id in ledger.awaiting or step_id in ledger.quarantined or not _is_idle(ledger, step_id):
        return False
    if scheduler.status(step_id) is not StepStatus.RUNNING:
        return True
    units = [unit_of(step_id, index) for index in range(scheduler.item_count(step_id))]
    left = (index for index, unit in enumerate(units) if _is_idle(ledger, unit))
    return any(scheduler.status(step_id, index) is not StepStatus.QUARANTINED for index in left)


def _is_idle(ledger: Ledger, unit: str) -> bool:
    books = (ledger.settled, ledger.items, ledger.running, ledger.delays, ledger.asking)
    return not any(unit in book for book in books)


def _is_full(ledger: Ledger, step_id: str) -> bool:
    name = ledger.plan.steps[step_id].step.pool
    most = None if name is None else ledger.limits.pools[name].max_concurrency
    return name is not None and most is not None and ledger.in_pool(name) >= most


def _is_rated(ledger: Ledger, step_id: str, now: Moment) -> bool:
    name = ledger.plan.steps[step_id].step.pool
    rate = None if name is None else ledger.limits.pools[name].rate
    if name is None or rate is None:
        return False
    return ledger.pools.in_window(name, now, slack=ROUNDING) + _held(ledger, step_id) >= rate.count


def _held(ledger: Ledger, step_id: str) -> int:
    """How many places of its pool are held for what the cache may spare."""
    name = ledger.plan.steps[step_id].step.pool
    return sum(ledger.compiled(unit).step.pool == name for unit in ledger.asking)

"""Files of runs that go on, for the tests of what watches them: running, waiting for a lock or a person, and some that went well before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.event import Event, EventKind
from engine.model.states import Stage
from tests.tui import samples
from tests.tui.samples import NOW_US, SECOND, Sample, Step

if TYPE_CHECKING:
    from store.writer import Writer

PLANS = ("ci_lookup", "nightly-backup", "safe_merge", "test_gate", "host_triage")
FIRST = 300
"""The number of the first run that goes on."""


def busy_steps(number: int) -> list[Step]:
    """Thirty steps, of which more and more are done from run to run; one has failed in every third run."""
    done = 4 + number * 2
    steps = [Step(f"part_{n:02d}", took_us=1_500_000) for n in range(done)]
    if number % 3 == 2:
        steps[1] = Step("part_01", "failed", message="exit code 3", exit_code=3, took_us=1_500_000)
    steps += [Step("upload", "running"), Step("checksums", "running")]
    return steps + [Step(f"later_{n:02d}", "pending") for n in range(30 - len(steps))]


async def write_going_on(writer: Writer, many: int) -> None:
    """`many` runs that go on, the first one the newest; the third waits for an operator, the fourth for an approval."""
    for place in range(12, 0, -1):
        plan_id = PLANS[place % len(PLANS)]
        steps = [Step("one", took_us=70_000_000 + place % 4 * 1_000_000)]
        await samples.write_run(
            writer, Sample(500 + place, plan_id, steps, ago_us=7200 * SECOND + place * 600 * SECOND)
        )
    for number in range(many - 1, -1, -1):
        plan_id = PLANS[number % len(PLANS)]
        sample = Sample(
            FIRST + number, plan_id, busy_steps(number), None, (45 + 11 * number) * SECOND, stage=Stage.EXECUTE
        )
        await samples.write_run(writer, sample)
        if number in (2, 3):
            reason = "operator" if number == 2 else "approval"
            paused = Event(EventKind.RUN_PAUSED, NOW_US - 9 * SECOND, {"reason": reason})
            await writer.append(sample.run_id, [paused])

"""Draws the pictures of docs/ anew, from a file of runs that it makes itself; the same bytes every time.

`python -m docs.make_pictures [FOLDER]` (default: docs/pictures). It presses the keys of the walk in docs/first-five-minutes.md
and draws the screen where the walk says so. The runs were recorded by docs/record_runs.py.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.acceptance.first_walk import NEUTRAL, PICTURES, WALK, Stop, flat, inspector, replay, run_id_of, write_runs
from tui.places import ComparePlace
from tui.reruns import Followed

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from tui.app import Inspector

SIZE: Final = (112, 30)


async def draw(out: Path) -> list[Path]:
    """Draw every picture of the walk into a folder; which."""
    drawn = []
    with tempfile.TemporaryDirectory() as name:
        runs = Path(name, "runs.db")
        await write_runs(runs)
        app = inspector(runs)
        async with app.run_test(size=SIZE) as pilot:
            for stop in WALK:
                if not stop.is_after_rerun:
                    for key in stop.keys:
                        await _rest(pilot)
                        await pilot.press(key)
                    drawn += await _draw(pilot, stop, out)
        await replay(runs, "version-3")
        drawn += await _draw_after_rerun(runs, out)
    return drawn


async def _draw_after_rerun(runs: Path, out: Path) -> list[Path]:
    """A rerun takes as long as it takes, so these are of the recorded one; an analysis that is kept has an id of its own, so it is not."""
    source, rerun = run_id_of("app-13"), run_id_of("version-3")
    watched, compared = (stop for stop in WALK if stop.picture is not None and stop.is_after_rerun)
    app = inspector(runs, later=True, run_id=rerun)
    app.followed[rerun] = Followed(source, (source,))
    async with app.run_test(size=SIZE) as pilot:
        drawn = await _draw(pilot, watched, out)
        app.go(ComparePlace((rerun,), (source,), keeps=False))
        await _rest(pilot)
        await pilot.press(*compared.keys)
        return drawn + await _draw(pilot, compared, out)


async def _draw(pilot: Pilot[int], stop: Stop, out: Path) -> list[Path]:
    if stop.picture is None:
        return []
    app: Inspector = pilot.app  # type: ignore[assignment]
    await _rest(pilot)
    shown = ""
    while shown != (now := app.export_screenshot()):  # a refresh may still be on its way
        shown = now
        await _rest(pilot)
    text = flat(app.export_text())
    if missing := [words for words in stop.sees if flat(words) not in text]:
        raise SystemExit(f"{stop.picture}: {missing} is not on the screen:\n{app.export_text()}")
    target = out / f"{stop.picture}.svg"
    target.write_text(shown, encoding="utf-8")
    return [target]


async def _rest(pilot: Pilot[int]) -> None:
    app: Inspector = pilot.app  # type: ignore[assignment]
    for _ in range(2):
        await app.busy.settled()
        await pilot.pause()


if __name__ == "__main__":
    os.environ.clear()
    os.environ.update(NEUTRAL)
    folder = Path(sys.argv[1]) if sys.argv[1:] else PICTURES
    for path in asyncio.run(draw(folder)):
        sys.stdout.write(f"{path}\n")

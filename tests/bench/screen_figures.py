"""What a person at a terminal feels and a line to a distant one carries: paint, keys, bytes, rest. Through a real pseudo-terminal."""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.model.json import canonical_json
from tests.bench import screen_files
from tests.bench.measure import Figure, Rounds, alternating, medians, seconds
from tests.bench.watched import Watched
from tui.viewmodel.palette import DARK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.tui.emulator import Emulator

RUNS = rf"{screen_files.MANY_RUNS:,} runs"
TABLE_PAINTED = "run000015"
TABLE = "a Textual app with one DataTable of 50 rows"
DOWN: Final = "\x1b[B"
_KEYS_A_ROUND: Final = 40
_IDLE_SEC: Final = 3.0
_FOLLOW_SEC: Final = 4.0
_LIVE_SEC: Final = 40.0
_FIRST_EVENT_ROW: Final = 5
_TABS: Final = {"stages": "1", "groups": "2", "gantt": "2v", "logs": "4", "events": "5"}


def figures(rounds: int) -> list[Figure]:
    """All of them, each on a file made for it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        many, steps, large = (folder / f"{kind}.db" for kind in ("many", "steps", "large"))
        screen_files.write_many_runs(many)
        screen_files.write_many_steps(steps)
        screen_files.write_large(large)
        return [
            _first_paint(many, rounds),
            _opening_steps(steps, rounds),
            _groups_of_steps(steps, rounds),
            _opening_large(large, rounds),
            *_keys_and_rest(many, rounds),
            *_live(folder, rounds),
        ]


# Programs


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
    return {**kept, "TERM": "xterm-256color", "COLORTERM": "truecolor", "TZ": "UTC", "LANG": "C.UTF-8"}


def _inspector(path: Path, columns: int = 80, rows: int = 24) -> Watched:
    program = str(Path(sys.executable).with_name("opscope"))  # as it is installed beside this interpreter
    return Watched([program, "--db", str(path)], columns, rows, _environment())


def _table(*arguments: str, columns: int = 80, rows: int = 24) -> Watched:
    return Watched([sys.executable, "-m", "tests.bench.table_app", *arguments], columns, rows, _environment())


# Start and opening, in milliseconds


def _first_paint(path: Path, rounds: int) -> Figure:
    seen: list[dict[str, float]] = []

    def inspector() -> float:
        with _inspector(path) as terminal:
            took = terminal.shown(RUNS) - terminal.began
            seen.append({"cpu_ms": terminal.cpu_seconds() * 1e3, "kilobytes": terminal.written / 1e3})
        return took * 1e3

    def table() -> float:
        with _table() as terminal:
            return (terminal.shown(TABLE_PAINTED) - terminal.began) * 1e3

    taken = alternating(rounds * 4, inspector, table)  # short, and what else runs is felt most here
    return Figure(
        f"start to first paint, {screen_files.MANY_RUNS:,} runs",
        "ms",
        taken,
        TABLE,
        "≤1.3 × the yardstick",
        taken.ratio <= 1.3,
        medians(seen[1:]),
    )


def _table_filled(rows: int) -> float:
    with _table("--rows", str(rows), "--on-enter") as terminal:
        terminal.shown("STARTED")
        terminal.settle()
        pressed = terminal.press("\r")
        return (terminal.shown(TABLE_PAINTED) - pressed) * 1e3


def _opening_steps(path: Path, rounds: int) -> Figure:
    def opened() -> float:
        with _inspector(path) as terminal:
            terminal.shown("1 run")
            terminal.settle(1.0)
            pressed = terminal.press("\r")
            return (terminal.shown("INPUT") - pressed) * 1e3

    taken = alternating(rounds, opened, lambda: _table_filled(screen_files.STEPS))
    what = f"open a run of {screen_files.STEPS:,} steps"
    yardstick = f"a DataTable filled with {screen_files.STEPS:,} rows on a key"
    return Figure(what, "ms", taken, yardstick, "≤200 ms", taken.median <= 200)


def _groups_of_steps(path: Path, rounds: int) -> Figure:
    def opened() -> float:
        with _inspector(path) as terminal:
            terminal.shown("1 run")
            terminal.press("\r")
            terminal.shown("INPUT")
            terminal.settle(0.5)
            pressed = terminal.press("2")
            return (terminal.shown(r"\[2 Groups\](?s:.*)step_0\d") - pressed) * 1e3

    taken = alternating(rounds, opened, lambda: _table_filled(screen_files.STEPS))
    what = f"their groups ({screen_files.STEPS:,} steps)"
    yardstick = f"a DataTable filled with {screen_files.STEPS:,} rows on a key"
    return Figure(what, "ms", taken, yardstick, "≤200 ms", taken.median <= 200)


def _opening_large(path: Path, rounds: int) -> Figure:
    text = canonical_json(screen_files.large_value())
    seen: list[dict[str, float]] = []

    def opened() -> float:
        with _inspector(path, 120, 40) as terminal:
            terminal.shown("1 run")
            began = terminal.press("\r")
            run = terminal.shown("export") - began
            terminal.settle(0.5)
            terminal.press("gj")
            terminal.settle()
            pressed = terminal.press("\r")
            unfolded = terminal.shown("columns") - pressed
            terminal.settle()
            seen.append({"open_the_run_ms": run * 1e3, "memory_mb": terminal.memory_mb()})
        return unfolded * 1e3

    taken = alternating(rounds, opened, lambda: seconds(lambda: json.loads(text)) * 1e3)
    return Figure(
        "unfold a result of 10 MB",
        "ms",
        taken,
        "json.loads of the same text in memory",
        "≤200 ms",
        taken.median <= 200,
        medians(seen[1:]),
    )


# Rest and single keys


def _keys_and_rest(path: Path, rounds: int) -> list[Figure]:
    """One program of each kind a round: what a key costs, then nothing at all."""
    mine: list[dict[str, float]] = []
    theirs: list[dict[str, float]] = []

    def used(terminal: Watched, ready: str, seen: list[dict[str, float]]) -> float:
        with terminal:
            terminal.shown(ready)
            terminal.settle(1.0)
            # Through the rows in sight and on, so that some of them scroll.
            costs = [_bytes_of(terminal, DOWN) for _ in range(24)]
            idle, cpu = terminal.watch(_IDLE_SEC)
        seen.append({"most": max(costs), "scrolling": costs[-1], "idle": idle, "cpu": cpu * 100})
        return statistics.median(costs)

    keys = alternating(
        max(1, rounds // 2), lambda: used(_inspector(path), RUNS, mine), lambda: used(_table(), TABLE_PAINTED, theirs)
    )
    most = _both(mine, theirs, "most")
    idle, cpu = _both(mine, theirs, "idle"), _both(mine, theirs, "cpu")
    return [
        Figure(
            "bytes of a cursor key",
            "B",
            keys,
            TABLE,
            "",
            None,
            medians([{"scrolling": one["scrolling"]} for one in mine[1:]]),
        ),
        Figure("bytes of the dearest of 24 cursor keys", "B", most, TABLE, "≤2,000 B", max(most.measured) <= 2000),
        Figure("bytes a second at rest", "B/s", idle, TABLE, "0 B/s", max(idle.measured) == 0),
        Figure("CPU at rest", "%", cpu, TABLE, "", None),
    ]


def _bytes_of(terminal: Watched, key: str) -> float:
    before = terminal.written
    terminal.press(key)
    terminal.settle(0.08)
    return terminal.written - before


def _both(mine: list[dict[str, float]], theirs: list[dict[str, float]], name: str) -> Rounds:
    """Of the rounds that count."""
    return Rounds(tuple(one[name] for one in mine[1:]), tuple(one[name] for one in theirs[1:]))


# While a run goes on


@contextmanager
def _engine(path: Path) -> Iterator[None]:
    """A process whose run makes 1,000 events a second, ended by its id."""
    process = subprocess.Popen([sys.executable, "-m", "tests.bench.screen_files", str(path), str(_LIVE_SEC)])
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _live(folder: Path, rounds: int) -> list[Figure]:
    found: list[Figure] = []
    rounds = max(1, rounds // 2)
    taken = alternating(rounds, lambda: _key_to_paint(folder), _key_to_paint_of_a_table)
    what = f"key to paint at 80x24, p95 of {_KEYS_A_ROUND}, {screen_files.EVENTS_A_SECOND:,} events/s"
    found.append(Figure(what, "ms", taken, f"{TABLE}, at rest", "p95 ≤50 ms", taken.median <= 50))
    for tab, keys in _TABS.items():
        shares: list[dict[str, float]] = []
        taken = alternating(rounds, lambda: _followed(folder, keys, shares), _refreshed_table)  # noqa: B023  called at once
        found.append(
            Figure(
                f"following a live run, {tab}, 120x40",
                "B/s",
                taken,
                "a DataTable of 36 rows that writes one column anew four times a second",
                "≤5,000 B/s",
                taken.median <= 5000,
                medians(shares[1:]),
            )
        )
    return found


def _fresh(folder: Path) -> Path:
    return folder / f"live-{time.monotonic_ns()}.db"


def _cursor(emulator: Emulator) -> int:
    """The row that has the cursor's colour behind it, -1 for none."""
    wanted = DARK.cursor.lstrip("#").lower()
    return next((row for row in range(24) if emulator.background(row, 3).lower() == wanted), -1)


def _key_to_paint(folder: Path) -> float:
    """The 95th percentile of single keys at uneven moments, on the events of a run that goes on."""
    path = _fresh(folder)
    moments = random.Random(2026)
    with _engine(path), _inspector(path) as terminal:
        terminal.shown("RUNNING")
        terminal.press("\r")
        terminal.shown("INPUT|OUTPUT")
        terminal.settle(0.5, 2)
        terminal.press("5")
        terminal.shown("following")
        terminal.settle(0.5, 1)
        terminal.press("g")
        terminal.until(lambda emulator: _cursor(emulator) == _FIRST_EVENT_ROW, "the cursor at the first event")
        terminal.settle(0.5, 2)
        took: list[float] = []
        for number in range(_KEYS_A_ROUND):
            terminal.watch(moments.uniform(0.03, 0.2))
            before = _cursor(terminal.emulator)
            key, step = (DOWN, 1) if number % 12 < 6 else ("\x1b[A", -1)
            pressed = terminal.press(key)
            took.append(terminal.until(lambda e: _cursor(e) == before + step, "the cursor's next row") - pressed)  # noqa: B023
    return statistics.quantiles(took, n=20)[-1] * 1e3


def _key_to_paint_of_a_table() -> float:
    moments = random.Random(2026)
    with _table() as terminal:
        terminal.shown(TABLE_PAINTED)
        terminal.settle()
        took: list[float] = []
        for number in range(_KEYS_A_ROUND):
            terminal.watch(moments.uniform(0.03, 0.2))
            shown = terminal.written
            pressed = terminal.press(DOWN if number % 12 < 6 else "\x1b[A")
            took.append(terminal.until(lambda _: terminal.written > shown, "an answer") - pressed)  # noqa: B023
    return statistics.quantiles(took, n=20)[-1] * 1e3


def _followed(folder: Path, keys: str, seen: list[dict[str, float]]) -> float:
    path = _fresh(folder)
    with _engine(path), _inspector(path, 120, 40) as terminal:
        terminal.shown("RUNNING")
        terminal.press("\r")
        terminal.shown("INPUT|OUTPUT")
        for key in keys:
            terminal.press(key)
            terminal.settle(0.3, 1)
        terminal.settle(1.0, 2)
        rate, cpu = terminal.watch(_FOLLOW_SEC)
    seen.append({"cpu_percent": cpu * 100})
    return rate


def _refreshed_table() -> float:
    with _table("--rows", "36", "--refresh", columns=120, rows=40) as terminal:
        terminal.shown(TABLE_PAINTED)
        terminal.settle(0.5, 1)
        return terminal.watch(_FOLLOW_SEC)[0]

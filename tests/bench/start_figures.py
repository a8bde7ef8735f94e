"""How long a command takes to answer, beyond a bare interpreter."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.measure import Figure, alternating, seconds


def figures(rounds: int) -> list[Figure]:
    """Milliseconds of --help, runs and show on a file with runs in it, beside `python -c pass`."""
    with tempfile.TemporaryDirectory() as folder:
        database = str(Path(folder, "runs.db"))

        def opscope(*arguments: str) -> float:
            command = [sys.executable, "-m", "tui.commands", "--db", database, *arguments]
            return seconds(lambda: subprocess.run(command, check=True, capture_output=True)) * 1e3

        def bare() -> float:
            return seconds(lambda: subprocess.run([sys.executable, "-c", "pass"], check=True)) * 1e3

        opscope("run", "ci_lookup", "--no-ui")
        found = []
        for arguments in (("--help",), ("runs",), ("show", "last")):
            took, yardstick = alternating(rounds * 3, lambda: opscope(*arguments), bare)  # noqa: B023  called at once
            beyond = took - yardstick
            name = f"opscope {' '.join(arguments)}"
            found.append(
                Figure(
                    name,
                    "ms",
                    took,
                    yardstick,
                    "python -c pass",
                    f"≤150 ms beyond the yardstick: {beyond:.0f}",
                    beyond <= 150,
                    rounds * 3,
                )
            )
    return found

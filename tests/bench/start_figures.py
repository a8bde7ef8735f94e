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
        program = str(Path(sys.executable).with_name("opscope"))  # as it is installed beside this interpreter

        def opscope(*arguments: str) -> float:
            command = [program, "--db", database, *arguments]
            return seconds(lambda: subprocess.run(command, check=True, capture_output=True)) * 1e3

        def bare() -> float:
            return seconds(lambda: subprocess.run([sys.executable, "-c", "pass"], check=True)) * 1e3

        opscope("run", "ci_lookup", "--no-ui")
        found = []
        for arguments in (("--help",), ("runs",), ("show", "last")):
            took = alternating(rounds * 3, lambda: opscope(*arguments), bare)  # noqa: B023  called at once
            found.append(
                Figure(
                    f"opscope {' '.join(arguments)}",
                    "ms",
                    took,
                    "python -c pass",
                    "≤150 ms beyond the yardstick",
                    took.beyond <= 150,
                    {"beyond_ms": round(took.beyond, 1)},
                )
            )
    return found

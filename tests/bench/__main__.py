"""`./dev bench`: measures, prints a table, writes bench-results.json. Exits 1 where a budget is exceeded and --strict is given."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.bench import engine_figures, start_figures
from tests.bench.measure import show, write

GROUPS = {"engine": engine_figures.figures, "start": start_figures.figures}


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev bench", description="Measure the budgets, each against its yardstick.")
    parser.add_argument("group", nargs="*", choices=[*GROUPS, []], help="which ones; all if none is named")
    parser.add_argument("--rounds", type=int, default=5, help="alternating rounds a figure (default 5)")
    parser.add_argument("--output", type=Path, default=Path("bench-results.json"))
    parser.add_argument("--strict", action="store_true", help="exit 1 when a budget is exceeded")
    given = parser.parse_args()
    figures = [figure for name in given.group or GROUPS for figure in GROUPS[name](given.rounds)]
    print(show(figures))
    write(figures, given.output)
    print(f"written to {given.output}")
    return 1 if given.strict and not all(figure.within_budget for figure in figures) else 0


if __name__ == "__main__":
    sys.exit(main())

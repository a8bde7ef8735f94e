"""`./dev bench`: measures, prints a table, writes bench-results.json. Exits 1 where a budget is exceeded and --strict is given."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.bench import (
    compare_figures,
    diff_figures,
    engine_figures,
    masking_figures,
    plan_figures,
    screen_figures,
    start_figures,
)
from tests.bench.measure import machine_facts, show, write

GROUPS = {
    "engine": (engine_figures.figures, plan_figures.figures, masking_figures.figures),
    "start": (start_figures.figures,),
    "screens": (screen_figures.figures,),
    "diff": (diff_figures.figures,),
    "compare": (compare_figures.figures,),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev bench", description="Measure the budgets, each against its yardstick.")
    parser.add_argument("group", nargs="*", choices=[*GROUPS, []], help="which ones; all if none is named")
    parser.add_argument("--rounds", type=_rounds, default=5, help="alternating rounds a figure (default 5)")
    parser.add_argument("--output", type=Path, default=Path("bench-results.json"))
    parser.add_argument("--strict", action="store_true", help="exit 1 when a budget is exceeded")
    given = parser.parse_args()
    machine = machine_facts()
    figures = [f for name in given.group or GROUPS for measure in GROUPS[name] for f in measure(given.rounds)]
    print(show(figures))
    write(figures, machine, given.output)
    print(f"written to {given.output}")
    return 1 if given.strict and any(figure.within_budget is False for figure in figures) else 0


def _rounds(text: str) -> int:
    rounds = int(text)
    if rounds < 1:
        raise argparse.ArgumentTypeError("at least one round is needed")
    return rounds


if __name__ == "__main__":
    sys.exit(main())

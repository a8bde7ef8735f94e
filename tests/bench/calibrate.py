"""`./dev calibrate PATH...`: measures the comparison on recorded CI histories and prints a table. The files stay where they are."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.bench.calibration import Share, changes_between, false_alarms, power
from tests.bench.ci_history import read_history

if TYPE_CHECKING:
    from tests.bench.ci_history import History

MOST_ALARMS: Final = 0.05
WANTED: Final = ((30, 3, 2.0, 0.70), (30, 5, 1.5, 0.60), (30, 5, 2.0, 0.85))
GATED_STAGES: Final = 70
"""From how many stages on a window is held to the limit of false alarms; with few of them one comparison says little."""
GATED_SEC: Final = 5.0
"""From which length on a stage is held to the power that is wanted. The histories are in whole seconds: of a shorter stage the
unit is over a fifth, most of its runs are tied, and no test can tell three candidates of 2 s from a baseline of 1 and 2 s."""

POPULATIONS: Final = (
    ("stages of 5 s and longer", GATED_SEC, False),
    ("stages of 4 s and longer", 4.0, False),
    ("all stages of 1 s and longer", 1.0, False),
    ("of these, where the change is beyond floor and noise", 1.0, True),
)
_SHOWN: Final = 40


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="./dev calibrate",
        description="Measure on recorded CI histories how often a comparison claims what is not there, and finds what is.",
    )
    parser.add_argument("path", nargs="+", type=Path, help="windows of a history, the earlier ones first")
    parser.add_argument("--tries", type=int, default=200, help="comparisons a figure (default 200)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--strict", action="store_true", help="exit 1 where a gate is not met")
    given = parser.parse_args(words)
    histories: list[History] = []
    for path in given.path:
        try:
            histories.append(read_history(path))
        except (OSError, ValueError, KeyError, json.JSONDecodeError) as error:
            parser.error(f"{path}: {error}")
    is_missed = False
    for path, history in zip(given.path, histories, strict=True):
        is_missed |= _print_window(path.name, history, given.tries, given.seed)
    for number in range(1, len(histories)):
        _print_changes(given.path[number - 1].name, histories[number - 1], given.path[number].name, histories[number])
    return 1 if given.strict and is_missed else 0


def _print_window(name: str, history: History, tries: int, seed: int) -> bool:
    """Print the figures of a window; True where a gate is not met."""
    print(f"{name}: {sum(map(len, history.runs.values()))} runs, {tries} comparisons a figure, seed {seed}")
    is_over = is_short = False
    print(f"  false alarms in comparisons of the window with itself (gate: at most {MOST_ALARMS:.0%})")
    for baseline, candidates in ((30, 3), (30, 5)):
        for least_sec in (0.0, 1.0):
            found = false_alarms(
                history, baseline=baseline, candidates=candidates, tries=tries, seed=seed, least_sec=least_sec
            )
            is_gated = found.stages >= GATED_STAGES
            is_over |= is_gated and found.ours.value > MOST_ALARMS
            which = f"{found.stages} stages" + (f" of {least_sec:g} s and longer" if least_sec else "")
            print(
                f"    {baseline} v {candidates}, {which}: {_share(found.ours)}{_alarmed(found.ours, is_gated)}; "
                f"median 10% higher: {_share(found.naive)}"
            )
    for which, least_sec, only in POPULATIONS:
        is_gated = least_sec == GATED_SEC
        print(f"  power, 2 of at most 42 stages changed: {which}{' (gate)' if is_gated else ' (for information)'}")
        for baseline, candidates, times, wanted in WANTED:
            seen = power(
                history,
                baseline=baseline,
                candidates=candidates,
                times=times,
                tries=tries,
                seed=seed,
                least_sec=least_sec,
                only_what_counts=only,
            )
            of = f"{seen.eligible} of {seen.stages} stages" if only else f"{seen.stages} stages"
            said = _share(seen.found) if seen.found.tries else "too few stages"
            print(
                f"    {baseline} v {candidates}, {times - 1:+.0%}, {of}: {said}{_judged(seen.found, wanted, is_gated)}"
            )
            is_short |= is_gated and seen.found.tries > 0 and seen.found.value < wanted
    return is_over or is_short


def _alarmed(found: Share, is_gated: bool) -> str:
    if not is_gated:
        return f" (the gate is for {GATED_STAGES} stages and more)"
    return f", {'met' if found.value <= MOST_ALARMS else 'NOT MET'}"


def _judged(found: Share, wanted: float, is_gated: bool) -> str:
    if not is_gated or not found.tries:
        return f" (the gate is {wanted:.2f})"
    return f", wanted {wanted:.2f}: {'met' if found.value >= wanted else 'NOT MET'}"


def _share(share: Share) -> str:
    low, high = share.interval
    return f"{share.value:.3f} ({low:.3f} to {high:.3f})"


def _print_changes(earlier: str, before: History, later: str, after: History) -> None:
    found, lines = changes_between(before, after)
    print(f"{earlier} to {later}: {len(found)} stages changed, in {len(lines)} lines")
    for line in lines[:_SHOWN]:
        print(f"  {line.text}")
    for one in sorted(found, key=lambda one: -abs(one.delta_sec))[:_SHOWN]:
        print(
            f"    {one.key}: {one.baseline_sec:g} s to {one.candidate_sec:g} s ({one.effect:+.0%}, {one.low:+.0%} to "
            f"{one.high:+.0%}, q {one.q:.2g}, {one.baseline_n} v {one.candidate_n})"
        )


if __name__ == "__main__":
    sys.exit(main())

"""Places that differ between any two good runs: time stamps, ids, ports. Learnt from diffs of baseline runs; hiding is done by the walk."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from engine.regression.json_diff.paths import Wild, path_text, pattern_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.model.json import Json
    from engine.regression.json_diff.changes import JsonDiff
    from engine.regression.json_diff.paths import Path, Pattern

SHARE: Final = 0.9
LEAST_PAIRS: Final = 3
"""With fewer pairs, chance alone would call half of all places volatile: then none is."""


def volatile_paths(diffs: Iterable[JsonDiff], share: float = SHARE, least_pairs: int = LEAST_PAIRS) -> tuple[str, ...]:
    """What to give as `DiffOptions.volatile`: places that differ in at least `share` of the diffs of baseline pairs.

    A pattern like `rows[*].at` is volatile if in that share of the diffs (almost) all elements differ there, in `share`
    of them; else single places are, each for itself. One row that always differs never hides the others.
    """
    pairs = 0
    places: Counter[Path] = Counter()
    patterns: Counter[Pattern] = Counter()
    for diff in diffs:
        pairs += 1
        paths = dict.fromkeys(change.path for change in (*diff.changes, *diff.hidden))
        places.update(paths.keys())
        differing = Counter(pattern for path in paths if Wild.ONE in (pattern := pattern_of(path)))
        patterns.update(
            pattern for pattern, count in differing.items() if count >= share * _present(diff.after, pattern)
        )
    if pairs < least_pairs:
        return ()
    needed = share * pairs
    open_ones = [pattern for pattern, count in patterns.items() if count >= needed]
    covered = set(open_ones)
    single = [path for path, count in places.items() if count >= needed and pattern_of(path) not in covered]
    return tuple(path_text(path) for path in (*open_ones, *single))


def _present(document: Json, pattern: Pattern) -> int:
    """How many places of a document match a pattern; at least 1, as something has been there."""
    values: list[Json] = [document]
    for part in pattern:
        below: list[Json] = []
        for value in values:
            if isinstance(value, list) and part is Wild.ONE:
                below += value
            elif isinstance(value, dict) and isinstance(part, str) and part in value:
                below.append(value[part])
        values = below
    return max(1, len(values))

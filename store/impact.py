"""The impact of an asset, read from a file: what is counted there, and the runs that are compared. What follows is the engine's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.errors import InputError
from engine.regression.impact_report import Impact, Record, newest_pair, report, sides_in
from store.queries.impact import ambiguous_versions, newest_uses, tallies_of, timeline_of, used_together

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.model.asset import AssetName
    from engine.regression.facts import RunFacts
    from engine.regression.impact import Sides
    from store.assets.reading import AssetLibrary
    from store.reader import Reader

RECENT_US: Final = 30 * 24 * 3600 * 1_000_000
"""What counts as of late."""


def read_record(reader: Reader, library: AssetLibrary, name: AssetName, *, now_us: int) -> Record:
    """What the file says of the asset. Raises InputError, with a name that is near, for one that is not there, StoreError."""
    asset = str(name)
    tallies = reader.run(tallies_of(asset, recent_since_us=now_us - RECENT_US))
    history = library.history(name)
    if history is None and not tallies:
        from store.assets.registry import nothing_there

        raise nothing_there(name, library.names())
    uses = reader.run(newest_uses(asset))
    together = reader.run(used_together(asset))
    ambiguous = reader.run(ambiguous_versions(asset))
    return Record(
        asset=asset,
        tallies=tuple(tallies),
        uses=tuple(uses),
        together=tuple(together),
        timeline=reader.run(timeline_of(asset)),
        statuses={one.version: one.status for one in history.versions} if history is not None else {},
        ambiguous=tuple(ambiguous),
    )


def pair_of(record: Record, asked: tuple[int, int] | None) -> tuple[int, int] | None:
    """The versions to compare: those that are asked for, else the two newest.

    Raises InputError for one that is not there or that no run used.
    """
    if asked is None:
        return newest_pair(record)
    used = sorted({tally.version for tally in record.tallies})
    missing = sorted({version for version in asked if version not in (*record.statuses, *used)})
    if missing:
        said = f"is no version {missing[0]}" if len(missing) == 1 else f"are no versions {missing[0]} and {missing[1]}"
        known, seen = (", ".join(map(str, sorted(some))) for some in ({*record.statuses, *used}, used))
        hint = f"there are {known}; {f'runs have used {seen}' if seen else 'no run has used any of them'}"
        raise InputError(f"there {said} of {record.asset}", hint=hint)
    for version in asked:
        if version not in used:
            hint = f"used were {', '.join(f'@{one}' for one in used)}" if used else "no run has used any version of it"
            raise InputError(f"no run has used {record.asset}@{version}", hint=hint)
    if asked[0] == asked[1]:
        raise InputError("two different versions are compared", hint=f"used were {', '.join(map(str, used))}")
    return asked


def read_impact(
    reader: Reader,
    record: Record,
    asked: tuple[int, int] | None = None,
    *,
    on_run: Callable[[int, int], None] | None = None,
    known: Impact | None = None,
) -> Impact:
    """The whole. `on_run` hears how many of how many runs were read; `known` is one from before, whose comparison may still hold.

    Raises InputError, StoreError.
    """
    pair = pair_of(record, asked)
    sides = sides_in(record, pair)
    if sides is None:
        return report(record, pair)
    if known is not None and known.pair is not None and known.pair.sides == sides:
        # Runs that have ended do not change, so what was found in them holds.
        return report(record, pair, sides, known.pair.analysis, _examples(reader, sides))
    # Late: it needs numpy, and the versions are shown before they are compared.
    from engine.regression.analysis import analyse
    from store.run_facts import read_runs

    total, done = len(sides.before) + len(sides.after), 0

    def told(_: str) -> None:
        nonlocal done
        done += 1
        if on_run is not None:
            on_run(done, total)

    first = read_runs(reader, sides.before, on_run=told)
    second = read_runs(reader, sides.after, on_run=told)
    return report(record, pair, sides, analyse(first, second), [*first[-1:], *second[-1:]])


def _examples(reader: Reader, sides: Sides) -> list[RunFacts]:
    """The newest run of either side: which step refers to what stands in its plan."""
    from store.run_facts import read_runs

    return read_runs(reader, [sides.before[-1], sides.after[-1]])

"""What the Impact screen reads and writes outside of the screen: an asset's impact, the list of assets, an export. Called in a thread.

What that takes is imported there too: it is much, and meanwhile keys are answered.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.errors import InputError
from store.reader import Reader
from tui.files import write_text

if TYPE_CHECKING:
    from engine.model.asset import AssetName
    from engine.regression.impact_report import Impact, Record
    from store.assets.reading import AssetHistory
    from tui.places import ImpactPlace

_MOST_NAMES: Final = 1000


@dataclass(frozen=True, slots=True)
class AssetChoice:
    """All assets, those that most runs used first."""

    histories: tuple[AssetHistory, ...]


@dataclass(frozen=True, slots=True)
class Versions:
    """What there is to say before two versions are compared, which takes longer: `impact` has no analysis yet."""

    record: Record
    impact: Impact


def read_assets(path: Path) -> AssetChoice:
    """Which there are. Raises StoreError."""
    from store.assets.reading import AssetLibrary

    with AssetLibrary(path) as library:
        found = library.histories()
    return AssetChoice(tuple(sorted(found, key=lambda history: (-history.runs, history.name))))


def read_versions(path: Path, place: ImpactPlace, now_us: int) -> Versions | Impact:
    """The versions of an asset; the whole where there are no runs to compare. Raises InputError, StoreError."""
    import tui.viewmodel.impact.telling  # noqa: F401  (else the screen would import it when it shows this)
    from engine.regression.impact_report import report, sides_in
    from store.assets.reading import AssetLibrary
    from store.impact import pair_of, read_record

    name, asked = _named(place)
    with Reader.open(path) as reader, AssetLibrary(path) as library:
        record = read_record(reader, library, name, now_us=now_us)
    pair = pair_of(record, asked)
    impact = report(record, pair)
    return impact if sides_in(record, pair) is None else Versions(record, impact)


def read_picture(
    path: Path, place: ImpactPlace, now_us: int, known: Impact | None = None, record: Record | None = None
) -> Impact:
    """The impact of an asset, and of the two versions that a place names. Raises InputError, StoreError.

    `known` is what was read before: the comparison of the same runs is not made again. `record` is what has just been read.
    """
    from store.assets.reading import AssetLibrary
    from store.impact import read_impact, read_record

    name, asked = _named(place)
    with Reader.open(path) as reader, AssetLibrary(path) as library:
        record = record or read_record(reader, library, name, now_us=now_us)
        return read_impact(reader, record, asked, known=known)


def _named(place: ImpactPlace) -> tuple[AssetName, tuple[int, int] | None]:
    """The asset, and the versions to compare."""
    from engine.model.asset import parse_reference

    try:
        name = parse_reference(place.asset).name
    except ValueError as error:
        raise InputError(str(error)) from None
    return name, None if place.before is None or place.after is None else (place.before, place.after)


def write_export(impact: Impact, kind: str, folder: Path | None = None) -> Path:
    """Write it as `markdown` or `json` into a new file of the current folder, and say which. Raises InputError."""
    from tui.viewmodel.impact.formats import as_markdown, document

    if kind == "json":
        import json

        text, ending = json.dumps(document(impact), ensure_ascii=False, indent=2), "json"
    else:
        text, ending = as_markdown(impact), "md"
    pair = impact.pair
    versions = "" if pair is None else f"-{pair.before.version}-{pair.after.version}"
    stem = f"impact-{impact.record.asset.replace('/', '-')}{versions}"
    folder = folder or Path.cwd()
    for number in range(_MOST_NAMES):
        path = folder / f"{stem}{f'-{number + 1}' if number else ''}.{ending}"
        try:
            write_text(path, f"{text}\n", replaces=False)
        except FileExistsError:
            continue
        return path
    raise InputError(f"there are {_MOST_NAMES:,} exports of this name already", place=str(folder))

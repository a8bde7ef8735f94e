"""What comparing two documents costs, beside the JSON comparers of the registry on the same files. None of them is needed to run."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.bench.diff_documents import conversation, table
from tests.bench.diff_once import NOT_INSTALLED
from tests.bench.measure import Figure, alternating

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT_SEC: Final = 20
"""For each comparison; a tool that takes longer is ended, and the figure says so."""

YARDSTICK: Final = "jsonpatch"
OTHERS: Final = ("deepdiff", "dictdiffer", "jsondiff")


def figures(rounds: int) -> list[Figure]:
    """One figure for each pair of documents."""
    return [
        _figure("diff of two 348 KB documents, few changes", conversation, rounds),
        _figure("diff of two 496 KB tables, thousands of changes", table, rounds),
    ]


def _figure(name: str, documents: Callable[[], tuple[Any, Any]], rounds: int) -> Figure:
    """The yardstick by turns with ours, the others once: some take seconds. Each runs in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, side) for side in ("before.json", "after.json")]
        for file, document in zip(files, documents(), strict=True):
            file.write_text(json.dumps(document), encoding="utf-8")
        seen = {tool: _once(tool, files) for tool in ("opscope", YARDSTICK, *OTHERS)}
        beside = YARDSTICK if seen[YARDSTICK].ms is not None else "json.loads"
        taken = alternating(rounds, lambda: _milliseconds("opscope", files), lambda: _milliseconds(beside, files))
    return Figure(
        name,
        "ms",
        taken,
        "; ".join([beside, *(f"{tool} {one.instead}" for tool, one in seen.items() if one.instead)]),
        "≤50 ms",
        taken.median <= 50,
        {
            "changes": seen["opscope"].size,
            **{f"{tool}_ms": round(seen[tool].ms or 0, 1) for tool in OTHERS if seen[tool].ms is not None},
        },
    )


@dataclass(frozen=True, slots=True)
class _Seen:
    """One comparison: how long it took and how large its result was, or what is to be said instead."""

    ms: float | None = None
    size: int = 0
    instead: str = ""


def _once(tool: str, files: list[Path]) -> _Seen:
    command = [sys.executable, "-m", "tests.bench.diff_once", tool, *map(str, files)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_SEC, check=False)
    except subprocess.TimeoutExpired:
        return _Seen(instead=f"takes more than {LIMIT_SEC} s")
    if done.returncode == NOT_INSTALLED:
        return _Seen(instead="is not installed")
    if done.returncode != 0:
        return _Seen(instead=f"fails: {(done.stderr.strip().splitlines() or ['no message'])[-1]}")
    said = json.loads(done.stdout)
    return _Seen(float(said["ms"]), int(said["size"]))


def _milliseconds(tool: str, files: list[Path]) -> float:
    found = _once(tool, files)
    if found.ms is None:
        raise RuntimeError(f"{tool} {found.instead}")
    return found.ms

"""The plans that come with opscope, the database they read, and traces of their runs: where they are.

How a plan is read lives in `engine.plan`, how a trace is read in the store.
"""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent
INVENTORY = FOLDER / "inventory.db"
# An installation has the traces beside the plans; a checkout has them where they are made.
_TRACES = (FOLDER / "sample_traces", FOLDER.parents[1] / "sample_traces")


def shipped_plans() -> dict[str, Path]:
    """Every shipped plan by its name on the command line, in alphabetical order."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.yaml"))}


def sample_traces() -> list[Path]:
    """The traces of real runs of the shipped plans, in alphabetical order."""
    folder = next((place for place in _TRACES if place.is_dir()), None)
    return sorted(folder.glob("*.json")) if folder is not None else []

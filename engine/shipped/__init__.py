"""The plans that come with opscope and the database they read: where they are. How a plan is read lives in `engine.plan`."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent
INVENTORY = FOLDER / "inventory.db"


def shipped_plans() -> dict[str, Path]:
    """Every shipped plan by its name on the command line, in alphabetical order."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.yaml"))}

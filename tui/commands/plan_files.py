"""Which files of a folder are plans. A folder of plans has other files in the same languages beside them; reading plans is the engine's."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.errors import InputError
from tui.commands.planning import SUFFIXES

if TYPE_CHECKING:
    from engine.model.json import Json

_LOOKED_AT_BYTES: Final = 64 * 1024 * 1024
_NO_TEXT: Final = "\ufeff\ufffd"
"""A byte order mark, and what stands for bytes that cannot be decoded, such as those of a wide mark."""
_NAMES_ITSELF: Final = re.compile(r"""^(?:\{[ \t]*)?["']?plan_id["']?[ \t]*:""", re.MULTILINE)
_HAS_STEPS: Final = re.compile(r"""^(?:\{[ \t]*)?["']?steps["']?[ \t]*:""", re.MULTILINE)
_OF_OURS: Final = re.compile(r"""\b(?:step_def|command)["']?[ \t]*:""")
_IN_JSON: Final = re.compile(r'"plan_id"\s*:')


@dataclass(slots=True)
class FolderOfPlans:
    """What was found, in the order of the names: plans, and files in the same languages that are none."""

    plans: list[Path] = field(default_factory=list)
    passed_over: list[Path] = field(default_factory=list)


def plans_in(folder: Path) -> FolderOfPlans:
    """Everything below a folder, but nothing hidden. Raises InputError where there is no plan, or no way in."""
    found = FolderOfPlans()
    for root, folders, names in os.walk(folder, onerror=_unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.endswith(SUFFIXES):
                path = Path(root) / name
                (found.plans if looks_like_a_plan(path) else found.passed_over).append(path)
    if not found.plans:
        hint = "plans end in .yaml, .yml or .json"
        if found.passed_over:
            hint = f"{found.passed_over[0]} is none: a plan says plan_id at its beginning"
        raise InputError("there is no plan in this folder", place=str(folder), hint=hint)
    return found


def looks_like_a_plan(path: Path) -> bool:
    """True for what is meant as a plan, however wrong it is, and for what cannot be read: the reading will say why."""
    try:
        if not path.is_file():
            return True
        with path.open("rb") as file:
            content = file.read(_LOOKED_AT_BYTES)
    except OSError:
        return True
    # Letters stay the same in most encodings, but for the NULs that wide ones have between them; the reading is strict.
    text = content.replace(b"\0", b"").decode(errors="replace").lstrip(_NO_TEXT)
    if path.suffix == ".json":
        return _is_plan_in_json(text)
    return bool(_NAMES_ITSELF.search(text) or (_HAS_STEPS.search(text) and _OF_OURS.search(text)))


def _is_plan_in_json(text: str) -> bool:
    try:
        value: Json = json.loads(text)
    except (ValueError, RecursionError):
        return bool(_IN_JSON.search(text))
    if not isinstance(value, dict) or "run_id" in value:  # an exported trace names its plan, too
        return False
    return "plan_id" in value or ("steps" in value and bool(_OF_OURS.search(text)))


def _unreadable(error: OSError) -> None:
    raise InputError(
        "the folder may not be read", place=str(error.filename), hint="check its permissions, or name the plans"
    ) from error

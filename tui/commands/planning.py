"""Which plan a person means: a path, or a name in the user's plan folder or among the shipped plans. Reading is the engine's."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.errors import InputError
from store.location import home_folder
from tui.commands.arguments import closest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.plan.compiled import CompiledPlan

SUFFIXES: Final = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True)
class FoundPlan:
    """A plan that was read. `folder` is where its relative databases and scripts are."""

    compiled: CompiledPlan
    path: Path

    @property
    def folder(self) -> Path:
        """The plan's own folder, whole."""
        return self.path.absolute().parent


def is_path(text: str) -> bool:
    """True for what has a `/` or a plan file's ending; everything else is a name and never opens a file here."""
    return "/" in text or os.sep in text or text.endswith(SUFFIXES)


def user_plan_folder(env: Mapping[str, str]) -> Path:
    """`$OPSCOPE_PLANS`, else `opscope/plans` in the user's configuration folder."""
    if chosen := env.get("OPSCOPE_PLANS"):
        return Path(chosen).expanduser()
    configuration = env.get("XDG_CONFIG_HOME", "")
    if not configuration.startswith("/"):
        configuration = str(home_folder(env) / ".config")
    return Path(configuration) / "opscope" / "plans"


def named_plans(env: Mapping[str, str]) -> dict[str, Path]:
    """Every plan that has a name, the user's own before the shipped ones. `-` is written `_`."""
    from engine.shipped import shipped_plans

    found: dict[str, Path] = {}
    try:
        entries = sorted(user_plan_folder(env).iterdir())
    except OSError:  # no folder, or none that may be read: then there are no plans of one's own
        entries = []
    for path in [*entries, *shipped_plans().values()]:
        if path.suffix in SUFFIXES:
            found.setdefault(_key(path.stem), path)
    return found


def _key(name: str) -> str:
    return name.replace("-", "_")


def locate(text: str, env: Mapping[str, str]) -> Path:
    """The file of the plan that `text` names; InputError with what there is when a name is unknown."""
    if is_path(text):
        return Path(text).expanduser()
    plans = named_plans(env)
    path = plans.get(_key(text))
    if path is not None:
        return path
    known = "plans: " + ", ".join(sorted(plans))
    meant = closest(_key(text), plans)
    hints = [f"did you mean {meant}?" if meant else "", known]
    beside = next((f"./{text}{end}" for end in ("", *SUFFIXES) if Path(f"{text}{end}").is_file()), None)
    if beside:
        hints.insert(0, f"for the file of this folder write {beside}")
    raise InputError(f"there is no plan named {text!r}", hint="\n".join(hint for hint in hints if hint))


def read_plan(text: str, env: Mapping[str, str]) -> FoundPlan:
    """Find a plan and read it; PlanError lists every fault of the file."""
    path = locate(text, env)
    from engine.plan.load import load_plan_file

    return FoundPlan(load_plan_file(path), path)

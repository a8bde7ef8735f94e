"""The plans that a plan runs as its steps: are they there, are they right, do they take what they are given. Runs nothing.

Where a plan that has a name rather than a path is kept, whoever asks knows.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from engine.errors import Fault, InputError, PlanError
from engine.model.step_defs import SubPlanDef
from engine.plan.asset_uses import references_of
from engine.plan.faults import did_you_mean, shorten
from engine.plan.load import fault_at, load_plan_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from engine.model.asset import AssetReference
    from engine.model.plan import Plan, Step
    from engine.plan.compiled import CompiledPlan

Locate: TypeAlias = "Callable[[str], Path]"
"""The file of a plan that has a name. Raises InputError for a name that nobody has."""

_SUFFIXES: Final = (".yaml", ".yml", ".json")
_SHOWN: Final = 12


def sub_plan_file(named: str, folder: Path, locate: Locate) -> Path:
    """The file of the plan that a plan in `folder` names: a path from there, or a name. Raises what `locate` raises."""
    return folder / Path(named).expanduser() if "/" in named or named.endswith(_SUFFIXES) else locate(named)


def sub_plan_faults(
    compiled: CompiledPlan, path: Path, locate: Locate, seen: set[Path] | None = None
) -> tuple[Fault, ...]:
    """What is wrong with the plans that the steps of this one name and with those below them, each at its place in this one.

    What lies below a plan that was `seen` is not looked at again.
    """
    seen = set() if seen is None else seen
    seen.add(path.resolve())
    found = [
        (section, index, below, message, hint)
        for section, index, step, definition in _plan_steps(compiled.plan)
        for below, message, hint in _faults(step, definition, path, locate, seen)
    ]
    if not found:
        return ()
    name = str(path)
    return tuple(
        fault_at(compiled.source, name, (section, index, "step_def", *below), message, hint)
        for section, index, below, message, hint in found
    )


def assets_below(compiled: CompiledPlan, path: Path, locate: Locate) -> list[AssetReference]:
    """The assets that the plans use which this one runs, and those below them. All of them have been checked."""
    found: list[AssetReference] = []
    seen, ahead = {path.resolve()}, [(path, compiled.plan)]
    while ahead:
        at, plan = ahead.pop()
        for _, _, _, definition in _plan_steps(plan):
            below = sub_plan_file(definition.plan, at.absolute().parent, locate)
            if below.resolve() not in seen:
                seen.add(below.resolve())
                child = load_plan_file(below).plan
                found += references_of(child.assets).values()
                ahead.append((below, child))
    return found


def _plan_steps(plan: Plan) -> Iterator[tuple[str, int, Step, SubPlanDef]]:
    for section, steps in (("steps", plan.steps), ("finally", plan.finally_steps)):
        for index, step in enumerate(steps):
            if isinstance(step.step_def, SubPlanDef):
                yield section, index, step, step.step_def


def _faults(
    step: Step, definition: SubPlanDef, path: Path, locate: Locate, seen: set[Path]
) -> Iterator[tuple[tuple[str, ...], str, str]]:
    name = shorten(definition.plan)
    try:
        found = sub_plan_file(definition.plan, path.absolute().parent, locate)
        compiled = load_plan_file(found)
    except PlanError as error:
        yield ("plan",), _in_short(name, error.faults), f"see {error.name}"
        return
    except InputError as error:
        yield ("plan",), f"{name}: {error.cause}", error.hint.replace("\n", "; ")
        return
    plan = compiled.plan
    if found.resolve() not in seen and (below := sub_plan_faults(compiled, found, locate, seen)):
        yield ("plan",), _in_short(name, below), f"see {found}"
    if (way := _way_back(found, plan, path, locate)) is not None:
        yield ("plan",), f"the plan runs itself: {' -> '.join([path.name, *way])}", "name another plan"
    for given in definition.params:
        if given not in plan.params:
            known = f"it has {', '.join(list(plan.params)[:_SHOWN])}" if plan.params else "it has none"
            hint = did_you_mean(given, plan.params) or known
            yield ("params", given), f"{name} has no parameter '{shorten(given)}'", hint
    for wanted, param in plan.params.items():
        is_given = wanted in definition.params or wanted in step.output_mapping
        if param.required and param.default is None and not is_given:
            yield (), f"{name} needs the parameter {wanted}", f"add {wanted} to params"


def _in_short(name: str, faults: tuple[Fault, ...]) -> str:
    return f"{name} has {len(faults)} fault{'' if len(faults) == 1 else 's'}: {faults[0].message}"


def _way_back(found: Path, plan: Plan, start: Path, locate: Locate) -> list[str] | None:
    """The files on the way from a plan to the one it was named by, if there is a way. What cannot be read leads nowhere."""
    goal = start.resolve()
    if found.resolve() == goal:
        return [found.name]
    seen = {found.resolve()}
    ahead = [(found, plan, [found.name])]
    while ahead:
        at, here, way = ahead.pop()
        for _, _, _, definition in _plan_steps(here):
            try:
                following = sub_plan_file(definition.plan, at.absolute().parent, locate)
                if following.resolve() == goal:
                    return [*way, following.name]
                if following.resolve() not in seen:
                    seen.add(following.resolve())
                    ahead.append((following, load_plan_file(following).plan, [*way, following.name]))
            except InputError:  # said where that plan itself is checked
                continue
    return None

"""From the text of a plan to a compiled plan: gate, shape, meaning, order. Everything that is wrong is said at once."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.collector import collector_paused
from engine.errors import Fault, InputError, PlanError
from engine.model.json import canonical_json
from engine.model.states import OnFailure, Strategy
from engine.plan.analysis import Analysis, Analyzer, cycle_faults
from engine.plan.compiled import CompiledPlan, CompiledStep
from engine.plan.document import MAX_BYTES, MAX_LOOSE_NODES, REST, Document, GateError, StoppedError, decode
from engine.plan.faults import Faults, Path, describe
from engine.plan.fields import STEP_SECTIONS
from engine.plan.graph import Graph, build_graph, dependents_of, execution_groups
from engine.plan.json_reader import read_json
from engine.plan.relations import check_fallback_needs, order_edges
from engine.plan.schema import build_plan, normalise
from engine.plan.watch import StepWatch
from engine.plan.yaml_reader import read_yaml

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path as FilePath

    from engine.model.json import Json, JsonObject
    from engine.model.plan import Plan, Step
    from engine.plan.steps import Shared

_NO_BEHAVIOUR = frozenset(["description", "metadata"])


def load_plan_file(path: FilePath) -> CompiledPlan:
    """Load a plan from a file. Raises InputError if it cannot be read, PlanError with everything that is wrong in it."""
    place = str(path)
    try:
        if path.is_dir():
            raise InputError("this is a folder, not a plan", place=place, hint="name a file in it")
        if path.exists() and not path.is_file():
            raise InputError("this is no regular file", place=place, hint="a plan is a YAML or JSON file")
        with path.open("rb") as file:
            source = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise InputError("there is no such file", place=place) from None
    except PermissionError:
        raise InputError("the file may not be read", place=place, hint="check its permissions") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its name is not valid"
        raise InputError(f"the file cannot be read: {reason}", place=place) from None
    return load_plan(source, name=place)


def load_plan(source: bytes, *, name: str) -> CompiledPlan:
    """Load a plan from its bytes; a name that ends in .json is read as JSON, every other as YAML.

    Raises PlanError with all faults, each with its place.
    """
    try:
        text = decode(source)
    except GateError as error:
        # Read somehow, it still has the lines by which the place is named.
        readable = "" if error.offset is None else source.decode(errors="replace")
        raise PlanError(name, (Document(readable).fault(error.message, error.hint, error.offset),)) from None
    with collector_paused():
        watch = StepWatch()
        try:
            document = read_json(text, watch) if name.lower().endswith(".json") else read_yaml(text, watch)
        except GateError as error:
            raise PlanError(name, (Document(text).fault(error.message, error.hint, error.offset),)) from None
        except StoppedError as error:
            raise PlanError(name, error.faults) from None
        return _compile(document, name, watch.steps)


def fault_at(source: str, name: str, path: Path, message: str, hint: str) -> Fault:
    """A fault of a plan that loads, found by looking further than at the plan itself: with its place in the text."""
    faults = Faults(read_json(source) if name.lower().endswith(".json") else read_yaml(source))
    faults.add(path, message, hint)
    [fault] = faults.listed()
    return fault


def _compile(document: Document, name: str, ready: Sequence[Step]) -> CompiledPlan:
    faults, warnings = Faults(document), Faults(document)
    value = document.value
    if not isinstance(value, dict):
        faults.add((), f"expected an object with plan_id and steps, found {describe(value)}")
        raise PlanError(name, (*document.faults, *faults.listed()))
    normal = normalise(value, faults)
    plan = build_plan(normal, faults, ready)
    if faults and len(document.offsets) > MAX_LOOSE_NODES:
        raise PlanError(name, (*document.faults, *faults.listed(), REST))  # its meaning would take as long again
    analyzer = Analyzer(normal, faults, warnings)
    analysis = analyzer.run()
    if faults.full:  # not every step was looked at, so that nothing can be said of their order
        raise _plan_error(name, document, faults)
    check_fallback_needs(analysis.relations, analysis.needed, analyzer.names, faults)
    graph = build_graph(order_edges(analysis.relations, analysis.depends_on))
    if not isinstance(graph, Graph):
        cycle_faults(graph, analysis, analyzer.names, faults)
    elif plan is not None and plan.strategy is Strategy.PARALLEL:
        _check_parallel(analysis, analyzer, faults)
    if faults or document.faults or plan is None or not isinstance(graph, Graph):
        raise _plan_error(name, document, faults)
    return _assemble(document, normal, plan, analysis, graph, warnings)


def _plan_error(name: str, document: Document, faults: Faults) -> PlanError:
    faults.unlisted += document.unlisted
    found = [*document.faults, *faults.listed()]
    found.sort(key=lambda fault: (fault.line is None, fault.line or 0, fault.column or 0))
    return PlanError(name, tuple(found))


def _check_parallel(analysis: Analysis, analyzer: Analyzer, faults: Faults) -> None:
    for step_id, needed in analysis.depends_on.items():
        if needed:
            path = ("steps", analyzer.names.steps[step_id])
            message = f"strategy parallel, but {step_id} depends on {', '.join(needed[:5])}"
            faults.add(path, message, "use strategy auto or dag, or take the dependencies and references out")


def detect_strategy(wanted: Strategy, graph: Graph, *, orchestrated: bool, has_items: bool = False) -> Strategy:
    """What AUTO comes to: serial for a chain, parallel for steps without dependencies, dag for everything else.

    A chain is no longer one with `has_items`: the items of a step can run side by side.
    """
    if not orchestrated:
        return Strategy.SERIAL
    if wanted is not Strategy.AUTO:
        return wanted
    generations = 1 + max(graph.generation.values(), default=0)
    if generations == len(graph.order) and not has_items:
        return Strategy.SERIAL
    return Strategy.PARALLEL if generations == 1 else Strategy.DAG


def _assemble(
    document: Document, normal: JsonObject, plan: Plan, analysis: Analysis, graph: Graph, warnings: Faults
) -> CompiledPlan:
    has_items = any(step.for_each is not None for step in plan.steps)
    strategy = detect_strategy(plan.strategy, graph, orchestrated=plan.enable_orchestration, has_items=has_items)
    serial = strategy is Strategy.SERIAL
    models = {step.id: step for step in plan.steps}
    fallbacks = analysis.relations.stands_in_for
    dependents = dependents_of(analysis.depends_on) if fallbacks else graph.dependents
    shared = replace(analysis.shared, settings=plan.globals)
    steps = {}
    for order, step_id in enumerate(graph.order):
        steps[step_id] = CompiledStep(
            step=models[step_id],
            execution_order=order,
            group_index=order if serial else graph.generation[step_id],
            depends_on=analysis.depends_on[step_id],
            dependents=dependents[step_id],
            _code=analysis.steps[step_id],
            _shared=shared,
            is_fallback_for=fallbacks.get(step_id),
        )
    groups = tuple((step_id,) for step_id in graph.order) if serial else execution_groups(graph)
    return CompiledPlan(
        plan=plan,
        plan_hash=plan_hash(normal),
        source=document.text,
        document=canonical_json(normal),
        strategy=strategy,
        steps=steps,
        groups=groups,
        warnings=warnings.listed(),
        implied_dependencies=analysis.implied,
        finally_steps=_assemble_finally(plan, analysis, shared, first_place=len(steps), group_index=len(groups)),
        asset_uses=analysis.asset_uses,
        _texts=analysis.texts,
        _shared=shared,
    )


def _assemble_finally(
    plan: Plan, analysis: Analysis, shared: Shared, *, first_place: int, group_index: int
) -> dict[str, CompiledStep]:
    """The steps of `finally`. None of them aborts: what comes after a failing one is to clean up too."""
    return {
        step.id: CompiledStep(
            step=step.model_copy(update={"on_failure": OnFailure.SKIP_DEPENDENTS})
            if step.on_failure is OnFailure.ABORT
            else step,
            execution_order=first_place + place,
            group_index=group_index,
            depends_on=(),
            dependents=(),
            _code=analysis.steps[step.id],
            _shared=shared,
            in_finally=True,
        )
        for place, step in enumerate(plan.finally_steps)
    }


def plan_hash(normal: JsonObject) -> str:
    """SHA-256 of what the plan sets, without descriptions and metadata: defaults that come later never change it."""
    kept = {name: value for name, value in normal.items() if name not in _NO_BEHAVIOUR}
    for section in STEP_SECTIONS:
        steps = kept.get(section)
        if isinstance(steps, list):
            kept[section] = [_without_words(step) for step in steps]
    params = kept.get("params")
    if isinstance(params, dict):
        kept["params"] = {name: _without_words(param) for name, param in params.items()}
    return hashlib.sha256(canonical_json(kept).encode()).hexdigest()


def _without_words(value: Json) -> Json:
    if not isinstance(value, dict):
        return value
    return {name: item for name, item in value.items() if name not in _NO_BEHAVIOUR}

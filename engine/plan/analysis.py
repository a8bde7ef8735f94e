"""A plan beyond the shape of its fields: declarations, and step by step what it names and needs. Notes faults, builds code.

How a text is checked is texts.py's, a definition the modules' of definitions, what steps are to each other relations.py's.
"""

from __future__ import annotations

import itertools
import keyword
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.model.plan import RESERVED_STEP_IDS, UNCAPPED, ParamType
from engine.model.states import StepType
from engine.plan.asset_uses import AssetUse, check_assets, check_screen_reference
from engine.plan.definitions.dispatch import check_definition
from engine.plan.faults import Faults, Path, describe, did_you_mean, path_text, shorten
from engine.plan.fields import STEP_SECTIONS
from engine.plan.items import check_items
from engine.plan.names import Around, Context, Names, Place
from engine.plan.params import expected, fits
from engine.plan.relations import RelationFinder, Relations
from engine.plan.steps import Shared, StepCode
from engine.plan.texts import IDENTIFIER, NOTHING, Texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.model.json import Json, JsonObject
    from engine.plan.expressions import Expression
    from engine.plan.references import Compiled
    from engine.plan.template_parser import Template

_PARAM_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
_POOL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_ONCE_ONLY = ("for_each", "repeat")


@dataclass(slots=True)
class Analysis:
    """The compiled parts of a plan.

    `depends_on` holds explicit and implied dependencies of each step, in plan order; `needed` says of the same ones why:
    the reference that makes it, or the word of the field that does.
    """

    shared: Shared = field(default_factory=Shared)
    steps: dict[str, StepCode] = field(default_factory=dict)
    depends_on: dict[str, tuple[str, ...]] = field(default_factory=dict)
    needed: dict[str, Mapping[str, str]] = field(default_factory=dict)
    relations: Relations = field(default_factory=Relations)
    texts: Mapping[str, Template | str] = field(default_factory=dict)
    implied: int = 0
    asset_uses: tuple[AssetUse, ...] = ()


class Analyzer:
    """Goes through a plan that may be wrong in any way, and stops looking when enough is wrong."""

    def __init__(self, plan: JsonObject, faults: Faults, warnings: Faults) -> None:
        self.plan = plan
        self.faults = faults
        self.warnings = warnings
        self.names = Names(plan, faults)
        self.texts = Texts(self.names, faults, warnings)
        self.finder = RelationFinder(plan, self.names, faults)
        self.pools: Mapping[str, Json] = {}
        self.result = Analysis(texts=self.texts.shown)
        self.secret_env: set[str] = set()
        self.plain = Around(secret_env=self.secret_env)  # what most steps declare: nothing

    def declare(self) -> None:
        """Check what the plan declares, which is all that a text may name."""
        self._params()
        self._secrets()
        self._globals()
        self.result.relations = self.finder.run()
        self.names.stands_in_for = self.result.relations.stands_in_for

    def run(self) -> Analysis:
        """Check and compile everything."""
        self.declare()
        seen: dict[str, Path] = {}
        for section in STEP_SECTIONS:
            steps = self.plan.get(section)
            for index, step in enumerate(steps if isinstance(steps, list) else ()):
                if self.faults.full:
                    break
                if isinstance(step, dict):
                    self._step(step, (section, index), seen)
        self._show("compose", Place.COMPOSE)
        self._show("present", Place.PRESENT)
        self.texts.check_fractions()
        self.result.asset_uses = tuple(self.names.asset_uses)
        check_assets(_section(self.plan, "assets"), self.result.asset_uses, self.faults, self.warnings)
        return self.result

    # declarations ----------------------------------------------------------------------------------------------------

    def _params(self) -> None:
        for name, param in _section(self.plan, "params").items():
            path: Path = ("params", name)
            if not _PARAM_NAME.fullmatch(name):
                self.faults.add(
                    path, f"'{shorten(name)}' cannot name a parameter", "letters, digits, _ and -", at_key=True
                )
            if not isinstance(param, dict):
                continue
            kind, default = param.get("type", "string"), param.get("default")
            if default is None or kind not in list(ParamType):
                continue
            if not fits(default, ParamType(str(kind))):
                message = f"expected {expected(ParamType(str(kind)))}, found {describe(default)}"
                self.faults.add((*path, "default"), message, "the default has to be of the parameter's type")
            elif param.get("required") is True:
                self.warnings.add((*path, "required"), f"{name} has a default, so it is never missing")

    def _secrets(self) -> None:
        for name, source in _section(self.plan, "secrets").items():
            path: Path = ("secrets", name)
            if not IDENTIFIER.fullmatch(name):
                self.faults.add(path, f"'{shorten(name)}' cannot name a secret", "letters, digits and _", at_key=True)
            if isinstance(source, dict) and (source.get("env") is None) == (source.get("file") is None):
                self.faults.add(path, "a secret comes from one place", "give either env: VARIABLE or file: PATH")

    def _globals(self) -> None:
        settings = _section(self.plan, "globals")
        env = self.texts.env(settings.get("env"), ("globals", "env"), Place.GLOBAL_ENV, Around(), self.secret_env)
        head: JsonObject = {}
        for name in ("plan_id", "version", "description"):
            value = self.plan.get(name, "")
            head[name] = value if isinstance(value, str) else ""
        self.result.shared = Shared(global_env=env, plan=head)
        self.pools = _section(settings, "pools")
        for name, pool in self.pools.items():
            path: Path = ("globals", "pools", name)
            if not _POOL_NAME.fullmatch(name):
                hint = "letters, digits, '.', '_' and '-'"
                self.faults.add(path, f"'{shorten(name)}' cannot name a pool", hint, at_key=True)
            if isinstance(pool, dict) and pool.get("max_concurrency") is None and pool.get("rate") is None:
                hint = "give max_concurrency: how many at once, rate: how many in a time, or both"
                self.faults.add(path, "the pool limits nothing", hint, at_key=True)

    # steps -----------------------------------------------------------------------------------------------------------

    def _step(self, step: JsonObject, path: Path, seen: dict[str, Path]) -> None:
        step_id = step.get("id")
        texts = self.texts
        texts.begin_step()
        if isinstance(step_id, str):
            self._step_id(step_id, path, seen)
        explicit = self._depends_on(step, path)
        inputs = _section(step, "output_mapping")
        for_each, env = step.get("for_each"), step.get("env")
        secret_env = set(self.secret_env) if env else self.secret_env
        has_items = for_each is not None
        around = Around(inputs, secret_env, has_items) if inputs or env or has_items else self.plain
        code = StepCode(
            condition=self._condition(step, path),
            skip_if=self._skip_if(step, path),
            for_each=None if not has_items else check_items(for_each, (*path, "for_each"), texts),
            inputs=self._inputs(inputs, path, around) if inputs else NOTHING,
            env=texts.env(env, (*path, "env"), Place.ENV, around, secret_env) if env else NOTHING,
            texts=check_definition(_section(step, "step_def"), (*path, "step_def"), around, texts),
            until=self._until(step, path, around),
            branches=self.result.relations.branches.get(step_id, ()) if isinstance(step_id, str) else (),
        )
        texts.end_step(step_id, secret_env)
        self._policies(step, path)
        if isinstance(step_id, str) and seen[step_id] == path:
            needed = texts.needed
            if "consumes" in step:
                for provider, resource in self.finder.consumed(step_id, step["consumes"], (*path, "consumes")):
                    needed.setdefault(provider, f"consumes {shorten(resource)}")
            self.result.steps[step_id] = code
            if path[0] == "finally":
                return  # they run in their order, whatever they refer to
            for branch in code.branches:
                needed.setdefault(branch.decision, f"a branch of {branch.decision}")
            self.result.implied += len(needed.keys() - explicit.keys())
            everything = needed | explicit if needed and explicit else needed or explicit
            self.result.depends_on[step_id] = (
                tuple(sorted(everything, key=self.names.steps.__getitem__))
                if len(everything) > 1
                else tuple(everything)
            )
            if everything:
                self.result.needed[step_id] = everything

    def _step_id(self, step_id: str, path: Path, seen: dict[str, Path]) -> None:
        place = (*path, "id")
        if step_id in RESERVED_STEP_IDS:
            self.faults.add(place, f"'{step_id}' is a reserved word", "choose another id, such as " + step_id + "_step")
        elif keyword.iskeyword(step_id):
            self.faults.add(place, f"'{step_id}' is a keyword", "choose another id, such as " + step_id + "_step")
        first = seen.setdefault(step_id, path)
        if first != path:
            hint = f"the other one is {path_text(first)}"
            self.faults.add(place, f"two steps have the id '{shorten(step_id)}'", hint)

    def _depends_on(self, step: JsonObject, path: Path) -> dict[str, str]:
        found: dict[str, str] = {}
        listed = step.get("depends_on")
        if path[0] == "finally" and listed:
            hint = "they run one after the other when all other steps have ended; take it out"
            self.faults.add((*path, "depends_on"), "steps in finally have no dependencies", hint, at_key=True)
            return found
        for index, name in enumerate(listed if isinstance(listed, list) else ()):
            if not isinstance(name, str) or self.faults.full:
                continue
            if name in self.names.stands_in_for and name != step.get("id"):
                first = self.names.stands_in_for[name]
                message = f"{name} runs only in the place of {first}, so nothing can depend on it"
                self.faults.add((*path, "depends_on", index), message, f"depend on {first}")
            elif name in self.names.steps:
                found[name] = "depends_on"
            else:
                hint = did_you_mean(name, self.names.steps)
                self.faults.add((*path, "depends_on", index), f"there is no step '{shorten(name)}'", hint)
        return found

    def _condition(self, step: JsonObject, path: Path) -> Expression | None:
        text = step.get("condition")
        return None if text is None else self.texts.expression(text, Context(Place.CONDITION, (*path, "condition")))

    def _skip_if(self, step: JsonObject, path: Path) -> tuple[Expression, ...]:
        listed = step.get("skip_if")
        if not isinstance(listed, list):
            return ()
        here = Context(Place.CONDITION, (*path, "skip_if"))
        compiled = (self.texts.expression(text, here.below(index)) for index, text in enumerate(listed))
        return tuple(expression for expression in compiled if expression is not None)

    def _until(self, step: JsonObject, path: Path, around: Around) -> Expression | None:
        repeat = step.get("repeat")
        if not isinstance(repeat, dict):
            return None
        return self.texts.expression(repeat.get("until"), Context(Place.UNTIL, (*path, "repeat", "until"), around))

    def _inputs(self, inputs: Mapping[str, Json], path: Path, around: Around) -> Mapping[str, Compiled]:
        # Bound before the step's own variables, so that only those of the plan can bring a secret.
        before_env = Around(around.inputs, self.secret_env, around.has_items)
        return self.texts.arguments(inputs, Context(Place.INPUT, (*path, "output_mapping"), before_env), "an input")

    def _policies(self, step: JsonObject, path: Path) -> None:
        pool = step.get("pool")
        if isinstance(pool, str) and pool not in self.pools:
            hint = did_you_mean(pool, self.pools) or "pools are declared in globals.pools"
            self.faults.add((*path, "pool"), f"there is no pool '{shorten(pool)}'", hint)
        for name in _ONCE_ONLY:
            if step.get(name) is not None and _section(step, "step_def").get("type") == "decision":
                hint = "take it out, or decide in the steps"
                self.faults.add((*path, name), f"a decision is made once and has no {name}", hint, at_key=True)
        kind = _section(step, "step_def").get("type")
        if step.get("max_output_bytes") is not None and kind in UNCAPPED:
            hint = "give max_body_bytes in its step_def" if kind == StepType.HTTP else "take it out"
            message = f"max_output_bytes does nothing for a step of type {kind}"
            self.faults.add((*path, "max_output_bytes"), message, hint, at_key=True)

    # what is shown ---------------------------------------------------------------------------------------------------

    def _show(self, section: str, place: Place) -> None:
        value = self.plan.get(section)
        self.texts.begin_step()
        around = Around(secret_env=self.secret_env)
        if place is Place.PRESENT and isinstance(value, str):
            check_screen_reference(value, _section(self.plan, "assets"), Context(place, (section,), around), self.texts)
        named = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, template in named:
            self.texts.tree(template, Context(place, (section, key), around))


def _section(value: Mapping[str, Json], name: str) -> dict[str, Json]:
    section = value.get(name)
    return section if isinstance(section, dict) else {}


def cycle_faults(cycles: Iterable[list[str]], analysis: Analysis, names: Names, faults: Faults) -> None:
    """One fault a cycle, at the step it begins with, named step by step, with what makes each wait for the next."""
    for cycle in cycles:
        place: Path = ("steps", names.steps[cycle[0]])
        if len(cycle) == 2:
            because = analysis.needed.get(cycle[0], {}).get(cycle[0], "")
            hint = f"a step cannot use its own result ({because})" if because else "a step cannot use its own result"
            faults.add(place, f"the step waits for itself: {' -> '.join(cycle)}", hint)
            continue
        shown = cycle if len(cycle) <= 12 else [*cycle[:6], "…", *cycle[-5:]]
        reasons = [_because(step, needed, analysis) for step, needed in itertools.pairwise(cycle)][:6]
        more = "" if len(cycle) <= 7 else " and so on,"
        hint = f"{', '.join(reasons)};{more} take one of these out"
        faults.add(place, f"these steps wait for each other: {' -> '.join(shown)}", hint)


def _because(step_id: str, needed: str, analysis: Analysis) -> str:
    reason = analysis.needed.get(step_id, {}).get(needed)
    if reason is not None:
        return f"{step_id} waits for {needed} ({reason})"
    if analysis.relations.stands_in_for.get(step_id) == needed:
        return f"{step_id} comes after {needed}, whose fallback it is"
    return f"{step_id} comes after {needed}, the fallback of a step that it waits for"

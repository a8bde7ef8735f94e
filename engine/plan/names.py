"""Which names a reference or an expression may use at which place of a plan, and which step it makes a dependency of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from engine.model.plan import RESERVED_STEP_IDS
from engine.plan.asset_uses import AssetUse
from engine.plan.faults import Faults, Path, did_you_mean
from engine.plan.scope import ATTEMPT_FIELDS, RESULT_FIELDS

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Mapping, Sequence

    from engine.model.json import JsonObject

_RUN_FIELDS = ("id", "plan_id", "workdir")
_RUN_FIELDS_AT_THE_END = ("status", "first_cause")
HEADS = ("prev", "env", "params", "secrets", "inputs", "plan", "run", "compose", "item", "index", "assets")
_ITEM_HINT = "item and index are what a step with for_each has; for the text itself write {'{item}'}"


class Place(Enum):
    """Where in a plan a text stands."""

    ARGUMENT = "an argument"
    ENV = "the environment of a step"
    BIND = "a bind parameter"
    HEADER = "a header"
    INPUT = "output_mapping"
    CONDITION = "a condition"
    RULE = "a rule"
    ITEMS = "for_each"
    UNTIL = "repeat.until"
    GLOBAL_ENV = "globals.env"
    COMPOSE = "compose"
    PRESENT = "present"

    @property
    def sees_steps(self) -> bool:
        """True where results of steps are known."""
        return self not in (Place.GLOBAL_ENV, Place.PRESENT)

    @property
    def sees_inputs(self) -> bool:
        """True where a step's inputs are bound already."""
        return self in (Place.ARGUMENT, Place.ENV, Place.BIND, Place.HEADER, Place.RULE, Place.UNTIL)

    @property
    def sees_item(self) -> bool:
        """True where a step with `for_each` is filled in for one item."""
        return self in (Place.ARGUMENT, Place.ENV, Place.BIND, Place.HEADER, Place.INPUT)

    @property
    def is_expression(self) -> bool:
        """True for what is an expression as a whole, where a secret reads as null instead of being filled in."""
        return self in (Place.CONDITION, Place.RULE, Place.UNTIL)

    @property
    def takes_secrets(self) -> bool:
        """True where a secret's text can be filled in at the last moment."""
        return self in (Place.ENV, Place.BIND, Place.HEADER, Place.GLOBAL_ENV)


@dataclass(frozen=True, slots=True)
class Around:
    """What the step itself declares: its inputs, the variables that hold secrets, and whether it runs for items."""

    inputs: Collection[str] = ()
    secret_env: Container[str] = ()
    has_items: bool = False


_NOTHING_AROUND = Around()


@dataclass(frozen=True, slots=True)
class Context:
    """Where a name stands: the place, its path, and what the step around it declares."""

    place: Place
    path: Path
    around: Around = _NOTHING_AROUND

    def below(self, key: str | int) -> Context:
        """The place of a field or an item of what stands here."""
        return Context(self.place, (*self.path, key), self.around)

    @property
    def in_finally(self) -> bool:
        """True for a text of a `finally` step."""
        return self.path[:1] == ("finally",)


class Names:
    """Everything that a plan declares. `check` notes what is wrong and gives the step that the name depends on.

    `stands_in_for` says of each fallback step which step it is the fallback of. `asset_uses` are the references to assets
    that were checked so far.
    """

    def __init__(self, plan: JsonObject, faults: Faults) -> None:
        self._faults = faults
        self.steps = _places(plan, "steps")
        self.finals = {step_id: at for step_id, at in _places(plan, "finally").items() if step_id not in self.steps}
        self.params = _names(plan, "params")
        self.secrets = _names(plan, "secrets")
        self.compose = _names(plan, "compose")
        self.assets = _names(plan, "assets")
        self.asset_uses: dict[AssetUse, None] = {}
        self.stands_in_for: Mapping[str, str] = {}
        self._meant: dict[str, str] = {}
        self.known: frozenset[str] = frozenset(HEADS) | self.steps.keys() | self.finals.keys()

    def check(self, head: str, keys: Sequence[Any], shown: str, context: Context) -> str | None:
        """Check one path. Returns the id of the step it needs, if any."""
        if self._faults.full:
            return None  # nothing more is listed, and the plan is refused whatever it needs
        if head == "prev":
            return self._prev(keys, shown, context)
        if (head in self.steps or head in self.finals) and head not in RESERVED_STEP_IDS:
            return self._step(head, keys, shown, context)
        if head not in RESERVED_STEP_IDS:
            self._unknown(head, shown, context)
            return None
        self._declared(head, keys, shown, context)
        return None

    def _add(self, context: Context, message: str, hint: str = "") -> None:
        self._faults.add(context.path, message, hint)

    def _unknown(self, head: str, shown: str, context: Context) -> None:
        hint = f"did you mean 'params.{head}'?" if head in self.params else self._nearest(head)
        if not hint:
            quote = "quote a text" if context.place.is_expression else "for the text itself write {'…'}"
            hint = f"references begin with a step's id, params, env, run or prev; {quote}"
        self._add(context, f"{shown}: there is no '{head}'", hint)

    def _nearest(self, head: str) -> str:
        """One wrong name is often used many times, and looking for what was meant is slow."""
        if head not in self._meant:
            candidates = [*HEADS, *self.steps, *self.finals] if len(self.steps) < 1000 else HEADS
            self._meant[head] = did_you_mean(head, candidates)
        return self._meant[head]

    def _prev(self, keys: Sequence[Any], shown: str, context: Context) -> str | None:
        if not keys or not isinstance(keys[0], str):
            self._add(context, f"{shown}: prev needs the id of a step", "write prev.STEP.status")
            return None
        if keys[0] not in self.steps and keys[0] not in self.finals:
            self._add(context, f"{shown}: there is no step '{keys[0]}'", did_you_mean(keys[0], self.steps))
            return None
        return self._step(keys[0], keys[1:], shown, context)

    def _step(self, step_id: str, keys: Sequence[Any], shown: str, context: Context) -> str | None:
        if not context.place.sees_steps:
            in_present = context.place is Place.PRESENT
            hint = "gather it in compose and write {compose.NAME}" if in_present else "set it in the step's env"
            self._add(context, f"{shown}: results of steps are not known in {context.place.value}", hint)
            return None
        if not keys or not isinstance(keys[0], str):
            self._add(context, f"{shown}: name a field of the result", f"{step_id}.status, {step_id}.data, ...")
        elif keys[0] not in RESULT_FIELDS:
            hint = did_you_mean(keys[0], RESULT_FIELDS) or f"what a step found is under {step_id}.data"
            self._add(context, f"{shown}: a result has no '{keys[0]}'", hint)
        if step_id in self.finals:
            self._final(step_id, shown, context)
            return None
        if step_id in self.stands_in_for:
            return self._fallback(step_id, shown, context)
        return step_id

    def _fallback(self, step_id: str, shown: str, context: Context) -> str | None:
        """A fallback's result is known under the name of the step that it stands in for, and only there."""
        if context.path[:1] == ("steps",) and self.steps[step_id] == context.path[1]:
            return step_id  # a step cannot use its own result: said as the cycle that it is
        first = self.stands_in_for[step_id]
        self._add(
            context, f"{shown}: {step_id} runs only in the place of {first}", f"refer to {first}: it has the result"
        )
        return None

    def _final(self, step_id: str, shown: str, context: Context) -> None:
        """A `finally` step is known to those after it and to what is shown at the end."""
        if context.path[0] == "steps":
            self._add(context, f"{shown}: {step_id} runs in finally, after all of these steps", "refer to another step")
        elif context.in_finally and self.finals[step_id] >= int(context.path[1]):
            self._add(context, f"{shown}: {step_id} has not run by then", "finally steps run in the order of the plan")

    def _declared(self, head: str, keys: Sequence[Any], shown: str, context: Context) -> None:
        key = keys[0] if keys else None
        match head:
            case "params":
                self._member("parameter", key, self.params, shown, context)
            case "assets":
                self._asset(keys, shown, context)
            case "secrets":
                self._secret(keys, shown, context)
            case "item" | "index":
                self._item(head, keys, shown, context)
            case "inputs" if not context.place.sees_inputs:
                self._add(
                    context, f"{shown}: inputs are not bound in {context.place.value}", "refer to the step itself"
                )
            case "inputs":
                self._member(
                    "input", key, context.around.inputs, shown, context, hint="inputs are declared in output_mapping"
                )
            case "compose" if context.place is not Place.PRESENT:
                self._add(context, f"{shown}: compose is known only in present", "refer to the step itself")
            case "compose":
                self._member("compose value", key, self.compose, shown, context)
            case "env":
                self._env(key, shown, context)
            case "plan":
                self._member("plan field", key, ("plan_id", "version", "description"), shown, context)
            case "run":
                self._run(key, shown, context)
            case _:
                self._add(context, f"{shown}: '{head}' is no value")

    def _member(
        self, what: str, key: Any, known: Collection[str], shown: str, context: Context, *, hint: str = ""
    ) -> None:
        if isinstance(key, str) and key not in known:
            declared = f"there are: {', '.join(list(known)[:12])}" if known else "none is declared"
            self._add(context, f"{shown}: there is no {what} '{key}'", did_you_mean(key, known) or hint or declared)

    def _asset(self, keys: Sequence[Any], shown: str, context: Context) -> None:
        """Which assets a stage uses has to be known before it runs, so that an alias is never worked out."""
        if not keys or not isinstance(keys[0], str):
            self._add(context, f"{shown}: name the asset by its alias", "write assets.ALIAS, as the plan declares it")
            return
        hint = "" if self.assets else "declare it at the top of the plan, as in assets: {lookup: query/NAME}"
        self._member("asset", keys[0], self.assets, shown, context, hint=hint)
        below = tuple(takewhile(lambda key: isinstance(key, str | int), keys[1:]))
        self.asset_uses[AssetUse(keys[0], below, context.path)] = None

    def _item(self, head: str, keys: Sequence[Any], shown: str, context: Context) -> None:
        if context.place is Place.UNTIL and head == "item":
            if not keys or not isinstance(keys[0], str):
                self._add(context, f"{shown}: name a field of the attempt", "item.data, item.exit_code, ...")
            else:
                hint = "what the attempt found is under item.data"
                self._member("field of an attempt", keys[0], ATTEMPT_FIELDS, shown, context, hint=hint)
        elif context.place is Place.UNTIL:
            hint = "item is the attempt here; to use the index, put it into output_mapping and write inputs.NAME"
            self._add(context, f"{shown}: index is not known in repeat.until", hint)
        elif not context.place.sees_item:
            hint = "it is decided once, before there are items" if context.place is Place.CONDITION else ""
            self._add(context, f"{shown}: {head} is not known in {context.place.value}", hint)
        elif not context.around.has_items:
            self._add(context, f"{shown}: the step has no for_each, so it has no {head}", _ITEM_HINT)
        elif head == "index" and keys:
            self._add(context, f"{shown}: index is a number and has nothing below it", "write {index}")

    def _run(self, key: Any, shown: str, context: Context) -> None:
        known = (*_RUN_FIELDS, *_RUN_FIELDS_AT_THE_END) if context.in_finally else _RUN_FIELDS
        hint = "the end of the run is known only in finally" if key in _RUN_FIELDS_AT_THE_END else ""
        self._member("run field", key, known, shown, context, hint=hint)

    def _secret(self, keys: Sequence[Any], shown: str, context: Context) -> None:
        if not context.place.takes_secrets:
            hint = "set it in env and let the program read it there; an http header and args of sql take it too"
            self._add(context, f"{shown}: a secret cannot stand in {context.place.value}", hint)
        elif len(keys) != 1 or not isinstance(keys[0], str):
            self._add(context, f"{shown}: a secret is written {{secrets.NAME}}, with no fallback and nothing below it")
        else:
            self._member("secret", keys[0], self.secrets, shown, context)

    def _env(self, key: Any, shown: str, context: Context) -> None:
        if context.place.takes_secrets or context.place.is_expression:
            return
        if isinstance(key, str) and key in context.around.secret_env:
            hint = "let the program read the variable itself"
            self._add(
                context, f"{shown}: the variable holds a secret, which cannot stand in {context.place.value}", hint
            )


def _places(plan: JsonObject, section: str) -> dict[str, int]:
    """Where each id of a list of steps stands first."""
    found: dict[str, int] = {}
    steps = plan.get(section)
    for index, step in enumerate(steps if isinstance(steps, list) else ()):
        if isinstance(step, dict) and isinstance(step_id := step.get("id"), str):
            found.setdefault(step_id, index)
    return found


def _names(plan: JsonObject, section: str) -> Mapping[str, None]:
    value = plan.get(section)
    return dict.fromkeys(value) if isinstance(value, dict) else {}

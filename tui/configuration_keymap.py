"""The section [keymap] of the configuration: which keys actions have, read as people write them. What a keymap does is tui.actions'."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from engine.errors import Fault
from engine.plan.faults import describe, did_you_mean
from tui.actions import ACTIONS, Keymap, key_names
from tui.actions.keymap import ESSENTIAL, clashes
from tui.actions.keys import NoKeyError, read_key

if TYPE_CHECKING:
    from collections.abc import Iterator

_EXAMPLE: Final = 'write "x", or ["x", "ctrl+x"], or [] for no key'
_HELP: Final = {action.id: action.help for action in ACTIONS}


def _key(text: str) -> str:
    try:
        return read_key(text)
    except NoKeyError as error:
        raise PydanticCustomError("no_key", "no key", {"said": str(error), "hint": error.hint}) from None


def _one_or_many(value: object) -> object:
    return [value] if isinstance(value, str) else value


Keys = Annotated[
    tuple[Annotated[str, Field(strict=True), AfterValidator(_key)], ...],
    BeforeValidator(_one_or_many),
    AfterValidator(lambda keys: tuple(dict.fromkeys(keys))),
]


def _name_actions(schema: dict[str, Any]) -> None:
    keys = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
    schema["properties"] = {name: {**keys, "description": said} for name, said in _HELP.items()}
    schema["additionalProperties"] = False


class KeymapSection(BaseModel):
    """Actions by id, each with the key or the keys it has instead of its own; an empty list for none."""

    model_config = ConfigDict(frozen=True, extra="allow", json_schema_extra=_name_actions)
    __pydantic_extra__: dict[str, Keys] = Field(init=False)

    @property
    def keymap(self) -> Keymap:
        """For the inspector."""
        return Keymap(dict(self.__pydantic_extra__))


def wrong_in_keymap(found: Any) -> tuple[str, str] | None:
    """What is wrong, as a sentence and a hint, of one thing that pydantic found in the section; None for what any section can have."""
    match found["type"]:
        case "no_key":
            return found["ctx"]["said"], found["ctx"]["hint"]
        case "tuple_type" | "string_type":
            return f"expected a key or a list of keys, found {describe(found['input'])}", _EXAMPLE
        case _:
            return None


def keymap_faults(section: object) -> Iterator[Fault]:
    """What is wrong with the keys as a whole, as far as they can be read: no such action, two meanings, none to leave with."""
    if not isinstance(section, dict):
        return
    changes: dict[str, tuple[str, ...]] = {}
    for name, value in section.items():
        if name not in _HELP:
            hint = did_you_mean(name, _HELP) or "docs/keys.md and opscope schema config list the actions"
            yield Fault(f"there is no action '{name}'", f"keymap.{name}", hint=hint)
        elif (keys := _readable(value)) is not None:
            changes[name] = keys
            if not keys and name in ESSENTIAL:
                yield Fault(f"{name} needs a key", f"keymap.{name}", hint="give it one, or leave the line out")
    for clash in clashes(Keymap(changes)):
        said = f"{key_names((clash.key,))} would mean {clash.first.id} and {clash.second.id} in one place"
        hint = f"{clash.first.id}: {clash.first.help}. {clash.second.id}: {clash.second.help}. Give one of them another key"
        yield Fault(said, f"keymap.{clash.first.id}", hint=hint)


def _readable(value: object) -> tuple[str, ...] | None:
    """The keys, None where they cannot be read; that is a fault by itself."""
    words = _one_or_many(value)
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        return None
    try:
        return tuple(map(read_key, words))
    except NoKeyError:
        return None

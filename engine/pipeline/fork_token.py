"""The token of a preview: it stands for everything that a run will be made of, so that nothing else is run than was shown."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.errors import InputError
from engine.model.json import canonical_json
from engine.plan.faults import shorten

if TYPE_CHECKING:
    from engine.model.json import Json

_WHOLE_DIGITS, _PART_DIGITS = 12, 3


@dataclass(frozen=True, slots=True)
class Token:
    """Stands for everything that a run will be made of: equal tokens, the same run. `parts` tell what differs in unequal ones."""

    whole: str
    parts: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.whole}-{''.join(self.parts)}"


_PARTS: Final = ("the plan", "the parameters", "the assets", "the run itself", "what runs again")


def token_of(*, plan: Json, params: Json, assets: Json, source: Json, asked: Json) -> Token:
    """The token of a run that is made of these."""
    parts = (plan, params, assets, source, asked)
    return Token(_digest([*parts])[:_WHOLE_DIGITS], tuple(_digest(part)[:_PART_DIGITS] for part in parts))


def what_changed(given: str, token: Token) -> str:
    """What is not as it was when a token was given, as a sentence. Raises InputError for what is no token."""
    whole, dash, parts = given.strip().lower().partition("-")
    wanted = len(token.parts) * _PART_DIGITS
    if not dash or len(whole) != _WHOLE_DIGITS or len(parts) != wanted or not set(whole + parts) <= set(_HEX):
        raise InputError(f"{shorten(given)!r} is no token", hint="opscope rerun RUN --dry-run prints one")
    told = [parts[place : place + _PART_DIGITS] for place in range(0, wanted, _PART_DIGITS)]
    differ = [name for name, one, other in zip(_PARTS, told, token.parts, strict=True) if one != other]
    subject = " and ".join([", ".join(differ[:-1]), differ[-1]] if len(differ) > 1 else differ) or "something"
    return f"{subject} changed since the token was given"


_HEX: Final = "0123456789abcdef"


def _digest(value: Json) -> str:
    return hashlib.sha256(canonical_json(value).encode("utf-8", "surrogatepass")).hexdigest()

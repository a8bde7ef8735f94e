"""Which tool an attempt leans on, as the name under which failures are counted, and which breaker watches over it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, assert_never

from engine.model.bound import (
    BoundCommand,
    BoundDecision,
    BoundFile,
    BoundHttp,
    BoundPlan,
    BoundPowershell,
    BoundPython,
    BoundSql,
    BoundTool,
)
from engine.model.plan import Breaker
from engine.model.states import StepType
from engine.plan.definitions.http_request import origin

if TYPE_CHECKING:
    from engine.model.bound import BoundDef
    from engine.model.plan import Globals

_NEVER = frozenset([StepType.FILE, StepType.DECISION])
_ALWAYS = frozenset([StepType.HTTP, StepType.TOOL])
_DEFAULT = Breaker()
_LONGEST_KEY = 200


def breaker_for(kind: StepType, settings: Globals) -> Breaker | None:
    """The breaker of steps of this type: that of the plan, the default for what leans on others, or none."""
    if kind in _NEVER:
        return None
    if settings.breaker is not None:
        return settings.breaker
    return _DEFAULT if kind in _ALWAYS else None


def tool_key(definition: BoundDef) -> str | None:
    """`http:https://host:443`, `tool:greet`, `command:git`, ...; None for what leans on no tool.

    A name that is longer than a name should be is cut, and told from its like by a digest.
    """
    key = _key(definition)
    if key is None or len(key) <= _LONGEST_KEY:
        return key
    digest = hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()[:16]
    return f"{key[:_LONGEST_KEY]}…{digest}"


def _key(definition: BoundDef) -> str | None:
    match definition:
        case BoundHttp():
            answering = origin(definition.url)
            return None if answering is None else f"http:{answering}"
        case BoundTool():
            return f"tool:{definition.tool}"
        case BoundCommand():
            return f"command:{definition.command}"
        case BoundPowershell():
            script = (definition.script or "").encode(errors="surrogatepass")
            return f"powershell:{definition.file or hashlib.sha256(script).hexdigest()[:16]}"
        case BoundPython():
            return f"python:{definition.callable}"
        case BoundSql():
            return f"sql:{definition.database}"
        case BoundPlan():
            return f"plan:{definition.plan}"
        case BoundFile() | BoundDecision():
            return None
        case _:
            assert_never(definition)

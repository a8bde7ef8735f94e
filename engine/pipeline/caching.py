"""What the result of a step depends on, as hashes with names, and what is written down of looking for a kept one. Pure.

Nothing is put into a cache from here: a `step.finished` that says so is what is kept, and whoever stores events finds it again.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from engine.model.result import AttemptOutcome, StreamSummary
from engine.model.states import Reason, StepStatus

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from engine.model.bound import BoundStep, BoundText
    from engine.model.json import Json, JsonObject
    from engine.model.states import OutputFormat
    from engine.ports import CachedResult

OWN_VARIABLES: Final = "OPSCOPE_"
_DIGITS: Final = 16  # of a part's hash: enough to tell two values of one input apart


class CacheState(StrEnum):
    """What looking for a kept result came to. `off` is where there is no record of results, or it could not be read."""

    HIT = "hit"
    MISS = "miss"
    EXPIRED = "expired"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class CacheMark:
    """What is recorded of a step that asked for a kept result. `differs` names the inputs that were other at the nearest one."""

    state: CacheState
    key: str
    plan_id: str
    parts: Mapping[str, str]
    differs: tuple[str, ...] = ()
    nearest: JsonObject | None = None
    note: str = ""

    def to_json(self) -> JsonObject:
        """As `attempt.starting` carries it, and `step.finished` where the result was found."""
        rare: JsonObject = {"note": self.note} if self.note else {}
        return {
            "state": self.state.value,
            "key": self.key,
            "parts": dict(self.parts),
            "differs": list(self.differs),
            "from": self.nearest,
            **rare,
        }


def kept_json(key: str, plan_id: str) -> JsonObject:
    """As `step.finished` carries it where its result may be used again."""
    return {"state": CacheState.MISS.value, "key": key, "plan_id": plan_id, "kept": True}


def cache_parts(
    bound: BoundStep,
    environment: Mapping[str, BoundText],
    *,
    output: OutputFormat,
    max_output_bytes: int | None,
    workdir: Path,
    plan_folder: Path,
) -> dict[str, str]:
    """The hash of everything that the step depends on, by name. Secrets count by their names, not by their values."""
    named: dict[str, Json] = {
        "plan_folder": str(plan_folder),
        "workdir": str(workdir),
        "output": output.value,
    }
    if max_output_bytes is not None:
        named["max_output_bytes"] = max_output_bytes
    for field, value in bound.definition.to_json().items():
        if isinstance(value, dict):
            named.update({f"definition.{field}.{name}": one for name, one in value.items()})
        else:
            named[f"definition.{field}"] = value
    named.update({f"env.{name}": str(text) for name, text in environment.items() if not name.startswith(OWN_VARIABLES)})
    named.update({f"inputs.{name}": value for name, value in bound.inputs.items()})
    return {name: _hash(value) for name, value in sorted(named.items())}


def cache_key(parts: Mapping[str, str]) -> str:
    """One hash over all parts."""
    return _sha256(dict(parts))


def judge(
    key: str, plan_id: str, parts: Mapping[str, str], found: CachedResult | None, *, now_us: int, ttl_sec: float
) -> tuple[CacheMark, AttemptOutcome | None]:
    """Whether what was found may be used: what to record of it, and the outcome if it may.

    A result from the future, after a clock was set back, is as good as one of now.
    """
    if found is None:
        return CacheMark(CacheState.MISS, key, plan_id, parts), None
    nearest: JsonObject = {"run_id": found.run_id, "step_id": found.step_id, "at_us": found.at_us}
    if found.key != key or found.result is None:
        differs = tuple(sorted(name for name in {*parts, *found.parts} if parts.get(name) != found.parts.get(name)))
        return CacheMark(CacheState.MISS, key, plan_id, parts, differs, nearest), None
    if now_us - found.at_us > ttl_sec * 1_000_000:
        return CacheMark(CacheState.EXPIRED, key, plan_id, parts, (), nearest), None
    return CacheMark(CacheState.HIT, key, plan_id, parts, (), nearest), _outcome(found.result)


def _outcome(result: JsonObject) -> AttemptOutcome:
    counts, exit_code = result.get("counts"), result.get("exit_code")
    return AttemptOutcome(
        status=StepStatus.SUCCEEDED,
        reason=Reason.CACHE_HIT,
        exit_code=exit_code if isinstance(exit_code, int) else None,
        data=result.get("data"),
        stdout=StreamSummary(text=str(result.get("stdout") or "")),
        stderr=StreamSummary(text=str(result.get("stderr") or "")),
        counts={name: number for name, number in counts.items() if isinstance(number, int)}
        if isinstance(counts, dict)
        else {},
    )


def _hash(value: Json) -> str:
    return _sha256(value)[:_DIGITS]


def _sha256(value: Json) -> str:
    # What a tool in this process returned may hold what no file takes; for being the same it is as good as any other.
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

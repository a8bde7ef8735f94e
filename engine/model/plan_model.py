"""What the parts of a plan are made of: their common base and the names that may stand in them. Which parts there are is not here."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, StringConstraints

StepId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]
PlanId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
ResourceName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$")]
LockName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
Scalar: TypeAlias = str | int | float | bool


class PlanModel(BaseModel):
    """Frozen, closed, and strict in what it takes: `"3"` is not a number and 1 is not a string."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

"""What of a run can be changed: its assets with their versions, its parameters, its steps. Read by others; nothing is chosen here."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from rich.cells import cell_len

from engine.model.plan import ParamType
from engine.pipeline.forking import MASK
from engine.plan.params import from_words
from tui.terminal import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.model.asset import AssetName
    from engine.model.json import Json
    from engine.model.plan import Param
    from engine.model.states import StepStatus
    from engine.pipeline.forking import ForkSource
    from store.assets.reading import AssetHistory, VersionHead
    from store.rows import RunRow


@dataclass(frozen=True, slots=True)
class GivenAsset:
    """An asset of the run's plan, under its alias, with the version that the run used and why.

    One of a plan that the run's plan runs has no alias here and no version: which one it uses is found when that plan runs.
    `history` is None where the asset is not in this file.
    """

    alias: str
    name: AssetName
    version: int | None = None
    sha256: str = ""
    source: str = ""
    history: AssetHistory | None = None

    @property
    def versions(self) -> tuple[VersionHead, ...]:
        """All versions that there are, the newest first."""
        return self.history.versions[::-1] if self.history is not None else ()

    @property
    def newest(self) -> int | None:
        """The newest published version."""
        head = self.history.in_force if self.history is not None else None
        return head.version if head is not None else None


@dataclass(frozen=True, slots=True)
class GivenParam:
    """A parameter as the plan declares it, with the value that the run had."""

    name: str
    param: Param
    value: Json

    @property
    def is_masked(self) -> bool:
        """True if its value held a secret, which was not recorded: it has to be given again."""
        return MASK in json.dumps(self.value, ensure_ascii=False)

    @property
    def is_switch(self) -> bool:
        """True if it is turned, and not typed."""
        return self.param.type is ParamType.BOOLEAN

    def turned(self, typed: str | None) -> str:
        """The other way round, as it is typed: than `typed`, else than the run had it. What it was is not known: on."""
        try:
            is_on = from_words(ParamType.BOOLEAN, self.words if typed is None else typed) is True
        except ValueError:
            is_on = False
        return "false" if is_on else "true"

    @property
    def words(self) -> str:
        """The value as it is typed; what was masked or never given is empty."""
        if self.value is None or self.is_masked:
            return ""
        return self.value if isinstance(self.value, str) else json.dumps(self.value, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class GivenStep:
    """A step, how it ended and how long that took; None for one that did not come to run."""

    step_id: str
    status: StepStatus | None = None
    duration_us: int | None = None


@dataclass(frozen=True)
class Givens:
    """A run that can be repeated, and all that can be different then."""

    run: RunRow
    source: ForkSource
    assets: tuple[GivenAsset, ...]
    params: tuple[GivenParam, ...] = ()
    steps: tuple[GivenStep, ...] = ()

    @cached_property
    def name_cells(self) -> int:
        """The room that the names of assets and parameters want; measured once, since every line asks."""
        return widest([asset.alias for asset in self.assets] + [param.name for param in self.params])

    @cached_property
    def asset_cells(self) -> int:
        """The room for the assets themselves."""
        return widest(str(asset.name) for asset in self.assets)

    @cached_property
    def step_cells(self) -> int:
        """The room for the ids of the steps."""
        return widest(step.step_id for step in self.steps)

    def asset(self, name: AssetName) -> GivenAsset | None:
        """The first with this name."""
        return next((asset for asset in self.assets if asset.name == name), None)


def widest(texts: Iterable[str]) -> int:
    """The cells of the widest; 0 for none."""
    return max((cell_len(visible(text)) for text in texts), default=0)

"""What an operator has chosen to be different in the next run of a recorded one, so far. Nothing of it has been checked or shown."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from engine.model.asset import AssetName, AssetReference
from engine.pipeline.forking import Change

if TYPE_CHECKING:
    from collections.abc import Mapping


class Against(StrEnum):
    """What the new run is compared with once it is over."""

    SOURCE = "source"
    USUAL = "usual"


class After(StrEnum):
    """How the comparison comes up once the run is over: on a key, or by itself."""

    OFFERED = "offered"
    OPENED = "opened"


@dataclass(frozen=True, slots=True)
class Draft:
    """Versions by asset, parameters as they were typed, the steps to begin from, and what is said and done about the run.

    Every change gives another draft; the same draft again means that nothing was changed.
    """

    versions: Mapping[AssetName, int] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    from_steps: tuple[str, ...] = ()
    latest_assets: bool = False
    reason: str = ""
    against: Against = Against.SOURCE
    after: After = After.OFFERED

    @property
    def number(self) -> int:
        """How many things are set that make the run another one."""
        return len(self.versions) + len(self.params) + len(self.from_steps) + self.latest_assets

    @property
    def overrides(self) -> tuple[AssetReference, ...]:
        """The versions as they are asked for."""
        return tuple(AssetReference(name, version) for name, version in self.versions.items())

    def change(self) -> Change:
        """As a rerun takes it."""
        return Change(
            params=dict(self.params),
            overrides=self.overrides,
            from_steps=self.from_steps,
            latest_assets=self.latest_assets,
        )

    def with_version(self, name: AssetName, version: int | None) -> Draft:
        """With a version of an asset; None takes it back."""
        kept = {one: number for one, number in self.versions.items() if one != name}
        return replace(self, versions=kept if version is None else {**kept, name: version})

    def with_param(self, name: str, text: str | None) -> Draft:
        """With a parameter as it was typed; None takes it back."""
        kept = {one: said for one, said in self.params.items() if one != name}
        return replace(self, params=kept if text is None else {**kept, name: text})

    def with_step(self, step_id: str, *, again: bool) -> Draft:
        """With a step to run again, or without."""
        kept = tuple(one for one in self.from_steps if one != step_id)
        return replace(self, from_steps=(*kept, step_id) if again else kept)

    def without_changes(self) -> Draft:
        """With nothing changed; what is said about the run and done after it stays."""
        return replace(self, versions={}, params={}, from_steps=(), latest_assets=False)

    def command(self, run: str) -> str:
        """The command that does the same; `run` is the id as it is to be written."""
        words = ["opscope", "rerun", run]
        words += [word for override in self.overrides for word in ("--override", str(override))]
        words += [word for name, text in self.params.items() for word in ("-p", f"{name}={text}")]
        words += [word for step_id in self.from_steps for word in ("--from", step_id)]
        words += ["--latest-assets"] if self.latest_assets else []
        words += ["--reason", self.reason] if self.reason else []
        return shlex.join(words)

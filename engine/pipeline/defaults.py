"""What a run is given where nothing better is at hand: nobody who interferes, no locks, no earlier runs. All of it does nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import InputError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from pathlib import Path

    from engine.model.asset import AssetReference, ResolvedAsset
    from engine.model.breaker import BreakerState
    from engine.pipeline.resume_point import ResumePoint
    from engine.ports import CachedResult, CacheQuestion, ChildPlan, ControlRequest
    from engine.steps.secrets import SecretBox


class NoControl:
    """Nobody asks for anything. Implements `engine.ports.ControlSource`."""

    async def requests(self) -> AsyncIterator[ControlRequest]:
        """No request."""
        nothing: tuple[ControlRequest, ...] = ()
        for request in nothing:
            yield request


class NoLocks:
    """Every lock is free, for a program that runs one thing at a time. Implements `engine.ports.LockBroker`."""

    async def acquire(self, run_id: str, names: Sequence[str], on_wait: Callable[[str], None]) -> None:
        """Held at once."""

    async def release(self, run_id: str) -> None:
        """Given back at once."""


class NoCache:
    """No result is kept anywhere. Implements `engine.ports.ResultCache`."""

    async def look_up(self, question: CacheQuestion) -> CachedResult | None:
        """Nothing."""


class NoBreakers:
    """No tool has ever failed before. Implements `engine.ports.BreakerMemory`."""

    async def load(self) -> Mapping[str, BreakerState]:
        """Nothing."""
        return {}


class NoAssets:
    """There is no registry. Implements `engine.ports.AssetResolver`."""

    async def resolve(
        self,
        reference: AssetReference,
        *,
        override: AssetReference | None = None,  # noqa: ARG002  (a port's signature)
    ) -> ResolvedAsset:
        """Nothing is found."""
        raise InputError(
            f"there is no registry to look for {reference} in", hint="this engine runs plans without assets"
        )

    async def exact(self, ref: str, sha256: str) -> ResolvedAsset:  # noqa: ARG002
        """Nothing is found."""
        raise InputError(f"there is no registry to look for {ref} in", hint="this engine runs plans without assets")


class NoSubPlans:
    """There are no other plans. Implements `engine.ports.SubPlans`."""

    async def find(
        self,
        plan: str,
        folder: Path,  # noqa: ARG002  (a port's signature)
        run_id: str,  # noqa: ARG002
        above: SecretBox,  # noqa: ARG002
    ) -> ChildPlan:
        """Nothing is found."""
        raise InputError(
            f"there is nowhere to look for the plan {plan}", hint="this engine runs plans without sub-plans"
        )

    async def recorded(self, run_id: str, folder: Path, above: SecretBox) -> tuple[ResumePoint, ChildPlan] | None:
        """Nothing is recorded."""


def pass_on(told: str) -> None:
    """Hear it and go on."""

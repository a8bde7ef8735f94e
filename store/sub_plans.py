"""Plans that run as steps of others: where they are found, and their runs in the file, taken over from an engine that died."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from engine.errors import InputError
from engine.pipeline.defaults import NoControl
from engine.plan.load import load_plan_file
from engine.plan.sub_plans import sub_plan_file
from engine.ports import ChildPlan
from engine.shipped import shipped_plans
from engine.steps.secrets import SecretBox
from store.queries import run_by_id
from store.reader import Reader
from store.resume import compile_stored, plan_to_resume, resume_point

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from engine.pipeline.resume_point import ResumePoint
    from engine.plan.compiled import CompiledPlan
    from engine.ports import Clock, ControlSource, Executor
    from store.rows import RunRow
    from store.writer import Writer


def shipped_plan(name: str) -> Path:
    """The file of a shipped plan, `-` and `_` being equal. Raises InputError with what there is."""
    plans = shipped_plans()
    path = plans.get(name.replace("-", "_"))
    if path is None:
        raise InputError(f"there is no plan named {name!r}", hint=f"plans: {', '.join(sorted(plans))}")
    return path


class FileSubPlans:
    """Finds sub-plans beside the plan that names them, or by name, and runs of theirs in the file. Implements `engine.ports.SubPlans`.

    `locate` finds a plan that has a name rather than a path. `executor` makes what runs the steps of a plan with these
    secrets; `control` is where requests for a child run come from. `env` is where secrets are looked for.
    """

    def __init__(
        self,
        writer: Writer,
        clock: Clock,
        env: Mapping[str, str],
        *,
        executor: Callable[[SecretBox], Executor],
        locate: Callable[[str], Path] = shipped_plan,
        control: Callable[[str], ControlSource] = lambda run_id: NoControl(),  # noqa: ARG005
    ) -> None:
        self._writer = writer
        self._clock = clock
        self._env = env
        self._executor = executor
        self._locate = locate
        self._control = control

    async def find(self, plan: str, folder: Path, run_id: str, above: SecretBox) -> ChildPlan:
        """See `SubPlans.find`. A path is relative to the folder of the plan that names it."""
        return await asyncio.to_thread(self._find, plan, folder, run_id, above)

    async def recorded(
        self,
        run_id: str,
        folder: Path,  # noqa: ARG002
        above: SecretBox,
    ) -> tuple[ResumePoint, ChildPlan] | None:
        """See `SubPlans.recorded`. A run that has its end stays with whoever ended it."""
        run = await asyncio.to_thread(self._row, run_id)
        if run is None:
            return None
        if not run.status.is_final and run.owner_engine != self._writer.engine_id:
            await self._writer.take_over(run_id, expected_epoch=run.owner_epoch, at_us=self._clock.now_us())
        return await asyncio.to_thread(self._recorded, run_id, above)

    def _find(self, plan: str, folder: Path, run_id: str, above: SecretBox) -> ChildPlan:
        path = sub_plan_file(plan, folder, self._locate)
        return self._child(load_plan_file(path), path.absolute().parent, run_id, above)

    def _row(self, run_id: str) -> RunRow | None:
        with Reader.open(self._writer.path) as reader:
            return reader.run(run_by_id(run_id))

    def _recorded(self, run_id: str, above: SecretBox) -> tuple[ResumePoint, ChildPlan]:
        with Reader.open(self._writer.path) as reader:
            point = resume_point(reader, run_id)
            plan = compile_stored(plan_to_resume(reader, run_id))
        return point, self._child(plan, point.plan_folder, run_id, above)

    def _child(self, plan: CompiledPlan, folder: Path, run_id: str, above: SecretBox) -> ChildPlan:
        secrets = SecretBox.load(plan.plan.secrets, host_env=self._env, folder=folder).below(above)
        return ChildPlan(plan, folder, secrets, self._executor(secrets), self._control(run_id))

"""Makes a run that is in the file ready to be taken up again: its plan compiled anew, its secrets loaded, its decisions checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import InputError, PlanError, WaitingError
from engine.pipeline.resume import check_decisions
from engine.plan.load import load_plan
from engine.steps.secrets import SecretBox
from store.reader import Reader
from store.resume import plan_to_resume, resume_point
from tui.commands.performing import Resumption
from tui.viewmodel.words import short_id

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from engine.pipeline.resume import Decision
    from engine.pipeline.resume_point import ResumePoint
    from engine.plan.compiled import CompiledPlan
    from engine.ports import ControlRequest, PlanRecord
    from store.rows import RunRow


def point_of(database: Path, run_id: str) -> ResumePoint:
    """Where the run can be taken up. Raises StoreError."""
    with Reader.open(database) as reader:
        return resume_point(reader, run_id)


def compile_stored(record: PlanRecord) -> CompiledPlan:
    """The plan of a run, compiled again from what the file keeps of it. Raises InputError if that gives another plan."""
    # The file keeps the text and not whether it was JSON; the hash says which reading was meant.
    for name in ("plan.yaml", "plan.json"):
        try:
            plan = load_plan(record.source.encode("utf-8", "surrogatepass"), name=name)
        except PlanError:
            continue
        if plan.plan_hash == record.plan_hash:
            return plan
    raise InputError(
        f"this version reads the plan {record.plan_id} of the run in another way than the one that started it",
        hint="resume it with that version, or run the plan again",
    )


def prepare_resumption(
    database: Path,
    run: RunRow,
    env: Mapping[str, str],
    *,
    decisions: Mapping[str, Decision] | None = None,
    cancel: ControlRequest | None = None,
) -> Resumption:
    """Check all that can be checked before anything is written.

    Raises WaitingError where a step is undecided, InputError for a decision that nobody asked for or a secret that is
    not there.
    """
    with Reader.open(database) as reader:
        point = resume_point(reader, run.run_id)
        plan = compile_stored(plan_to_resume(reader, run.run_id))
    if cancel is None:
        try:
            check_decisions(point, plan, decisions or {})
        except WaitingError as error:
            error.hint = _ways_to_decide(short_id(run.run_id), error.steps)
            raise
    return Resumption(
        run_id=run.run_id,
        epoch=run.owner_epoch,
        seq=run.last_seq,
        plan=plan,
        secrets=_secrets(point, plan, env, cancel),
        env=env,
        decisions=decisions or {},
        cancel=cancel,
    )


def _ways_to_decide(short: str, steps: tuple[str, ...]) -> str:
    """What to type about steps that may or may not have done their work."""
    return "\n".join(
        [
            *([f"the steps: {', '.join(steps)}"] if len(steps) > 1 else []),
            "look whether it was done, then say so, for each step:",
            f"  opscope resume {short} --retry {steps[0]}      run it again",
            f"  opscope resume {short} --skip {steps[0]}       leave it out",
            f"  opscope resume {short} --succeeded {steps[0]}  take it as done",
        ]
    )


def _secrets(
    point: ResumePoint, plan: CompiledPlan, env: Mapping[str, str], cancel: ControlRequest | None
) -> SecretBox:
    if cancel is not None and cancel.force:
        return SecretBox()  # nothing runs any more, so nothing needs them
    try:
        return SecretBox.load(plan.plan.secrets, host_env=env, folder=point.plan_folder)
    except InputError as error:
        if cancel is not None:
            error.hint = f"{error.hint}; or cancel with --force, which leaves `finally` out".removeprefix("; ")
        raise

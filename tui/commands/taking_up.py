"""Makes a run that is in the file ready to be taken up again: its plan compiled anew, its secrets loaded, its decisions checked."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from engine.errors import InputError, WaitingError
from engine.model.states import PauseReason, RunStatus
from engine.pipeline.assets import resolve_again
from engine.pipeline.replan.answers import check_answer
from engine.pipeline.resume import check_decisions
from engine.pipeline.sub_plans import DEEPEST
from engine.steps.secrets import SecretBox
from store.assets.resolver import StoreAssets
from store.queries import run_by_id
from store.reader import Reader
from store.resume import compile_stored, plan_to_resume, resume_point
from tui.commands.performing import Resumption
from tui.viewmodel.words import short_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from engine.pipeline.decisions import Decision
    from engine.pipeline.replan.story import Proposal
    from engine.pipeline.resume_point import ResumePoint
    from engine.plan.compiled import CompiledPlan
    from engine.ports import ControlRequest
    from store.rows import RunRow


def point_of(database: Path, run_id: str) -> ResumePoint:
    """Where the run can be taken up. Raises StoreError."""
    with Reader.open(database) as reader:
        return resume_point(reader, run_id)


def prepare_resumption(
    database: Path,
    run: RunRow,
    env: Mapping[str, str],
    *,
    decisions: Mapping[str, Decision] | None = None,
    cancel: ControlRequest | None = None,
    answer: ControlRequest | None = None,
) -> Resumption:
    """Check all that can be checked before anything is written.

    Raises WaitingError where a step is undecided or an approval is missing, InputError for a decision that nobody asked
    for, an `answer` to nothing or a secret that is not there, StoreError for an asset that the run has used and that is
    not the same any more.
    """
    with Reader.open(database) as reader:
        point = resume_point(reader, run.run_id)
        plan = compile_stored(plan_to_resume(reader, run.run_id))
        above = [] if run.parent_run_id is None else _runs_above(reader, run.parent_run_id)
        if cancel is None:
            check_children(reader, point)
    if cancel is None:
        try:
            check_decisions(point, plan, decisions or {})
        except WaitingError as error:
            error.hint = _ways_to_decide(short_id(run.run_id), error.steps, point)
            raise
        if answer is not None:
            check_answer(plan, point.replans, answer)
        elif point.paused is PauseReason.APPROVAL and point.replans.pending:
            raise approval_missing(run.run_id, [*point.replans.pending.values()])
        if point.is_started:
            asyncio.run(resolve_again(plan, point.assets, StoreAssets(database)))
    return Resumption(
        run_id=run.run_id,
        epoch=run.owner_epoch,
        seq=run.last_seq,
        plan=plan,
        secrets=_secrets([*above, (point, plan)], env, cancel),
        env=env,
        decisions=decisions or {},
        cancel=cancel,
        answer=answer,
    )


def approval_missing(run_id: str, waiting: Sequence[Proposal]) -> WaitingError:
    """What is said to who wants a run to go on that waits for an approval."""
    short = short_id(run_id)
    which = f"{short} {waiting[0].event_id}" if len(waiting) > 1 else short
    return WaitingError(
        f"another plan waits for approval: {'; '.join(map(str, waiting))}",
        place=f"run {short}",
        hint=f"opscope approve {which}, or opscope deny {which} and it goes on as planned",
    )


def _ways_to_decide(short: str, steps: tuple[str, ...], point: ResumePoint) -> str:
    """What to type about steps that may or may not have done their work, or that are left alone until somebody decides."""
    return "\n".join(
        [
            *([f"the steps: {', '.join(steps)}"] if len(steps) > 1 else []),
            "say, for each step, what is to become of it:"
            if steps[0] in point.quarantined
            else "look whether it was done, then say so, for each step:",
            f"  opscope resume {short} --retry {steps[0]}      run it again",
            f"  opscope resume {short} --skip {steps[0]}       leave it out",
            f"  opscope resume {short} --succeeded {steps[0]}  take it as done",
        ]
    )


def check_children(reader: Reader, point: ResumePoint) -> None:
    """Whether the sub-plans that are taken up with the run can go on. Raises WaitingError for one that somebody must decide about."""
    for unit, child_id in point.children.items():
        child = reader.run(run_by_id(child_id))
        if child is not None and child.status is RunStatus.QUARANTINED:
            short = short_id(child_id)
            raise WaitingError(
                f"the sub-plan of step {unit} waits for a decision, in run {short}",
                place=f"run {short_id(point.run_id)}",
                hint=f"opscope why {short} says which; see that run to its end first, then resume this one",
            )


def _runs_above(reader: Reader, run_id: str) -> list[tuple[ResumePoint, CompiledPlan]]:
    """The runs that a sub-plan is a step of, the highest first."""
    found: list[tuple[ResumePoint, CompiledPlan]] = []
    following: str | None = run_id
    while following is not None and len(found) <= DEEPEST:
        point = resume_point(reader, following)
        found.insert(0, (point, compile_stored(plan_to_resume(reader, following))))
        run = reader.run(run_by_id(following))
        following = None if run is None else run.parent_run_id
    return found


def _secrets(
    runs: Sequence[tuple[ResumePoint, CompiledPlan]], env: Mapping[str, str], cancel: ControlRequest | None
) -> SecretBox:
    """Those of the last of the runs; those of the runs above it are masked too."""
    if cancel is not None and cancel.force:
        return SecretBox()  # nothing runs any more, so nothing needs them
    try:
        box = SecretBox()
        for point, plan in runs:
            box = SecretBox.load(plan.plan.secrets, host_env=env, folder=point.plan_folder).below(box)
    except InputError as error:
        if cancel is not None:
            error.hint = f"{error.hint}; or cancel with --force, which leaves `finally` out".removeprefix("; ")
        raise
    return box

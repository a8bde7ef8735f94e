"""One attempt of a file step: the action in a thread, its time limit and its outcome."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from engine.model.result import AttemptOutcome
from engine.model.states import OutputFormat, Reason, StepStatus
from engine.model.step_defs import FileAction
from engine.steps.blocking import BlockingWork, NoThreadError
from engine.steps.file_actions import FileRequest, perform
from engine.steps.file_draft import FileError
from engine.steps.outputs import storable_text

if TYPE_CHECKING:
    from engine.model.bound import BoundFile
    from engine.ports import AttemptObserver, AttemptSpec
    from engine.steps.secrets import SecretBox


class FileRunner:
    """Runs file attempts. One that is stopped has changed nothing, or has done all."""

    def __init__(self, secrets: SecretBox, *, grace_sec: float) -> None:
        self._secrets = secrets
        self._grace_sec = grace_sec

    async def run(self, file: BoundFile, spec: AttemptSpec, observer: AttemptObserver) -> AttemptOutcome:
        """Run one attempt to its end. Raises only what the observer raises, and CancelledError."""
        # Before anything is touched: what an action changes must not happen unknown to the file.
        await observer.started(None)
        request = _request(file, spec)
        work = BlockingWork(lambda stopper: perform(request, stopper), name="opscope-file", grace_sec=self._grace_sec)
        try:
            done = await work.run(spec.timeout_sec)
        except TimeoutError:
            return self._failed(Reason.TIMED_OUT, f"timed out after {spec.timeout_sec:g} s; nothing was changed")
        except (FileError, NoThreadError) as error:
            return self._failed(Reason.FILE_FAILED, str(error))
        data = None if spec.output is OutputFormat.NONE else self._secrets.mask_json(done.data)
        return AttemptOutcome(StepStatus.SUCCEEDED, data=data, counts=done.counts)

    def _failed(self, reason: Reason, message: str) -> AttemptOutcome:
        return AttemptOutcome(StepStatus.FAILED, reason, self._secrets.mask(storable_text(message)))


def _request(file: BoundFile, spec: AttemptSpec) -> FileRequest:
    mark = hashlib.sha256(f"{spec.idempotency_key}/{spec.item_index}".encode()).hexdigest()[:12]
    return FileRequest(
        action=FileAction(file.action),
        path=spec.workdir / file.path,
        to=None if file.to is None else spec.workdir / file.to,
        content=storable_text(file.content or "").encode("utf-8"),
        overwrite=file.overwrite,
        mode=file.mode,
        algorithm=file.algorithm,
        expect=file.expect,
        mark=mark,
        may_have_left=spec.attempt > 1,
    )

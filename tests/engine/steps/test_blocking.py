"""Work that blocks: how it hears that it is to stop, and when it does not."""

from __future__ import annotations

import asyncio
import threading

import pytest

from engine.steps.blocking import BlockingWork, Stopper, WorkStoppedError


def test_a_long_piece_is_broken_off() -> None:
    stopper, calls = Stopper(), []
    with stopper.interrupting(lambda: calls.append("broken off")):
        assert stopper.stop()
    assert calls == ["broken off"]
    assert stopper.is_asked


def test_what_is_over_is_not_broken_off() -> None:
    """An interrupt that came late would meet something that is closed."""
    stopper, calls = Stopper(), []
    with stopper.interrupting(lambda: calls.append("broken off")):
        pass
    assert stopper.stop()
    assert calls == []


def test_a_long_piece_is_not_begun_after_a_stop() -> None:
    stopper, calls = Stopper(), []
    assert stopper.stop()
    with pytest.raises(WorkStoppedError), stopper.interrupting(lambda: calls.append("broken off")):
        calls.append("begun")
    assert calls == []


def test_a_commit_is_not_broken_off() -> None:
    stopper, calls = Stopper(), []
    with stopper.interrupting(lambda: calls.append("broken off")), stopper.commit():
        assert not stopper.stop()
        stopper.check()
    assert calls == []
    assert not stopper.is_asked


async def test_a_time_limit_breaks_off_what_would_wait_for_ever() -> None:
    """The grace is long: the work ends because it is told to, and not because it is left alone."""
    release, ended = threading.Event(), threading.Event()

    def work(stopper: Stopper) -> None:
        with stopper.interrupting(release.set):
            release.wait()
        ended.set()
        stopper.check()

    with pytest.raises(TimeoutError):
        await BlockingWork(work, name="work", grace_sec=60).run(0.05)
    assert ended.is_set()


async def test_a_cancellation_breaks_it_off_too() -> None:
    begun, release, ended = threading.Event(), threading.Event(), threading.Event()

    def work(stopper: Stopper) -> None:
        with stopper.interrupting(release.set):
            begun.set()
            release.wait()
        ended.set()
        stopper.check()

    task = asyncio.create_task(BlockingWork(work, name="work", grace_sec=60).run())
    await asyncio.to_thread(begun.wait)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


async def test_work_in_a_call_that_never_returns_is_left_behind() -> None:
    """A dead network disk holds a thread for ever. The attempt ends all the same, and the late thread changes nothing."""
    release, ended, committed = threading.Event(), threading.Event(), []

    def stuck(stopper: Stopper) -> None:
        release.wait()
        try:
            with stopper.commit():
                committed.append(True)
        except WorkStoppedError:
            ended.set()
            raise

    with pytest.raises(TimeoutError):
        await BlockingWork(stuck, name="stuck", grace_sec=0.05).run(0.05)
    release.set()
    assert await asyncio.to_thread(ended.wait, 10)
    assert committed == []


async def test_a_commit_is_waited_for() -> None:
    in_commit, release = threading.Event(), threading.Event()

    def work(stopper: Stopper) -> str:
        with stopper.commit():
            in_commit.set()
            release.wait()
        return "done"

    task = asyncio.create_task(BlockingWork(work, name="work", grace_sec=0.01).run(0.05))
    await asyncio.to_thread(in_commit.wait)
    asyncio.get_running_loop().call_later(0.2, release.set)
    assert await task == "done"

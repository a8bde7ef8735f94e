"""Process identity, the search by cookie, and ending exactly the processes that are meant."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from engine.steps.census import COOKIE_VARIABLE, Census, Sought, find_by_cookie, search
from engine.steps.processes import (
    boot_id,
    is_running,
    process_identity,
    process_stat,
    stop_processes,
)
from tests.engine.steps.support import open_descriptors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from engine.ports import ProcessIdentity

_SAYS_READY = "import signal, sys, time\n{}\nprint('ready', flush=True)\ntime.sleep(60)"


@contextmanager
def _python(code: str = "", cookie: str = "none") -> Iterator[tuple[subprocess.Popen[bytes], ProcessIdentity]]:
    """A child that has said it is ready; ended and reaped afterwards."""
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", _SAYS_READY.format(code)],
        env={COOKIE_VARIABLE: cookie},
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        identity = process_identity(process.pid)
        assert identity is not None
        yield process, identity
    finally:
        process.kill()
        process.communicate()


def test_a_name_with_parentheses_and_spaces_confuses_nobody(tmp_path: Path) -> None:
    sleep = shutil.which("sleep")
    assert sleep is not None
    (tmp_path / "a) S 1 2 (").symlink_to(sleep)
    with subprocess.Popen([tmp_path / "a) S 1 2 (", "60"], start_new_session=True) as process:
        stat = process_stat(process.pid)
        process.kill()
    assert stat is not None
    assert (stat.pid, stat.session) == (process.pid, process.pid)
    own = process_stat(os.getpid())
    assert own is not None
    assert stat.start_ticks >= own.start_ticks


def test_identity_is_stable_and_ends_with_the_process() -> None:
    with _python() as (process, identity):
        assert identity == process_identity(process.pid)
        assert identity.boot_id == boot_id()
        assert is_running(identity)
        assert not is_running(replace(identity, start_ticks=identity.start_ticks + 1))
        assert not is_running(replace(identity, boot_id="another"))
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not is_running(identity)  # a zombie
    assert process_identity(process.pid) is None


def test_cookie_is_matched_whole() -> None:
    with _python(cookie="abc-1") as (_, identity):
        assert find_by_cookie("abc-1") == [identity]
        for other in ("abc-", "bc-1", "abc-11", ""):
            assert find_by_cookie(other) == []


def test_own_process_is_never_found(monkeypatch: pytest.MonkeyPatch) -> None:
    script = (
        "import os\nfrom engine.steps.census import find_by_cookie\n"
        "pid = os.fork()\nif not pid: os._exit(len(find_by_cookie('here')))\n"
        "print(os.waitpid(pid, 0)[1] >> 8, len(find_by_cookie('here')))"
    )
    completed = subprocess.run(
        [sys.executable, "-c", script], env={COOKIE_VARIABLE: "here"}, capture_output=True, text=True, check=True
    )
    assert completed.stdout == "1 0\n"


@pytest.mark.parametrize("age_sec", [0.0, 1e9])
async def test_members_are_those_of_the_session_and_those_with_the_cookie(age_sec: float) -> None:
    script = "env -i sleep 60 & setsid sleep 60 & OPSCOPE_COOKIE=other setsid sh -c 'echo $$; exec sleep 60' & read _"
    process = subprocess.Popen(
        ["sh", "-c", script],
        env={"PATH": os.environ["PATH"], COOKIE_VARIABLE: "members-test"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    stranger = int(process.stdout.readline())
    try:
        sought = Sought("members-test", process.pid, age_sec)
        others = [Sought("none"), Sought("nothing", os.getpid(), 0.0)]
        found = search([others[0], sought, others[1]])
        members = [identity.pid for identity in found[1]]
        assert found[0] == found[2] == []
        assert len(members) == 2
        assert process.pid not in members
        census = Census()
        answers = await asyncio.gather(*(census.find(sought) for _ in range(5)), census.find(others[0]))
        assert answers == [*[found[1]] * 5, []]
    finally:
        for pid in (stranger, *members):
            os.kill(pid, signal.SIGKILL)
        process.communicate()


async def test_stop_by_term() -> None:
    before = open_descriptors()
    with _python() as (process, identity):
        assert await stop_processes([identity], grace_sec=30) == []
        assert process.wait() == -signal.SIGTERM
    assert open_descriptors() == before


async def test_stop_by_kill() -> None:
    with _python("signal.signal(signal.SIGTERM, signal.SIG_IGN)") as (process, identity):
        assert await stop_processes([identity], grace_sec=0.05) == []
        assert process.wait() == -signal.SIGKILL


async def test_a_stopped_process_is_let_go_on_to_end() -> None:
    with _python() as (process, identity):
        process.send_signal(signal.SIGSTOP)
        assert await stop_processes([identity], grace_sec=30) == []
        assert process.wait() == -signal.SIGTERM


async def test_another_process_with_the_same_pid_is_not_touched() -> None:
    before = open_descriptors()
    with _python() as (process, identity):
        later = replace(identity, start_ticks=identity.start_ticks - 1)
        elsewhere = replace(identity, boot_id="00000000-0000-0000-0000-000000000000")
        assert await stop_processes([later, elsewhere], grace_sec=0) == []
        assert process.poll() is None
    assert open_descriptors() == before

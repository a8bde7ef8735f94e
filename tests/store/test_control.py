"""The socket of an engine: asked and answered, by whom, at what length and by how many, and what garbage gets."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import pytest

from store import control
from store.control import Asked, ControlServer, UnreachableEngineError, Verb, remove_stale_sockets, send
from store.location import Neighbours
from store.posix_locks import close_lock_file, open_lock_file
from store.unix_sockets import LONGEST_ADDRESS, Peer, connect, listen, peer_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from pathlib import Path

    from engine.model.json import JsonObject

ENGINE = "e" * 32


@contextmanager
def alive(path: Path, engine_id: str = ENGINE) -> Iterator[None]:
    """An engine that holds its lock."""
    neighbours = Neighbours.of(path)
    neighbours.folder.mkdir(parents=True, exist_ok=True)
    lock = open_lock_file(neighbours.engine_lock(engine_id))
    with lock.turn:
        assert lock.try_lock()
    try:
        yield
    finally:
        close_lock_file(lock)


async def echo(asked: Asked) -> JsonObject:
    return {"ok": True, "verb": asked.verb.value, "run_id": asked.run_id, "force": asked.force, "uid": asked.peer.uid}


@asynccontextmanager
async def engine(
    path: Path, handler: Callable[[Asked], Awaitable[JsonObject]] = echo
) -> AsyncIterator[Callable[..., Awaitable[JsonObject]]]:
    """A listening engine, and a way to ask it from another thread."""

    async def ask(timeout_sec: float = 10.0, **request: object) -> JsonObject:
        return await asyncio.to_thread(send, path, ENGINE, {**request}, timeout_sec)  # type: ignore[dict-item]

    with alive(path):
        async with ControlServer(path, ENGINE, handler):
            yield ask


async def raw(path: Path, content: bytes, *, end: bool = False) -> JsonObject:
    """What the engine answers to bytes that `send` would never send."""

    def talk() -> bytes:
        with connect(Neighbours.of(path).engine_socket(ENGINE), 5.0) as connection:
            connection.settimeout(10.0)
            try:
                connection.sendall(content)
                if end:
                    connection.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # it has hung up already; what it said is still there
            return connection.makefile("rb").readline()

    answer: JsonObject = json.loads(await asyncio.to_thread(talk))
    return answer


async def test_a_request_is_answered(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    async with engine(path) as ask:
        answer = await ask(verb="cancel", run_id="7f", force=True)
        assert answer == {"ok": True, "verb": "cancel", "run_id": "7f", "force": True, "uid": os.geteuid()}
        assert (await ask(verb="status"))["run_id"] == ""
        place = Neighbours.of(path).engine_socket(ENGINE)
        assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert not place.exists()


@pytest.mark.parametrize("length", [LONGEST_ADDRESS, LONGEST_ADDRESS + 1, 400])
async def test_a_folder_of_any_length(tmp_path_factory: pytest.TempPathFactory, length: int) -> None:
    """The kernel takes 107 bytes: at that length, one above, and far above."""
    folder = tmp_path_factory.mktemp("s")
    while (missing := length - len(os.fsencode(Neighbours.of(folder / "r").engine_socket(ENGINE)))) > 0:
        folder = folder / ("d" * min(missing - 1, 200)) if missing > 1 else folder.with_name(folder.name + "d")
    path = folder / "r"
    async with engine(path) as ask:
        assert len(os.fsencode(Neighbours.of(path).engine_socket(ENGINE))) == length
        assert (await ask(verb="status"))["ok"] is True
    assert list(Neighbours.of(path).folder.glob("*.sock")) == []


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"\n", "the request is not JSON"),
        (b"\xff\xfe\x00garbage\n", "the request is not JSON"),
        (b"[" * 30_000 + b"\n", "the request is not JSON"),
        (b"[1]\n", "the request is not an object"),
        (b"{}\n", "there is nothing called 'None' to ask; there is cancel, pause"),
        (b'{"verb": "dance"}\n', "there is nothing called 'dance' to ask"),
        (b'{"verb": ["cancel"]}\n', "there is nothing called"),
        (b'{"verb": "cancel", "force": "yes"}\n', "run_id is a text, force true or false"),
        (b'{"verb": "cancel", "run_id": 7}\n', "run_id is a text, force true or false"),
        (b'{"verb": "cancel", "arguments": [1]}\n', "run_id is a text, force true or false"),
        (b"x" * (control.MOST_REQUEST_BYTES + 1), f"the request is longer than {control.MOST_REQUEST_BYTES} bytes"),
    ],
)
async def test_garbage_is_answered_and_harms_nobody(tmp_path: Path, content: bytes, error: str) -> None:
    path = tmp_path / "runs.db"
    asked: list[Asked] = []

    async def note(request: Asked) -> JsonObject:
        asked.append(request)
        return {"ok": True}

    async with engine(path, note) as ask:
        answer = await raw(path, content)
        assert answer["ok"] is False
        assert str(answer["error"]).startswith(error)
        assert asked == []
        assert (await ask(verb="status"))["ok"] is True


async def test_a_line_without_an_end_counts_when_nothing_more_can_come(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    async with engine(path):
        assert (await raw(path, b'{"verb": "status"}', end=True))["ok"] is True
        assert (await raw(path, b"", end=True))["ok"] is False


async def test_who_says_nothing_and_who_goes_keeps_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "runs.db"
    monkeypatch.setattr(control, "REQUEST_SEC", 0.05)
    async with engine(path) as ask:
        assert "no request came" in str((await raw(path, b""))["error"])
        for _ in range(3):
            connect(Neighbours.of(path).engine_socket(ENGINE), 5.0).close()
        assert (await ask(verb="status"))["ok"] is True


async def test_many_ask_at_once(tmp_path: Path, scaled: Callable[[int], int]) -> None:
    path = tmp_path / "runs.db"
    number = scaled(control.MOST_CLIENTS)

    def talk() -> list[JsonObject]:
        with ExitStack() as stack:
            place = Neighbours.of(path).engine_socket(ENGINE)
            connections = [stack.enter_context(connect(place, 10.0)) for _ in range(number)]
            for at, connection in enumerate(connections):
                connection.sendall(json.dumps({"verb": "status", "run_id": str(at)}).encode() + b"\n")
            return [json.loads(connection.makefile("rb").readline()) for connection in connections]

    async with engine(path):
        answers = await asyncio.to_thread(talk)
    assert [answer["run_id"] for answer in answers] == [str(at) for at in range(number)]


async def test_a_handler_that_does_not_come_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "HANDLER_SEC", 0.05)

    async def never(asked: Asked) -> JsonObject:
        await asyncio.Event().wait()
        return {}

    async with engine(tmp_path / "runs.db", never) as ask:
        answer = await ask(verb="cancel")
    assert answer["ok"] is False
    assert "did not come to it" in str(answer["error"])


async def test_an_engine_that_ends_still_answers_whom_it_has_heard(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    heard, go = asyncio.Event(), asyncio.Event()

    async def slow(asked: Asked) -> JsonObject:
        heard.set()
        await go.wait()
        return {"ok": True}

    with alive(path):
        server = ControlServer(path, ENGINE, slow)
        await server.__aenter__()
        asking = asyncio.create_task(asyncio.to_thread(send, path, ENGINE, {"verb": "cancel"}, 10.0))
        await heard.wait()
        silent = connect(Neighbours.of(path).engine_socket(ENGINE), 5.0)
        asyncio.get_running_loop().call_soon(go.set)
        await server.__aexit__(None, None, None)
        assert await asking == {"ok": True}
        silent.close()


async def test_other_users_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "peer_of", lambda _: Peer(pid=1, uid=os.geteuid() + 1))
    async with engine(tmp_path / "runs.db") as ask:
        answer = await ask(verb="cancel")
    assert answer["ok"] is False
    assert "belongs to another user" in str(answer["error"])


def test_the_kernel_says_who_is_there(tmp_path: Path) -> None:
    with listen(tmp_path / "s") as listener, connect(tmp_path / "s", 1.0) as ours:
        theirs, _ = listener.accept()
        with theirs:
            assert peer_of(theirs) == peer_of(ours) == Peer(os.getpid(), os.geteuid())


def test_no_engine_no_answer(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    with pytest.raises(UnreachableEngineError, match="the engine has ended"):
        send(path, ENGINE, {"verb": "status"})
    Neighbours.of(path).folder.mkdir()
    listen(Neighbours.of(path).engine_socket(ENGINE)).close()  # as a killed engine leaves it
    with pytest.raises(UnreachableEngineError, match="the engine has ended"):
        send(path, ENGINE, {"verb": "status"})


def test_an_engine_that_stands_still_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    Neighbours.of(path).folder.mkdir()
    with (
        listen(Neighbours.of(path).engine_socket(ENGINE)),
        pytest.raises(UnreachableEngineError, match=r"no answer within 0\.1 s"),
    ):
        send(path, ENGINE, {"verb": "status"}, 0.1)


@pytest.mark.parametrize("answer", [b"hello\n", b"[]\n", b"x" * 2_000_000])
def test_what_is_no_answer_of_an_engine(tmp_path: Path, answer: bytes) -> None:
    path = tmp_path / "runs.db"
    Neighbours.of(path).folder.mkdir()

    async def talk() -> None:
        async def strange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readline()
            writer.write(answer)
            writer.close()

        server = await asyncio.start_unix_server(strange, sock=listen(Neighbours.of(path).engine_socket(ENGINE)))
        try:
            await asyncio.to_thread(send, path, ENGINE, {"verb": "status"}, 5.0)
        finally:
            server.close()

    with pytest.raises(UnreachableEngineError):
        asyncio.run(talk())


async def test_sockets_of_dead_engines_are_removed_and_others_kept(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    neighbours = Neighbours.of(path)
    with alive(path, "a" * 32):
        listen(neighbours.engine_socket("a" * 32)).close()
        listen(neighbours.engine_socket("d" * 32)).close()
        (neighbours.folder / "host-x.log").touch()
        async with engine(path):
            kept = {place.name for place in neighbours.folder.iterdir() if place.suffix != ".lock"}
            assert kept == {f"engine-{'a' * 32}.sock", f"engine-{ENGINE}.sock", "host-x.log"}
    remove_stale_sockets(path)
    assert not list(neighbours.folder.glob("*.sock"))


def test_every_verb_of_the_engine_can_be_asked_for() -> None:
    from engine.ports import ControlVerb

    assert {verb.value for verb in ControlVerb} <= {verb.value for verb in Verb}

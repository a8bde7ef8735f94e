"""Http steps against a real server on this machine: redirects, limits, broken answers, TLS, and what is never asked."""

from __future__ import annotations

import asyncio
import gzip
import json
import shutil
import socket
import ssl
import subprocess
import threading
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from engine.model.bound import BoundHttp, SecretName, SecretText
from engine.model.states import OutputFormat, Reason, StepStatus
from engine.steps.http import HttpRunner
from engine.steps.http_addresses import resolve_by_system
from engine.steps.local import LocalExecutor
from engine.steps.secrets import SecretBox
from tests.engine.steps.http_server import (
    Site,
    endless,
    raw,
    redirect,
    reply,
    reply_json,
    serving,
    silent,
)
from tests.engine.steps.support import PATH, RecordingObserver, RunningClock, attempt, open_descriptors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from engine.model.bound import BoundText
    from engine.model.json import Json, JsonObject
    from engine.model.result import AttemptOutcome
    from engine.ports import AttemptSpec

pytestmark = pytest.mark.sampled(one_in=8, of_file=True)

SECRET = "s3cr3t-token-value"
BOX = SecretBox({"token": SECRET})
BEARER = SecretText(("Bearer ", SecretName("token")))


@pytest.fixture
def site() -> Iterator[Site]:
    """A server without answers."""
    with serving(Site()) as served:
        yield served


@pytest.fixture
def send(tmp_path: Path) -> Callable[..., Any]:
    """Send a request and see that no descriptor is left open."""

    async def sender(
        url: str,
        *,
        output: OutputFormat = OutputFormat.JSON,
        timeout_sec: float = 30.0,
        runner: HttpRunner | None = None,
        environment: Mapping[str, BoundText] | None = None,
        **fields: Any,
    ) -> AttemptOutcome:
        before = open_descriptors()
        spec = _spec(BoundHttp(url, **fields), tmp_path, output, timeout_sec, environment)
        observer = RecordingObserver()
        outcome = await (runner or HttpRunner(BOX, RunningClock())).run(_http(spec), spec, observer)
        assert observer.processes == [None]
        await _until_descriptors(before)
        return outcome

    return sender


Send = Any
"""What the fixture `send` gives."""


# Requests and answers


async def test_an_answer_is_data(site: Site, send: Send) -> None:
    site.answers["/ci"] = reply(b'{"rows": [1, 2.5, null]}', kind="application/json; charset=utf-8", X_Many="a")
    outcome = await send(site.url("/ci"))
    assert (outcome.status, outcome.reason, outcome.message, outcome.exit_code) == (
        StepStatus.SUCCEEDED,
        None,
        "",
        None,
    )
    data = outcome.data
    assert (data["status"], data["url"], data["size"], data["redirects"]) == (200, site.url("/ci"), 24, [])
    assert data["body"] == {"rows": [1, 2.5, None]}
    assert data["headers"]["x-many"] == "a"
    assert data["headers"]["content-type"] == "application/json; charset=utf-8"
    assert isinstance(data["duration_ms"], int)
    assert outcome.counts == {"status": 200, "bytes": 24}


async def test_a_request_carries_what_the_step_says(site: Site, send: Send) -> None:
    site.answers["/x"] = reply_json({})
    query: JsonObject = {"a": "b c&d", "n": 3, "f": True, "none": None, "many": [1, "2"], "o": {"k": "\u00e9"}}
    outcome = await send(
        site.url("/x?first=1#part"), method="POST", query=query, body={"k": "\u00e9"}, headers={"X-One": "\u00e9"}
    )
    assert outcome.status is StepStatus.SUCCEEDED, outcome.message
    (seen,) = site.seen
    assert seen.method == "POST"
    assert seen.path == "/x?first=1&a=b+c%26d&n=3&f=true&many=1&many=2&o=%7B%22k%22%3A%22%C3%A9%22%7D"
    assert json.loads(seen.body) == {"k": "\u00e9"}
    assert seen.headers.pop("user-agent") == "opscope"
    assert seen.headers == {
        "host": f"127.0.0.1:{site.port}",
        "x-one": "\u00e9".encode().decode("latin-1"),
        "accept": "*/*",
        "accept-encoding": "gzip, deflate",
        "content-type": "application/json",
        "content-length": str(len(seen.body)),
        "idempotency-key": "key-of-the-step",
        "connection": "close",
    }


async def test_a_text_is_sent_as_it_is(site: Site, send: Send) -> None:
    site.answers["/"] = reply_json({})
    await send(site.url(), method="PUT", body="a=1", headers={"content-type": "application/x-www-form-urlencoded"})
    (seen,) = site.seen
    assert (seen.body, seen.headers["content-type"]) == (b"a=1", "application/x-www-form-urlencoded")


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_requests_that_change_nothing_have_no_key(site: Site, send: Send, method: str) -> None:
    site.answers["/"] = reply(b"12345")
    outcome = await send(site.url(), method=method)
    assert outcome.status is StepStatus.SUCCEEDED
    assert "idempotency-key" not in site.seen[0].headers
    assert outcome.data["size"] == (0 if method == "HEAD" else 5)


async def test_a_host_header_of_the_step_is_sent(site: Site, send: Send) -> None:
    site.answers["/"] = reply_json({})
    await send(site.url(), headers={"Host": "shop.example"})
    assert site.seen[0].headers["host"] == "shop.example"


async def test_proxies_of_the_environment_are_not_used(site: Site, send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    site.answers["/"] = reply_json(1)
    outcome = await send(site.url())
    assert outcome.data["body"] == 1


async def test_secrets_reach_the_server_and_nothing_else(site: Site, send: Send) -> None:
    site.answers["/echo"] = lambda handler: reply(
        json.dumps({"you sent": handler.headers["Authorization"]}).encode(),
        kind="application/json",
        X_Echo=handler.headers["Authorization"],
    )(handler)
    outcome = await send(site.url("/echo"), headers={"Authorization": BEARER})
    assert site.seen[0].headers["authorization"] == f"Bearer {SECRET}"
    assert outcome.data["body"] == {"you sent": "Bearer ***"}
    assert outcome.data["headers"]["x-echo"] == "Bearer ***"
    assert SECRET not in repr(outcome)


async def test_secrets_are_masked_in_failures(site: Site, send: Send) -> None:
    site.answers["/echo"] = lambda handler: reply(b"wrong: " + handler.headers["Authorization"].encode(), status=403)(
        handler
    )
    outcome = await send(site.url("/echo"), headers={"Authorization": BEARER})
    assert outcome.error["body"] == "wrong: Bearer ***"
    assert SECRET not in repr(outcome)


# What an answer means


@pytest.mark.parametrize(
    ("status", "expect", "is_success"),
    [
        (200, (), True),
        (204, (), True),
        (299, (), True),
        (400, (), False),
        (500, (), False),
        (404, (404,), True),
        (200, (201, 202), False),
    ],
)
async def test_the_status_decides(
    site: Site, send: Send, status: int, expect: tuple[int, ...], is_success: bool
) -> None:
    site.answers["/"] = reply(b"" if status == 204 else b"why", status=status)
    outcome = await send(site.url(), expect_status=expect)
    assert outcome.counts["status"] == status
    if is_success:
        assert (outcome.status, outcome.data["status"]) == (StepStatus.SUCCEEDED, status)
        return
    wanted = "201, 202" if expect else "2xx"
    assert (outcome.reason, outcome.data, outcome.exit_code) == (Reason.HTTP_STATUS, None, None)
    assert outcome.message.startswith(f"the answer is {status} ")
    assert outcome.message.endswith(f", expected {wanted}")
    assert (outcome.error["type"], outcome.error["status"], outcome.error["body"]) == ("http_status", status, "why")


async def test_the_body_of_a_failure_is_an_excerpt(site: Site, send: Send) -> None:
    site.answers["/"] = reply(b"x" * 5_000_000, status=500)
    outcome = await send(site.url(), max_body_bytes=1_000_000)
    assert outcome.reason is Reason.HTTP_STATUS
    assert outcome.error["body"] == "x" * 4096


@pytest.mark.parametrize(
    ("kind", "content", "output", "body"),
    [
        ("application/json", b'{"a": 1}', OutputFormat.JSON, {"a": 1}),
        ("application/problem+json", b"[]", OutputFormat.JSON, []),
        ("application/json", b"", OutputFormat.JSON, None),
        ("text/plain", b'{"a": 1}', OutputFormat.JSON, '{"a": 1}'),
        ("text/plain; charset=latin-1", b"\xe9", OutputFormat.JSON, "\u00e9"),
        ("text/plain; charset=zip", b"x", OutputFormat.JSON, "x"),
        ("text/plain; charset=idna", b"x" * 100_000, OutputFormat.JSON, "x" * 100_000),
        ("text/plain; charset=undefined", b"x", OutputFormat.JSON, "x"),
        ("text/html", b"\xff<p>", OutputFormat.JSON, "\ufffd<p>"),
        ("image/png", b"\x89PNG", OutputFormat.JSON, None),
        (None, b"plain", OutputFormat.JSON, "plain"),
        (None, b"\xff\xfe", OutputFormat.JSON, None),
        ("application/json", b'{"a": 1}', OutputFormat.TEXT, '{"a": 1}'),
        ("application/json", b'{"a"\n: 1}\n', OutputFormat.LINES, ['{"a"', ": 1}"]),
        ("image/png", b"\x89PNG", OutputFormat.TEXT, "\ufffdPNG"),
    ],
)
async def test_the_body_becomes_data(
    site: Site, send: Send, kind: str | None, content: bytes, output: OutputFormat, body: Json
) -> None:
    site.answers["/"] = reply(content, kind=kind)
    outcome = await send(site.url(), output=output)
    assert outcome.status is StepStatus.SUCCEEDED, outcome.message
    assert (outcome.data["body"], outcome.data["size"]) == (body, len(content))


async def test_no_output_is_no_data(site: Site, send: Send) -> None:
    site.answers["/"] = reply(b"x")
    outcome = await send(site.url(), output=OutputFormat.NONE)
    assert (outcome.status, outcome.data, outcome.counts) == (StepStatus.SUCCEEDED, None, {"status": 200, "bytes": 1})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<html>", "the body is not JSON: line 1, column 1: expecting value"),
        (b'{"a": NaN}', "the JSON in the body has NaN in it"),
        (b"[" * 100_000, "the JSON in the body is nested deeper than 200 levels"),
        (b"1 2", "the body has more after its JSON value, from line 1, column 3 on; set output: text"),
    ],
)
async def test_json_that_is_none(site: Site, send: Send, content: bytes, words: str) -> None:
    site.answers["/"] = reply(content, kind="application/json")
    outcome = await send(site.url())
    assert outcome.reason is Reason.BAD_OUTPUT
    assert outcome.message.startswith(words)


# Limits


async def test_a_body_beyond_the_limit_fails(site: Site, send: Send) -> None:
    site.answers["/"] = reply(b"x" * 1001)
    outcome = await send(site.url(), max_body_bytes=1000)
    assert (outcome.reason, outcome.data) == (Reason.OUTPUT_TOO_LARGE, None)
    assert "more than 1000 bytes; ask for less, or raise max_body_bytes" in outcome.message
    site.answers["/"] = reply(b"x" * 1000)
    assert (await send(site.url(), max_body_bytes=1000)).status is StepStatus.SUCCEEDED


async def test_an_endless_body_is_cut_at_the_limit(site: Site, send: Send) -> None:
    site.answers["/"] = endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536)
    outcome = await send(site.url(), max_body_bytes=1 << 20)
    assert outcome.reason is Reason.OUTPUT_TOO_LARGE
    assert await asyncio.to_thread(site.hung_up.wait, 10)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_compressed_bomb_is_cut_at_the_limit(
    site: Site, send: Send, encoding: str, scaled: Callable[[int], int]
) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31 if encoding == "gzip" else 15)
    block = bytes(1 << 20)
    bomb = b"".join([*(packer.compress(block) for _ in range(scaled(1000))), packer.flush()])
    site.answers["/"] = reply(bomb, Content_Encoding=encoding)
    before = _peak_kib()
    outcome = await send(site.url(), max_body_bytes=1 << 20)
    assert outcome.reason is Reason.OUTPUT_TOO_LARGE
    assert _peak_kib() - before < 32 << 10


@pytest.mark.parametrize(
    ("content", "encoding", "body"),
    [
        (gzip.compress(b"a" * 3_000_000, mtime=0), "gzip", "a" * 3_000_000),
        (gzip.compress(b"one", mtime=0) + gzip.compress(b"two", mtime=0), "x-gzip", "onetwo"),
        (gzip.compress(b"one", mtime=0) + b"\0" * 100, "gzip", "one"),
        (zlib.compress(b"zlib"), "deflate", "zlib"),
        (zlib.compress(b"raw")[2:-4], "deflate", "raw"),
        (b"as it is", "identity", "as it is"),
        (b"", "gzip", ""),
    ],
)
async def test_compressed_bodies(site: Site, send: Send, content: bytes, encoding: str, body: str) -> None:
    site.answers["/"] = reply(content, Content_Encoding=encoding)
    outcome = await send(site.url())
    assert outcome.data["body"] == body, outcome.message


@pytest.mark.parametrize(
    ("content", "encoding", "words"),
    [
        (b"no gzip", "gzip", "the body is not the gzip data that its header says it is"),
        (gzip.compress(b"x" * 100, mtime=0)[:-10], "gzip", "the body broke off: its compressed data has no end"),
        (b"x", "br", "the body is encoded as 'br', which was not asked for"),
        (b"x", "gzip, gzip", "the body is encoded as 'gzip, gzip', which was not asked for"),
    ],
)
async def test_compression_that_is_none(site: Site, send: Send, content: bytes, encoding: str, words: str) -> None:
    site.answers["/"] = reply(content, Content_Encoding=encoding)
    outcome = await send(site.url())
    assert outcome.reason is Reason.REQUEST_FAILED
    assert outcome.message.startswith(words)


@pytest.mark.parametrize(
    "head",
    [b"", b"HTTP/1.1 200 OK\r\nX-Slow: 1\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"],
    ids=["nothing", "half a head", "half a body"],
)
async def test_a_server_that_goes_silent_is_left_at_the_time_limit(site: Site, send: Send, head: bytes) -> None:
    site.answers["/"] = silent(head)
    outcome = await send(site.url(), timeout_sec=0.3)
    assert (outcome.reason, outcome.message) == (Reason.TIMED_OUT, "timed out after 0.3 s")
    assert await asyncio.to_thread(site.hung_up.wait, 10)


async def test_a_body_that_drips_is_left_at_the_time_limit(site: Site, send: Send) -> None:
    """Every byte is progress, so a limit between two reads would never end it."""
    site.answers["/"] = endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n")
    outcome = await send(site.url(), timeout_sec=0.3, max_body_bytes=1 << 30)
    assert outcome.reason is Reason.TIMED_OUT
    assert await asyncio.to_thread(site.hung_up.wait, 10)


# Broken answers


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", "broke off or answered in something else"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "broke off or answered in something else"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "broke off or answered in something else"),
        (b"", "broke off or answered in something else"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "broke off or answered in something else"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000, "broke off or answered in something else"),
        (b"HTTP/1.1 999999 Odd\r\n\r\n", "broke off or answered in something else"),
    ],
    ids=["short body", "short chunk", "no chunk", "nothing", "another protocol", "a flood of headers", "odd status"],
)
async def test_answers_that_are_none(site: Site, send: Send, answer: bytes, words: str) -> None:
    site.answers["/"] = raw(answer)
    outcome = await send(site.url())
    assert outcome.reason is Reason.REQUEST_FAILED, outcome
    assert words in outcome.message
    assert f"127.0.0.1:{site.port}" in outcome.message


async def test_a_status_stands_even_if_its_body_breaks_off(site: Site, send: Send) -> None:
    site.answers["/"] = raw(b"HTTP/1.1 503 Busy\r\nContent-Length: 100\r\n\r\nshort")
    outcome = await send(site.url())
    assert (outcome.reason, outcome.message) == (Reason.HTTP_STATUS, "the answer is 503 Busy, expected 2xx")


async def test_a_reset_connection(site: Site, send: Send) -> None:
    def answer(handler: Any) -> None:
        handler.close_connection = True
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        handler.connection.close()

    site.answers["/"] = answer
    outcome = await send(site.url())
    assert outcome.reason is Reason.REQUEST_FAILED
    assert "closed the connection" in outcome.message or "broke off" in outcome.message


async def test_a_refused_connection(send: Send) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        port = holder.getsockname()[1]
        outcome = await send(f"http://127.0.0.1:{port}/")
    assert outcome.reason is Reason.REQUEST_FAILED
    assert outcome.message == (
        f"no connection to 127.0.0.1:{port}: nothing listens there; start the service or correct the port"
    )


async def test_a_name_that_does_not_exist(send: Send) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    outcome = await send("http://no.such.test/", runner=HttpRunner(BOX, RunningClock(), resolve=resolve))
    assert outcome.reason is Reason.REQUEST_FAILED
    assert outcome.message == "the host 'no.such.test' cannot be found: Name or service not known; check the address"


async def test_names_that_no_system_takes(send: Send) -> None:
    outcome = await send(f"http://{'x' * 70}.test/")
    assert outcome.reason in (Reason.REQUEST_FAILED, Reason.REFUSED)


async def test_the_next_address_is_tried(site: Site, send: Send) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.2", "::1", "127.0.0.1"]

    site.answers["/"] = reply_json("here")
    runner = HttpRunner(BOX, RunningClock(), resolve=resolve)
    outcome = await send(site.url(host="two.test"), runner=runner)
    assert outcome.data["body"] == "here"
    assert site.seen[0].headers["host"] == f"two.test:{site.port}"


# What is not asked


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"url": "ftp://host/x"}, "'ftp://host/x' is no address of http or https"),
        ({"url": "file:///etc/passwd"}, "'file:///etc/passwd' is no address of http or https"),
        ({"url": "/relative"}, "'/relative' is no address of http or https"),
        ({"url": "http:///x"}, "'http:///x' names no host"),
        ({"url": "http://a b/"}, "'http://a b/' is no address"),
        ({"url": "http://host:99999/"}, "'http://host:99999/' is no address"),
        ({"url": "http://me:pw12345678@host/"}, "the address of host has a name or password in it"),
        ({"headers": {"Content-Length": "5"}}, "the header Content-Length is set by opscope itself; leave it out"),
        ({"headers": {"transfer-encoding": "chunked"}}, "the header transfer-encoding is set by opscope itself"),
        ({"headers": {"A B": "5"}}, "'A B' cannot be the name of a header"),
        ({"headers": {"A": "x\r\nB: y"}}, "the header A has a line break or NUL in it"),
        ({"headers": {"A": SecretText((SecretName("nope"),))}}, "the header A cannot be filled: secret nope"),
    ],
)
async def test_what_is_refused(send: Send, fields: dict[str, Any], words: str) -> None:
    outcome = await send(**{"url": "http://127.0.0.1:1/", **fields})
    assert outcome.reason is Reason.REFUSED, outcome.message
    assert outcome.message.startswith(words)
    assert "pw12345678" not in outcome.message


LINK_LOCAL = ["169.254.169.254", "0.0.0.0", "[::ffff:169.254.169.254]", "[fe80::1]", "[fd00:ec2::254]", "[::]"]


@pytest.mark.parametrize("host", [*LINK_LOCAL, "2852039166", "0xA9FEA9FE", "0251.0376.0251.0376", "0"])
async def test_link_local_addresses_are_refused_in_any_spelling(send: Send, host: str) -> None:
    outcome = await send(f"http://{host}/latest/meta-data/")
    assert outcome.reason is Reason.REFUSED, outcome.message
    assert "set allow_link_local if that is meant" in outcome.message or "is no address" in outcome.message


async def test_link_local_addresses_are_asked_if_allowed(site: Site, send: Send) -> None:
    site.answers["/"] = reply_json("here")
    outcome = await send(site.url(host="0.0.0.0"), allow_link_local=True)
    assert outcome.data["body"] == "here"


@pytest.mark.parametrize("host", LINK_LOCAL)
async def test_redirects_to_link_local_addresses_are_refused(site: Site, send: Send, host: str) -> None:
    site.answers["/"] = redirect(f"http://{host}/latest/")
    outcome = await send(site.url())
    assert outcome.reason is Reason.REFUSED
    assert outcome.message.startswith(f"after 1 redirect, at http://{host}/latest/: ")


async def test_a_name_that_leads_elsewhere_the_second_time(site: Site, send: Send) -> None:
    """DNS rebinding: what was checked is what is connected to, and every hop is checked anew."""
    asked: list[str] = []

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    site.answers["/"] = redirect("/again")
    runner = HttpRunner(BOX, RunningClock(), resolve=resolve)
    outcome = await send(site.url(host="rebind.test"), runner=runner)
    assert asked == ["rebind.test", "rebind.test"]
    assert (outcome.reason, len(site.seen)) == (Reason.REFUSED, 1)
    assert "rebind.test leads to 169.254.169.254" in outcome.message


async def test_only_the_allowed_addresses_of_a_name_are_used(site: Site, send: Send) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["169.254.169.254", "127.0.0.1"]

    site.answers["/"] = reply_json("here")
    outcome = await send(site.url(host="mixed.test"), runner=HttpRunner(BOX, RunningClock(), resolve=resolve))
    assert outcome.data["body"] == "here"


# Redirects


async def test_redirects_are_followed_and_told(site: Site, send: Send) -> None:
    site.answers |= {"/a": redirect("b?x=1", 301), "/b": redirect(site.url("/c#part"), 307), "/c": reply_json("end")}
    outcome = await send(site.url("/a"))
    assert (outcome.data["body"], outcome.data["url"]) == ("end", site.url("/c"))
    assert outcome.data["redirects"] == [
        {"status": 301, "url": site.url("/a"), "to": site.url("/b?x=1")},
        {"status": 307, "url": site.url("/b?x=1"), "to": site.url("/c")},
    ]


@pytest.mark.parametrize(
    ("status", "method", "then"),
    [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "POST", "GET"),
        (303, "PUT", "GET"),
        (302, "PUT", "PUT"),
        (307, "POST", "POST"),
        (308, "DELETE", "DELETE"),
        (303, "HEAD", "HEAD"),
    ],
)
async def test_what_a_redirect_does_to_the_method(site: Site, send: Send, status: int, method: str, then: str) -> None:
    site.answers |= {"/a": redirect("/b", status), "/b": reply_json("end")}
    await send(site.url("/a"), method=method, body={"k": 1})
    assert (site.seen[1].method, site.seen[1].body) == (then, b'{"k":1}' if then == method else b"")


async def test_a_circle_of_redirects_ends(site: Site, send: Send) -> None:
    site.answers |= {"/a": redirect("/b"), "/b": redirect("/a")}
    outcome = await send(site.url("/a"), max_redirects=4)
    assert outcome.reason is Reason.REQUEST_FAILED
    assert "the answer is one more redirect, and max_redirects allows 4" in outcome.message
    assert len(site.seen) == 5


async def test_an_address_that_redirects_to_itself(site: Site, send: Send) -> None:
    site.answers["/a"] = redirect("/a")
    outcome = await send(site.url("/a"))
    assert outcome.message.endswith("the address sends the request to itself again")
    assert len(site.seen) == 1


async def test_redirects_can_be_left_alone(site: Site, send: Send) -> None:
    site.answers["/a"] = redirect("/b")
    failed = await send(site.url("/a"), max_redirects=0)
    wanted = await send(site.url("/a"), expect_status=(302,))
    assert failed.message == "the answer is 302 Found, expected 2xx"
    assert (wanted.data["status"], wanted.data["headers"]["location"]) == (302, "/b")


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("file:///etc/passwd", "/etc/passwd' is no address of http or https"),
        ("gopher://127.0.0.1/", "'gopher://127.0.0.1/' is no address of http or https"),
        ("http://me:pw12345678@127.0.0.1/", "the address of 127.0.0.1 has a name or password in it"),
        ("http://[::bad", "a redirect leads to 'http://[::bad', which is no address"),
    ],
)
async def test_redirects_to_what_is_no_address(site: Site, send: Send, location: str, words: str) -> None:
    site.answers["/"] = redirect(location)
    outcome = await send(site.url())
    assert outcome.status is StepStatus.FAILED
    assert words in outcome.message


async def test_credentials_do_not_go_to_another_origin(site: Site, send: Send) -> None:
    with serving(Site()) as other:
        site.answers |= {"/a": redirect("/b"), "/b": redirect(other.url("/c"))}
        other.answers |= {"/c": redirect(site.url("/d"))}
        site.answers |= {"/d": reply_json("end")}
        headers = {
            "Authorization": "Basic x",
            "Cookie": "session=1",
            "Host": "front.example",
            "X-Api-Key": SecretText((SecretName("token"),)),
            "X-Plain": "stays",
        }
        outcome = await send(site.url("/a"), headers=headers)
    assert outcome.data["body"] == "end"
    given = {"authorization", "cookie", "x-api-key"}
    assert [given & set(seen.headers) for seen in site.seen] == [given, given, set()]
    assert [given & set(seen.headers) for seen in other.seen] == [set()]
    assert other.seen[0].headers["x-plain"] == "stays"
    assert other.seen[0].headers["host"] == f"127.0.0.1:{other.port}"


# Cancellation


async def test_cancel_while_a_name_is_looked_up(tmp_path: Path) -> None:
    begun = asyncio.Event()

    async def resolve(host: str, port: int) -> list[str]:
        begun.set()
        await asyncio.Event().wait()
        return []

    spec = _spec(BoundHttp("http://slow.test/"), tmp_path)
    runner = HttpRunner(BOX, RunningClock(), resolve=resolve)
    task = asyncio.create_task(runner.run(_http(spec), spec, RecordingObserver()))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_lookup_that_never_ends_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, release = threading.Event(), threading.Event()

    def stuck(*_: object, **__: object) -> list[object]:
        begun.set()
        release.wait()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", stuck)
    task = asyncio.create_task(resolve_by_system("slow.test", 80))
    assert await asyncio.to_thread(begun.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    release.set()


@pytest.mark.parametrize("times", [1, 50])
async def test_cancel_in_the_middle_of_a_body(site: Site, tmp_path: Path, times: int) -> None:
    site.answers["/"] = endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 1000)
    before = open_descriptors()
    spec = _spec(BoundHttp(site.url(), max_body_bytes=1 << 40), tmp_path)
    task = asyncio.create_task(LocalExecutor(BOX, RunningClock()).run(spec, RecordingObserver()))
    assert await asyncio.to_thread(site.began.wait, 10)
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(site.hung_up.wait, 10)
    await _until_descriptors(before)


async def test_cancel_at_any_moment_leaves_nothing(site: Site, tmp_path: Path, scaled: Callable[[int], int]) -> None:
    site.answers |= {"/": redirect("/b"), "/b": reply(b"x" * 100_000)}
    executor = LocalExecutor(BOX, RunningClock())
    spec = _spec(BoundHttp(site.url()), tmp_path)
    await executor.run(spec, RecordingObserver())
    before = open_descriptors()
    for turns in range(0, scaled(400), 2):
        task = asyncio.create_task(executor.run(spec, RecordingObserver()))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await _until_descriptors(before)


# TLS


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate that signed itself, for 127.0.0.1 and good.test, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl to make a certificate with")
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=good.test"),
            *("-addext", "subjectAltName=DNS:good.test,IP:127.0.0.1", "-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key


@pytest.fixture
def tls_site(certificate: tuple[Path, Path]) -> Iterator[Site]:
    """A server that speaks TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with serving(Site({"/": reply_json("safe")}), tls=context) as served:
        yield served


async def _to_this_machine(host: str, port: int) -> list[str]:
    return ["127.0.0.1"]


async def test_a_certificate_that_nobody_vouches_for(tls_site: Site, send: Send) -> None:
    outcome = await send(tls_site.url())
    assert outcome.reason is Reason.REQUEST_FAILED
    assert outcome.message.startswith(f"127.0.0.1:{tls_site.port} cannot prove who it is: self")
    assert outcome.message.endswith("name its authority in SSL_CERT_FILE, or set verify_tls: false")
    assert tls_site.seen == []


async def test_a_certificate_that_is_named(tls_site: Site, send: Send, certificate: tuple[Path, Path]) -> None:
    environment = {**PATH, "SSL_CERT_FILE": str(certificate[0])}
    outcome = await send(tls_site.url(), environment=environment)
    assert outcome.data["body"] == "safe", outcome.message


async def test_the_certificate_is_checked_for_the_name_and_not_for_the_address(
    tls_site: Site, send: Send, certificate: tuple[Path, Path]
) -> None:
    environment = {**PATH, "SSL_CERT_FILE": str(certificate[0])}
    runner = HttpRunner(BOX, RunningClock(), resolve=_to_this_machine)
    good = await send(tls_site.url(host="good.test"), environment=environment, runner=runner)
    evil = await send(tls_site.url(host="evil.test"), environment=environment, runner=runner)
    assert good.data["body"] == "safe", good.message
    assert "evil.test" in evil.message
    assert "cannot prove who it is: Hostname mismatch" in evil.message


async def test_certificates_may_be_left_unchecked(tls_site: Site, send: Send) -> None:
    outcome = await send(tls_site.url(), verify_tls=False)
    assert outcome.data["body"] == "safe", outcome.message


async def test_a_file_of_certificates_that_is_none(tls_site: Site, send: Send, tmp_path: Path) -> None:
    outcome = await send(tls_site.url(), environment={**PATH, "SSL_CERT_FILE": "gone.pem"})
    assert outcome.reason is Reason.REQUEST_FAILED
    assert f"the certificates in {tmp_path}/gone.pem cannot be read" in outcome.message


async def test_tls_to_a_server_that_speaks_none(site: Site, send: Send) -> None:
    outcome = await send(f"https://127.0.0.1:{site.port}/")
    assert outcome.reason is Reason.REQUEST_FAILED
    assert "find no common TLS" in outcome.message or "broke off" in outcome.message or "closed" in outcome.message


async def test_a_redirect_from_tls_to_none_drops_credentials(tls_site: Site, site: Site, send: Send) -> None:
    tls_site.answers["/"] = redirect(site.url("/plain"))
    site.answers["/plain"] = reply_json("open")
    outcome = await send(tls_site.url(), headers={"Authorization": BEARER}, verify_tls=False)
    assert outcome.data["body"] == "open"
    assert "authorization" not in site.seen[0].headers


def _spec(
    http: BoundHttp,
    folder: Path,
    output: OutputFormat = OutputFormat.JSON,
    timeout_sec: float = 30.0,
    environment: Mapping[str, BoundText] | None = None,
) -> AttemptSpec:
    return replace(attempt(http, folder, output=output, timeout_sec=timeout_sec, environment=environment))


def _http(spec: AttemptSpec) -> BoundHttp:
    assert isinstance(spec.definition, BoundHttp)
    return spec.definition


async def _until_descriptors(before: int) -> None:
    """Wait until no descriptor more is open than before: the threads of the server close theirs in their own time."""
    async with asyncio.timeout(10):
        while open_descriptors() > before:
            await asyncio.sleep(0.005)


def _peak_kib() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

"""A small real web server in a thread of the tests, with answers that behave badly on purpose, byte by byte where it matters."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Answer = Callable[["Handler"], None]


@dataclass
class Seen:
    """A request as the server got it. Header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Site:
    """What a server answers by path, and what it was asked. `hung` is set when a client went away from an endless answer."""

    answers: dict[str, Answer] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    began: threading.Event = field(default_factory=threading.Event)
    hung_up: threading.Event = field(default_factory=threading.Event)
    scheme: str = "http"
    port: int = 0

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        """The address of a path."""
        return f"{self.scheme}://{host}:{self.port}{path}"


class Handler(BaseHTTPRequestHandler):
    """Hands each request to the answer for its path."""

    protocol_version = "HTTP/1.1"
    site: Site

    def handle_one_request(self) -> None:
        """One request; a client that goes away is no error."""
        with contextlib.suppress(ConnectionError, ssl.SSLError, TimeoutError):
            super().handle_one_request()
            return
        self.close_connection = True

    def answer_any(self) -> None:
        """Note the request and answer it."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.site.seen.append(Seen(self.command, self.path, headers, body))
        answer = self.site.answers.get(self.path.partition("?")[0], reply(b"no such path", status=404))
        answer(self)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer_any  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""

    def raw(self, content: bytes) -> None:
        """Send bytes as they are and end the connection after the answer."""
        self.close_connection = True
        self.wfile.write(content)
        self.wfile.flush()


def reply(content: bytes, *, status: int = 200, kind: str | None = "text/plain", **headers: str) -> Answer:
    """A whole answer. Underscores in names of headers stand for hyphens."""

    def answer(handler: Handler) -> None:
        handler.send_response(status)
        if kind is not None:
            handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(content)

    return answer


def reply_json(value: object) -> Answer:
    """A value as JSON."""
    return reply(json.dumps(value).encode(), kind="application/json")


def redirect(location: str, status: int = 302) -> Answer:
    """A redirect, with a body that nobody should read."""
    return reply(b"moved", status=status, Location=location)


def raw(content: bytes) -> Answer:
    """Exactly these bytes, then the end of the connection."""
    return lambda handler: handler.raw(content)


def endless(head: bytes, piece: bytes) -> Answer:
    """A beginning, and then the same piece until the client hangs up."""

    def answer(handler: Handler) -> None:
        try:
            handler.raw(head)
            handler.site.began.set()
            while True:
                handler.raw(piece)
        except OSError:
            handler.site.hung_up.set()

    return answer


def silent(head: bytes) -> Answer:
    """A beginning, and then nothing until the client hangs up."""

    def answer(handler: Handler) -> None:
        handler.raw(head)
        handler.site.began.set()
        with contextlib.suppress(OSError):
            handler.connection.recv(1)
        handler.site.hung_up.set()

    return answer


@contextlib.contextmanager
def serving(site: Site, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> Iterator[Site]:
    """The site on a free port, until the end of the `with`."""
    handler = type("SiteHandler", (Handler,), {"site": site})
    server = _Server((host, 0), handler)
    if tls is not None:
        server.tls = tls
        site.scheme = "https"
    site.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    tls: ssl.SSLContext | None = None

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Speak TLS in the thread of the request, so that a failing handshake stops nobody else."""
        if self.tls is not None:
            try:
                request = self.tls.wrap_socket(request, server_side=True)
            except OSError:
                return
        super().finish_request(request, client_address)
        if self.tls is not None:
            with contextlib.suppress(OSError):
                request.shutdown(socket.SHUT_RDWR)
            request.close()

"""One request to one address and the head of its answer, by httpx, and every way in which it can fail in plain words. No redirects here."""

from __future__ import annotations

import contextlib
import errno
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

_CONNECT_SEC = 5.0
"""How long an address may keep a connection waiting while there is another to try."""


class HopError(Exception):
    """The request got no answer; the text says why, and is not masked."""


@dataclass(frozen=True, slots=True)
class Hop:
    """A request, complete. `addresses` are where its host is, checked; `headers` have all but `host`, secrets as text."""

    method: str
    url: httpx.URL
    headers: Sequence[tuple[str, str]]
    content: bytes | None
    addresses: Sequence[str]
    tls: ssl.SSLContext | None


def tls_context(*, verify: bool, ca_file: str | None) -> ssl.SSLContext:
    """What certificates are checked with: `ca_file`, else those of the system, else those that came with this program.

    Raises HopError if the file cannot be used.
    """
    if not verify:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    try:
        if ca_file is not None:
            return ssl.create_default_context(cafile=ca_file)
        if _system_has_certificates():
            return ssl.create_default_context()
    except (OSError, ValueError) as error:
        raise HopError(
            f"the certificates in {ca_file or 'the system'} cannot be read: {error}; check SSL_CERT_FILE"
        ) from None
    import certifi

    return ssl.create_default_context(cafile=certifi.where())


@contextlib.asynccontextmanager
async def sent(hop: Hop) -> AsyncIterator[httpx.Response]:
    """Send the request and give the answer, its body still to be read. Raises HopError here and while it is read."""
    transport = httpx.AsyncHTTPTransport(
        verify=hop.tls or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        trust_env=False,
        limits=httpx.Limits(max_connections=1, max_keepalive_connections=0),
    )
    try:
        async with transport:
            response = await _first_answer(transport, hop)
            try:
                yield response
            finally:
                await response.aclose()
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        raise HopError(_words(error, hop)) from None
    except (OSError, UnicodeError, ValueError) as error:
        raise HopError(f"the request to {_target(hop)} cannot be made: {error}") from None


async def _first_answer(transport: httpx.AsyncHTTPTransport, hop: Hop) -> httpx.Response:
    *others, last = hop.addresses
    for address in others:
        try:
            return await transport.handle_async_request(_request(hop, address, _CONNECT_SEC))
        except (httpx.ConnectError, httpx.ConnectTimeout):
            continue  # nothing has been sent yet
    return await transport.handle_async_request(_request(hop, last, None))


def _request(hop: Hop, address: str, connect_sec: float | None) -> httpx.Request:
    """The request with the address in place of the name; the name stays in Host and in what the certificate is checked for."""
    headers = list(hop.headers)
    if not any(name.lower() == "host" for name, _ in headers):
        headers.insert(0, ("Host", hop.url.netloc.decode("ascii")))
    extensions = {"timeout": {"connect": connect_sec}, "sni_hostname": hop.url.raw_host.decode("ascii").strip("[]")}
    return httpx.Request(
        hop.method,
        hop.url.copy_with(host=address),
        headers=[(name.encode("ascii"), value.encode("utf-8")) for name, value in headers],
        content=hop.content,
        extensions=extensions,
    )


def _system_has_certificates() -> bool:
    paths = ssl.get_default_verify_paths()
    if paths.cafile:
        return True
    with contextlib.suppress(OSError):
        return any(Path(paths.capath).iterdir()) if paths.capath else False
    return False


def _words(error: Exception, hop: Hop) -> str:
    target = _target(hop)
    cause = _cause(error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return (
            f"{target} cannot prove who it is: {cause.verify_message}; name its authority in SSL_CERT_FILE, "
            "or set verify_tls: false"
        )
    if isinstance(cause, ssl.SSLError):
        return f"{target} and this machine find no common TLS: {cause.reason or cause}; check port and scheme"
    match error:
        case httpx.ConnectTimeout():
            return f"no connection to {target}: it does not answer; check address and firewall"
        case httpx.ConnectError():
            return f"no connection to {target}: {_connect_words(cause)}"
        case httpx.RemoteProtocolError():
            return f"{target} broke off or answered in something else than HTTP: {error}"
        case httpx.LocalProtocolError():
            return f"the request to {target} cannot be sent as it is: {error}; check its headers"
        case httpx.ReadError() | httpx.WriteError() | httpx.CloseError():
            return f"{target} closed the connection{_because(cause)}"
        case _:
            return f"the request to {target} failed: {error or type(error).__name__}"


def _connect_words(cause: BaseException | None) -> str:
    match getattr(cause, "errno", None):
        case errno.ECONNREFUSED:
            return "nothing listens there; start the service or correct the port"
        case errno.ENETUNREACH | errno.EHOSTUNREACH:
            return "there is no way to it from this machine; check the network"
        case errno.EMFILE | errno.ENFILE:
            return "too many files are open; raise the limit (ulimit -n) or run fewer steps at a time"
        case _:
            return getattr(cause, "strerror", None) or "the connection was not made"


def _because(cause: BaseException | None) -> str:
    words = getattr(cause, "strerror", None)
    return f": {words}" if words else " before the answer was complete"


def _cause(error: BaseException) -> BaseException | None:
    """The error of the system behind one of httpx, which wraps it several times."""
    seen: set[int] = set()
    waiting: list[BaseException] = [error]
    while waiting:
        looked_at = waiting.pop()
        if id(looked_at) in seen:
            continue
        seen.add(id(looked_at))
        if isinstance(looked_at, ssl.SSLError) or (isinstance(looked_at, OSError) and looked_at.errno is not None):
            return looked_at
        inner = [looked_at.__cause__, looked_at.__context__, *getattr(looked_at, "exceptions", ())]
        waiting += [found for found in inner if isinstance(found, BaseException)]
    return None


def _target(hop: Hop) -> str:
    host = hop.url.netloc.decode("ascii", "replace")
    address = ", ".join(hop.addresses[:3])
    return f"{host} ({address})" if address and address != hop.url.host else host

"""One attempt of an http step: the request, each of its hops checked like the first, and what the answer means."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx

from engine.errors import InputError
from engine.model.bound import SecretText
from engine.model.result import AttemptOutcome
from engine.model.states import OutputFormat, Reason, StepStatus
from engine.steps.http_addresses import AddressError, allowed_addresses, resolve_by_system
from engine.steps.http_body import BodyError, BodyTooLargeError, body_data, excerpt, read_body
from engine.steps.http_hop import Hop, HopError, sent, tls_context
from engine.steps.http_journey import REDIRECTS, Header, Journey, RequestError, departure, header
from engine.steps.outputs import OutputError, storable_text

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

    from engine.model.bound import BoundHttp, BoundText
    from engine.model.json import JsonObject
    from engine.ports import AttemptObserver, AttemptSpec, Clock
    from engine.steps.http_addresses import Resolve
    from engine.steps.secrets import SecretBox

_SAFE = frozenset(["GET", "HEAD", "OPTIONS"])
_EXCERPT_BYTES = 64 << 10
_EXCERPT_LENGTH = 4096


class HttpRunner:
    """Runs http attempts. Every attempt has connections of its own; proxies of the environment are not used."""

    def __init__(self, secrets: SecretBox, clock: Clock, *, resolve: Resolve = resolve_by_system) -> None:
        self._secrets = secrets
        self._clock = clock
        self._resolve = resolve
        self._tls: dict[bool, ssl.SSLContext] = {}

    async def run(self, http: BoundHttp, spec: AttemptSpec, observer: AttemptObserver) -> AttemptOutcome:
        """Run one attempt to its end. Raises only what the observer raises, and CancelledError."""
        # Before anything is sent: what a request changes must not happen unknown to the file.
        await observer.started(None)
        try:
            async with asyncio.timeout(spec.timeout_sec) as limit:
                return await self._answered(http, spec)
        except TimeoutError:
            assert limit.expired()
            return self._failed(RequestError(Reason.TIMED_OUT, f"timed out after {spec.timeout_sec:g} s"))
        except RequestError as error:
            return self._failed(error)
        except (HopError, BodyError) as error:
            return self._failed(RequestError(Reason.REQUEST_FAILED, str(error)))

    async def _answered(self, http: BoundHttp, spec: AttemptSpec) -> AttemptOutcome:
        begun = self._clock.monotonic()
        journey = self._departure(http, spec)
        while True:
            async with sent(await self._hop(journey, http, spec)) as response:
                if _goes_on(response, journey, http):
                    continue
                content = await _content(response, journey, http)
                seconds = self._clock.monotonic() - begun
                return self._arrival(response, content, journey, spec.output, seconds)

    def _departure(self, http: BoundHttp, spec: AttemptSpec) -> Journey:
        headers = [self._header(name, text) for name, text in http.headers.items()]
        defaults = {"User-Agent": "opscope", "Accept": "*/*", "Accept-Encoding": "gzip, deflate"}
        if http.method not in _SAFE:
            defaults["Idempotency-Key"] = spec.idempotency_key
        return departure(http.method, http.url, http.query, http.body, headers, defaults=defaults)

    def _header(self, name: str, text: BoundText) -> Header:
        try:
            value = self._secrets.reveal(text)
        except InputError as error:
            raise RequestError(Reason.REFUSED, f"the header {name} cannot be filled: {error}; {error.hint}") from None
        return header(name, value, has_secret=isinstance(text, SecretText))

    async def _hop(self, journey: Journey, http: BoundHttp, spec: AttemptSpec) -> Hop:
        try:
            addresses = await allowed_addresses(
                journey.host, journey.port, self._resolve, allow_link_local=http.allow_link_local
            )
        except AddressError as error:
            reason = Reason.REFUSED if error.is_refused else Reason.REQUEST_FAILED
            raise RequestError(reason, f"{journey.words()}{error}") from None
        headers = [(header.name, header.value) for header in journey.headers]
        tls = self._tls_for(http, spec) if journey.url.scheme == "https" else None
        return Hop(journey.method, journey.url, headers, journey.content, addresses, tls)

    def _tls_for(self, http: BoundHttp, spec: AttemptSpec) -> ssl.SSLContext:
        ca_file = spec.environment.get("SSL_CERT_FILE") if http.verify_tls else None
        if isinstance(ca_file, str):
            return tls_context(verify=True, ca_file=str(spec.workdir / ca_file))
        if http.verify_tls not in self._tls:
            self._tls[http.verify_tls] = tls_context(verify=http.verify_tls, ca_file=None)
        return self._tls[http.verify_tls]

    def _arrival(
        self, response: httpx.Response, content: bytes, journey: Journey, output: OutputFormat, seconds: float
    ) -> AttemptOutcome:
        try:
            body = body_data(content, response.headers.get("content-type", ""), output)
        except OutputError as error:
            raise RequestError(Reason.BAD_OUTPUT, str(error), status=response.status_code, bytes=len(content)) from None
        data: JsonObject = {
            "status": response.status_code,
            "url": str(journey.url),
            "headers": _headers(response),
            "body": body.value,
            "size": len(content),
            "redirects": journey.redirects,
            "duration_ms": round(seconds * 1000),
        }
        counts = {"status": response.status_code, "bytes": len(content), **body.counts}
        kept = None if output is OutputFormat.NONE else self._secrets.mask_json(data)
        return AttemptOutcome(StepStatus.SUCCEEDED, data=kept, counts=counts)

    def _failed(self, error: RequestError) -> AttemptOutcome:
        masked = self._secrets.mask_json(error.error) if error.error is not None else None
        return AttemptOutcome(
            StepStatus.FAILED,
            error.reason,
            self._secrets.mask(storable_text(str(error))),
            counts=error.counts,
            error=masked if isinstance(masked, dict) else None,
        )


def _goes_on(response: httpx.Response, journey: Journey, http: BoundHttp) -> bool:
    """True if the answer is a redirect to follow; the journey is then where it leads to."""
    location = response.headers.get("location")
    if response.status_code not in REDIRECTS or not location or not http.max_redirects:
        return False
    if response.status_code in http.expect_status:
        return False
    if len(journey.redirects) >= http.max_redirects:
        message = f"{journey.words()}the answer is one more redirect, and max_redirects allows {http.max_redirects}"
        error: JsonObject = {"type": "too many redirects", "message": message, "redirects": journey.redirects}
        raise RequestError(Reason.REQUEST_FAILED, message, error)
    journey.redirect(response.status_code, location)
    return True


async def _content(response: httpx.Response, journey: Journey, http: BoundHttp) -> bytes:
    """The body of an answer that is the one wanted. Raises RequestError for any other, with the beginning of its body."""
    status = response.status_code
    encoding = "" if journey.method == "HEAD" else response.headers.get("content-encoding", "")
    if status in http.expect_status if http.expect_status else 200 <= status < 300:
        try:
            return await read_body(_chunks(response), encoding, http.max_body_bytes)
        except BodyTooLargeError:
            message = (
                f"the body of the answer has more than {http.max_body_bytes} bytes; "
                "ask for less, or raise max_body_bytes"
            )
            raise RequestError(Reason.OUTPUT_TOO_LARGE, message) from None
    try:
        content = await read_body(_chunks(response), encoding, min(http.max_body_bytes, _EXCERPT_BYTES))
    except BodyTooLargeError as too_large:
        content = too_large.content
    except (BodyError, httpx.HTTPError):
        content = b""  # the status says it all
    wanted = ", ".join(map(str, http.expect_status)) or "2xx"
    phrase = f" {response.reason_phrase}" if response.reason_phrase else ""
    message = f"{journey.words()}the answer is {status}{phrase}, expected {wanted}"
    error: JsonObject = {
        "type": "http_status",
        "message": message,
        "status": status,
        "url": str(journey.url),
        "headers": _headers(response),
        "body": excerpt(content, _EXCERPT_LENGTH),
        "redirects": journey.redirects,
    }
    raise RequestError(Reason.HTTP_STATUS, message, error, status=status)


async def _chunks(response: httpx.Response) -> AsyncIterator[bytes]:
    assert isinstance(response.stream, httpx.AsyncByteStream)
    async for chunk in response.stream:
        yield chunk


def _headers(response: httpx.Response) -> JsonObject:
    headers: dict[str, str] = {}
    for raw_name, raw_value in response.headers.raw:
        name, value = raw_name.decode("latin-1").lower(), storable_text(raw_value.decode("utf-8", "replace"))
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return dict(headers)

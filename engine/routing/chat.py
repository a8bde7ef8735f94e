"""One question to a language model on an OpenAI-compatible endpoint, and every way in which it can fail in plain words.

What is asked, and what the answer means, is the planner's and the advisor's business. Nothing here is sent anywhere unless
somebody has named an endpoint.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from engine.steps.secrets import SecretBox

if TYPE_CHECKING:
    import httpx

    from engine.model.json import Json, JsonObject

_MAX_BYTES: Final = 1 << 20
_NO_JSON_MODE: Final = frozenset([400, 422])
_FENCE: Final = "```"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a model is asked, and which. `timeout_sec` is for a whole question; `missing_key` says why there is no key."""

    base_url: str
    model: str
    api_key: str = field(default="", repr=False)
    timeout_sec: float = 10.0
    max_tokens: int = 1000
    missing_key: str = ""

    @property
    def place(self) -> str:
        """The host, and its port where one is named."""
        return urlsplit(self.base_url).netloc.rpartition("@")[2]


class ChatError(Exception):
    """There is no answer that can be used; the text is a sentence. Neither the key nor what the server wrote is in it."""


async def ask_for_object(endpoint: Endpoint, system: str, user: str) -> JsonObject:
    """The JSON object that the model answers with. Raises ChatError for everything else."""
    if endpoint.missing_key:
        raise ChatError(endpoint.missing_key)
    client = await asyncio.to_thread(_client, endpoint)  # loading it takes some tenths of a second
    import httpx

    try:
        async with client, asyncio.timeout(endpoint.timeout_sec):
            body = await _answer(client, endpoint, system, user)
    except TimeoutError:
        raise ChatError(f"{endpoint.place} did not answer within {endpoint.timeout_sec:g} s") from None
    except httpx.ConnectError:
        raise ChatError(f"{endpoint.place} cannot be reached") from None
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        raise ChatError(f"the connection to {endpoint.place} failed: {type(error).__name__}") from None
    document = _without_key(_read_json(body, f"{endpoint.place} answered with something that is no JSON"), endpoint)
    return _object_in(_message(document, endpoint), endpoint)


def _client(endpoint: Endpoint) -> httpx.AsyncClient:
    import httpx

    from engine.steps.http_hop import HopError, tls_context

    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # reading certificates takes a while, and http needs none
    if endpoint.base_url.lower().startswith("https:"):
        try:
            tls = tls_context(verify=True, ca_file=None)
        except HopError as error:
            raise ChatError(str(error)) from None
    # As for the steps of a plan, what the environment says of proxies does not count.
    return httpx.AsyncClient(verify=tls, trust_env=False, follow_redirects=False, timeout=endpoint.timeout_sec)


async def _answer(client: httpx.AsyncClient, endpoint: Endpoint, system: str, user: str) -> bytes:
    asked: JsonObject = {
        "model": endpoint.model,
        "messages": [{"role": "system", "content": system}, {"role": "user", "content": user}],
        "temperature": 0,
        "max_tokens": endpoint.max_tokens,
        "stream": False,
    }
    status, body = await _post(client, endpoint, {**asked, "response_format": {"type": "json_object"}})
    if status in _NO_JSON_MODE:
        status, body = await _post(client, endpoint, asked)  # it may know no JSON mode
    if 200 <= status < 300:
        return body
    if status in (401, 403):
        raise ChatError(f"{endpoint.place} does not accept the key (status {status})")
    if status == 429:
        raise ChatError(f"{endpoint.place} has been asked too often (status 429)")
    said = "is redirected, which is not followed" if 300 <= status < 400 else "was refused"
    if status >= 500:
        raise ChatError(f"{endpoint.place} has failed itself (status {status})")
    raise ChatError(f"the question to {endpoint.place} {said} (status {status})")


async def _post(client: httpx.AsyncClient, endpoint: Endpoint, asked: JsonObject) -> tuple[int, bytes]:
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    if endpoint.api_key:
        headers["Authorization"] = f"Bearer {endpoint.api_key}"
    url = f"{endpoint.base_url.rstrip('/')}/chat/completions"
    async with client.stream("POST", url, json=asked, headers=headers) as response:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise ChatError(f"{endpoint.place} answered in an encoding that was not asked for")
        body = bytearray()
        async for piece in response.aiter_raw():
            body += piece
            if len(body) > _MAX_BYTES:
                raise ChatError(f"the answer of {endpoint.place} is longer than {_MAX_BYTES >> 20} MiB")
        return response.status_code, bytes(body)


def _read_json(text: str | bytes, complaint: str) -> Json:
    try:
        found: Json = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise ChatError(complaint) from None
    return found


def _no_number(word: str) -> Json:
    raise ValueError(word)


def _without_key(document: Json, endpoint: Endpoint) -> Json:
    """What was answered may end up in a record; a server that repeats the key must not bring it there."""
    return SecretBox(of_others=[endpoint.api_key]).mask_json(document) if endpoint.api_key else document


def _message(document: Json, endpoint: Endpoint) -> str:
    """What the model wrote."""
    choices = document.get("choices") if isinstance(document, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        raise ChatError(f"{endpoint.place} answered with JSON that has no message of a model in it")
    if message.get("refusal") or choice.get("finish_reason") == "content_filter":
        raise ChatError(f"the model {endpoint.model} refused to answer")
    if choice.get("finish_reason") == "length":
        raise ChatError(f"the answer of the model {endpoint.model} was cut off at {endpoint.max_tokens} tokens")
    content = message.get("content")
    if not isinstance(content, str) or not content.strip():
        raise ChatError(f"the model {endpoint.model} answered with nothing")
    return content


def _object_in(content: str, endpoint: Endpoint) -> JsonObject:
    """The object that the text is. A model without a JSON mode likes to put a fence around it."""
    text = content.strip()
    if text.startswith(_FENCE) and text.endswith(_FENCE):
        text = text.strip("`").strip().removeprefix("json")
    found = _read_json(text, f"the model {endpoint.model} answered in words instead of JSON")
    if not isinstance(found, dict):
        raise ChatError(f"the model {endpoint.model} answered with JSON that is no object")
    return found

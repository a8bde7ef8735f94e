"""A language model for tests: an OpenAI-compatible endpoint on loopback, real sockets and all, that says what it is told to."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

from engine.routing.chat import Endpoint
from tests.engine.steps.http_server import Site, reply_json, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.engine.steps.http_server import Answer

PATH = "/v1/chat/completions"
KEY = "sk-very-secret-1234567890"


def message(content: object, *, finish: str = "stop", **more: object) -> dict[str, Any]:
    """The document of an answer; what is no text is written as JSON."""
    text = content if isinstance(content, str) or content is None else json.dumps(content)
    return {"choices": [{"finish_reason": finish, "message": {"role": "assistant", "content": text, **more}}]}


def saying(content: object, *, finish: str = "stop", **more: object) -> Answer:
    """A model that says this."""
    return reply_json(message(content, finish=finish, **more))


@contextlib.contextmanager
def model(answer: Answer) -> Iterator[Site]:
    """The endpoint, for as long as the `with`."""
    with serving(Site({PATH: answer})) as site:
        yield site


def endpoint(site: Site, *, timeout_sec: float = 20.0, api_key: str = KEY) -> Endpoint:
    """How it is reached."""
    return Endpoint(site.url("/v1"), "small", api_key, timeout_sec)


def asked(site: Site) -> list[dict[str, Any]]:
    """What the model was asked, in order."""
    return [json.loads(seen.body) for seen in site.seen]

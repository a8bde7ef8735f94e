"""The section [llm] of the configuration: which language model may be asked, and where. Asking it is the engine's."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Annotated, Any, Final, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from engine.plan.faults import describe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.routing.chat import Endpoint

_EXAMPLE: Final = 'write base_url = "http://127.0.0.1:8080/v1", for example'


def _usable_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable or not _is_plain(text):
        raise PydanticCustomError("no_url", "no address")
    if parts.username is not None or parts.query or parts.fragment:
        raise PydanticCustomError("url_parts", "more than an address")
    return text


def _is_plain(text: str) -> bool:
    return all(" " < char <= "~" for char in text)


class Llm(BaseModel):
    """A language model that `opscope ask` and decision steps may ask. Without this section nothing is sent anywhere."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: Annotated[
        str,
        Field(strict=True, description="an OpenAI-compatible endpoint, up to what stands before /chat/completions"),
        AfterValidator(_usable_url),
    ]
    model: Annotated[str, Field(strict=True, min_length=1, description="the name that the endpoint has for the model")]
    api_key_env: Annotated[
        str | None,
        Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", description="the variable that holds the key, if there is one"),
    ] = None
    timeout_sec: Annotated[float, Field(strict=True, gt=0, le=600, description="for a whole question")] = 10.0
    max_tokens: Annotated[int, Field(strict=True, ge=16, le=100_000, description="how long an answer may be")] = 1000

    @model_validator(mode="after")
    def _key_stays_secret(self) -> Self:
        if self.api_key_env is not None and self.base_url.lower().startswith("http:") and not _is_here(self.base_url):
            raise PydanticCustomError("open_key", "the key would be seen")
        return self

    def endpoint(self, env: Mapping[str, str]) -> Endpoint:
        """Where to ask, with the key that the environment has, or with the reason why there is none."""
        from engine.routing.chat import Endpoint

        key, missing = "", ""
        if self.api_key_env is not None:
            key = env.get(self.api_key_env, "")
            if not key:
                missing = f"{self.api_key_env} is not set, which should hold the key of the model's endpoint"
            elif not _is_plain(key):
                missing, key = f"{self.api_key_env} holds what cannot be a key", ""
        return Endpoint(self.base_url, self.model, key, self.timeout_sec, self.max_tokens, missing)


def _is_here(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def wrong_in_llm(found: Any) -> tuple[str, str] | None:
    """What is wrong, as a sentence and a hint, of one thing that pydantic found in the section; None for what any section can have."""
    kind, value = found["type"], found["input"]
    name = str(found["loc"][-1])
    match kind:
        case "missing":
            return f"{name} is missing", _EXAMPLE if name == "base_url" else 'write model = "..."'
        case "no_url":
            return f"expected the address of an endpoint, found {describe(value)}", _EXAMPLE
        case "url_parts":
            return (
                "the address has a user, a query or a fragment in it",
                "a key belongs in a variable: api_key_env = NAME",
            )
        case "open_key":
            return "the key would go over the network for all to read", "use https, or an endpoint on this host"
        case "string_type" | "string_too_short":
            return f"expected a text, found {describe(value)}", ""
        case "string_pattern_mismatch":
            return "expected the name of a variable", "the key itself does not stand in this file"
        case "float_type" | "int_type" | "greater_than" | "greater_than_equal" | "less_than_equal":
            wanted = (
                "seconds, more than 0 and at most 600" if name == "timeout_sec" else "a whole number from 16 to 100000"
            )
            return f"expected {wanted}, found {describe(value)}", ""
        case _:
            return None

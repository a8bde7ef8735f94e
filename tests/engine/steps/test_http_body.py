"""Bodies: unpacking that never holds more than its limit, and no address, header or content type that brings a request down."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.model.bound import BoundHttp
from engine.model.states import OutputFormat, Reason, StepStatus
from engine.steps.http import HttpRunner
from engine.steps.http_body import BodyError, BodyTooLargeError, body_data, read_body
from engine.steps.outputs import OutputError
from engine.steps.secrets import SecretBox
from tests.engine.steps.support import RecordingObserver, RunningClock, attempt

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

LIMIT = 1000
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "identity": bytes,
    "raw deflate": lambda content: zlib.compress(content)[2:-4],
}


async def _pieces(content: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


@given(
    content=st.binary(max_size=2 * LIMIT) | st.integers(0, 3 * LIMIT).map(bytes),
    size=st.integers(1, 3 * LIMIT),
    packer=st.sampled_from(list(PACKERS)),
)
async def test_what_was_packed_comes_out_again_or_is_too_large(content: bytes, size: int, packer: str) -> None:
    packed = PACKERS[packer](content)
    encoding = "deflate" if "deflate" in packer else packer
    if len(content) > LIMIT:
        with pytest.raises(BodyTooLargeError) as caught:
            await read_body(_pieces(packed, size), encoding, LIMIT)
        assert caught.value.content == content[:LIMIT]
    else:
        assert await read_body(_pieces(packed, size), encoding, LIMIT) == content


@given(content=st.binary(max_size=300), size=st.integers(1, 300), encoding=st.sampled_from(["gzip", "deflate"]))
async def test_what_was_not_packed_is_an_error_in_words(content: bytes, size: int, encoding: str) -> None:
    try:
        await read_body(_pieces(content, size), encoding, LIMIT)
    except (BodyError, BodyTooLargeError):
        return


@pytest.mark.parametrize("cut", [1, 5, 9, 15])
async def test_what_broke_off_is_told(cut: int) -> None:
    packed = gzip.compress(b"some content that is long enough")
    with pytest.raises(BodyError, match="broke off"):
        await read_body(_pieces(packed[:-cut], 4), "gzip", LIMIT)


async def test_output_that_fills_the_last_slice_is_not_lost() -> None:
    """The input is used up, and more output than one slice is still to come."""
    content = bytes(5 << 20)
    packed = gzip.compress(content)
    assert await read_body(_pieces(packed, len(packed)), "gzip", 6 << 20) == content


@given(content=st.binary(max_size=200), kind=st.text(max_size=60), output=st.sampled_from(list(OutputFormat)))
def test_any_content_type_gives_data_or_words(content: bytes, kind: str, output: OutputFormat) -> None:
    for content_type in (kind, f"text/plain; charset={kind}", f"application/json; {kind}"):
        try:
            value = body_data(content, content_type, output).value
        except OutputError:
            continue
        if isinstance(value, str):
            value.encode("utf-8")  # it can be stored


async def _nowhere(host: str, port: int) -> list[str]:
    raise OSError(5, "nowhere")


URLS = (
    st.text(max_size=60)
    | st.text(max_size=60).map("http://{}".format)
    | st.from_regex(r"https?://[^ ]*", fullmatch=True)
)


@settings(max_examples=200)
@given(url=URLS, name=st.text(max_size=10), value=st.text(max_size=10))
async def test_no_address_or_header_brings_the_runner_down(
    tmp_path_factory: pytest.TempPathFactory, url: str, name: str, value: str
) -> None:
    runner = HttpRunner(SecretBox(), RunningClock(), resolve=_nowhere)
    http = BoundHttp(url, headers={name: value}, query={name: value, "x": [value, None, 1]}, body=value)
    spec = attempt(http, _folder(tmp_path_factory))
    outcome = await runner.run(http, spec, RecordingObserver())
    assert outcome.status is StepStatus.FAILED
    assert outcome.reason in (Reason.REFUSED, Reason.REQUEST_FAILED)
    outcome.message.encode("utf-8")  # it can be stored


def _folder(factory: pytest.TempPathFactory) -> Path:
    return factory.getbasetemp()

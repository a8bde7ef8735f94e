"""What a process printed, as the data of its step: the cap, the parsing and the masking in one place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.model.states import OutputFormat, Reason
from engine.steps.capture import decode
from engine.steps.outputs import OutputError, lines_data, parse_json, text_data

if TYPE_CHECKING:
    from engine.model.json import Json
    from engine.steps.capture import StreamCapture
    from engine.steps.secrets import SecretBox


class BadDataError(Exception):
    """What came out cannot be the data of the step; the text is a sentence for a person, and not masked."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Printed:
    """Data, a word on what is missing of it or odd about it, and counts."""

    data: Json = None
    note: str = ""
    counts: dict[str, int] = field(default_factory=dict)


def printed_data(output: OutputFormat, stdout: StreamCapture, kept_bytes: int, secrets: SecretBox) -> Printed:
    """Standard output as data; `kept_bytes` is its cap. JSON is parsed as it came and masked after. Raises BadDataError."""
    note = (
        f"stdout had {stdout.size} bytes; the first {kept_bytes} are kept (max_output_bytes)" if stdout.is_cut else ""
    )
    match output:
        case OutputFormat.NONE:
            return Printed()
        case OutputFormat.TEXT:
            return Printed(text_data(stdout.summary().text), note)
        case OutputFormat.LINES:
            return Printed(list(lines_data(stdout.summary().text, is_cut=stdout.is_cut)), note)
        case OutputFormat.JSON:
            return _json(stdout, kept_bytes, secrets)


def _json(stdout: StreamCapture, kept_bytes: int, secrets: SecretBox) -> Printed:
    if stdout.raw_size > kept_bytes:
        raise BadDataError(
            Reason.OUTPUT_TOO_LARGE,
            f"stdout had {stdout.raw_size} bytes, and JSON of more than {kept_bytes} bytes is not kept; "
            "print less, raise max_output_bytes, or write a file",
        )
    try:
        parsed = parse_json(decode(stdout.raw, is_cut=False))
    except OutputError as error:
        raise BadDataError(Reason.BAD_OUTPUT, str(error)) from None
    if not parsed.duplicate_keys:
        return Printed(secrets.mask_json(parsed.value))
    return Printed(
        secrets.mask_json(parsed.value),
        f"{parsed.duplicate_keys} keys stand twice in their object; the last of each counts",
        {"duplicate_keys": parsed.duplicate_keys},
    )

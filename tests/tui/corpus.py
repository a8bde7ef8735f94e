"""Text that tries to be more than text: control sequences, invisible characters and markup. For every place that shows data."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from engine.model.states import Stage, Stream
from tests.tui.samples import Sample, Step, wrote

if TYPE_CHECKING:
    from engine.model.json import JsonObject

EVIL = (
    "\x1b]52;c;RVZJTA==\x07",
    "\x1b]0;EVIL\x07",
    "\x1b[2J\x1b[31mEVIL",
    "\x9b31mEVIL\x9d52;c;RVZJTA==\x9c",
    "\x1bP+q544e\x1b\\EVIL",
    "\x08\x08\x08\x7f\x0eEVIL\r\n\x00",
    "\u202egnp.exe\u2066\u200f\u061c",
    "\u00ad\u180e\ufeff\U000e0041\u3164\u2028",
    "[@click=app.quit]EVIL[/]",
    "[/nope][bold]EVIL",
    "[link=http://evil.example/]EVIL[/link]",
    "{app.quit} $primary %s :smile:",
)
"""Each of them has once crossed some terminal program."""

_SEQUENCES = re.compile(
    rb"\x1b\[[0-9;:<=>?]*[ -/]*[@-~]"  # CSI, what the driver itself writes
    rb"|\x1b[()][0-9A-B]|\x1b[=>78c]"
    rb"|\x1bP[0-9;+$a-fA-FqxX]*\x1b\\\\"
)
ALLOWED_OSC = re.compile(rb"\x1b\](?:22;[a-z]*|52;c;[A-Za-z0-9+/=]*)(?:\x07|\x1b\\\\)")


def text_written(raw: bytes) -> str:
    """What is left of a terminal's input when the driver's own sequences are taken out."""
    return _SEQUENCES.sub(b"", ALLOWED_OSC.sub(b"", raw)).decode("utf-8")


def evil_sample(number: int, evil: str) -> Sample:
    """A run in which every text is `evil`."""
    cause: JsonObject = {"stage": "execute", "step_id": evil, "reason": "exit_code", "message": evil}
    steps = [
        Step(f"step{evil}", data={evil: [evil, {evil: evil}]}, stdout=evil, stderr=evil, message=evil),
        Step("long", "failed", data=(evil + " and more ") * 20, message=evil * 5, exit_code=1),
    ]
    return Sample(
        number,
        f"plan{evil}",
        steps,
        "failed",
        params={evil: evil, "nested": {evil: [evil]}},
        warnings=(evil,),
        first_cause=cause,
        stage=Stage.EXECUTE,
        workdir=evil,
        logs=[
            wrote(f"step{evil}", f"{evil}\n{evil}".encode("utf-8", "surrogatepass"), stream=Stream.STDERR),
            wrote("long", b"\xff\xfe\x9b31m" + (evil + " and more ").encode("utf-8", "surrogatepass") * 40 + b"\n"),
        ],
    )

"""How fast output is searched for secrets, beside copying the same bytes with one secret replaced as it is written."""

from __future__ import annotations

import random
from typing import Final

from engine.steps.secrets import SecretBox
from tests.bench.measure import Figure, alternating, seconds

PIECE: Final = 64 << 10
PIECES: Final = 128
"""What a program prints arrives in pieces; eight megabytes of it a round."""

_SECRETS: Final = {"token": "tk-4f9A!c27d-0b", "password": "correct horse battery", "key": "9c1e77aa52d04fe1b3"}


def figures(rounds: int) -> list[Figure]:
    """One figure: output as a program's log is, with a secret in every tenth piece."""
    text = _log()
    pieces = [text[place : place + PIECE] for place in range(0, len(text), PIECE)]
    box = SecretBox(_SECRETS)
    plain = [value.encode() for value in _SECRETS.values()]
    megabytes = len(text) / 1e6

    def mask() -> None:
        masker = box.stream_masker()
        for piece in pieces:
            masker.feed(piece)
        masker.flush()

    def replace() -> None:
        for piece in pieces:
            for secret in plain:
                piece = piece.replace(secret, b"***")

    found = alternating(rounds, lambda: megabytes / seconds(mask), lambda: megabytes / seconds(replace))
    return [
        Figure(
            "masking output, 3 secrets, all their forms",
            "MB/s",
            found,
            "bytes.replace of the three secrets as they are, piece by piece; no encodings, no borders",
            "none",
            None,
        )
    ]


def _log() -> bytes:
    chance = random.Random(4)
    words = ["step", "started", "GET", "/api/items", "200", "took", "ms", "user=ada", "retry", "0x3f2a", "{", "}", "ok"]
    lines = []
    size = 0
    while size < PIECE * PIECES:
        line = " ".join(chance.choices(words, k=chance.randrange(4, 16))) + f" {chance.randrange(10**6)}\n"
        if chance.randrange(10 * PIECE // 60) == 0:
            line = f"Authorization: {_SECRETS['token']}\n"
        lines.append(line)
        size += len(line)
    return "".join(lines).encode()[: PIECE * PIECES]

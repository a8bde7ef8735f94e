"""Pairs of documents to compare: always the same, of the sizes at which comparers are known. No figure stands here."""

from __future__ import annotations

import copy
import json
import random
from typing import Any, Final

_WORDS: Final = [
    "step", "started", "took", "items", "user", "retry", "cache", "error", "timeout", "batch", "order", "index", "shard",
    "replica", "primary", "note", "audit",
]  # fmt: skip


def conversation() -> tuple[Any, Any]:
    """348 KB, most of it text; a few texts, durations and rows differ."""
    dice = random.Random(348)
    before: dict[str, Any] = {"run": "a", "messages": [], "steps": []}
    number = 0
    while len(json.dumps(before)) < 348_000:
        for _ in range(20):
            text = " ".join(dice.choices(_WORDS, k=dice.randrange(5, 60)))
            meta = {"n": number, "ok": dice.random() < 0.5, "score": dice.random()}
            before["messages"].append({"role": dice.choice(("user", "tool")), "content": text, "meta": meta})
            before["steps"].append(
                {"id": f"s{number}", "status": "ok", "duration_ms": dice.random(), "attempts": [{"exit_code": 0}]}
            )
            number += 1
    after = copy.deepcopy(before)
    for message in dice.sample(after["messages"], 14):
        message["content"] += " and more"
    for step in dice.sample(after["steps"], 30):
        step["duration_ms"] += 1
    del after["messages"][5]
    after["steps"].insert(7, {"id": "new", "status": "ok"})
    return before, after


def table() -> tuple[Any, Any]:
    """496 KB of rows; half of them differ in two fields, and a hundred are gone, a hundred new."""
    dice = random.Random(496)
    before: dict[str, Any] = {"rows": []}
    while len(json.dumps(before)) < 496_000:
        for _ in range(50):
            before["rows"].append(
                {
                    "host": f"h{dice.randrange(5000)}",
                    "cpu": dice.randrange(100),
                    "load": dice.random(),
                    "tags": dice.sample(_WORDS, 3),
                    "up": dice.random() < 0.5,
                    "note": None,
                }
            )
    after = copy.deepcopy(before)
    for row in after["rows"]:
        if dice.random() < 0.5:
            row["cpu"] += 1
            row["load"] = dice.random()
    for _ in range(100):
        after["rows"].pop(dice.randrange(len(after["rows"])))
        after["rows"].insert(dice.randrange(len(after["rows"])), {"host": "new", "cpu": 1})
    return before, after

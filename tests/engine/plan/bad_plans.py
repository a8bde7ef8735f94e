"""Seeded plans that are wrong in every way that comes to mind, some of them in none. Makes them; checks nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

IDS = ("a", "b", "c", "d", "e", "tidy")
TYPES = ("command", "powershell", "python", "http", "sql", "file", "tool", "plan", "decision", "shell", None, 3)
REFERENCES = (
    "{a.data}", "{b.data.rows[0].x}", "{c.data[?@.x > 1]}", "{prev.d.status}", "{params.x}", "{secrets.t}", "{env.HOME}",
    "{inputs.i}", "{item}", "{item.x}", "{index}", '{item ?? "n"}', "{run.id}", "{plan.plan_id}", "{compose.c}", "{assets.x}",
    "{a.items}", "{a.fallback}", "{a.error.type}", '{a.data ?? null}', "{a.", "{item ??", "{a.data[", "{nope.x}", "{a.data[?@",
    "{'{item}'}", "{{item}}", "${item}", "{}", "{index.x}", "{item[0]['k'].y}", "{tidy.data}", "{run.status}",
)  # fmt: skip
EXPRESSIONS = (
    "a.status == 'success'", "len(b.data) > 1", "item.data.x", "item", "index == 1", "inputs.i", "env.X == '1'", "secrets.t",
    "true", "", "1 +", "a.data[b.data]", "not (c.data or d.data)", "__import__('os')", "a.__class__", "((((((((1))))))))",
    "x" * 300, "'" * 9, "a.status in ['failed', 'success']", "prev.a.data", "params.x", "9" * 400, "item.status == 'success'",
)  # fmt: skip
FIELDS = (
    "id", "step_def", "command", "args", "cwd", "depends_on", "condition", "skip_if", "timeout_sec", "retries", "backoff",
    "on_failure", "fallback_step", "critical", "idempotent", "provides", "consumes", "for_each", "repeat", "cache", "pool", "env",
    "output", "output_mapping", "metadata", "description", "colour",
)  # fmt: skip
DEFINITION_FIELDS = (
    "command", "args", "cwd", "script", "file", "interpreter", "callable", "path", "url", "method", "headers", "query", "body",
    "expect_status", "database", "action", "to", "content", "mode", "expect", "tool", "calls", "plan", "params", "rules",
    "default", "branches",
)  # fmt: skip


class BadPlans:
    """`make()` gives the text of one plan and the name to load it by."""

    def __init__(self, generator: random.Random) -> None:
        self._random = generator
        self._values: dict[str, Callable[[], Any]] = {
            "id": lambda: self._one(*IDS, "params", "a-b", 3),
            "step_def": self._definition,
            "args": lambda: self._one([self._text()], {"k": self._text()}, {"k": [self._text()]}, [1.10, True], "x"),
            "depends_on": lambda: self._one([self._id()], self._id(), [self._id(), self._id()]),
            "fallback_step": self._id,
            "on_failure": lambda: self._one("fallback_step", "fallback_step", "continue", "stop"),
            "provides": lambda: [self._one("r", "s/t", "r s")],
            "consumes": lambda: [self._one("r", "s/t", "u")],
            "condition": self._expression,
            "skip_if": lambda: self._one(self._expression(), [self._expression()]),
            "for_each": lambda: self._one(self._text(), [self._text(), 1], {}, [[]] * 3),
            "repeat": lambda: self._one({"until": self._expression(), "max": self._one(1, 0)}, {}, True),
            "cache": lambda: self._one({"ttl_sec": 1}, {"ttl_sec": 0}, {}),
            "pool": lambda: self._one("p", "q", 1),
            "env": lambda: {self._one("A", "B", "A=B"): self._text()},
            "headers": lambda: {self._one("A", "a b"): self._text()},
            "output_mapping": lambda: {self._one("i", "i-j"): self._text()},
            "rules": lambda: [{"when": self._expression(), "choose": self._one("x", "y", "z")}],
            "branches": lambda: {"x": [self._id()], "y": [self._id(), self._id()]},
            "default": lambda: self._one("x", "z", None),
            "calls": lambda: self._one([], [{"k": self._text()}], [1]),
            "action": lambda: self._one("copy", "move", "write", "checksum", "delete"),
            "callable": lambda: self._one("m:f", "m", self._text()),
            "expect_status": lambda: self._one([200], [1], 200),
            "method": lambda: self._one("GET", "get"),
        }  # fmt: skip

    def make(self) -> tuple[str, str]:
        """A plan as JSON, which YAML can read too, unless a byte of it was spoilt."""
        plan: dict[str, Any] = {"plan_id": "p", "params": {"x": {}}, "secrets": {"t": {"env": "T"}}}
        plan["steps"] = [self._step() for _ in range(self._one(1, 1, 2, 3, 6))]
        if self._rarely():
            plan["finally"] = [self._step() for _ in range(2)]
        if self._rarely():
            plan["globals"] = {"pools": {"p": self._one({"max_concurrency": 1}, {}, {"rate": {"count": 1}})}}
        for name in ("compose", "strategy", "enable_orchestration", "present", "locks", "on", "assets"):
            if self._rarely():
                plan[name] = self._one(
                    {"c": self._text()}, "serial", "parallel", False, [{"type": "json", "value": self._text()}]
                )
        text = json.dumps(plan)
        if self._rarely():
            at = self._random.randrange(len(text))
            text = text[:at] + self._one("", "{", "'", "\\", "*a", "&a ") + text[at + 1 :]
        return text, self._one("p.json", "p.yaml")

    def _one(self, *choices: Any) -> Any:
        return self._random.choice(choices)

    def _rarely(self) -> bool:
        return self._random.random() < 0.15

    def _id(self) -> str:
        return self._random.choice(IDS)

    def _text(self) -> Any:
        if self._rarely():
            return self._one(None, 1, 2.5, True, [], {}, "\u0000", "\n", "é" * 50)
        return self._one("", "x ", "https://h/", "sh -c ") + self._one(*REFERENCES)

    def _expression(self) -> Any:
        return self._one(1, None, []) if self._rarely() else self._one(*EXPRESSIONS)

    def _step(self) -> Any:
        if self._random.random() < 0.02:
            return self._one(None, "ls", [], 3)
        step: dict[str, Any] = {"id": self._id()} if self._random.random() < 0.95 else {}
        if self._random.random() < 0.5:
            step["command"] = self._one("echo", "echo", "sh", self._text())
        else:
            step["step_def"] = self._definition()
        for _ in range(self._one(0, 0, 1, 2, 4)):
            name = self._random.choice(FIELDS)
            step[name] = self._value(name)
        return step

    def _definition(self) -> Any:
        return self._right_definition() if self._random.random() < 0.5 else self._any_definition()

    def _right_definition(self) -> Any:
        """Of the right shape, so that more than the shape is looked at."""
        text = self._one(*REFERENCES)
        return self._one(
            {"type": "powershell", "script": "Get-Date", "args": {"A": text}},
            {"type": "python", "callable": "m:f", "args": {"a": [text]}},
            {"type": "http", "url": "https://h/" + text, "headers": {"A": text}, "body": {"a": text}},
            {"type": "sql", "database": "d", "query": "q", "args": {"a": text}},
            {"type": "file", "action": "write", "path": "p", "content": text},
            {"type": "tool", "tool": "t", "calls": [{"a": text}]},
            {"type": "plan", "plan": "p", "params": {"a": text}},
            {"type": "decision", "rules": [{"when": self._one(*EXPRESSIONS), "choose": "x"}], "branches": {"x": []}},
        )

    def _any_definition(self) -> Any:
        definition: dict[str, Any] = {"type": self._one(*TYPES)}
        for _ in range(self._random.randint(1, 5)):
            name = self._random.choice(DEFINITION_FIELDS)
            definition[name] = self._value(name)
        return definition

    def _value(self, name: str) -> Any:
        make = self._values.get(name, self._text)
        return self._one(None, 0, -1, [], {}, "", True) if self._rarely() else make()

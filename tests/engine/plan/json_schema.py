"""A small validator for the JSON Schemas that we print: the keywords they use, and an error for any other."""

from __future__ import annotations

import re
from typing import Any

ANNOTATIONS = frozenset(["title", "description", "default", "$schema", "$defs", "then", "else"])
TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
    "boolean": (bool,),
    "number": (int, float),
    "integer": (int,),
}


class Validator:
    """Says where a value does not fit. `errors` is empty for one that does."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self.root = schema

    def errors(self, value: Any, schema: Any = None, path: str = "$") -> list[str]:
        """Every misfit, as `path: keyword`."""
        schema = self.root if schema is None else schema
        if isinstance(schema, bool):
            return [] if schema else [f"{path}: false"]
        found: list[str] = []
        for name, rule in schema.items():
            if name not in ANNOTATIONS:
                check = getattr(self, "_" + name.lstrip("$").replace("not", "negated").replace("if", "when"))
                found += check(value, rule, schema, path)
        return found

    def fits(self, value: Any, schema: Any) -> bool:
        """True without misfits."""
        return not self.errors(value, schema)

    def _ref(self, value: Any, rule: str, schema: Any, path: str) -> list[str]:
        target = self.root
        for part in rule.removeprefix("#/").split("/"):
            target = target[part]
        return self.errors(value, target, path)

    def _type(self, value: Any, rule: str, schema: Any, path: str) -> list[str]:
        right = isinstance(value, TYPES[rule]) and (rule == "boolean" or not isinstance(value, bool))
        return [] if right else [f"{path}: type {rule}"]

    def _const(self, value: Any, rule: Any, schema: Any, path: str) -> list[str]:
        return [] if value == rule and type(value) is type(rule) else [f"{path}: const {rule}"]

    def _enum(self, value: Any, rule: list[Any], schema: Any, path: str) -> list[str]:
        return [] if value in rule else [f"{path}: enum"]

    def _pattern(self, value: Any, rule: str, schema: Any, path: str) -> list[str]:
        wrong = isinstance(value, str) and not re.search(re.sub(r"\$$", r"\\Z", rule), value)
        return [f"{path}: pattern {rule}"] if wrong else []

    def _minLength(self, value: Any, rule: int, schema: Any, path: str) -> list[str]:  # noqa: N802
        return [f"{path}: minLength"] if isinstance(value, str) and len(value) < rule else []

    def _maxLength(self, value: Any, rule: int, schema: Any, path: str) -> list[str]:  # noqa: N802
        return [f"{path}: maxLength"] if isinstance(value, str) and len(value) > rule else []

    def _minimum(self, value: Any, rule: float, schema: Any, path: str) -> list[str]:
        return [f"{path}: minimum"] if isinstance(value, int | float) and value < rule else []

    def _maximum(self, value: Any, rule: float, schema: Any, path: str) -> list[str]:
        return [f"{path}: maximum"] if isinstance(value, int | float) and value > rule else []

    def _exclusiveMinimum(self, value: Any, rule: float, schema: Any, path: str) -> list[str]:  # noqa: N802
        return [f"{path}: exclusiveMinimum"] if isinstance(value, int | float) and value <= rule else []

    def _items(self, value: Any, rule: Any, schema: Any, path: str) -> list[str]:
        listed = value if isinstance(value, list) else []
        return [error for n, item in enumerate(listed) for error in self.errors(item, rule, f"{path}[{n}]")]

    def _minItems(self, value: Any, rule: int, schema: Any, path: str) -> list[str]:  # noqa: N802
        return [f"{path}: minItems"] if isinstance(value, list) and len(value) < rule else []

    def _maxProperties(self, value: Any, rule: int, schema: Any, path: str) -> list[str]:  # noqa: N802
        return [f"{path}: maxProperties"] if isinstance(value, dict) and len(value) > rule else []

    def _maxItems(self, value: Any, rule: int, schema: Any, path: str) -> list[str]:  # noqa: N802
        return [f"{path}: maxItems"] if isinstance(value, list) and len(value) > rule else []

    def _properties(self, value: Any, rule: dict[str, Any], schema: Any, path: str) -> list[str]:
        present = [name for name in rule if isinstance(value, dict) and name in value]
        return [error for name in present for error in self.errors(value[name], rule[name], f"{path}.{name}")]

    def _required(self, value: Any, rule: list[str], schema: Any, path: str) -> list[str]:
        return [f"{path}: required {name}" for name in rule if isinstance(value, dict) and name not in value]

    def _dependentRequired(self, value: Any, rule: dict[str, list[str]], schema: Any, path: str) -> list[str]:  # noqa: N802
        needed = [name for on, names in rule.items() if isinstance(value, dict) and on in value for name in names]
        return self._required(value, needed, schema, path)

    def _additionalProperties(self, value: Any, rule: Any, schema: Any, path: str) -> list[str]:  # noqa: N802
        others = value.keys() - schema.get("properties", {}).keys() if isinstance(value, dict) else ()
        return [error for name in others for error in self.errors(value[name], rule, f"{path}.{name}")]

    def _propertyNames(self, value: Any, rule: Any, schema: Any, path: str) -> list[str]:  # noqa: N802
        names = value if isinstance(value, dict) else ()
        return [error for name in names for error in self.errors(name, rule, f"{path}.{name}")]

    def _minProperties(self, value: Any, rule: int, schema: Any, path: str) -> list[str]:  # noqa: N802
        return [f"{path}: minProperties"] if isinstance(value, dict) and len(value) < rule else []

    def _anyOf(self, value: Any, rule: list[Any], schema: Any, path: str) -> list[str]:  # noqa: N802
        return [] if any(self.fits(value, one) for one in rule) else [f"{path}: anyOf"]

    def _oneOf(self, value: Any, rule: list[Any], schema: Any, path: str) -> list[str]:  # noqa: N802
        return [] if sum(self.fits(value, one) for one in rule) == 1 else [f"{path}: oneOf"]

    def _allOf(self, value: Any, rule: list[Any], schema: Any, path: str) -> list[str]:  # noqa: N802
        return [error for one in rule for error in self.errors(value, one, path)]

    def _negated(self, value: Any, rule: Any, schema: Any, path: str) -> list[str]:
        return [f"{path}: not"] if self.fits(value, rule) else []

    def _when(self, value: Any, rule: Any, schema: Any, path: str) -> list[str]:
        return self.errors(value, schema.get("then" if self.fits(value, rule) else "else", True), path)

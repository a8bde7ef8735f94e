"""What filling in the definitions of several step types has in common: open texts, and values by name with the step's inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from engine.model.bound import SecretText
from engine.plan.references import fill_text, fill_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.plan.references import Compiled
    from engine.plan.scope import View
    from engine.plan.template_parser import Template

Fields: TypeAlias = "Mapping[str, Any]"
"""The compiled texts of a definition, by field."""


def open_text(text: str | Template, view: View) -> str:
    """A text that may be seen by anybody. Raises MissingReferenceError."""
    filled = fill_text(text, view)
    # Secrets cannot get here: the checks let them stand only in env, headers and binds. Their names would show, never their text.
    return str(filled) if isinstance(filled, SecretText) else filled


def optional_text(text: str | Template | None, view: View) -> str | None:
    """The same, where there may be none."""
    return None if text is None else open_text(text, view)


def values(compiled: Mapping[str, Compiled], view: View) -> dict[str, Any]:
    """Values by name, each with its type. Raises MissingReferenceError."""
    return {name: fill_value(value, view, null_as=None) for name, value in compiled.items()}


def with_inputs(inputs: Mapping[str, Any], compiled: Mapping[str, Compiled], view: View) -> dict[str, Any]:
    """The step's inputs, and over them what the definition says itself."""
    filled = values(compiled, view)
    return {name: value for name, value in inputs.items() if name not in filled} | filled

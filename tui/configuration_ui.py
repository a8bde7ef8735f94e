"""The section [ui] of the configuration: how the inspector looks, how often it looks, and at which file. Applying it is the app's."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from engine.plan.faults import describe, did_you_mean
from tui.preferences import FOLLOW_RATE, LIBRARY_THEMES, OUR_THEMES, RUN_COLUMNS

_SLOWEST: Final = 0.1
_FASTEST: Final = 10.0
_THEMES: Final = (*OUR_THEMES, *LIBRARY_THEMES)


def _theme(name: str) -> str:
    if name not in _THEMES:
        raise PydanticCustomError("no_theme", "no theme")
    return name


def _column(name: str) -> str:
    if name not in RUN_COLUMNS:
        raise PydanticCustomError("no_column", "no column")
    return name


def _some_once(names: tuple[str, ...]) -> tuple[str, ...]:
    if not names:
        raise PydanticCustomError("no_columns", "none")
    twice = next((name for index, name in enumerate(names) if name in names[:index]), None)
    if twice is not None:
        raise PydanticCustomError("column_twice", "twice", {"name": twice})
    return names


def _path(text: str) -> str:
    if not text.strip() or "\0" in text:
        raise PydanticCustomError("no_path", "no path")
    return text


_Theme = Annotated[str, Field(strict=True, json_schema_extra={"enum": [*_THEMES]}), AfterValidator(_theme)]
_Column = Annotated[str, Field(strict=True, json_schema_extra={"enum": [*RUN_COLUMNS]}), AfterValidator(_column)]


class Ui(BaseModel):
    """How the inspector looks, how often it looks, and at which file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    theme: Annotated[_Theme | None, Field(description="a theme of opscope, or one of Textual's own")] = None
    columns: Annotated[
        Annotated[tuple[_Column, ...], Field(json_schema_extra={"minItems": 1}), AfterValidator(_some_once)] | None,
        Field(description="the columns of the table of runs; a narrow screen leaves the least telling ones out"),
    ] = None
    follow_rate: Annotated[
        float,
        Field(strict=True, ge=_SLOWEST, le=_FASTEST, description="how often a second a screen is renewed at most"),
    ] = FOLLOW_RATE
    database: Annotated[
        Annotated[str, Field(strict=True), AfterValidator(_path)] | None,
        Field(description="the file of runs, where neither --db nor OPSCOPE_DB names one; ~ is your home folder"),
    ] = None
    readonly: Annotated[bool, Field(strict=True, description="the inspector changes nothing, as with --readonly")] = (
        False
    )


def wrong_in_ui(found: Any) -> tuple[str, str] | None:
    """What is wrong, as a sentence and a hint, of one thing that pydantic found in the section; None for what any section can have."""
    value = found["input"]
    match found["type"]:
        case "no_theme":
            return f"there is no theme '{value}'", _meant(value, _THEMES)
        case "no_column":
            return f"there is no column '{value}'", _meant(value, RUN_COLUMNS)
        case "column_twice":
            return f"the column '{found['ctx']['name']}' stands there twice", "take one out"
        case "tuple_type" | "no_columns":
            return f"expected a list of columns, found {describe(value)}", f"there are {', '.join(RUN_COLUMNS)}"
        case "no_path":
            return f"expected the path of a file, found {describe(value)}", 'write database = "~/runs.db"'
        case "float_type" | "greater_than_equal" | "less_than_equal":
            wanted = f"a number from {_SLOWEST} to {_FASTEST:g}"
            return f"expected {wanted}, found {describe(value)}", "4 is four times a second"
        case "bool_type":
            return f"expected true or false, found {describe(value)}", ""
        case "string_type":
            return f"expected a text, found {describe(value)}", ""
        case _:
            return None


def _meant(value: str, known: tuple[str, ...]) -> str:
    return did_you_mean(value, known) or f"there are {', '.join(known)}"

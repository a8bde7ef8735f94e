"""What a run shows at its end, as the plan says it: blocks, or an asset that has them. How a block is drawn is not here."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Discriminator, Field, Tag
from pydantic import JsonValue as Json

from engine.model.plan_model import PlanModel


class MarkdownBlock(PlanModel):
    """A piece of Markdown, with references."""

    type: Literal["markdown"]
    text: str


class TableBlock(PlanModel):
    """Rows as a table; `rows` is a reference to a list of objects or of lists."""

    type: Literal["table"]
    rows: Json
    title: str = ""
    columns: tuple[str, ...] = ()


class KeyValueBlock(PlanModel):
    """An object as names and values."""

    type: Literal["key_value"]
    values: Json
    title: str = ""


class ListBlock(PlanModel):
    """One line an item."""

    type: Literal["list"]
    entries: Json
    title: str = ""


class JsonBlock(PlanModel):
    """Any value as JSON."""

    type: Literal["json"]
    value: Json
    title: str = ""


Block: TypeAlias = Annotated[
    MarkdownBlock | TableBlock | KeyValueBlock | ListBlock | JsonBlock, Field(discriminator="type")
]


def _listed_or_named(value: object) -> str:
    return "text" if isinstance(value, str) else "list"


Shown: TypeAlias = Annotated[
    Annotated[tuple[Block, ...], Tag("list")] | Annotated[str, Tag("text")], Discriminator(_listed_or_named)
]
"""What a run shows at its end: blocks, or a reference to the asset that has all of them."""

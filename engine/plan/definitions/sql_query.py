"""SQL steps: a query that is taken as it stands, with its values as bind parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.model.bound import BoundSql
from engine.plan.definitions.filling import Fields, open_text, with_inputs
from engine.plan.faults import describe
from engine.plan.names import Around, Context, Place
from engine.plan.references import MissingReferenceError, resolve
from engine.plan.template_parser import Template, parse_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model.json import Json
    from engine.model.step_defs import SqlDef
    from engine.plan.faults import Path
    from engine.plan.scope import View
    from engine.plan.template_parser import ParsedText
    from engine.plan.texts import Texts


def check_sql(definition: Mapping[str, Json], path: Path, around: Around, texts: Texts) -> Fields:
    """Compile it, and note what is wrong with it."""
    found: dict[str, Any] = {}
    query, database = definition.get("query"), definition.get("database")
    if isinstance(query, str):
        parsed = parse_text(query, texts.names.known)
        found["query"] = parsed.value
        if isinstance(parsed.value, Template):
            _in_query(parsed, (*path, "query"), texts)
    found["database"] = texts.argument(database, (*path, "database"), around)
    binds = Context(Place.BIND, (*path, "args"), around)
    found["args"] = texts.arguments(definition.get("args"), binds, "a bind parameter")
    return found


def bind_sql(definition: SqlDef, fields: Fields, view: View, inputs: Mapping[str, Json]) -> BoundSql:
    """Fill it in. Raises MissingReferenceError."""
    return BoundSql(
        database=open_text(fields["database"], view),
        query=_query_text(fields["query"], view),
        binds=with_inputs(inputs, fields["args"], view),
        read_only=definition.read_only,
    )


def _query_text(query: str | Template, view: View) -> str:
    """The query, which an asset may hold as a whole. A value that is no text is none."""
    if isinstance(query, str):
        return query
    whole = query.whole
    assert whole is not None, "the checks let no other reference stand here"
    value = resolve(whole, view)
    if not isinstance(value, str):
        message = f"{whole.text} is {describe(value)}, and a query is a text"
        raise MissingReferenceError(
            whole.text, whole.head, message, hint="name the part of the asset that holds the query"
        )
    return value


def _in_query(parsed: ParsedText, path: Path, texts: Texts) -> None:
    whole = parsed.value.whole if isinstance(parsed.value, Template) else None
    if whole is not None and whole.head == "assets":
        texts.names.check("assets", whole.keys, whole.text, Context(Place.ARGUMENT, path))
    else:
        texts.in_code(parsed, "SQL", path)

"""YAML text to a document, through the parser's events only. No tag, alias or constructor of YAML is ever carried out.

A plain word is null, true, false or a number as JSON writes them; everything else is the text as it stands. So `no`, `1:30`,
`0644`, `+5` and `2026-01-01` are text, as the person who wrote them sees them, and never False, 90, 420, 5 or a date.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from engine.plan.document import MAX_TEXT_CHARS, Builder, Document, GateError, Watch

if TYPE_CHECKING:
    from engine.model.json import Json

_CONSTANTS: dict[str, bool | None] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_NUMBER_START = frozenset("-0123456789")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?P<real>(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")

_HINTS = (
    ("cannot start any token", "a tab cannot indent, and @ ` % & * ! at the start of a text need quotes"),
    ("found a tab", "indent with spaces"),
    ("mapping values are not allowed", "a text with ': ' in it needs quotes; or the indentation is off"),
    ("did not find expected key", "look at the indentation here and on the line before"),
    ("did not find expected '-'", "look at the indentation here and on the line before"),
    ("could not find expected ':'", "a name needs a colon and a space after it"),
    ("unexpected end of stream", "a quote or a bracket is not closed"),
    ("undefined alias", "write the value again; aliases are not read"),
    ("control characters", "take the control character out"),
)


def plain_value(text: str, builder: Builder, offset: int) -> Json:
    """What an unquoted word is."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] in _NUMBER_START:
        number = _NUMBER.fullmatch(text)
        if number is not None:
            return builder.real(text, offset) if number["real"] else builder.integer(text, offset)
    elif _NOT_FINITE.fullmatch(text):
        hint = "numbers here are finite: give a large one, or leave the field out; quote it if it is meant as text"
        raise GateError(f"{text} is not a number that a plan can hold", hint, offset=offset)
    return text


def read_yaml(text: str, watch: Watch | None = None) -> Document:
    """The one document in the text. Raises GateError where it cannot go on, StoppedError where it need not."""
    import yaml

    builder = Builder(text, watch)
    stream = _parser(text)
    try:
        _read_events(stream, builder)
    except yaml.MarkedYAMLError as error:
        problem = error.problem or error.context or "it cannot be read"
        mark = error.problem_mark or error.context_mark
        if "unexpected end" in problem and error.context_mark is not None:
            mark = error.context_mark  # where the quote was opened helps more than where the text ends
        raise _syntax(problem, mark.index if mark is not None else None) from None
    except yaml.YAMLError as error:
        raise _syntax(str(getattr(error, "reason", "it cannot be read")), getattr(error, "position", None)) from None
    finally:
        stream.dispose()
    if not builder.has_root:
        raise GateError("the file holds no document", "a plan needs at least plan_id and steps")
    return builder.document


def _parser(text: str) -> Any:
    """libyaml's parser, ten times faster; the one in Python where PyYAML was built without it."""
    import yaml

    return yaml.CSafeLoader(text) if yaml.__with_libyaml__ else yaml.SafeLoader(text)


def _syntax(problem: str, offset: int | None) -> GateError:
    hint = next((hint for words, hint in _HINTS if words in problem), "check the indentation, quotes and brackets here")
    return GateError(f"this is not valid YAML: {problem}", hint, offset=offset)


def _read_events(stream: Any, builder: Builder) -> None:
    from yaml import events

    documents = 0
    while (event := stream.get_event()) is not None:
        kind = type(event)
        if kind is events.ScalarEvent:
            _scalar(event, builder)
        elif kind is events.MappingStartEvent:
            _start(event, {}, builder)
        elif kind is events.SequenceStartEvent:
            _start(event, [], builder)
        elif kind is events.MappingEndEvent or kind is events.SequenceEndEvent:
            builder.close()
        elif kind is events.AliasEvent:
            raise GateError(
                f"the alias *{event.anchor} is not read", "write the value again", offset=event.start_mark.index
            )
        elif kind is events.DocumentStartEvent:
            documents += 1
            if documents > 1:
                raise GateError(
                    "the file holds more than one document", "keep one plan a file", offset=event.start_mark.index
                )


def _decorations(event: Any, builder: Builder) -> None:
    offset = event.start_mark.index
    if event.anchor is not None:
        builder.soft_fault(
            f"the anchor &{event.anchor} is not read", "take it out; aliases are not read either", offset
        )
    if event.tag is not None:
        shown = event.tag.replace("tag:yaml.org,2002:", "!!")
        builder.soft_fault(f"the tag {shown} is not read", "quote a text; everything else says its type itself", offset)


def _start(event: Any, container: dict[str, Json] | list[Json], builder: Builder) -> None:
    offset = event.start_mark.index
    if event.anchor is not None or event.tag is not None:
        _decorations(event, builder)
    if builder.expects_key:
        raise GateError(
            "the name of a field must be a text", "put the name in quotes; {{…}} needs quotes too", offset=offset
        )
    builder.open(container, offset)


def _scalar(event: Any, builder: Builder) -> None:
    offset = event.start_mark.index
    value = event.value
    if event.anchor is not None or event.tag is not None:
        _decorations(event, builder)
    plain = not event.style
    if builder.expects_key:
        if plain and value == "<<":
            raise GateError("the merge key << is not read", "write the fields out", offset=offset)
        builder.key(value, offset)
        return
    if not plain or len(value) > MAX_TEXT_CHARS:  # a plain word has no escapes, so nothing can be hidden in it
        builder.check_text(value, offset)
    builder.scalar(plain_value(value, builder, offset) if plain else value, offset)

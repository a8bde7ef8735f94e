"""`opscope asset diff`: what differs between two versions, as text and, of JSON and YAML, by what they say."""

from __future__ import annotations

import difflib
import json
from typing import TYPE_CHECKING, Final

from engine.errors import ExitCode, InputError, PlanError
from tui.commands.arguments import describe
from tui.commands.asset_words import add_json, history_of, reference_of, version_meant
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span
from tui.viewmodel.words import plural

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from engine.model.asset import AssetReference, AssetVersion
    from engine.model.json import Json, JsonObject
    from engine.regression.json_diff import Change, JsonDiff
    from store.assets_reading import AssetLibrary
    from tui.commands.context import Context

_MOST_CHANGES: Final = 100
_MOST_VALUE_CHARS: Final = 60
_NO_NEWLINE: Final = "\\ no newline at the end"


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    describe(
        parser,
        "Compare two versions of an asset, or of two assets: line by line, and where both are JSON or YAML also by what they "
        "say, whatever its order and layout. With an asset alone, the version in force is compared with the newest, or the "
        "newest with the one before.",
        examples=[
            ("opscope asset diff query/ci-lookup@1 query/ci-lookup@2", "two versions"),
            ("opscope asset diff query/ci-lookup 1 2", "the same, shorter"),
            ("opscope asset diff policy/gates", "what is not in force yet"),
            ("opscope asset diff policy/gates 1 2 --json", "for a program"),
        ],
    )
    parser.add_argument("ref", metavar="TYPE/NAME[@N]", help="the asset, or the first version")
    parser.add_argument("others", metavar="N", nargs="*", help="versions of it, or another asset's version")
    add_json(parser, "the differences as one JSON document")


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Compare them."""
    from store.assets_reading import AssetLibrary

    with AssetLibrary(context.database) as library:
        before, after = _two(library, reference_of(arguments.ref), arguments.others)
    lines = _text_diff(before, after)
    structural = _structural(before, after)
    if arguments.json:
        context.out.json(_diff_json(before, after, lines, structural))
    else:
        _print(context, before, after, lines, structural)
    return ExitCode.SUCCEEDED


# Which two


def _two(library: AssetLibrary, first: AssetReference, others: Sequence[str]) -> tuple[AssetVersion, AssetVersion]:
    from engine.model.asset import AssetReference

    references = [_other(first, text) for text in others]
    match references:
        case []:
            history = history_of(library, first.name)
            after = version_meant(history, first) if first.version is not None else history.newest
            if first.version is None and history.in_force is not None and history.in_force.version != after.version:
                before = history.in_force
            else:
                earlier = [one for one in history.versions if one.version < after.version]
                if not earlier:
                    raise InputError(f"there is no version before {after.ref}", hint="name two versions")
                before = earlier[-1]
            pair = [AssetReference(one.name, one.version) for one in (before, after)]
        case [second]:
            pair = [first, second]
        case [second, third] if first.version is None:
            pair = [second, third]
        case _:
            raise InputError("two versions can be compared, not more", hint=f"for example {first.name} 1 2")
    before_version, after_version = (_whole(library, reference) for reference in pair)
    return before_version, after_version


def _other(first: AssetReference, text: str) -> AssetReference:
    """`2` or `@2` of the same asset, or a reference of its own."""
    from engine.model.asset import AssetReference

    number = text.removeprefix("@")
    if number.isdecimal():
        return AssetReference(first.name, int(number))
    return reference_of(text)


def _whole(library: AssetLibrary, reference: AssetReference) -> AssetVersion:
    head = version_meant(history_of(library, reference.name), reference)
    version = library.version(head.name, head.version)
    assert version is not None
    return version


# What differs


def _text_diff(before: AssetVersion, after: AssetVersion) -> list[str]:
    """A unified diff; empty if the texts are the same."""
    texts = (before.content, after.content)
    lines = [text.split("\n") for text in texts]
    for text, some in zip(texts, lines, strict=True):
        if text.endswith("\n"):
            some.pop()
        else:
            some[-1] += "\0"  # differs from the same line with an end
    found = difflib.unified_diff(lines[0], lines[1], before.ref, after.ref, lineterm="")
    shown: list[str] = []
    for line in found:
        if line.endswith("\0"):
            shown += [line[:-1], _NO_NEWLINE]
        else:
            shown.append(line)
    return shown


def _structural(before: AssetVersion, after: AssetVersion) -> JsonDiff | None:
    """What differs in what they say; None where they are not both documents."""
    from engine.model.asset import AssetName, AssetSource, ResolvedAsset
    from engine.plan.asset_values import asset_value, is_structured
    from engine.regression.json_diff import diff

    if not (is_structured(before.media_type) and is_structured(after.media_type)):
        return None
    try:
        values = [
            asset_value(
                ResolvedAsset(
                    AssetName(one.type, one.name), one.version, one.media_type, one.content, "", AssetSource.PIN
                )
            )
            for one in (before, after)
        ]
    except PlanError:  # an earlier opscope took what this one does not read
        return None
    return diff(values[0], values[1])


# How it is told


def _print(
    context: Context, before: AssetVersion, after: AssetVersion, lines: list[str], structural: JsonDiff | None
) -> None:
    out = context.out
    if before.media_type != after.media_type:
        out.line(f"media type {before.media_type} → {after.media_type}")
    if not lines:
        out.line(f"{before.ref} and {after.ref} have the same content")
        return
    for line in lines:
        out.line(Span(line, _role(line)))
    if structural is None:
        return
    out.line()
    if structural.is_empty:
        out.line(Span("both say the same; only the layout differs", Role.DIM))
        return
    changes, more = structural.shown(_MOST_CHANGES)
    out.line(Span(f"{plural(len(structural.changes), 'change')} in what they say", Role.DIM))
    for change in changes:
        out.line("  ", *_change(change))
    if more:
        out.line("  ", Span(f"and {more} more", Role.DIM))


def _role(line: str) -> Role:
    if line.startswith(("---", "+++", "@@", "\\")):
        return Role.DIM
    return {"+": Role.SUCCEEDED, "-": Role.FAILED}.get(line[:1], Role.TEXT)


def _change(change: Change) -> list[str | Span]:
    from engine.regression.json_diff import ChangeKind
    from engine.regression.json_diff.paths import path_text

    path = path_text(change.path) or "."
    match change.kind:
        case ChangeKind.ADDED:
            return [Span(f"+ {path}", Role.SUCCEEDED), f": {_value(change.after)}"]
        case ChangeKind.REMOVED:
            return [Span(f"- {path}", Role.FAILED), f": {_value(change.before)}"]
        case ChangeKind.CHANGED:
            return [Span(f"~ {path}", Role.WARNING), f": {_value(change.before)} → {_value(change.after)}"]
        case ChangeKind.MOVED:
            origin = path_text(change.before_path) if change.before_path is not None else ""
            return [Span(f"> {path}", Role.WARNING), f": was {origin}"]


def _value(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MOST_VALUE_CHARS else f"{text[: _MOST_VALUE_CHARS - 1]}…"


def _diff_json(before: AssetVersion, after: AssetVersion, lines: list[str], structural: JsonDiff | None) -> JsonObject:
    return {
        "before": _side(before),
        "after": _side(after),
        "same": not lines,
        "text": [*lines],
        "changes": None if structural is None else [_change_json(change) for change in structural.changes],
    }


def _side(version: AssetVersion) -> JsonObject:
    return {
        "ref": version.ref,
        "status": version.status.value,
        "media_type": version.media_type,
        "sha256": version.sha256,
    }


def _change_json(change: Change) -> JsonObject:
    from engine.regression.json_diff.paths import path_text

    document: JsonObject = {"kind": change.kind.value, "path": path_text(change.path)}
    if change.before_path is not None:
        document["before_path"] = path_text(change.before_path)
        document["before"] = change.before
    if change.after_path is not None:
        document["after"] = change.after
    return document

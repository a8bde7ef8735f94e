"""`opscope asset diff`: what differs between two versions, as text and, of JSON and YAML, by what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import ExitCode, InputError
from tui.commands.arguments import describe
from tui.commands.asset_words import add_json, history_of, reference_of, version_meant
from tui.viewmodel.asset_diff import AssetDifference, difference_lines, difference_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from engine.model.asset import AssetReference, AssetVersion
    from engine.model.json import JsonObject
    from engine.regression.json_diff import Change
    from store.assets.reading import AssetLibrary
    from tui.commands.context import Context


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
            ("opscope asset diff query/ci-lookup", "what is not in force yet"),
            ("opscope asset diff policy/ci-lookup-replan 1 2 --json", "for a program"),
        ],
    )
    parser.add_argument("ref", metavar="TYPE/NAME[@N]", help="the asset, or the first version")
    parser.add_argument("others", metavar="N", nargs="*", help="versions of it, or another asset's version")
    add_json(parser, "the differences as one JSON document")


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Compare them."""
    from store.assets.reading import AssetLibrary

    with AssetLibrary(context.database) as library:
        before, after = _two(library, reference_of(arguments.ref), arguments.others)
    difference = difference_of(before, after)
    if arguments.json:
        context.out.json(_diff_json(difference))
    else:
        for line in difference_lines(difference):
            context.out.line(*line)
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


# For programs


def _diff_json(difference: AssetDifference) -> JsonObject:
    structural = difference.structural
    return {
        "before": _side(difference.before),
        "after": _side(difference.after),
        "same": difference.is_same,
        "text": [*difference.text],
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

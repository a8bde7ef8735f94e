"""What the commands about assets share: how a person names one, who they are, and versions as JSON. No command's own logic."""

from __future__ import annotations

import os
import pwd
from typing import TYPE_CHECKING, Final

from engine.errors import InputError, OpscopeError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from engine.model.asset import AssetName, AssetReference
    from engine.model.json import JsonObject
    from store.assets.reading import AssetHistory, AssetLibrary, VersionHead
    from store.assets.registry import Changed
    from tui.commands.context import Context

TAKES_ASSETS: Final = frozenset(["asset show", "asset diff", "asset publish", "asset deprecate", "asset export"])
"""The commands whose arguments are references to assets that there are."""


def add_json(parser: argparse.ArgumentParser, what: str) -> None:
    """The option `--json`."""
    parser.add_argument("--json", action="store_true", help=f"print {what}")


def reference_of(text: str) -> AssetReference:
    """The asset that an argument names. Raises InputError that says how one is written."""
    from engine.model.asset import parse_reference

    try:
        return parse_reference(text)
    except ValueError as error:
        raise InputError(str(error), hint="see which there are with: opscope asset list") from None


def history_of(library: AssetLibrary, name: AssetName) -> AssetHistory:
    """All that there is of an asset. Raises InputError, with a name that is near, where there is none."""
    from store.assets.registry import nothing_there

    history = library.history(name)
    if history is None:
        raise nothing_there(name, library.names())
    return history


def version_meant(history: AssetHistory, reference: AssetReference) -> VersionHead:
    """The version that a reference names; the one in force where it names none, else the newest."""
    from store.assets.registry import chosen

    if reference.version is None:
        return history.in_force or history.newest
    return chosen(reference, history.versions)


def author() -> str:
    """The name of the user of this process."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container may run as a number without a name
        return str(os.getuid())


def checked_note(note: str | None) -> str:
    """A note as it is kept. Raises InputError for one that no line can show."""
    text = (note or "").strip()
    if len(text) > 1000 or "\0" in text or not text.isprintable():
        raise InputError("--note is one line of at most 1,000 characters", hint="put what is longer into the content")
    return text


def head_json(head: VersionHead) -> JsonObject:
    """A version without its content, for programs."""
    from store.moments import rfc3339

    return {
        "ref": head.ref,
        "version": head.version,
        "status": head.status.value,
        "media_type": head.media_type,
        "sha256": head.sha256,
        "author": head.author,
        "note": head.note,
        "created_at": rfc3339(head.created_at_us) if head.created_at_us else None,
        "runs": head.runs,
    }


def changed_json(changed: Changed) -> JsonObject:
    """What became of a version, for programs."""
    return {
        "ref": changed.ref,
        "new": changed.is_new,
        "changed": changed.is_change,
        "status_before": changed.before.value if changed.before is not None else None,
        "status": changed.status.value,
        "in_force": changed.in_force,
    }


def say_in_force(context: Context, changed: Changed) -> None:
    """Which version runs use now that name none, where that is another than the one just spoken of."""
    from tui.viewmodel.palette import Role
    from tui.viewmodel.text import Span

    if changed.in_force is None:
        said = (
            "plans that name this one still get it" if changed.before is not None else "runs use one only by override"
        )
        context.out.line(Span(f"no version is published: {said}", Role.DIM))
    elif changed.in_force != changed.version:
        context.out.line(Span(f"runs that name no version use @{changed.in_force}", Role.DIM))


def asset_names(env: Mapping[str, str]) -> list[str]:
    """The names of all assets, for completion: empty where they cannot be read."""
    from store.assets.reading import AssetLibrary
    from tui.commands.context import database_of

    try:
        with AssetLibrary(database_of(env)) as library:
            return [str(name) for name in library.names()]
    except OpscopeError:
        return []

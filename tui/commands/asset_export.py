"""`opscope asset export`: assets as a folder that an import takes back. Writing it is the store's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import ExitCode, InputError
from tui.commands.arguments import describe
from tui.commands.asset_words import add_json, history_of, reference_of, version_meant
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span
from tui.viewmodel.words import plural

if TYPE_CHECKING:
    import argparse

    from engine.model.asset import AssetVersion
    from store.assets.reading import AssetLibrary
    from tui.commands.context import Context


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    describe(
        parser,
        "Write assets into a folder, each version as TYPE/NAME/N.EXT, with a versions.json that keeps what else is known of "
        "it: for version control, or for opscope asset import on another host. Files that are there already and would be "
        "changed are named, and nothing is written, unless --force is given.",
        examples=[
            ("opscope asset export assets/ --all", "the whole registry"),
            (
                "opscope asset export assets/ query/ci-lookup policy/ci-lookup-replan@2",
                "one asset, and one version of another",
            ),
        ],
    )
    parser.add_argument("folder", metavar="FOLDER", help="where to write; it is made if there is none")
    parser.add_argument("refs", metavar="TYPE/NAME[@N]", nargs="*", help="assets, with all their versions or with one")
    parser.add_argument("--all", action="store_true", help="all that the registry has, but not what comes with opscope")
    parser.add_argument("--force", action="store_true", help="overwrite files that are there")
    add_json(parser, "what was written as one JSON document")


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Write them."""
    from store.assets.exporting import export_folder
    from store.assets.reading import AssetLibrary

    if arguments.all == bool(arguments.refs):
        cause = "--all means all assets, so none is named" if arguments.all else "nothing says which assets"
        raise InputError(cause, hint="name assets such as query/ci-lookup, or give --all")
    folder = Path(arguments.folder).expanduser()
    with AssetLibrary(context.database) as library:
        versions = _everything(library) if arguments.all else _named(library, arguments.refs)
    written = export_folder(versions, folder, force=arguments.force)
    if arguments.json:
        context.out.json(
            {
                "folder": str(folder),
                "versions": [one.ref for one in versions],
                "files": [{"file": file.place, "written": file.is_written} for file in written],
            }
        )
        return ExitCode.SUCCEEDED
    new = sum(file.is_written for file in written)
    context.out.line(f"{plural(len(versions), 'version')} in {folder}: {plural(new, 'file')} written")
    if new < len(written):
        context.out.line(Span(f"{plural(len(written) - new, 'file')} there already, the same", Role.DIM))
    return ExitCode.SUCCEEDED


def _everything(library: AssetLibrary) -> list[AssetVersion]:
    kept = [history.name for history in library.histories() if not history.is_shipped]
    if not kept:
        raise InputError(
            "the registry has no assets", hint="what comes with opscope is written by its name: opscope asset list"
        )
    return [version for name in kept for version in library.versions(name)]


def _named(library: AssetLibrary, refs: list[str]) -> list[AssetVersion]:
    found: dict[str, AssetVersion] = {}
    for text in refs:
        reference = reference_of(text)
        history = history_of(library, reference.name)
        if reference.version is None:
            found |= {version.ref: version for version in library.versions(history.name)}
        else:
            head = version_meant(history, reference)
            version = library.version(head.name, head.version)
            assert version is not None
            found[version.ref] = version
    return list(found.values())

"""`opscope asset add`: a file becomes the next version of an asset. What may be one, and how it is kept, is the store's."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import ExitCode, InputError
from tui.commands.arguments import describe
from tui.commands.asset_words import add_json, author, changed_json, checked_note, reference_of, say_in_force
from tui.commands.ticker import Ticker
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span

if TYPE_CHECKING:
    import argparse

    from store.assets.registry import Changed
    from tui.commands.context import Context


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    describe(
        parser,
        "Add a version of an asset: a policy, query, prompt, template, mapping, source, tool or screen. It gets the next "
        "number and is a draft, which runs use only by override, until it is published. A version never changes; what the "
        "newest one says already is not added again. The content is text in UTF-8 of up to 1 MiB; JSON and YAML are "
        "checked.",
        examples=[
            ("opscope asset add lookup.sql --as query/ci-lookup", "a draft"),
            ("opscope asset add gates.yaml --as policy/gates --publish", "for runs to use at once"),
            ("opscope asset add - --as template/report --media-type text/markdown", "from standard input"),
        ],
    )
    parser.add_argument("file", metavar="FILE", help="the content; - for standard input")
    parser.add_argument(
        "--as", dest="name", metavar="TYPE/NAME", required=True, help="which asset, as in query/ci-lookup"
    )
    parser.add_argument("--note", metavar="TEXT", help="what is new in it; kept with the version")
    parser.add_argument("--publish", action="store_true", help="let runs use it at once")
    parser.add_argument(
        "--media-type", metavar="TYPE", help="what the content is (default: by the file's ending, else text/plain)"
    )
    add_json(parser, "what was done as one JSON document")


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Read it, check it, add it."""
    from store.assets.content import checked_content, checked_media_type, media_type_of
    from store.assets.registry import NewContent, Registry

    reference = reference_of(arguments.name)
    if reference.version is not None:
        raise InputError("the next version gets the next number", hint=f"write --as {reference.name}")
    note = checked_note(arguments.note)
    given = arguments.media_type
    media_type = media_type_of(arguments.file) if given is None else checked_media_type(given)
    shown = "standard input" if arguments.file == "-" else arguments.file
    content = checked_content(_read(arguments.file), reference.name, media_type, shown)
    ticker = Ticker(context.err)
    registry = Registry(context.database, author(), on_wait=ticker.waiting, now_us=context.now_us)
    changed = registry.add(NewContent(reference.name, media_type, content, note), publish=arguments.publish)
    if arguments.json:
        context.out.json(changed_json(changed))
    else:
        _tell(context, changed)
    return ExitCode.SUCCEEDED


def _read(name: str) -> bytes:
    """The content, and one byte more than may be where there is more."""
    from store.assets.content import MOST_BYTES

    try:
        if name == "-":
            return sys.stdin.buffer.read(MOST_BYTES + 1)
        path = Path(name).expanduser()
        if path.is_dir():
            raise InputError("this is a folder", place=name, hint=f"for all that is in it: opscope asset import {name}")
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise InputError("there is no such file", place=name, hint="- reads standard input") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its name is not valid"
        hint = "name a file that you may read, or - for standard input"
        raise InputError(f"the file cannot be read: {reason.lower()}", place=name, hint=hint) from None


def _tell(context: Context, changed: Changed) -> None:
    from tui.viewmodel.asset_words import asset_mark

    mark = asset_mark(changed.status)
    status = Span(str(mark), mark.role)
    if changed.is_new:
        context.out.line("added ", Span(changed.ref, Role.STRONG), "  ", status)
    elif changed.is_change:
        context.out.line("published ", Span(changed.ref, Role.STRONG), ", which has this content already  ", status)
    else:
        context.out.line(Span(changed.ref, Role.STRONG), " has this content already; nothing was added  ", status)
    say_in_force(context, changed)

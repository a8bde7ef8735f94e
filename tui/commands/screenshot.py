"""`opscope screenshot`: draws a screen of the inspector into a file, without a terminal, for documents and CI."""

from __future__ import annotations

import argparse
import os
import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.errors import ExitCode, InputError
from tui.commands.arguments import describe

if TYPE_CHECKING:
    from tui.commands.context import Context

_SMALLEST: Final = (20, 5)
_LARGEST: Final = (500, 300)
_SCREENS: Final = (
    "runs",
    "monitor",
    "stages",
    "groups",
    "gantt",
    "replans",
    "logs",
    "events",
    "assets",
    "answer",
    "why",
    "override",
    "impact",
    "compare",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    describe(
        parser,
        "Draw a screen of the inspector as an SVG picture or as text. It needs no terminal. Without RUN the runs screen "
        "is drawn, or the chosen screen of the latest run.",
        examples=[
            ("opscope screenshot --screen runs -o runs.svg", "the list of runs"),
            ("opscope screenshot last --screen stages --size 160x45 -o run.svg", "a run's stages"),
            ("opscope screenshot last --format text", "as text, on stdout"),
            ("opscope screenshot last --theme nord -o nord.svg", "in the colours of a theme"),
            ("opscope screenshot 'last/stage/execute?step=ping' -o ping.svg", "what a permalink leads to"),
            ("opscope screenshot query/ci-lookup --screen impact -o i.svg", "of an asset, not of a run"),
            (
                "opscope screenshot 7f3a 7f3b 7f3c --screen compare --section 2 -o c.svg",
                "runs against those before them",
            ),
        ],
    )
    parser.add_argument(
        "runs",
        metavar="RUN",
        nargs="*",
        help="the beginning of a run's id (4 characters or more), `last`, or a permalink such as "
        "7f3a91/stage/execute?step=ping; with --screen compare: all runs that are in question; with --screen impact: "
        "an asset, TYPE/NAME",
    )
    parser.add_argument(
        "--section",
        type=int,
        choices=range(1, 6),
        metavar="1..5",
        help="of --screen compare: 1 verdict, 2 evidence, 3 differences, 4 data, 5 runs (default: 1)",
    )
    parser.add_argument(
        "--screen",
        choices=_SCREENS,
        metavar="SCREEN",
        help=f"one of {', '.join(_SCREENS)} (default: with RUN what its link names, else stages; without RUN runs)",
    )
    parser.add_argument("--size", type=parse_size, default=(80, 24), metavar="COLSxROWS", help="default: 80x24")
    parser.add_argument(
        "--theme",
        type=parse_theme,
        metavar="NAME",
        help="the colours: opscope-dark (the default), opscope-light, or another that the configuration allows; "
        "an unknown name lists them",
    )
    parser.add_argument(
        "--now",
        type=parse_moment,
        metavar="TIME",
        help="when it is looked at, such as 2026-01-12T03:00:00Z (default: now)",
    )
    parser.add_argument("--format", choices=["svg", "text"], help="default: by the ending of FILE, else svg")
    parser.add_argument("-o", "--output", metavar="FILE", help="where to write it (default: stdout)")


def parse_size(text: str) -> tuple[int, int]:
    """`80x24` as columns and rows."""
    found = re.fullmatch(r"(\d{1,4})[x×](\d{1,4})", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 80x24")
    columns, rows = int(found[1]), int(found[2])
    if not (_SMALLEST[0] <= columns <= _LARGEST[0] and _SMALLEST[1] <= rows <= _LARGEST[1]):
        raise argparse.ArgumentTypeError(
            f"{text} is not between {_SMALLEST[0]}x{_SMALLEST[1]} and {_LARGEST[0]}x{_LARGEST[1]}"
        )
    return columns, rows


def parse_moment(text: str) -> int:
    """An ISO time with its zone as microseconds since the epoch."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time with its zone, such as 2026-01-12T03:00:00Z")
    return round(moment.timestamp() * 1_000_000)


def parse_theme(text: str) -> str:
    """A theme by its name. Raises InputError with those that there are."""
    from engine.plan.faults import did_you_mean
    from tui.preferences import LIBRARY_THEMES, OUR_THEMES

    themes = (*OUR_THEMES, *LIBRARY_THEMES)
    if text not in themes:
        near = did_you_mean(text, themes).replace("'", "")
        raise InputError(f"there is no theme {text!r}", hint=f"{near} There are {', '.join(themes)}".strip())
    return text


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Draw it."""
    from tui.commands.screenshot_choice import choose

    target = None if arguments.output is None else Path(arguments.output)
    is_text = arguments.format == "text" or (
        arguments.format is None and target is not None and target.suffix == ".txt"
    )
    if is_text and arguments.theme is not None:
        raise InputError("--theme does nothing for text", hint="a picture has colours: --format svg")
    screen, place = choose(arguments, context)
    # Textual reads it when it is first imported; a picture does not depend on whose terminal asked for it.
    os.environ.pop("NO_COLOR", None)
    if context.no_color:
        os.environ["NO_COLOR"] = "1"
    import asyncio

    from tui.files import whole_file
    from tui.screenshot import screenshot

    picture = asyncio.run(
        screenshot(
            context.database,
            screen,
            place,
            arguments.size,
            "text" if is_text else "svg",
            clock=context.now_us if arguments.now is None else lambda: int(arguments.now),
            ascii_only=context.ascii_only,
            theme=arguments.theme,
        )
    )
    if target is None:
        context.out.text(picture.rstrip("\n"))
        return ExitCode.SUCCEEDED
    try:
        with whole_file(target) as take:
            take(picture.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise InputError(
            f"cannot write the picture: {error.strerror}", place=str(target), hint="choose another file with -o"
        ) from error
    context.err.line(f"wrote {target}")
    return ExitCode.SUCCEEDED

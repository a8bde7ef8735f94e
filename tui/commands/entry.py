"""From a command line to an exit code: finds the command, imports it alone, and turns every way it can end into a code."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

import engine
from engine.errors import ExitCode, InputError, OpscopeError, StoreError
from tui.commands.arguments import PROGRAM, CommandParser, HelpRequestedError, closest, joined
from tui.commands.complaint import print_crash, print_error
from tui.commands.context import Context
from tui.commands.output import ReaderGoneError
from tui.commands.registry import COMMANDS, load, verbs_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

_DESCRIPTION = "See every stage of every run. Change one thing. Run it again. Know what changed."
_EXAMPLES = (
    ("opscope demo", "run the shipped plans, look at them"),
    ("opscope run host_triage", "what is wrong with this host"),
    ("opscope run ci_lookup -p host=db-03", "a plan with a parameter"),
    ("opscope validate plans/", "check every plan of a folder"),
    ("opscope show last", "the latest run"),
    ("opscope logs last -f", "follow its output"),
    ("opscope cancel last", "end it, from any terminal"),
    ("opscope", "the inspector (on a pipe: the runs)"),
    ("opscope last/logs", "the inspector at a part of a run"),
)


def run(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    # Until the options are known, errors go out by what the words and the environment say.
    context = Context.of_process(os.environ, db=None, no_color="--no-color" in words, ascii_only="--ascii" in words)
    name, rest = split_command(words)
    try:
        code = _run_to_a_code(name, rest, context)
        context.out.flush()
        context.err.flush()
    except ReaderGoneError:
        context.out.discard()
        context.err.discard()
        return 128 + signal.SIGPIPE
    except OpscopeError as error:  # the last of the answer did not get out
        context.out.discard()
        print_error(context.err, error)
        return error.exit_code
    return code


def _run_to_a_code(name: str | None, words: list[str], context: Context) -> int:
    try:
        return _run(name, words, context)
    except HelpRequestedError as asked:
        context.out.text(asked.text.rstrip("\n"))
        if name == "run":
            from tui.commands.plan_help import print_plan_help

            print_plan_help(words, context)
        return ExitCode.SUCCEEDED
    except OpscopeError as error:
        print_error(context.err, error)
        return error.exit_code
    except KeyboardInterrupt:
        return ExitCode.CANCELED
    except ReaderGoneError:
        raise
    except Exception as error:  # the last place: a person gets a line, the details go to a file
        if os.environ.get("OPSCOPE_DEBUG"):
            raise
        return print_crash(context, name or "", error)


def split_command(words: Sequence[str]) -> tuple[str | None, list[str]]:
    """The command's name and everything else, in order: options that hold everywhere may stand before it or after it.

    A name may be two words, as in `asset add`.
    """
    position = _next_word(words, 0)
    if position >= len(words):
        return None, list(words)
    name, rest = words[position], [*words[:position], *words[position + 1 :]]
    if verbs_of(name) and (position := _next_word(rest, position)) < len(rest):
        name, rest = f"{name} {rest[position]}", [*rest[:position], *rest[position + 1 :]]
    return name, rest


def _next_word(words: Sequence[str], position: int) -> int:
    """Where the next word stands that is no option."""
    while position < len(words) and words[position].startswith("-"):
        position += 2 if words[position] == "--db" else 1
    return position


def _run(name: str | None, words: list[str], context: Context) -> int:
    if name is None:
        return _run_alone(words, context)
    if name == "help":
        name, words = split_command([*words, "--help"])
        return _run(name, words, context)
    if verbs_of(name):
        return _run_group(name, words)
    if name not in COMMANDS:
        from tui.viewmodel.links import could_be_link

        if could_be_link(name):
            return _run_link(name, words, context)
        meant = closest(name, COMMANDS)
        hint = f"did you mean {PROGRAM} {meant}?" if meant else f"see {PROGRAM} --help"
        raise InputError(f"there is no command {name!r}", hint=hint)
    module = load(name)
    parser = CommandParser(name)
    module.configure(parser)
    arguments = parser.parse_intermixed_args(joined(words))
    context = _with_options(context, arguments)
    if COMMANDS[name].performs:
        from tui.configuration import load_configuration

        load_configuration(context.env)
    if COMMANDS[name].recovers and not getattr(arguments, "dry_run", False):
        _recover_lost_runs(context)
    return module.execute(arguments, context)


def _run_group(name: str, words: Sequence[str]) -> int:
    """The first of two words, alone."""
    if "-h" in words or "--help" in words:
        raise HelpRequestedError(group_overview(name))
    raise InputError(f"{name} needs one more word", hint=f"{', '.join(verbs_of(name))}; see {PROGRAM} {name} --help")


def _recover_lost_runs(context: Context) -> None:
    """Whoever may write looks first for runs that have lost their engine. A file that cannot be read is the command's to tell."""
    from tui.commands.records import all_lost_runs

    try:
        if not all_lost_runs(context.database):
            return
    except StoreError:
        return
    from tui.commands.recovery import recover_lost_runs
    from tui.commands.steer import teller

    try:
        recover_lost_runs(context.database, teller(context))
    except StoreError as error:
        teller(context)(f"runs that have lost their engine are left as they are: {error}")


def _run_alone(words: list[str], context: Context) -> int:
    if "--version" in words:
        context.out.line(f"{PROGRAM} {engine.__version__}")
        return ExitCode.SUCCEEDED
    if "-h" in words or "--help" in words:
        raise HelpRequestedError(overview())
    arguments = _inspector_parser().parse_intermixed_args(words)
    context = _with_options(context, arguments)
    if context.is_interactive:
        from tui.commands.inspector import open_inspector

        return open_inspector(context, read_only=arguments.readonly)
    module = load("runs")
    listing = CommandParser("runs")
    module.configure(listing)
    return module.execute(listing.parse_args([]), context)


def _run_link(link: str, words: list[str], context: Context) -> int:
    """A run, or a link to a part of one, in the place of a command: the inspector there, on a pipe what `show` says of it."""
    if "-h" in words or "--help" in words:
        raise HelpRequestedError(overview())
    arguments = _inspector_parser().parse_intermixed_args(words)
    context = _with_options(context, arguments)
    if not context.is_interactive:
        showing = CommandParser("show")
        module = load("show")
        module.configure(showing)
        return module.execute(showing.parse_args([link]), context)
    from tui.commands.inspector import open_inspector
    from tui.commands.records import find_run, open_reader

    with open_reader(context) as reader:
        found = find_run(reader, link)
    return open_inspector(context, place=found.place(), read_only=arguments.readonly)


def _inspector_parser() -> CommandParser:
    parser = CommandParser()
    parser.add_argument("--readonly", action="store_true", help="the inspector changes nothing")
    return parser


def _with_options(context: Context, arguments: argparse.Namespace) -> Context:
    if arguments.db == "":
        raise InputError("--db needs the path of a file", hint="for example --db /srv/runs.db")
    return Context.of_process(context.env, db=arguments.db, no_color=arguments.no_color, ascii_only=arguments.ascii)


def group_overview(word: str) -> str:
    """The help of the commands that share their first word."""
    names = [f"{word} {verb}" for verb in verbs_of(word)]
    width = max(map(len, names))
    lines = [f"usage: {PROGRAM} {word} COMMAND [OPTIONS]", ""]
    lines += [f"  {name:<{width}}  {COMMANDS[name].summary}" for name in names]
    lines += ["", f"`{PROGRAM} {word} COMMAND --help` tells more, with examples and exit codes."]
    return "\n".join(lines)


def overview() -> str:
    """The help of the program: the commands by group, examples, what holds everywhere."""
    width = max(map(len, COMMANDS))
    lines = [f"usage: {PROGRAM} [COMMAND] [OPTIONS]", "", _DESCRIPTION]
    group = ""
    for name, entry in COMMANDS.items():
        if entry.group != group:
            group = entry.group
            lines += ["", f"{group}:"]
        lines.append(f"  {name:<{width}}  {entry.summary}")
    example_width = max(len(line) for line, _ in _EXAMPLES)
    lines += ["", "Examples:", *(f"  {line:<{example_width}}  {meaning}" for line, meaning in _EXAMPLES)]
    lines += [
        "",
        "Everywhere:",
        "  --db PATH   the database of runs (default: $OPSCOPE_DB, else what your",
        "              configuration names, else opscope/opscope.db in your state folder)",
        "  --no-color  no colours, as NO_COLOR=1 does",
        "  --ascii     draw with ASCII characters only",
        "  --readonly  of the inspector: it changes nothing",
        "  --version   print the version",
        "",
        "Your configuration: $OPSCOPE_CONFIG, else opscope/config.toml in your",
        "configuration folder: theme, keys, columns, database, hooks, language model.",
        f"`{PROGRAM} schema config` says what may stand in it, `{PROGRAM} doctor` checks it.",
        "",
        f"`{PROGRAM} COMMAND --help` tells more, with examples and exit codes.",
    ]
    return "\n".join(lines)

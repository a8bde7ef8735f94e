"""One attempt told as text: what was run where, how it ended, and what it said. Which attempts are told is decided elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span
from tui.viewmodel.tracebacks import error_lines, is_exception
from tui.viewmodel.words import clock, duration, size, step_mark

if TYPE_CHECKING:
    from engine.model.json import Json, JsonObject
    from store.rows import AttemptRow, RunRow
    from tui.commands.context import Context
    from tui.commands.output import Output

_MOST_TEXT: Final = 4000


def print_attempt(context: Context, run: RunRow, attempt: AttemptRow) -> None:
    """How it went and what was run, so that it can be run again by hand."""
    out, mark = context.out, step_mark(attempt.status)
    took = attempt.finished_at_us - attempt.started_at_us if attempt.finished_at_us is not None else None
    out.line(
        f"attempt {attempt.attempt}  ",
        Span(str(mark), mark.role),
        f"  {duration(took)}",
        f"  exit code {attempt.exit_code}" if attempt.exit_code is not None else "",
        Span(f"  {clock(attempt.started_at_us, now_us=context.now_us())}", Role.DIM),
    )
    definition = attempt.starting.get("definition")
    if not isinstance(definition, dict):
        return
    if definition.get("type") == "sql":
        out.line(Span("  database  ", Role.DIM), str(definition.get("database")))
        out.text(str(definition.get("query", "")).rstrip("\n"), indent="    ")
        out.line(Span("  args      ", Role.DIM), brief(definition.get("args")))
        return
    if definition.get("type") != "command":
        _print_definition(out, definition)
        return
    out.line(Span("  folder    ", Role.DIM), str(definition.get("cwd") or run.workdir))
    out.text(_pasteable(definition), indent="    ")


def _print_definition(out: Output, definition: JsonObject) -> None:
    """What an attempt ran that is no command, field by field; those that say nothing are left out."""
    for name, value in definition.items():
        if value in (None, [], {}):
            continue
        if isinstance(value, str) and "\n" in value:
            out.line(Span(f"  {name}", Role.DIM))
            out.text(value.rstrip("\n"), indent="    ")
        else:
            out.line(Span(f"  {name:<9} ", Role.DIM), brief(value))


def _pasteable(definition: JsonObject) -> str:
    """A command's argument vector as a shell takes it."""
    import shlex

    arguments = definition.get("args")
    words = [str(definition.get("command")), *map(str, arguments if isinstance(arguments, list) else [])]
    return shlex.join(words)


def print_error(out: Output, error: Json, folder: str) -> None:
    """What a program said of its own failure, the place first that it happened in."""
    if not isinstance(error, dict):
        return
    out.line()
    out.line(Span("error", Role.DIM))
    if is_exception(error):
        for line in error_lines(error, folder):
            out.text(line, indent="  ")
        return
    for name, value in error.items():
        if isinstance(value, str) and "\n" in value.strip():
            out.line(Span(f"  {name}", Role.DIM))
            out.text(value.strip("\n"), indent="    ")
        elif value not in (None, [], {}):
            out.line(Span(f"  {name:<9} ", Role.DIM), brief(value))


def print_text(out: Output, title: str, text: Json) -> None:
    """The end of an output under its title; nothing where there is none."""
    if not isinstance(text, str) or not text:
        return
    out.line()
    kept = text[-_MOST_TEXT:]
    cut = f" (the last {size(len(kept))}; opscope logs has all)" if len(text) > len(kept) else ""
    out.line(Span(f"{title}{cut}", Role.DIM))
    out.text(kept.rstrip("\n"), indent="  ")


def brief(value: Json) -> str:
    """A value on one line, its first 200 characters."""
    import json

    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else text[:200] + "…"

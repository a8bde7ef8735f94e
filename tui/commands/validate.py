"""`opscope validate`: checks plan files and folders of them, for a person and for a gate in CI."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import ExitCode, Fault, InputError, OpscopeError, PlanError
from tui.commands.arguments import describe
from tui.commands.complaint import located, print_faults
from tui.commands.planning import SUFFIXES, is_path, locate
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span
from tui.viewmodel.words import plural

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from engine.model.json import JsonObject
    from tui.commands.context import Context


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    describe(
        parser,
        "Check plans without running them: the format with line and column, references, conditions, parameters and "
        "the graph. Every fault of every file is listed. A folder is searched for .yaml, .yml and .json files, "
        "through all its folders.",
        examples=[
            ("opscope validate plans/", "every plan of a folder"),
            ("opscope validate deploy.yaml host_triage", "a file, and a plan by its name"),
            ("opscope validate --json plans/", "for a program"),
        ],
        exit_codes=(0, 2),
    )
    parser.add_argument("plans", metavar="PLAN", nargs="+", help="a plan file, a folder of them, or a plan's name")
    parser.add_argument("--json", action="store_true", help="print the findings as one JSON document")


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Check them all; bad input if any has a fault."""
    files = list(_files(arguments.plans, context))
    findings: list[JsonObject] = []
    bad = 0
    told_at = time.monotonic()
    for number, path in enumerate(files, start=1):
        if context.err.is_terminal and time.monotonic() - told_at > 1:
            told_at = time.monotonic()
            context.err.line(Span(f"checking {number} of {plural(len(files), 'plan')}", Role.DIM))
        error, warnings, plan_id = _check(path)
        bad += error is not None
        if arguments.json:
            findings.append(_finding(path, error, warnings, plan_id))
        else:
            _print(context, path, error, warnings, plan_id)
    if arguments.json:
        context.out.json({"plans": len(files), "faulty": bad, "files": findings})
    else:
        context.out.line(f"{plural(len(files), 'plan')} checked, {_verdict(bad, len(files))}")
    return ExitCode.BAD_INPUT if bad else ExitCode.SUCCEEDED


def _verdict(bad: int, files: int) -> str:
    if not bad:
        return "no faults"
    return "with faults" if bad == files else f"{bad:,} with faults"


def _files(given: Sequence[str], context: Context) -> Iterator[Path]:
    for text in given:
        folder = Path(text)
        if not _is_folder(folder) or not (is_path(text) or text in (".", "..")):
            # A bare name that is a folder here is meant as the folder unless a plan has that name.
            yield from _named_or_folder(text, folder, context)
        else:
            yield from _plans_in(folder)


def _named_or_folder(text: str, folder: Path, context: Context) -> Iterator[Path]:
    try:
        yield locate(text, context.env)
    except InputError:
        if not _is_folder(folder):
            raise
        yield from _plans_in(folder)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # it lies in a folder that may not be entered; reading it will say so, with its place
        return False


def _unreadable(error: OSError) -> None:
    raise InputError(
        "the folder may not be read", place=str(error.filename), hint="check its permissions, or name the plans"
    ) from error


def _plans_in(folder: Path) -> list[Path]:
    found: list[Path] = []
    for root, folders, names in os.walk(folder, onerror=_unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(root) / name for name in sorted(names) if name.endswith(SUFFIXES)]
    if not found:
        raise InputError("there is no plan in this folder", place=str(folder), hint="plans end in .yaml, .yml or .json")
    return found


def _check(path: Path) -> tuple[OpscopeError | None, tuple[Fault, ...], str]:
    from engine.plan.load import load_plan_file

    try:
        compiled = load_plan_file(path)
    except InputError as error:
        return error, (), ""
    return None, compiled.warnings, compiled.plan.plan_id


def _faults(error: OpscopeError | None) -> tuple[Fault, ...]:
    if error is None:
        return ()
    return error.faults if isinstance(error, PlanError) else (Fault(error.cause, hint=error.hint),)


def _print(context: Context, path: Path, error: OpscopeError | None, warnings: tuple[Fault, ...], plan_id: str) -> None:
    if error is not None:
        print_faults(context.out, str(path), _faults(error))
    for warning in warnings:
        place = Span(located(str(path), warning), Role.DIM)
        context.out.line(place, ": ", Span("warning", Role.WARNING), f": {warning.message}")
        if warning.hint:
            context.out.text(warning.hint, role=Role.DIM, indent="    ")
    if error is None and context.out.is_terminal:
        context.out.line(Span("✓ ", Role.SUCCEEDED), f"{path}  {plan_id}")


def _finding(path: Path, error: OpscopeError | None, warnings: tuple[Fault, ...], plan_id: str) -> JsonObject:
    return {
        "file": str(path),
        "plan_id": plan_id or None,
        "ok": error is None,
        "faults": [_fault_json(fault) for fault in _faults(error)],
        "warnings": [_fault_json(fault) for fault in warnings],
    }


def _fault_json(fault: Fault) -> JsonObject:
    return {
        "line": fault.line,
        "column": fault.column,
        "path": fault.path,
        "message": fault.message,
        "hint": fault.hint,
    }

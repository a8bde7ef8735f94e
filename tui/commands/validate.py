"""`opscope validate`: checks plan files and folders of them, for a person and for a gate in CI."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import ExitCode, Fault, InputError, OpscopeError, PlanError
from tui.commands.arguments import describe
from tui.commands.complaint import located, print_faults
from tui.commands.plan_assets import asset_warnings
from tui.commands.plan_files import FolderOfPlans, plans_in
from tui.commands.planning import is_path, locate
from tui.commands.sub_plans import sub_plan_faults
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span
from tui.viewmodel.words import plural

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from engine.model.json import JsonObject
    from tui.commands.context import Context

_PASSED_OVER_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found in one file. `plan_id` is empty where it has faults that keep it from being read."""

    path: Path
    faults: tuple[Fault, ...] = ()
    warnings: tuple[Fault, ...] = ()
    plan_id: str = ""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    describe(
        parser,
        "Check plans without running them: the format with line and column, references, conditions, parameters, "
        "the graph, and the plans that they run as steps; of the assets that they name it is a warning if your file of "
        "runs does not have them. Every fault of every file is listed, one line each where no "
        "terminal reads it. A folder is searched for .yaml, .yml and .json files, through all its folders; what is no "
        "plan is passed over and named, but a file that is named itself is always checked.",
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
    given = _files(arguments.plans, context)
    findings: list[Finding] = []
    told_at = time.monotonic()
    for number, path in enumerate(given.plans, start=1):
        if context.err.is_terminal and time.monotonic() - told_at > 1:
            told_at = time.monotonic()
            context.err.line(Span(f"checking {number} of {plural(len(given.plans), 'plan')}", Role.DIM))
        finding = _check(path, context)
        findings.append(finding)
        if not arguments.json:
            _print(context, finding)
    if arguments.json:
        context.out.json(_report(findings, given.passed_over))
    else:
        _summarise(context, findings, given.passed_over)
    return ExitCode.BAD_INPUT if any(finding.faults for finding in findings) else ExitCode.SUCCEEDED


def _files(given: Sequence[str], context: Context) -> FolderOfPlans:
    """Every file once, in the order in which it was named first."""
    plans: dict[Path, None] = {}
    others: dict[Path, None] = {}
    for text in given:
        found = _named(text, context)
        plans.update(dict.fromkeys(found.plans))
        others.update(dict.fromkeys(found.passed_over))
    return FolderOfPlans(list(plans), [path for path in others if path not in plans])


def _named(text: str, context: Context) -> FolderOfPlans:
    folder = Path(text)
    if _is_folder(folder) and (is_path(text) or text in (".", "..")):
        return plans_in(folder)
    try:
        return FolderOfPlans([locate(text, context.env)])
    except InputError:
        # A bare name that is a folder here is meant as the folder unless a plan has that name.
        if not _is_folder(folder):
            raise
        return plans_in(folder)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # it lies in a folder that may not be entered; reading it will say so, with its place
        return False


def _check(path: Path, context: Context) -> Finding:
    from engine.plan.load import load_plan_file

    try:
        compiled = load_plan_file(path)
    except InputError as error:
        return Finding(path, _faults(error))
    warnings = compiled.warnings
    if compiled.plan.assets:
        warnings = (*warnings, *asset_warnings(compiled, path, context.database))
    return Finding(path, sub_plan_faults(compiled, path, context.env), warnings, compiled.plan.plan_id)


def _faults(error: OpscopeError) -> tuple[Fault, ...]:
    return error.faults if isinstance(error, PlanError) else (Fault(error.cause, hint=error.hint),)


def _print(context: Context, finding: Finding) -> None:
    name = str(finding.path)
    if context.out.is_terminal:
        print_faults(context.out, name, finding.faults)
        _print_warnings(context, finding)
        if not finding.faults:
            context.out.line(Span("✓ ", Role.SUCCEEDED), f"{name}  {finding.plan_id}")
        return
    for fault in finding.faults:
        context.out.line(f"{located(name, fault)}: fault: {_in_one_line(fault)}")
    for warning in finding.warnings:
        context.out.line(f"{located(name, warning)}: warning: {_in_one_line(warning)}")


def _print_warnings(context: Context, finding: Finding) -> None:
    for warning in finding.warnings:
        place = Span(located(str(finding.path), warning), Role.DIM)
        context.out.line(place, ": ", Span("warning", Role.WARNING), f": {warning.message}")
        if warning.hint:
            context.out.text(warning.hint, role=Role.DIM, indent="    ")


def _in_one_line(fault: Fault) -> str:
    place = f"  [{fault.path}]" if fault.path else ""
    hint = f"  ({' '.join(fault.hint.split())})" if fault.hint else ""
    return f"{fault.message}{place}{hint}"


def _summarise(context: Context, findings: Sequence[Finding], passed_over: Sequence[Path]) -> None:
    if passed_over:
        shown = ", ".join(str(path) for path in passed_over[:_PASSED_OVER_SHOWN])
        more = len(passed_over) - _PASSED_OVER_SHOWN
        rest = f" and {more} more" if more > 0 else ""
        context.out.line(Span(f"passed over, no plans: {shown}{rest}", Role.DIM))
    bad = sum(bool(finding.faults) for finding in findings)
    verdict = "no faults" if not bad else "with faults" if bad == len(findings) else f"{bad:,} with faults"
    warnings = sum(len(finding.warnings) for finding in findings)
    told = f", {plural(warnings, 'warning')}" if warnings else ""
    context.out.line(f"{plural(len(findings), 'plan')} checked, {verdict}{told}")


def _report(findings: Sequence[Finding], passed_over: Sequence[Path]) -> JsonObject:
    return {
        "plans": len(findings),
        "faulty": sum(bool(finding.faults) for finding in findings),
        "files": [
            {
                "file": str(finding.path),
                "plan_id": finding.plan_id or None,
                "ok": not finding.faults,
                "faults": [_fault_json(fault) for fault in finding.faults],
                "warnings": [_fault_json(fault) for fault in finding.warnings],
            }
            for finding in findings
        ],
        "passed_over": [str(path) for path in passed_over],
    }


def _fault_json(fault: Fault) -> JsonObject:
    return {
        "line": fault.line,
        "column": fault.column,
        "path": fault.path,
        "message": fault.message,
        "hint": fault.hint,
    }

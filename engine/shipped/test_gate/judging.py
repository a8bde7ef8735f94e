"""What the checks found, held against what is allowed. One row for each check; the verdict is the first cause of a red run."""

from __future__ import annotations

from typing import Any

from .calling import counted, listed, refuse, say

_ORDER = ("tests", "types", "lint", "coverage")
"""The most telling first, since a first cause is short."""


def judge(
    look: dict[str, Any],
    states: dict[str, Any],
    found: dict[str, Any],
    said: dict[str, Any],
    limits: dict[str, Any],
    checks: list[str],
    required: list[str],
) -> dict[str, Any]:
    """A row for every check that was asked for, and the sentences that speak against the project."""
    rows = []
    against: list[str] = []
    for check in sorted(checks, key=_ORDER.index):
        row, complaint = _row(
            check, look, states.get(check), found.get(check), said.get(check), limits, check in required
        )
        rows.append(row)
        if complaint:
            against.append(f"{check}: {complaint}")
        say(f"{row['check']:9} {row['result']:8} {row['found']}  {row['note']}")
    tests = found.get("tests") or {}
    return {
        "is_passed": not against,
        "rows": rows,
        "against": against,
        "failed_tests": tests.get("rows") or [],
        "findings": [
            {"check": check, **row}
            for check in ("types", "lint")
            for row in (found.get(check) or {}).get("rows", [])[:50]
        ],
        "headline": f"{counted(len(against), 'check')} of {len(rows)} failed"
        if against
        else "Everything that could be checked is good",
    }


def verdict(judged: dict[str, Any]) -> dict[str, Any]:
    """Fail the run for what speaks against the project, the names of failed tests first."""
    if not judged["is_passed"]:
        details = [f"{row['check']:9} {row['result']:8} {row['found']}  {row['note']}" for row in judged["rows"]]
        details += [f"failed: {row['test']}  {row['message']}" for row in judged["failed_tests"][:50]]
        refuse("; ".join(judged["against"]), *details)
    return {"is_passed": True}


def _row(
    check: str, look: dict[str, Any], state: Any, found: Any, said: Any, limits: dict[str, Any], is_required: bool
) -> tuple[dict[str, Any], str]:
    tool = (look["tools"].get(check) or {}).get("name", "-")
    row = {"check": check, "tool": tool, "result": "passed", "found": "", "note": ""}
    least = limits["min_coverage"]
    if found is None and state != "failed":
        why = look["reasons"].get(check) or "not run, since what it needs failed"
        row.update(result="skipped", note=why)
        if is_required:
            row.update(result="FAILED")
            return row, f"required, and {why}"
        if check == "coverage" and least > 0:
            row.update(result="FAILED")
            return row, f"{least:g}% is asked for and cannot be measured: {why}"
        return row, ""
    if found is None:
        row.update(result="BROKEN", note=str(said or "").partition(": ")[2] or str(said))
        return row, str(row["note"])
    complaint = _complaint(check, found, limits, is_required)
    row.update(found=_words(check, found), note=_note(check, limits))
    if complaint:
        row.update(result="FAILED")
    return row, complaint


def _complaint(check: str, found: dict[str, Any], limits: dict[str, Any], is_required: bool) -> str:
    if check == "tests":
        if found["total"] == 0 and not found["failed"]:
            return "required, and there are none" if is_required else ""
        if found["failed"] > limits["max_failed"]:
            return (
                f"{found['failed']} of {max(found['total'], found['failed'])} failed: {listed(found['failed_tests'])}"
            )
        return ""
    if check == "coverage":
        return (
            f"{found['percent']:g}% of the lines, {limits['min_coverage']:g}% needed"
            if found["percent"] < limits["min_coverage"]
            else ""
        )
    most = limits[f"max_{check}"]
    if found["findings"] <= most:
        return ""
    first = found["rows"][0]
    where = f"{first['file']}:{first['line']}: {first['code']} {first['message']}"
    return f"{counted(found['findings'], 'finding')} of {found['tool']}, {most} allowed, the first at {where}"


def _words(check: str, found: dict[str, Any]) -> str:
    if check == "tests":
        return (
            f"{found['passed']} passed, {found['failed']} failed, {found['skipped']} skipped"
            if found["total"]
            else "no tests"
        )
    return f"{found['percent']:g}%" if check == "coverage" else counted(found["findings"], "finding")


def _note(check: str, limits: dict[str, Any]) -> str:
    if check == "coverage":
        return f"at least {limits['min_coverage']:g}%"
    return f"{limits['max_failed']} may fail" if check == "tests" else f"{limits[f'max_{check}']} allowed"

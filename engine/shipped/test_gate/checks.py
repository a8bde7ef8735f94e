"""The checks themselves: each calls one tool and makes data of what it said. Findings are data; a tool that breaks is a failure."""

from __future__ import annotations

import json
import os
import re
import shutil
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path
from typing import Any

from .calling import MOST_ROWS, ask, counted, not_usable, refuse, say, scratch_folder, watch
from .looking import is_configured

_LINE = re.compile(r"^(?P<file>[^\n]+?):(?P<line>[0-9]+):(?:(?P<column>[0-9]+):)? ?(?P<rest>.*)$")
_FLAKE8 = re.compile(r"^(?P<code>[A-Z]+[0-9]+) (?P<message>.*)$")
_MYPY = re.compile(r"^error: (?P<message>.*?)(?:  \[(?P<code>[a-z0-9-]+)\])?$")
_MYPY_TARGETS = re.compile(r"^\s*(?:files|packages|modules)\s*=", re.MULTILINE)
_NOTHING_COLLECTED = 5


def lint(project: str, tool: dict[str, Any], paths: list[str]) -> dict[str, Any]:
    """Run the linter and count what it finds."""
    targets = ["--", *(paths or ["."])]
    if tool["name"] == "ruff":
        done = ask([*tool["argv"], "check", "--output-format=json", "--no-cache", "--exit-zero", *targets], project)
        rows = _from_json(tool["name"], done, _ruff_rows)
    else:
        done = ask([*tool["argv"], "--exit-zero", "--extend-exclude=.venv,venv", *targets], project)
        rows = _from_lines(done.stdout, _FLAKE8)
        if done.returncode or (done.stderr.strip() and not rows):
            not_usable(tool["name"], done)
    return _findings(tool["name"], rows, project)


def types(project: str, tool: dict[str, Any], paths: list[str], python: str, run_id: str) -> dict[str, Any]:
    """Run the type checker and count its errors."""
    if tool["name"] == "pyright":
        done = ask([*tool["argv"], "--outputjson", *paths], project)
        return _findings("pyright", _from_json("pyright", done, _pyright_rows), project)
    words = ["--no-error-summary", "--no-color-output", "--no-pretty", "--show-error-codes"]
    if not os.access(project, os.W_OK):
        words.append(f"--cache-dir={scratch_folder(run_id) / 'mypy'}")
    if not tool["is_module"]:
        words.append(f"--python-executable={python}")
    if not paths and not _has_targets(Path(project)):
        words += ["--exclude", "(^|/)venv/", "."]
    done = ask([*tool["argv"], *words, *paths], project)
    rows = _from_lines(done.stdout, _MYPY)
    if done.returncode and not rows:
        not_usable("mypy", done)
    return _findings("mypy", rows, project)


def tests(
    project: str,
    tool: dict[str, Any],
    coverage: dict[str, Any] | None,
    covers_itself: bool,
    pytest_args: list[str],
    timeout_sec: float,
    run_id: str,
) -> dict[str, Any]:
    """Run the tests, under coverage where that can be measured, and name those that failed."""
    scratch = scratch_folder(run_id)
    report = scratch / "tests.xml"
    for old in scratch.iterdir():  # of a try that was interrupted
        if old.is_file():
            old.unlink()
    argv = list(tool["argv"])
    if coverage is not None and not covers_itself:
        argv = [*coverage["argv"], "run", *(["-m", "pytest"] if tool["is_module"] else [tool["argv"][0]])]
    words = [f"--junitxml={report}", "-o", "junit_family=xunit1", "-o", f"cache_dir={scratch / 'cache'}"]
    code = watch([*argv, *words, *pytest_args], project, timeout_sec, COVERAGE_FILE=str(scratch / "coverage.data"))
    try:
        cases = list(ElementTree.parse(report).getroot().iter("testcase"))  # noqa: S314 - by code of the project, which just ran
    except (OSError, ElementTree.ParseError):
        cases = []
    if not cases and code not in (0, _NOTHING_COLLECTED):
        how = f"exit {code}" if code >= 0 else f"signal {-code}"
        refuse(f"pytest could not run the tests ({how}); what it said is in the log of the step")
    return _tested(cases, code)


def coverage(project: str, tool: dict[str, Any], run_id: str) -> dict[str, Any]:
    """What share of the lines the tests have run, and the files with the least."""
    scratch = scratch_folder(run_id)
    data, report = scratch / "coverage.data", scratch / "coverage.json"
    env = {"COVERAGE_FILE": str(data)}
    if not data.exists() and any(scratch.glob("coverage.data.*")):
        done = ask([*tool["argv"], "combine"], project, **env)
        if done.returncode:
            not_usable("coverage combine", done)
    if not data.exists():
        refuse("the tests left no coverage data")
    done = ask([*tool["argv"], "json", "-o", str(report)], project, **env)
    try:
        found = json.loads(report.read_text(encoding="utf-8"))
        percent = float(found["totals"]["percent_covered"])
        files = [(name, float(file["summary"]["percent_covered"])) for name, file in found["files"].items()]
    except (OSError, ValueError, KeyError, TypeError):
        not_usable("coverage", done)
    lowest = sorted(files, key=lambda file: (file[1], file[0]))[:20]
    rows = [{"file": name, "percent": round(share, 1)} for name, share in lowest]
    return {"tool": "coverage", "percent": round(percent, 2), "files": len(files), "rows": rows}


def clean_up(run_id: str) -> dict[str, Any]:
    """Remove what the tools of this run have written. Safe to repeat."""
    folder = scratch_folder(run_id)
    if folder.is_dir() and not folder.is_symlink() and folder.lstat().st_uid == os.getuid():
        shutil.rmtree(folder)
    return {"removed": str(folder)}


def _tested(cases: list[ElementTree.Element], code: int) -> dict[str, Any]:
    failed: dict[str, str] = {}
    skipped = 0
    for case in cases:
        bad = next((child for child in case if child.tag in ("failure", "error")), None)
        if bad is not None:
            failed.setdefault(_node_id(case), (bad.get("message") or bad.text or "").strip().partition("\n")[0][:300])
        elif case.find("skipped") is not None:
            skipped += 1
    names = list(failed)
    total = len({_node_id(case) for case in cases})
    say(f"{counted(total, 'test')}, {len(names)} failed, {skipped} skipped")
    if code not in (0, _NOTHING_COLLECTED) and not names:
        names = [f"pytest itself (exit {code})"]
    rows = [{"test": name, "message": failed.get(name, "")} for name in names[:MOST_ROWS]]
    return {
        "tool": "pytest",
        "total": total,
        "failed": len(names),
        "skipped": skipped,
        "passed": max(0, total - len(failed) - skipped),
        "failed_tests": names[:MOST_ROWS],
        "rows": rows,
        "seconds": round(sum(float(case.get("time") or 0) for case in cases), 2),
    }


def _node_id(case: ElementTree.Element) -> str:
    """`tests/test_a.py::TestB::test_c[1]`, as pytest takes it back."""
    file, within, name = case.get("file"), case.get("classname") or "", case.get("name") or "?"
    if file is None:
        return f"{within}.{name}" if within else name
    module = file[: -len(".py")].replace("/", ".") if file.endswith(".py") else file
    classes = within[len(module) + 1 :].split(".") if within.startswith(f"{module}.") else []
    return "::".join([file, *classes, name])


def _findings(name: str, rows: list[dict[str, Any]], project: str) -> dict[str, Any]:
    inside = os.path.realpath(project) + os.sep
    for row in rows:
        file = os.path.realpath(Path(project) / row["file"])
        row["file"] = file[len(inside) :] if file.startswith(inside) else row["file"]
    codes = Counter(str(row["code"]) for row in rows)
    say(counted(len(rows), "finding"))
    for row in rows[:MOST_ROWS]:
        say(f"{row['file']}:{row['line']}: {row['code']} {row['message']}")
    return {
        "tool": name,
        "findings": len(rows),
        "by_code": [{"code": code, "count": count} for code, count in codes.most_common(20)],
        "rows": rows[:MOST_ROWS],
    }


def _from_json(name: str, done: Any, rows_of: Any) -> list[dict[str, Any]]:
    try:
        rows: list[dict[str, Any]] = rows_of(json.loads(done.stdout))
    except (ValueError, KeyError, TypeError):
        not_usable(name, done)
    return rows


def _ruff_rows(found: Any) -> list[dict[str, Any]]:
    return [
        {
            "file": item["filename"],
            "line": item["location"]["row"],
            "code": item.get("code") or "syntax",
            "message": item["message"],
        }
        for item in found
    ]


def _pyright_rows(found: Any) -> list[dict[str, Any]]:
    return [
        {
            "file": item["file"],
            "line": item["range"]["start"]["line"] + 1,
            "code": item.get("rule") or "error",
            "message": item["message"].partition("\n")[0],
        }
        for item in found["generalDiagnostics"]
        if item["severity"] == "error"
    ]


def _from_lines(text: str, pattern: re.Pattern[str]) -> list[dict[str, Any]]:
    rows = []
    for line in text.splitlines():
        found = _LINE.match(line)
        said = pattern.match(found["rest"]) if found else None
        if found and said:
            code = said["code"] or "error"
            rows.append({"file": found["file"], "line": int(found["line"]), "code": code, "message": said["message"]})
    return rows


def _has_targets(project: Path) -> bool:
    """True if the project's settings say what mypy is to look at."""
    if not is_configured("mypy", project):
        return False
    for name, section in (
        ("mypy.ini", "[mypy"),
        (".mypy.ini", "[mypy"),
        ("pyproject.toml", "[tool.mypy"),
        ("setup.cfg", "[mypy"),
    ):
        path = project / name
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        for part in text.split(section)[1:]:
            if _MYPY_TARGETS.search(re.split(r"^\[", part, maxsplit=1, flags=re.MULTILINE)[0]):
                return True
    return False

"""Finding out what there is to check a project with: its interpreter and its tools, the configured ones first. Only looks."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

from .calling import quiet_environment, refuse, say, scratch_folder

CHECKS = {"lint": ("ruff", "flake8"), "types": ("mypy", "pyright"), "tests": ("pytest",), "coverage": ("coverage",)}

_CONFIGURED = {
    "ruff": (("ruff.toml", ""), (".ruff.toml", ""), ("pyproject.toml", "[tool.ruff")),
    "flake8": ((".flake8", ""), ("setup.cfg", "[flake8"), ("tox.ini", "[flake8")),
    "mypy": (("mypy.ini", ""), (".mypy.ini", ""), ("pyproject.toml", "[tool.mypy"), ("setup.cfg", "[mypy")),
    "pyright": (("pyrightconfig.json", ""), ("pyproject.toml", "[tool.pyright")),
}
_PROBE = """
import importlib.util, json, sys
sys.path = [folder for folder in sys.path if folder]
names = json.loads(sys.argv[1])
found = [name for name in names if importlib.util.find_spec(name) is not None]
print(json.dumps({"version": "%d.%d.%d" % sys.version_info[:3], "modules": found}))
"""


def look(project: str, python: str | None, checks: list[str], required: list[str], run_id: str) -> dict[str, Any]:
    """Which tool does which check, and why one that is missing is. Refuses a project that cannot be checked at all."""
    for name in [*checks, *required]:
        if name not in CHECKS:
            refuse(f"there is no check {name!r}; there are: {', '.join(CHECKS)}")
    for name in required:
        if name not in checks:
            refuse(f"{name} is required and is not among the checks to do")
    folder = Path(project).absolute()
    if not folder.is_dir():
        refuse(f"there is no folder {project}; name the project with -p project=FOLDER")
    _make_scratch(run_id)
    interpreter, found = _interpreter(folder, python)
    tools: dict[str, Any] = {}
    reasons: dict[str, str] = {}
    for check in checks:
        tool = _tool(check, folder, interpreter, found["modules"])
        tools[check] = tool
        if tool is None:
            reasons[check] = f"no {' or '.join(CHECKS[check])} in {interpreter} or on the PATH"
        say(f"{check:9} {' '.join(tool['argv']) if tool else reasons[check]}")
    if tools.get("coverage"):
        reasons.update(_no_coverage(tools, checks))
        tools["coverage"] = None if "coverage" in reasons else tools["coverage"]
    tools = {check: tools.get(check) for check in CHECKS}
    return {
        "project": str(folder),
        "python": interpreter,
        "version": found["version"],
        "tools": tools,
        "reasons": reasons,
        "covers_itself": "pytest_cov" in found["modules"] and _mentions(folder, "--cov"),
    }


def _make_scratch(run_id: str) -> None:
    folder = scratch_folder(run_id)
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        kept = folder.lstat()
    except OSError as error:
        refuse(f"there can be no folder {folder} for what the tools write: {error.strerror}")
    if not stat.S_ISDIR(kept.st_mode) or kept.st_uid != os.getuid():
        refuse(f"{folder} is somebody else's; remove it")


def _interpreter(folder: Path, python: str | None) -> tuple[str, dict[str, Any]]:
    """The interpreter that was asked for, else the project's own, else the one that runs this."""
    if python:
        named = str(folder / python) if "/" in python else shutil.which(python)
        if named is None or not Path(named).is_file():
            refuse(f"there is no interpreter {python}; name one with -p python=FILE")
        candidates = [named]
    else:
        own = [folder / name / "bin" / "python" for name in (".venv", "venv")]
        candidates = [str(path) for path in own if path.is_file()] or [shutil.which("python3") or "python3"]
    names = sorted({name for some in CHECKS.values() for name in some} | {"pytest_cov"})
    try:
        done = subprocess.run(
            [candidates[0], "-c", _PROBE, json.dumps(names)],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=60,
            env=quiet_environment(),
            check=False,
        )
        found: dict[str, Any] = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        refuse(f"{candidates[0]} does not answer as a Python; name another interpreter with -p python=FILE")
    return candidates[0], found


def _tool(check: str, folder: Path, interpreter: str, modules: list[str]) -> dict[str, Any] | None:
    """The first tool that is there, those that the project has settings for before the others."""
    candidates = sorted(CHECKS[check], key=lambda name: not is_configured(name, folder))
    for name in candidates:
        beside = Path(interpreter).parent / name
        if name in modules:
            return {"name": name, "argv": [interpreter, "-m", name], "is_module": True}
        if "/" in interpreter and os.access(beside, os.X_OK):
            return {"name": name, "argv": [str(beside)], "is_module": False}
        if shutil.which(name):
            return {"name": name, "argv": [shutil.which(name)], "is_module": False}
    return None


def is_configured(name: str, folder: Path) -> bool:
    """True if the project has settings for the tool."""
    return any(_has(folder / file, section) for file, section in _CONFIGURED.get(name, ()))


def _has(path: Path, text: str) -> bool:
    try:
        return text in path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def _mentions(folder: Path, text: str) -> bool:
    return any(_has(folder / name, text) for name in ("pyproject.toml", "pytest.ini", "setup.cfg", "tox.ini"))


def _no_coverage(tools: dict[str, Any], checks: list[str]) -> dict[str, str]:
    """Why coverage cannot be measured although there is a tool for it."""
    if "tests" not in checks:
        return {"coverage": "the tests are not run, so nothing is covered"}
    if not tools.get("tests"):
        return {"coverage": "there is no pytest to run the tests with"}
    if tools["tests"]["is_module"] != tools["coverage"]["is_module"]:
        return {"coverage": "coverage and pytest are not in the same Python"}
    return {}

"""The command line that runs a recorded run's plan once more, where the plan's file can still be found. Runs nothing."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tui.commands.planning import SUFFIXES, named_plans

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tui.viewmodel.differences import Recorded

_MOST_FILES: Final = 500
_MASK: Final = "***"


def run_again(recorded: Recorded, source: str, env: Mapping[str, str]) -> str:
    """`cd FOLDER && opscope run PLAN -p NAME=VALUE`, or nothing where no file with just this plan is known.

    What the plan's defaults give is left out. A parameter that held a secret was masked, so it cannot be given again.
    """
    folder = str(recorded.created.get("plan_folder") or "")
    path = next(_files_with(source, folder), None)
    if path is None:
        return ""
    name = next((name for name, named in named_plans(env).items() if named == path), None)
    words = ["opscope", "run", name or str(path)]
    declared = recorded.document.get("params")
    for param, value in recorded.run.params.items():
        about = declared.get(param) if isinstance(declared, dict) else None
        default = about.get("default") if isinstance(about, dict) else None
        if value != default:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            if _MASK in text:
                return ""
            words += ["-p", f"{param}={text}"]
    command = shlex.join(words)
    if recorded.run.workdir and recorded.run.workdir != _current_folder():
        command = f"cd {shlex.quote(recorded.run.workdir)} && {command}"
    return command


def _files_with(source: str, folder: str) -> Iterator[Path]:
    """The plan files of a folder that hold exactly this text."""
    content = source.encode("utf-8", "surrogatepass")
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)[:_MOST_FILES] if folder else []
        for entry in entries:
            if entry.name.endswith(SUFFIXES) and entry.is_file() and entry.stat().st_size == len(content):
                path = Path(entry.path)
                if path.read_bytes() == content:
                    yield path
    except OSError:  # the folder is gone or may not be read: then there is nothing to propose
        return


def _current_folder() -> str:
    try:
        return str(Path.cwd())
    except OSError:
        return ""

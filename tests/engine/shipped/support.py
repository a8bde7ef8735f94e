"""What tests of shipped plans share: a home with a file of runs, plans run by a real engine, and their steps as recorded."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.shipped import shipped_plans
from store.embedding import open_engine
from store.reader import Reader
from store.trace import trace_document

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model.json import Json

SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True)
class Ran:
    """How a run ended, with the recorded result of every step."""

    run_id: str
    status: str
    cause: str
    composed: Any
    steps: dict[str, dict[str, Any]]
    blocks: list[dict[str, Any]]

    def state(self, step_id: str) -> str:
        return str(self.steps[step_id]["status"])

    def data(self, step_id: str) -> Any:
        return self.steps[step_id]["result"]["data"]


@dataclass
class Home:
    """A home folder with a PATH of its own, on which this interpreter is `python3`. `env` comes on top."""

    folder: Path
    env: dict[str, str] = field(default_factory=dict)
    file: str = "runs.db"

    def __post_init__(self) -> None:
        self.bin = self.folder / "bin"
        self.bin.mkdir(exist_ok=True)
        self.link("python3", Path(sys.base_prefix) / "bin" / "python3")

    @property
    def database(self) -> Path:
        return self.folder / self.file

    @property
    def scratch(self) -> Path:
        """The folder for temporary files."""
        return self.folder / "tmp"

    @property
    def environment(self) -> dict[str, str]:
        """The environment that the plans are run with."""
        base = {"PATH": f"{self.bin}:{SYSTEM_PATH}", "HOME": str(self.folder), "LANG": "C.UTF-8", "TZ": "UTC"}
        return {**base, "TMPDIR": str(self.scratch), **self.env}

    def link(self, name: str, program: Path | None = None) -> None:
        """Put a program on the PATH of this home."""
        found = program or shutil.which(name)
        assert found, f"this host has no {name}"
        (self.bin / name).unlink(missing_ok=True)
        (self.bin / name).symlink_to(found)

    def script(self, name: str, text: str) -> Path:
        """A program of one's own on the PATH of this home."""
        path = self.bin / name
        path.unlink(missing_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return path

    def gate(self) -> tuple[str, Path, Path]:
        """A program that says `up` through a door and waits at a gate for a line; with the door and the gate."""
        door, gate = self.folder / "door", self.folder / "gate"
        os.mkfifo(door)
        os.mkfifo(gate)
        return str(self.script("waiting", f"#!/bin/sh\necho up > '{door}'\nread line < '{gate}'\n")), door, gate

    def only(self, *names: str) -> None:
        """Leave nothing on the PATH but python3 and these programs."""
        for name in names:
            self.link(name)
        self.env["PATH"] = str(self.bin)

    def run(self, plan: str, workdir: Path | None = None, /, **params: Json) -> Ran:
        """Run a shipped plan to its end."""
        self.scratch.mkdir(exist_ok=True)
        return asyncio.run(self._run(plan, workdir or self.folder, params))

    async def _run(self, plan: str, workdir: Path, params: Mapping[str, Json]) -> Ran:
        async with open_engine(self.database, env=self.environment) as engine:
            outcome = await engine.run(shipped_plans()[plan], params, workdir=workdir)
        return self.ran(outcome.run_id)

    def ran(self, run_id: str) -> Ran:
        """A run as it is recorded."""
        with Reader.open(self.database) as reader:
            trace: Any = trace_document(reader, run_id)
        stages = {stage["stage"]: stage for stage in trace["stages"]}
        presented = (stages.get("present") or {}).get("output") or {}
        composed = (stages.get("compose") or {}).get("output") or {}
        return Ran(
            run_id,
            trace["status"],
            str((trace["first_cause"] or {}).get("message", "")),
            composed.get("result"),
            {step["id"]: step for step in trace["steps"] if step["item_index"] is None},
            (presented.get("result") or {}).get("blocks", []),
        )


def run_quietly(*words: str, cwd: Path, env: Mapping[str, str] | None = None) -> str:
    """A program that has to succeed; what it printed."""
    done = subprocess.run(
        words, cwd=cwd, env=env or os.environ, capture_output=True, check=False, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, os.fsdecode(done.stderr + done.stdout)
    return os.fsdecode(done.stdout)

"""Records anew the runs that the pictures of docs/ show, on the host that exists only while sample_traces/make.py makes it.

`python -m docs.record_runs` writes docs/pictures/runs/. Needed only when what a run records has changed; the pictures are
drawn from these files by docs/make_pictures.py, as often as one likes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from sample_traces.make import ENVIRONMENT, HOME, PLANS, build_and_enter

LOOKUP: Final = f"{PLANS}/ci_lookup.yaml"


class Recorded(NamedTuple):
    """What is typed, when it says it was, and the name that its run is kept under. `FIRST` is the first of them."""

    name: str
    at: datetime
    words: tuple[str, ...]


RUNS: Final = (
    Recorded("app-13", datetime(2026, 1, 12, 3, 21, 5, tzinfo=UTC), ("run", LOOKUP)),
    Recorded("db01", datetime(2026, 1, 12, 3, 22, 30, tzinfo=UTC), ("run", LOOKUP, "-p", "host=db01")),
    Recorded(
        "version-3",
        datetime(2026, 1, 12, 3, 25, 10, tzinfo=UTC),
        ("rerun", "FIRST", "--override", "query/ci-lookup@3", "--yes"),
    ),
)


def main(words: list[str]) -> None:
    """Called three times: by a person, then in namespaces of its own, then in the root of the sample host."""
    here = Path(__file__).resolve()
    if words[:1] == ["--build"]:
        build_and_enter(Path(words[1]), Path(words[2]), here)
    elif words[:1] == ["--record"]:
        record(Path(words[1]))
    else:
        with tempfile.TemporaryDirectory() as root:
            apart = ["unshare", "--map-root-user", "--mount", "--uts", "--pid", "--fork"]
            build = [sys.executable, str(here), "--build", root, str(here.parent / "pictures" / "runs")]
            subprocess.run([*apart, *build], check=True, env={**os.environ, "PYTHONPATH": str(here.parents[1])})


def record(out: Path) -> None:
    """In the host: type it all as an operator would, and export what the pictures show."""
    from engine.pipeline.clock import SystemClock
    from store import queries
    from store.exchange.exporting import export_run, snapshot
    from tui.commands import main as opscope

    os.environ.clear()
    os.environ.update(ENVIRONMENT)
    os.chdir(HOME)
    database = Path(HOME, "runs.db")
    first = ""
    for recorded in RUNS:
        shift_us = time.time_ns() // 1000 - round(recorded.at.timestamp() * 1_000_000)
        SystemClock.now_us = lambda _self, by=shift_us: time.time_ns() // 1000 - by  # type: ignore[method-assign,misc]
        words = [first if word == "FIRST" else word for word in recorded.words]
        if code := opscope(["--db", str(database), *words, "--quiet", "--no-ui"]):
            raise SystemExit(f"opscope {' '.join(words)} ended with {code}")
        told: list[str] = []
        with snapshot(database) as reader:
            run = reader.run(queries.last_run())
            assert run is not None
            export_run(reader, run.run_id, told.append)
        first = first or run.run_id
        trace = json.loads("".join(told))
        # Stages and steps follow from the events, and the pictures are drawn from a file into which these are written.
        lines = ",\n".join(json.dumps(event, ensure_ascii=False) for event in trace["events"])
        plan = json.dumps(trace["plan"], ensure_ascii=False)
        Path(out, f"{recorded.name}.json").write_text(
            f'{{"run_id": "{run.run_id}", "plan": {plan}, "events": [\n{lines}\n]}}\n', encoding="utf-8"
        )


if __name__ == "__main__":
    main(sys.argv[1:])

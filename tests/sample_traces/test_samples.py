"""The sample traces: real, whole, of the shipped plans, and without a word of the machine they were made on."""

from __future__ import annotations

import getpass
import json
import re
import socket
import tomllib
from pathlib import Path

import pytest

from engine.shipped import sample_traces
from store import queries
from store.exchange.document import TraceDocument
from store.exchange.importing import import_file
from store.integrity.verify import verify
from store.reader import Reader
from tests.store.whole_file import exported

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "sample_traces").glob("*.json"))
HOST, HOME = "app-13", "/home/operator"
# Everything that looks like a path must be one of these, or lie below one that ends in a slash.
FIXED = (
    HOME,
    "/opt/opscope/plans",
    "/srv/plans",
    "/srv/plans/inventory.db",
    "/var/log",
    "/var/log/payments/",
    "/var/log/ledger/",
    "/var/log/auth.log",
    "/dev/null",
    "/dev/vda1",
    "/dev/vdb1",
    "/etc/os-release",
    "/bin",
    "/bin/sh",
    "/usr/bin",
    "/proc",
    "/proc/",
    "/run/systemd/system",
    "/run/.containerenv",
    "/.dockerenv",
)
# Parts of the programs in the plans that are no paths: `sed 's/^/blocks /'`, the end of `/proc/[0-9]*/status`.
NO_PATHS = ("/status", "/inodes", "/blocks")
PATH = re.compile(r"(?<![\w.$>)\]%*])/[A-Za-z0-9._~][A-Za-z0-9._~+@%/-]*")


def paths_in(text: str) -> set[str]:
    return {found.rstrip(".:,/") + ("/" if found.endswith("/") else "") for found in PATH.findall(text)}


def is_fixed(path: str) -> bool:
    return path in FIXED or path in NO_PATHS or any(path.startswith(fixed) for fixed in FIXED if fixed.endswith("/"))


def test_the_scan_sees_paths() -> None:
    text = '{"a": "/home/jane/x.py", "b": "in /tmp/pytest-1/y: gone", "c": "file:///mnt/share/z", "d": "A=/build/w"}'
    assert {path for path in paths_in(text) if not is_fixed(path)} == {
        "/home/jane/x.py",
        "/tmp/pytest-1/y",
        "/build/w",
    } | {path for path in paths_in(text) if "share" in path}
    assert any("/mnt/share/z" in path for path in paths_in(text))
    assert not is_fixed("/home/operator2")
    assert not is_fixed("/usr/bin/env")


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
def test_no_paths_of_a_machine(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    # As text, in which a newline is one, not as JSON with escapes.
    spoken = text.encode().decode("unicode_escape", "replace").replace("\\/", "/")
    assert {path for path in paths_in(text) | paths_in(spoken) if not is_fixed(path)} == set()


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
def test_no_names_of_a_machine(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    document = json.loads(text)
    assert document["environment"]["host"] == HOST
    assert document["workdir"] == HOME
    assert {event["actor"] for event in document["events"]} == {"engine", "operator:operator"}
    for word in (socket.gethostname(), getpass.getuser(), str(ROOT), str(Path.home())):
        if len(word) > 4 and word not in HOST:
            assert word not in text
    assert "outside" not in text.lower()


def test_they_are_what_is_promised() -> None:
    heads = [json.loads(file.read_text()) for file in FILES]
    assert sorted((head["plan_id"], head["status"]) for head in heads) == [
        ("ci-lookup", "failed"),
        ("ci-lookup", "succeeded"),
        ("ci-lookup", "succeeded"),
        ("host-triage", "succeeded"),
    ]
    hosts = {
        head["params"]["host"] for head in heads if (head["plan_id"], head["status"]) == ("ci-lookup", "succeeded")
    }
    assert len(hosts) == 2


def test_they_are_whole(tmp_path: Path) -> None:
    database = tmp_path / "runs.db"
    for file in FILES:
        run_id = import_file(file, database).run_id
        TraceDocument.model_validate_json(file.read_bytes())
        assert exported(database, run_id) == file.read_text(encoding="utf-8")
    assert verify(database).findings == ()
    with Reader.open(database) as reader:
        assert reader.run(queries.run_counts()).total == len(FILES)


def test_an_installation_has_them() -> None:
    """The wheel takes them file by file, since the script that makes them stays behind."""
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert build["force-include"] == {
        f"sample_traces/{file.name}": f"engine/shipped/sample_traces/{file.name}" for file in FILES
    }
    assert [path.name for path in sample_traces()] == [file.name for file in FILES]

"""A secret that steps give away in every encoding: not one hit in any file, log, export, answer or screen."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from store.blobs import json_of
from tests.engine.steps.http_server import Site, reply, serving
from tests.engine.steps.test_encodings import FORMS, ODD, PLAIN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.acceptance.operator import Operator
    from tests.engine.steps.http_server import Handler

WORKING = {"out", "few", "err", "data", "used", "py", "rows", "asked", "chooses", "end"}
SPILL = """
import sys
content = open(sys.argv[1], "rb").read()
stream = open(1, "wb", buffering=0) if sys.argv[2] == "out" else open(2, "wb", buffering=0)
while content:
    size = int(sys.argv[3])
    stream.write(content[:size])
    content = content[size:]
"""


GIVES = """
import os
def value(given):
    print("printed:", os.environ["TOKEN"])
    return {"given": given, os.environ["TOKEN"]: list(os.environ["TOKEN"].encode())}
def error(given):
    local = os.environ["TOKEN"]
    try:
        raise KeyError(local)
    except KeyError as cause:
        raise ValueError(f"cannot use {local!r}") from cause
"""


def echo(handler: Handler) -> None:
    """Answer with what was sent, in the headers too."""
    token = handler.headers["X-Token"] or ""
    reply(f"{token} {handler.path}".encode("latin-1"), X_Seen=token)(handler)


def commands() -> list[dict[str, Any]]:
    """Steps that print the secret: whole and in pieces, to be kept as it is or parsed, and in vain."""
    env = {"TOKEN": "{secrets.token}"}
    spill = {"command": "python3", "env": env}
    in_shell = {"command": "sh", "env": env}
    return [
        {"id": "out", **spill, "args": ["spill.py", "large", "out", "4096"]},
        {"id": "few", **spill, "args": ["spill.py", "short", "out", "13"], "output": "lines"},
        {"id": "err", **spill, "args": ["spill.py", "piece", "err", "1000"]},
        {"id": "data", "command": "cat", "args": ["data.json"], "output": "json"},
        {"id": "used", "command": "echo", "args": ["{data.data}", "{params.given}"]},
        {"id": "bad", "command": "cat", "args": ["piece"], "output": "json", "on_failure": "continue"},
        {"id": "fails", **in_shell, "args": ["-c", 'printf "%s" "$TOKEN" >&2; exit 7'], "on_failure": "continue"},
        {"id": "none", "command": "/no/such/{params.given}", "on_failure": "continue"},
        {"id": "end", "command": "true"},
    ]


def others(site: Site) -> list[dict[str, Any]]:
    """Steps of other types that come to know the secret."""
    env, token, given = {"TOKEN": "{secrets.token}"}, {"X-Token": "{secrets.token}"}, {"given": "{params.given}"}
    gives = {"type": "python", "callable": "gives.py:value", "args": given}
    fails = {"type": "python", "callable": "gives.py:error", "args": given}
    query = "SELECT :t AS t, hex(:t) AS h"
    rows = {"type": "sql", "database": "some.db", "query": query, "args": {"t": "{secrets.token}"}}
    asked = {"type": "http", "url": site.url("/echo"), "query": given, "headers": token}
    refused = {"type": "http", "url": "http://127.0.0.1:9/x", "query": given, "headers": token}
    rules = [{"when": "params.given == 'x' or params.given == py.data.nothing", "choose": "left"}]
    chooses = {"type": "decision", "rules": rules, "default": "right", "branches": {"left": [], "right": ["end"]}}
    return [
        {"id": "py", "step_def": gives, "env": env},
        {"id": "py_fails", "step_def": fails, "env": env, "on_failure": "continue"},
        {"id": "rows", "step_def": rows},
        {"id": "asked", "step_def": asked},
        {"id": "refused", "step_def": refused, "on_failure": "continue"},
        {"id": "chooses", "step_def": chooses},
    ]


def forms_of(secret: str) -> dict[str, bytes]:
    return {name: form(secret) for name, form in FORMS.items()}


def needles(secret: str) -> set[bytes]:
    """What must not be found: every form, without what merely quotes it."""
    return {secret.encode(), *(form.strip(b"\"'[]=") for form in forms_of(secret).values())}


def texts_in(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for key, item in value.items():
                yield key
                yield from texts_in(item)
        case list():
            yield json.dumps(value)
            for item in value:
                yield from texts_in(item)
        case _:
            yield json.dumps(value)


def everything_in(database: Path) -> Iterator[tuple[str, bytes]]:
    """Every byte of the database and of what lies beside it, every cell, and what is compressed in it."""
    for path in [*database.parent.glob(f"{database.name}*"), *database.with_name(f"{database.name}.d").iterdir()]:
        if path.is_file():
            yield path.name, path.read_bytes()
    with closing(sqlite3.connect(database)) as connection:
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in connection.execute(f"SELECT * FROM {table}"):
                for cell in row:
                    yield table, cell if isinstance(cell, bytes) else str(cell).encode()
        logs = "SELECT content FROM logs ORDER BY run_id, step_id, attempt, stream, offset"
        yield "logs together", b"".join(content for (content,) in connection.execute(logs))
        for row in connection.execute("SELECT sha256, encoding, content FROM blobs"):
            yield "blob", json_of(*row)
            yield from (("blob, text", text.encode()) for text in texts_in(json.loads(json_of(*row))))
        for (data,) in connection.execute("SELECT data FROM run_events"):
            yield from (("event, text", text.encode()) for text in texts_in(json.loads(data)))


def everything_said(operator: Operator, run_id: str) -> Iterator[tuple[str, bytes]]:
    for words in (
        ("logs", run_id),
        ("logs", run_id, "--raw"),
        ("show", run_id),
        ("show", run_id, "--json"),
        ("events", run_id, "--json"),
        ("why", run_id),
        ("export", run_id),
        *(("screenshot", run_id, "--screen", s, "--format", "text", "--size", "200x60") for s in ("stages", "logs")),
    ):
        answer = operator.run(*words)
        assert answer.code in (0, 1), (words, answer.err)
        yield " ".join(words), answer.stdout + answer.stderr
        if "--json" in words or words[0] == "export":
            for line in answer.stdout.splitlines() if words[0] == "events" else [answer.stdout]:
                yield from ((" ".join(words), text.encode()) for text in texts_in(json.loads(line)))


@pytest.fixture
def site() -> Iterator[Site]:
    """A web server that gives away what it is told."""
    with serving(Site(answers={"/echo": echo})) as served:
        yield served


@pytest.mark.parametrize("secret", [pytest.param(PLAIN, marks=pytest.mark.long), ODD], ids=["plain", "odd"])
@pytest.mark.sampled(one_in=2)
def test_no_encoding_of_a_secret_is_kept_or_shown(operator: Operator, site: Site, secret: str) -> None:
    """Written at and across the borders of pieces of output, as data, as an error, by a query and on the command line."""
    forms = forms_of(secret)
    piece = b""
    for number, form in enumerate(forms.values()):
        # Each form lies across the end of a read, cut in another place.
        room = -(len(piece) + number % max(1, len(form))) % 4096
        piece += b"." * room + b"\n" + form + b"\n"
    (operator.folder / "piece").write_bytes(piece)
    (operator.folder / "short").write_bytes(b"\n".join(forms.values()))
    (operator.folder / "large").write_bytes(piece * 3)
    as_text = {
        name: form.decode()
        for name, form in forms.items()
        if name not in ("UTF-16", "UTF-16, large end first", "Latin-1", "backwards")
    }
    (operator.folder / "data.json").write_text(
        json.dumps({"forms": as_text, secret: 1, "bytes": list(secret.encode())})
    )
    (operator.folder / "spill.py").write_text(SPILL)
    (operator.folder / "gives.py").write_text(GIVES)
    sqlite3.connect(operator.folder / "some.db").executescript("CREATE TABLE t (x); INSERT INTO t VALUES (1)").close()
    plan = operator.plan(
        "leak.json",
        secrets={"token": {"env": "LEAKED"}},
        params={"given": {"type": "string", "default": ""}},
        steps=[*commands(), *others(site)],
        compose={"said": "{used.stdout}"},
    )
    environment = {**operator.environment, "LEAKED": secret}
    detached = operator.run("run", plan, "--detach", "--param", f"given={secret}", env=environment)
    assert detached.code == 0, detached.err
    run_id = detached.out.strip().splitlines()[-1]
    followed = operator.run("logs", run_id, "-f", within=60)
    in_process = operator.run("run", plan, "--no-ui", "--json", env=environment, within=60)
    wanted = needles(secret)
    hits = [
        (place, needle)
        for place, content in [
            ("detach", detached.stdout + detached.stderr),
            ("follow", followed.stdout + followed.stderr),
            ("run", in_process.stdout + in_process.stderr),
            *everything_in(operator.database),
            *everything_said(operator, run_id),
        ]
        for needle in wanted
        if needle in content
    ]
    assert hits == []
    assert b"***" in followed.stdout
    steps = {step["id"]: (step["status"], step["reason"]) for step in operator.json("show", run_id)["steps"]}
    assert {name for name, (status, _) in steps.items() if status == "succeeded"} == WORKING
    assert operator.run("verify").code == 0

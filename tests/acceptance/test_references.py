"""How data flow from step to step, seen by the programs that get them: types, filters, fallbacks, plain braces, no injection."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from tests.engine.steps.http_server import Site, serving

if TYPE_CHECKING:
    from tests.acceptance.operator import Operator

pytestmark = pytest.mark.long

FOUND = {"rows": [{"n": 1, "t": "a b"}, {"n": 2, "t": "$(touch pwned)"}], "none": None, "deep": {"x y": [True, 2.5]}}
# Says what it was given, so that nothing of it is lost on the way.
ARGUMENTS = ["-c", "import json, sys; print(json.dumps(sys.argv[1:]))"]


def source() -> dict[str, Any]:
    return {"id": "src", "command": "echo", "args": [json.dumps(FOUND)], "output": "json"}


def given(operator: Operator, *texts: str, **plan: Any) -> Any:
    """What a program gets for these arguments."""
    shows = {"id": "shows", "command": "python3", "args": [*ARGUMENTS, *texts], "output": "json"}
    path = operator.plan("p.json", steps=[source(), shows], compose={"got": "{shows.data}"}, **plan)
    answer = operator.run("run", path, "--no-ui", "--json")
    assert answer.code == 0, answer.err + answer.out
    steps = {step["id"]: step for step in json.loads(answer.stdout)["steps"]}
    return steps["shows"]["result"]["data"]


def test_references_are_filled_in(operator: Operator) -> None:
    """Fields, indexes, keys in quotes, filters, fallbacks; whole values and pieces of a text."""
    texts = {
        "{src.data.rows[0].t}": "a b",
        "{src.data.rows[1].t}": "$(touch pwned)",
        "<{src.data.rows[0].n}>": "<1>",
        "{src.data.deep['x y'][0]}": "true",
        "{src.data.deep}": '{"x y":[true,2.5]}',
        "{src.data.rows[?@.n > 1]}": '[{"n":2,"t":"$(touch pwned)"}]',
        '{src.data.nothing ?? "else"}': "else",
        "{src.data.none ?? 3}": "3",
        "{prev.src.status}": "succeeded",
        "{src.exit_code}": "0",
    }
    assert given(operator, *texts) == [*texts.values()]
    assert not (operator.folder / "pwned").exists()


def test_braces_that_are_no_reference_stay(operator: Operator) -> None:
    """What shells, awk, git, templates and JSON write."""
    texts = [
        "{print $1}",
        "${X}",
        "{{.ID}}",
        "stash@{0}",
        '{"a": {"b": 1}}',
        "{a,b}",
        "{}",
        "{ src.data }",
        "${src.data}",
    ]
    assert given(operator, *texts, "{'{src.data}'}") == [*texts, "{src.data}"]


def test_a_whole_reference_keeps_its_type(operator: Operator) -> None:
    """As the keyword argument of a function, by output_mapping and by args."""
    (operator.folder / "kinds.py").write_text(
        "def of(**given):\n    return {name: type(value).__name__ for name, value in given.items()}\n"
    )
    kinds = {
        "id": "kinds",
        "step_def": {
            "type": "python",
            "callable": "kinds.py:of",
            "args": {"n": "{src.data.rows[0].n}", "s": "{src.data.rows[0].n}!"},
        },
        "output_mapping": {"rows": "{src.data.rows}", "deep": "{src.data.deep}", "none": "{src.data.none}"},
    }
    path = operator.plan("p.json", steps=[source(), kinds])
    assert operator.run("run", path, "--no-ui").code == 0
    results = {s["id"]: s["result"]["data"] for s in operator.json("show", "last")["steps"]}
    assert results["kinds"] == {"n": "int", "s": "str", "rows": "list", "deep": "dict", "none": "NoneType"}


def test_a_reference_that_leads_nowhere_ends_its_step_alone(operator: Operator) -> None:
    """With a reason of its own and how far it led; the rest goes on as on_failure says."""
    lost = {"id": "lost", "command": "echo", "args": ["{src.data.rows[7].t}"], "on_failure": "continue"}
    after = {"id": "after", "command": "echo", "args": ["{lost.status} {lost.reason}"], "output": "text"}
    assert operator.run("run", operator.plan("p.json", steps=[source(), lost, after]), "--no-ui").code == 0
    steps = {s["id"]: s for s in operator.json("show", "last")["steps"]}
    assert (steps["lost"]["status"], steps["lost"]["reason"]) == ("failed", "missing_reference")
    assert "src.data.rows" in steps["lost"]["result"]["message"]
    assert steps["lost"]["attempts"] == [], "nothing was started"
    assert steps["after"]["result"]["data"] == "failed missing_reference"


@pytest.mark.parametrize(
    ("command", "args"),
    [
        ("sh", ["-c", "echo {params.x}"]),
        ("/bin/bash", ["-ec", "echo {params.x}"]),
        ("env", ["A=1", "bash", "-c", "echo {params.x}"]),
        ("timeout", ["5", "sh", "-c", "echo {params.x}"]),
        ("python3", ["-c", "print('{params.x}')"]),
        ("pwsh", ["-Command", "echo {params.x}"]),
        ("ssh", ["host", "echo {params.x}"]),
        ("sqlite3", ["a.db", "select '{params.x}'"]),
    ],
)
def test_no_reference_gets_into_code(operator: Operator, command: str, args: list[str]) -> None:
    """It is a fault that names another way, found before anything runs."""
    plan = operator.plan(
        "p.json",
        params={"x": {"type": "string", "default": "y"}},
        steps=[{"id": "a", "command": command, "args": args}],
    )
    for words in (("validate", plan), ("run", plan, "--no-ui")):
        answer = operator.run(*words)
        assert answer.code == 2
        assert "where its value would run as code" in answer.out + answer.err
    assert not operator.database.exists()


@pytest.mark.parametrize(
    "value", ["../admin", "a/b", "x?role=admin", "x#y", "%2e%2e", "..", "ü &=;", "@elsewhere.example"]
)
def test_a_value_in_an_address_is_one_piece_of_it(operator: Operator, value: str) -> None:
    """The server is asked for the path that the plan has, with the value where it stands and nowhere else."""
    with serving(Site()) as site:
        address = site.url("/items/{params.x}/parts?q={params.x}&n=1")
        steps = [{"id": "asks", "step_def": {"type": "http", "url": address, "expect_status": [404]}}]
        plan = operator.plan("p.json", params={"x": {"type": "string"}}, steps=steps)
        answer = operator.run("run", plan, "--no-ui", "-p", f"x={value}")
    assert answer.code == 0, answer.err
    [path] = [seen.path for seen in site.seen]
    parts = urlsplit(path)
    pieces = parts.path.split("/")
    assert [unquote(piece) for piece in pieces] == ["", "items", value, "parts"]
    assert pieces[2] not in ("..", ".")
    assert parse_qsl(parts.query) == [("q", value), ("n", "1")]

"""Assets of a plan: their aliases, the references to them, what they hold, and texts and blocks that come from them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from engine.errors import Fault, PlanError
from engine.model.asset import AssetSource, ResolvedAsset, parse_reference
from engine.model.bound import BoundCommand, BoundSql
from engine.plan.asset_texts import check_texts, uses_in_texts
from engine.plan.asset_values import MAX_CHARS, asset_value
from engine.plan.references import MissingReferenceError
from engine.plan.scope import Scope
from tests.engine.plan.support import document, load, only, plan, plan_faults

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model.json import JsonObject
    from engine.plan.compiled import CompiledPlan

YAML = "application/yaml"
LOOKUP = {"lookup": "query/ci-lookup"}


def asset(ref: str, content: str, media_type: str = "text/plain") -> ResolvedAsset:
    """A version of an asset."""
    reference = parse_reference(ref)
    sha256 = hashlib.sha256(content.encode()).hexdigest()
    return ResolvedAsset(reference.name, reference.version or 1, media_type, content, sha256, AssetSource.PUBLISHED)


def scope(**assets: Any) -> Scope:
    """What a step sees that has nothing but assets."""
    return Scope(params={"host": "db-01"}, env={}, results={}, assets=assets)


def used(compiled: CompiledPlan) -> list[tuple[str, str]]:
    """The uses of a plan's assets: the part of the plan and the path."""
    return [(use.section, use.shown) for use in compiled.asset_uses]


# declarations --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("assets", "path", "message", "hint"),
    [
        ({"a": "quary/x"}, "assets.a", "there is no type of asset 'quary'", "did you mean 'query'?"),
        ({"a": "query/x@0"}, "assets.a", "names no asset", ""),
        ({"a": "x"}, "assets.a", "names no asset", ""),
        ({"a": ""}, "assets.a", "names no asset", ""),
        ({"a-b": "query/x"}, "assets.a-b", "'a-b' cannot name an asset", "letters, digits and _, at most 64"),
        ({"a": 3}, "assets.a", "expected a text, found the number 3", 'quote it: "3"'),
        ({"a": None}, "assets.a", "expected a text, found null", ""),
        ([], "assets", "expected an object, found an empty list", ""),
    ],
)
def test_a_declaration_that_names_no_asset_is_a_fault_at_its_place(
    assets: Any, path: str, message: str, hint: str
) -> None:
    """With what was expected."""
    fault = only(plan_faults({"id": "a"}, assets=assets))
    assert fault.path == path
    assert message in fault.message
    assert fault.hint == hint


def test_a_fault_has_the_line_and_the_column_of_the_reference() -> None:
    """In the text as it was written."""
    with pytest.raises(PlanError) as caught:
        load("plan_id: p\nassets:\n  lookup: quary/x\nsteps:\n  - {id: a, command: 'true'}\n")
    fault = only(caught.value.faults)
    assert (fault.line, fault.column) == (3, 11)


def test_an_alias_that_nothing_uses_is_a_warning() -> None:
    """And a used one is not."""
    compiled = plan({"id": "a", "args": ["{assets.lookup}"]}, assets={**LOOKUP, "idle": "query/other@2"})
    assert [(w.path, w.message) for w in compiled.warnings] == [("assets.idle", "nothing uses the asset idle")]


@pytest.mark.parametrize(
    ("assets", "present"),
    [
        ({"rules": "policy/r", "wide": "query/w"}, []),
        ({"page": "screen/s", "wide": "query/w"}, "{assets.page}"),
        ({"text": "template/t", "wide": "query/w"}, [{"type": "markdown", "text": "{assets.text}"}]),
    ],
)
def test_what_an_asset_may_refer_to_itself_is_not_said_to_be_unused(assets: Any, present: Any) -> None:
    """A policy's patch, a screen or a template can name any alias of the plan."""
    assert plan({"id": "a"}, assets=assets, present=present).warnings == ()


def test_a_plan_without_assets_keeps_its_hash_and_its_document() -> None:
    """A field with a default changes nothing; another asset or another pin does."""
    bare = plan({"id": "a"})
    assert "assets" not in bare.document
    hashes = {
        plan({"id": "a", "args": ["{assets.lookup}"]}, assets={"lookup": ref}).plan_hash
        for ref in ("query/x", "query/x@1", "query/x@2", "query/y")
    }
    assert len(hashes) == 4


@pytest.mark.parametrize(
    ("step", "fields", "path"),
    [
        ({"assets": {}}, {}, "steps[0].assets"),
        ({}, {"globals": {"assets": {}}}, "globals.assets"),
    ],
)
def test_assets_stand_at_the_top_of_the_plan_and_nowhere_else(step: Any, fields: Any, path: str) -> None:
    """The hint says where."""
    fault = only(plan_faults({"id": "a", **step}, **fields))
    assert (fault.path, fault.message) == (path, "unknown field 'assets'")
    assert "once for the whole plan" in fault.hint


# references ----------------------------------------------------------------------------------------------------------

EVERYWHERE: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"args": ["x {assets.lookup}"]}, {}),
    ({"env": {"Q": "{assets.lookup}"}}, {}),
    ({"condition": "assets.lookup == 'x'"}, {}),
    ({"skip_if": ["assets.lookup == 'x'"]}, {}),
    ({"repeat": {"until": "item.data == assets.lookup"}}, {}),
    ({"for_each": "{assets.lookup}"}, {}),
    ({"output_mapping": {"q": "{assets.lookup}"}}, {}),
    ({"step_def": {"type": "sql", "database": "d", "query": "{assets.lookup}"}}, {}),
    ({"step_def": {"type": "sql", "database": "d", "query": "select :q", "args": {"q": "{assets.lookup}"}}}, {}),
    ({"step_def": {"type": "http", "url": "http://h/", "headers": {"X": "{assets.lookup}"}}}, {}),
    ({"step_def": {"type": "http", "url": "http://h/", "body": {"q": ["{assets.lookup}"]}}}, {}),
    ({"step_def": {"type": "file", "action": "write", "path": "f", "content": "{assets.lookup}"}}, {}),
    ({"step_def": {"type": "python", "callable": "m:f", "args": {"q": "{assets.lookup}"}}}, {}),
    ({"step_def": {"type": "tool", "tool": "t", "args": {"q": "{assets.lookup}"}}}, {}),
    ({"step_def": {"type": "plan", "plan": "p", "params": {"q": "{assets.lookup}"}}}, {}),
    ({"step_def": {"type": "powershell", "file": "s.ps1", "args": {"q": "{assets.lookup}"}}}, {}),
    ({}, {"globals": {"env": {"Q": "{assets.lookup}"}}}),
    ({}, {"compose": {"q": "{assets.lookup}"}}),
    ({}, {"present": [{"type": "json", "value": "{assets.lookup}"}]}),
    ({}, {"finally": [{"id": "z", "command": "true", "args": ["{assets.lookup}"]}]}),
]


@pytest.mark.parametrize(("step", "fields"), EVERYWHERE, ids=[str(n) for n in range(len(EVERYWHERE))])
def test_an_asset_can_be_named_wherever_a_reference_may_stand(step: dict[str, Any], fields: dict[str, Any]) -> None:
    """The plan loads, and says that it uses it; an unknown alias there is a fault that says what was meant."""
    compiled = plan({"id": "a", **step}, assets=LOOKUP, **fields)
    assert [use.alias for use in compiled.asset_uses] == ["lookup"]
    assert compiled.warnings == ()
    misspelt = document({"id": "a", **step}, assets={"lookups": "query/ci-lookup"}, **fields)
    with pytest.raises(PlanError) as caught:
        load(misspelt, "plan.json")
    fault = only(caught.value.faults)
    assert "there is no asset 'lookup'" in fault.message
    assert fault.hint == "did you mean 'lookups'?"


def test_a_plan_without_assets_is_told_how_to_declare_one() -> None:
    """Where there is nothing to mean."""
    fault = only(plan_faults({"id": "a", "args": ["{assets.lookup}"]}))
    assert fault.path == "steps[0].args[0]"
    assert "assets: {lookup: query/NAME}" in fault.hint


@pytest.mark.parametrize("expression", ["len(assets) > 1", "assets[params.x] == 1", "assets[0] == 1"])
def test_an_alias_is_written_out(expression: str) -> None:
    """Which assets a stage uses is known before it runs."""
    fault = only(plan_faults({"id": "a", "condition": expression}, assets={"rules": "policy/x"}, params={"x": {}}))
    assert "name the asset by its alias" in fault.message


@pytest.mark.parametrize(
    ("step", "hint"),
    [
        ({"command": "sh", "args": ["-c", "{assets.lookup}"]}, 'SCRIPT: "{assets.ALIAS}", and run it with eval'),
        ({"command": "python3", "args": ["-c", "{assets.lookup}"]}, "set it in env"),
        (
            {"step_def": {"type": "sql", "database": "d", "query": "select * from {assets.lookup}"}},
            'query: "{assets.ALIAS}"',
        ),
        ({"step_def": {"type": "powershell", "script": "{assets.lookup}"}}, "set it in env"),
    ],
)
def test_an_asset_in_code_is_a_fault_that_says_how_a_script_gets_in(step: dict[str, Any], hint: str) -> None:
    """As for every reference: its value would run as code."""
    fault = only(plan_faults({"id": "a", **step}, assets=LOOKUP))
    assert "where its value would run as code" in fault.message
    assert hint in fault.hint


def test_uses_know_their_part_of_the_plan_and_what_stands_below_the_alias() -> None:
    """Each once."""
    compiled = plan(
        {"id": "a", "args": ["{assets.gates.rows[0].min}", "{assets.lookup}"]},
        {"id": "b", "condition": "assets.gates.max > 1 and assets.gates.max < 9"},
        assets={"gates": "policy/g", **LOOKUP},
        compose={"x": "{assets.gates.list[?@.a == 1]}"},
        present=[{"type": "json", "value": "{assets['gates']['max']}"}],
    )
    assert used(compiled) == [
        ("steps", "assets.gates.rows[0].min"),
        ("steps", "assets.lookup"),
        ("steps", "assets.gates.max"),
        ("compose", "assets.gates.list"),
        ("present", "assets.gates.max"),
    ]


# values --------------------------------------------------------------------------------------------------------------


def test_a_step_is_bound_with_the_values_of_its_assets() -> None:
    """Whole values keep their type; texts are texts."""
    compiled = plan(
        {
            "id": "a",
            "step_def": {
                "type": "sql",
                "database": "d",
                "query": "{assets.queries.find}",
                "args": {"most": "{assets.gates.most}", "all": "{assets.gates}"},
            },
        },
        {"id": "b", "args": ["{assets.gates.most}", "{assets.note}"], "condition": "assets.gates.most > 2"},
        {"id": "c", "condition": "assets.gates.most > 3"},
        assets={"queries": "mapping/q", "gates": "policy/g", "note": "source/n"},
    )
    seen = scope(queries={"find": "select :most"}, gates={"most": 3}, note="{params.host}")
    bound = compiled.steps["a"].bind(seen).definition
    assert isinstance(bound, BoundSql)
    assert (bound.query, bound.binds) == ("select :most", {"most": 3, "all": {"most": 3}})
    command = compiled.steps["b"].bind(seen).definition
    assert isinstance(command, BoundCommand)
    assert command.args == ("3", "{params.host}")
    assert compiled.steps["b"].should_skip(seen) is None
    assert compiled.steps["c"].should_skip(seen) is not None


@pytest.mark.parametrize("value", [{"a": 1}, 3, None, ["select 1"]])
def test_a_query_that_is_no_text_is_an_error_of_the_step(value: Any) -> None:
    """JSON is never run as SQL."""
    compiled = plan(
        {"id": "a", "step_def": {"type": "sql", "database": "d", "query": "{assets.lookup}"}}, assets=LOOKUP
    )
    with pytest.raises(MissingReferenceError) as caught:
        compiled.steps["a"].bind(scope(lookup=value))
    assert "a query is a text" in caught.value.message


def test_the_items_of_a_step_can_be_an_asset() -> None:
    """One run of the step for each."""
    compiled = plan({"id": "a", "args": ["{item}"], "for_each": "{assets.hosts}"}, assets={"hosts": "mapping/h"})
    assert compiled.steps["a"].expand(scope(hosts=["x", "y"])) == ["x", "y"]


@pytest.mark.parametrize(
    ("media_type", "content", "value"),
    [
        ("application/json", '{"a": [1, 2.5, null]}', {"a": [1, 2.5, None]}),
        ("application/yaml", "a: [1, no, 0644]\n", {"a": [1, "no", "0644"]}),
        ("text/yaml; charset=utf-8", "- x\n", ["x"]),
        ("application/sql", "select 1", "select 1"),
        ("text/markdown", "# {params.host}", "# {params.host}"),
        ("text/plain", "a: 1", "a: 1"),
    ],
)
def test_json_and_yaml_are_read_and_everything_else_is_text(media_type: str, content: str, value: Any) -> None:
    """By media type, with the words of YAML that a plan knows."""
    assert asset_value(asset("source/x@1", content, media_type)) == value


@pytest.mark.parametrize(
    ("media_type", "content", "line", "message"),
    [
        (YAML, "a: 1\nb: [1\n", 3, "this is not valid YAML"),
        (YAML, "a: &x [1]\nb: *x\n", 2, "the alias *x is not read"),
        (YAML, "a: 1\na: 2\n", 2, "'a' is given twice"),
        (YAML, "a: !!python/name:os 1\n", 1, "the tag !!python/name:os is not read"),
        (YAML, "", None, "the file holds no document"),
        ("application/json", '{"a": 1,\n "b": }', 2, "this is not valid JSON"),
        ("application/json", "[" * 100 + "]" * 100, 1, "nested more than 64 levels deep"),
    ],
)
def test_an_asset_that_cannot_be_read_is_named_with_the_line(
    media_type: str, content: str, line: int | None, message: str
) -> None:
    """No alias, tag or nesting of YAML is carried out."""
    with pytest.raises(PlanError) as caught:
        asset_value(asset("mapping/x@3", content, media_type))
    assert (caught.value.place, caught.value.cause[-len("in the asset") :]) == ("mapping/x@3", "in the asset")
    first = caught.value.faults[0]
    assert message in first.message
    assert first.line == line
    assert "plan" not in first.hint


def test_what_is_read_as_a_value_is_of_bounded_length() -> None:
    """A text may be longer."""
    long = " " * (MAX_CHARS + 1)
    with pytest.raises(PlanError, match="1 fault in the asset"):
        asset_value(asset("mapping/x@1", long, YAML))
    assert asset_value(asset("source/x@1", long)) == long


# templates and screens -----------------------------------------------------------------------------------------------


def shown(compiled: CompiledPlan, assets: Mapping[str, ResolvedAsset], composed: JsonObject | None = None) -> list[Any]:
    """What present makes of the plan."""
    values = {alias: asset_value(one) for alias, one in assets.items()}
    seen = Scope(params={"host": "db-01"}, env={}, results={}, compose=composed or {}, assets=values)
    return [compiled.bind_value(block.model_dump(mode="json"), seen) for block in compiled.blocks(values)]


def test_a_template_is_filled_in_where_it_is_shown() -> None:
    """As whole text, inside another and in compose; in a step it is the text that it is."""
    compiled = plan(
        {"id": "a", "args": ["{assets.report}"]},
        assets={"report": "template/r"},
        params={"host": {}},
        compose={"said": "{assets.report}"},
        present=[
            {"type": "markdown", "text": "{assets.report}"},
            {"type": "markdown", "text": "<{assets.report}>"},
            {"type": "json", "value": "{assets.report.x ?? 1}"},
        ],
    )
    report = asset("template/r@1", "# {params.host} {'{x.y}'}", "text/markdown")
    check_texts(compiled, {"report": report})
    blocks = shown(compiled, {"report": report})
    assert blocks[0]["text"] == "# db-01 {x.y}"
    assert blocks[1]["text"] == "<# db-01 {x.y}>"
    assert blocks[2]["value"] == 1
    seen = Scope(params={"host": "db-01"}, env={}, results={}, assets={"report": report.content})
    assert compiled.bind_value(compiled.plan.compose["said"], seen) == "# db-01 {x.y}"
    bound = compiled.steps["a"].bind(seen).definition
    assert isinstance(bound, BoundCommand)
    assert bound.args == (report.content,)


def test_a_template_that_is_one_reference_keeps_the_type_of_its_value() -> None:
    """As a text of the plan does."""
    compiled = plan({"id": "a"}, assets={"t": "template/t"}, params={"host": {}}, compose={"x": "{assets.t}"})
    seen = Scope(params={"host": [1]}, env={}, results={}, assets={"t": "{params.host}"})
    assert compiled.bind_value("{assets.t}", seen) == [1]


def template_faults(content: str, **fields: Any) -> tuple[Fault, ...]:
    """What is wrong with a template."""
    compiled = plan({"id": "a"}, assets={"t": "template/t", "u": "template/u"}, params={"host": {}}, **fields)
    assets = {"t": asset("template/t@4", content), "u": asset("template/u@1", "x")}
    with pytest.raises(PlanError) as caught:
        check_texts(compiled, assets)
    assert caught.value.place == "template/t@4"
    return caught.value.faults


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        ("# hello\n\n{params.hots}", 3, "there is no parameter 'hots'"),
        ("x\n{nope.x}", 2, "there is no 'nope'"),
        ("x\n{params.host[}", 2, "is not a reference"),
        ("x\n{a.data}", 2, "results of steps are not known in present"),
        ("x\n{secrets.token}", 2, "a secret cannot stand in present"),
        ("x\n{assets.u}", 2, "a template holds no other template"),
        ("x\n{assets.v}", 2, "there is no asset 'v'"),
    ],
)
def test_a_wrong_template_is_named_with_the_line(content: str, line: int, message: str) -> None:
    """Checked as if it stood in the plan, before anything runs."""
    fault = only(template_faults(content, present=[{"type": "markdown", "text": "{assets.t}"}]))
    assert message in fault.message
    assert (fault.line, fault.path) == (line, "")


def test_a_template_is_checked_for_the_place_where_it_is_used() -> None:
    """Compose knows steps and no compose, present the other way round; one that is not filled in is only text."""
    fault = only(template_faults("{compose.x}", compose={"x": "{assets.t}"}))
    assert "compose is known only in present" in fault.message
    compiled = plan({"id": "a", "args": ["{assets.t}"]}, assets={"t": "template/t"})
    check_texts(compiled, {"t": asset("template/t@1", "{nope.x}")})


SCREEN = """\
- {type: markdown, text: "{assets.head}"}
- {type: table, rows: "{compose.rows}", title: "{params.host}"}
"""


def screen_plan() -> CompiledPlan:
    """A plan that shows what a screen says."""
    return plan(
        {"id": "a"},
        assets={"answer": "screen/s", "head": "template/h"},
        params={"host": {}},
        compose={"rows": "{a.data}"},
        present="{assets.answer}",
    )


def test_what_is_shown_can_be_a_screen() -> None:
    """All of its blocks, with templates and references of their own."""
    compiled = screen_plan()
    assets = {"answer": asset("screen/s@2", SCREEN, YAML), "head": asset("template/h@1", "# {params.host}")}
    check_texts(compiled, assets)
    assert compiled.screen == "answer"
    assert shown(compiled, assets, {"rows": [[1]]}) == [
        {"type": "markdown", "text": "# db-01"},
        {"type": "table", "rows": [[1]], "title": "db-01", "columns": []},
    ]
    assert [(use.alias, use.section) for use in uses_in_texts(compiled, assets)] == [("head", "present")]


@pytest.mark.parametrize(
    ("content", "line", "path", "message"),
    [
        ("- {type: markdown, text: x}\n- {type: tabel, rows: []}\n", 2, "present[1].type", "there is no block type 'tabel'"),
        ("- type: markdown\n  txt: x\n", 2, "present[0].txt", "unknown field 'txt'"),
        ('- {type: markdown,\n   text: "{params.hots}"}\n', 2, "present[0].text", "there is no parameter 'hots'"),
        ('- {type: json, value: ["{a.data}"]}\n', 1, "present[0].value[0]", "results of steps are not known in present"),
        ("a: 1\n", 1, "present", "expected a list, found an object of 1"),
    ],
)  # fmt: skip
def test_a_wrong_screen_is_named_with_the_line(content: str, line: int, path: str, message: str) -> None:
    """With the words that a plan's own blocks have."""
    with pytest.raises(PlanError) as caught:
        check_texts(screen_plan(), {"answer": asset("screen/s@2", content, YAML), "head": asset("template/h@1", "")})
    assert caught.value.place == "screen/s@2"
    found = next(fault for fault in caught.value.faults if fault.path == path)
    assert message in found.message
    assert found.line == line


@pytest.mark.parametrize(
    ("present", "message"),
    [
        ("{assets.query}", "query is a query, and only a screen holds blocks"),
        ("{assets.answer.x}", "expected a list of blocks, or one reference to an asset"),
        ("{assets.answer} ", "expected a list of blocks, or one reference to an asset"),
        ("hello", "expected a list of blocks, or one reference to an asset"),
        ("{compose.x}", "expected a list of blocks, or one reference to an asset"),
        ("{assets.anser}", "{assets.anser}: there is no asset 'anser'"),
    ],
)
def test_present_is_a_list_or_one_screen(present: str, message: str) -> None:
    """And no other text."""
    assets = {"answer": "screen/s", "query": "query/q", "rules": "policy/p"}
    fault = only(plan_faults({"id": "a"}, assets=assets, present=present, compose={"x": 1}))
    assert (fault.path, fault.message) == ("present", message)

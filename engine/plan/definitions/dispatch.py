"""From the type of a step to the module that knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from engine.model.step_defs import (
    CommandDef,
    DecisionDef,
    FileDef,
    HttpDef,
    PowershellDef,
    PythonDef,
    SqlDef,
    SubPlanDef,
    ToolDef,
)
from engine.plan.definitions.command_line import bind_command, check_command
from engine.plan.definitions.decision import bind_decision, check_decision
from engine.plan.definitions.file_action import bind_file, check_file
from engine.plan.definitions.http_request import bind_http, check_http
from engine.plan.definitions.powershell_script import bind_powershell, check_powershell
from engine.plan.definitions.python_call import bind_python, check_python
from engine.plan.definitions.sql_query import bind_sql, check_sql
from engine.plan.definitions.sub_plan import bind_sub_plan, check_sub_plan
from engine.plan.definitions.tool_call import bind_tool, check_tool

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.model.bound import BoundDef
    from engine.model.json import Json
    from engine.model.step_defs import StepDef
    from engine.plan.definitions.filling import Fields
    from engine.plan.faults import Path
    from engine.plan.names import Around
    from engine.plan.scope import View
    from engine.plan.texts import Texts

_CHECKS: dict[Json, Callable[[Mapping[str, Json], Path, Around, Texts], Fields]] = {
    "command": check_command,
    "powershell": check_powershell,
    "python": check_python,
    "http": check_http,
    "sql": check_sql,
    "file": check_file,
    "tool": check_tool,
    "plan": check_sub_plan,
    "decision": check_decision,
}


def check_definition(definition: Mapping[str, Json], path: Path, around: Around, texts: Texts) -> Fields:
    """Compile a definition that may be wrong in any way, and note what is wrong with it beyond the shape of its fields."""
    kind = definition.get("type")
    check = _CHECKS.get(kind) if isinstance(kind, str) else None
    return {} if check is None else check(definition, path, around, texts)


def bind_definition(definition: StepDef, fields: Fields, view: View, inputs: Mapping[str, Json]) -> BoundDef:
    """A definition with everything filled in. Raises MissingReferenceError."""
    match definition:
        case CommandDef():
            return bind_command(fields, view)
        case SqlDef():
            return bind_sql(definition, fields, view, inputs)
        case PowershellDef():
            return bind_powershell(definition, fields, view, inputs)
        case PythonDef():
            return bind_python(definition, fields, view, inputs)
        case HttpDef():
            return bind_http(definition, fields, view)
        case FileDef():
            return bind_file(definition, fields, view)
        case ToolDef():
            return bind_tool(definition, fields, view, inputs)
        case SubPlanDef():
            return bind_sub_plan(definition, fields, view, inputs)
        case DecisionDef():
            return bind_decision(definition, fields, view)
        case _:
            assert_never(definition)

"""`opscope schema`: the JSON Schema of what people write. The models themselves live in the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import ExitCode
from tui.commands.arguments import describe

if TYPE_CHECKING:
    import argparse

    from engine.model.json import Json, JsonObject
    from tui.commands.context import Context


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    describe(
        parser,
        "Print the JSON Schema of a plan, for editors and for checks in other languages. `opscope validate` "
        "checks more: references, conditions and the graph.",
        examples=[("opscope schema plan > plan.schema.json", "for an editor's YAML support")],
        exit_codes=(0, 2),
    )
    parser.add_argument("document", choices=["plan"], help="which document")


def execute(arguments: argparse.Namespace, context: Context) -> int:  # noqa: ARG001  # there is one document so far
    """Print the schema."""
    context.out.json(plan_schema())
    return ExitCode.SUCCEEDED


def plan_schema() -> JsonObject:
    """The schema of a plan file, with the shorthand of a command step that files may use."""
    from engine.model.plan import Plan

    schema: JsonObject = Plan.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    definitions = _object(schema["$defs"])
    step, command = _object(definitions["Step"]), _object(definitions["CommandDef"])
    fields = _object(command["properties"])
    _object(step["properties"]).update({name: fields[name] for name in ("command", "args", "cwd")})
    step["required"] = ["id"]
    step["oneOf"] = [{"required": ["step_def"]}, {"required": ["command"]}]
    return schema


def _object(value: Json) -> JsonObject:
    assert isinstance(value, dict)
    return value

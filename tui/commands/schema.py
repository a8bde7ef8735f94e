"""`opscope schema`: the JSON Schema of plans and traces. The models themselves live in the engine and in the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import ExitCode
from tui.commands.arguments import describe

if TYPE_CHECKING:
    import argparse

    from tui.commands.context import Context


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    describe(
        parser,
        "Print the JSON Schema of a plan, of an exported trace or of the configuration file, for editors and for "
        "checks in other languages. "
        "`opscope validate` checks more of a plan (references, conditions, the graph), `opscope import` more of a "
        "trace (its chain, its plan, its output).",
        examples=[
            ("opscope schema plan > plan.schema.json", "for an editor's YAML support"),
            ("opscope schema trace", "what opscope export writes"),
            ("opscope schema config", "what the configuration may say"),
        ],
        exit_codes=(0, 2),
    )
    parser.add_argument("document", choices=["plan", "trace", "config"], help="which document")


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Print the schema."""
    if arguments.document == "trace":
        from store.exchange.document import trace_schema

        context.out.json(trace_schema())
    elif arguments.document == "config":
        from tui.configuration import configuration_schema

        context.out.json(configuration_schema())
    else:
        from engine.plan.json_schema import plan_schema

        context.out.json(plan_schema())
    return ExitCode.SUCCEEDED

"""`opscope replan`: changes the plan of a run that is under way, or the other plan that it waits with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import InputError, PlanError
from engine.ports import ControlVerb
from tui.commands.answering import add_answer_arguments, answer_and_tell
from tui.commands.arguments import describe

if TYPE_CHECKING:
    import argparse

    from engine.model.json import Json
    from tui.commands.context import Context

_MOST_BYTES = 60_000  # what the engine's socket takes, with something to spare


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    describe(
        parser,
        "Change the plan of a run while its steps run: those that the patch changes are stopped, the others go on to "
        "their end, and the next pass uses again what still holds. A run that waits for an approval gets this patch in "
        "the place of the proposed one. The patch is YAML or JSON: by step id the fields to change, null to take a field "
        "or a step out, a new id to add a step; or a whole edited plan, of which only steps may differ.",
        examples=[
            ("opscope replan last --patch p.yaml", "p.yaml: {ping: {timeout_sec: 60}}"),
            ("opscope replan 7f3a91 --patch plan.yaml --reason 'new host'", "a whole edited plan"),
        ],
        exit_codes=(0, 2, 4),
    )
    add_answer_arguments(parser)
    parser.add_argument("--patch", metavar="FILE", required=True, help="what to change, as YAML or JSON")


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Have it changed."""
    return answer_and_tell(context, arguments, ControlVerb.REPLAN, patch=read_patch_file(arguments.patch))


def read_patch_file(name: str) -> Json:
    """The document in a file. Raises InputError where it cannot be read."""
    from engine.plan.document import Document, GateError, StoppedError, decode
    from engine.plan.json_reader import read_json
    from engine.plan.yaml_reader import read_yaml

    path = Path(name)
    try:
        if path.exists() and not path.is_file():  # a device never ends, and a pipe may not even begin
            raise InputError("this is no regular file", place=name, hint="a patch is a YAML or JSON file")
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        hint = "name a YAML or JSON file that you may read"
        raise InputError(f"the patch cannot be read: {error.strerror}", place=name, hint=hint) from None
    except ValueError:
        hint = "name a YAML or JSON file"
        raise InputError("the patch cannot be read: no file has such a name", place=ascii(name), hint=hint) from None
    if len(content) > _MOST_BYTES:
        raise InputError(
            f"the patch is longer than {_MOST_BYTES:,} bytes", place=name, hint="leave out what does not change"
        )
    text = ""
    try:
        text = decode(content)
        document = read_json(text) if name.lower().endswith(".json") else read_yaml(text)
    except GateError as error:
        raise PlanError(name, (Document(text).fault(error.message, "", error.offset),), what="patch") from None
    except StoppedError as error:
        raise PlanError(name, error.faults, what="patch") from None
    if document.faults:
        raise PlanError(name, tuple(document.faults), what="patch")
    return document.value

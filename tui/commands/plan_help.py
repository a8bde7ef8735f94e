"""What `opscope run PLAN --help` says of the plan: what it does and its parameters. The command's own help is argparse's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from engine.errors import OpscopeError
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model.plan import Param
    from tui.commands.context import Context


def print_plan_help(words: Sequence[str], context: Context) -> None:
    """Describe the plan that stands among the words of the command line, if there is one that can be read."""
    from tui.commands.planning import read_plan

    for word in words:
        if word.startswith("-") or "=" in word:
            continue
        try:
            plan = read_plan(word, context.env).compiled.plan
        except OpscopeError:
            continue  # a value of an option, or a plan that validate has more to say of
        context.out.line()
        context.out.line(Span(f"the plan {word}", Role.TEXT, bold=True))
        context.out.text(plan.description, indent="  ")
        for name, param in plan.params.items():
            context.out.line(f"  -p {name}=...  ", Span(_facts(param), Role.DIM))
            context.out.text(param.description, indent="      ")
        return


def _facts(param: Param) -> str:
    if param.required and param.default is None:
        return f"{param.type.value}, required"
    default = "" if param.default is None else f", {json.dumps(param.default, ensure_ascii=False)} if not given"
    return f"{param.type.value}{default}"

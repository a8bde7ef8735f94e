"""`opscope ask`: a question in words is routed, then answered, refused, or run as a plan. Finding the route is questions.py's."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Final

from engine.errors import ExitCode, InputError
from tui.commands.arguments import describe
from tui.commands.attending import add_manner_arguments, attend
from tui.commands.run import add_override_argument, parse_overrides
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model.json import JsonObject
    from tui.commands.context import Context
    from tui.commands.performing import Order

MOST_CHARS: Final = 4000
_EXAMPLE: Final = 'for example: opscope ask "what depends on db-03"'


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    describe(
        parser,
        "Ask in words. The newest published policy/routing decides what the words lead to: an answer, a plan that is "
        "then run as opscope run does, a refusal with its reason, or, where they are not understood, what would be "
        "needed and what can be asked. Every question is recorded like a run. A language model is asked as well only if "
        "the configuration names one under [llm]; what the policy refuses or answers itself is never sent.",
        examples=[
            ('opscope ask "what depends on db-03"', "a plan, with the host from the words"),
            ("opscope ask hello", "an answer"),
            ('opscope ask "look up app-13" --dry-run', "what it would lead to; nothing is written"),
            ("opscope ask - < question.txt", "the words from stdin"),
            ("opscope ask hello --override policy/routing@1", "by that version of the policy, as a test"),
        ],
        exit_codes=(0, 1, 2, 3, 4, 129, 130, 143),
    )
    parser.add_argument("words", metavar="WORDS", nargs="*", help="the question; - reads it from stdin")
    parser.add_argument("--dry-run", action="store_true", help="say what it would lead to, and write nothing")
    add_override_argument(parser)
    add_manner_arguments(parser)


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Route it, then do what it comes to."""
    words = question_in(arguments.words)
    overrides = parse_overrides(arguments.override)

    from tui.commands.questions import order_for

    order = order_for(words, overrides, context)
    if arguments.dry_run:
        _print_route(order, context, as_json=arguments.json)
        return ExitCode.SUCCEEDED
    assert order.route is not None
    if order.route.plan is None and not arguments.detach:
        # An answer is there at once: there is nothing to watch.
        arguments = argparse.Namespace(**{**vars(arguments), "no_ui": True})
    return attend(order, arguments, context)


def question_in(words: Sequence[str]) -> str:
    """The question on one line. Raises InputError where there is none, or one that nobody would ask."""
    if list(words) == ["-"]:
        if sys.stdin is None:
            raise InputError("there is no stdin to read the question from", hint=_EXAMPLE)
        content = sys.stdin.buffer.read(4 * MOST_CHARS + 1)
        text = content.decode("utf-8", "replace")
    else:
        text = " ".join(words)
    text = " ".join(text.split())
    if not text:
        raise InputError("there is no question", hint=_EXAMPLE)
    if len(text) > MOST_CHARS:
        raise InputError(f"the question has more than {MOST_CHARS} characters", hint="ask for one thing at a time")
    return text.encode("utf-8", "replace").decode("utf-8")


def _print_route(order: Order, context: Context, *, as_json: bool) -> None:
    route = order.route
    assert route is not None
    if as_json:
        document: JsonObject = {**route.model_dump(mode="json", exclude_none=True), "params": order.params}
        context.out.json(document)
        return
    rows = [("route", route.kind.value), ("confidence", f"{route.confidence:.2f}"), ("reasoning", route.reasoning)]
    if route.plan is not None:
        rows.append(("plan", route.plan.plan_id))
        rows += [(f"-p {name}", str(value)) for name, value in order.params.items()]
    planner = route.metadata.get("planner")
    if isinstance(planner, dict) and planner.get("failed"):
        rows.append(("planner", f"of no use: {planner['failed']}"))
    rows.append(("policy", str(route.metadata["policy"])))
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        context.out.line(Span(f"{name:<{width}}  ", Role.DIM), value)
    text = route.direct.text if route.direct else route.reject.reason if route.reject else ""
    if text:
        context.out.line()
        context.out.text(text.rstrip())

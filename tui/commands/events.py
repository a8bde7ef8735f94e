"""`opscope events`: the events of a run in their order, one a line, and as they come."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from engine.errors import ExitCode
from engine.model.event import EventKind
from tui.commands.arguments import add_run_argument, describe
from tui.viewmodel.palette import STAGE_ROLES, Role
from tui.viewmodel.text import Span, fit
from tui.viewmodel.words import duration, short_kind, time_of_day

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from engine.model.json import JsonObject
    from store.reader import Reader
    from store.rows import EventRow
    from tui.commands.context import Context

PAGE: Final = 500
_KIND: Final = max(len(short_kind(kind)) for kind in EventKind)
_WHERE: Final = 20
_SAID: Final = (
    "status",
    "reason",
    "message",
    "exit_code",
    "verb",
    "next_attempt",
    "trigger",
    "decision",
    "decision_reason",
    "strategy",
    "plan_id",
)
_ROLES: Final = {
    EventKind.RUN_SUCCEEDED: Role.SUCCEEDED,
    EventKind.RUN_FAILED: Role.FAILED,
    EventKind.RUN_QUARANTINED: Role.QUARANTINED,
    EventKind.STEP_WAITING: Role.WARNING,
    EventKind.CONTROL_RECEIVED: Role.WARNING,
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    describe(
        parser,
        "Print the events of a run in their order: the truth that everything else is made of. With --json each event is "
        "one JSON object on a line of its own, with its whole data.",
        examples=[
            ("opscope events last", "what happened, line by line"),
            ("opscope events last -f", "and what happens now"),
            ("opscope events 7f3a91 --json | jq .kind", "for a program"),
        ],
        exit_codes=(0, 2, 4, 130),
    )
    add_run_argument(parser)
    parser.add_argument("-f", "--follow", action="store_true", help="go on until the run has ended")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Print them."""
    from tui.commands.following import Look, looks, tell_lost
    from tui.commands.records import find_run, open_reader

    with open_reader(context) as reader:
        found = find_run(reader, arguments.run)
        run_id = found.run.run_id
        seen = 0
        for look in looks(reader, context.database, run_id) if arguments.follow else [Look.OVER]:
            for event in _after(reader, run_id, seen):
                seen = event.seq
                if found.pass_index is not None and event.pass_index != found.pass_index:
                    continue
                if (found.stage and event.stage is not found.stage) or (
                    found.step_id and event.step_id != found.step_id
                ):
                    continue
                if arguments.json:
                    context.out.json(event_json(event), indent=None)
                else:
                    _print(context, event)
            context.out.flush()
            if look is Look.LOST:
                tell_lost(context.err)
    return ExitCode.SUCCEEDED


def _after(reader: Reader, run_id: str, seq: int) -> Iterator[EventRow]:
    from store.queries import events_page

    while page := reader.run(events_page(run_id, after_seq=seq, limit=PAGE)):
        yield from page
        seq = page[-1].seq


def event_json(event: EventRow) -> JsonObject:
    """An event as programs read it; what does not apply to it is left out."""
    from store.moments import rfc3339

    placed: JsonObject = {
        "stage": event.stage.value if event.stage else None,
        "step_id": event.step_id,
        "item_index": event.item_index,
        "attempt": event.attempt,
    }
    return {
        "seq": event.seq,
        "run_id": event.run_id,
        "at": rfc3339(event.at_us),
        "kind": event.kind.value,
        "v": event.v,
        "pass_index": event.pass_index,
        **{name: value for name, value in placed.items() if value is not None},
        "actor": event.actor,
        "data": json.loads(event.data),
    }


def _print(context: Context, event: EventRow) -> None:
    data: JsonObject = json.loads(event.data)
    where = event.step_id or (event.stage.value if event.stage else "")
    if event.attempt is not None:
        where += f"#{event.attempt}"
    # On a pipe nothing is cut off, whatever becomes of the columns.
    where = fit(where, _WHERE) if context.out.is_terminal else f"{where:<{_WHERE}}"
    role = STAGE_ROLES[event.stage] if event.stage and not event.step_id else Role.TEXT
    context.out.line(
        Span(f"{event.seq:>5}  {time_of_day(event.at_us, exact=True)}  ", Role.DIM),
        Span(f"{short_kind(event.kind):<{_KIND}}  ", _role_of(event, data)),
        Span(f"{where}  ", role),
        said(data),
    )


def _role_of(event: EventRow, data: JsonObject) -> Role:
    if data.get("status") == "failed":
        return Role.FAILED
    return _ROLES.get(event.kind, Role.TEXT)


def said(data: JsonObject) -> str:
    """The little of an event's data that fits a line: `failed, exit_code: exit 1  31ms`."""
    parts = [str(value) for name in _SAID if (value := data.get(name)) not in (None, "")]
    text = ", ".join(dict.fromkeys(parts))
    took = data.get("duration_us")
    return f"{text}  {duration(took)}".strip() if isinstance(took, int) else text

"""Links to runs: what one looks like, and what a text that could be one means. Which run there is of that name is not asked here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, quote

from engine.errors import InputError
from engine.model.states import Stage
from tui.viewmodel.tabs import Tab

SHORTEST_PREFIX: Final = 4
_EXAMPLE: Final = "a link looks like 7f3a91/stage/execute?step=ping or 7f3a91/logs"
_TABS: Final = {tab.name.lower(): tab for tab in Tab}
_COULD_BE: Final = re.compile(r"(last|[0-9a-f]{4,32})(?:/.*|\?.*)?", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Target:
    """What RUN means before the file is asked: a run by prefix or `last`, and the part of it that a link names."""

    run: str
    stage: Stage | None = None
    step_id: str | None = None
    tab: Tab | None = None
    pass_index: int | None = None


def run_link(
    run_id: str, tab: Tab, stage: Stage | None, step_id: str | None = None, *, pass_index: int | None = None
) -> str:
    """The link to what is looked at: `7f3a91…/stage/execute?step=ping`, `7f3a91…/logs`, or the run alone.

    `pass_index` is given where it is not the last pass, which is what a link without one leads to.
    """
    parts: list[str] = []
    path = run_id
    if tab is not Tab.STAGES:
        path = f"{run_id}/{tab.name.lower()}"
    elif stage is not None:
        path = f"{run_id}/stage/{stage.value}"
        if step_id is not None:
            parts.append(f"step={quote(step_id, safe='')}")
    if pass_index is not None:
        parts.append(f"pass={pass_index}")
    return f"{path}?{'&'.join(parts)}" if parts else path


def could_be_link(word: str) -> bool:
    """True where somebody who writes this in the place of a command means a run."""
    return _COULD_BE.fullmatch(word) is not None


def parse_target(text: str) -> Target:
    """RUN as it is typed: `7f3a`, `last`, `7f3a91/stage/execute?step=ping`, `last/logs`. Raises InputError."""
    path, _, query = text.partition("?")
    run, *rest = path.strip("/").split("/")
    stage, tab = _part(text, rest)
    step, pass_index = _query(query)
    if run != "last":
        run = run.lower()
        if not re.fullmatch(r"[0-9a-f]{1,32}", run):
            raise InputError(
                f"{text!r} is not a run", hint="give the beginning of a run's id, or last; opscope runs lists them"
            )
        if len(run) < SHORTEST_PREFIX:
            raise InputError(
                f"{run!r} is too short for a run", hint=f"give {SHORTEST_PREFIX} characters of its id or more"
            )
    return Target(run, stage, step, tab, pass_index)


def _query(query: str) -> tuple[str | None, int | None]:
    """The step and the pass that the end of a link names."""
    parts = parse_qs(query, keep_blank_values=True)
    for name, values in parts.items():
        if name not in ("step", "pass"):
            raise InputError(f"a link has no part {name!r}", hint=f"it may have step and pass; {_EXAMPLE}")
        if len(values) > 1:
            raise InputError(f"the link names several of {name}", hint="it leads to one")
    [step], [number] = parts.get("step", [None]), parts.get("pass", [None])
    if step == "":
        raise InputError("the link has a step without a name", hint=_EXAMPLE)
    if number is not None and not (number.isascii() and number.isdecimal() and len(number) < 7):
        raise InputError(f"{number[:20]!r} is not the number of a pass", hint="the first one is pass=0")
    return step, None if number is None else int(number)


def _part(text: str, rest: list[str]) -> tuple[Stage | None, Tab | None]:
    match rest:
        case []:
            return None, None
        case ["stage", name] if name in list(Stage):
            return Stage(name), None
        case [name] if name in _TABS:
            return None, _TABS[name]
        case _:
            raise InputError(f"{text!r} is not a run", hint=_EXAMPLE)

"""What `opscope screenshot` is to draw: the screen, and what of which run, asset or comparison. Draws nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from engine.errors import InputError
from engine.model.states import Stage
from tui.viewmodel.words import short_id

if TYPE_CHECKING:
    import argparse

    from store.reader import Reader
    from tui.commands.context import Context
    from tui.commands.records import Found
    from tui.places import Place
    from tui.screenshot import Screen

_OF_NO_RUN = ("runs", "monitor")


def choose(arguments: argparse.Namespace, context: Context) -> tuple[Screen, Place | None]:
    """The screen that the options ask for, and what it is of. Raises InputError for what says nothing together, and StoreError."""
    from tui.commands.records import open_reader

    words: list[str] = arguments.runs
    screen = cast("Screen", arguments.screen or _by_link(words))
    _check(screen, arguments)
    with open_reader(context) as reader:
        match screen:
            case "runs":
                return screen, None
            case "monitor":
                from tui.places import MonitorPlace

                return screen, MonitorPlace()
            case "impact":
                return screen, _asset_place(words)
            case "compare":
                return screen, _compare_place(reader, words or ["last"], arguments.section or 1)
            case _:
                return screen, _of_run(reader, screen, words[0] if words else "last")


def _by_link(words: list[str]) -> str:
    """The screen that RUN means: the tab that a link names, else the stages."""
    from tui.viewmodel.links import could_be_link, parse_target

    if not words:
        return "runs"
    tab = parse_target(words[0]).tab if could_be_link(words[0]) else None
    return "stages" if tab is None else tab.name.lower()


def _check(screen: Screen, arguments: argparse.Namespace) -> None:
    if screen in _OF_NO_RUN and arguments.runs:
        hint = "leave RUN out, or choose a screen of a run, such as --screen stages"
        raise InputError(f"the screen {screen} is of no single run", hint=hint)
    if screen == "impact" and len(arguments.runs) > 1:
        raise InputError("the screen impact is of one asset", hint="name one")
    if screen not in ("compare", "impact") and len(arguments.runs) > 1:
        raise InputError("several runs are for --screen compare", hint="name one run")
    if screen != "compare" and arguments.section is not None:
        raise InputError(f"--section does nothing with the screen {screen}", hint="it goes with --screen compare")


def _asset_place(words: list[str]) -> Place:
    if not words:
        raise InputError("the screen impact is of an asset", hint="opscope screenshot TYPE/NAME --screen impact")
    from tui.commands.asset_words import reference_of
    from tui.places import ImpactPlace

    return ImpactPlace(str(reference_of(words[0]).name))


def _compare_place(reader: Reader, words: list[str], section: int) -> Place:
    from tui.commands.compare_lookup import named_runs
    from tui.places import ComparePlace

    return ComparePlace(tuple(named_runs(reader, words)), section=section, keeps=False)


def _of_run(reader: Reader, screen: Screen, text: str) -> Place:
    from tui.commands.records import find_run, require_step

    found = find_run(reader, text)
    _check_part(screen, text, found)
    place = found.place()
    if found.step_id is None:
        return place
    require_step(reader, found.run_then, found.step_id)
    return place._replace(stage=Stage.EXECUTE)


def _check_part(screen: Screen, text: str, found: Found) -> None:
    """Whether the screen can show the part of the run that a link names."""
    if found.tab is not None and found.tab.name.lower() != screen:
        raise InputError(
            f"the link is to {found.tab.name.lower()}, --screen {screen} is another", hint="give one of them"
        )
    if found.step_id is not None and found.stage not in (None, Stage.EXECUTE):
        run = text.partition("/")[0]
        raise InputError("steps are of the stage execute", hint=f"{run}/stage/execute?step={found.step_id}")
    if found.pass_index is not None and screen in ("why", "override"):
        raise InputError(f"the screen {screen} is of the last pass", hint=f"leave pass={found.pass_index} out")
    shows_stages = screen == "stages"
    shows_steps = shows_stages or screen == "override"
    if (found.stage is not None and not shows_stages) or (found.step_id is not None and not shows_steps):
        raise InputError(
            f"{text!r} is a part of a run",
            hint=f"--screen stages draws it; for the whole run give {short_id(found.run.run_id)}",
        )

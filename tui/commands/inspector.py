"""Opens the inspector: the one place in the commands from which a screen is reached. The screens themselves are in tui.app."""

from __future__ import annotations

import gc
import os
from typing import TYPE_CHECKING

from engine.collector import collector_paused
from tui.configuration_path import configuration_path
from tui.early import read_early

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tui.commands.context import Context
    from tui.configuration import Settings
    from tui.places import Place

_COLLECTED_AFTER = (20_000, 20, 20)
"""A key on a large run makes tens of thousands of objects that stay. By Python's own numbers the collector would look through
all of them several times before they are painted: a third of the time that the graph of 10,000 steps takes."""


def open_inspector(
    context: Context,
    *,
    place: Place | None = None,
    watching: bool = False,
    read_only: bool = False,
) -> int:
    """Show the inspector on the database until the person leaves it; the exit code: 4 if the file could not be read.

    `place` is opened at once; `watching` says that the caller has just started its run, so that the screen tells what
    leaving does. A file that does not exist yet is no error: it is waited for. Raises InputError, ConfigurationError;
    what nobody foresaw is raised when the terminal is as it was.
    """
    settings = _settings(context.env)
    # Textual reads these when it is first imported.
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    if context.no_color:
        os.environ["NO_COLOR"] = "1"
    early = read_early(context.database)
    with collector_paused():  # nothing of a module is garbage
        from tui.app import Inspector

        gc.freeze()  # and never will be, so that the collector need not go through all of it before the first paint
    gc.set_threshold(*_COLLECTED_AFTER)
    from tui.commands.output import is_light

    app = Inspector(
        context.database,
        place=place,
        light=is_light(context.env),
        ascii_only=context.ascii_only,
        watching=watching,
        read_only=read_only or (settings is not None and settings.ui.readonly),
        preferences=settings.preferences if settings is not None else None,
        early=early,
    )
    code = app.run()
    if app.crash is not None:
        raise app.crash
    if app.last_error is not None:
        return int(app.last_error.exit_code)
    return app.return_code or 0 if code is None else code


def _settings(env: Mapping[str, str]) -> Settings | None:
    """The user's settings, None where no file has any: what reads one imports much, and the first paint would wait for it."""
    if not env.get("OPSCOPE_CONFIG") and not configuration_path(env).exists():
        return None
    from tui.configuration import load_configuration

    return load_configuration(env).settings

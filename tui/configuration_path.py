"""Where the configuration file is and which file of runs it names: what costs next to nothing. The rest is tui.configuration's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from store.location import home_folder

if TYPE_CHECKING:
    from collections.abc import Mapping


def configuration_path(env: Mapping[str, str]) -> Path:
    """`$OPSCOPE_CONFIG`, else `opscope/config.toml` in the user's configuration folder."""
    if chosen := env.get("OPSCOPE_CONFIG"):
        return Path(chosen).expanduser().absolute()
    folder = env.get("XDG_CONFIG_HOME", "")
    if not folder.startswith("/"):
        folder = str(home_folder(env) / ".config")
    return Path(folder) / "opscope" / "config.toml"


def configured_database(env: Mapping[str, str]) -> Path | None:
    """The file of runs that the configuration names, None where it names none; a relative one is found beside the configuration.

    Every command asks this, so nothing is imported for a configuration that does not speak of it. Raises InputError where the
    file cannot be understood: to take another database then would show the wrong runs.
    """
    path = configuration_path(env)
    try:
        content = path.read_bytes() if path.is_file() else b""
    except OSError:  # what performs runs will say so
        return None
    if b"database" not in content:
        return None
    import tomllib

    try:
        section = tomllib.loads(content.decode()).get("ui")
    except (ValueError, RecursionError):
        section = None
    named = section.get("database") if isinstance(section, dict) else None
    if not isinstance(named, str) or not named.strip() or "\0" in named:
        from tui.configuration import load_configuration

        load_configuration(env)
        return None
    if named == "~" or named.startswith("~/"):
        return home_folder(env) / named[2:]
    return path.parent / named

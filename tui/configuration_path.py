"""Where the user's configuration file is; to know that costs nothing. Reading it is tui.configuration's."""

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

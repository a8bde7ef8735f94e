"""What every command is given: where to write, which database, whose environment. No command's own logic."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from tui.commands.output import open_output

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tui.commands.output import Output


@dataclass(frozen=True)
class Context:
    """The surroundings of one command. `db` is what `--db` said; `env` is the caller's environment."""

    out: Output
    err: Output
    env: Mapping[str, str]
    db: Path | None = None
    no_color: bool = False
    ascii_only: bool = False

    @classmethod
    def of_process(cls, env: Mapping[str, str], *, db: str | None, no_color: bool, ascii_only: bool) -> Context:
        """The context on this process's own streams."""
        return cls(
            out=open_output(sys.stdout, env, no_color=no_color, ascii_only=ascii_only),
            err=open_output(sys.stderr, env, no_color=no_color, ascii_only=ascii_only),
            env=env,
            db=Path(db).expanduser() if db else None,
            no_color=no_color,
            ascii_only=ascii_only,
        )

    @cached_property
    def database(self) -> Path:
        """The file of runs: `--db`, else `$OPSCOPE_DB`, else the configuration's, else the one in the user's state folder.

        Raises InputError where the configuration cannot be understood.
        """
        if self.db is not None:
            return self.db.absolute()
        return database_of(self.env)

    @property
    def state_folder(self) -> Path:
        """Where the user's own state is kept, whatever `--db` says."""
        from store.location import default_path

        return default_path({name: value for name, value in self.env.items() if name != "OPSCOPE_DB"}).parent

    @property
    def is_interactive(self) -> bool:
        """True when a person sits at both ends, with a terminal that can show a screen."""
        is_plain = self.env.get("TERM", "") in ("", "dumb")
        return not is_plain and self.out.is_terminal and sys.stdin is not None and sys.stdin.isatty()

    def now_us(self) -> int:
        """Microseconds since the epoch, UTC."""
        return time.time_ns() // 1000


def database_of(env: Mapping[str, str]) -> Path:
    """The file of runs where no option names one. Raises InputError where the configuration cannot be understood."""
    from store.location import default_path

    if env.get("OPSCOPE_DB"):
        return default_path(env)
    from tui.configuration_path import configured_database

    return configured_database(env) or default_path(env)

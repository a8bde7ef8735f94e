"""What a query may do to its database: an authorizer for SQLite. Pure decisions, no connection."""

from __future__ import annotations

import sqlite3

# Writes are not refused here: virtual tables (json_each, rtree) prepare some just to be opened, and a database that is
# opened with mode=ro refuses them all when they are carried out.
_READS = frozenset(
    [
        sqlite3.SQLITE_SELECT,
        sqlite3.SQLITE_READ,
        sqlite3.SQLITE_RECURSIVE,
        sqlite3.SQLITE_INSERT,
        sqlite3.SQLITE_UPDATE,
        sqlite3.SQLITE_DELETE,
    ]
)
READ_ONLY = "the step reads only; set read_only: false if it is to change the database"
_READING_PRAGMAS = frozenset(
    [
        "application_id",
        "collation_list",
        "compile_options",
        "data_version",
        "database_list",
        "encoding",
        "foreign_key_check",
        "foreign_key_list",
        "freelist_count",
        "function_list",
        "index_info",
        "index_list",
        "index_xinfo",
        "integrity_check",
        "journal_mode",
        "module_list",
        "page_count",
        "page_size",
        "pragma_list",
        "quick_check",
        "schema_version",
        "table_info",
        "table_list",
        "table_xinfo",
        "user_version",
    ]
)
_TAKE_ARGUMENT = frozenset(name for name in _READING_PRAGMAS if name.endswith(("_info", "_xinfo", "_list", "_check")))
_FORBIDDEN_FUNCTIONS = frozenset(["load_extension", "fts3_tokenizer", "writefile", "readfile", "edit"])


class Guard:
    """Asked by SQLite for every action while a query is prepared; remembers in words what it refused."""

    def __init__(self, *, read_only: bool) -> None:
        self._read_only = read_only
        self.refused = ""

    def __call__(
        self, action: int, first: str | None, second: str | None, _database: str | None, _trigger: str | None
    ) -> int:
        """SQLITE_OK or SQLITE_DENY for one action."""
        problem = self._problem(action, first, second)
        if problem:
            self.refused = self.refused or problem
            return sqlite3.SQLITE_DENY
        return sqlite3.SQLITE_OK

    def _problem(self, action: int, first: str | None, second: str | None) -> str:
        match action:
            case sqlite3.SQLITE_ATTACH | sqlite3.SQLITE_DETACH:
                return "a step has one database: ATTACH and DETACH are refused"
            case sqlite3.SQLITE_TRANSACTION | sqlite3.SQLITE_SAVEPOINT:
                return "a step is one transaction already: BEGIN, COMMIT, ROLLBACK and SAVEPOINT are refused"
            case sqlite3.SQLITE_FUNCTION:
                name = (second or "").lower()
                return f"the function {name} is refused" if name in _FORBIDDEN_FUNCTIONS else ""
            case _ if not self._read_only or action in _READS:
                return ""
            case sqlite3.SQLITE_PRAGMA:
                return _pragma_problem((first or "").lower(), second)
            case _:
                return READ_ONLY


def _pragma_problem(name: str, argument: str | None) -> str:
    if name in _READING_PRAGMAS and (argument is None or name in _TAKE_ARGUMENT):
        return ""
    return f"the step reads only, and PRAGMA {name} can change the database or the connection"

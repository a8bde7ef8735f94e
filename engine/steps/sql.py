"""One attempt of a sql step: binds, time limit and cancellation around a query, and its rows as data."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from engine.errors import InputError
from engine.model.bound import SecretText
from engine.model.json import canonical_json
from engine.model.result import AttemptOutcome
from engine.model.states import Reason, StepStatus
from engine.steps.blocking import BlockingWork, NoThreadError
from engine.steps.query import QueryError, QueryRequest, run_query
from engine.steps.rows import rows_data

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model.bound import BoundSql
    from engine.model.json import Json
    from engine.ports import AttemptObserver, AttemptSpec
    from engine.steps.capture import CaptureLimits
    from engine.steps.query import QueryResult
    from engine.steps.rows import SqlValue
    from engine.steps.secrets import SecretBox

_COMMENT_OR_TEXT = re.compile(
    r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|\[[^\]]*\]|--[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL
)
_BIND = re.compile(r"[:@$]([A-Za-z_][A-Za-z0-9_]*)|\?")
_INT64 = range(-(2**63), 2**63)


class SqlRunner:
    """Runs query attempts; holds what they share."""

    def __init__(self, *, secrets: SecretBox, limits: CaptureLimits, grace_sec: float) -> None:
        self._secrets = secrets
        self._limits = limits
        self._grace_sec = grace_sec

    async def run(self, sql: BoundSql, spec: AttemptSpec, observer: AttemptObserver) -> AttemptOutcome:
        """Run one attempt to its end. Raises only what the observer raises, and CancelledError."""
        # Before the query begins: what it writes must not happen unknown to the file.
        await observer.started(None)
        try:
            request = self._request(sql, spec)
        except (QueryError, InputError) as error:
            return self._failed(Reason.QUERY_FAILED, str(error))
        work = BlockingWork(
            lambda stopper: run_query(request, stopper), name="opscope-query", grace_sec=self._grace_sec
        )
        try:
            result = await work.run(spec.timeout_sec)
        except TimeoutError:
            return self._failed(Reason.TIMED_OUT, f"timed out after {spec.timeout_sec:g} s")
        except QueryError as error:
            return self._failed(error.reason, str(error))
        except NoThreadError as error:
            return self._failed(Reason.QUERY_FAILED, str(error))
        return self._succeeded(result, spec)

    def _request(self, sql: BoundSql, spec: AttemptSpec) -> QueryRequest:
        _check_binds(sql.query, sql.binds)
        limits = self._limits.with_cap(spec.max_output_bytes)
        return QueryRequest(
            database=spec.plan_folder / sql.database,
            query=sql.query,
            binds={name: self._bind(name, value) for name, value in sql.binds.items()},
            read_only=sql.read_only,
            max_rows=limits.sql_rows,
            max_bytes=limits.sql_bytes,
        )

    def _bind(self, name: str, value: Json | SecretText) -> SqlValue:
        """A value as SQLite takes it: true and false are 1 and 0, lists and objects their JSON text."""
        if isinstance(value, SecretText):
            return self._secrets.reveal(value)
        if isinstance(value, bool):
            return int(value)
        if isinstance(value, int) and value not in _INT64:
            raise QueryError(
                f"the value of :{name} is too large for SQLite, which has integers of 64 bits; give a text"
            )
        if isinstance(value, list | dict):
            return canonical_json(value)
        return value

    def _succeeded(self, result: QueryResult, spec: AttemptSpec) -> AttemptOutcome:
        counts = {"rows": len(result.rows)}
        if result.changed is not None:
            counts["changed"] = result.changed
        data = self._secrets.mask_json(rows_data(result.columns, result.rows, spec.output))
        return AttemptOutcome(StepStatus.SUCCEEDED, data=data, counts=counts)

    def _failed(self, reason: Reason, message: str) -> AttemptOutcome:
        return AttemptOutcome(StepStatus.FAILED, reason, self._secrets.mask(message))


def _check_binds(query: str, binds: Mapping[str, object]) -> None:
    """Compare the names in the query with those given. Texts, quoted names and comments in the query do not count."""
    wanted: dict[str, None] = {}
    bare = _COMMENT_OR_TEXT.sub(" ", query)
    if not bare.strip(" \t\r\n;"):
        raise QueryError("the query is empty")
    for match in _BIND.finditer(bare):
        if match[0] == "?":
            raise QueryError("the query has a ? in it; name its values (:host) and give them under args")
        wanted[match[1]] = None
    missing = [f":{name}" for name in wanted if name not in binds]
    unused = [name for name in binds if name not in wanted]
    if missing:
        given = f"; args has {', '.join(binds)}" if binds else "; args is empty"
        raise QueryError(f"the query asks for {', '.join(missing)}, which args does not give{given}")
    if unused:
        raise QueryError(f"args gives {', '.join(unused)}, which the query does not ask for; write it as :{unused[0]}")

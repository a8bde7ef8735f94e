"""Grouping rows into few statements changes nothing of what they mean."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from hypothesis import given
from hypothesis import strategies as st

from store.statements import Statements, execute_rows

SQL = {
    0: "INSERT INTO t (k, story) VALUES (?, ?) ON CONFLICT DO UPDATE SET story = story || excluded.story",
    1: "UPDATE t SET story = story || ? WHERE k = ?",
    2: "INSERT INTO t (k, story) VALUES (?, ?) ON CONFLICT (k) DO UPDATE SET story = excluded.story || '!'",
}


def row(phase: int, key: int, place: int) -> tuple[object, ...]:
    return (f"{place};", key) if phase == 1 else (key, f"{place};")


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), max_size=200))
def test_the_order_of_each_key_is_kept(changes: list[tuple[int, int]]) -> None:
    """The same table whether rows are written one by one or as they were grouped."""
    with closing(sqlite3.connect(":memory:")) as one_by_one, closing(sqlite3.connect(":memory:")) as grouped:
        for connection in (one_by_one, grouped):
            connection.execute("CREATE TABLE t (k PRIMARY KEY, story) WITHOUT ROWID")
        statements = Statements()
        for place, (key, phase) in enumerate(changes):
            one_by_one.execute(SQL[phase], row(phase, key, place))
            statements.add("t", key, phase, SQL[phase], row(phase, key, place))
        for sql, rows in statements.groups():
            execute_rows(grouped, sql, rows)
        everything = "SELECT * FROM t ORDER BY k"
        assert grouped.execute(everything).fetchall() == one_by_one.execute(everything).fetchall()


def test_rows_that_commute_share_a_statement() -> None:
    statements = Statements()
    for key in range(100):
        for phase in range(3):
            statements.add("t", key, phase, SQL[phase], row(phase, key, 0))
    assert [len(rows) for _, rows in statements.groups()] == [100, 100, 100]


def test_every_count_of_rows_arrives() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE t (n)")
        for count in (0, 1, 3, 4, 5, 15, 63, 64, 65, 300):
            connection.execute("DELETE FROM t")
            execute_rows(connection, "INSERT INTO t (n) VALUES (?)", [(n,) for n in range(count)])
            assert [n for (n,) in connection.execute("SELECT n FROM t ORDER BY rowid")] == list(range(count))

"""How each kind of database is kept from harm: read-only sessions, short statements, errors that are told apart. A row for each.

A database without a row here is asked all the same, with nothing but a roll-back after each question; its user must not be able to write.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, ProgrammingError

_MYSQL_PERMANENT = frozenset((1044, 1045, 1049, 1054, 1064, 1109, 1142, 1143, 1146, 1227, 1356, 1698, 1820, 1862))
"""Access denied, to a database, a table or a column; unknown ones; syntax; an expired password."""
_PERMANENT_STATE = re.compile(r"28\w{3}|3D\w{3}|42\w{3}|IM00[2378]")
"""SQLSTATE: wrong credentials; no such database; syntax, no such column or table, no right to it; no such ODBC data source or driver."""
_PERMANENT_WORDS = re.compile(
    r"no such (table|column|function)|syntax error|incomplete input|password authentication failed"
)
_UNKNOWN_VARIABLE = 1193


def _prepare_nothing(connection: Connection, statement_s: float, most_rows: int) -> None:
    return


@dataclass(frozen=True)
class Manners:
    """What is particular to one kind of database.

    ``url``: the one to use in place of what was written. ``connect_args``: the driver's, for so many seconds at most. ``prepare``: what is
    said first, with the seconds for a statement and the rows that are read. ``interrupt``: stop what runs, from another thread.
    """

    url: Callable[[URL], URL] = lambda url: url
    connect_args: Callable[[float], dict[str, Any]] = lambda seconds: {}
    prepare: Callable[[Connection, float, int], None] = _prepare_nothing
    interrupt: Callable[[Connection | None], None] = lambda connection: None


def _prepare_mysql(connection: Connection, statement_s: float, most_rows: int) -> None:
    for statement in (
        "SET SESSION TRANSACTION READ ONLY",
        f"SET SESSION sql_select_limit = {most_rows}",
        f"SET SESSION lock_wait_timeout = {max(1, round(statement_s))}",
        f"SET SESSION innodb_lock_wait_timeout = {max(1, round(statement_s))}",
    ):
        connection.exec_driver_sql(statement)
    try:
        connection.exec_driver_sql(f"SET SESSION max_statement_time = {statement_s:g}")
    except DBAPIError as error:
        if _code(error) != _UNKNOWN_VARIABLE:
            raise
        connection.exec_driver_sql(f"SET SESSION max_execution_time = {round(statement_s * 1000)}")  # MySQL's own
    connection.rollback()


def _prepare_postgresql(connection: Connection, statement_s: float, most_rows: int) -> None:
    connection.exec_driver_sql("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
    connection.exec_driver_sql(f"SET statement_timeout = {round(statement_s * 1000)}")
    connection.exec_driver_sql(f"SET lock_timeout = {round(statement_s * 1000)}")
    connection.commit()


def _prepare_sqlite(connection: Connection, statement_s: float, most_rows: int) -> None:
    connection.exec_driver_sql("PRAGMA query_only = ON")
    connection.rollback()


def _prepare_mssql(connection: Connection, statement_s: float, most_rows: int) -> None:
    connection.exec_driver_sql(f"SET LOCK_TIMEOUT {round(statement_s * 1000)}")
    connection.exec_driver_sql(f"SET ROWCOUNT {most_rows}")
    connection.commit()


def _prepare_odbc(connection: Connection, statement_s: float, most_rows: int) -> None:
    driver: Any = connection.connection.driver_connection
    driver.timeout = max(1, round(statement_s))
    connection.rollback()


def _sqlite_read_only(url: URL) -> URL:
    if not url.database or url.database.startswith("file:") or url.database == ":memory:":
        return url
    return url.set(database=f"file:{quote(url.database)}", query={**url.query, "mode": "ro", "uri": "true"})


def _interrupt_sqlite(connection: Connection | None) -> None:
    if connection is not None and not connection.closed:
        driver = connection.connection.driver_connection
        if driver is not None:
            driver.interrupt()


def _mysql_args(seconds: float) -> dict[str, Any]:
    return {"connect_timeout": seconds, "read_timeout": seconds, "write_timeout": seconds, "charset": "utf8mb4"}


_MYSQL = Manners(connect_args=_mysql_args, prepare=_prepare_mysql)

MANNERS: dict[str, Manners] = {
    "mysql": _MYSQL,
    "mariadb": _MYSQL,
    "postgresql": Manners(
        connect_args=lambda seconds: {"connect_timeout": max(1, round(seconds))}, prepare=_prepare_postgresql
    ),
    "sqlite": Manners(
        url=_sqlite_read_only,
        connect_args=lambda seconds: {"timeout": seconds},
        prepare=_prepare_sqlite,
        interrupt=_interrupt_sqlite,
    ),
    "odbc": Manners(connect_args=lambda seconds: {"timeout": max(1, round(seconds))}, prepare=_prepare_odbc),
    "mssql": Manners(prepare=_prepare_mssql),
}


def _code(error: DBAPIError) -> int | None:
    args = getattr(error.orig, "args", ())
    return args[0] if args and isinstance(args[0], int) else None


def is_permanent(error: BaseException) -> bool:
    """Whether asking again is in vain until somebody changes something: wrong credentials, a right, a table or a column that is missing."""
    if isinstance(error, (NoSuchModuleError, ArgumentError)):
        return True
    if not isinstance(error, DBAPIError) or error.connection_invalidated:
        return False
    code = _code(error)
    if code is not None:
        return code in _MYSQL_PERMANENT
    orig = error.orig
    state = getattr(orig, "sqlstate", None) or getattr(orig, "pgcode", None)
    if state is None and orig is not None and orig.args and isinstance(orig.args[0], str) and len(orig.args[0]) == 5:
        state = orig.args[0]  # an ODBC driver's
    if isinstance(state, str) and _PERMANENT_STATE.fullmatch(state):
        return True
    return isinstance(error, ProgrammingError) or _PERMANENT_WORDS.search(str(orig)) is not None

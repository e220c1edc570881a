"""``odbc://user:password@DSN``: any database that has an ODBC driver and no dialect of SQLAlchemy's, such as Informix.

Only what reading needs: SQLAlchemy's way of connecting through pyodbc, and none of the questions with which a dialect learns what it speaks to.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection
from sqlalchemy.connectors.pyodbc import PyODBCConnector
from sqlalchemy.dialects import registry
from sqlalchemy.engine.default import DefaultDialect


class OdbcDialect(PyODBCConnector, DefaultDialect):
    """Statements go through as they are written."""

    name = "odbc"
    driver = "pyodbc"
    supports_statement_cache = True

    def initialize(self, connection: Connection) -> None:
        """Nothing is asked: what would be understood differs from driver to driver."""

    def do_ping(self, dbapi_connection: Any) -> bool:
        """Never asked for; each session connects anew."""
        return True


def register() -> None:
    """Make ``odbc://`` a URL that SQLAlchemy knows."""
    registry.register("odbc", __name__, OdbcDialect.__name__)

"""A contact centre's own tables, as somebody might keep them: calls, a row each, and agents; the questions that ask for them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from tests.collectors.contract.rig import ZONE
from tests.collectors.mariadb import MariaDb

SCHEMA = """
CREATE TABLE calls (
  id VARCHAR(40) PRIMARY KEY, skill VARCHAR(40), arrived DATETIME(3) NOT NULL, connected DATETIME(3), hung_up DATETIME(3),
  result VARCHAR(20), agent VARCHAR(40), number VARCHAR(20)
);
CREATE TABLE staff (login VARCHAR(40) PRIMARY KEY, full_name VARCHAR(60), state VARCHAR(20), since DATETIME(3), skills VARCHAR(200));
CREATE TABLE counts (skill VARCHAR(40) PRIMARY KEY, offered INT, answered INT, talk_s DECIMAL(12,1), began DATETIME);
"""

CONTACTS = """
SELECT skill AS queue, id AS contact, arrived AS entered_at, connected AS answered_at, hung_up AS ended_at, result AS outcome,
       agent, number AS caller FROM calls
"""
AGENTS = "SELECT login AS agent, full_name AS name, state AS `condition`, since, skills AS queues FROM staff"


class Warehouse:
    """Writes its rows with the times of ``clock``, in Shanghai's zone."""

    def __init__(self, database: MariaDb, clock: Callable[[], int]) -> None:
        self.database, self._clock = database, clock

    def install(self) -> None:
        self.database.run("DROP TABLE IF EXISTS calls, staff, counts")
        self.database.load(SCHEMA)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._clock() / 1000, UTC).astimezone(ZoneInfo(ZONE)).replace(tzinfo=None)

    def call(self, contact: str, **columns: Any) -> None:
        """Insert a call or change it."""
        row = {"id": contact} | columns
        self.database.run(
            f"INSERT INTO calls ({', '.join(row)}) VALUES ({', '.join(['%s'] * len(row))}) "
            f"ON DUPLICATE KEY UPDATE {', '.join(f'{name} = VALUES({name})' for name in row)}",
            *row.values(),
        )

    def agent(self, login: str, state: str, *, name: str = "", skills: str = "sales") -> None:
        self.database.run("REPLACE INTO staff VALUES (%s, %s, %s, %s, %s)", login, name, state, self.now(), skills)

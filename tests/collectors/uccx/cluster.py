"""The two nodes of a Unified CCX as far as their databases show them: two databases of one real MariaDB, the master's written each second."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.collectors.mariadb import PASSWORD, USER, MariaDb

SCHEMA = Path(__file__).parent.parent.parent / "data" / "uccx" / "schema.sql"
NODES = ("db_cra", "db_cra_2")


class Cluster:
    """``clock`` is the nodes' own, epoch ms; ``zone_h``: what they add to UTC when they write a date."""

    def __init__(self, database: MariaDb, clock: Callable[[], int], zone_h: int = 8) -> None:
        self.database, self._clock, self._zone_h = database, clock, zone_h
        self.master = NODES[0]
        self.started_at = clock()

    def install(self) -> None:
        for node in NODES[1:]:
            self.database.run(f"CREATE DATABASE IF NOT EXISTS {node}")
            self.database.run(f"GRANT SELECT ON {node}.* TO {USER}@'%'")
        for node in NODES:
            self.database.run(f"USE {node}")
            self.database.run("DROP TABLE IF EXISTS RtCSQsSummary, RtICDStatistics")
            self.database.load(SCHEMA.read_text())

    def url(self, node: str, port: int) -> str:
        return f"mysql://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{port}/{node}"

    def write(self, queue: str, **columns: Any) -> None:
        """The master writes a row; the other columns keep what they had."""
        row = {"StartDateTime": self._date(self.started_at), "EndDateTime": self._date(self._clock())} | columns
        names = ", ".join(("CSQName", *row))
        self.database.run(
            f"INSERT INTO {self.master}.RtCSQsSummary ({names}) VALUES (%s{', %s' * len(row)}) "
            f"ON DUPLICATE KEY UPDATE {', '.join(f'{name} = VALUES({name})' for name in row)}",
            queue,
            *row.values(),
        )

    def _date(self, at: int) -> datetime:
        return datetime.fromtimestamp(at // 1000 + self._zone_h * 3600, UTC).replace(tzinfo=None)

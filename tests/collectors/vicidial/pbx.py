"""VICIdial as far as its database shows it: what its dialler and its agents' screens write, on a real MariaDB."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.collectors.mariadb import MariaDb

SCHEMA = Path(__file__).parent.parent.parent / "data" / "vicidial" / "schema.sql"


class Pbx:
    """Writes as VICIdial does. Every time is the database's own, plus ``ago_s`` seconds into the past."""

    def __init__(self, database: MariaDb) -> None:
        self.database = database
        self._calls = 0

    def install(self) -> None:
        self.database.load(SCHEMA.read_text())

    def stand_still(self) -> None:
        """The database's time stands still for what is written, so that lengths are exact; until ``clear``."""
        self.database.run("SET timestamp = UNIX_TIMESTAMP()")

    def clear(self) -> None:
        self.database.run("SET timestamp = DEFAULT")
        for table in ("live_agents", "auto_calls", "closer_log", "log"):
            self.database.run(f"TRUNCATE vicidial_{table}")

    # ── agents ────────────────────────────────────────────────────────────────────────────────────

    def agent(self, user: str, status: str, *, ingroups: str = "sales", ago_s: int = 0, **more: Any) -> None:
        """An agent's row; ``closer_campaigns`` ends with a dash, as it does in VICIdial."""
        self.database.run("DELETE FROM vicidial_live_agents WHERE user = %s", user)
        row: dict[str, Any] = {"campaign_id": "TELESALE", "closer_campaigns": f" {ingroups} -", "lead_id": 0} | more
        names = ", ".join(row)
        self.database.run(
            f"INSERT INTO vicidial_live_agents (user, status, last_update_time, last_state_change, last_call_time, {names}) "
            f"VALUES (%s, %s, NOW(), NOW() - INTERVAL %s SECOND, NOW() - INTERVAL %s SECOND{', %s' * len(row)})",
            user, status, ago_s, ago_s, *row.values(),
        )  # fmt: skip

    # ── inbound ───────────────────────────────────────────────────────────────────────────────────

    def enter(self, ingroup: str = "sales", *, ago_s: int = 0, phone: str = "13800138000") -> int:
        """A call comes into an in-group; its row in the closer log."""
        self._calls += 1
        uniqueid = f"1795363100.{self._calls}"
        self.database.run(
            "INSERT INTO vicidial_auto_calls (campaign_id, status, uniqueid, callerid, phone_number, call_time, call_type) "
            "VALUES (%s, 'LIVE', %s, %s, %s, NOW() - INTERVAL %s SECOND, 'IN')",
            ingroup, uniqueid, f"Y{self._calls:017d}", phone, ago_s,
        )  # fmt: skip
        self.database.run(
            "INSERT INTO vicidial_closer_log (campaign_id, call_date, start_epoch, status, phone_number, user, uniqueid) "
            "VALUES (%s, NOW() - INTERVAL %s SECOND, UNIX_TIMESTAMP() - %s, 'QUEUE', %s, 'VDCL', %s)",
            ingroup, ago_s, ago_s, phone, uniqueid,
        )  # fmt: skip
        return int(self.database.run("SELECT MAX(closecallid) FROM vicidial_closer_log")[0][0])

    def answer(self, row: int, user: str = "6001", *, ago_s: int = 0) -> None:
        self.database.run(
            "UPDATE vicidial_closer_log SET status = 'INCALL', user = %s, "
            "queue_seconds = GREATEST(0, UNIX_TIMESTAMP() - %s - start_epoch) WHERE closecallid = %s",
            user, ago_s, row,
        )  # fmt: skip
        self.database.run("UPDATE vicidial_auto_calls SET status = 'CLOSER' WHERE uniqueid = %s", self._uniqueid(row))

    def end(self, row: int, reason: str, status: str, *, ago_s: int = 0) -> None:
        """The call is over, for this reason, and gets this status."""
        self.database.run(
            "UPDATE vicidial_closer_log SET queue_seconds = IF(status = 'QUEUE', GREATEST(0, UNIX_TIMESTAMP() - %s - start_epoch), queue_seconds), "
            "end_epoch = GREATEST(start_epoch, UNIX_TIMESTAMP() - %s), "
            "length_in_sec = GREATEST(0, UNIX_TIMESTAMP() - %s - start_epoch), term_reason = %s, status = %s WHERE closecallid = %s",
            ago_s, ago_s, ago_s, reason, status, row,
        )  # fmt: skip
        self.database.run("DELETE FROM vicidial_auto_calls WHERE uniqueid = %s", self._uniqueid(row))

    def _uniqueid(self, row: int) -> str:
        return str(self.database.run("SELECT uniqueid FROM vicidial_closer_log WHERE closecallid = %s", row)[0][0])

    # ── outbound ──────────────────────────────────────────────────────────────────────────────────

    def dial(self, campaign: str, status: str, *, ago_s: int = 0, times: int = 1) -> None:
        """Outbound calls that ended with a status."""
        for _ in range(times):
            self._calls += 1
            self.database.run(
                "INSERT INTO vicidial_log (uniqueid, campaign_id, call_date, start_epoch, status, user) "
                "VALUES (%s, %s, NOW() - INTERVAL %s SECOND, UNIX_TIMESTAMP() - %s, %s, 'VDAD')",
                f"out.{self._calls}", campaign, ago_s, ago_s, status,
            )  # fmt: skip

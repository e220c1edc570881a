"""Every statement that VICIdial's database is ever asked. Short ones: by a key or an index, or of tables that hold only the present."""

from __future__ import annotations

from sqlalchemy import bindparam, text

CLOCK = "SELECT UNIX_TIMESTAMP(NOW(6)) AS now_s"
VERSION = "SELECT VERSION() AS version"
UPTIME = "SHOW GLOBAL STATUS LIKE 'Uptime'"
AGENT_COLUMNS = "SHOW COLUMNS FROM vicidial_live_agents"

INGROUPS = "SELECT group_id FROM vicidial_inbound_groups WHERE active = 'Y'"
CAMPAIGNS = "SELECT campaign_id FROM vicidial_campaigns WHERE active = 'Y'"
STATUSES = "SELECT '' AS campaign_id, status, human_answered, sale FROM vicidial_statuses"
CAMPAIGN_STATUSES = "SELECT campaign_id, status, human_answered, sale FROM vicidial_campaign_statuses"

_AGENTS = """
SELECT a.user, u.full_name, a.status, a.lead_id, {pause_code} AS pause_code, a.campaign_id, a.closer_campaigns, a.callerid,
       UNIX_TIMESTAMP(a.last_state_change) AS changed_s, UNIX_TIMESTAMP(a.last_call_time) AS called_s
FROM vicidial_live_agents a LEFT JOIN vicidial_users u ON u.user = a.user
"""

STILL = "SELECT UNIX_TIMESTAMP(NOW(6)) - MAX(UNIX_TIMESTAMP(last_update_time)) AS still_s FROM vicidial_live_agents"

CALLS = "SELECT uniqueid, callerid, campaign_id, status, call_type FROM vicidial_auto_calls"

_CONTACTS = """
SELECT closecallid, uniqueid, campaign_id, start_epoch, end_epoch, length_in_sec, queue_seconds, status, user, term_reason, phone_number
FROM vicidial_closer_log
"""
FIRST_CONTACT = """
SELECT closecallid FROM vicidial_closer_log WHERE call_date >= FROM_UNIXTIME(:since_s) ORDER BY call_date LIMIT 1
"""
LAST_CONTACT = "SELECT MAX(closecallid) AS closecallid FROM vicidial_closer_log"
NEW_CONTACTS = _CONTACTS + "WHERE closecallid > :seen ORDER BY closecallid LIMIT :page"
OPEN_CONTACTS = text(_CONTACTS + "WHERE closecallid IN :open").bindparams(bindparam("open", expanding=True))

# A day on which the clocks are put back has an hour of dates twice: an hour more is looked through, and the epoch decides.
OUTBOUND = """
SELECT campaign_id, (CAST(start_epoch AS SIGNED) - :skew_s) DIV 900 AS quarter, status, COUNT(*) AS n
FROM vicidial_log
WHERE call_date >= FROM_UNIXTIME(:first_s - 3660) AND call_date < FROM_UNIXTIME(:end_s + 3660)
  AND start_epoch >= :first_s AND start_epoch < :end_s
GROUP BY campaign_id, quarter, status
"""


def agents(columns: frozenset[str]) -> str:
    """The question for the agents; ``columns``: what this VICIdial's ``vicidial_live_agents`` has. Older ones keep no pause code there."""
    return _AGENTS.format(pause_code="a.pause_code" if "pause_code" in columns else "''")


def session_zone(offset_s: int) -> str:
    """Read and give dates at this offset from UTC; as a number, since a server may know no names."""
    sign, minutes = ("-", -offset_s // 60) if offset_s < 0 else ("+", offset_s // 60)
    return f"SET SESSION time_zone = '{sign}{minutes // 60:02d}:{minutes % 60:02d}'"

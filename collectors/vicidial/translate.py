"""VICIdial's rows into the floor's terms. No I/O; times are brought to our clock by ``ours``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from collectors.events import AgentCondition, SeenAgent
from collectors.polled.contacts import LoggedContact, Outcome

Row = Mapping[str, Any]
Ours = Callable[[int], int]
"""A time of the database's, epoch ms, on our clock."""

NOBODY = frozenset(("", "VDAD", "VDCL"))
"""Users of calls that no agent has."""

CONDITIONS: dict[str, AgentCondition] = {
    "READY": "available",
    "CLOSER": "available",
    "QUEUE": "ringing",
    "MQUEUE": "ringing",
    "INCALL": "on_contact",
    "PAUSED": "paused",
    "DISPO": "wrap_up",
}
"""``vicidial_live_agents.status``: CLOSER waits for inbound calls alone; QUEUE is being given a call."""

LEFT: dict[str, Outcome] = {
    "QUEUETIMEOUT": "timeout",
    "NOAGENT": "empty",
    "HOLDTIME": "key",
    "AFTERHOURS": "other",
    "HOLDRECALLXFER": "other",
    "MAXCALLS": "other",
    "ACFILTER": "other",
    "CLOSETIME": "other",
    "ABANDON": "abandoned",
}
"""``vicidial_closer_log.term_reason`` of calls that no agent had, whatever user the row names."""

DROPPED = frozenset(("DROP", "XDROP", "PDROP"))
"""Statuses of calls that a person answered and that were dropped for want of an agent (or hung up while they waited for one)."""
IN_THE_QUEUE = frozenset(("QUEUE", "LIVE", "NEW", ""))


def contact(row: Row, ours: Ours) -> LoggedContact | None:
    """A row of ``vicidial_closer_log``: one visit of a contact to an in-group. None for one without a beginning.

    Its id is the row's own (``closecallid``): a call that comes back to an in-group has a row for each visit.
    """
    start_s, end_s = _whole(row["start_epoch"]), _whole(row["end_epoch"])
    if not start_s or not row["campaign_id"]:
        return None
    wait_ms = max(0, round(float(row["queue_seconds"] or 0) * 1000))
    length_s = _whole(row["length_in_sec"])
    user = str(row["user"] or "")
    outcome = _outcome(row, user, over=bool(end_s))
    entered_at = ours(start_s * 1000)
    ended_at = None if not end_s else max(entered_at, ours(end_s * 1000))
    answered = outcome == "answered"
    if outcome and not answered and wait_ms == 0 and ended_at is not None:
        wait_ms = ended_at - entered_at
    return LoggedContact(
        queue=str(row["campaign_id"]),
        contact=str(row["closecallid"]),
        entered_at=entered_at,
        outcome=outcome,
        answered_at=entered_at + wait_ms if answered else None,
        ended_at=ended_at,
        agent=user if answered else "",
        caller=str(row["phone_number"] or ""),
        wait_ms=wait_ms if outcome else None,
        talk_ms=max(0, length_s * 1000 - wait_ms) if answered and ended_at is not None and length_s else None,
        transferred=answered and row["status"] == "XFER",
    )


def _outcome(row: Row, user: str, *, over: bool) -> Outcome:
    reason, status = str(row["term_reason"] or "NONE"), str(row["status"] or "")
    if over and reason in LEFT:
        return LEFT[reason]
    if user.upper() in NOBODY or status in IN_THE_QUEUE:
        if not over:
            return ""
        return "abandoned" if reason == "CALLER" or status in DROPPED or status in IN_THE_QUEUE else "other"
    if over and status in DROPPED:
        return "abandoned"
    return "answered"


def agent(row: Row, live_callerids: frozenset[str], ours: Ours) -> SeenAgent:
    """A row of ``vicidial_live_agents``. An agent whose caller has gone works on, and so does one who has yet to say how a call went."""
    status = str(row["status"] or "")
    condition: AgentCondition = CONDITIONS.get(status, "unknown")
    reason, since_s = "", _whole(row["changed_s"])
    callerid = str(row["callerid"] or "")
    if status == "INCALL" and callerid and callerid not in live_callerids:
        condition, since_s = "wrap_up", 0  # when the caller went is not told
    elif status == "INCALL":
        since_s = max(since_s, _whole(row["called_s"]))
    elif status == "PAUSED" and _whole(row["lead_id"]):
        condition = "wrap_up"
    elif status == "PAUSED":
        reason = str(row["pause_code"] or "")
    ingroups = [name for name in str(row["closer_campaigns"] or "").split() if name != "-"]
    queues: dict[str, str | None] = dict.fromkeys((*ingroups, str(row["campaign_id"] or "")))
    queues.pop("", None)
    return SeenAgent(
        str(row["user"]),
        condition,
        queues,
        name=str(row["full_name"] or ""),
        reason=reason,
        since=ours(since_s * 1000) if since_s else None,
    )


class Statuses:
    """What each status of a call means: did a person answer, was it a success. A campaign's own word goes before the system's."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._meaning = {
            (str(row["campaign_id"]), str(row["status"])): (row["human_answered"] == "Y", row["sale"] == "Y")
            for row in rows
        }

    def counters(self, campaign: str, status: str, n: int) -> dict[str, int]:
        """What ``n`` outbound calls with this status count as.

        Answered by a person and dropped is a drop; answered by a person and not dropped is connected.
        """
        human, sale = self._meaning.get((campaign, status), self._meaning.get(("", status), (False, False)))
        if status in DROPPED:
            return {"dialled": n, "live_answered": n, "dialler_abandoned": n}
        connected = n if human or sale else 0
        return {"dialled": n, "live_answered": connected, "connected": connected, "succeeded": n if sale else 0}


def outbound(rows: Iterable[Row], statuses: Statuses) -> dict[tuple[str, int], dict[str, int]]:
    """Counters by (campaign, beginning of the quarter in epoch ms) from counted rows of ``vicidial_log``."""
    totals: dict[tuple[str, int], dict[str, int]] = {}
    for row in rows:
        campaign = str(row["campaign_id"] or "")
        if not campaign:
            continue
        cell = totals.setdefault((campaign, int(row["quarter"]) * 900_000), {})
        for name, n in statuses.counters(campaign, str(row["status"] or ""), int(row["n"])).items():
            cell[name] = cell.get(name, 0) + n
    return totals


def _whole(value: Any) -> int:
    """A number of seconds; 0 for none."""
    return int(value) if value else 0

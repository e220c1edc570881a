"""Every statement that a Unified CCX database is ever asked: the two tables that the user ``uccxwallboard`` may read."""

from __future__ import annotations

QUEUES = """
SELECT csqname, loggedinagents, availableagents, unavailableagents, talkingagents, workingagents, reservedagents, callswaiting,
       oldestcontact, totalcalls, callshandled, callsabandoned, callsdequeued, avgtalkduration, startdatetime, enddatetime
FROM RtCSQsSummary
"""
SYSTEM = "SELECT loggedinagents, callswaiting FROM RtICDStatistics"

"""The texts of the team lead's page in English: what its script draws, by short name, and what its tree holds."""

from __future__ import annotations

LEAD: dict[str, str] = {
    # what somebody is doing
    "available": "free",
    "ringing": "ringing",
    "on_contact": "talking",
    "wrap_up": "wrap-up",
    "paused": "on break",
    # the filters
    "search": "Filter by name, queue, reason or number",
    "every_queue": "All queues",
    "all_queues": "all",
    "everybody": "All",
    "over_limit": "Past the limit",
    "clear": "Clear filters",
    # tables
    "over": "limit {time}",
    "shown_of": "{n} of {m}",
    "more_waiting": "{n} more wait",
    "more_waiting_one": "1 more waits",
    "lost_nameless": "{n} more hung up without telling a number",
    "lost_short": "{n} more hung up within the first seconds",
    "lost_more": "{n} more, longer ago",
    "waits_again": "waits again",
    "no_number": "no number",
    "call": "Call {number}",
    # why a table is empty
    "nobody_waits": "Nobody is waiting.",
    "nobody_signed_in": "Nobody is signed in to these queues.",
    "nobody_lost": "Nobody hung up today without being answered since.",
    "nothing_fits": "Nothing here fits the filter. Esc clears it.",
    "no_names": "{source} does not report agents by name.",
    "source_quiet": "{source}: not shown, no word since {time}",
    "source_gone": "{source}: not shown, no data since {time}",
}
"""``{names}`` are filled by the script."""

PAGES: tuple[str, ...] = (
    "Lead",
    "Intraday",
    "Queues",
    "Queue",
    "Waiting",
    "Longest",
    "Service level",
    "Abandoned",
    "Free / in",
    "Caller",
    "For",
    "Agents",
    "Agent",
    "State",
    "Reason or queue",
    "Missed",
    "Lost callers",
    "Tries",
    "Waited",
    "At",
    "Rings of today that were not answered",
    "Agents who are free, of those who are signed in",
    "Callers of today who hung up and whom nobody has answered since",
    "filter",
    "rows",
    "tables",
    "clear",
    "This page shows people by name, which your role does not see.",
)

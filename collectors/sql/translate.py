"""Rows of the four questions into the floor's terms. No I/O."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, cast

from collectors.collector import CollectorError, Fact
from collectors.counters import COUNTERS, fact_of
from collectors.events import QueueObserved, Reported, SeenAgent
from collectors.polled.contacts import LoggedContact, Outcome
from collectors.sql.columns import CONDITIONS, TOTALS, counter_of

Row = Mapping[str, Any]

_PLAIN: dict[str, Fact] = {
    "waiting": "waiting",
    "longest_wait_s": "longest_wait",
    **dict.fromkeys((f"agents_{condition}" for condition in CONDITIONS), "agents"),
    "agents_ringing": "ringing_now",
    "agents_wrap_up": "wrap_up_now",
}
_OF_CONTACTS: dict[str, tuple[Fact, ...]] = {
    "entered_at": ("waiting", "longest_wait", "contacts"),
    "answered_at": ("waits", "in_time"),
    "outcome": ("abandons", "flow_outs"),
    "talk_s": ("talk",),
    "hold_s": ("hold",),
    "wrap_s": ("wrap",),
    "transferred": ("transfers",),
}


def is_total(column: str) -> bool:
    """Whether a column of ``queues`` counts contacts (or anything else) rather than showing the present."""
    return column not in _PLAIN and column not in ("queue", "since")


def told_by_queues(columns: Iterable[str]) -> set[Fact]:
    """What a source tells whose ``queues`` has these columns."""
    facts: set[Fact] = set()
    for column in columns:
        if column in _PLAIN:
            facts.add(_PLAIN[column])
        elif is_total(column) and (fact := fact_of(counter_of(column))) is not None:
            facts.add(fact)
    return facts


def told_by_contacts(columns: Iterable[str]) -> set[Fact]:
    """What a source tells whose ``contacts`` has these columns."""
    return {fact for column in columns for fact in _OF_CONTACTS.get(column, ())}


def told_by_agents(columns: Iterable[str]) -> set[Fact]:
    """What a source tells whose ``agents`` has these columns. Without ``queues`` nobody is anybody's: that is not told, and no 0."""
    return {"agents", "ringing_now", "wrap_up_now", "agent_names", "agent_time"} if "queues" in columns else set()


def looks(rows: Iterable[Row], now_ms: int) -> list[QueueObserved]:
    """What the rows of ``queues`` show. Raises ``CollectorError`` for a queue with two rows."""
    shown: dict[str, QueueObserved] = {}
    for row in rows:
        if row["queue"] in shown:
            raise CollectorError(
                f"the answer to queues has two rows for {row['queue']!r}; group by queue", permanent=True
            )
        shown[row["queue"]] = observed(row, now_ms)
    return list(shown.values())


def observed(row: Row, now_ms: int) -> QueueObserved:
    """One row of ``queues``; what is NULL is not told."""
    agents = {condition: row[f"agents_{condition}"] for condition in CONDITIONS if f"agents_{condition}" in row}
    return QueueObserved(
        now_ms,
        row["queue"],
        waiting=row.get("waiting"),
        longest_wait_ms=row.get("longest_wait_s"),
        agents=agents or None,
        totals={counter_of(column): n for column, n in row.items() if is_total(column)},
        since=row.get("since"),
    )


def contact(row: Row) -> LoggedContact:
    """One row of ``contacts``. Whoever left unanswered and nobody says why, left for another reason."""
    entered_at = row["entered_at"]
    answered_at, ended_at = row.get("answered_at"), row.get("ended_at")
    outcome = row.get("outcome", "")
    if outcome and outcome != "answered" and answered_at is not None:
        raise CollectorError(
            f"the answer to contacts: {row['contact']!r} has an answered_at and the outcome {outcome}; one of them is wrong"
        )
    if not outcome and answered_at is not None:
        outcome = "answered"
    if not outcome and ended_at is not None:
        outcome = "left_other"
    if outcome == "answered" and answered_at is None and ended_at is not None and "talk_s" in row:
        answered_at = ended_at - row["talk_s"] - row.get("hold_s", 0)
    if outcome == "answered" and answered_at is None:
        raise CollectorError(
            f"the answer to contacts: {row['contact']!r} is answered, and neither answered_at nor ended_at with talk_s says when"
        )
    return LoggedContact(
        queue=row["queue"],
        contact=row["contact"],
        entered_at=entered_at,
        outcome=cast(Outcome, outcome.removeprefix("left_")),
        answered_at=None if answered_at is None else max(entered_at, answered_at),
        ended_at=None if ended_at is None else max(entered_at, ended_at),
        agent=row.get("agent", ""),
        caller=row.get("caller", ""),
        caller_name=row.get("caller_name", ""),
        talk_ms=row.get("talk_s"),
        hold_ms=row.get("hold_s"),
        wrap_ms=row.get("wrap_s"),
        transferred=row.get("transferred", False),
    )


def people(rows: Iterable[Row]) -> list[SeenAgent]:
    """Rows of ``agents``: several of one person add their queues, which are parted by commas."""
    found: dict[str, SeenAgent] = {}
    for row in rows:
        name = row["agent"]
        queues: dict[str, str | None] = {
            queue.strip(): None for queue in row.get("queues", "").split(",") if queue.strip()
        }
        known = found.get(name)
        if known is not None and known.condition != row["condition"]:
            raise CollectorError(
                f"the answer to agents: {name!r} is {known.condition} in one row and {row['condition']} in another"
            )
        found[name] = SeenAgent(
            name,
            row["condition"],
            queues if known is None else {**known.queues, **queues},
            name=row.get("name", ""),
            reason=row.get("reason", ""),
            since=row.get("since"),
        )
    return list(found.values())


def reported(row: Row) -> Reported:
    """One row of ``facts``."""
    column, n = row["counter"], row["n"]
    counter = counter_of(column)
    amount = round(n * 1000) if counter != column else round(n)
    if counter == column and amount != n:
        raise CollectorError(
            f"the answer to facts: {row['id']!r} counts {n:g} {column}, which should be a whole number"
        )
    return Reported(row["at"], row["id"], row["queue"], {counter: amount})


def mixed(columns: Collection[str]) -> list[str]:
    """Columns of ``queues`` that may not stand beside ``contacts``, which tells the same of the same queues."""
    business = {column for column in TOTALS if COUNTERS[counter_of(column)] in ("dialler", "ivr", "bot", "tickets")}
    return [column for column in columns if is_total(column) and column not in business] + [
        column for column in columns if column in ("waiting", "longest_wait_s")
    ]

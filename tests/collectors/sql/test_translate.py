"""Rows into the floor's terms: what may be told, and what would only look like it."""

from __future__ import annotations

from collectors.sql.translate import told_by_agents


def test_agents_without_their_queues_are_not_reported_rather_than_none() -> None:
    assert told_by_agents(("agent", "condition", "name", "since")) == set()
    assert told_by_agents(("agent", "condition", "queues")) == {
        "agents", "ringing_now", "wrap_up_now", "agent_names", "agent_time",
    }  # fmt: skip

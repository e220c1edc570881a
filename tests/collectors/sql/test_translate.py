"""Rows into the floor's terms: what may be told, and what would only look like it."""

from __future__ import annotations

from typing import Any

import pytest

from collectors.collector import CollectorError
from collectors.sql.translate import contact, told_by_agents

T0 = 1_795_320_000_000


def test_agents_without_their_queues_are_not_reported_rather_than_none() -> None:
    assert told_by_agents(("agent", "condition", "name", "since")) == set()
    assert told_by_agents(("agent", "condition", "queues")) == {
        "agents", "ringing_now", "wrap_up_now", "agent_names", "agent_time",
    }  # fmt: skip


@pytest.mark.parametrize("row", [{}, {"ended_at": T0 + 90_000}, {"talk_s": 60_000}])
def test_a_contact_that_was_answered_nobody_knows_when_has_no_wait_of_nothing(row: dict[str, Any]) -> None:
    told = {"queue": "q", "contact": "c1", "entered_at": T0, "outcome": "answered", **row}
    with pytest.raises(
        CollectorError, match="'c1' is answered, and neither answered_at nor ended_at with talk_s says when"
    ):
        contact(told)


def test_when_a_contact_was_answered_follows_from_its_end_and_its_talk() -> None:
    told = {
        "queue": "q",
        "contact": "c1",
        "entered_at": T0,
        "outcome": "answered",
        "ended_at": T0 + 90_000,
        "talk_s": 60_000,
    }
    assert contact(told).answered_at == T0 + 30_000
    assert contact({**told, "hold_s": 10_000}).answered_at == T0 + 20_000

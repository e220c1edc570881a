from __future__ import annotations

from collections import Counter

import pytest

from collectors import events as e
from collectors.simulator.centre import Centre
from collectors.simulator.incidents import INCIDENTS, Incident, fault
from collectors.simulator.scenario import load
from tests.collectors.simulator.moments import HOUR_MS, SHANGHAI, ms
from tests.collectors.simulator.walk import Walk

DEMO = load("demo")
NOON = ms("2026-10-06 12:00")
HALF_HOUR = HOUR_MS // 2


def with_incident(
    name: str, queue: str | None, at: int = NOON, minutes: int = 30, tail_ms: int = HALF_HOUR
) -> tuple[Centre, list[e.AnyEvent]]:
    """What is told from ``at`` on when an incident happens then."""
    centre = Centre(DEMO, 7, at, SHANGHAI)
    centre.advance(at)
    centre.incident(Incident(name, queue, at, at + minutes * 60_000))
    return centre, centre.advance(at + minutes * 60_000 + tail_ms)


def calm(at: int = NOON, upto: int = NOON + HOUR_MS) -> list[e.AnyEvent]:
    centre = Centre(DEMO, 7, at, SHANGHAI)
    centre.advance(at)
    return centre.advance(upto)


def entered(events: list[e.AnyEvent], queue: str, since: int, until: int) -> int:
    return sum(
        isinstance(event, e.ContactEntered) and event.queue == queue and since < event.at <= until for event in events
    )


def test_a_surge_brings_three_times_as_many_contacts_while_it_lasts() -> None:
    _, told = with_incident("surge", "orders")
    usual = entered(calm(), "orders", NOON, NOON + HALF_HOUR)
    surging = entered(told, "orders", NOON, NOON + HALF_HOUR)
    assert 2.2 * usual < surging < 4 * usual
    after = entered(told, "orders", NOON + HALF_HOUR, NOON + HOUR_MS)
    assert after < 1.7 * entered(calm(), "orders", NOON + HALF_HOUR, NOON + HOUR_MS)


def test_a_surge_everywhere_reaches_every_queue() -> None:
    _, told = with_incident("surge", None)
    usual = calm()
    assert (
        sum(
            entered(told, queue, NOON, NOON + HALF_HOUR) > entered(usual, queue, NOON, NOON + HALF_HOUR)
            for queue in DEMO.queues
        )
        >= len(DEMO.queues) - 1
    )


def test_a_team_at_lunch_leaves_one_in_four_and_comes_back() -> None:
    _, told = with_incident("lunch", "信用卡")
    bank = set(DEMO.teams["Bank"].names("Bank"))
    away = {
        event.agent
        for event in told
        if isinstance(event, e.AgentChanged) and event.reason == "Lunch" and event.agent in bank
    }
    assert len(away) >= 4
    busy_later = {event.agent for event in told if isinstance(event, e.ContactAnswered) and event.at > NOON + HALF_HOUR}
    assert away & busy_later
    during = [
        event for event in told if isinstance(event, e.ContactRang) and NOON + 10 * 60_000 < event.at < NOON + HALF_HOUR
    ]
    assert away.isdisjoint(event.agent for event in during)


def test_a_dead_trunk_cuts_everybody_off_and_lets_nobody_in() -> None:
    before = Centre(DEMO, 7, NOON, SHANGHAI)
    before.advance(NOON)
    snapshot = before.snapshot()
    centre, told = with_incident("dead_trunk", None)
    first = [event for event in told if event.at == NOON + 1]
    gone = {event.contact for event in first if isinstance(event, (e.ContactAbandoned, e.ContactCompleted))}
    assert gone == {contact.contact for contact in snapshot.waiting} | set(snapshot.talking or [])
    assert gone
    assert not [event for event in told if isinstance(event, e.ContactEntered) and NOON < event.at < NOON + HALF_HOUR]
    assert [event for event in told if isinstance(event, e.ContactEntered) and event.at > NOON + HALF_HOUR]
    assert not centre.snapshot().waiting or centre.snapshot().waiting[0].entered_at > NOON + HALF_HOUR


def test_an_incident_that_is_known_from_the_beginning_happens_in_the_same_way() -> None:
    live, told = with_incident("surge", "returns")
    again = Centre(DEMO, 7, NOON + 1, SHANGHAI, live.incidents)
    assert again.advance(NOON + HOUR_MS) == [event for event in told if event.at > NOON]


def test_an_incident_may_last_beyond_the_handover_and_is_told_again_alike() -> None:
    late = ms("2026-10-06 03:50")
    live, told = with_incident("surge", "orders", late, minutes=60)
    usual = calm(late, late + HOUR_MS)
    handover = ms("2026-10-06 04:00")
    assert entered(told, "orders", handover, late + HOUR_MS) > 1.7 * entered(usual, "orders", handover, late + HOUR_MS)
    again = Centre(DEMO, 7, handover + 60_000, SHANGHAI, live.incidents)
    assert again.advance(live.at_ms) == [event for event in told if event.at >= handover + 60_000]


@pytest.mark.parametrize("name", INCIDENTS)
def test_nothing_impossible_is_told_during_an_incident(name: str) -> None:
    start = ms("2026-10-06 04:00")
    centre = Centre(DEMO, 7, start, SHANGHAI)
    centre.advance(start - 1)
    snapshot = centre.snapshot()
    old = {contact.contact for contact in snapshot.waiting} | set(snapshot.talking or [])
    told = centre.advance(start + 8 * HOUR_MS)
    for queue in (None, "air-changes", "信用卡"):
        centre.incident(Incident(name, queue, centre.at_ms, centre.at_ms + 20 * 60_000))
        told += centre.advance(centre.at_ms + 10 * 60_000)
    told += centre.advance(start + 30 * HOUR_MS)
    walk = Walk()
    walk.serves = {agent.agent: agent.queues for agent in snapshot.agents}
    walk.condition = {agent.agent: agent.condition for agent in snapshot.agents}
    known: Counter[str] = Counter()
    for event in told:
        contact = getattr(event, "contact", "")
        if isinstance(event, e.ContactEntered):
            known[contact] += 1
        if contact and (not known[contact] or contact in old):
            continue
        walk.take([event])
        assert walk.conserved()


def test_two_incidents_in_the_same_moment_both_happen() -> None:
    centre = Centre(DEMO, 7, NOON, SHANGHAI)
    centre.advance(NOON)
    centre.incident(Incident("surge", "orders", NOON, NOON + HALF_HOUR))
    centre.incident(Incident("dead_trunk", "delivery", NOON, NOON + HALF_HOUR))
    told = centre.advance(NOON + HALF_HOUR - 1)
    assert not entered(told, "delivery", NOON + 1, NOON + HALF_HOUR)
    assert entered(told, "orders", NOON, NOON + HALF_HOUR) > 2 * entered(calm(), "orders", NOON, NOON + HALF_HOUR)


def test_what_is_wrong_with_a_wish_is_said_in_words() -> None:
    assert fault("surge", None, 5, ["a"]) == ""
    assert "surge, lunch, dead_trunk" in fault("flood", None, 5, ["a"])
    assert "there are a, b" in fault("surge", "c", 5, ["a", "b"])
    assert "between 1 and 240" in fault("surge", None, 1000, ["a"])

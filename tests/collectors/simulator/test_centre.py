from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from collectors import events as e
from collectors.simulator.centre import Centre
from collectors.simulator.incidents import Incident
from collectors.simulator.scenario import Scenario, load
from tests.collectors.simulator.moments import DAY_MS, HOUR_MS, LONDON, SHANGHAI, ms
from tests.collectors.simulator.walk import Walk

DEMO = load("demo")
MONDAY = ms("2026-10-05 00:00")


@pytest.fixture(scope="module")
def two_days() -> list[e.AnyEvent]:
    """What the demo tells from Monday to Tuesday, handovers and midnights included."""
    return Centre(DEMO, 7, MONDAY, SHANGHAI).advance(MONDAY + 2 * DAY_MS)


def test_the_size_of_the_steps_changes_nothing(two_days: list[e.AnyEvent]) -> None:
    centre, chance, told = Centre(DEMO, 7, MONDAY, SHANGHAI), Random(3), []
    at = MONDAY
    while at < MONDAY + 2 * DAY_MS:
        at = min(MONDAY + 2 * DAY_MS, at + chance.choice((1, 40, 900, 60_000, 20 * 60_000)))
        told += centre.advance(at)
    assert told == two_days


@pytest.mark.parametrize("hours", [0.5, 3.99, 4, 4.02, 11, 23.999, 28.01, 40])
def test_a_centre_that_starts_later_tells_the_same_from_there_on(two_days: list[e.AnyEvent], hours: float) -> None:
    start = MONDAY + round(hours * HOUR_MS)
    later = Centre(DEMO, 7, start, SHANGHAI)
    assert later.advance(MONDAY + 2 * DAY_MS) == [event for event in two_days if event.at >= start]


def test_another_seed_tells_another_day(two_days: list[e.AnyEvent]) -> None:
    assert Centre(DEMO, 8, MONDAY, SHANGHAI).advance(MONDAY + HOUR_MS) != [
        event for event in two_days if event.at <= MONDAY + HOUR_MS
    ]


def test_nothing_impossible_is_told_and_every_queue_conserves_its_contacts_at_every_moment() -> None:
    handover = ms("2026-10-05 04:00")
    centre, walk = Centre(DEMO, 7, handover, SHANGHAI), Walk()
    # from the very first day on nothing is open that this walk has not seen begin
    walk.serves = {agent.agent: agent.queues for agent in _at_handover(centre).agents}
    walk.condition = {agent.agent: agent.condition for agent in _at_handover(centre).agents}
    known: set[tuple[str, str]] = set()
    for event in centre.advance(handover + 2 * DAY_MS):
        if isinstance(event, e.ContactEntered):
            known.add((event.queue, event.contact))
        if getattr(event, "contact", "") and (event.queue, event.contact) not in known:  # type: ignore[union-attr]
            continue  # of the night before
        walk.take([event])
        assert walk.conserved()
    assert walk.seen["ContactEntered"] > 15_000
    assert set(walk.seen) == {
        *("ContactEntered", "ContactRang", "ContactRangNoAnswer", "ContactAnswered", "ContactHeld", "ContactResumed"),
        *("ContactCompleted", "ContactAbandoned", "ContactLeft", "AgentChanged", "AgentQueues"),
    }


def _at_handover(centre: Centre) -> e.Snapshot:
    centre.advance(centre.start_ms - 1)
    return centre.snapshot()


def test_the_snapshot_agrees_with_what_was_told(two_days: list[e.AnyEvent]) -> None:
    waiting: set[tuple[str, str]] = set()
    talking: set[str] = set()
    condition: dict[str, str] = {}
    centre = Centre(DEMO, 7, MONDAY, SHANGHAI)
    centre.advance(MONDAY - 1)
    first = centre.snapshot()
    waiting |= {(contact.queue, contact.contact) for contact in first.waiting}
    talking |= set(first.talking or [])
    condition |= {agent.agent: agent.condition for agent in first.agents}
    upto = MONDAY + 34 * HOUR_MS
    for event in two_days:
        if event.at > upto:
            break
        match event:
            case e.ContactEntered():
                waiting.add((event.queue, event.contact))
            case e.ContactAnswered():
                waiting.remove((event.queue, event.contact))
                talking.add(event.contact)
            case e.ContactAbandoned() | e.ContactLeft():
                waiting.remove((event.queue, event.contact))
            case e.ContactCompleted():
                talking.remove(event.contact)
            case e.AgentChanged():
                condition[event.agent] = event.condition
    centre.advance(upto)
    last = centre.snapshot()
    assert {(contact.queue, contact.contact) for contact in last.waiting} == waiting
    assert set(last.talking or []) == talking
    assert {agent.agent: agent.condition for agent in last.agents} == condition
    assert last.queues == list(DEMO.queues)


def test_every_event_survives_the_event_log(two_days: list[e.AnyEvent]) -> None:
    assert e.decode(e.encode(two_days)) == two_days


def test_a_contacts_id_is_never_used_again(two_days: list[e.AnyEvent]) -> None:
    times = Counter((event.queue, event.contact) for event in two_days if isinstance(event, e.ContactEntered))
    again = [key for key, count in times.items() if count > 1]
    # only contacts that were transferred there and back visit a queue twice
    moved = {event.contact for event in two_days if isinstance(event, e.ContactCompleted) and event.transferred}
    assert {contact for _, contact in again} <= moved
    changed = DEMO.model_copy(update={"ring_timeout_s": 16})
    others = Centre(changed, 7, MONDAY, SHANGHAI).advance(MONDAY + 6 * HOUR_MS)
    ids = {event.contact for event in others if isinstance(event, e.ContactEntered)}
    assert ids.isdisjoint(contact for _, contact in times)


def test_contacts_wait_and_talk_across_the_handover_and_are_finished_by_the_night(two_days: list[e.AnyEvent]) -> None:
    handover = ms("2026-10-06 04:00")
    entered = {event.contact for event in two_days if isinstance(event, e.ContactEntered) and event.at < handover}
    late = [
        event
        for event in two_days
        if isinstance(event, e.ContactCompleted) and event.contact in entered and event.at > handover
    ]
    assert late
    out = {
        event.agent
        for event in two_days
        if isinstance(event, e.AgentChanged)
        and event.condition == "logged_out"
        and handover <= event.at < handover + HOUR_MS
    }
    assert {event.agent for event in late} <= out


def test_the_demo_moves_at_every_hour_and_its_service_level_is_believable() -> None:
    centre = Centre(DEMO, 7, MONDAY, SHANGHAI)
    by_hour, by_campaign = [], {}
    for hour in range(3 * 24):
        events = centre.advance(MONDAY + (hour + 1) * HOUR_MS - 1)
        by_hour.append(len(events))
        for event in events:
            if isinstance(event, (e.ContactAnswered, e.ContactAbandoned)):
                campaign = "air" if event.queue.startswith("air") else "retail" if event.queue.isascii() else "bank"
                parts = by_campaign.setdefault(campaign, Counter())
                parts["all"] += 1
                parts["in time"] += isinstance(event, e.ContactAnswered) and (event.wait_ms or 0) <= 20_000
    assert min(by_hour) > 3600 / 3
    levels = {campaign: 100 * parts["in time"] / parts["all"] for campaign, parts in by_campaign.items()}
    assert set(levels) == {"air", "bank", "retail"}
    assert all(75 <= level <= 92 for level in levels.values()), levels


def test_the_demo_is_three_campaigns_nine_queues_and_sixty_to_eighty_people() -> None:
    people = [person for name, team in DEMO.teams.items() for person in team.names(name)]
    assert len(DEMO.teams) == 3
    assert len(DEMO.queues) == 9
    assert 60 <= len(people) <= 80
    assert any(not person.isascii() for person in people)
    assert any(not queue.isascii() for queue in DEMO.queues)


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)])
def test_a_day_on_which_the_clocks_change_has_an_hour_less_or_more_and_goes_on(day: str, hours: int) -> None:
    start, end = ms(f"{day} 00:00", LONDON), ms(f"{day} 23:59", LONDON) + 60_000
    assert end - start == hours * HOUR_MS
    centre = Centre(DEMO, 5, start, LONDON)
    told: list[e.AnyEvent] = []
    for hour in range(hours):
        events = centre.advance(start + (hour + 1) * HOUR_MS - 1)
        assert len(events) > 1000
        told += events
    assert told == Centre(DEMO, 5, start, LONDON).advance(end - 1)
    at_four = [event for event in told if isinstance(event, e.AgentQueues) and event.at == ms(f"{day} 04:00", LONDON)]
    assert len(at_four) >= 10, "the early shift comes at four by the clock on the wall"


def test_what_was_told_is_forgotten() -> None:
    centre = Centre(DEMO, 7, MONDAY, SHANGHAI)
    centre.advance(MONDAY + 30 * HOUR_MS)
    assert len(centre._days) == 1


def test_a_centre_without_handover_never_ends() -> None:
    centre = Centre(load("erlang_a"), 1, MONDAY, SHANGHAI)
    walk = Walk()
    walk.take(centre.advance(MONDAY + 3 * DAY_MS))
    assert walk.conserved()
    assert 3 * 24 * 480 * 0.97 < walk.seen["ContactEntered"] < 3 * 24 * 480 * 1.03


def test_an_incident_must_begin_where_the_centre_stands() -> None:
    centre = Centre(DEMO, 7, MONDAY, SHANGHAI)
    centre.advance(MONDAY)
    with pytest.raises(ValueError, match="must begin at"):
        centre.incident(Incident("surge", None, MONDAY - 1, MONDAY + 1000))


EXITS = """
queues:
  first: {per_hour: 600, talk: 60, patience: 600, callback: {after_s: 30, share: 0.5}, key: {after_s: 20, share: 0.3},
          timeout: {after_s: 60, to: second}, transfers: [{to: second, share: 0.5, attended: 0.5}]}
  second: {per_hour: 10, talk: 40, patience: 90, hang_up_soon: 0.2, wrap_up: 5}
  nobody: {per_hour: 60, talk: 40, patience: 90, leave_when_empty: true}
teams:
  One: {people: 5, skills: [{first: 1, second: 2}, {second: 1}], ring_no_answer: 0.3}
ring: 5
"""


def test_contacts_leave_by_every_way_that_a_scenario_knows() -> None:
    import yaml

    centre = Centre(Scenario.model_validate(yaml.safe_load(EXITS)), 1, MONDAY, SHANGHAI)
    walk, told = Walk(), centre.advance(MONDAY + 12 * HOUR_MS)
    walk.take(told)
    assert walk.conserved()
    left = Counter((event.queue, event.why) for event in told if isinstance(event, e.ContactLeft))
    assert set(left) == {("first", "key"), ("first", "callback"), ("first", "timeout"), ("nobody", "empty")}
    entered: dict[str, list[str]] = {}
    for event in told:
        if isinstance(event, e.ContactEntered):
            entered.setdefault(event.contact, []).append(event.queue)
    assert ["first", "second"] in entered.values(), "after a timeout, or a blind transfer"
    consults = [contact for contact in entered if contact.endswith("c")]
    assert consults
    callers = {event.contact for event in told if isinstance(event, e.ContactCompleted) and event.transferred}
    assert {contact.removesuffix("c") for contact in consults} & callers
    assert {contact.removesuffix("c") for contact in consults} - callers, (
        "nobody was reached: the agent went back to the caller"
    )
    promised = {event.contact for event in told if isinstance(event, e.ContactLeft) and event.why == "callback"}
    called = {event.contact for event in told if isinstance(event, e.AgentChanged) and event.condition == "on_contact"}
    assert promised & called

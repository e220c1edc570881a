"""A floor at constant load holds a day's memory and no more, however long it runs."""

from __future__ import annotations

import gc

from collectors import events as e
from operations.floor.counters import DAY_MS
from operations.floor.floor import Floor
from tests.operations.floor.ledger import MIN, T0

EVERY_MS = 40_000
"""A contact each: 2,160 a day."""


def lives(number: int) -> list[e.AnyEvent]:
    """One of ten kinds of life, ends that are never heard among them."""
    start, contact, kind = T0 + number * EVERY_MS, f"{number}.1", number % 10
    agent, queue = f"agent {number % 30}", f"q{number % 4}"
    words: list[e.AnyEvent] = [e.ContactEntered(start, queue, contact, "9100001")]
    if kind == 0:
        return [*words, e.ContactAbandoned(start + 30_000, queue, contact)]
    if kind == 1:  # a loop through the queue
        for lap in range(1, 4):
            words += [
                e.ContactLeft(start + lap * 4_000, queue, contact, "timeout"),
                e.ContactEntered(start + lap * 4_000, queue, contact),
            ]
        return [*words, e.ContactAbandoned(start + 16_000, queue, contact)]
    if kind == 2:  # its end is never heard: the next list lacks it
        return words
    words += [
        e.ContactRang(start + 1_000, queue, contact, agent),
        e.ContactRangNoAnswer(start + 9_000, queue, contact, agent),
    ]
    words += [
        e.ContactAnswered(start + 12_000, queue, contact, agent),
        e.AgentChanged(start + 12_000, agent, "on_contact", queue=queue),
    ]
    if kind == 3:  # the end of the conversation is never heard
        return words
    words += [
        e.AgentChanged(start + 15_000, agent, "wrap_up", queue=queue),
        e.AgentChanged(start + 17_000, agent, "available"),
    ]
    words.append(e.ContactCompleted(start + 15_000, queue, contact, agent))
    return [*words, e.Reported(start + 18_000, f"survey {number}", queue, {"surveys": 1})]


def run(floor: Floor, day: int) -> dict[str, int]:
    """One day at constant load, with a list each ten minutes and one caller who calls all day; returns the sizes at its end."""
    per_day = DAY_MS // EVERY_MS
    for number in range(day * per_day, (day + 1) * per_day):
        for event in lives(number):
            floor.apply(event)
        now = T0 + (number + 1) * EVERY_MS
        if number % 3 == 2:
            floor.advance(now)
            floor.drain()
            for touched in (floor.touched_visits, floor.touched_agents, floor.touched_observed, floor.touched_reports):
                touched.clear()
            floor.changed_queues.clear()
            floor.changed_agents.clear()
            floor.changed_contacts.clear()
        if number % 30 == 29:
            floor.apply(
                e.Snapshot(
                    now,
                    now,
                    ["q0", "q1", "q2", "q3"],
                    [],
                    [e.SeenAgent(f"agent {i}", "available", {"q0": None}) for i in range(30)],
                )
            )
        if number % 6 == 5:  # somebody whom the ACD knows by the same id all day, every day
            floor.apply(e.ContactEntered(now, "q0", "regular"))
            floor.apply(e.ContactAbandoned(now + 5_000, "q0", "regular"))
            floor.apply(e.QueueObserved(now, "polled", 1, totals={"offered": number}))
    return sizes(floor)


def sizes(floor: Floor) -> dict[str, int]:
    histories = floor.visits.values()
    return {
        "contacts": len(floor.visits),
        "words": sum(len(history.words) for history in histories),
        "visits": sum(len(history.visits) for history in histories),
        "reports": len(floor.reports),
        "to look at": len(floor._last_words),
        "waiting": sum(map(len, floor.waiting.values())),
        "agents": len(floor.agents),
        "members": sum(map(len, floor.members.values())),
        "queues": len(floor.queues),
        "booked": len(floor.delta) + len(floor.replaced),
        "changed": len(floor.changed_queues)
        + len(floor.changed_agents)
        + len(floor.changed_contacts)
        + len(floor.touched_visits)
        + len(floor.touched_reports),
    }


def test_after_its_first_day_a_floor_at_constant_load_grows_no_more() -> None:
    floor = Floor()
    run(floor, 0)
    second, third, fourth = (run(floor, day) for day in (1, 2, 3))
    for name, size in fourth.items():
        assert size <= second[name] * 1.02 + 5, (name, second, third, fourth)
    assert second["contacts"] < 1.1 * DAY_MS / EVERY_MS
    assert fourth["to look at"] == fourth["contacts"]


def test_nothing_outside_the_counted_containers_grows_either() -> None:
    """Every object that the floor holds, counted from outside."""
    floor = Floor()
    counts = []
    for day in range(3):
        run(floor, day)
        gc.collect()
        counts.append(_objects(floor))
    assert counts[2] <= counts[1] * 1.02 + 50, counts


def test_a_caller_for_whom_everybody_rings_for_an_hour_costs_a_bounded_memory() -> None:
    floor = Floor()
    floor.apply(e.ContactEntered(T0, "q", "patient"))
    for attempt in range(1, 200):
        for i in range(30):
            floor.apply(e.ContactRang(T0 + attempt * 18_000, "q", "patient", f"agent {i}"))
    assert len(floor.visits["q", "patient"].words) <= 300
    floor.apply(e.ContactAnswered(T0 + 199 * 18_000 + 7_000, "q", "patient", "agent 3"))
    assert floor.visits["q", "patient"].visits[0].ring_ms == 7_000


def _objects(root: object) -> int:
    seen: set[int] = set()
    todo: list[object] = [root]
    while todo:
        found = todo.pop()
        if id(found) in seen or isinstance(found, type):
            continue
        seen.add(id(found))
        if isinstance(found, dict):
            todo += [*found.keys(), *found.values()]
        elif isinstance(found, (list, set, tuple)):
            todo += found
        elif hasattr(found, "__struct_fields__"):
            todo += [getattr(found, name) for name in found.__struct_fields__]
        elif hasattr(found, "__dict__"):
            todo += vars(found).values()
    return len(seen)


def test_a_saved_floor_forgets_on_the_same_day_as_one_that_never_stopped() -> None:
    floor = Floor()
    run(floor, 0)
    restored = Floor()
    restored.restore(
        list(floor.visits.values()), list(floor.agents.values()), dict(floor.observed), dict(floor.reports), {}
    )
    restored.clock, restored.booked_to, restored.live_since = floor.clock, floor.booked_to, floor.live_since
    later = T0 + 2 * DAY_MS + 10 * MIN
    restored.apply(e.ContactEntered(later, "q0", "last"))
    restored.advance(later)
    assert set(restored.visits) - {("q0", "last")} == {
        key for key, history in restored.visits.items() if history.waiting
    } - {("q0", "last")}
    assert restored.reports == {}

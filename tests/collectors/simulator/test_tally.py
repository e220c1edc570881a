from __future__ import annotations

from collections import Counter

from collectors import events as e
from collectors.simulator.centre import Centre
from collectors.simulator.scenario import load
from collectors.simulator.tally import QUARTER_MS, Tally
from operations.floor.counters import from_pairs
from operations.floor.floor import Floor
from tests.collectors.simulator.moments import DAY_MS, HOUR_MS, SHANGHAI, ms

DEMO = load("demo")
HOMES = {
    name: min(team.skill(place), key=team.skill(place).__getitem__)
    for team_name, team in DEMO.teams.items()
    for place, name in enumerate(team.names(team_name))
}


def test_quarter_hours_are_what_the_floor_makes_of_the_same_events() -> None:
    start = ms("2026-10-05 00:00")
    centre = Centre(DEMO, 7, start, SHANGHAI)
    centre.advance(start - 1)
    floor, tally = Floor(), Tally(HOMES)
    floor.apply(centre.snapshot())
    told = centre.advance(start + 2 * DAY_MS)
    tally.add(told)
    for event in told:
        floor.apply(event)
    floor.advance(start + 2 * DAY_MS)
    tally.book_time(start + 2 * DAY_MS)
    since, until = start + 6 * HOUR_MS, start + 40 * HOUR_MS  # no contact of before, none that is still there

    floor_sums: dict[tuple[str, int], Counter[str]] = {}
    waits: dict[tuple[str, int], Counter[int]] = {}
    people: dict[int, Counter[str]] = {}
    for (row, minute), cell in floor.delta.items():
        quarter = minute - minute % QUARTER_MS
        if row in DEMO.queues:
            floor_sums.setdefault((row, quarter), Counter()).update(cell.n)
            waits.setdefault((row, quarter), Counter()).update(cell.answered_waits)
        else:
            people.setdefault(quarter, Counter()).update(cell.n)
    totals = tally.take(since, until)
    assert {total.start for total in totals} == set(range(since, until, QUARTER_MS))
    agents: dict[int, Counter[str]] = {}
    for total in totals:
        counters = Counter(total.counters)
        for name in [name for name in counters if name.split(":")[0] in PEOPLE]:
            agents.setdefault(total.start, Counter())[name] += counters.pop(name)
        assert +counters == +floor_sums.get((total.queue, total.start), Counter()), (total.queue, total.start)
        assert from_pairs(total.answered_waits) == waits.get((total.queue, total.start), Counter())
    assert agents == {quarter: counts for quarter, counts in people.items() if since <= quarter < until}


PEOPLE = ("available_ms", "ringing_ms", "on_contact_ms", "wrap_up_ms", "paused_ms", "logged_in_ms")


def test_what_a_contact_that_is_still_there_did_before_is_told_and_the_rest_comes_later() -> None:
    tally = Tally({})
    tally.add(
        [e.ContactEntered(1000, "q", "a"), e.ContactEntered(2000, "q", "b"), e.ContactAbandoned(3000, "q", "b", 1000)]
    )
    assert [total.counters for total in tally.take(0, QUARTER_MS)] == [{"offered": 2, "abandoned": 1}]
    tally.add([e.ContactAbandoned(QUARTER_MS + 1000, "q", "a", QUARTER_MS)])
    assert [total.counters for total in tally.take(0, 2 * QUARTER_MS)] == [{"abandoned": 1}]

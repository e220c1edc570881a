"""The simulator against the textbook: M/M/n with impatient customers (Palm's Erlang A)."""

from __future__ import annotations

from collectors import events as e
from collectors.simulator.centre import Centre
from collectors.simulator.scenario import load
from tests.collectors.simulator.moments import DAY_MS, ms


def erlang_a(arrival_s: float, service_s: float, patience_s: float, servers: int) -> tuple[float, float, float]:
    """(share that abandons, mean wait of all contacts, mean wait of the answered ones), waits in seconds.

    The stationary distribution of the number of contacts in the system, a birth-death process with births at rate λ and
    deaths at rate min(k, n)·μ + max(k − n, 0)·θ; then P(abandon) = θ·E[queue]/λ and, by Little, E[wait] = E[queue]/λ. The
    wait of the answered: each step out of a queue of j is a service with probability nμ/(nμ + jθ), so with w(j) the mean wait
    of one who joins as number j and a(j) his chance of being answered, both follow by recursion over his place.
    """
    birth, service, leave = 1 / arrival_s, 1 / service_s, 1 / patience_s
    most = servers + 400
    weights = [1.0]
    for k in range(1, most + 1):
        weights.append(weights[-1] * birth / (min(k, servers) * service + max(k - servers, 0) * leave))
    whole = sum(weights)
    queue = sum(max(k - servers, 0) * weight for k, weight in enumerate(weights)) / whole
    abandons, wait = leave * queue / birth, queue / birth
    # the wait of the abandoning: E[wait] = P(abandon)·E[wait | abandon] + P(answer)·E[wait | answer]
    answered = 0.0
    chance, waited = 1.0, 0.0  # of someone with nobody ahead and everybody free
    for k, weight in enumerate(weights):
        if k < servers:
            continue
        # number k − servers + 1 in line: he moves up when a server is free or one ahead leaves, or leaves himself
        place = k - servers + 1
        pace = servers * service + place * leave
        stays = (pace - leave) / pace
        waited = stays * (waited + chance / pace)
        chance = stays * chance
        answered += weight / whole * waited
    return abandons, wait, answered / (1 - abandons)


def test_the_formula_gives_the_known_values() -> None:
    abandons, wait, answered = erlang_a(7.5, 60, 120, 9)
    assert round(100 * abandons, 2) == 6.89
    assert round(wait, 2) == 8.27
    assert answered < wait


def test_the_steady_state_agrees_with_erlang_a() -> None:
    abandons, wait, answered_wait = erlang_a(7.5, 60, 120, 9)
    start = ms("2026-01-05 00:00")
    waits: dict[type, list[int]] = {e.ContactAnswered: [], e.ContactAbandoned: []}
    for seed in (11, 12, 13):
        centre = Centre(load("erlang_a"), seed, start)
        centre.advance(start + DAY_MS // 24)  # it begins empty; the first hour is not the steady state
        for day in range(1, 11):
            for event in centre.advance(start + day * DAY_MS):
                if isinstance(event, (e.ContactAnswered, e.ContactAbandoned)):
                    waits[type(event)].append(event.wait_ms or 0)
    answered, abandoned = waits[e.ContactAnswered], waits[e.ContactAbandoned]
    whole = len(answered) + len(abandoned)
    assert abs(whole / (3 * 10 * 24 * 480) - 1) < 0.01
    assert abs(100 * len(abandoned) / whole - 100 * abandons) < 0.5
    assert abs(sum(answered + abandoned) / whole / 1000 - wait) < 0.6
    assert abs(sum(answered) / len(answered) / 1000 - answered_wait) < 0.6

"""What holds for every history of a queue, found by search: conservation, replay, order, and time that is booked once.

The lives are made honest (an entry, a wait, an outcome, perhaps a conversation with holds) and then told badly: words left out, doubled,
shuffled within a contact, with or without the durations that the ACD may or may not tell.
"""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collectors import events as e
from operations.floor.transitions import SAME_ENTRY_MS
from tests.operations.floor.ledger import MIN, T0, Ledger, agent_seconds

QUEUES = ("q1", "q2")
PEOPLE = ("Alice", "Bob", "Carol")
CONDITIONS = ("available", "ringing", "on_contact", "wrap_up", "paused", "logged_out", "unknown")

SEARCH = os.environ.get("FLOORLIGHT_EXAMPLES")
"""How many histories to try; unset, each run tries the same few hundred, so that a test run says the same every time."""

quick = settings(
    max_examples=int(SEARCH or 150), derandomize=not SEARCH, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@st.composite
def lives(draw: Any, contact: str, *, tells: bool | None = None) -> list[e.AnyEvent]:
    """One contact's visits to one queue, in order, told fully; waits and talk are told always, never, or as it falls.

    Two entries lie at least a second apart: nearer ones cannot be told from one entry told by two clocks, and count once.
    """
    queue = draw(st.sampled_from(QUEUES))
    at = T0 + draw(st.integers(0, 3 * MIN))
    words: list[e.AnyEvent] = []

    def told(ms: int) -> int | None:
        return ms if (draw(st.booleans()) if tells is None else tells) else None

    for _ in range(draw(st.integers(1, 3))):
        wait = draw(st.integers(1, 90_000))
        words.append(e.ContactEntered(at, queue, contact))
        if draw(st.booleans()):
            words.append(e.ContactRang(at + wait // 2, queue, contact, draw(st.sampled_from(PEOPLE))))
        if draw(st.integers(0, 3)) == 0:
            words.append(e.ContactRangNoAnswer(at + wait // 2, queue, contact, draw(st.sampled_from(PEOPLE))))
        end = at + wait
        outcome = draw(st.sampled_from(["abandoned", "answered", "answered", "timeout", "key"]))
        if outcome == "abandoned":
            words.append(e.ContactAbandoned(end, queue, contact, told(wait)))
        elif outcome == "answered":
            person = draw(st.sampled_from(PEOPLE))
            talk, hold = draw(st.integers(1, 200_000)), draw(st.integers(0, 1)) * draw(st.integers(1, 60_000))
            words.append(e.ContactAnswered(end, queue, contact, person, told(wait), told(wait // 2)))
            if hold:
                words += [
                    e.ContactHeld(end + talk // 2, queue, contact),
                    e.ContactResumed(end + talk // 2 + hold, queue, contact),
                ]
            end += talk + hold
            knows = told(1)
            words.append(
                e.ContactCompleted(
                    end,
                    queue,
                    contact,
                    person,
                    told(wait),
                    talk if knows else None,
                    hold if knows else None,
                    draw(st.booleans()),
                )
            )
        else:
            words.append(e.ContactLeft(end, queue, contact, outcome, told(wait)))
        at = max(end + draw(st.sampled_from([0, 1, 700, 5_000])), at + SAME_ENTRY_MS)
    return words


@st.composite
def told_badly(draw: Any, life: list[e.AnyEvent]) -> list[e.AnyEvent]:
    """The words of one contact with some left out, some doubled, in any order."""
    kept = [word for word in life if draw(st.integers(0, 5))]
    doubled = [word for word in kept if not draw(st.integers(0, 4))]
    return list(draw(st.permutations(kept + doubled)))


@st.composite
def interleaved(draw: Any, strands: list[list[e.AnyEvent]]) -> list[e.AnyEvent]:
    """Several strands mixed, each in its own order."""
    strands = [list(strand) for strand in strands if strand]
    mixed = []
    while strands:
        strand = strands[draw(st.integers(0, len(strands) - 1))]
        mixed.append(strand.pop(0))
        strands = [strand for strand in strands if strand]
    return mixed


@st.composite
def snapshots(draw: Any) -> e.Snapshot:
    """A whole state as it may come at any moment, true or not."""
    taken = T0 + draw(st.integers(0, 12 * MIN))
    waiting = [
        e.WaitingContact(queue, f"c{i}", taken - draw(st.integers(0, 5 * MIN)))
        for i in range(3)
        for queue in QUEUES
        if not draw(st.integers(0, 3))
    ]
    unwatched = draw(st.none() | st.integers(T0, taken))
    return e.Snapshot(
        taken,
        taken - draw(st.integers(0, 2_000)),
        list(QUEUES),
        waiting,
        draw(seen_agents()),
        unwatched_since=unwatched,
    )


@st.composite
def seen_agents(draw: Any) -> list[e.SeenAgent]:
    return [
        e.SeenAgent(
            person, draw(st.sampled_from(CONDITIONS)), draw(served()), since=draw(st.none() | st.integers(T0, T0 + MIN))
        )
        for person in PEOPLE
        if draw(st.booleans())
    ]


@st.composite
def served(draw: Any) -> dict[str, str | None]:
    return {queue: draw(st.sampled_from([None, "", "Training"])) for queue in QUEUES if draw(st.booleans())}


@st.composite
def days(draw: Any, *, agents: bool = False) -> list[e.AnyEvent]:
    """Everything at once: contacts told badly, snapshots in between, and people at work."""
    strands = [draw(told_badly(draw(lives(f"c{i}")))) for i in range(draw(st.integers(1, 3)))]
    strands.append(
        sorted((draw(snapshots()) for _ in range(draw(st.integers(0, 2)))), key=lambda word: word.at)
    )  # one link, one clock
    if agents:
        strands.append(draw(shifts()))
    return draw(interleaved(strands))


@st.composite
def shifts(draw: Any) -> list[e.AnyEvent]:
    """People's words in the order of their times, now and then one that comes late."""
    count = draw(st.integers(1, 12))
    times = sorted(draw(st.lists(st.integers(0, 10 * MIN), min_size=count, max_size=count)))
    words: list[e.AnyEvent] = []
    for moment in times:
        person, at = draw(st.sampled_from(PEOPLE)), T0 + moment
        kind = draw(st.integers(0, 9))
        if kind < 6:
            condition = draw(st.sampled_from(CONDITIONS))
            reason = draw(st.sampled_from(["", "Lunch"])) if condition == "paused" else ""
            words.append(e.AgentChanged(at, person, condition, "", reason, draw(st.sampled_from(["", *QUEUES]))))
        elif kind < 9:
            words.append(e.AgentQueues(at, person, draw(served())))
        else:
            words.append(e.WatchLost(at))
    if words and draw(st.booleans()):
        words.insert(draw(st.integers(0, len(words) - 1)), words.pop(draw(st.integers(0, len(words) - 1))))
    return words


@quick
@given(days(agents=True))
def test_contacts_are_conserved_and_no_counter_is_negative_after_every_single_event(day: list[e.AnyEvent]) -> None:
    Ledger().tell(*day)  # Ledger checks after each event


@quick
@given(days())
def test_a_log_that_is_told_twice_gives_the_same_totals_bit_for_bit(day: list[e.AnyEvent]) -> None:
    ledger = Ledger().tell(*day)
    once = {key: cell.copy() for key, cell in ledger.booked().items()}
    assert ledger.tell(*day).booked() == once


@quick
@given(st.data())
def test_a_saved_state_that_goes_on_from_an_earlier_position_gives_the_same_totals(data: st.DataObject) -> None:
    """As after a collector that died between writing and remembering: the tail of the log comes again from before the save.

    What is said of people and of the source as a whole comes in the order of its times here, each at a time of its own: a person's
    condition is the last word's, and when the first of two words of one millisecond comes again, it cannot be told from a newer one.
    """
    strands = [data.draw(told_badly(data.draw(lives(f"c{i}")))) for i in range(2)]
    whole = {word.at: word for word in [*data.draw(shifts()), *data.draw(st.lists(snapshots(), max_size=2))]}
    day = data.draw(interleaved([*strands, [whole[moment] for moment in sorted(whole)]]))
    save = data.draw(st.integers(0, len(day)))
    again = data.draw(st.integers(0, save))
    straight = Ledger().tell(*day)
    resumed = Ledger().tell(*day[:save]).saved().tell(*day[again:])
    end = T0 + 30 * MIN
    assert resumed.advance(end).booked() == straight.advance(end).booked()
    for queue in QUEUES:
        assert resumed.floor.waiting.get(queue, {}) == straight.floor.waiting.get(queue, {})


@quick
@given(st.data())
def test_the_order_in_which_a_contact_s_words_arrive_changes_nothing(data: st.DataObject) -> None:
    """Whether or not the words tell waits and talk, whether or not some are missing: the visits follow from the set of words."""
    life = [word for word in data.draw(lives("c0")) if data.draw(st.integers(0, 5))]
    shuffled = data.draw(st.permutations(life))
    assert Ledger().tell(*shuffled).booked() == Ledger().tell(*life).booked()


@quick
@given(st.data())
def test_a_whole_life_is_counted_as_it_was_lived_in_whatever_order_it_is_told(data: st.DataObject) -> None:
    """A wait of zero directly behind another visit is left out: a visit without length cannot be told from the end before it."""
    life = data.draw(lives("c0", tells=True))
    ledger = Ledger().tell(*data.draw(st.permutations(life)))
    sums = ledger[life[0].queue]  # type: ignore[union-attr]
    told = {
        kind: [word for word in life if type(word) is kind]
        for kind in (e.ContactEntered, e.ContactAnswered, e.ContactAbandoned, e.ContactLeft)
    }
    done = [word for word in life if isinstance(word, e.ContactCompleted)]
    assert sums.get("offered") == len(told[e.ContactEntered])
    assert sums.get("answered") == len(told[e.ContactAnswered])
    assert sums.get("abandoned") == len(told[e.ContactAbandoned])
    assert sums.get("left_timeout") + sums.get("left_key") == len(told[e.ContactLeft])
    assert sums.get("answered_wait_ms") == sum(word.wait_ms for word in told[e.ContactAnswered])
    assert sums.get("talk_ms") == sum(word.talk_ms or 0 for word in done)
    assert sums.get("hold_ms") == sum(word.hold_ms or 0 for word in done)
    assert sums.get("transferred") == sum(word.transferred for word in done)


@quick
@given(st.data())
def test_less_can_be_told_without_a_contact_being_counted_twice(data: st.DataObject) -> None:
    """Any words that go missing can only take visits away, or leave them unknown in their wait, as long as the waits are told."""
    life = data.draw(lives("c0", tells=True))
    queue = life[0].queue  # type: ignore[union-attr]
    visits = sum(isinstance(word, e.ContactEntered) for word in life)
    kept = [word for word in life if data.draw(st.integers(0, 2))]
    assert Ledger().tell(*kept)[queue].get("offered") <= visits


@quick
@given(shifts(), st.lists(st.integers(0, 12 * MIN), max_size=6))
def test_people_s_time_is_the_same_however_often_it_is_booked_in_between(
    words: list[e.AnyEvent], moments: list[int]
) -> None:
    """``advance`` may be called at any moment, also ahead of words that come late."""
    once = Ledger().tell(*words).advance(T0 + 20 * MIN)
    often = Ledger()
    for word in words:
        while moments and moments[0] < word.at - T0 + 3 * MIN:
            often.advance(T0 + moments.pop(0))
        often.tell(word)
    often.advance(T0 + 20 * MIN)
    assert often.booked() == once.booked()


@quick
@given(days(agents=True), st.integers(0, 15 * MIN))
def test_conditions_add_up_to_signed_in_and_nobody_works_longer_than_the_clock(
    day: list[e.AnyEvent], until: int
) -> None:
    ledger = Ledger().tell(*day).advance(T0 + until)
    booked = agent_seconds(ledger.booked())
    begin = min(word.at for word in day)
    end = max([T0 + until, *(word.at for word in day)])
    assert booked.get("logged_in_ms") <= len(ledger.floor.agents) * (end - begin)
    for (_, minute), cell in ledger.booked().items():
        assert cell.get("logged_in_ms") <= len(PEOPLE) * MIN, minute


@quick
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 60)), min_size=1, max_size=12))
def test_a_polled_counter_gives_the_sum_of_its_rises_whatever_is_reset_or_told_again(
    steps: list[tuple[int, int]],
) -> None:
    shown, true_sum, ledger = 100, 0, Ledger()
    ledger.floor.apply(e.QueueObserved(T0, "q1", totals={"offered": shown}))
    for i, (kind, n) in enumerate(steps, 1):
        shown = n if kind == 0 and n < shown else shown + n
        true_sum += n
        word = e.QueueObserved(T0 + i * 1_000, "q1", totals={"offered": shown})
        ledger.floor.apply(word)
        ledger.floor.apply(word)
    delta, _ = ledger.floor.drain()
    assert sum(cell.get("offered") for cell in delta.values()) == true_sum

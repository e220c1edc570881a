"""The steps of a task as its visits to queues, and what of them is told when."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors import events as e
from collectors.webex.protocol import Task, task_page
from collectors.webex.translate import Contacts, Visit, visits
from operations.floor.floor import Floor

T0 = 1_795_320_000_000
QUEUES = {"q-1": "sales", "q-2": "billing"}


def task(
    *steps: tuple[float, str] | tuple[float, str, dict[str, Any]], ended: float | None = None, **more: Any
) -> Task:
    """A task from (seconds after T0, step, more of it), oldest first; given newest first, as Webex does."""
    nodes = []
    for second, name, *rest in steps:
        at = T0 + round(second * 1000)
        nodes.append({"id": f"t-1-{at}-{name}", "eventName": name, "createdTime": at} | (rest[0] if rest else {}))
    record = {
        "id": "t-1", "createdTime": T0, "direction": "inbound", "isActive": ended is None,
        "endedTime": -1 if ended is None else T0 + round(ended * 1000),
        "activities": {"nodes": nodes[::-1], "pageInfo": {"hasNextPage": False, "endCursor": None}},
    }  # fmt: skip
    ((found,), _) = task_page({"data": {"taskDetails": {"tasks": [record | more]}}})
    return found


def at(second: float) -> int:
    return T0 + round(second * 1000)


SALES, BILLING = {"queueId": "q-1", "queueName": "sales"}, {"queueId": "q-2", "queueName": "billing"}
LI, WANG = {"agentId": "li"}, {"agentId": "wang"}


def told(visit: Visit) -> tuple[Any, ...]:
    """(queue, entered s, outcome, wait over s, agent, conversation over s, transferred)"""

    def seconds(at_ms: int | None) -> float | None:
        return None if at_ms is None else (at_ms - T0) / 1000

    return (
        visit.queue,
        seconds(visit.entered_at),
        visit.outcome,
        seconds(visit.ended_at),
        visit.agent,
        seconds(visit.over_at),
        visit.transferred,
    )


@pytest.mark.parametrize(
    ("what", "of", "expected"),
    [
        ("nobody reached a queue", task((0, "new"), (1, "ivr-connected"), (9, "ended"), ended=9), []),
        ("it still waits", task((0, "new"), (2, "parked", SALES)), [("sales", 2, "", None, "", None, False)]),
        (
            "parked, alerted, answered, over",
            task((0, "new"), (2, "parked", SALES), (20, "connect", SALES | LI), (25, "connected", SALES | LI), (85, "ended"), ended=85),
            [("sales", 2, "answered", 25, "li", 85, False)],
        ),
        (
            "a free agent is alerted at once, nothing is parked",
            task((0, "new"), (2, "connect", SALES | LI), (6, "connected", SALES | LI)),
            [("sales", 2, "answered", 6, "li", None, False)],
        ),
        (
            "alerts that ring out are one wait",
            task((0, "new"), (2, "connect", SALES | LI), (9, "connect", SALES | WANG), (10, "parked", SALES), (30, "connect", SALES | LI), (31, "parked", SALES), (45, "ended"), ended=45),
            [("sales", 2, "abandoned", 45, "", None, False)],
        ),
        (
            "the queue gives up",
            task((0, "new"), (2, "parked", SALES), (62, "ended"), ended=62, terminationReason="Queue Timeout", terminatingEnd="System"),
            [("sales", 2, "timeout", 62, "", None, False)],
        ),
        (
            "the system ends it",
            task((0, "new"), (2, "parked", SALES), (62, "ended"), ended=62, terminationReason="Not Found", terminatingEnd="System"),
            [("sales", 2, "other", 62, "", None, False)],
        ),
        (
            "the flow takes it out, and it comes to another queue",
            task((0, "new"), (2, "parked", SALES), (30, "dequeued"), (31, "ivr-done"), (32, "parked", BILLING)),
            [("sales", 2, "other", 30, "", None, False), ("billing", 32, "", None, "", None, False)],
        ),
        (
            "moved from queue to queue without a word between",
            task((0, "new"), (2, "parked", SALES), (30, "parked", BILLING), (40, "connected", BILLING | LI)),
            [("sales", 2, "other", 30, "", None, False), ("billing", 30, "answered", 40, "li", None, False)],
        ),
        (
            "a call-back is asked for, and its call is no visit",
            task((0, "new"), (2, "parked", SALES), (50, "optOutOfQueue"), (51, "dequeued"), (300, "connect", SALES | LI), (310, "connected", SALES | LI), (400, "ended"), ended=400),
            [("sales", 2, "callback", 50, "", None, False)],
        ),
        (
            "passed on to another queue, and there answered by somebody else",
            task((0, "new"), (2, "parked", SALES), (5, "connected", SALES | LI), (65, "dequeued"), (66, "vt-transfer"), (70, "WrapUp", LI), (71, "connect", BILLING | WANG), (80, "connected", BILLING | WANG), (140, "ended"), ended=140),
            [("sales", 2, "answered", 5, "li", 66, True), ("billing", 71, "answered", 80, "wang", 140, False)],
        ),
        (
            "back to the same queue",
            task((0, "new"), (2, "parked", SALES), (5, "connected", SALES | LI), (65, "vt-transfer"), (66, "parked", SALES), (90, "ended"), ended=90),
            [("sales", 2, "answered", 5, "li", 65, True), ("sales", 66, "abandoned", 90, "", None, False)],
        ),
        (
            "passed on to a person: the second conversation came by no queue",
            task((0, "new"), (2, "parked", SALES), (5, "connected", SALES | LI), (65, "blind-transfer"), (66, "connect", SALES | WANG), (70, "connected", SALES | WANG), (99, "ended"), ended=99),
            [("sales", 2, "answered", 5, "li", 65, True)],
        ),
        (
            "a consultation, whose leg waits, rings, connects and ends, is not the caller's",
            task((0, "new"), (2, "parked", SALES), (5, "connected", SALES | LI), (40, "ctq"), (41, "on-hold", {"duration": 20_000}), (42, "parked", BILLING), (44, "connect", BILLING | WANG), (46, "connected", BILLING | WANG), (50, "consulting"), (60, "consult-done"), (60, "ended"), (61, "hold-done"), (90, "ended"), ended=90),
            [("sales", 2, "answered", 5, "li", 90, False)],
        ),
        (
            "handed over after a consultation",
            task((0, "new"), (2, "parked", SALES), (5, "connected", SALES | LI), (40, "ctq"), (50, "consulting"), (60, "ConsultTransfer"), (60, "Transferred"), (61, "connected", SALES | WANG), (90, "ended"), ended=90),
            [("sales", 2, "answered", 5, "li", 60, True)],
        ),
        ("a direct call to an agent", task((0, "new"), (2, "connect", LI), (6, "connected", LI), (9, "ended"), ended=9), []),
        ("an agent's own call", task((0, "new"), (2, "connect", SALES), (6, "connected", SALES), direction="outbound"), []),
        (
            "steps that name no queue belong to the task's last one",
            task((0, "new"), (2, "parked"), (9, "ended"), ended=9, lastQueue={"id": "q-1", "name": "sales"}),
            [("sales", 2, "abandoned", 9, "", None, False)],
        ),
        (
            "a queue is called by its name wherever that was told",
            task((0, "new"), (2, "parked", {"queueId": "q-2"})),
            [("billing", 2, "", None, "", None, False)],
        ),
        (
            "a task that is over without the step that says so",
            task((0, "new"), (2, "parked", SALES), (5, "connected", SALES | LI), ended=50),
            [("sales", 2, "answered", 5, "li", 50, False)],
        ),
        (
            "ended, but Webex has not closed it: whoever waited is gone, whoever talks may be in a consultation",
            task((0, "new"), (2, "parked", SALES), (9, "ended")),
            [("sales", 2, "abandoned", 9, "", None, False)],
        ),
        (
            "all in one millisecond keeps the order in which it was given",
            task((0, "new"), (2, "parked", SALES), (2, "connect", SALES | LI), (2, "connected", SALES | LI), (9, "ended"), ended=9),
            [("sales", 2, "answered", 2, "li", 9, False)],
        ),
    ],
)  # fmt: skip
def test_where_a_task_was(what: str, of: Task, expected: list[Any]) -> None:
    assert [told(visit) for visit in visits(of, QUEUES)] == expected, what


def test_a_step_without_a_time_tells_it_in_its_id() -> None:
    found = task((0, "new"), (2, "parked", SALES | {"createdTime": None}))
    assert [told(visit)[:2] for visit in visits(found)] == [("sales", 2)]


# ── what is told when ─────────────────────────────────────────────────────────────────────────────


def ours(at_ms: int) -> int:
    return at_ms


WHOLE = (
    (0.0, "new"),
    (2.0, "parked", SALES),
    (20.0, "connect", SALES | LI),
    (25.0, "connected", SALES | LI),
    (40.0, "on-hold", {"duration": 15_000}),
    (55.0, "hold-done"),
    (85.0, "ended"),
    (85.0, "WrapUp", LI | {"duration": 4_500}),
)
CALLER = {"origin": "+4940123456", "customer": {"name": "Frau Özdemir 王"}}


def test_each_word_about_a_contact_is_told_once_as_it_becomes_true() -> None:
    contacts = Contacts()
    assert contacts.news(task(WHOLE[0]), ours) == []
    assert contacts.open == {"t-1": T0}
    assert contacts.news(task(*WHOLE[:3], **CALLER), ours) == [
        e.ContactEntered(at(2), "sales", "t-1", "+4940123456", "Frau Özdemir 王")
    ]
    assert contacts.waiting() == [e.WaitingContact("sales", "t-1", at(2), "+4940123456", "Frau Özdemir 王")]
    assert contacts.news(task(*WHOLE[:3], **CALLER), ours) == []
    assert contacts.news(task(*WHOLE[:6]), ours) == [e.ContactAnswered(at(25), "sales", "t-1", "li", 23_000, 5_000)]
    assert contacts.waiting() == []
    assert contacts.news(task(*WHOLE, ended=85), ours) == [
        e.ContactCompleted(at(85), "sales", "t-1", "li", 23_000, 45_000, 15_000),
        e.Reported(at(89.5), f"wrap\x1ft-1-{at(85)}-WrapUp", "sales", {"wrap_ms": 4_500}),
    ]
    assert contacts.open == {}
    assert contacts.news(task(*WHOLE, ended=85), ours) == []


def test_a_contact_that_was_missed_altogether_is_told_whole_with_its_own_times() -> None:
    kinds = [type(event) for event in Contacts().news(task(*WHOLE, ended=85), ours)]
    assert kinds == [e.ContactEntered, e.ContactAnswered, e.ContactCompleted, e.Reported]


def test_who_hung_up_and_who_left_otherwise_are_told_with_their_waits() -> None:
    gone = task((0, "new"), (2, "parked", SALES), (9, "ended"), ended=9)
    assert Contacts().news(gone, ours)[1:] == [e.ContactAbandoned(at(9), "sales", "t-1", 7_000)]
    late = task((0, "new"), (2, "parked", SALES), (62, "ended"), ended=62, terminationReason="Queue Timeout")
    assert Contacts().news(late, ours)[1:] == [e.ContactLeft(at(62), "sales", "t-1", "timeout", 60_000)]


def test_times_are_put_on_our_clock_and_waits_stay_as_they_are() -> None:
    entered, answered, *_ = Contacts().news(task(*WHOLE[:4]), lambda at_ms: at_ms - 90_000)
    assert (entered.at, answered.at) == (at(2) - 90_000, at(25) - 90_000)
    assert isinstance(answered, e.ContactAnswered) and answered.wait_ms == 23_000


def test_only_the_queues_that_are_wanted_are_told() -> None:
    assert Contacts(["billing"]).news(task(*WHOLE[:2]), ours) == []
    assert Contacts(["sales"]).news(task(*WHOLE[:2]), ours) != []


def test_what_is_over_and_old_is_forgotten_and_what_goes_on_is_not() -> None:
    contacts = Contacts()
    contacts.news(task(*WHOLE[:2]), ours)
    contacts.forget(at(3_600))
    assert contacts.news(task(*WHOLE[:2]), ours) == [], "it still waits"
    contacts.news(task(*WHOLE, ended=85), ours)
    contacts.forget(at(3_600))
    assert contacts.news(task(*WHOLE, ended=85), ours) != [], "told again, it counts once all the same"


def test_a_task_that_webex_lost_waits_no_longer() -> None:
    contacts = Contacts()
    contacts.news(task(*WHOLE[:2]), ours)
    contacts.lose("t-1")
    assert (contacts.waiting(), contacts.open) == ([], {})


# ── whatever Webex says ───────────────────────────────────────────────────────────────────────────

STEP = st.sampled_from(
    ["new", "ivr-done", "parked", "connect", "connected", "on-hold", "hold-done", "consulting", "dequeued", "optOutOfQueue"]
    + ["vt-transfer", "blind-transfer", "ConsultTransfer", "campaignOutbound", "ended", "WrapUp", "something-new"]
)  # fmt: skip
LIFE = st.lists(
    st.tuples(st.integers(0, 3_000), STEP, st.sampled_from([SALES, BILLING]), st.sampled_from([LI, WANG])), max_size=25
)


def counted(*stages: Task) -> dict[str, dict[str, int]]:
    """What the fold counts by queue when it hears of a task at each of these stages."""
    contacts, floor = Contacts(), Floor()
    for stage in stages:
        for event in contacts.news(stage, ours):
            floor.apply(event)
    delta, _ = floor.drain()
    found: dict[str, dict[str, int]] = {}
    for (row, _), cell in delta.items():
        for name, value in cell.n.items():
            row_counts = found.setdefault(row, {})
            row_counts[name] = row_counts.get(name, 0) + value
    return {row: {name: value for name, value in counts.items() if value} for row, counts in found.items()}


@settings(max_examples=150, deadline=None)
@given(LIFE)
def test_seen_at_every_step_or_only_when_it_was_over_a_contact_counts_the_same_and_is_conserved(life: Any) -> None:
    second, steps = 0.0, []
    for gap_ms, name, queue, agent in life:
        second += 2.1 + gap_ms / 1000
        steps.append((second, name, queue | agent | {"duration": 500}))
    whole = task(*steps, ended=second + 5)
    stages = [task(*steps[:length]) for length in range(1, len(steps) + 1)]
    told_in_steps, told_at_once = counted(*stages, whole), counted(whole)
    assert told_in_steps == told_at_once
    for counts in told_at_once.values():
        outcomes = [name for name in counts if name in ("answered", "abandoned") or name.startswith("left_")]
        assert counts.get("offered", 0) == sum(counts[name] for name in outcomes)
        assert counts.get("handled", 0) == counts.get("answered", 0)

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors import events as e
from collectors.queue_log.protocol import LineReader
from collectors.queue_log.translate import Translator
from operations.floor.floor import Floor
from tests.collectors.queue_log.recorded import RUN_A, T0, TRAPS, TRUTH, events_of, log, trap

CONTACT_EVENTS = (
    e.ContactEntered,
    e.ContactAnswered,
    e.ContactCompleted,
    e.ContactAbandoned,
    e.ContactLeft,
    e.ContactRangNoAnswer,
)


def story(events: list[e.AnyEvent]) -> list[str]:
    """The contacts' events as words."""
    told = []
    for event in events:
        match event:
            case e.ContactEntered(queue=queue):
                told.append(f"{queue} entered")
            case e.ContactAnswered(queue=queue, agent=agent, wait_ms=wait):
                told.append(f"{queue} answered {agent} {wait}")
            case e.ContactCompleted(queue=queue, talk_ms=talk, transferred=transferred):
                told.append(f"{queue} {'transferred' if transferred else 'completed'} {talk}")
            case e.ContactAbandoned(queue=queue, wait_ms=wait):
                told.append(f"{queue} abandoned {wait}")
            case e.ContactLeft(queue=queue, why=why, wait_ms=wait):
                told.append(f"{queue} left {why} {wait}")
            case e.ContactRangNoAnswer(queue=queue, agent=agent, ring_ms=ring):
                told.append(f"{queue} rang {agent} {ring}")
    return told


def conditions(events: list[e.AnyEvent], agent: str) -> list[str]:
    return [f"{x.condition} {x.reason}".strip() for x in events if isinstance(x, e.AgentChanged) and x.agent == agent]


# ── the recorded run ──────────────────────────────────────────────────────────────────────────────


def test_the_recorded_runs_totals_are_the_truth() -> None:
    counted: dict[str, Counter[str]] = {queue: Counter() for queue in TRUTH["queues"]}
    for event in events_of(RUN_A):
        match event:
            case e.ContactEntered(queue=queue):
                counted[queue]["offered"] += 1
            case e.ContactAnswered(queue=queue, wait_ms=int(wait)):
                counted[queue].update(answered=1, sum_hold=wait // 1000)
                counted[queue]["answered_in_sl"] += wait <= TRUTH["queues"][queue]["sl"] * 1000
            case e.ContactCompleted(queue=queue, talk_ms=int(talk), transferred=transferred):
                counted[queue].update(ended=1, transferred=int(transferred), sum_talk=talk // 1000)
            case e.ContactAbandoned(queue=queue, wait_ms=int(wait)):
                counted[queue].update(abandoned=1, abandoned_in_sl=wait <= TRUTH["queues"][queue]["sl"] * 1000)
            case e.ContactLeft(queue=queue, why=why):
                counted[queue][{"timeout": "timeout", "key": "keyexit", "empty": "exitempty"}[why]] += 1
            case e.ContactRangNoAnswer(queue=queue):
                counted[queue]["rna"] += 1
    same = (
        "offered",
        "answered",
        "answered_in_sl",
        "abandoned",
        "abandoned_in_sl",
        "timeout",
        "keyexit",
        "exitempty",
        "rna",
        "sum_hold",
        "sum_talk",
    )
    for queue, truth in TRUTH["queues"].items():
        assert {name: counted[queue][name] for name in same} == {name: truth[name] for name in same}, queue
        assert counted[queue]["transferred"] == truth["blind"] + truth["attended"]
        assert (
            counted[queue]["ended"]
            == truth["blind"] + truth["attended"] + truth["end_by_agent"] + truth["end_by_caller"]
        )


def test_the_recorded_run_is_right_contact_by_contact() -> None:
    """Every visit's end, read from the raw lines by nothing but split()."""
    ends = {"ABANDON": "abandoned", "CONNECT": "answered", "EXITWITHKEY": "left key", "EXITWITHTIMEOUT": "left timeout"}
    expected = []
    for row in RUN_A.decode().splitlines():
        second, contact, queue, agent, verb, *fields = row.split("|")
        if verb in ends:
            wait = {"ABANDON": 2, "CONNECT": 0, "EXITWITHKEY": 3, "EXITWITHTIMEOUT": 2}[verb]
            expected.append(
                (int(second), queue, contact, ends[verb], int(fields[wait]), agent if verb == "CONNECT" else "")
            )
    told = []
    for event in events_of(RUN_A):
        match event:
            case e.ContactAnswered(wait_ms=int(wait), agent=agent):
                told.append((event.at // 1000, event.queue, event.contact, "answered", wait // 1000, agent))
            case e.ContactAbandoned(wait_ms=int(wait)):
                told.append((event.at // 1000, event.queue, event.contact, "abandoned", wait // 1000, ""))
            case e.ContactLeft(wait_ms=int(wait), why=why):
                told.append((event.at // 1000, event.queue, event.contact, f"left {why}", wait // 1000, ""))
    assert told == expected
    assert len(told) == 339


def test_the_recorded_run_leaves_nobody_open_and_the_fold_agrees() -> None:
    floor = Floor()
    for event in events_of(RUN_A):
        floor.apply(event)
    counted: Counter[str] = Counter()
    for cell in floor.delta.values():
        counted.update({name: value for name, value in cell.n.items() if not name.endswith("_ms")})
    total = TRUTH["total"]
    assert counted["offered"] == total["offered"] == 339
    assert (counted["answered"], counted["abandoned"]) == (total["answered"], total["abandoned"])
    assert (counted["left_timeout"], counted["left_key"]) == (total["timeout"], total["keyexit"])
    assert not any(floor.waiting.values())


def test_times_grow_line_by_line_within_a_second() -> None:
    events = events_of(RUN_A)
    assert all(one.at <= next_one.at for one, next_one in zip(events, events[1:], strict=False))
    of_contacts = [event.at for event in events if isinstance(event, CONTACT_EVENTS)]
    assert len(set(of_contacts)) == len(of_contacts)


def test_more_than_a_thousand_lines_in_one_second_stay_in_it() -> None:
    events = events_of(log(*(f"+0 c{n}|q|NONE|ENTERQUEUE||1|1" for n in range(1500))))
    assert events[999].at == events[1499].at == T0 * 1000 + 999


def test_a_fraction_in_the_log_is_kept() -> None:
    (event,) = events_of("1795313310.250|c|q|NONE|ENTERQUEUE||800|1\n")
    assert event.at == 1_795_313_310_250


# ── the traps ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (1, ["sales-en entered", "sales-en answered Alice Adams 2000", "sales-en completed 5000"]),
        (2, ["sales-en entered", "sales-en answered Alice Adams 1000", "sales-en completed 3000"]),
        (3, ["sales-en entered", "sales-en answered Alice Adams 1000", "sales-en completed 3000"]),
        (4, ["sales-en entered", "sales-en abandoned 8000"]),
        (5, ["sales-en entered", "sales-en abandoned 1000"]),
        (6, ["sales-en entered", "sales-en abandoned 3000"]),
        (7, ["sales-en entered", "sales-en rang Alice Adams 12000", "sales-en abandoned 16000"]),
        (8, ["sales-en entered", *["sales-en rang Alice Adams 1000"] * 2, "sales-en abandoned 6000"]),
        (9, ["sales-en entered", "sales-en left timeout 6000", "overflow entered", "overflow abandoned 3000"]),
        (10, ["sales-en entered", "sales-en left key 5000"]),
        (11, ["sales-en entered", "sales-en answered Alice Adams 1000", "sales-en transferred 8000"]),
        (
            12,
            ["sales-en entered", "sales-en answered Alice Adams 1000", "sales-en transferred 9000"]
            + ["support-l2 entered", "support-l2 answered Oscar Orr 1000", "support-l2 completed 4000"],
        ),
        (13, ["sales-en entered", "sales-en answered Alice Adams 1000", "sales-en transferred 17000"]),
        (14, ["billing entered", "billing answered Sam Stone 1000", "billing completed 4000"]),
        (
            15,
            [
                "overflow entered",
                "overflow answered Pia Park 1000",
                "overflow entered",
                "overflow answered Pia Park 1000",
            ]
            + ["overflow completed 12000", "overflow completed 16000"],
        ),
        (16, ["sales-en entered", "sales-en answered Alice Adams 1000", "sales-en completed 8000"]),
        (17, ["sales-en entered", "sales-en answered Alice Adams 1000", "sales-en completed 14000"]),
        (18, ["sales-cn entered", "sales-cn answered 王伟 1000", "sales-cn completed 8000"]),
        (20, ["sales-cn entered", "sales-cn answered Carol Clark 2000", "sales-cn completed 7000"]),
        (
            22,
            [
                "retention entered",
                "retention answered Wanda Retain 1000",
                "retention completed 4000",
                "retention entered",
            ]
            + ["retention rang Xavier Retain 10000", "retention left empty 10000"],
        ),
        (25, ["sales-en entered", "sales-en left callback 3000"]),
        (26, ["sales-cn entered", "sales-cn abandoned 4000"]),
        (27, ["billing entered", "billing rang Tina Torres 8000", "billing abandoned 9000"]),
        (28, ["support-l2 entered", "support-l2 answered Rosa Reed 1000", "support-l2 completed 4000"]),
        (
            30,
            [
                "sales-en entered",
                "sales-en answered Alice Adams 1000",
                "sales-en entered",
                "sales-en completed 2000",
                "sales-en abandoned 2000",
            ],
        ),
        (31, ["sales-en entered", "sales-en answered Alice Adams 1000", "sales-en entered"]),
        (
            33,
            ["sales-en entered", "sales-en left timeout 4000"] * 2
            + ["sales-en entered", "sales-en answered Alice Adams 4000", "sales-en completed 3000"],
        ),
    ],
)
def test_a_trap_is_told_as_it_was(number: int, expected: list[str]) -> None:
    assert story(trap(number)) == expected


def test_thirteen_callers_into_a_full_queue_are_twelve_visits() -> None:
    told = Counter(word.split()[1] for word in story(trap(23)))
    assert told == {"entered": 12, "abandoned": 12}


def test_one_contact_that_comes_three_times_is_offered_three_times() -> None:
    floor = Floor()
    for event in trap(33):
        floor.apply(event)
    counted: Counter[str] = Counter()
    for cell in floor.delta.values():
        counted.update(cell.n)
    assert (counted["offered"], counted["left_timeout"], counted["answered"], counted["handled"]) == (3, 2, 1, 1)


def test_callers_without_a_number_are_told_without_one() -> None:
    assert [event.caller for event in trap(32) if isinstance(event, e.ContactEntered)] == [
        "",
        "8000041",
        "+4930123",
        "",
    ]


def test_a_pause_in_all_queues_is_said_once_and_a_new_reason_again() -> None:
    assert conditions(trap(19), "Carol Clark") == ["available", "paused Lunch", "paused Training", "available"]


def test_unpausing_one_queue_makes_available_and_leaves_the_others_paused() -> None:
    queues = [event.queues for event in trap(19) if isinstance(event, e.AgentQueues)]
    assert {"billing": "Training", "sales-en": None, "sales-cn": "Training"} in queues
    assert queues[-1] == {"billing": None, "sales-en": None, "sales-cn": None}


def test_a_member_removed_while_talking_is_logged_out_after_the_call() -> None:
    assert conditions(trap(18), "王伟") == ["available", "on_contact", "logged_out"]


def test_autopause_pauses_in_that_queue() -> None:
    assert conditions(trap(27), "Tina Torres") == ["available", "paused Auto-Pause"]


def test_two_calls_at_once_are_on_contact_until_the_second_ends() -> None:
    assert conditions(trap(15), "Pia Park") == ["available", "on_contact", "on_contact", "available"]


def test_a_killed_asterisk_loses_who_waited_and_says_since_when() -> None:
    snapshot = trap(31)[-1]
    assert isinstance(snapshot, e.Snapshot)
    assert (snapshot.waiting, snapshot.talking, snapshot.queues) == ([], [], ["sales-en"])
    assert (snapshot.at, snapshot.unwatched_since) == (1_795_313_805_000, 1_795_313_801_001)
    # static members come back unpaused, nobody talks any more
    assert {agent.condition for agent in snapshot.agents} == {"available"}
    floor = Floor()
    for event in trap(31):
        floor.apply(event)
    lost = sum(cell.get("lost_sight") for cell in floor.delta.values())
    assert lost == 1


def test_added_members_keep_their_pause_over_a_restart() -> None:
    snapshot = trap(30)[-1]
    assert isinstance(snapshot, e.Snapshot)
    assert {agent.agent: agent.condition for agent in snapshot.agents}["Eve Evans"] == "paused"


def test_a_start_of_a_new_log_says_nothing() -> None:
    assert events_of("1795313645|NONE|NONE|NONE|QUEUESTART|\n") == []


# ── what the recordings do not hold ───────────────────────────────────────────────────────────────


def test_a_complete_after_a_transfer_of_the_same_visit_is_not_a_second_end() -> None:
    rows = log(
        "+0 c|q|NONE|ENTERQUEUE||1|1",
        "+2 c|q|Ann|CONNECT|2|c2|1",
        "+30 c|q|Ann|ATTENDEDTRANSFER|LINK|SIP/1|SIP/2|2|28|1",
        "+90 c|q|Ann|COMPLETEAGENT|2|88|1",
    )
    assert story(events_of(rows)) == ["q entered", "q answered Ann 2000", "q transferred 28000"]


def test_a_transfer_into_the_same_queue_keeps_the_visits_apart() -> None:
    rows = log(
        "+0 c|q|NONE|ENTERQUEUE||1|1",
        "+2 c|q|Ann|CONNECT|2|c2|1",
        "+30 c|q|NONE|ENTERQUEUE||1|1",
        "+30 c|q|Ann|BLINDTRANSFER|600|ctx|2|28|1",
        "+33 c|q|Bob|CONNECT|3|c3|1",
        "+34 c|q|Ann|COMPLETEAGENT|2|32|1",
        "+43 c|q|Bob|COMPLETECALLER|3|10|1",
    )
    assert story(events_of(rows)) == [
        *("q entered", "q answered Ann 2000", "q entered", "q transferred 28000"),
        *("q answered Bob 3000", "q completed 10000"),
    ]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("+9 c|q|Ann|TRANSFER|600|default|2|7", "q transferred 7000"),  # 1.4: no position
        ("+9 c|q|Ann|TRANSFER|600|default|2|7|1", "q transferred 7000"),
        ("+9 c|q|Ann|ATTENDEDTRANSFER|APP|Queue|2|7|1", "q transferred 7000"),
        ("+9 c|q|NONE|EXITWITHKEY|1|3", "q left key None"),  # 1.4: no wait
        ("+9 c|q|NONE|EXITWITHTIMEOUT|3", "q left timeout None"),
        ("+9 c|q|NONE|WITHDRAW|1|1|3|vip", "q left other 3000"),
        ("+9 c|q|NONE|SYSCOMPAT|", "q left other None"),
        ("+9 c|q|NONE|ABANDON|1|1|-2", "q abandoned None"),
        ("+9 c|q|NONE|ABANDON", "q abandoned None"),
        ("+9 c|q|NONE|ABANDON|x|y|" + "9" * 40, "q abandoned None"),
    ],
)
def test_older_versions_and_odd_fields_are_read(row: str, expected: str) -> None:
    assert story(events_of(log(row))) == [expected]


def test_old_style_agents_log_in_and_off() -> None:
    rows = log(
        "+0 c|NONE|Agent/7|AGENTLOGIN|SIP/7",
        "+5 c|NONE|Agent/7|AGENTLOGOFF|SIP/7|5",
        "+9 c|q|Agent/7|AGENTCALLBACKLOGIN|7@x",
    )
    assert conditions(events_of(rows), "Agent/7") == ["available", "logged_out", "available"]


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", 'O"Neil; DROP', "a\x1fb", "💥" * 50, " ", "NONE "])
def test_hostile_names_pass_through_as_they_are(name: str) -> None:
    events = events_of(log(f"+0 c|{name}|NONE|ENTERQUEUE||1|1", f"+1 c|{name}|{name}|CONNECT|1|x|1"))
    answered = next(event for event in events if isinstance(event, e.ContactAnswered))
    assert (answered.queue, answered.agent) == (name, name)


def test_a_visit_keeps_the_clock_that_it_began_with() -> None:
    reader, translator = LineReader(), Translator()
    enter, answer = reader.feed(log("+0 c|q|NONE|ENTERQUEUE||1|1", "+8 c|q|Ann|CONNECT|8|x|1").encode())
    told = translator.translate(enter, -3_600_000) + translator.translate(answer, -3_599_000)
    times = [event.at for event in told if isinstance(event, CONTACT_EVENTS)]
    assert times == [(T0 - 3600) * 1000, (T0 - 3600 + 8) * 1000]


def test_a_visit_without_an_end_is_forgotten_after_a_day() -> None:
    reader, translator = LineReader(), Translator()
    for line in reader.feed(log("+0 c|q|NONE|ENTERQUEUE||1|1", "+90001 d|q|NONE|ENTERQUEUE||1|1").encode()):
        translator.translate(line)
    assert list(translator.open) == [("q", "d")]


def test_a_snapshot_says_who_waits_talks_and_is_paused_now() -> None:
    reader, translator = LineReader(), Translator()
    rows = log(
        "+0 a|q|NONE|ENTERQUEUE||100|1",
        "+1 b|q|NONE|ENTERQUEUE||200|2",
        "+2 a|q|Ann|CONNECT|2|x|1",
        "+3 NONE|q|Bob|PAUSE|Lunch",
    )
    for line in reader.feed(rows.encode()):
        translator.translate(line)
    now = (T0 + 60) * 1000
    assert translator.snapshot(now, unwatched_since=5) == e.Snapshot(
        at=now,
        asked_at=now,
        queues=["q"],
        waiting=[e.WaitingContact("q", "b", (T0 + 1) * 1000, "200")],
        agents=[
            e.SeenAgent("Ann", "on_contact", {"q": None}, since=(T0 + 2) * 1000),
            e.SeenAgent("Bob", "paused", {"q": "Lunch"}, reason="Lunch", since=(T0 + 3) * 1000),
        ],
        talking=["a"],
        unwatched_since=5,
    )


# ── properties ────────────────────────────────────────────────────────────────────────────────────

VERBS = [
    "ENTERQUEUE||5|1",
    "CONNECT|2|x|1",
    "COMPLETEAGENT|2|3|1",
    "COMPLETECALLER|2|9|1",
    "ABANDON|1|1|4",
    "EXITWITHTIMEOUT|1|1|4",
]
VERBS += [
    "EXITWITHKEY|1|1|1|4",
    "BLINDTRANSFER|7|c|2|3|1",
    "ATTENDEDTRANSFER|BRIDGE|b|2|3|1",
    "RINGNOANSWER|1000",
    "RINGCANCELED|9",
]
VERBS += [
    "PAUSE|Lunch",
    "UNPAUSE|",
    "PAUSEALL|Tea",
    "UNPAUSEALL|",
    "ADDMEMBER|PAUSED",
    "ADDMEMBER|",
    "REMOVEMEMBER|",
    "AGENTDUMP|",
    "QUEUESTART|",
]
some_line = st.tuples(
    st.integers(0, 3),
    st.sampled_from("abc"),
    st.sampled_from(["q", "r"]),
    st.sampled_from(["Ann", "Bob", "NONE"]),
    st.sampled_from(VERBS),
)


def made(rows: list[tuple[Any, ...]]) -> bytes:
    second, text = T0, ""
    for step, contact, queue, agent, verb in rows:
        second += step
        text += f"{second}|{contact}|{queue}|{agent}|{verb}\n"
    return text.encode()


@settings(max_examples=150, deadline=None)
@given(st.lists(some_line, max_size=40), st.lists(st.integers(0, 2000), max_size=6))
def test_any_lines_in_any_chunks_tell_the_same_and_conserve_every_contact(
    rows: list[tuple[Any, ...]], cuts: list[int]
) -> None:
    data = made(rows)
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    events = events_of(data)
    assert events_of(*(data[start:end] for start, end in zip(edges, edges[1:], strict=False))) == events
    assert e.decode(e.encode(events)) == events
    floor = Floor()
    for event in events:
        floor.apply(event)
    total: Counter[str] = Counter()
    for cell in floor.delta.values():
        total.update(cell.n)
    waiting = sum(len(contacts) for contacts in floor.waiting.values())
    ends = ("answered", "abandoned", "left_timeout", "left_key", "left_empty", "left_other", "lost_sight")
    assert total["offered"] == sum(total[end] for end in ends) + waiting


def test_every_trap_can_be_told_twice_without_counting_twice() -> None:
    for name, text in TRAPS.items():
        once, twice = Floor(), Floor()
        events = events_of(text)
        for event in events:
            once.apply(event)
        for event in events + events:
            twice.apply(event)
        named = ("offered", "answered", "abandoned", "handled", "left_timeout", "left_key", "rang_no_answer")
        for count in named:
            assert sum(c.get(count) for c in once.delta.values()) == sum(c.get(count) for c in twice.delta.values()), (
                name,
                count,
            )

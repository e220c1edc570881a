"""The translator's cases that no recording holds, and what must hold for any order of words."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.asterisk.protocol import Message
from collectors.asterisk.translate import COMPLETE_MS, DECIDE_MS, Translator
from collectors.events import (
    AgentChanged,
    AgentQueues,
    AnyEvent,
    ContactAbandoned,
    ContactAnswered,
    ContactCompleted,
    ContactEntered,
    ContactLeft,
    Snapshot,
    decode,
    encode,
)
from operations.floor.floor import Floor

T0 = 1_795_313_000_000


def word(event: str, **headers: object) -> Message:
    return Message({"Event": event, **{name: str(value) for name, value in headers.items()}})


def member(event: str, queue: str, interface: str, name: str, status: int = 1, **more: object) -> Message:
    return word(event, Queue=queue, Interface=interface, MemberName=name, Status=status, Paused=0, InCall=0, **more)


class Told:
    """A session under test: say words, look at what was told."""

    def __init__(self, translator: Translator | None = None) -> None:
        self.translator = translator or Translator()
        self.events: list[AnyEvent] = []
        self.now = T0

    def say(self, message: Message, after_ms: int = 1) -> Told:
        self.wait(after_ms)
        self.events += self.translator.translate(message, self.now)
        return self

    def wait(self, ms: int) -> Told:
        self.now += ms
        self.events += self.translator.due(self.now)
        return self

    def conditions(self, agent: str) -> list[str]:
        return [e.condition for e in self.events if isinstance(e, AgentChanged) and e.agent == agent]

    def queues(self, agent: str) -> list[dict[str, str | None]]:
        return [e.queues for e in self.events if isinstance(e, AgentQueues) and e.agent == agent]

    def last(self, kind: type) -> AnyEvent:
        return [event for event in self.events if isinstance(event, kind)][-1]


def join(contact: str = "u1", queue: str = "sales") -> Message:
    return word("QueueCallerJoin", Queue=queue, Uniqueid=contact, CallerIDNum="800")


def connect(contact: str = "u1", interface: str = "SIP/1", name: str = "Alice", queue: str = "sales") -> Message:
    return word(
        "AgentConnect",
        Queue=queue,
        Uniqueid=contact,
        Interface=interface,
        MemberName=name,
        HoldTime=3,
        DestUniqueid="d" + contact,
    )


def test_a_member_without_a_name_is_the_person_whose_name_the_device_has_elsewhere() -> None:
    told = Told()
    told.say(member("QueueMemberAdded", "sales", "SIP/1", "Alice"))
    told.say(member("QueueMemberAdded", "billing", "SIP/1", "SIP/1"))
    assert told.queues("Alice")[-1] == {"sales": None, "billing": None}
    assert not told.queues("SIP/1")


def test_a_device_that_gets_its_name_later_hands_everything_over_to_the_person() -> None:
    told = Told()
    told.say(member("QueueMemberAdded", "billing", "SIP/1", "SIP/1"))
    told.say(member("QueueMemberAdded", "sales", "SIP/1", "Alice"))
    assert told.queues("SIP/1") == [{"billing": None}, {}]
    assert told.conditions("SIP/1") == ["available", "logged_out"]
    assert told.queues("Alice")[-1] == {"billing": None, "sales": None}


def test_two_devices_of_one_name_are_one_person_reachable_while_either_is() -> None:
    told = Told()
    told.say(member("QueueMemberAdded", "sales", "SIP/1", "Alice")).say(
        member("QueueMemberAdded", "sales", "SIP/2", "Alice")
    )
    told.say(member("QueueMemberStatus", "sales", "SIP/1", "Alice", 5))
    assert told.conditions("Alice") == ["available"]
    told.say(member("QueueMemberStatus", "sales", "SIP/2", "Alice", 5))
    assert told.conditions("Alice") == ["available", "logged_out"]


def test_a_call_that_is_no_queues_makes_a_person_busy_but_a_lagging_device_does_not() -> None:
    told = Told().say(member("QueueMemberAdded", "sales", "SIP/1", "Alice"))
    told.say(join()).say(connect(), 3000).say(member("QueueMemberStatus", "sales", "SIP/1", "Alice", 2))
    complete = word(
        "AgentComplete", Queue="sales", Uniqueid="u1", Interface="SIP/1", MemberName="Alice", TalkTime=5, HoldTime=3
    )
    told.say(complete, 5000).say(member("QueueMemberStatus", "sales", "SIP/1", "Alice", 1), 40).wait(5000)
    assert told.conditions("Alice") == ["available", "on_contact", "available"]
    told.say(member("QueueMemberStatus", "sales", "SIP/1", "Alice", 2), 5000)
    assert told.conditions("Alice")[-1] == "on_contact"
    assert not told.last(AgentChanged).contact  # type: ignore[union-attr]


def test_wrap_up_is_cut_short_by_a_pause_and_by_the_next_call() -> None:
    for cutter, after in (
        (member("QueueMemberPause", "sales", "SIP/1", "Alice") , "paused"),
        (word("AgentCalled", Queue="sales", Uniqueid="u2", Interface="SIP/1", MemberName="Alice"), "ringing"),
    ):  # fmt: skip
        if after == "paused":
            cutter = Message(cutter.headers | {"Paused": "1", "PausedReason": "Lunch"})
        told = Told(Translator(wrap_up_s=30)).say(member("QueueMemberAdded", "sales", "SIP/1", "Alice"))
        told.say(join()).say(connect())
        told.say(word("AgentComplete", Queue="sales", Uniqueid="u1", Interface="SIP/1", MemberName="Alice"), 5000)
        told.say(cutter, 4000).wait(60_000)
        assert told.conditions("Alice") == ["available", "on_contact", "wrap_up", after]


def test_a_caller_whose_channel_is_gone_without_a_complete_is_not_talking_for_ever() -> None:
    told = Told().say(join()).say(connect()).say(word("Hangup", Uniqueid="u1"), 9000)
    gone_at = told.now
    told.wait(COMPLETE_MS)
    completed = told.last(ContactCompleted)
    assert (completed.at, completed.talk_ms) == (gone_at, None)  # type: ignore[union-attr]
    late = word("AgentComplete", Queue="sales", Uniqueid="u1", Interface="SIP/1", MemberName="Alice", TalkTime=9)
    told.say(late)
    assert sum(isinstance(event, ContactCompleted) for event in told.events) == 1


def test_an_answer_that_comes_after_the_deadline_is_told_and_wins_downstream() -> None:
    told = Told().say(join()).say(word("QueueCallerLeave", Queue="sales", Uniqueid="u1"), 3000).wait(DECIDE_MS)
    assert isinstance(told.events[-1], ContactLeft)
    told.say(connect(), 900)
    floor = Floor()
    for event in told.events:
        floor.apply(event)
    counted = [cell for (queue, _), cell in floor.drain()[0].items() if queue == "sales"]
    assert [sum(cell.get(name) for cell in counted) for name in ("offered", "answered", "left_key")] == [1, 1, 0]


def test_a_conversation_that_began_before_the_session_ends_with_its_contact() -> None:
    told = Told().say(
        word(
            "AgentComplete",
            Queue="sales",
            Uniqueid="u0",
            Interface="SIP/1",
            MemberName="Alice",
            TalkTime=70,
            HoldTime=4,
            Reason="caller",
        )
    )
    (completed,) = [event for event in told.events if isinstance(event, ContactCompleted)]
    assert (completed.contact, completed.agent, completed.talk_ms, completed.wait_ms) == ("u0", "Alice", 70_000, 4_000)
    told.say(word("AgentComplete", Queue="billing", Interface="SIP/9", MemberName="Bob", TalkTime=7))
    assert told.translator.facts == {"completed_without_contact": 1}


def test_the_end_of_a_session_tells_the_abandon_that_was_held_back_and_never_guesses_an_answer() -> None:
    told = Told().say(join()).say(join("u2"))
    told.say(word("QueueCallerAbandon", Queue="sales", Uniqueid="u1", HoldTime=2))
    told.say(word("QueueCallerLeave", Queue="sales", Uniqueid="u2"))
    assert [type(event) for event in told.translator.finish(told.now)] == [ContactAbandoned]


def test_a_message_that_lacks_what_it_is_about_is_left_out_and_counted() -> None:
    told = Told()
    for event in ("QueueCallerJoin", "AgentConnect", "AgentComplete", "QueueMemberStatus", "Hangup", "VarSet"):
        told.say(word(event))
        told.say(word(event, Queue="", Uniqueid="", Interface=""))
    assert not told.events and told.translator.facts == {"incomplete_messages": 12}


def test_numbers_that_are_none_are_not_told() -> None:
    told = Told().say(join())
    told.say(
        word(
            "AgentConnect",
            Queue="sales",
            Uniqueid="u1",
            Interface="SIP/1",
            MemberName="Alice",
            HoldTime=-1,
            RingTime="x",
        )
    )
    answered = told.last(ContactAnswered)
    assert (answered.wait_ms, answered.ring_ms) == (None, None)  # type: ignore[union-attr]


def test_who_was_in_wrap_up_when_the_session_began_is_seen_so() -> None:
    translator = Translator(wrap_up_s={"sales": 30})
    told = Told(translator)
    translator.skew_ms = 3_600_000  # the PBX's clock is an hour behind
    translator.expect_list("7", told.now)
    pbx_now = (T0 - 3_600_000) // 1000
    for row in (
        word("QueueParams", ActionID=7, Queue="sales"),
        word(
            "QueueMember",
            ActionID=7,
            Queue="sales",
            Name="Alice",
            Location="SIP/1",
            Status=1,
            Paused=0,
            LastCall=pbx_now - 10,
        ),
        word(
            "QueueMember",
            ActionID=7,
            Queue="sales",
            Name="Bob",
            Location="SIP/2",
            Status=1,
            Paused=0,
            LastCall=pbx_now - 40,
        ),
        word(
            "QueueMember",
            ActionID=7,
            Queue="sales",
            Name="Cy",
            Location="SIP/3",
            Status=1,
            Paused=1,
            LastPause=pbx_now - 60,
        ),
        word("QueueStatusComplete", ActionID=7),
    ):
        told.say(row, 0)
    snapshot = told.last(Snapshot)
    seen = {agent.agent: agent for agent in snapshot.agents}  # type: ignore[union-attr]
    assert {name: agent.condition for name, agent in seen.items()} == {
        "Alice": "wrap_up",
        "Bob": "available",
        "Cy": "paused",
    }
    assert seen["Cy"].since == T0 - 60_000
    told.wait(30_000)
    assert told.conditions("Alice") == ["available"] and told.last(AgentChanged).at == T0 + 20_000


QUEUES, CONTACTS, DEVICES = ("sales", "billing"), ("u1", "u2"), ("SIP/1", "SIP/2")
WORDS = (
    "QueueCallerJoin", "QueueCallerLeave", "QueueCallerAbandon", "AgentCalled", "AgentConnect", "AgentComplete",
    "AgentRingNoAnswer", "AgentDump", "QueueMemberStatus", "QueueMemberPause", "QueueMemberAdded", "QueueMemberRemoved",
    "Hold", "Unhold", "Hangup", "VarSet",
)  # fmt: skip


@st.composite
def any_word(draw: st.DrawFn) -> tuple[int, Message]:
    device = draw(st.sampled_from(DEVICES))
    return draw(st.sampled_from((0, 1, 400, 2_000, 20_000))), word(
        draw(st.sampled_from(WORDS)),
        Queue=draw(st.sampled_from(QUEUES)),
        Uniqueid=draw(st.sampled_from(CONTACTS)),
        Interface=device,
        MemberName=draw(st.sampled_from((device, "Alice"))),
        Status=draw(st.sampled_from((0, 1, 2, 5, 6))),
        Paused=draw(st.sampled_from((0, 1))),
        PausedReason=draw(st.sampled_from(("", "Lunch"))),
        HoldTime=draw(st.sampled_from((0, 3))),
        Variable="QUEUESTATUS",
        Value=draw(st.sampled_from(("TIMEOUT", "FULL", "CONTINUE"))),
        DestUniqueid="d" + device,
    )


@settings(max_examples=300, deadline=None)
@given(st.lists(any_word(), max_size=60))
def test_any_order_of_words_conserves_contacts_and_tells_nobodys_condition_twice(
    words: list[tuple[int, Message]],
) -> None:
    told = Told(Translator(wrap_up_s=5))
    for after_ms, message in words:
        told.say(message, after_ms)
    told.wait(7_200_000)
    assert told.translator.next_due() is None
    assert decode(encode(told.events)) == told.events
    floor = Floor()
    for event in told.events:
        floor.apply(event)
    names = (
        "answered",
        "abandoned",
        "left_timeout",
        "left_key",
        "left_empty",
        "left_callback",
        "left_other",
        "lost_sight",
    )
    booked = floor.drain()[0]
    for queue in QUEUES:
        cells = [cell for (row, _), cell in booked.items() if row == queue]
        outcomes = sum(cell.get(name) for cell in cells for name in names)
        assert sum(cell.get("offered") for cell in cells) == outcomes + len(floor.waiting.get(queue, {}))
    last: dict[str, tuple[str, ...]] = {}
    for event in told.events:
        if isinstance(event, AgentChanged):
            said = (event.condition, event.reason, event.queue, event.contact)
            # a person without any queue is forgotten, so that only may be told again
            assert last.get(event.agent) != said or event.condition == "logged_out"
            last[event.agent] = said


def test_joining_twice_is_for_the_fold_to_know_and_both_are_told() -> None:
    told = Told().say(join()).say(join())
    assert sum(isinstance(event, ContactEntered) for event in told.events) == 2


def test_after_ten_thousand_calls_of_every_kind_nothing_is_remembered_but_the_members() -> None:
    told = Told(Translator(wrap_up_s=5))
    for number in range(10_000):
        contact = f"c{number}"
        told.events.clear()
        told.say(member("QueueMemberAdded", "sales", f"Local/{number}", f"Local/{number}"))
        told.say(join(contact))
        told.say(word("AgentCalled", Queue="sales", Uniqueid=contact, Interface=f"Local/{number}", MemberName=""))
        if number % 3 == 0:
            told.say(connect(contact, f"Local/{number}", f"Local/{number}"))
            told.say(
                word(
                    "AgentComplete",
                    Queue="sales",
                    Interface=f"Local/{number}",
                    MemberName=f"Local/{number}",
                    TalkTime=0,
                )
            )
        elif number % 3 == 1:
            told.say(word("QueueCallerAbandon", Queue="sales", Uniqueid=contact))
            told.say(word("QueueCallerLeave", Queue="sales", Uniqueid=contact))
        else:
            told.say(word("QueueCallerLeave", Queue="sales", Uniqueid=contact))
        told.say(word("Hangup", Uniqueid=contact))
        told.say(word("QueueMemberRemoved", Queue="sales", Interface=f"Local/{number}", MemberName=f"Local/{number}"))
    told.wait(7_200_000)
    told.say(connect("last")).say(word("AgentComplete", Queue="sales", Interface="SIP/1", MemberName="Alice"))
    tables = {**vars(told.translator), **vars(told.translator.people)}
    sizes = {
        name: len(table)
        for name, table in tables.items()
        if isinstance(table, dict | list) and not name.startswith("_words")
    }
    assert {name: size for name, size in sizes.items() if size > 1} == {}

"""What the roster says of people, as the real fold takes it: they stand as what the ACD shows, from its next answer on."""

from __future__ import annotations

from collectors.events import AgentCondition, SeenAgent, Snapshot
from collectors.polled.people import Roster
from operations.floor.floor import Floor

T0 = 1_795_320_000_000
SIGNED_IN_AT = T0 - 3_600_000


class Told:
    """A roster's words, folded."""

    def __init__(self, *people: SeenAgent) -> None:
        self.roster, self.floor = Roster(), Floor()
        seen = self.roster.start(people, T0)
        self.floor.apply(Snapshot(T0, T0 - 500, ["sales"], [], seen))

    def look(self, at: int, *people: SeenAgent) -> None:
        events = self.roster.changes(people, at)
        for event in [*events, *events]:  # told again, nothing may change
            self.floor.apply(event)

    @property
    def li(self) -> tuple[str, int]:
        """(condition, since when)."""
        found = self.floor.agents["li"]
        return found.condition, found.since


def li(condition: AgentCondition, since: int | None) -> SeenAgent:
    return SeenAgent("li", condition, {"sales": None}, "Li Wei", "", since)


def test_who_signs_in_for_the_first_time_stands_as_what_the_acd_says() -> None:
    told = Told()
    told.look(T0 + 5_000, li("available", T0 + 3_000))
    assert told.li == ("available", T0 + 3_000)
    assert set(told.floor.members["sales"]) == {"li"}


def test_who_was_a_member_all_along_and_is_listed_only_now_stands_so_from_the_snapshot_on() -> None:
    told = Told()
    told.look(T0 + 5_000, li("paused", SIGNED_IN_AT))
    assert told.li == ("paused", T0)


def test_who_comes_back_after_a_sign_out_that_the_acd_does_not_know_of_is_there_again() -> None:
    told = Told(li("available", SIGNED_IN_AT))
    told.look(T0 + 5_000)
    assert told.li == ("logged_out", T0 + 5_000)
    told.look(T0 + 10_000, li("available", SIGNED_IN_AT))
    assert told.li == ("available", T0 + 5_000)


def test_a_contact_that_began_just_before_the_last_answer_is_not_passed_over() -> None:
    told = Told(li("wrap_up", T0 - 1_000))
    told.look(T0 + 5_000, li("available", SIGNED_IN_AT))
    assert told.li == ("available", T0 + 5_000), "no beginning of its own: the ACD tells when the status was chosen"
    told.look(T0 + 10_000, li("on_contact", T0 + 4_500))
    assert told.li == ("on_contact", T0 + 5_000)


def test_a_state_that_began_just_before_the_snapshot_and_is_seen_after_it_is_told() -> None:
    told = Told(li("available", SIGNED_IN_AT))
    told.look(T0 + 5_000, li("on_contact", T0 - 300))
    assert told.li == ("on_contact", T0)


def test_whom_the_acd_does_not_tell_of_for_some_time_nobody_knows_until_it_does_again() -> None:
    told = Told(li("available", SIGNED_IN_AT))
    for event in told.roster.out_of_sight(T0 + 15_000):
        told.floor.apply(event)
    assert told.li == ("unknown", T0 + 15_000)
    assert told.roster.out_of_sight(T0 + 16_000) == []
    told.look(T0 + 60_000, li("available", SIGNED_IN_AT))
    assert told.li == ("available", T0 + 15_000), "since the morning, as the ACD says now"


def test_a_new_whole_state_is_not_older_than_what_was_told_before_it() -> None:
    told = Told(li("available", SIGNED_IN_AT))
    told.look(T0 + 5_000, li("on_contact", T0 + 4_000))
    told.look(T0 + 10_000, li("wrap_up", None))
    seen = told.roster.start([li("wrap_up", None)], T0 + 12_000)
    told.floor.apply(Snapshot(T0 + 12_000, T0 + 11_500, ["sales"], [], seen))
    told.look(T0 + 17_000, li("available", T0 + 11_900))
    assert told.li == ("available", T0 + 12_000)

"""When a route tells of a project: a table of situations, and what holds whatever happens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operations.notify.group import Alert, Group, Notice, Told
from operations.notify.planner import Plan, Telling, plan
from operations.projects.routes import Route
from tests.operations.notify.situation import HOUR, MINUTE, NOON, alert, route

WAIT = 30_000


class Story:
    """Runs the planner over time as the worker does; each message arrives at once unless ``stuck``."""

    def __init__(self, told_by: Route, at: int = NOON) -> None:
        self.route, self.at, self.group = told_by, at, Group()
        self.told: list[tuple[int, Telling]] = []
        self.stuck = False
        self.last: Plan | None = None

    def look(self, *alerts: Alert, later: int = 0) -> str:
        """Look after ``later`` ms; what was told: ``new 2+1`` is two that burn and one that ended, "" nothing."""
        self.at += later
        self.last = plan(self.route, alerts, self.group, self.at)
        self.group = self.last.group
        telling = self.last.telling
        if telling is None:
            return ""
        self.told.append((self.at, telling))
        if self.stuck:
            self.group = msgspec.structs.replace(self.group, notice=notice())
        else:
            self.group = msgspec.structs.replace(self.group, notice=None)
        return f"{telling.kind} {len(telling.alerts)}+{len(telling.ended)}"


def notice(sending: Sequence[int] = (), reached: bool = False) -> Notice:
    return Notice("n", NOON, "new", 1, "s", "b", [], [0], list(sending), reached=reached)


WAITS, QUEUE = alert("longest_wait_s@now"), alert("contacts_waiting@now")
CRITICAL = msgspec.structs.replace(WAITS, level="critical")


def test_a_new_alert_waits_for_company_and_goes_out_once() -> None:
    story = Story(route())
    assert story.look(WAITS) == ""
    assert story.last is not None
    assert story.last.wake_at == NOON + WAIT
    assert story.look(WAITS, QUEUE, later=WAIT - 1) == ""
    assert story.look(WAITS, QUEUE, later=1) == "new 2+0"
    assert [story.look(WAITS, QUEUE, later=1_000) for _ in range(60)] == [""] * 60


def test_what_ends_before_it_was_told_is_not_told() -> None:
    story = Story(route())
    story.look(WAITS)
    assert story.look(later=WAIT) == ""
    assert story.group.idle


def test_getting_worse_is_news_and_getting_better_is_not() -> None:
    story = Story(route(group_wait_ms=0))
    assert story.look(WAITS) == "new 1+0"
    assert story.look(CRITICAL, later=1_000) == "new 1+0"
    assert story.told[-1][1].level == 2
    assert story.look(WAITS, later=1_000) == ""
    assert story.look(CRITICAL, later=1_000) == "new 1+0"


def test_what_nobody_answers_is_told_again_and_again() -> None:
    story = Story(route(group_wait_ms=0, repeat_ms=HOUR))
    story.look(WAITS)
    assert story.look(WAITS, later=HOUR - 1) == ""
    assert story.look(WAITS, later=1) == "repeat 1+0"
    assert story.look(WAITS, later=HOUR - 1) == ""
    assert story.look(WAITS, later=1) == "repeat 1+0"


def test_without_a_repeat_it_is_told_once() -> None:
    story = Story(route(group_wait_ms=0, repeat_ms=0))
    story.look(WAITS)
    assert story.look(WAITS, later=100 * HOUR) == ""


def test_an_answer_ends_the_repeating_but_not_for_what_nobody_answered() -> None:
    story = Story(route(group_wait_ms=0, repeat_ms=HOUR))
    story.look(WAITS, QUEUE)
    mine = alert("longest_wait_s@now", acked="mei")
    assert story.look(mine, QUEUE, later=HOUR) == "repeat 2+0"
    assert [each.acked is not None for each in story.told[-1][1].alerts] == [False, True]
    assert story.look(mine, alert("contacts_waiting@now", acked="mei"), later=9 * HOUR) == ""


def test_an_answer_within_the_waiting_keeps_it_silent() -> None:
    story = Story(route())
    story.look(WAITS)
    assert story.look(alert("longest_wait_s@now", acked="mei"), later=WAIT) == ""


def test_the_end_is_told_when_the_last_has_ended() -> None:
    story = Story(route(group_wait_ms=0))
    story.look(WAITS, QUEUE)
    assert story.look(QUEUE, later=MINUTE) == ""
    assert story.look(later=MINUTE) == "ended 0+2"
    assert story.look(later=MINUTE) == ""
    assert story.group.idle


def test_the_end_travels_with_news_when_there_are_some() -> None:
    story = Story(route(group_wait_ms=0))
    story.look(WAITS)
    assert story.look(QUEUE, later=MINUTE) == "new 1+1"
    assert story.look(later=MINUTE) == "ended 0+1"


def test_a_route_may_leave_the_end_untold() -> None:
    story = Story(route(group_wait_ms=0, resolved=False))
    story.look(WAITS)
    assert story.look(later=MINUTE) == ""
    assert story.group.idle


@pytest.mark.parametrize(
    "quiet",
    [
        {"silenced": {"by": "mei", "kind": "silence"}},
        {"silenced": {"by": "configuration", "kind": "maintenance"}},
        {"state": "frozen", "inhibited": "source_down@hq"},
    ],
    ids=["silenced", "under maintenance", "inhibited"],
)
def test_what_is_quiet_calls_nobody(quiet: dict[str, object]) -> None:
    hushed = alert("longest_wait_s@now", **quiet)
    story = Story(route(group_wait_ms=0, repeat_ms=HOUR))
    assert story.look(hushed) == ""
    assert story.last is not None
    assert story.last.reason == "silenced, under maintenance, or nothing can be known"
    assert story.look(WAITS, later=MINUTE) == "new 1+0"
    assert story.look(hushed, later=HOUR) == ""
    assert story.look(later=MINUTE) == ""  # it ended in silence
    assert story.group.idle


def test_what_comes_out_of_its_silence_is_repeated_not_new() -> None:
    hushed = alert("longest_wait_s@now", silenced={"by": "mei"})
    story = Story(route(group_wait_ms=0, repeat_ms=HOUR))
    story.look(WAITS)
    story.look(hushed, later=MINUTE)
    assert story.look(WAITS, later=MINUTE) == ""
    assert story.look(WAITS, later=HOUR) == "repeat 1+0"


def test_only_the_levels_of_the_route_count() -> None:
    story = Story(route(group_wait_ms=0, levels=("critical",), repeat_ms=HOUR))
    assert story.look(WAITS) == ""
    assert story.look(CRITICAL, later=MINUTE) == "new 1+0"
    assert story.look(WAITS, later=2 * HOUR) == ""  # better, and not of this route's levels any more
    assert story.look(CRITICAL, later=MINUTE) == "new 1+0"
    assert story.look(later=MINUTE) == "ended 0+1"


def local(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Shanghai")).timestamp() * 1000)


def test_quiet_hours_run_over_midnight_and_what_burns_goes_out_at_their_end() -> None:
    story = Story(route(group_wait_ms=0, quiet="22:00-07:00"), at=local("2026-11-22 21:59:59"))
    assert story.look(WAITS) == "new 1+0"
    for at in ("2026-11-22 22:00", "2026-11-22 23:59", "2026-11-23 00:00", "2026-11-23 06:59:59"):
        story.at = local(at)
        assert story.look(WAITS, QUEUE) == "", at
        assert story.last is not None
        assert story.last.wake_at == local("2026-11-23 07:00")
    story.at = local("2026-11-23 07:00")
    assert story.look(WAITS, QUEUE) == "new 2+0"


def test_what_began_and_ended_in_quiet_hours_is_not_told() -> None:
    story = Story(route(group_wait_ms=0, quiet="22:00-07:00"), at=local("2026-11-22 23:00"))
    assert story.look(WAITS) == ""
    assert story.look(later=MINUTE) == ""
    story.at = local("2026-11-23 07:00")
    assert story.look() == ""


def test_an_end_in_quiet_hours_is_told_in_the_morning() -> None:
    story = Story(route(group_wait_ms=0, quiet="22:00-07:00"), at=local("2026-11-22 21:00"))
    story.look(WAITS)
    story.at = local("2026-11-23 03:00")
    assert story.look() == ""
    story.at = local("2026-11-23 07:00")
    assert story.look() == "ended 0+1"


def test_an_escalation_step_takes_what_nobody_answered_in_time() -> None:
    story = Story(route(group_wait_ms=0, after_ms=10 * MINUTE))
    assert story.look(WAITS) == ""
    assert story.last is not None
    assert story.last.wake_at == NOON + 10 * MINUTE
    assert story.look(WAITS, later=10 * MINUTE - 1) == ""
    assert story.look(WAITS, later=1) == "new 1+0"


def test_an_escalation_step_is_not_taken_when_somebody_answered() -> None:
    story = Story(route(group_wait_ms=0, after_ms=10 * MINUTE))
    story.look(WAITS)
    answered = alert("longest_wait_s@now", acked="mei")
    assert story.look(answered, later=9 * MINUTE) == ""
    assert story.look(answered, later=HOUR) == ""


def test_what_became_worse_after_an_answer_has_its_full_time_again() -> None:
    story = Story(route(group_wait_ms=0, after_ms=10 * MINUTE))
    story.look(alert("longest_wait_s@now", acked="mei"))
    assert story.look(CRITICAL, later=HOUR) == ""  # the answer was to the warning
    assert story.look(CRITICAL, later=10 * MINUTE - 1) == ""
    assert story.look(CRITICAL, later=1) == "new 1+0"


def test_a_worker_that_was_away_counts_the_time_that_nobody_answered() -> None:
    story = Story(route(group_wait_ms=0, after_ms=10 * MINUTE), at=NOON + HOUR)
    assert story.look(WAITS) == "new 1+0"


def test_silence_is_no_time_in_which_somebody_could_have_answered() -> None:
    story = Story(route(group_wait_ms=0, after_ms=10 * MINUTE))
    story.look(alert("longest_wait_s@now", silenced={"by": "mei"}))
    assert story.look(WAITS, later=HOUR) == ""
    assert story.look(WAITS, later=10 * MINUTE) == "new 1+0"


def test_a_message_that_is_being_sent_is_not_overtaken() -> None:
    group = Group(told={WAITS.episode: Told(1)}, told_at=NOON, notice=notice(sending=[0]))
    found = plan(route(group_wait_ms=0), [CRITICAL], group, NOON + 1)
    assert (found.telling, found.reason) == (None, "a message is being sent")


def test_a_message_that_waits_for_its_next_try_gives_way_to_news_and_to_the_end() -> None:
    story = Story(route(group_wait_ms=0, resolved=False, repeat_ms=HOUR))
    story.stuck = True
    assert story.look(WAITS) == "new 1+0"
    assert story.look(WAITS, later=5 * HOUR) == ""  # a message that never arrived is not repeated
    assert story.look(WAITS, QUEUE, later=1) == "new 2+0"
    assert story.look(later=1) == "ended 0+2"  # nobody may hear of it as if it still burnt


def test_a_clock_that_steps_back_makes_no_wait_longer() -> None:
    story = Story(route(repeat_ms=HOUR))
    story.look(WAITS)
    story.at -= 5 * HOUR
    assert story.look(WAITS) == ""
    assert story.look(WAITS, later=WAIT) == "new 1+0"
    story.at -= 5 * HOUR
    assert story.look(WAITS) == ""
    assert story.look(WAITS, later=HOUR) == "repeat 1+0"


def test_a_plan_leaves_what_it_was_given_alone() -> None:
    group = Group(told={WAITS.episode: Told(2)}, told_at=NOON)
    before = msgspec.json.encode(group)
    plan(route(group_wait_ms=0), [WAITS, QUEUE], group, NOON + HOUR)
    assert msgspec.json.encode(group) == before


def test_a_saved_group_plans_like_the_one_in_memory() -> None:
    story = Story(route(after_ms=MINUTE))
    story.look(WAITS)
    again = msgspec.json.decode(msgspec.json.encode(story.group), type=Group)
    assert plan(story.route, [WAITS], again, NOON + HOUR) == plan(story.route, [WAITS], story.group, NOON + HOUR)


# ── whatever happens ──────────────────────────────────────────────────────────────────────────────

RULES = ("a@now", "b@now", "c@today")
steps = st.lists(
    st.tuples(
        st.sampled_from([0, 1_000, 20_000, MINUTE, 17 * MINUTE, 3 * HOUR]),
        st.dictionaries(
            st.sampled_from(RULES),
            st.tuples(st.sampled_from(["warning", "critical"]), st.sampled_from(["", "acked", "silenced", "frozen"])),
        ),
    ),
    max_size=40,
)
routes = st.builds(
    route,
    quiet=st.sampled_from(["", "22:00-07:00", "11:00-13:00", "00:00-12:01"]),
    group_wait_ms=st.sampled_from([0, WAIT]),
    repeat_ms=st.sampled_from([0, MINUTE, HOUR]),
    after_ms=st.sampled_from([0, 5 * MINUTE]),
    levels=st.sampled_from([("warning", "critical"), ("critical",)]),
    resolved=st.booleans(),
)


def played(
    told_by: Route, happens: list[tuple[int, dict[str, tuple[str, str]]]]
) -> list[tuple[int, Sequence[Alert], str, Telling | None, Group]]:
    """The steps with what was on the board, what was told and the group before. An alert that goes and comes back is another episode."""
    story = Story(told_by)
    began: dict[str, int] = {}
    found = []
    for later, states in happens:
        story.at += later
        began = {rule: began.get(rule, story.at) for rule in states}
        alerts = [
            alert(
                rule,
                level,
                fired=began[rule],
                acked="mei" if how == "acked" else "",
                silenced={"by": "mei"} if how == "silenced" else None,
                state="frozen" if how == "frozen" else "firing",
            )
            for rule, (level, how) in states.items()
        ]
        before = story.group
        what = story.look(*alerts)
        found.append((story.at, alerts, what, story.told[-1][1] if what else None, before))
    return found


@settings(max_examples=150, deadline=None)
@given(told_by=routes, happens=steps)
def test_two_messages_within_the_repeat_have_news_between_them(
    told_by: Route, happens: list[tuple[int, dict[str, tuple[str, str]]]]
) -> None:
    last_at: int | None = None
    known: dict[str, int] = {}
    for at, alerts, _, telling, _ in played(told_by, happens):
        levels = {each.episode: each.rank for each in alerts}
        known = {name: min(level, levels.get(name, level)) for name, level in known.items()}
        if telling is None:
            continue
        news = [each for each in telling.alerts if each.rank > known.get(each.episode, 0)]
        if telling.kind == "repeat":
            assert told_by.repeat_ms
            assert last_at is not None
            assert at - last_at >= told_by.repeat_ms
        else:
            assert news or telling.ended
        known = {each.episode: each.rank for each in telling.alerts} | {
            name: level for name, level in known.items() if name in levels
        }
        known |= {each.episode: each.rank for each in telling.alerts}
        last_at = at


@settings(max_examples=150, deadline=None)
@given(told_by=routes, happens=steps)
def test_nobody_is_called_by_what_is_silent_answered_or_out_of_hours(
    told_by: Route, happens: list[tuple[int, dict[str, tuple[str, str]]]]
) -> None:
    for at, alerts, _, telling, before in played(told_by, happens):
        if telling is None:
            continue
        assert told_by.may_speak(at)[0]
        assert all(not each.quiet and each.level in told_by.levels for each in telling.alerts)
        if telling.kind != "ended":
            assert any(not each.acked for each in telling.alerts)
        for each in alerts:
            if each.acked and each.episode not in before.told:
                assert each not in telling.alerts


@settings(max_examples=100, deadline=None)
@given(told_by=routes, happens=steps)
def test_what_ended_was_told_before(told_by: Route, happens: list[tuple[int, dict[str, tuple[str, str]]]]) -> None:
    told: set[str] = set()
    for _, alerts, _, telling, _ in played(told_by, happens):
        if telling is None:
            continue
        assert telling.ended.keys() <= told
        assert not telling.ended.keys() & {each.episode for each in alerts}
        told |= {each.episode for each in telling.alerts}
        told -= telling.ended.keys()


@settings(max_examples=40, deadline=None)
@given(told_by=routes, happens=steps)
def test_something_unanswered_is_told_at_the_latest_when_it_may_be(
    told_by: Route, happens: list[tuple[int, dict[str, tuple[str, str]]]]
) -> None:
    """Whatever came before: left alone with one alert that burns, the route has told of it after all of its waits."""
    story = Story(told_by)
    for later, states in happens:
        story.look(*(alert(rule, level, fired=story.at) for rule, (level, _) in states.items()), later=later)
    burns = alert("d@now", "critical", fired=story.at)
    for _ in range(5 * 60):
        story.look(burns, later=5 * MINUTE)
    assert any(burns.episode in {each.episode for each in telling.alerts} for _, telling in story.told)
    assert burns.episode in story.group.told

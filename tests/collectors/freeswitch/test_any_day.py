"""Whatever happens on the floor, and wherever the polls fall between it: every contact once, and everybody's condition true."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.events import AgentChanged
from tests.collectors.freeswitch.floor import floor_of, totals
from tests.collectors.freeswitch.test_translate import ANNA, BEN, Q, Watched

STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "enters",
                "enters",
                "rings",
                "rings out",
                "picks up",
                "fails",
                "joins",
                "ends",
                "ends",
                "hangs up",
                "times out",
                "breaks",
                "poll",
                "poll",
                "hear",
                "hear",
                "wait",
                "reconnect",
            ]  # fmt: skip
        ),
        st.integers(0, 5),
    ),
    max_size=60,
)


class Day:
    """A floor that does only what mod_callcenter could do, and counts for itself."""

    def __init__(self) -> None:
        self.w = Watched().staffed(wrap_up_s=3)
        self.truth: Counter[str] = Counter()
        self.ringing: dict[str, str] = {}
        self.picked_up: dict[str, str] = {}
        self.talking: dict[str, str] = {}

    @property
    def free(self) -> list[str]:
        busy = {*self.ringing.values(), *self.picked_up.values(), *self.talking.values()}
        return [a for a in (ANNA, BEN) if a not in busy and self.w.server.agents[a]["status"] == "Available"]

    def waiting(self) -> list[str]:
        return [m for m in self.w.server.members if m not in self.talking]

    def idle(self) -> list[str]:
        return [m for m in self.waiting() if m not in self.ringing and m not in self.picked_up]

    def step(self, what: str, n: int) -> None:
        w, server = self.w, self.w.server
        w.now += 0.03
        if what == "enters":
            server.call_enters(Q)
            self.truth["offered"] += 1
        elif what == "rings" and self.idle() and self.free:
            member, agent = self.idle()[n % len(self.idle())], self.free[n % len(self.free)]
            server.rings(member, agent)
            self.ringing[member] = agent
        elif what == "rings out" and self.ringing:
            member = list(self.ringing)[n % len(self.ringing)]
            server.rings_out(member, self.ringing.pop(member))
            self.truth["rang_no_answer"] += 1
        elif what == "picks up" and self.ringing:
            member = list(self.ringing)[n % len(self.ringing)]
            self.picked_up[member] = self.ringing.pop(member)
            server.leg_answers(member, self.picked_up[member])
        elif what == "fails" and self.picked_up:
            member = list(self.picked_up)[n % len(self.picked_up)]
            server.never_joined(member, self.picked_up.pop(member))
            w.wait(3)  # whether it was the agent's doing is known when the caller has not left
            self.truth["rang_no_answer"] += member in server.members
        elif what == "joins" and self.picked_up:
            member = list(self.picked_up)[n % len(self.picked_up)]
            self.talking[member] = self.picked_up.pop(member)
            server.joined(member, self.talking[member])
            self.truth["answered"] += 1
        elif what == "ends" and self.talking:
            member = list(self.talking)[n % len(self.talking)]
            del self.talking[member]
            server.end(member)
            self.truth["handled"] += 1
        elif what in ("hangs up", "times out") and self.waiting():
            self.leaves(self.waiting()[n % len(self.waiting())], hangs_up=what == "hangs up")
        elif what == "breaks":
            agent = (ANNA, BEN)[n % 2]
            server.status(agent, "On Break" if server.agents[agent]["status"] == "Available" else "Available")
        elif what == "poll":
            w.tables()
        elif what == "hear":
            w.hear()
        elif what == "wait":
            w.wait(n * 4.0)
        elif what == "reconnect":
            w.hear()
            w.events += w.translator.finish()
            w.begin()
            w.now += 1.1  # the tables' seconds must not fall together with the last moment that was watched
            w.tables(first=True, unwatched_since=w.now_ms - 100)

    def leaves(self, member: str, *, hangs_up: bool) -> None:
        server = self.w.server
        if member in self.picked_up:
            if not hangs_up:
                return  # the module waits for the legs before it times a caller out
            agent = self.picked_up.pop(member)
            row = dict(server.members[member])
            server.abandon(member, "NONE")
            server.members[member] = row
            server.never_joined(member, agent)
            del server.members[member]
        elif hangs_up:
            server.abandon(member)
        else:
            server.leaves(member, "TIMEOUT")
        self.truth["abandoned" if hangs_up else "left_timeout"] += 1
        if member in self.ringing:
            server.rings_out(member, self.ringing.pop(member), "ORIGINATOR_CANCEL")

    def evening(self) -> None:
        """Everything is heard, and two more polls find what they find."""
        for _ in range(3):
            self.w.wait(10)
            self.w.tables()


@settings(max_examples=400, deadline=None)
@given(STEPS)
def test_every_contact_is_counted_once_whatever_happens_and_whenever_we_ask(steps: list[tuple[str, int]]) -> None:
    day = Day()
    for what, n in steps:
        day.step(what, n)
    day.evening()
    w = day.w
    truth = {name: n for name, n in (day.truth | Counter(waiting=len(day.waiting()))).items() if n}
    if any(what == "reconnect" for what, _ in steps):
        truth.pop("rang_no_answer", None)  # an alert that was in doubt when the link broke stays untold
        counted = {name: n for name, n in totals(w.events, Q).items() if name != "rang_no_answer"}
        assert counted == truth
    else:
        assert totals(w.events, Q) == truth


@settings(max_examples=300, deadline=None)
@given(STEPS)
def test_everybody_is_at_last_what_the_module_says_they_are(steps: list[tuple[str, int]]) -> None:
    day = Day()
    for what, n in steps:
        day.step(what, n)
    day.evening()
    agents = floor_of(day.w.events).agents
    for agent in (ANNA, BEN):
        row = day.w.server.agents[agent]
        wanted = {"Receiving": "ringing", "In a queue call": "on_contact"}.get(row["state"])
        if wanted is None:
            wanted = "available" if row["status"] == "Available" else "paused"
        assert agents[agent].condition == wanted
    for agent in (ANNA, BEN):
        times = [e.at for e in day.w.events if isinstance(e, AgentChanged) and e.agent == agent]
        assert times == sorted(times)

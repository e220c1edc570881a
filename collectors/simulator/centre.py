"""The contact centre through all its days, as events.

``Centre`` strings days together (see ``day``): each is opened at its handover, runs beside the old one until that
one's last contact is done, and is forgotten then. What happens is a pure function of the scenario, the seed, the time zone and the
incidents; two centres that are built for different starts tell the same of every moment that both cover. So a simulator that was
restarted tells what happened in between as if it had been running all along, with the same ids, and stores nothing.

A centre without handover has one endless day that begins at ``start_ms``: that one is determined by its start as well.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from operator import attrgetter
from zoneinfo import ZoneInfo

from collectors import events as e
from collectors.simulator.day import Day
from collectors.simulator.incidents import Incident, begin
from collectors.simulator.people import TALKING, Person
from collectors.simulator.roster import local_ms, turns
from collectors.simulator.scenario import Scenario, minute_of_day

UTC = ZoneInfo("UTC")

LONGEST_TAIL_MS = 6 * 3_600_000
"""So long after its end a day is surely over: everything in it is shorter than ``scenario.LONGEST_S``."""

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


class Centre:
    """A running centre. Pure: no clock, no I/O.

    ``start_ms``: the first moment (epoch ms) from which events are told; what lies before it is simulated as far as it matters, on
    the first calls of ``advance``. ``incidents``: those that happened before, so that they happen again.
    """

    def __init__(
        self, scenario: Scenario, seed: int, start_ms: int, zone: ZoneInfo = UTC, incidents: Iterable[Incident] = ()
    ) -> None:
        self.scenario = scenario
        self.seed = seed
        self.start_ms = start_ms
        self.fingerprint = fingerprint(scenario, seed, zone)
        self._zone = zone
        self._incidents = sorted(incidents, key=attrgetter("at"))
        self._days: list[Day] = []
        if scenario.handover is None:
            self._date = datetime.fromtimestamp(start_ms / 1000, zone).date()
            self.epoch_ms = start_ms
        else:
            self._date = self._day_of(start_ms - LONGEST_TAIL_MS)
            self.epoch_ms = self._handover(self._date)
        self._next_day_ms: int | None = self.epoch_ms
        self.at_ms = self.epoch_ms - 1
        """Up to and including this moment everything has happened."""
        self._begun = 0  # incidents that have happened, or began before this centre does
        while self._begun < len(self._incidents) and self._incidents[self._begun].at < self.epoch_ms:
            self._begun += 1

    def advance(self, to_ms: int) -> list[e.AnyEvent]:
        """Everything that happens up to and including ``to_ms`` and was not told yet, in order of time."""
        told: list[e.AnyEvent] = []
        while self.at_ms < to_ms:
            stop = to_ms
            if self._next_day_ms is not None:
                if self._next_day_ms <= self.at_ms + 1:
                    self._open_day()
                    continue
                stop = min(stop, self._next_day_ms - 1)
            incident = self._incidents[self._begun] if self._begun < len(self._incidents) else None
            if incident is not None:
                if incident.at <= self.at_ms:
                    self._begun += 1
                    for day in self._days:
                        begin(incident, day, self.at_ms + 1)
                    continue
                stop = min(stop, incident.at)
            told.extend(self._run(stop))
        return told

    def _run(self, to_ms: int) -> list[e.AnyEvent]:
        days = [day.advance(to_ms) for day in self._days]
        self.at_ms = to_ms
        if len(self._days) > 1 and self._days[0].over(to_ms):
            del self._days[0]
        told = days[0] if len(days) == 1 else sorted((event for day in days for event in day), key=attrgetter("at"))
        if told and told[0].at < self.start_ms:
            told = [event for event in told if event.at >= self.start_ms]
        return told

    def incident(self, incident: Incident) -> None:
        """Let something happen. ``incident.at`` must be ``at_ms``: before it, everything has been told."""
        if incident.at != self.at_ms:
            raise ValueError(f"an incident must begin at {self.at_ms}, where the centre stands, not at {incident.at}")
        self._incidents.append(incident)

    @property
    def incidents(self) -> list[Incident]:
        """All incidents that still shape what happens: those of the days that are in memory, or not over yet."""
        since = self._days[0].start_ms if self._days else self.epoch_ms
        return [incident for incident in self._incidents if incident.until >= since]

    @property
    def next_ms(self) -> int:
        """When something may happen next."""
        times = [day.next_ms for day in self._days if day.next_ms is not None]
        if self._next_day_ms is not None:
            times.append(self._next_day_ms)
        if self._begun < len(self._incidents):
            times.append(self._incidents[self._begun].at)
        return max(self.at_ms + 1, min(times, default=self.at_ms + 60_000))

    # ── what it looks like now ────────────────────────────────────────────────────────────────────

    def snapshot(self, unwatched_since: int | None = None) -> e.Snapshot:
        """The whole state at ``at_ms``, everybody on the books included."""
        visits = [visit for day in self._days for visit in day.active]
        waiting = [e.WaitingContact(v.queue.name, v.contact, v.entered, v.caller) for v in visits if v.state != TALKING]
        here = self._here()
        agents = [
            e.SeenAgent(name, person.condition, person.serves, "", person.reason, person.since)
            if (person := here.get(name)) is not None
            else e.SeenAgent(name, "logged_out", {})
            for team_name, team in self.scenario.teams.items()
            for name in team.names(team_name)
        ]
        return e.Snapshot(
            self.at_ms,
            self.at_ms,
            list(self.scenario.queues),
            waiting,
            agents,
            [v.contact for v in visits if v.state == TALKING],
            unwatched_since,
        )

    def at_work(self) -> list[e.AnyEvent]:
        """The queue and contact of everybody who is busy with one: what a snapshot cannot say."""
        return [
            e.AgentChanged(self.at_ms, name, person.condition, "", "", person.queue, person.contact)
            for name, person in self._here().items()
            if person.contact
        ]

    def _here(self) -> dict[str, Person]:
        return {
            name: person
            for day in self._days
            for name, person in day.people.items()
            if person.condition != "logged_out"
        }

    # ── days ──────────────────────────────────────────────────────────────────────────────────────

    def _open_day(self) -> None:
        today = self._date
        start = self._next_day_ms
        assert start is not None
        end: int | None = None
        key = f"{self.seed}/{today.isoformat()}"
        if self.scenario.handover is None:
            key += f"/{start}"
        else:
            self._date = today + timedelta(days=1)
            end = self._handover(self._date)
        self._next_day_ms = end
        label = f"{today:%y%m%d}{self.fingerprint}"
        who = turns(self.scenario, key, today, start, end, self._zone)
        day = Day(self.scenario, key, label, start, end, who, self._zone)
        self._days.append(day)
        for incident in self._incidents[: self._begun]:
            if incident.until > start:  # one that lasts beyond the handover
                begin(incident, day, start)

    def _day_of(self, at_ms: int) -> date:
        found = datetime.fromtimestamp(at_ms / 1000, self._zone).date()
        while self._handover(found) > at_ms:
            found -= timedelta(days=1)
        return found

    def _handover(self, day: date) -> int:
        return local_ms(day, minute_of_day(self.scenario.handover or "00:00"), self._zone)


def fingerprint(scenario: Scenario, seed: int, zone: ZoneInfo) -> str:
    """Four signs that differ when the centre does: part of every contact's id, so that a changed scenario reuses none."""
    number = zlib.crc32(f"{scenario.model_dump_json()}/{seed}/{zone.key}".encode())
    return "".join(_DIGITS[number // 36**place % 36] for place in range(4))

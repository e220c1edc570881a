"""From mod_callcenter's words to ours. Pure: headers or rows and the time in, events out.

*Contact.* FreeSWITCH has two ids: the caller's channel (``CC-Member-Session-UUID``), which goes from queue to queue, and the member
(``CC-Member-UUID``), which is new for each visit. A contact may visit several queues, so the channel is the contact and the member tells its
visits apart. A caller who hung up and *resumes* has a new channel and the old member: the contact stays the one that the visit began with.

*Certainty.* An answer is told when the two legs are joined (the agent's state becomes "In a queue call"), not when the agent's leg answers: what
was said to be answered cannot be taken back. It is dated by the agent's answer, as FreeSWITCH's own figures are.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from typing import Literal

from collectors.events import (
    AnyEvent,
    ContactAbandoned,
    ContactAnswered,
    ContactCompleted,
    ContactEntered,
    ContactHeld,
    ContactLeft,
    ContactRang,
    ContactRangNoAnswer,
    ContactResumed,
)
from collectors.freeswitch.known import Known
from collectors.freeswitch.members import Bridging, Member, Moment
from collectors.freeswitch.tables import number
from collectors.freeswitch.words import (
    FLOW_OUTS,
    IN_CALL,
    LOST_RACE,
    STILL_UP,
    SUBCLASS,
    WITHDRAWN,
    state_of,
)

Headers = Mapping[str, str]

WITHDRAWN_MS = 2_000
"""An alert that was taken back waits so long for the word that the caller left; without it, it was the agent who went."""
BRIDGING_MS = 5_000
"""FreeSWITCH gives the joining of two legs three seconds."""
KEPT_MOST = 1_000
"""So many contacts with a new channel are remembered for the next session."""

Doubtful = Literal["kept", "leaving", "withdrawn"]


class Translator:
    """What the events of one session say. ``keep_s``: an abandon in a queue that lets callers resume is told at the latest after so long."""

    def __init__(self, known: Known, keep_s: int) -> None:
        self._known = known
        self._keep_ms = keep_s * 1000
        self._bridging: dict[str, str] = {}
        self._in_call_us: dict[str, int] = {}
        self._doubtful: list[tuple[int, int, Doubtful, str, str, Moment]] = []
        self._order = 0

    # ── events ────────────────────────────────────────────────────────────────────────────────────

    def translate(self, headers: Headers, now: int) -> list[AnyEvent]:
        """What one event says. ``now``: when it arrived, epoch ms."""
        moment = self._known.moment(headers, now)
        if headers.get("Event-Name") != "CUSTOM":
            return self._hold(headers, moment)
        if headers.get("Event-Subclass") != SUBCLASS:
            return []
        handle = _ACTIONS.get(headers.get("CC-Action", ""))
        return [] if handle is None else handle(self, headers, moment)

    def _member(self, headers: Headers) -> Member | None:
        """The visit that an event is about, made from what the event tells when it is the first word of it; None for other queues."""
        uuid, queue = headers.get("CC-Member-UUID", ""), headers.get("CC-Queue", "")
        if not uuid or not self._known.watched(queue):
            return None
        member = self._known.members.get(uuid)
        if member is None:
            contact = self._known.resumed.get(uuid) or headers.get("CC-Member-Session-UUID") or uuid
            member = self._known.members[uuid] = Member(
                uuid,
                queue,
                contact,
                headers.get("CC-Member-CID-Number", ""),
                headers.get("CC-Member-CID-Name", ""),
                entered_at=self._known.ours(number(headers.get("CC-Member-Joined-Time", ""))),
                offered={},
            )
        return member

    # a caller comes

    def _start(self, headers: Headers, moment: Moment) -> list[AnyEvent]:
        member = self._member(headers)
        if member is None:
            return []
        member.entered_at, member.entered_us, member.told, member.missed = moment.at, moment.us, True, 0
        return [ContactEntered(moment.at, member.queue, member.contact, member.caller, member.caller_name)]

    def _resume(self, headers: Headers, moment: Moment) -> list[AnyEvent]:
        """The caller called again and has the old place: the same visit goes on."""
        member = self._known.members.get(headers.get("CC-Member-UUID", ""))
        if member is None:
            return self._start(headers, moment)  # its beginning was told as abandoned, or never
        member.phase = "waiting"
        self._known.resumed[member.uuid] = member.contact
        while len(self._known.resumed) > KEPT_MOST:
            del self._known.resumed[next(iter(self._known.resumed))]
        return []

    # an agent is called

    def _offering(self, headers: Headers, moment: Moment) -> list[AnyEvent]:
        member, agent = self._member(headers), headers.get("CC-Agent", "")
        if member is None or not agent:
            return []
        member.offered[agent] = moment.us
        told: list[AnyEvent] = [ContactRang(moment.at, member.queue, member.contact, agent)]
        return told + self._known.people.rings(agent, member.uuid, (member.queue, member.contact), moment.at)

    def _fail(self, headers: Headers, moment: Moment) -> list[AnyEvent]:
        agent, uuid = headers.get("CC-Agent", ""), headers.get("CC-Member-UUID", "")
        if not agent:
            return []
        told = self._known.people.rings_no_more(agent, uuid, moment.at)
        cause = headers.get("CC-Hangup-Cause", "")
        member = self._known.members.get(uuid)
        if member is None or member.phase != "waiting" or cause == LOST_RACE:
            return told
        if cause == WITHDRAWN:
            self._remind(moment.at + WITHDRAWN_MS, "withdrawn", uuid, agent, moment)
            return told
        return [self._not_answered(member, agent, moment), *told]

    def _not_answered(self, member: Member, agent: str, moment: Moment) -> ContactRangNoAnswer:
        ring_ms = moment.since(member.offered.pop(agent, 0))
        return ContactRangNoAnswer(moment.at, member.queue, member.contact, agent, ring_ms)

    def _bridge_start(self, headers: Headers, moment: Moment) -> list[AnyEvent]:
        member, agent = self._member(headers), headers.get("CC-Agent", "")
        if member is None or not agent or member.phase == "talking":
            return []
        wait_ms = moment.since(member.entered_us)
        if wait_ms is None:
            wait_ms = _seconds_between(headers, "CC-Member-Joined-Time", "CC-Agent-Answered-Time")
        member.bridging = Bridging(agent, moment, wait_ms, moment.since(member.offered.get(agent, 0)))
        self._bridging[agent] = member.uuid
        member.leg = headers.get("CC-Agent-UUID", "")
        self._known.legs[member.leg] = member.uuid
        if moment.us and self._in_call_us.get(agent, 0) >= moment.us:
            return self._joined(member, moment)  # two words that were said at once came in the other order
        return []

    def _joined(self, member: Member, moment: Moment) -> list[AnyEvent]:
        """The caller and the agent talk."""
        bridging, member.bridging = member.bridging, None
        if bridging is None or member.phase == "talking":
            return []
        self._bridging.pop(bridging.agent, None)
        member.phase, member.agent, member.answered_us = "talking", bridging.agent, bridging.moment.us
        member.told = True
        told: list[AnyEvent] = [
            ContactAnswered(
                bridging.moment.at, member.queue, member.contact, bridging.agent, bridging.wait_ms, bridging.ring_ms
            )
        ]
        return told + self._known.people.talks(bridging.agent, member.uuid, (member.queue, member.contact), moment.at)

    def _bridge_end(self, headers: Headers, moment: Moment) -> list[AnyEvent]:
        member = self._known.members.get(headers.get("CC-Member-UUID", ""))
        if member is None:
            return []
        if headers.get("CC-Agent-Bridged") != "false":
            return self._joined(member, moment)
        # The agent's leg answered, and the two were never joined: the agent hung up at once, or the caller did.
        bridging, member.bridging = member.bridging, None
        if bridging is None:
            return []
        self._bridging.pop(bridging.agent, None)
        self._known.legs.pop(member.leg, None)
        told = self._known.people.rings_no_more(bridging.agent, member.uuid, moment.at)
        if member.phase == "leaving":
            return told + self._left_meanwhile(member)
        self._remind(moment.at + WITHDRAWN_MS, "withdrawn", member.uuid, bridging.agent, moment)
        return told

    def _left_meanwhile(self, member: Member) -> list[AnyEvent]:
        """What was held back of a caller who hung up while an agent picked up."""
        held = next((d for d in self._doubtful if d[2] == "leaving" and d[3] == member.uuid), None)
        if held is None:
            return []
        self._doubtful.remove(held)
        heapq.heapify(self._doubtful)
        return self._decided(*held[2:])

    # a visit ends

    def _end(self, headers: Headers, moment: Moment) -> list[AnyEvent]:
        if headers.get("CC-Cause") == "Terminated":
            return self._terminated(headers, moment)
        member = self._member(headers)
        if member is None or member.phase == "talking":
            return []  # hung up at the very moment of the answer: "Terminated" comes as well
        wait_ms = moment.since(member.entered_us)
        if wait_ms is None:
            wait_ms = _seconds_between(headers, "CC-Member-Joined-Time", "CC-Member-Leaving-Time")
        why = FLOW_OUTS.get(headers.get("CC-Cancel-Reason", ""))
        if why is None and headers.get("Answer-State") in STILL_UP and "Hangup-Cause" not in headers:
            why = "other"  # taken out of the queue by a transfer, say
        if why is not None:
            self._known.forget(member)
            return [ContactLeft(moment.at, member.queue, member.contact, why, wait_ms)]
        if member.bridging is not None:
            member.phase = "leaving"  # an agent has picked up: the end of that says whether the two ever talked
            self._remind(moment.at + BRIDGING_MS, "leaving", member.uuid, _noted(wait_ms), moment)
            return []
        return self._hung_up(member, moment, wait_ms)

    def _hung_up(self, member: Member, moment: Moment, wait_ms: int | None) -> list[AnyEvent]:
        """An abandon; in a queue that lets callers resume not before nobody can."""
        keep_ms = min(self._keep_ms, self._known.keeps.get(member.queue, 0))
        if keep_ms:
            member.phase, member.told = "kept", True
            self._remind(moment.at + keep_ms, "kept", member.uuid, _noted(wait_ms), moment)
            return []
        self._known.forget(member)
        return [ContactAbandoned(moment.at, member.queue, member.contact, wait_ms)]

    def _terminated(self, headers: Headers, moment: Moment) -> list[AnyEvent]:
        member = self._member(headers)
        if member is None:
            return []
        told = self._joined(member, moment)
        agent = headers.get("CC-Agent", "") or member.agent
        wait_ms = _seconds_between(headers, "CC-Member-Joined-Time", "CC-Agent-Answered-Time")
        if member.entered_us and member.answered_us:
            wait_ms = max(0, member.answered_us - member.entered_us) // 1000
        talk_ms = moment.since(member.answered_us)
        if talk_ms is None:
            talk_ms = _seconds_between(headers, "CC-Agent-Answered-Time", "CC-Member-Leaving-Time")
        self._known.forget(member)
        told.append(ContactCompleted(moment.at, member.queue, member.contact, agent, wait_ms, talk_ms))
        return told + self._known.people.talks_no_more(agent, member.uuid, moment.at)

    # agents

    def _agent_added(self, headers: Headers, moment: Moment) -> list[AnyEvent]:
        self._known.people.unknown = True
        return []

    def _agent_status(self, headers: Headers, moment: Moment) -> list[AnyEvent]:
        agent, status = headers.get("CC-Agent", ""), headers.get("CC-Agent-Status", "")
        return self._known.people.status(agent, status, moment.at) if agent and status else []

    def _agent_state(self, headers: Headers, moment: Moment) -> list[AnyEvent]:
        agent, state = headers.get("CC-Agent", ""), state_of(headers.get("CC-Agent-State", ""))
        if not agent or not state:
            return []
        told: list[AnyEvent] = []
        if state == IN_CALL:
            self._in_call_us[agent] = moment.us
            member = self._known.members.get(self._bridging.get(agent, ""))
            if member is not None and member.bridging is not None and member.bridging.agent == agent:
                told = self._joined(member, moment)
        else:
            self._in_call_us.pop(agent, None)
        return told + self._known.people.state(agent, state, moment.at)

    def _hold(self, headers: Headers, moment: Moment) -> list[AnyEvent]:
        """The agent's own leg, and only while it is joined with a caller from a queue."""
        member = self._known.members.get(self._known.legs.get(headers.get("Unique-ID", ""), ""))
        if member is None or member.phase != "talking":
            return []
        name = headers.get("Event-Name")
        if name == "CHANNEL_HOLD":
            return [ContactHeld(moment.at, member.queue, member.contact)]
        return [ContactResumed(moment.at, member.queue, member.contact)] if name == "CHANNEL_UNHOLD" else []

    # ── time ──────────────────────────────────────────────────────────────────────────────────────

    def next_due(self) -> int | None:
        dues = [due for due in (self._known.people.next_due(), self._doubtful[0][0] if self._doubtful else None) if due]
        return min(dues, default=None)

    def due(self, now: int) -> list[AnyEvent]:
        """What time alone brings about: ends of wrap-ups, places that nobody came back to, alerts that agents walked away from."""
        told = self._known.people.due(now)
        while self._doubtful and self._doubtful[0][0] <= now:
            _, _, what, uuid, detail, moment = heapq.heappop(self._doubtful)
            told += self._decided(what, uuid, detail, moment)
        return told

    def _decided(self, what: Doubtful, uuid: str, detail: str, moment: Moment) -> list[AnyEvent]:
        member = self._known.members.get(uuid)
        if member is None:
            return []
        if what == "withdrawn":
            return [self._not_answered(member, detail, moment)] if member.phase == "waiting" else []
        if member.phase != what:
            return []
        wait_ms = int(detail) if detail else None
        if what == "leaving":
            return self._hung_up(member, moment, wait_ms)
        self._known.forget(member)
        return [ContactAbandoned(moment.at, member.queue, member.contact, wait_ms)]

    def finish(self) -> list[AnyEvent]:
        """The end of the session: who has hung up by now has hung up, whether or not they call again."""
        told: list[AnyEvent] = []
        self._keep_ms = 0
        for _, _, what, uuid, detail, moment in sorted(self._doubtful, key=lambda doubtful: doubtful[:2]):
            if what != "withdrawn":
                told += self._decided(what, uuid, detail, moment)
        self._doubtful.clear()
        return told

    def _remind(self, at: int, what: Doubtful, uuid: str, detail: str, moment: Moment) -> None:
        self._order += 1
        heapq.heappush(self._doubtful, (at, self._order, what, uuid, detail, moment))


def _noted(wait_ms: int | None) -> str:
    return "" if wait_ms is None else str(wait_ms)


def _seconds_between(headers: Headers, begin: str, end: str) -> int | None:
    """Milliseconds between two headers in whole seconds; None when one is not told."""
    began, ended = number(headers.get(begin, "")), number(headers.get(end, ""))
    return (ended - began) * 1000 if began and ended >= began else None


_ACTIONS: dict[str, Callable[[Translator, Headers, Moment], list[AnyEvent]]] = {
    "member-queue-start": Translator._start,
    "member-queue-resume": Translator._resume,
    "member-queue-end": Translator._end,
    "agent-offering": Translator._offering,
    "bridge-agent-start": Translator._bridge_start,
    "bridge-agent-end": Translator._bridge_end,
    "bridge-agent-fail": Translator._fail,
    "agent-add": Translator._agent_added,
    "agent-status-change": Translator._agent_status,
    "agent-state-change": Translator._agent_state,
}
"""The others (``members-count``, ``agent-contact-change``, ``agent-status-get``, ``agent-max-no-answer``…) say nothing that these do not."""

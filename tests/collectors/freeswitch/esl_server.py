"""A small real event socket with a small mod_callcenter behind it: TCP, a login, tables, and events in the module's own order.

What a test lets happen on the floor (``call_enters``, ``rings``, ``answer``, ``end``, ``abandon``…) changes the tables first and is then said in
events, as the module does; what goes wrong on the wire (``drop``, ``mute``, ``garbage``, ``slow``…) is a method too.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable

from tests.collectors.freeswitch.frames import callcenter_event, event_frame, frame

PASSWORD = "ClueCon-and-a-canary"
USER, USER_PASSWORD = "wallboard@pbx.example", "a-user's-canary"

MEMBERS = [
    "queue",
    "instance_id",
    "uuid",
    "session_uuid",
    "cid_number",
    "cid_name",
    "system_epoch",
    "joined_epoch",
    "rejoined_epoch",
    "bridge_epoch",
    "abandoned_epoch",
    "base_score",
    "skill_score",
    "serving_agent",
    "serving_system",
    "state",
    "score",
]
AGENTS = [
    "name",
    "instance_id",
    "uuid",
    "type",
    "contact",
    "status",
    "state",
    "max_no_answer",
    "wrap_up_time",
    "reject_delay_time",
    "busy_delay_time",
    "no_answer_delay_time",
    "last_bridge_start",
    "last_bridge_end",
    "last_offered_call",
    "last_status_change",
    "no_answer_count",
    "calls_answered",
    "talk_time",
    "ready_time",
    "external_calls_count",
]
TIERS = ["queue", "agent", "state", "level", "position"]
QUEUES = [
    "name",
    "strategy",
    "moh_sound",
    "time_base_score",
    "tier_rules_apply",
    "tier_rule_wait_second",
    "tier_rule_wait_multiply_level",
    "tier_rule_no_agent_no_wait",
    "discard_abandoned_after",
    "abandoned_resume_allowed",
    "max_wait_time",
    "max_wait_time_with_no_agent",
    "max_wait_time_with_no_agent_time_reached",
    "record_template",
    "calls_answered",
    "calls_abandoned",
    "ring_progressively_delay",
    "skip_agents_with_external_calls",
    "agent_no_answer_status",
]

Row = dict[str, str]


class EslServer:
    """One FreeSWITCH. ``commands``: every command that any client sent. ``clock``: epoch seconds, the PBX's own idea of them."""

    def __init__(
        self, *, password: str = PASSWORD, piece: int | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self.password = password
        self.clock = clock
        self.port = 0
        self.commands: list[str] = []
        self.connections = 0
        self.queues: dict[str, Row] = {}
        self.agents: dict[str, Row] = {}
        self.tiers: list[Row] = []
        self.members: dict[str, Row] = {}
        self.gone: dict[str, Row] = {}
        """Members that left; those who hung up stand in the table for a while yet."""
        self.answers: dict[str, str] = {}
        """Answers to commands in place of the true ones."""
        self.denied: set[str] = set()
        """Commands (as they begin) that this user may not send."""
        self.before_answer: Callable[[str], None] | None = None
        """Called between a table's reading and its answer: what happens now is said after it and is not in it."""
        self.said: list[Row] = []
        """The headers of every event, in order."""
        self._piece = piece
        self._mute = self._refusing = self._shut = False
        self._slow_s = 0.0
        self._sequence = 0
        self._server: asyncio.Server | None = None
        self._clients: set[_Client] = set()

    async def __aenter__(self) -> EslServer:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """FreeSWITCH is gone: nobody listens, every connection is reset."""
        if self._server is not None:
            self._server.close()
            self.drop()
            await asyncio.sleep(0)
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        client = _Client(self, reader, writer)
        self._clients.add(client)
        try:
            await client.serve()
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client is gone
        finally:
            self._clients.discard(client)
            writer.close()

    # ── what goes wrong on the wire ───────────────────────────────────────────────────────────────

    @property
    def unread(self) -> int:
        """Bytes that clients have left unread; FreeSWITCH drops events then."""
        return sum(client.writer.transport.get_write_buffer_size() for client in self._clients)

    def drop(self) -> None:
        """Every connection is reset."""
        for client in list(self._clients):
            client.writer.transport.abort()

    def mute(self, mute: bool = True) -> None:
        """Connections stay open and nothing is said."""
        self._mute = mute

    def refuse_login(self, refuse: bool = True) -> None:
        self._refusing = refuse

    def shut_out(self, shut: bool = True) -> None:
        """The access list does not have the client's address."""
        self._shut = shut

    def slow(self, seconds: float) -> None:
        """Every answer takes so long."""
        self._slow_s = seconds

    def garbage(self) -> None:
        self.send(b"HTTP/1.1 400 \xff\xfe\x00 what?\r\n\r\n{\n\n")

    def disconnect_notice(self) -> None:
        self.send(
            frame("text/disconnect-notice", b"Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n")
        )

    def send(self, data: bytes) -> None:
        """Say something to everybody who is logged in."""
        for client in list(self._clients):
            if client.logged_in:
                client.write(data)

    # ── the floor ─────────────────────────────────────────────────────────────────────────────────

    def add_queue(self, name: str, *, resume: bool = False, discard_s: int = 60) -> None:
        row = dict.fromkeys(QUEUES, "0") | {
            "name": name,
            "strategy": "longest-idle-agent",
            "moh_sound": "local_stream://moh",
        }
        row["abandoned_resume_allowed"] = "true" if resume else "false"
        row["discard_abandoned_after"] = str(discard_s)
        self.queues[name] = row

    def add_agent(self, name: str, *queues: str, status: str = "Available", wrap_up_s: int = 0) -> None:
        """Somebody who serves ``queues``; the event says nothing of them."""
        row = dict.fromkeys(AGENTS, "0") | {"name": name, "instance_id": "single_box", "uuid": "", "type": "callback"}
        row |= {"contact": f"[leg_timeout=10]user/{name}|user/mobile-{name}", "status": status, "state": "Waiting"}
        row["wrap_up_time"] = str(wrap_up_s)
        self.agents[name] = row
        self.say("agent-add", {"CC-Agent": name, "CC-Agent-Type": "callback"})
        for queue in queues:
            self.add_tier(queue, name)

    def add_tier(self, queue: str, agent: str) -> None:
        """Said by no event."""
        self.tiers.append({"queue": queue, "agent": agent, "state": "Ready", "level": "1", "position": "1"})

    def delete_agent(self, name: str) -> None:
        """Said by no event."""
        del self.agents[name]
        self.tiers = [tier for tier in self.tiers if tier["agent"] != name]

    def status(self, agent: str, status: str) -> None:
        self.agents[agent] |= {"status": status, "last_status_change": self._now()}
        self.say("agent-status-change", {"CC-Agent": agent, "CC-Agent-Status": status})

    def state(self, agent: str, state: str) -> None:
        self.agents[agent]["state"] = state
        self.say("agent-state-change", {"CC-Agent": agent, "CC-Agent-State": state})

    def call_enters(self, queue: str, number: str = "+4930123", name: str = "", *, session: str = "") -> str:
        """A caller joins; returns the member's id. ``session``: the channel's id, when it has been in a queue before."""
        member, session = str(uuid.uuid4()), session or str(uuid.uuid4())
        row = dict.fromkeys(MEMBERS, "0")
        row |= {"queue": queue, "instance_id": "single_box", "uuid": member, "session_uuid": session}
        row |= {
            "cid_number": number,
            "cid_name": name,
            "joined_epoch": self._now(),
            "serving_agent": "",
            "serving_system": "",
        }
        self.members[member] = row | {"state": "Waiting", "first_session": session}
        self._member_says("member-queue-start", row, {})
        self._count(queue)
        return member

    def contact_of(self, member: str) -> str:
        """The channel with which a visit began."""
        return self.members[member]["first_session"]

    def rings(self, member: str, agent: str) -> None:
        self.members[member] |= {"state": "Trying", "serving_agent": agent, "serving_system": "single_box"}
        self.state(agent, "Receiving")
        more = {
            "CC-Agent": agent,
            "CC-Agent-Type": "callback",
            "CC-Agent-System": "single_box",
            "CC-Member-DNIS": "500",
        }
        self.agents[agent]["last_offered_call"] = self._now()
        self._member_says("agent-offering", self.members[member], more)

    def rings_out(self, member: str, agent: str, cause: str = "NO_ANSWER") -> None:
        """The agent did not take it; the caller goes on waiting."""
        row = self.members.get(member) or self.gone[member]
        if row["state"] == "Trying":
            row |= {"state": "Waiting", "serving_agent": "", "serving_system": ""}
        more = {"CC-Hangup-Cause": cause, "CC-Agent": agent, "CC-Agent-System": "single_box"}
        more |= {"CC-Agent-Called-Time": self._now(), "CC-Agent-Aborted-Time": self._now()}
        self._member_says("bridge-agent-fail", row, more | {"CC-Member-Joined-Time": row["joined_epoch"]})
        self.state(agent, "Waiting")

    def leg_answers(self, member: str, agent: str) -> None:
        """The agent's leg answers; nobody is joined yet."""
        row, agent_row = self.members[member], self.agents[agent]
        row["answered_epoch"] = self._now()
        agent_row["uuid"] = str(uuid.uuid4())
        more = self._legs(row, agent) | {"CC-Member-Joined-Time": row["joined_epoch"], "CC-Member-DNIS": "500"}
        self._member_says("bridge-agent-start", row, more)

    def joined(self, member: str, agent: str) -> None:
        """The two legs talk."""
        self.members[member] |= {"state": "Answered", "bridge_epoch": self._now(), "serving_agent": agent}
        self.agents[agent]["last_bridge_start"] = self._now()
        self.state(agent, "In a queue call")
        self._count(self.members[member]["queue"])

    def answer(self, member: str, agent: str) -> None:
        """Rings if it does not yet, and is answered."""
        if self.members[member]["serving_agent"] != agent:
            self.rings(member, agent)
        self.leg_answers(member, agent)
        self.joined(member, agent)

    def never_joined(self, member: str, agent: str) -> None:
        """The agent's leg answered and was gone before the two were joined."""
        row = self.members[member]
        row |= {"state": "Waiting", "serving_agent": ""}
        self._bridge_ends(row, agent, bridged=False)
        self.state(agent, "Waiting")

    def end(self, member: str, *, on_demand: bool = False) -> None:
        """The conversation is over."""
        row = self.members[member]
        agent = row["serving_agent"]
        self._bridge_ends(row, agent, bridged=True)
        legs = self._legs(row, agent)
        self.agents[agent] |= {"uuid": "", "last_bridge_end": self._now()}
        self._leave(member)
        more = {"CC-Hangup-Cause": "SUCCESS", "CC-Cause": "Terminated", **legs, "CC-Member-Leaving-Time": self._now()}
        self._member_says("member-queue-end", row, more | {"CC-Member-Joined-Time": row["joined_epoch"]})
        self.state(agent, "Idle" if on_demand else "Waiting")

    def abandon(self, member: str, reason: str = "BREAK_OUT") -> None:
        """The caller hangs up."""
        self._cancel(member, reason, {"Answer-State": "hangup", "Hangup-Cause": "NORMAL_CLEARING"})

    def leaves(self, member: str, reason: str) -> None:
        """The caller leaves the queue and is still there."""
        self._cancel(member, reason, {"Answer-State": "answered"})

    def resumes(self, member: str) -> str:
        """A caller who hung up calls again and has the old place; returns the new channel."""
        row = self.gone.pop(member)
        row |= {"session_uuid": str(uuid.uuid4()), "state": "Waiting", "rejoined_epoch": self._now()}
        self.members[member] = row
        self._member_says("member-queue-resume", row, {})
        self._count(row["queue"])
        return row["session_uuid"]

    def holds(self, member: str, on: bool = True) -> None:
        """The agent's leg is put on hold."""
        leg = self.agents[self.members[member]["serving_agent"]]["uuid"]
        name = "CHANNEL_HOLD" if on else "CHANNEL_UNHOLD"
        self._fire(
            {"Event-Name": name, "Event-Date-Timestamp": str(self._us()), "Unique-ID": leg, "Answer-State": "answered"}
        )

    def _cancel(self, member: str, reason: str, channel: Row) -> None:
        row = self.members[member]
        row |= {"state": "Abandoned", "abandoned_epoch": self._now(), "session_uuid": ""}
        session = row["first_session"]
        self._leave(member)
        more = {"CC-Cause": "Cancel", "CC-Cancel-Reason": reason, "CC-Member-Leaving-Time": self._now()}
        more["CC-Member-Joined-Time"] = row["joined_epoch"]
        self._member_says("member-queue-end", row | {"session_uuid": session}, more, channel)
        self._count(row["queue"])

    def _leave(self, member: str) -> None:
        self.gone[member] = self.members.pop(member)

    def _legs(self, row: Row, agent: str) -> Row:
        return {
            "CC-Agent": agent,
            "CC-Agent-System": "single_box",
            "CC-Agent-UUID": self.agents[agent]["uuid"],
            "CC-Agent-Called-Time": row.get("answered_epoch", "0"),
            "CC-Agent-Answered-Time": row.get("answered_epoch", "0"),
        }

    def _bridge_ends(self, row: Row, agent: str, *, bridged: bool) -> None:
        more = {
            "CC-Hangup-Cause": "SUCCESS",
            **self._legs(row, agent),
            "CC-Agent-Bridged": "true" if bridged else "false",
        }
        more |= {"CC-Member-Joined-Time": row["joined_epoch"], "CC-Bridge-Terminated-Time": self._now()}
        self._member_says("bridge-agent-end", row, more)

    def _member_says(self, action: str, row: Row, more: Row, channel: Row | None = None) -> None:
        values = {
            "CC-Queue": row["queue"],
            **more,
            "CC-Member-UUID": row["uuid"],
            "CC-Member-Session-UUID": row["session_uuid"],
            "CC-Member-CID-Name": row["cid_name"],
            "CC-Member-CID-Number": row["cid_number"],
        }
        data = {"Channel-State": "CS_EXECUTE", "Unique-ID": row["session_uuid"], "Answer-State": "answered"} | (
            channel or {}
        )
        self.say(
            action, values, data | {"variable_sip_h_X-CC-Action": "member-queue-end", "variable_cc_side": "member"}
        )

    def _count(self, queue: str) -> None:
        waiting = sum(row["queue"] == queue and row["state"] != "Answered" for row in self.members.values())
        self.say("members-count", {"CC-Queue": queue, "CC-Count": str(waiting), "CC-Selection": "Single-Queue"})

    def say(self, action: str, values: Row, channel: Row | None = None) -> None:
        """An event of mod_callcenter."""
        self._fire(callcenter_event(action, values, self._us(), self._sequence, channel))

    def _fire(self, headers: Row) -> None:
        self._sequence += 1
        self.said.append(headers)
        name = headers["Event-Name"]
        for client in list(self._clients):
            if name in client.events:
                client.say(event_frame(headers))

    def _us(self) -> int:
        return int(self.clock() * 1_000_000)

    def _now(self) -> str:
        return str(int(self.clock()))

    # ── the tables ────────────────────────────────────────────────────────────────────────────────

    def table(self, arguments: str) -> str:
        """What ``callcenter_config`` answers."""
        words = separated(arguments)
        if words == ["queue", "list"]:
            return _table(QUEUES, list(self.queues.values()), always=True)
        if words[:3] == ["queue", "list", "members"] and len(words) == 4:
            here = [*self.members.values(), *(row for row in self.gone.values() if row["state"] == "Abandoned")]
            return _table(MEMBERS, [row for row in here if row["queue"] == words[3]])
        if words == ["agent", "list"]:
            return _table(AGENTS, list(self.agents.values()))
        if words == ["tier", "list"]:
            return _table(TIERS, self.tiers)
        return "-ERR Invalid!\n"


def separated(arguments: str) -> list[str]:
    """As ``switch_separate_string`` parts at blanks: not between single quotes, and a backslash takes the next sign as it is."""
    words, quoted, signs = [""], False, iter(arguments)
    for sign in signs:
        if sign == "\\":
            words[-1] += next(signs, "")
        elif sign == "'":
            quoted = not quoted
        elif sign == " " and not quoted:
            words.append("")
        else:
            words[-1] += sign
    return [word for word in words if word]


def _table(names: list[str], rows: list[Row], *, always: bool = False) -> str:
    lines = ["|".join(names)] if rows or always else []
    return "".join(f"{line}\n" for line in [*lines, *("|".join(row[name] for name in names) for row in rows)]) + "+OK\n"


class _Client:
    def __init__(self, server: EslServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server = server
        self.reader = reader
        self.writer = writer
        self.logged_in = False
        self.events: set[str] = set()
        self._answering = False
        self._after: list[bytes] = []

    def write(self, data: bytes) -> None:
        if self.server._mute or self.writer.is_closing():
            return
        piece = self.server._piece or len(data)
        for start in range(0, len(data), piece):
            self.writer.write(data[start : start + piece])

    def say(self, data: bytes) -> None:
        """An event; while a command is worked on it waits, as it does in FreeSWITCH."""
        if self._answering:
            self._after.append(data)
        else:
            self.write(data)

    async def serve(self) -> None:
        server = self.server
        if server._shut:
            self.write(frame("text/rude-rejection", b"Access Denied, go away.\n"))
            return
        self.write(frame("auth/request"))
        while True:
            command = (await self.reader.readuntil(b"\n\n")).decode().strip()
            server.commands.append(command)
            self._answering = True
            if server._slow_s:
                await asyncio.sleep(server._slow_s)
            goes_on = self._answer(command)
            self._answering = False
            after, self._after = self._after, []
            for data in after:
                self.write(data)
            await self.writer.drain()
            if not goes_on:
                return

    def _reply(self, text: str, **more: str) -> None:
        self.write(frame("command/reply", Reply_Text=text, **more))

    def _answer(self, command: str) -> bool:
        server = self.server
        if not self.logged_in:
            right = f"auth {server.password}", f"userauth {USER}:{USER_PASSWORD}"
            if command not in right or server._refusing:
                self._reply("-ERR invalid")
                self.write(frame("text/disconnect-notice", b"Disconnected, goodbye.\n"))
                return False
            self.logged_in = True
            if command == right[0]:
                self._reply("+OK accepted")
            else:
                self._reply("+OK accepted", Allowed_Events="all", Allowed_API="all")
                self.write(b"\n")
        elif command.startswith(tuple(server.denied)):
            self._reply("-ERR permission denied")
        elif command.startswith("event plain "):
            self.events |= set(command.split()[2:])
            self._reply("+OK event listener enabled plain")
        elif command.startswith("api "):
            answer = self._api(command.removeprefix("api "))
            if server.before_answer is not None:
                server.before_answer(command)
            self.write(frame("api/response", (answer or "-ERR no reply\n").encode()))
        else:
            self._reply("-ERR command not found")
        return True

    def _api(self, command: str) -> str:
        server = self.server
        if command in server.answers:
            return server.answers[command]
        if command == "version":
            return "FreeSWITCH Version 1.10.12-release+git~20240802T210227Z~a88d069d6f~64bit (git a88d069 2024-08-02 21:02:27Z 64bit)\n"
        if command == "strmicroepoch":
            return str(server._us())
        name, _, arguments = command.partition(" ")
        if name == "callcenter_config":
            return server.table(arguments)
        return f"-ERR {name} Command not found!\n"

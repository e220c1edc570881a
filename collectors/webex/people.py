"""Sessions as people, and teams as the queues that they serve. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from collectors.events import AgentCondition, SeenAgent
from collectors.webex.protocol import Channel, Export, Session

STATES: dict[str, AgentCondition] = {
    **dict.fromkeys(("connected", "engaged", "talking", "onhold", "hold", "holddone", "consulting", "consult"), "on_contact"),
    **dict.fromkeys(("conferencing", "conference", "consultanswer", "consultrequest", "outdialconnected"), "on_contact"),
    **dict.fromkeys(("ringing", "reserved", "outdialreserved", "outdialringing"), "ringing"),
    **dict.fromkeys(("wrapup", "outdialwrapup"), "wrap_up"),
    "available": "available",
    **dict.fromkeys(("idle", "notresponded", "notresponding", "rona"), "paused"),
    **dict.fromkeys(("loggedout", "logout"), "logged_out"),
}  # fmt: skip
BUSIEST: list[AgentCondition] = ["on_contact", "ringing", "wrap_up", "available", "paused", "unknown", "logged_out"]
"""Of several channels the first of these is what the person does."""


class Served(msgspec.Struct, frozen=True):
    """Which queues whom are served by: by (site, team) and by an agent's own name or id."""

    teams: dict[tuple[str, str], dict[str, str | None]] = {}
    agents: dict[str, dict[str, str | None]] = {}
    queues: list[str] = []


def served(pages: Iterable[Export], channels: Iterable[str], wanted: Iterable[str]) -> Served:
    """From the export of all queues; only those of these channels, and only those that are wanted, if any are."""
    teams: dict[tuple[str, str], dict[str, str | None]] = {}
    agents: dict[str, dict[str, str | None]] = {}
    queues = []
    upper, only = {channel.upper() for channel in channels}, set(wanted)
    for queue in (queue for page in pages for queue in page.resources):
        if (queue.channel_type or "").upper() not in upper or (only and queue.name not in only):
            continue
        queues.append(queue.name)
        for group in queue.call_distribution_groups or []:
            for team in group.agent_groups or []:
                teams.setdefault((team.site_name or "", team.team_name or ""), {})[queue.name] = None
        for agent in queue.agents or []:
            agents.setdefault(agent, {})[queue.name] = None
    return Served(teams, agents, sorted(queues))


def people(
    sessions: Iterable[Session], channels: Iterable[str], whom: Served, ours: Callable[[int], int]
) -> list[SeenAgent]:
    """Who is signed in. Of several sessions that one agent left open, the latest counts."""
    latest: dict[str, Session] = {}
    for session in sessions:
        known = latest.get(session.agent_id)
        if (
            session.agent_id
            and session.open
            and (known is None or (session.start_time or 0) >= (known.start_time or 0))
        ):
            latest[session.agent_id] = session
    watched = set(channels)
    return [_person(session, watched, whom, ours) for session in latest.values()]


def _person(session: Session, watched: set[str], whom: Served, ours: Callable[[int], int]) -> SeenAgent:
    seen = [(_condition(channel), channel) for channel in session.channel_info if channel.channel_type in watched]
    condition, channel = min(
        seen, key=lambda one: BUSIEST.index(one[0]), default=("unknown", Channel())
    )  # fmt: skip
    since = channel.last_activity_time
    queues = dict(whom.teams.get((session.site_name or "", session.team_name or ""), {}))
    for name in (session.agent_id, session.agent_name, session.user_login_id):
        queues |= whom.agents.get(name or "", {})
    return SeenAgent(
        session.agent_id,
        condition,
        queues,
        session.agent_name or session.user_login_id or "",
        (channel.idle_code_name or "") if condition == "paused" else "",
        ours(since) if since is not None and since > 0 else None,
    )


def _condition(channel: Channel) -> AgentCondition:
    word = "".join(letter for letter in (channel.current_state or "").lower() if letter.isalpha())
    return STATES.get(word, "unknown")

"""Sessions as people, and teams as the queues that they serve."""

from __future__ import annotations

from typing import Any

import pytest

from collectors.events import SeenAgent
from collectors.webex.people import Served, people, served
from collectors.webex.protocol import export_page, session_page

T0 = 1_795_320_000_000
EXPORT = {
    "rel": "last",
    "resources": [
        {
            "name": "sales", "channelType": "TELEPHONY", "agents": [],
            "callDistributionGroups": [
                {"order": 1, "agentGroups": [{"teamName": "A", "siteName": "Hamburg"}]},
                {"order": 2, "agentGroups": [{"teamName": "B", "siteName": "Hamburg"}]},
            ],
        },
        {"name": "billing", "channelType": "TELEPHONY", "callDistributionGroups": [{"agentGroups": [{"teamName": "A", "siteName": "Hamburg"}]}]},
        {"name": "vip", "channelType": "TELEPHONY", "callDistributionGroups": None, "agents": ["Wang"]},
        {"name": "mail", "channelType": "EMAIL", "callDistributionGroups": [{"agentGroups": [{"teamName": "A", "siteName": "Hamburg"}]}]},
    ],
}  # fmt: skip


def whom(*wanted: str) -> Served:
    return served([export_page(EXPORT)], ["telephony"], wanted)


def seen(*records: dict[str, Any], channels: tuple[str, ...] = ("telephony",)) -> list[SeenAgent]:
    sessions, _ = session_page({"data": {"agentSession": {"agentSessions": list(records)}}})
    return people(sessions, channels, whom(), lambda at_ms: at_ms - 1_000)


def session(*channels: tuple[str, str, str], agent: str = "li", **more: Any) -> dict[str, Any]:
    info = [
        {"channelType": kind, "currentState": state, "idleCodeName": code, "lastActivityTime": T0}
        for kind, state, code in channels
    ]
    given = {
        "agentSessionId": "s",
        "agentId": agent,
        "agentName": "Li Wei 李伟",
        "teamName": "A",
        "siteName": "Hamburg",
    }
    return given | {"isActive": True, "startTime": T0, "endTime": -1, "channelInfo": info} | more


def test_a_team_serves_the_queues_that_distribute_to_it_and_an_agent_those_that_name_it() -> None:
    assert whom().queues == ["billing", "sales", "vip"]
    assert whom().teams == {("Hamburg", "A"): {"sales": None, "billing": None}, ("Hamburg", "B"): {"sales": None}}
    assert whom().agents == {"Wang": {"vip": None}}
    assert whom("sales").queues == ["sales"]
    (li,) = seen(session(("telephony", "available", "")))
    assert li == SeenAgent("li", "available", {"sales": None, "billing": None}, "Li Wei 李伟", "", T0 - 1_000)
    (wang,) = seen(session(("telephony", "available", ""), agent="w", agentName="Wang", teamName="C"))
    assert wang.queues == {"vip": None}


@pytest.mark.parametrize(
    ("state", "condition"),
    [
        ("available", "available"),
        ("Available", "available"),
        ("ringing", "ringing"),
        ("reserved", "ringing"),
        ("connected", "on_contact"),
        ("on-hold", "on_contact"),
        ("hold_done", "on_contact"),
        ("consulting", "on_contact"),
        ("wrapup", "wrap_up"),
        ("wrap-up", "wrap_up"),
        ("idle", "paused"),
        ("not-responding", "paused"),
        ("loggedOut", "logged_out"),
        ("something new", "unknown"),
        ("", "unknown"),
    ],
)
def test_what_a_person_does(state: str, condition: str) -> None:
    (person,) = seen(session(("telephony", state, "Lunch")))
    assert person.condition == condition
    assert person.reason == ("Lunch" if condition == "paused" else "")


def test_of_several_channels_the_busiest_says_what_a_person_does_and_other_channels_say_nothing() -> None:
    both = session(("telephony", "available", ""), ("chat", "connected", ""))
    assert seen(both)[0].condition == "available"
    assert seen(both, channels=("telephony", "chat"))[0].condition == "on_contact"
    assert seen(session(("email", "connected", "")))[0].condition == "unknown"


def test_a_session_that_was_never_closed_yields_to_the_later_one_and_one_that_ended_is_nobody() -> None:
    old = session(("telephony", "idle", "Break"), startTime=T0 - 86_400_000)
    new = session(("telephony", "available", ""))
    assert [person.condition for person in seen(new, old)] == ["available"]
    assert seen(session(("telephony", "idle", ""), endTime=T0, isActive=False)) == []

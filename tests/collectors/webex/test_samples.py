"""The vendor's own sample answers: each is read, and the steps of its real calls make sense as visits."""

from __future__ import annotations

import json
import lzma
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from collectors.webex.people import Served, people
from collectors.webex.protocol import session_page, task_page
from collectors.webex.translate import visits
from tests.collectors.webex.test_translate import T0

SAMPLES = Path(__file__).parent.parent.parent / "data" / "webex"


def sample(folder: str, name: str) -> Any:
    return json.loads(lzma.decompress((SAMPLES / folder / f"{name}.xz").read_bytes()))


def names(folder: str) -> list[str]:
    return sorted(path.name.removesuffix(".xz") for path in (SAMPLES / folder).iterdir())


@pytest.mark.parametrize("name", names("taskDetails"))
def test_every_sample_of_tasks_is_read_whole(name: str) -> None:
    answer = sample("taskDetails", name)
    given = answer["data"]["taskDetails"]
    tasks, info = task_page(answer)
    assert [task.id for task in tasks] == [task["id"] for task in given["tasks"]]
    assert info.has_next_page == bool((given.get("pageInfo") or {}).get("hasNextPage"))
    for task, record in zip(tasks, given["tasks"], strict=True):
        assert task.ended_time == record.get("endedTime")
        assert task.over == (record.get("isActive") is False or record.get("endedTime", -1) > 0)
        steps = (record.get("activities") or {}).get("nodes", [])
        assert [step.event_name for step in (task.activities.nodes if task.activities else [])] == [
            step.get("eventName") for step in steps
        ]
        visits(task)


@pytest.mark.parametrize("name", names("agentSession"))
def test_every_sample_of_sessions_is_read_whole_and_minus_one_is_a_session_that_goes_on(name: str) -> None:
    answer = sample("agentSession", name)
    given = answer["data"]["agentSession"]["agentSessions"]
    sessions, info = session_page(answer)
    assert [session.agent_session_id for session in sessions] == [record["agentSessionId"] for record in given]
    for session, record in zip(sessions, given, strict=True):
        if "endTime" in record:
            assert session.open == (record["endTime"] == -1) == record["isActive"]
    seen = people(sessions, ["telephony"], Served(), lambda at_ms: at_ms)
    assert {person.agent for person in seen} == {session.agent_id for session in sessions if session.open}
    assert info.has_next_page == bool((answer["data"]["agentSession"].get("pageInfo") or {}).get("hasNextPage"))


def real_calls() -> list[dict[str, Any]]:
    """The sample's calls with times: the steps of one sample, whose lengths add up, from the beginning that another one gives."""
    begun = {
        task["id"]: task for task in sample("taskDetails", "Simple_query-response.json")["data"]["taskDetails"]["tasks"]
    }
    calls = []
    for record in sample("taskDetails", "SimpleQueryForCARFields-response.json")["data"]["taskDetails"]["tasks"]:
        at = T0
        nodes = []
        for number, step in enumerate(reversed(record["activities"]["nodes"])):
            queue = {"queueId": "q"} if step["eventName"] in ("parked", "connect") else {}
            nodes.append(step | queue | {"id": f"{record['id']}-{number}", "createdTime": at})
            # Some of ``new`` are as long as the call; what runs beside the call takes none of its time.
            whole = step["eventName"] == "new" and step["duration"] == begun.get(record["id"], {}).get("totalDuration")
            beside = step["eventName"] in ("WrapUp", "consult", "ctq-accepted")
            at += 0 if beside else 1_000 if whole else max(0, step["duration"])
        calls.append(
            record | {
                "createdTime": T0, "endedTime": at, "isActive": False, "terminatingEnd": "Customer", "activities": record["activities"] | {"nodes": nodes[::-1]},
            }
        )  # fmt: skip
    return calls


def test_the_real_calls_of_the_samples_are_conserved_and_never_overlap() -> None:
    calls = real_calls()
    tasks, _ = task_page({"data": {"taskDetails": {"tasks": calls}}})
    outcomes: Counter[str] = Counter()
    for task, call in zip(tasks, calls, strict=True):
        steps = [step["eventName"] for step in reversed(call["activities"]["nodes"])]
        found = visits(task)
        outcomes.update(visit.outcome for visit in found)
        assert all(visit.outcome for visit in found), "the call is over: nobody waits"
        assert all(visit.over_at is not None for visit in found if visit.outcome == "answered")
        for before, after in zip(found, found[1:], strict=False):
            assert (before.over_at or before.ended_at or 0) <= after.entered_at
        queued = next((number for number, step in enumerate(steps) if step in ("parked", "connect")), None)
        assert bool(found) == (queued is not None), steps
        if queued is not None:
            left = steps[queued:]
            expected = "answered" if "connected" in left and "optOutOfQueue" not in left else found[0].outcome
            assert found[0].outcome == expected, steps
            passed_on = {"vt-transfer", "blind-transfer", "ConsultTransfer"} & set(left)
            assert any(visit.transferred for visit in found) == bool(passed_on), steps
        if "connected" not in steps:
            assert "answered" not in {visit.outcome for visit in found}, steps
    assert outcomes["answered"] > 40 and outcomes["abandoned"] > 10


def test_a_real_call_that_was_parked_three_times_visited_two_queues() -> None:
    """``Filtering_using_extFilters``: newest first, twice in one queue and before that in another."""
    (record,) = sample("taskDetails", "Filtering_using_extFilters-response.json")["data"]["taskDetails"]["tasks"]
    at, nodes = T0, []
    for step in reversed(record["activities"]["nodes"]):
        nodes.insert(0, step | {"createdTime": at})
        at += step["duration"]
    call = record | {"isActive": False, "endedTime": at, "createdTime": T0, "activities": {"nodes": nodes}}
    ((task,), _) = task_page({"data": {"taskDetails": {"tasks": [call]}}})
    first, second = visits(task)
    assert (first.queue, first.outcome) == ("450efd53-39d6-4ce7-83ca-bb949a5c1dfb", "other")
    assert (second.queue, second.outcome) == ("40162355-72f4-4dc1-b710-2f8c94e5d14b", "abandoned")
    assert (first.ended_at, second.ended_at) == (T0 + 7_747, T0 + 7_747 + 4_572 + 11_976)

"""VICIdial's rows, one at a time: what each kind of row means."""

from __future__ import annotations

from typing import Any

import pytest

from collectors.vicidial.translate import Statuses, agent, contact, outbound

T0_S = 1_795_320_000


def row(**more: Any) -> dict[str, Any]:
    return {
        "closecallid": 7, "uniqueid": "1795320000.7", "campaign_id": "sales", "start_epoch": T0_S, "end_epoch": None,
        "length_in_sec": None, "queue_seconds": 0, "status": "QUEUE", "user": "VDCL", "term_reason": "NONE", "phone_number": "138",
    } | more  # fmt: skip


def ours(ms: int) -> int:
    return ms - 5_000


def test_a_row_without_an_agent_waits() -> None:
    visit = contact(row(), ours)
    assert visit is not None
    assert visit.waits
    assert (visit.queue, visit.contact, visit.entered_at, visit.caller) == ("sales", "7", T0_S * 1000 - 5_000, "138")


@pytest.mark.parametrize(
    ("reason", "status", "user", "outcome"),
    [
        ("ABANDON", "DROP", "VDCL", "abandoned"),
        ("CALLER", "DROP", "VDCL", "abandoned"),
        ("CALLER", "QUEUE", "", "abandoned"),
        ("NONE", "QUEUE", "VDCL", "abandoned"),
        ("ABANDON", "DROP", "6001", "abandoned"),
        ("NONE", "DROP", "6001", "abandoned"),
        ("QUEUETIMEOUT", "TIMEOT", "VDCL", "timeout"),
        ("NOAGENT", "NANQUE", "VDCL", "empty"),
        ("HOLDTIME", "HOLDTO", "VDCL", "key"),
        ("HOLDRECALLXFER", "HXFER", "VDCL", "other"),
        ("MAXCALLS", "MAXCAL", "VDCL", "other"),
        ("AGENT", "WEIRD", "VDCL", "other"),
        ("CALLER", "SALE", "6001", "answered"),
        ("AGENT", "NI", "6001", "answered"),
        ("NONE", "INCALL", "6001", "answered"),
    ],
)
def test_how_a_call_ended_follows_from_reason_status_and_user(
    reason: str, status: str, user: str, outcome: str
) -> None:
    ended = row(end_epoch=T0_S + 60, length_in_sec=60, term_reason=reason, status=status, user=user)
    visit = contact(ended, ours)
    assert visit is not None
    assert visit.outcome == outcome
    assert visit.agent == (user if outcome == "answered" else "")


def test_talk_is_what_is_left_of_the_length_after_the_queue() -> None:
    ended = row(end_epoch=T0_S + 90, length_in_sec=90, queue_seconds="20.50", status="SALE", user="6001")
    visit = contact(ended, ours)
    assert visit is not None
    assert (visit.wait_ms, visit.talk_ms) == (20_500, 69_500)
    assert visit.answered_at == visit.entered_at + 20_500


def test_a_wait_that_the_row_does_not_tell_follows_from_its_times() -> None:
    visit = contact(row(end_epoch=T0_S + 33, status="DROP", term_reason="ABANDON"), ours)
    assert visit is not None
    assert visit.wait_ms == 33_000


@pytest.mark.parametrize("missing", [{"start_epoch": None}, {"campaign_id": ""}])
def test_a_row_without_a_beginning_or_a_group_is_no_contact(missing: dict[str, Any]) -> None:
    assert contact(row(**missing), ours) is None


@pytest.mark.parametrize(
    ("status", "lead", "callerid", "condition"),
    [
        ("READY", 0, "", "available"),
        ("CLOSER", 0, "", "available"),
        ("QUEUE", 5, "Y1", "ringing"),
        ("INCALL", 5, "Y1", "on_contact"),
        ("INCALL", 5, "Y9", "wrap_up"),
        ("PAUSED", 5, "", "wrap_up"),
        ("PAUSED", 0, "", "paused"),
        ("SOMETHING", 0, "", "unknown"),
    ],
)
def test_what_an_agent_does(status: str, lead: int, callerid: str, condition: str) -> None:
    person = agent(
        {
            "user": "6001", "full_name": None, "status": status, "lead_id": lead, "pause_code": "TEA", "campaign_id": "TELESALE",
            "closer_campaigns": " sales support -", "callerid": callerid, "changed_s": T0_S, "called_s": T0_S - 50,
        },
        frozenset(("Y1",)),
        ours,
    )  # fmt: skip
    assert person.condition == condition
    assert person.reason == ("TEA" if condition == "paused" else "")
    assert set(person.queues) == {"sales", "support", "TELESALE"}
    assert person.since == (None if callerid == "Y9" else T0_S * 1000 - 5_000)


def test_a_campaigns_own_meaning_of_a_status_goes_before_the_systems() -> None:
    def meaning(campaign: str, human: str, sale: str) -> dict[str, str]:
        return {"campaign_id": campaign, "status": "SALE", "human_answered": human, "sale": sale}

    statuses = Statuses([meaning("", "Y", "Y"), meaning("SURVEY", "Y", "N")])
    assert statuses.counters("TELESALE", "SALE", 2)["succeeded"] == 2
    assert statuses.counters("SURVEY", "SALE", 2) == {"dialled": 2, "live_answered": 2, "connected": 2, "succeeded": 0}
    assert statuses.counters("SURVEY", "NOBODY", 3) == {
        "dialled": 3,
        "live_answered": 0,
        "connected": 0,
        "succeeded": 0,
    }


def test_counted_rows_add_up_by_campaign_and_quarter() -> None:
    rows = [{"campaign_id": "T", "quarter": 1_994_800, "status": status, "n": 2} for status in ("DROP", "NA")]
    assert outbound(rows, Statuses([])) == {
        ("T", 1_994_800 * 900_000): {
            "dialled": 4,
            "live_answered": 2,
            "dialler_abandoned": 2,
            "connected": 0,
            "succeeded": 0,
        }
    }

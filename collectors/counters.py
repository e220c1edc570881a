"""The counters that totals of an ACD may name (kpis.md), for every kind that lets somebody else write them."""

from __future__ import annotations

import re

from collectors.collector import Fact

COUNTERS: dict[str, Fact] = {
    **dict.fromkeys(("offered", "answered", "handled"), "contacts"),
    "answered_wait_ms": "waits",
    "abandoned": "abandons",
    **dict.fromkeys(("left_timeout", "left_key", "left_empty", "left_callback", "left_other"), "flow_outs"),
    "lost_sight": "contacts",
    "talk_ms": "talk",
    **dict.fromkeys(("hold_ms", "held"), "hold"),
    "wrap_ms": "wrap",
    "ring_ms": "ring",
    "transferred": "transfers",
    "rang_no_answer": "rang_no_answer",
    **dict.fromkeys(
        ("available_ms", "ringing_ms", "on_contact_ms", "wrap_up_ms", "paused_ms", "logged_in_ms"), "agent_time"
    ),
    **dict.fromkeys(("surveys", "survey_score_sum", "survey_top_box"), "surveys"),
    **dict.fromkeys(("resolved_first", "resolution_known"), "resolution"),
    "complaints": "complaints",
    **dict.fromkeys(("quality_scores", "quality_score_sum"), "quality"),
    **dict.fromkeys(("dialled", "connected", "succeeded", "dialler_abandoned", "live_answered"), "dialler"),
    **dict.fromkeys(("ivr_entered", "ivr_contained"), "ivr"),
    **dict.fromkeys(("bot_sessions", "bot_handed_over"), "bot"),
    **dict.fromkeys(("tickets_opened", "tickets_closed"), "tickets"),
}
"""Every counter that totals may name, and the fact that it tells of."""

WITHIN = re.compile(r"(?:answered|abandoned)_(?:within|beyond)_\d{1,5}s")


def fact_of(counter: str) -> Fact | None:
    """The fact that a counter tells of, those of a threshold (``answered_within_20s``) included; None: there is no such counter."""
    return "in_time" if WITHIN.fullmatch(counter) else COUNTERS.get(counter)

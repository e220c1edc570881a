"""One right event of each type: what docs/collectors/webhook.md shows and what a refusal points to."""

from __future__ import annotations

from typing import Any

_AT = "2026-11-22T09:30:00.250+08:00"
_CONTACT = {"at": _AT, "queue": "support", "contact": "c-1042"}
_FACT = {"at": _AT, "queue": "support"}

EXAMPLES: dict[str, dict[str, Any]] = {
    "entered": {"type": "entered", **_CONTACT, "caller": "+8613800001111", "caller_name": "王芳"},
    "rang": {"type": "rang", **_CONTACT, "agent": "Mei Lin"},
    "rang_no_answer": {"type": "rang_no_answer", **_CONTACT, "agent": "Mei Lin", "ring_ms": 15000},
    "answered": {"type": "answered", **_CONTACT, "agent": "Mei Lin", "wait_ms": 8250, "ring_ms": 3000},
    "held": {"type": "held", **_CONTACT},
    "resumed": {"type": "resumed", **_CONTACT},
    "completed": {
        "type": "completed", **_CONTACT, "agent": "Mei Lin", "wait_ms": 8250, "talk_ms": 184000, "hold_ms": 21000,
        "transferred": False,
    },
    "abandoned": {"type": "abandoned", **_CONTACT, "wait_ms": 42000},
    "left": {"type": "left", **_CONTACT, "why": "timeout", "wait_ms": 120000},
    "agent": {"type": "agent", "at": _AT, "agent": "Mei Lin", "condition": "paused", "reason": "lunch"},
    "agent_queues": {"type": "agent_queues", "at": _AT, "agent": "Mei Lin", "queues": ["support", "billing"]},
    "snapshot": {
        "type": "snapshot", "at": _AT, "queues": ["support"],
        "waiting": [{"queue": "support", "contact": "c-1042", "entered_at": "2026-11-22T09:29:42+08:00"}],
        "agents": [{"agent": "Mei Lin", "condition": "available", "queues": ["support"]}],
    },
    "observed": {
        "type": "observed", "at": _AT, "queue": "support", "waiting": 3, "longest_wait_ms": 41000,
        "agents": {"available": 2, "ringing": 1, "on_contact": 9, "wrap_up": 3},
        "totals": {"offered": 512, "answered": 490, "abandoned": 19},
    },
    "interval": {
        "type": "interval", "queue": "support", "start": "2026-11-22T09:00:00+08:00",
        "counters": {"offered": 41, "answered": 39, "abandoned": 2, "handled": 39, "talk_ms": 7410000},
        "answered_waits": [[4000, 30], [25000, 9]], "abandoned_waits": [[61000, 2]],
    },
    "survey": {"type": "survey", "id": "csat-88121", **_FACT, "score": 4.5, "top_box": True},
    "complaint": {"type": "complaint", "id": "crm-5512", **_FACT},
    "resolution": {"type": "resolution", "id": "case-901", **_FACT, "first_contact": True},
    "quality": {"type": "quality", "id": "qa-331", **_FACT, "score": 92.5},
    "ticket": {"type": "ticket", "id": "T-20417", **_FACT, "state": "opened"},
    "ivr": {"type": "ivr", "id": "ivr-77120", **_FACT, "contained": True},
    "bot": {"type": "bot", "id": "bot-6611", **_FACT, "handed_over": False},
    "dial": {"type": "dial", "id": "d-99120", **_FACT, "outcome": "connected", "success": True},
}  # fmt: skip

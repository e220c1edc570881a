"""Event-socket frames as FreeSWITCH writes them, built from the headers that each event of mod_callcenter really has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent.parent.parent / "data" / "freeswitch" / "cc_events.json"
_UNSAFE = b'\r\n #%&+:;<=>?@[\\]^`{|}"'
_HEX = b"0123456789ABCDEF"


def _specifications() -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for event in json.loads(DATA.read_text())["events"]:
        action = event["action"]
        names = [action.strip('"')]
        if "agent-%s-get" in action:
            names = ["agent-status-get", "agent-state-get", "agent-uuid-get"]
        elif "member-queue-%s" in action:
            names = ["member-queue-start", "member-queue-resume"]
        for name in names:
            found.setdefault(name, []).append(event)
    return found


EVENTS = _specifications()
"""Each action's forms: which headers it carries, and whether a channel's data come with it."""


def encode(text: str) -> str:
    """As switch_url_encode does: ``%`` before two hex digits stays as it came, which is how a caller's name can smuggle a ``%0A``."""
    raw, out = text.encode(), []
    for at, byte in enumerate(raw):
        already = byte == 0x25 and len(raw) > at + 2 and raw[at + 1] in _HEX and raw[at + 2] in _HEX
        unsafe = byte < 0x20 or byte > 0x7E or byte in _UNSAFE
        out.append(f"%{byte:02X}" if unsafe and not already else chr(byte))
    return "".join(out)


def frame(kind: str, body: bytes | None = None, **headers: str) -> bytes:
    """One frame."""
    lines = [f"Content-Type: {kind}", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    if body is not None:
        lines.insert(0, f"Content-Length: {len(body)}")
    return ("\n".join(lines) + "\n\n").encode() + (body or b"")


def event_frame(headers: dict[str, str]) -> bytes:
    """A ``text/event-plain`` frame."""
    body = "".join(f"{name}: {encode(value)}\n" for name, value in headers.items()) + "\n"
    return frame("text/event-plain", body.encode())


def callcenter_event(
    action: str, values: dict[str, str], us: int, sequence: int = 1, channel: dict[str, str] | None = None
) -> dict[str, str]:
    """The headers of one event, in FreeSWITCH's order. ``values`` must be exactly the headers that one form of this action has."""
    forms = [form for form in EVENTS[action] if set(form["headers"]) == set(values) or form["conditional"]]
    assert forms, f"{action} has no form with the headers {sorted(values)}"
    return {
        "Event-Subclass": "callcenter::info",
        "Event-Name": "CUSTOM",
        "Core-UUID": "00000000-0000-0000-0000-0000000000cc",
        "FreeSWITCH-Hostname": "pbx",
        "Event-Date-Local": "2026-11-22 08:00:00",
        "Event-Date-GMT": "Sun, 22 Nov 2026 08:00:00 GMT",
        "Event-Date-Timestamp": str(us),
        "Event-Calling-File": "mod_callcenter.c",
        "Event-Calling-Line-Number": str(forms[0]["line"]),
        "Event-Sequence": str(sequence),
        **((channel or {}) if forms[0]["with_channel_variables"] else {}),
        "CC-Action": action,
        **values,
    }

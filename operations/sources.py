"""How the link to a source is, judged from what its supervisor last wrote."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from collectors.collector import Status

UNWATCHED_AFTER_MS = 15_000
"""A status that nobody has rewritten for this long was written by a collector that is gone (it writes each second)."""


class SourceView(msgspec.Struct, frozen=True):
    """What the screens, ``/healthz`` and the engine may say of a source. Times in epoch ms.

    ``since``: when ``state`` began, as far as known. ``age_s``: seconds since the ACD's last sign of life, None when
    it never gave one. ``why`` is a code: "" (up), ``connecting``, ``failed``, ``mute`` or ``no_collector``;
    ``error`` says the same in words and holds no secret.
    """

    state: Literal["up", "stale", "down"]
    since: int | None
    last_event_at: int | None
    last_word_at: int | None
    age_s: float | None
    error: str
    why: str = ""
    kind: str = ""
    permanent: bool = False
    detail: str = ""
    events: int = 0
    facts: dict[str, Any] = {}


def parse(raw: bytes | None) -> Status | None:
    """The status as it lies in Redis; None when there is none or it cannot be read."""
    if not raw:
        return None
    try:
        return msgspec.json.decode(raw, type=Status)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return None


def judge(status: Status | None, now_ms: int, kind: str = "") -> SourceView:
    """The state of a source at ``now_ms``.

    ``status``: what the supervisor wrote last, None if nothing; ``kind``: the configured kind, for a source that has
    no status yet. ``stale``: the link stands but the ACD has been mute for longer than it may. ``down``: the
    supervisor says so, is still connecting, or has itself not written for ``UNWATCHED_AFTER_MS``.
    """
    if status is None:
        return SourceView("down", None, None, None, None, "collector not running", "no_collector", kind)
    age_s = None if status.last_word_at is None else max(0, now_ms - status.last_word_at) / 1000
    state: Literal["up", "stale", "down"]
    if now_ms - status.written_at > UNWATCHED_AFTER_MS:
        state, since, error, why = "down", status.written_at, "collector not running", "no_collector"
    elif status.state != "up":
        why = "connecting" if status.state == "connecting" else "failed"
        state, since, error = "down", status.since, status.error or "connecting"
    elif status.last_word_at is not None and _mute(status.last_word_at, status.stale_after_ms, now_ms):
        state, since, why = "stale", status.last_word_at, "mute"
        error = status.error or f"no word from the ACD for {int(age_s or 0)} s"
    else:
        state, since, error, why = "up", status.since, status.error, ""
    return SourceView(
        state, since, status.last_event_at, status.last_word_at, age_s, error, why, status.kind or kind,
        status.permanent, status.detail, status.events, status.facts,
    )  # fmt: skip


def _mute(last_word_at: int, patience_ms: int | None, now_ms: int) -> bool:
    return patience_ms is not None and now_ms - last_word_at > patience_ms


def zone(configuration: Any, project: str) -> tzinfo:
    """The time zone that a project's times are shown in: its own, else the site's."""
    named = getattr(configuration.projects.get(project), "time_zone", None) or configuration.site.time_zone
    return named if isinstance(named, tzinfo) else ZoneInfo(str(named))


def iso(at_ms: int | None, zone: tzinfo = UTC) -> str | None:
    """Epoch milliseconds as ISO 8601 with offset in ``zone``; None stays None."""
    return None if at_ms is None else datetime.fromtimestamp(at_ms / 1000, zone).isoformat(timespec="milliseconds")


def public(view: SourceView, zone: tzinfo = UTC) -> dict[str, Any]:
    """A view as the board, the live feed and ``/healthz`` show it: times as ISO 8601 with offset."""
    return {
        "state": view.state,
        "since": iso(view.since, zone),
        "last_event_at": iso(view.last_event_at, zone),
        "last_word_at": iso(view.last_word_at, zone),
        "age_s": None if view.age_s is None else round(view.age_s, 1),
        "error": view.error,
        "why": view.why,
        "kind": view.kind,
    }

"""Whether a route has something to tell of a project, as one pure function: alerts, what was told and the time in; what to tell and why out.

It looks at what is, not at what happened: nothing depends on having seen every change, so a process that was away catches up by looking
once. What has been told (or is about to be) is remembered by episode. Something is *fresh* when it is not among that, or has become worse. Fresh
alerts wait ``group_wait`` for company; what was told is repeated after ``repeat`` while nobody answers; when the last has ended, one message says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from operations.notify.group import Alert, Group, Kind, Told
from operations.projects.routes import Route


class Telling(NamedTuple):
    """What a message is to hold: the alerts that burn, worst first, and by episode those that have ended."""

    kind: Kind
    alerts: tuple[Alert, ...]
    ended: dict[str, Told]

    @property
    def level(self) -> int:
        """Of the worst alert that burns; of the worst that ended when none does."""
        return max((alert.rank for alert in self.alerts), default=0) or max(
            (told.level for told in self.ended.values()), default=0
        )


class Plan(NamedTuple):
    """``telling`` None: nothing is to be told now, ``reason`` says why; ``wake_at``: look again then (epoch ms) even if nothing changes."""

    group: Group
    telling: Telling | None
    reason: str
    wake_at: int | None = None


def plan(route: Route, alerts: Sequence[Alert], group: Group, now_ms: int) -> Plan:
    """What a route has to tell of a project whose alerts are ``alerts``. ``group`` is not modified.

    With a ``telling`` the group returned is the one that holds once its message is on its way; ``Group.notice`` is the caller's to fill. A message whose
    outcome is open (``notice.sending``) is never overtaken; one that waits to be tried again is replaced as soon as there is more to say.
    """
    group = _restful(group, now_ms)
    seen = {alert.episode: alert for alert in alerts}
    unanswered = _unanswered(route, alerts, group, now_ms)
    told = {name: _as_seen(known, seen.get(name)) for name, known in group.told.items()}
    told = {
        name: known for name, known in told.items() if name in seen or not known.quiet
    }  # what ended in silence ends in silence
    due = {
        alert.episode: unanswered.get(alert.episode, alert.fired_ms) + route.after_ms
        for alert in alerts
        if route.after_ms
    }

    def calls(alert: Alert) -> bool:
        return (
            alert.level in route.levels and not alert.quiet and not alert.acked and due.get(alert.episode, 0) <= now_ms
        )

    fresh = [
        alert
        for alert in alerts
        if calls(alert) and (alert.episode not in told or alert.rank > told[alert.episode].level)
    ]
    ended = {name: known for name, known in told.items() if name not in seen}
    burning = [alert for alert in alerts if alert.episode in told]
    undelivered = group.notice is not None
    if ended and not burning and not fresh and not route.resolved and not undelivered:
        told, ended = {}, {}
    fresh_at = (now_ms if group.fresh_at is None else group.fresh_at) if fresh else None
    after = msgspec.structs.replace(group, told=told, unanswered=unanswered, fresh_at=fresh_at)

    wakes = [
        at
        for alert in alerts
        if (at := due.get(alert.episode, 0)) > now_ms and alert.level in route.levels and not alert.acked
    ]
    kind: Kind
    if fresh_at is not None:
        kind, at, why = "new", fresh_at + route.group_wait_ms, "waits for others that may break too"
    elif ended and not burning:
        kind, at, why = "ended", now_ms, ""
    elif (
        group.notice is None
        and route.repeat_ms
        and group.told_at is not None
        and any(calls(alert) for alert in burning)
    ):
        kind, at, why = "repeat", group.told_at + route.repeat_ms, "was told already"
    else:
        return Plan(after, None, _why_silent(alerts, burning, route), min(wakes, default=None))
    if at > now_ms:
        return Plan(after, None, why, min((at, *wakes)))
    allowed, look_again = route.may_speak(now_ms)
    if not allowed:
        return Plan(after, None, "outside the hours of the route", look_again)
    if group.notice is not None and group.notice.sending:
        return Plan(after, None, "a message is being sent", min(wakes, default=None))

    new = {alert.episode for alert in fresh}
    shown = tuple(
        alert
        for alert in sorted(
            alerts, key=lambda alert: (alert.acked is not None, -alert.rank, alert.fired_at, alert.episode)
        )
        if (alert.episode in told or alert.episode in new) and alert.level in route.levels and not alert.quiet
    )
    kept = {name: known for name, known in told.items() if name in seen}  # silenced ones too: they may come back
    kept.update({alert.episode: Told(alert.rank, alert.label, alert.since) for alert in shown})
    after = msgspec.structs.replace(after, told=kept, fresh_at=None, told_at=now_ms)
    return Plan(
        after,
        Telling(kind, shown, ended),
        {"new": "something new", "repeat": "nobody answered", "ended": "all is over"}[kind],
    )


def _restful(group: Group, now_ms: int) -> Group:
    """The group under a clock that stepped back: no timer lies in the future, so none lasts longer than it should."""
    if (group.fresh_at or 0) <= now_ms and (group.told_at or 0) <= now_ms:
        return group
    return msgspec.structs.replace(
        group,
        fresh_at=None if group.fresh_at is None else min(group.fresh_at, now_ms),
        told_at=None if group.told_at is None else min(group.told_at, now_ms),
    )


def _as_seen(known: Told, alert: Alert | None) -> Told:
    """What is remembered of an alert, brought up to now: one that is less bad by now and gets worse again is news again."""
    if alert is None:
        return known
    return msgspec.structs.replace(known, level=min(known.level, alert.rank), quiet=alert.quiet)


def _unanswered(route: Route, alerts: Sequence[Alert], group: Group, now_ms: int) -> dict[str, int]:
    """Since when each alert waits for an answer; −1 while it has one or calls nobody. Only escalation steps ask."""
    if not route.after_ms:
        return {}
    found = {}
    for alert in alerts:
        before = group.unanswered.get(alert.episode)
        if alert.acked or alert.quiet:
            found[alert.episode] = -1
        elif before is None:
            found[alert.episode] = min(alert.fired_ms, now_ms)
        else:
            found[alert.episode] = now_ms if before < 0 else min(before, now_ms)
    return found


def _why_silent(alerts: Sequence[Alert], burning: Sequence[Alert], route: Route) -> str:
    if not alerts:
        return "nothing is wrong"
    if burning:
        return "was told, and is answered" if all(alert.acked for alert in burning) else "was told already"
    matching = [alert for alert in alerts if alert.level in route.levels]
    if not matching:
        return "not of this route's levels"
    if all(alert.quiet for alert in matching):
        return "silenced, under maintenance, or nothing can be known"
    if all(alert.quiet or alert.acked for alert in matching):
        return "somebody has answered"
    return "somebody may still answer"

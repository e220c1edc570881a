"""A project's past for its pages: computed once for all who look at it, and again when a counter of one of its days has changed.

Two things are kept in the cache that all web processes share. A day that is over is kept as sums (18 KB a source) under its revision, so a
month costs one reading of Redis in its life. What a page shows is kept under the revisions of all days that it rests on: nothing that
is out of date has a key that anybody asks for. See docs/decisions/the-past-in-a-cache.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from redis.exceptions import LockError

from dashboard.access.view import PROMISE, View
from dashboard.context import Context
from operations.floor.counters import DAY_MS, MINUTE_MS
from operations.intraday import blocks
from operations.intraday.history import History, history, tells_offered
from operations.intraday.span import Span
from operations.kpis.coverage import Gives, told_by
from operations.projects.contract import Project

T = TypeVar("T")

DAY_S = 8 * DAY_MS // 1000
PAGE_S = 300
LONGEST_S = 20
"""A computation that takes longer is begun by the next one who waits: its process may have died."""


def gives(context: Context, project: Project) -> Gives:
    """By source of ``project``, what it tells. What it tells now holds for its past too."""
    sources = context.sources()
    return {name: told_by(sources.get(name)) for name in project.sources}


def load(context: Context, project: Project, span: Span, minutes: int, queue: str, told: Gives) -> History:
    """The tables of a span of ``project``, which the caller must be allowed to see (``context.project``).

    ``queue``: one of its queues, or "" for all; ``told``: as ``gives``. Raises redis' errors.
    """
    revisions = blocks.revisions(context.redis, project, sorted({*span.begun, *span.compared}))
    now_ms = context.now_ms
    parts = [project.model_dump_json(), span.kind, span.first.isoformat(), span.today.isoformat(), str(minutes), queue]
    parts += [f"{day}:{word}" for day, word in revisions.items()]
    parts.append(_word(told))
    if span.running:
        parts.append(str(now_ms // MINUTE_MS))  # time passes for the running interval, counters or not
    key = "intraday:" + hashlib.sha256("\n".join(parts).encode()).hexdigest()
    found = once(
        context, key, lambda: _compute(context, project, span, minutes, queue, told, revisions, now_ms), PAGE_S
    )
    return seen(found, context.caller.view(project))


MEASURES = {
    "service_level_pct": ("service_level_pct", "hits", "whole", "allowed", "goal", "missed", "excess"),
    "offered": ("offered", "usual"),
    "answered": ("answered",),
    "abandoned": ("abandoned",),
    "abandon_rate_pct": ("abandon_rate_pct",),
    "asa_s": ("asa_s",),
    "aht_s": ("aht_s",),
    "agents_logged_in": ("agents",),
}
"""What of the past tells a KPI. Every other measure is seen by whoever sees all of them."""

FRAME = ("day", "label", "start", "end", "state", "open", "queue", "counts", "lost")


def seen(found: History, view: View) -> History:
    """The tables without the values of KPIs that ``view`` does not show; what is kept in the cache stays whole."""
    if view.kpis is None or found.empty:
        return found
    known = {*FRAME, *(name for kpi, names in MEASURES.items() if view.shows(kpi) for name in names)}

    def cut(table: pd.DataFrame) -> pd.DataFrame:
        return table.assign(**{str(name): float("nan") for name in table.columns if name not in known})

    steps, queues, lost = cut(found.steps), cut(found.queues), cut(found.lost)
    if not view.shows(PROMISE):
        steps, lost = steps.assign(lost=False), lost.iloc[:0]
    return replace(
        found,
        steps=steps,
        queues=queues,
        lost=lost,
        total={name: value if name in known else float("nan") for name, value in found.total.items()},
        rows={name: table.to_dict("records") for name, table in (("steps", steps), ("queues", queues), ("lost", lost))},
    )


def revision(context: Context, project: Project, span: Span, told: Gives) -> str:
    """Changes whenever the tables of a span may: for a page that asks whether it has to be drawn again."""
    words = blocks.revisions(context.redis, project, sorted({*span.begun, *span.compared}))
    minute = context.now_ms // MINUTE_MS if span.running else 0
    return hashlib.sha256(f"{list(words.values())}{_word(told)}{span.today}{minute}".encode()).hexdigest()[:16]


def _word(told: Gives) -> str:
    return repr([(source, sorted(facts)) for source, facts in told.items()])


def once(context: Context, key: str, compute: Callable[[], T], keep_s: int) -> T:
    """What is kept under ``key``, else what ``compute`` gives, by one of all who ask at the same time; the others wait for it."""
    found: T | None = context.cache.get(key)
    if found is not None:
        return found
    lock = context.redis.lock(
        f"cache:lock:{key}", timeout=LONGEST_S, blocking_timeout=LONGEST_S, sleep=0.01, thread_local=False
    )
    held = lock.acquire()
    try:
        found = context.cache.get(key)
        if found is None:
            found = compute()
            context.cache.set(key, found, timeout=keep_s)
    finally:
        if held:
            try:
                lock.release()
            except LockError:
                pass  # it took so long that somebody else has begun: both get the same
    return found


def _compute(
    context: Context,
    project: Project,
    span: Span,
    minutes: int,
    queue: str,
    told: Gives,
    revisions: dict[date, str],
    now_ms: int,
) -> History:
    by = tells_offered(project, told)

    def name(kind: str, day: date, of: Sequence[str] = ()) -> str:
        what = hashlib.sha256("|".join((project.id, queue, *of)).encode()).hexdigest()[:16]
        return f"intraday:{kind}:{what}:{day}:{revisions[day]}"

    read = _kept(
        context,
        [day for day in span.begun if day < span.today],
        lambda day: name("day", day),
        lambda days: blocks.read(context.redis, project, days, queue),
    )
    if span.running:
        read |= blocks.read(context.redis, project, [span.today], queue)
    others = [day for day in span.compared if day not in read]
    compared: dict[date, np.ndarray] = _kept(
        context,
        others,
        lambda day: name("offered", day, by),
        lambda days: blocks.read_offered(context.redis, project, days, queue, by),
    )
    return history(project, span, minutes, read, compared, now_ms, queue, told)


def _kept(
    context: Context, days: list[date], name: Callable[[date], str], read: Callable[[list[date]], dict[date, Any]]
) -> dict[date, Any]:
    """Days that are over, from the cache and, where it lacks them, from ``read``, all of those in one go."""
    if not days:
        return {}
    found = dict(zip(days, context.cache.get_many(*map(name, days)), strict=True))
    missing = [day for day in days if found[day] is None]
    if missing:
        fresh = read(missing)
        context.cache.set_many({name(day): value for day, value in fresh.items()}, timeout=DAY_S)
        found |= fresh
    return found

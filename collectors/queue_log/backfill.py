"""What a live feed missed, read from the ACD's own log: the outcomes of contacts while the link was away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, tzinfo
from pathlib import Path

import msgspec

from collectors import events as e
from collectors.queue_log.files import HOUR_MS, UNPACKING, lines_since, trouble
from collectors.queue_log.translate import Translator

LEAD_MS = 4 * HOUR_MS
"""Read before the gap in silence, to know the visits that were open when it began."""
OVERLAP_MS = 2_000
"""Told again before the gap, because the log's whole seconds and the feed's times differ by as much. A consumer knows these visits."""

SECOND_MS = 1_000
TELL_BACK_MS = 25 * HOUR_MS
OUTCOMES = (e.ContactAnswered, e.ContactCompleted, e.ContactAbandoned, e.ContactLeft)


def first_told(now_ms: int) -> int:
    """From when on a source that was never watched is told from its log: 25 hours and the rest of an hour ago.

    So today's numbers are whole in any time zone and on the longest day, and an import may tell everything before.
    """
    return (now_ms - TELL_BACK_MS) // HOUR_MS * HOUR_MS


def missed(
    path: Path,
    from_ms: int,
    to_ms: int,
    clock_skew_ms: int = 0,
    zone: tzinfo = UTC,
    *,
    only: tuple[type[e.AnyEvent], ...] | None = None,
) -> Iterator[list[e.AnyEvent]]:
    """The contacts' events between two moments on our clock (epoch ms), in order, in handfuls; ``only`` some kinds of them.

    ``clock_skew_ms`` is what must be added to the PBX's clock to make it ours. Rotated files are read as well, compressed ones included.
    Nothing is told of agents: the state after a reconnect says that. Raises ``CollectorError``.
    """
    translator = Translator(people=False)
    edge = _Edge(from_ms)
    try:
        with path.open("rb"):
            pass
        for lines in lines_since(path, from_ms - clock_skew_ms - LEAD_MS, zone, compressed=True):
            told: list[e.AnyEvent] = []
            for line in lines:
                for event in translator.translate(line, clock_skew_ms):
                    if not from_ms - OVERLAP_MS <= event.at <= to_ms:
                        continue
                    event = edge.placed(event)
                    if _surely_within(event, from_ms, to_ms) and (only is None or isinstance(event, only)):
                        told.append(event)
            if told:
                yield told
    except OSError as error:
        raise trouble(path, error) from error
    except UNPACKING as error:
        raise trouble(path, OSError("a rotated, compressed file beside it is damaged")) from error


class _Edge:
    """The second in which the gap began. A visit that began and ended in it may have begun on the feed, at a time after the one that
    the log gives for its end; that end is told as of the gap's beginning, so that it comes after its entry."""

    def __init__(self, from_ms: int) -> None:
        self._from_ms = from_ms
        self._entered: set[tuple[str, str]] = set()

    def placed(self, event: e.AnyEvent) -> e.AnyEvent:
        if not self._from_ms - SECOND_MS < event.at < self._from_ms or not isinstance(
            event, (e.ContactEntered, *OUTCOMES)
        ):
            return event
        visit = (event.queue, event.contact)
        if isinstance(event, e.ContactEntered):
            self._entered.add(visit)
            return event
        return msgspec.structs.replace(event, at=self._from_ms + 1) if visit in self._entered else event


def _surely_within(event: e.AnyEvent, from_ms: int, to_ms: int) -> bool:
    """Whether a word of the log may be told, its time being up to a second early.

    An outcome may be told at the edges: it names a visit that is known, or makes one known. An entry of the last second may come after the
    state that is asked for next, and would be missing from it; the feed or that state tells it. An alert without answer has nothing but its
    time to be known again by, so only one that the feed surely did not hear is told.
    """
    if isinstance(event, e.ContactEntered):
        return event.at <= to_ms - SECOND_MS
    if isinstance(event, e.ContactRangNoAnswer):
        return from_ms < event.at <= to_ms - SECOND_MS
    return isinstance(event, OUTCOMES)


async def backfill(
    path: Path,
    from_ms: int,
    to_ms: int,
    clock_skew_ms: int = 0,
    zone: tzinfo = UTC,
    *,
    only: tuple[type[e.AnyEvent], ...] | None = None,
) -> AsyncIterator[list[e.AnyEvent]]:
    """As ``missed``, without holding up the event loop while the disk works."""
    handfuls = missed(path, from_ms, to_ms, clock_skew_ms, zone, only=only)
    while True:
        handful = await asyncio.to_thread(next, handfuls, None)
        if handful is None:
            return
        yield handful

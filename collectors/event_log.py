"""The event log: one Redis stream per source, the truth from which every number is computed.

An entry holds a batch of events (``events.encode``) in the field ``events``; a quiet source writes one
event an entry, a busy one up to ``BATCH`` of them, which makes writing and replaying cheap at any rate.
The entry's id is the position that a reader saves. The stream is trimmed by age.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from collectors import events

BATCH = 200
"""Events in one entry, at most."""

KEEP_MS = 3 * 24 * 3600 * 1000
"""How long an entry stays: the memory that a replay or a new engine can go back to."""


def stream_key(source: str) -> str:
    """The stream of one source. The braces keep all keys of a source in one Redis Cluster slot."""
    return f"events:{{{source}}}"


def status_key(source: str) -> str:
    """Where the supervisor writes, each second, how the link to the source is (JSON ``Status``)."""
    return f"source:{{{source}}}:status"


def batches(new: list[events.AnyEvent]) -> Iterator[bytes]:
    """The events in order as encoded batches of at most ``BATCH``."""
    for start in range(0, len(new), BATCH):
        yield events.encode(new[start : start + BATCH])


def append_commands(pipe: Any, source: str, new: list[events.AnyEvent], now_ms: int) -> int:
    """Put the XADDs for ``new`` on a redis-py pipeline (sync or asyncio); returns how many entries.

    ``now_ms`` is the time that the age of old entries is measured against.
    """
    key = stream_key(source)
    count = 0
    for batch in batches(new):
        pipe.xadd(key, {"events": batch}, minid=f"{now_ms - KEEP_MS}-0", approximate=True)
        count += 1
    return count


Entry = tuple[str, bytes]
"""Position and encoded batch."""


def read(client: Any, positions: dict[str, str], block_ms: int | None, count: int = 500) -> dict[str, list[Entry]]:
    """New entries of several sources after their positions, at most ``count`` each.

    ``client``: a synchronous redis client with ``decode_responses=False``. Blocks up to ``block_ms``
    (None: not at all). Returns only the sources that have something.
    """
    if not positions:
        return {}
    streams = {stream_key(source): position for source, position in positions.items()}
    answer = client.xread(streams, count=count, block=block_ms)
    if not answer:
        return {}
    sources = {stream_key(source): source for source in positions}
    pairs: Iterable[tuple[bytes, Any]] = answer.items() if isinstance(answer, dict) else answer
    found: dict[str, list[Entry]] = {}
    for key, rows in pairs:
        if rows and isinstance(rows[0], list) and rows[0] and isinstance(rows[0][0], (list, tuple)):
            rows = rows[0]  # RESP3 wraps the rows once more
        found[sources[key.decode()]] = [
            (entry_id.decode(), fields[b"events"]) for entry_id, fields in rows if b"events" in fields
        ]
    return found

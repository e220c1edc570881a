"""Saving and loading a floor: only what changed is written, together with the position in the event log."""

from __future__ import annotations

from typing import Any

import msgspec

from operations.floor.agents import Agent
from operations.floor.aggregates import Account, Observed
from operations.floor.floor import Floor
from operations.floor.visits import History
from operations.store import keys


class Meta(msgspec.Struct):
    """Where the fold stands. ``position``: the last entry of the event log that is contained."""

    position: str = "0-0"
    clock: int = 0
    booked_to: int = 0
    live_since: int | None = None
    applied: int = 0


_encode = msgspec.json.Encoder().encode
_visit = msgspec.json.Decoder(History).decode
_agent = msgspec.json.Decoder(Agent).decode
_observed = msgspec.json.Decoder(Observed).decode
_told = msgspec.json.Decoder(Account).decode
_meta = msgspec.json.Decoder(Meta).decode


def load(client: Any, source: str) -> tuple[Floor, str, bool]:
    """The saved floor of a source, its position in the event log, and whether anything had been saved."""
    with client.pipeline(transaction=True) as pipe:
        pipe.get(keys.floor_meta(source))
        pipe.hvals(keys.floor_visits(source))
        pipe.hvals(keys.floor_agents(source))
        pipe.hgetall(keys.floor_observed(source))
        pipe.hgetall(keys.floor_reports(source))
        pipe.hgetall(keys.floor_told(source))
        pipe.smembers(keys.floor_queues(source))
        blob, visits, agents, observed, reports, told, queues = pipe.execute()
    floor = Floor()
    meta = _meta(blob) if blob else Meta()
    floor.restore(
        [_visit(value) for value in visits],
        [_agent(value) for value in agents],
        {name.decode(): _observed(value) for name, value in observed.items()},
        {name.decode(): int(value) for name, value in reports.items()},
        {_quarter(field): _told(value) for field, value in told.items()},
    )
    floor.clock, floor.booked_to, floor.live_since, floor.applied = (
        meta.clock,
        meta.booked_to,
        meta.live_since,
        meta.applied,
    )
    floor.queues.update(name.decode() for name in queues)
    floor.changed_queues.update(floor.queues)
    return floor, meta.position, blob is not None


def write(pipe: Any, source: str, floor: Floor, position: str, known_queues: int) -> None:
    """Put what changed on a transaction's pipeline. Call ``saved`` once it went through.

    ``known_queues``: how many queue names are stored already.
    """
    _write_hash(
        pipe, keys.floor_visits(source), {"\x1f".join(key): floor.visits.get(key) for key in floor.touched_visits}
    )
    _write_hash(pipe, keys.floor_agents(source), {name: floor.agents.get(name) for name in floor.touched_agents})
    _write_hash(pipe, keys.floor_observed(source), {name: floor.observed.get(name) for name in floor.touched_observed})
    _write_hash(pipe, keys.floor_reports(source), {name: floor.reports.get(name) for name in floor.touched_reports})
    _write_hash(
        pipe,
        keys.floor_told(source),
        {f"{start}\x1f{queue}": floor.told.get((queue, start)) for queue, start in floor.touched_told},
    )
    if len(floor.queues) != known_queues:
        pipe.sadd(keys.floor_queues(source), *floor.queues)
    meta = Meta(position, floor.clock, floor.booked_to, floor.live_since, floor.applied)
    pipe.set(keys.floor_meta(source), _encode(meta))


def _quarter(field: bytes) -> tuple[str, int]:
    start, _, queue = field.decode().partition("\x1f")
    return queue, int(start)


def _write_hash(pipe: Any, name: str, values: dict[str, Any]) -> None:
    kept = {field: _encode(value) for field, value in values.items() if value is not None}
    gone = [field for field, value in values.items() if value is None]
    if kept:
        pipe.hset(name, mapping=kept)
    if gone:
        pipe.hdel(name, *gone)


def saved(floor: Floor) -> None:
    """What was touched is in Redis now."""
    floor.touched_visits.clear()
    floor.touched_agents.clear()
    floor.touched_observed.clear()
    floor.touched_reports.clear()
    floor.touched_told.clear()


def touch_all(floor: Floor) -> None:
    """Mark all that is remembered as unsaved: Redis lost it."""
    floor.touched_visits.update(floor.visits)
    floor.touched_agents.update(floor.agents)
    floor.touched_observed.update(floor.observed)
    floor.touched_reports.update(floor.reports)
    floor.touched_told.update(floor.told)

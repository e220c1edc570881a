"""Boards in Redis: a hash per project whose fields are the board's parts, each encoded once when it changed.

What a board costs to keep follows its changes: a busy queue rewrites its own field, not the board. ``assemble`` joins the
parts into the snapshot without decoding them.
"""

from __future__ import annotations

from typing import Any

import msgspec

from operations.store import keys

HEAD = "head"
KPIS = "kpis"
WAITING = "waiting"
QUEUE = "queue:"
AGENT = "agent:"
LOST = "lost:"

encode = msgspec.json.Encoder().encode


def assemble(parts: dict[bytes, bytes]) -> bytes | None:
    """The snapshot as JSON bytes from what ``HGETALL`` of ``keys.board(project)`` gives; None when there is no board yet."""
    head = parts.get(HEAD.encode())
    if head is None:
        return None
    queues = [
        encode(name[len(QUEUE) :].decode()) + b":" + blob
        for name, blob in sorted(parts.items())
        if name.startswith(QUEUE.encode())
    ]
    agents, lost = _rows(parts, AGENT), _rows(parts, LOST)
    return b"".join(
        (
            head[:-1],
            b',"kpis":',
            parts.get(KPIS.encode(), b"{}"),
            b',"queues":{',
            b",".join(queues),
            b'},"agents":[',
            b",".join(agents),
            b'],"lost":[',
            b",".join(lost),
            b'],"waiting":',
            parts.get(WAITING.encode(), b"[]"),
            b"}",
        )
    )


def _rows(parts: dict[bytes, bytes], kind: str) -> list[bytes]:
    return [blob for name, blob in sorted(parts.items()) if name.startswith(kind.encode())]


def read(client: Any, project: str) -> bytes | None:
    """The newest snapshot of a project's board as JSON bytes. ``client``: synchronous, bytes responses."""
    return assemble(client.hgetall(keys.board(project)))


async def read_async(client: Any, project: str) -> bytes | None:
    """The same with an asyncio client."""
    return assemble(await client.hgetall(keys.board(project)))


def write(pipe: Any, project: str, parts: dict[str, bytes], gone: list[str], change: bytes | None) -> None:
    """Put changed parts on a transaction's pipeline, with the publication of the change."""
    name = keys.board(project)
    if parts:
        pipe.hset(name, mapping=parts)
    if gone:
        pipe.hdel(name, *gone)
    if change is not None:
        pipe.publish(keys.channel(project), change)

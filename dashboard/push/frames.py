"""Server-sent events as bytes."""

from __future__ import annotations

COMMENT = b": ok\n\n"


def frame(event: str, data: bytes, revision: int | None = None) -> bytes:
    """One event. ``data`` is JSON; a line break inside it (pretty-printed by somebody) starts another data line."""
    head = b"" if revision is None else b"id: %d\n" % revision
    if b"\n" in data or b"\r" in data:
        data = b"\ndata: ".join(data.splitlines())
    return b"%sevent: %s\ndata: %s\n\n" % (head, event.encode(), data)


def opening(retry_ms: int) -> bytes:
    """What a stream begins with: how long to wait before a reconnect, and a comment that makes proxies let go."""
    return b"retry: %d\n%s" % (retry_ms, COMMENT)

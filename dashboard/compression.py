"""Compressed answers, for whoever accepts them; what may be kept for ever is compressed once."""

from __future__ import annotations

import asyncio
import gzip
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

from dashboard.asgi import Request

WORTH_IT = 1_000
KEEP_BYTES = 32 * 1024 * 1024
TEXTS = ("text/", "application/json", "application/javascript", "application/problem+json", "image/svg+xml")
BEST, QUICK = 9, 4

Headers = list[tuple[bytes, bytes]]


class Compressor:
    """Compresses in threads of its own, so that neither the feeds nor Flask wait for it.

    Bodies of files whose address names their version are kept, the oldest go first.
    """

    def __init__(self, limit: int = KEEP_BYTES) -> None:
        self._kept: OrderedDict[tuple[str, bytes], bytes] = OrderedDict()
        self._room = limit
        self._threads = ThreadPoolExecutor(2, "compress")

    async def __call__(self, request: Request, status: int, headers: Headers, body: bytes) -> tuple[Headers, bytes]:
        """The headers and the body to send instead."""
        said = {name: value.decode("latin-1") for name, value in headers}
        kind = said.get(b"content-type", "")
        if not kind.startswith(TEXTS) or len(body) < WORTH_IT or status != 200 or b"content-encoding" in said:
            return headers, body
        rest = [pair for pair in headers if pair[0] not in (b"content-length", b"vary")]
        vary = ", ".join(filter(None, (said.get(b"vary"), "Accept-Encoding")))
        rest.append((b"vary", vary.encode("latin-1")))
        if not accepts_gzip(request.headers.get("accept-encoding", "")):
            return [*rest, (b"content-length", str(len(body)).encode())], body
        packed = await self._packed(request, "immutable" in said.get(b"cache-control", ""), body)
        # A strong tag names bytes, and these are others.
        rest = [(n, b"W/" + v if n == b"etag" and not v.startswith(b"W/") else v) for n, v in rest]
        return [*rest, (b"content-encoding", b"gzip"), (b"content-length", str(len(packed)).encode())], packed

    async def _packed(self, request: Request, for_ever: bool, body: bytes) -> bytes:
        key = (str(request.scope["path"]), bytes(request.scope["query_string"]))
        packed = self._kept.get(key) if for_ever else None
        if packed is not None:
            self._kept.move_to_end(key)
            return packed
        level = BEST if for_ever else QUICK
        packed = await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: gzip.compress(body, level, mtime=0)
        )
        if for_ever and key not in self._kept:
            self._kept[key] = packed
            self._room -= len(packed)
            while self._room < 0 and self._kept:
                self._room += len(self._kept.popitem(last=False)[1])
        return packed


def accepts_gzip(accept: str) -> bool:
    """Whether an Accept-Encoding header allows gzip."""
    for part in accept.lower().split(","):
        name, _, weight = part.partition(";")
        if name.strip() in ("gzip", "*"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False

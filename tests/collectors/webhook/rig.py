"""A system that pushes: a sender with retries, before the real door of a real web application."""

from __future__ import annotations

import asyncio
import json
import socket
import tempfile
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import httpx
import uvicorn
from pydantic import SecretStr

from collectors.webhook.settings import WebhookSettings
from collectors.webhook.signature import sign
from dashboard import server
from roles import starting
from tests.collectors.contract.rig import AGENT, QUEUE, Clock, Rig

SECRET = "a secret of the contract test"


class WebhookRig(Rig):
    """What it has to say waits in order until it was taken. There is no link that could hang, and a wrong secret is the sender's trouble."""

    can_refuse: ClassVar[bool] = False
    watches_link: ClassVar[bool] = False

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._folder = tempfile.TemporaryDirectory(prefix="fl-webhook-")
        self._unsaid: list[dict[str, Any]] = []
        self._more = asyncio.Event()
        self._broken, self._slow_s = False, 0.0
        self._entered: dict[str, int] = {}
        self._answered: dict[str, int] = {}

    @property
    def settings(self) -> WebhookSettings:
        return WebhookSettings(secret=SecretStr(SECRET))

    async def start(self) -> None:
        path = Path(self._folder.name) / "wallboard.yaml"
        path.write_text(f"redis: {json.dumps(self.redis_url)}\nsources:\n  s: {{kind: webhook, secret: {SECRET}}}\n")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._url = "http://{}:{}/ingest/s".format(*self._listener.getsockname())
        app = await asyncio.to_thread(
            lambda: server.create(starting.configuration(path), self.redis_url, clock=self.clock)
        )
        self._web = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="on", timeout_graceful_shutdown=1))
        self._thread = threading.Thread(target=self._web.run, args=([self._listener],), daemon=True)
        self._thread.start()
        self._client = httpx.AsyncClient(timeout=20, trust_env=False)
        self._sender = asyncio.create_task(self._send())
        self._more.set()  # an empty batch, as a sign of life

    async def stop(self) -> None:
        self._sender.cancel()
        with suppress(asyncio.CancelledError):
            await self._sender
        await self._client.aclose()
        self._web.should_exit = True
        await asyncio.to_thread(self._thread.join, 20)
        self._listener.close()
        self._folder.cleanup()

    # ── the sender ────────────────────────────────────────────────────────────────────────────────

    async def _send(self) -> None:
        while True:
            await self._more.wait()
            self._more.clear()
            batch = list(self._unsaid)
            while not await self._taken(batch):
                await asyncio.sleep(0.05)
            del self._unsaid[: len(batch)]

    async def _taken(self, batch: list[dict[str, Any]]) -> bool:
        body = json.dumps(batch).encode()
        if self._broken:
            body = body[:-1] + b"\x00garbage"
        at = self.clock() // 1000
        headers = {
            "X-Floorlight-Signature": f"t={at},v1={sign(SECRET, at, body)}",
            "Content-Type": "application/json",
        }
        try:
            answer = await self._client.post(self._url, content=self._in_parts(body), headers=headers)
        except httpx.HTTPError:
            return False
        return answer.status_code == 202

    async def _in_parts(self, body: bytes) -> AsyncIterator[bytes]:
        half = len(body) // 2
        yield body[:half]
        await asyncio.sleep(self._slow_s)
        yield body[half:]

    async def said(self, what: str, contact: str) -> None:
        now = self.clock()
        about = {"at": now, "queue": QUEUE, "contact": contact}
        if what == "offer":
            self._entered[contact] = now
            self._unsaid.append({"type": "entered", **about})
        elif what == "answer":
            self._answered[contact] = now
            self._unsaid.append({"type": "answered", "agent": AGENT, "wait_ms": now - self._entered[contact], **about})
        elif what == "finish":
            talk_ms = now - self._answered[contact]
            self._unsaid.append({"type": "completed", "agent": AGENT, "talk_ms": talk_ms, **about})
        else:
            self._unsaid.append({"type": "abandoned", "wait_ms": now - self._entered[contact], **about})
        self._more.set()

    # ── what befalls it ───────────────────────────────────────────────────────────────────────────

    async def drop(self) -> None:
        """Its connections break, one of them in the middle of a body."""
        host, port = self._listener.getsockname()
        _, writer = await asyncio.open_connection(host, port)
        writer.write(
            b"POST /ingest/s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n"
            + f"X-Floorlight-Signature: t={self.clock() // 1000},v1={'0' * 64}\r\n\r\n".encode()
            + b'[{"type": "entered", '
        )
        await writer.drain()
        writer.close()
        old, self._client = self._client, httpx.AsyncClient(timeout=20, trust_env=False)
        await old.aclose()

    async def garbage(self) -> None:
        self._broken = True
        self._more.set()

    async def slow(self, seconds: float) -> None:
        self._slow_s = seconds

    async def recover(self) -> None:
        self._broken, self._slow_s = False, 0.0

    async def restart(self) -> None:
        """Who sends knows best what is true after a restart of its own: it pushes its whole state."""
        await self.drop()
        waiting = [
            {"queue": QUEUE, "contact": contact, "entered_at": self._entered[contact]} for contact in self.truth.waiting
        ]
        self._unsaid.append(
            {"type": "snapshot", "at": self.clock(), "queues": [QUEUE], "waiting": waiting, "agents": []}
        )
        self._more.set()

"""Sends at work: a thread each, so many at a time, one per address, none longer than its time.

A server that hangs holds one thread. When its time is over, the send counts as failed and the thread is left to itself; nothing else goes to that address
until it has ended, so that no server ever holds many. The threads are daemons: none keeps the process from ending.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Iterable
from typing import NamedTuple

from pydantic import SecretStr

from operations.notify.addresses import Address
from operations.notify.sender import Sender, SendFailed, kind_of
from operations.notify.words import Message

log = logging.getLogger(__name__)

SEND_MS = 30_000
AT_ONCE = 8
LEFT_ALONE_MS = 600_000
"""After this time a thread that never came back is forgotten, and its address may be tried again."""


class Parcel(NamedTuple):
    """What was handed over. ``notice`` "" with no message: the address was only looked at."""

    address: Address
    project: str
    notice: str


class Finished(NamedTuple):
    """How it went; ``error`` None: it arrived."""

    parcel: Parcel
    error: SendFailed | None


class _Running:
    def __init__(self, parcel: Parcel, kind: str, started_at: int) -> None:
        self.parcel, self.kind, self.started_at = parcel, kind, started_at
        self.overdue = False


class Post:
    """``send_ms``: the longest that a send may take; ``at_once``: the most that run, those left to themselves not counted."""

    def __init__(self, sender: Sender, *, send_ms: int = SEND_MS, at_once: int = AT_ONCE) -> None:
        self._sender = sender
        self._send_ms = send_ms
        self._at_once = at_once
        self._running: dict[Address, _Running] = {}
        self._done: queue.SimpleQueue[tuple[_Running, SendFailed | None]] = queue.SimpleQueue()
        self._came_in: list[tuple[_Running, SendFailed | None]] = []

    @property
    def active(self) -> int:
        """How many sends are waited for."""
        return sum(not running.overdue for running in self._running.values())

    @property
    def room(self) -> int:
        return max(0, self._at_once - self.active)

    def busy(self, address: Address) -> bool:
        """Whether something goes to an address, or hangs there."""
        return address in self._running

    def holds(self, address: Address, notice: str) -> bool:
        """Whether a notice is on its way to an address in this process."""
        running = self._running.get(address)
        return running is not None and running.parcel.notice == notice

    def start(self, parcel: Parcel, url: SecretStr, message: Message | None, now_ms: int) -> None:
        """Send; without a message only look whether the address can be one. The address must not be busy."""
        running = self._running[parcel.address] = _Running(parcel, kind_of(url), now_ms)
        threading.Thread(
            target=self._work, args=(running, url, message), name=f"notify {parcel.address.name}", daemon=True
        ).start()

    def _work(self, running: _Running, url: SecretStr, message: Message | None) -> None:
        error: SendFailed | None = None
        try:
            if message is None:
                self._sender.check(url)
            else:
                self._sender.send(url, message)
        except SendFailed as failed:
            error = failed
        except BaseException as other:  # whatever it was, the worker hears of it; its words may hold an address
            error = SendFailed(f"{running.kind} failed ({type(other).__name__})", doubtful=True)
        self._done.put((running, error))

    def wait(self, seconds: float) -> None:
        """Wait until a send ends, at most so long."""
        try:
            self._came_in.append(self._done.get(timeout=max(0.001, seconds)))
        except queue.Empty:
            pass

    def finished(self, now_ms: int) -> Iterable[Finished]:
        """What has ended since the last call, and what has run out of time. A send that arrives after its time is told once more, as arrived."""
        while True:
            try:
                self._came_in.append(self._done.get_nowait())
            except queue.Empty:
                break
        for running, error in self._came_in:
            address = running.parcel.address
            if self._running.get(address) is running:
                del self._running[address]
            if not running.overdue or error is None:
                yield Finished(running.parcel, error)
        self._came_in.clear()
        for address, running in list(self._running.items()):
            lasts = now_ms - running.started_at
            if lasts >= self._send_ms and not running.overdue:
                running.overdue = True
                yield Finished(
                    running.parcel,
                    SendFailed(f"{running.kind} gave no answer within {self._send_ms // 1000} s", doubtful=True),
                )
            elif lasts >= self._send_ms + LEFT_ALONE_MS:
                log.warning("a send to %s never came back; its thread is left to itself", address.name)
                del self._running[address]

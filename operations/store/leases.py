"""Leases: one writer per source and per project, proved inside each transaction.

A lease is a key that its holder renews before it runs out. Its value carries a fencing token that only grows, so a writer
that slept through its lease cannot overwrite what its successor wrote: ``guarded`` checks the value under WATCH in the very
transaction that writes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from redis.exceptions import WatchError

TTL_MS = 5_000

LOAD_MS = 15_000
"""How long a fresh lease lasts: its holder has to load what was saved before it can renew."""


class LeaseLost(Exception):
    """Somebody else holds the lease by now, or nobody does; what this process remembers of it is no longer the truth."""


class Lease:
    """The right to write one thing. ``name`` is ``source`` or ``project``, ``key_id`` its id."""

    def __init__(self, client: Any, name: str, key_id: str, instance: str) -> None:
        self.key = f"lease:{name}:{{{key_id}}}"
        self._token_key = f"{self.key}:token"
        self._client = client
        self._instance = instance
        self.value: bytes | None = None

    def acquire(self) -> bool:
        """Take the lease if nobody has it. True when it is ours."""
        if self._client.exists(self.key):
            return False
        token = self._client.incr(self._token_key)
        value = f"{self._instance}:{token}".encode()
        if self._client.set(self.key, value, nx=True, px=LOAD_MS):
            self.value = value
            return True
        return False

    def reclaim(self) -> bool:
        """Take a lease that ran out again, if nobody had it in between. True when what this process remembers is still the truth."""
        before = self.value
        if before is None or not self.acquire():
            return False
        assert self.value is not None
        if int(self.value.rpartition(b":")[2]) == int(before.rpartition(b":")[2]) + 1:
            return True
        self.release()
        return False

    def renew(self) -> None:
        """Keep the lease for another ``TTL_MS``. Raises ``LeaseLost``."""
        guarded(self._client, self, lambda pipe: pipe.pexpire(self.key, TTL_MS))

    def release(self) -> None:
        """Give the lease back, if it is still ours."""
        try:
            guarded(self._client, self, lambda pipe: pipe.delete(self.key))
        except LeaseLost:
            pass
        self.value = None


def guarded(client: Any, lease: Lease, write: Callable[[Any], None]) -> None:
    """Run ``write(pipe)`` as one transaction, only if ``lease`` is still ours. Raises ``LeaseLost``."""
    with client.pipeline(transaction=True) as pipe:
        pipe.watch(lease.key)
        if lease.value is None or pipe.get(lease.key) != lease.value:
            raise LeaseLost(lease.key)
        pipe.multi()
        write(pipe)
        try:
            pipe.execute()
        except WatchError as error:
            raise LeaseLost(lease.key) from error

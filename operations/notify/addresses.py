"""How each address of each route does: its last outcome, when it may be tried again, and whether it refuses for good."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

import msgspec

from operations.notify.sender import kind_of
from operations.projects.routes import Route
from operations.store import keys

FIRST_WAIT_MS, LONGEST_WAIT_MS = 5_000, 300_000

State = Literal["unused", "ok", "failing", "refused"]


class Address(NamedTuple):
    """One address of a route, by its number in the list."""

    route: str
    number: int

    @property
    def name(self) -> str:
        return f"{self.route}[{self.number}]"


class Outcome(msgspec.Struct, omit_defaults=True):
    """``at``: of the last outcome; ``ok_at``: of the last success (epoch ms). ``error`` holds no secret. ``to``: kind of service. ``print``: which address it was.

    ``state`` refused is a permanent failure: somebody must mend the configuration or the service. ``wait_until``: no send before (epoch ms).
    """

    route: str
    number: int
    to: str
    print: str
    state: State = "unused"
    at: int = 0
    ok_at: int | None = None
    error: str = ""
    permanent: bool = False
    failures: int = 0
    wait_until: int = 0

    def arrived(self, now_ms: int) -> Outcome:
        """After a success."""
        return msgspec.structs.replace(
            self, state="ok", at=now_ms, ok_at=now_ms, error="", permanent=False, failures=0, wait_until=0
        )

    def failed(self, error: str, permanent: bool, now_ms: int, chance: float) -> Outcome:
        """After a failure. ``chance`` (0 to 1) spreads the next tries of many. A permanent one delays nothing: another message may fare better."""
        failures = self.failures + 1
        wait = min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** min(failures - 1, 10))
        return msgspec.structs.replace(
            self,
            state="refused" if permanent else "failing",
            at=now_ms,
            error=error,
            permanent=permanent,
            failures=failures,
            wait_until=0 if permanent else now_ms + round(wait * (0.5 + chance / 2)),
        )

    def may_try(self, now_ms: int) -> bool:
        """Whether a send may begin. A wait that a clock's step back has made longer than any wait does not count."""
        return not now_ms < self.wait_until <= now_ms + LONGEST_WAIT_MS


def fresh(routes: Mapping[str, Route], saved: Mapping[bytes, bytes]) -> dict[Address, Outcome]:
    """An outcome for each address, with what is known of it unless it has become another address. ``saved``: the stored hash."""
    found = {}
    for address, route in addresses(routes):
        url = route.urls[address.number]
        outcome = Outcome(address.route, address.number, kind_of(url), route.print_of(address.number))
        blob = saved.get(address.name.encode())
        if blob is not None:
            try:
                known = msgspec.json.decode(blob, type=Outcome)
            except msgspec.MsgspecError:
                known = outcome
            if known.print == outcome.print:
                outcome = known
        found[address] = outcome
    return found


def addresses(routes: Mapping[str, Route]) -> Iterator[tuple[Address, Route]]:
    """Every address, with its route."""
    for route in routes.values():
        for number in range(len(route.urls)):
            yield Address(route.name, number), route


def public(saved: Mapping[bytes, bytes], routes: Mapping[str, Route]) -> list[dict[str, Any]]:
    """What the sources page and ``/healthz`` show of each address: ``{"route", "number", "to", "state", "at", "ok_at", "error", "permanent"}``.

    ``saved``: ``HGETALL`` of ``keys.NOTIFY_ROUTES``. Times are epoch ms, None for never. Holds no secret.
    """
    return [
        {
            "route": outcome.route,
            "number": outcome.number,
            "to": outcome.to,
            "state": outcome.state,
            "at": outcome.at or None,
            "ok_at": outcome.ok_at,
            "error": outcome.error,
            "permanent": outcome.permanent,
        }
        for outcome in fresh(routes, saved).values()
    ]


def stored(client: Any) -> dict[bytes, bytes]:
    """The stored outcomes. ``client``: synchronous, bytes responses."""
    found: dict[bytes, bytes] = client.hgetall(keys.NOTIFY_ROUTES)
    return found

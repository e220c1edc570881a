"""Every kind of source, a line each. A new collector is a new row (and a folder, a page, recorded data).

A kind is imported when a source of it is first met: cloud vendors' and databases' libraries take a second of processor time and tens of
megabytes in each process, and few sites have more than one or two kinds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any

from collectors.collector import Collector
from collectors.door import Door


class _Rows(Mapping[str, Any]):
    """What a table of ``module:name`` names, imported at the first look at it."""

    def __init__(self, rows: Mapping[str, str]) -> None:
        self._rows = rows

    def __getitem__(self, kind: str) -> Any:
        return _named(self._rows[kind])

    def __contains__(self, kind: object) -> bool:
        return kind in self._rows

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


@cache
def _named(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)


KINDS: Mapping[str, type[Collector]] = _Rows(
    {
        "amazon_connect": "collectors.amazon_connect.collector:AmazonConnectCollector",
        "asterisk": "collectors.asterisk.collector:AsteriskCollector",
        "freeswitch": "collectors.freeswitch.collector:FreeSwitchCollector",
        "genesys": "collectors.genesys.collector:GenesysCollector",
        "queue_log": "collectors.queue_log.collector:QueueLogCollector",
        "simulator": "collectors.simulator.collector:Simulator",
        "sql": "collectors.sql.collector:SqlCollector",
        "twilio": "collectors.twilio.collector:TwilioCollector",
        "uccx": "collectors.uccx.collector:UccxCollector",
        "vicidial": "collectors.vicidial.collector:VicidialCollector",
        "webex": "collectors.webex.collector:WebexCollector",
        "webhook": "collectors.webhook.collector:WebhookCollector",
    }
)

DOORS: Mapping[str, type[Door]] = _Rows(
    {
        "webhook": "collectors.webhook.door:WebhookDoor",
        "twilio": "collectors.twilio.callback:TwilioDoor",
    }
)
"""The door of each kind that is pushed to; it is made from the source's settings, a line each."""

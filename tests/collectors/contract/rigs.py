"""A rig for every kind, a line each."""

from __future__ import annotations

from tests.collectors.asterisk.rig import AsteriskRig
from tests.collectors.contract.rig import Rig
from tests.collectors.queue_log.rig import QueueLogRig

RIGS: dict[str, type[Rig]] = {
    "asterisk": AsteriskRig,
    "queue_log": QueueLogRig,
}

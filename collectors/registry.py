"""Every kind of source, a line each. A new collector is a new row (and a folder, a page, recorded data)."""

from __future__ import annotations

from collectors.asterisk.collector import AsteriskCollector
from collectors.collector import Collector
from collectors.queue_log.collector import QueueLogCollector
from collectors.simulator.collector import Simulator

KINDS: dict[str, type[Collector]] = {
    AsteriskCollector.kind: AsteriskCollector,
    QueueLogCollector.kind: QueueLogCollector,
    Simulator.kind: Simulator,
}

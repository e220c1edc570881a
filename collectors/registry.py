"""Every kind of source, a line each. A new collector is a new row (and a folder, a page, recorded data)."""

from __future__ import annotations

from collectors.amazon_connect.collector import AmazonConnectCollector
from collectors.asterisk.collector import AsteriskCollector
from collectors.collector import Collector
from collectors.door import Door
from collectors.freeswitch.collector import FreeSwitchCollector
from collectors.genesys.collector import GenesysCollector
from collectors.queue_log.collector import QueueLogCollector
from collectors.simulator.collector import Simulator
from collectors.sql.collector import SqlCollector
from collectors.twilio.callback import TwilioDoor
from collectors.twilio.collector import TwilioCollector
from collectors.uccx.collector import UccxCollector
from collectors.vicidial.collector import VicidialCollector
from collectors.webex.collector import WebexCollector
from collectors.webhook.collector import WebhookCollector
from collectors.webhook.door import WebhookDoor

KINDS: dict[str, type[Collector]] = {
    AmazonConnectCollector.kind: AmazonConnectCollector,
    AsteriskCollector.kind: AsteriskCollector,
    FreeSwitchCollector.kind: FreeSwitchCollector,
    GenesysCollector.kind: GenesysCollector,
    QueueLogCollector.kind: QueueLogCollector,
    Simulator.kind: Simulator,
    SqlCollector.kind: SqlCollector,
    TwilioCollector.kind: TwilioCollector,
    UccxCollector.kind: UccxCollector,
    VicidialCollector.kind: VicidialCollector,
    WebexCollector.kind: WebexCollector,
    WebhookCollector.kind: WebhookCollector,
}

DOORS: dict[str, type[Door]] = {
    WebhookCollector.kind: WebhookDoor,
    TwilioCollector.kind: TwilioDoor,
}
"""The door of each kind that is pushed to; it is made from the source's settings, a line each."""

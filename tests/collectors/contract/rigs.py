"""A rig for every kind, a line each; one that can be asked in two ways has two, told apart behind a comma."""

from __future__ import annotations

from tests.collectors.amazon_connect.rig import AmazonConnectRig, OverRig
from tests.collectors.asterisk.rig import AsteriskRig
from tests.collectors.contract.rig import Rig
from tests.collectors.freeswitch.rig import FreeSwitchRig
from tests.collectors.genesys.rig import GenesysRig
from tests.collectors.queue_log.rig import QueueLogRig
from tests.collectors.sql.rig import SqlRig, SqlTotalsRig
from tests.collectors.twilio.rig import TwilioRig
from tests.collectors.uccx.rig import UccxRig
from tests.collectors.vicidial.rig import VicidialRig
from tests.collectors.webex.rig import WebexRig
from tests.collectors.webhook.rig import WebhookRig

RIGS: dict[str, type[Rig]] = {
    "amazon_connect": AmazonConnectRig,
    "amazon_connect, when over": OverRig,
    "asterisk": AsteriskRig,
    "freeswitch": FreeSwitchRig,
    "genesys": GenesysRig,
    "queue_log": QueueLogRig,
    "sql": SqlRig,
    "sql, totals": SqlTotalsRig,
    "twilio": TwilioRig,
    "uccx": UccxRig,
    "vicidial": VicidialRig,
    "webex": WebexRig,
    "webhook": WebhookRig,
}


def kind_of(name: str) -> str:
    """The kind that a rig is of."""
    return name.partition(",")[0]

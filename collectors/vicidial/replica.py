"""Whether a replica still follows: one that stopped gives the same rows for ever, while its clock goes on."""

from __future__ import annotations

from collectors.collector import CollectorError
from collectors.polled.database import Database
from collectors.vicidial import statements

STILL_S = 30.0
"""Every agent's screen writes its row each second or two; of all of them together so long a silence is none of theirs."""


async def must_move(replica: Database) -> None:
    """Raises ``CollectorError`` where agents are listed and none of their rows was written for ``STILL_S``. Without agents nothing shows it."""
    still_s = (await replica.ask(statements.STILL)).rows[0][0]
    if still_s is not None and float(still_s) > STILL_S:
        raise CollectorError(f"VICIdial's replica stands still for {float(still_s):.0f} s; does it still replicate?")

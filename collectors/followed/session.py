"""A session on a connection that stays open: several tasks that end together, a greeting to wait for, last words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress

from collectors.collector import CollectorError, Link
from collectors.events import AnyEvent

GREETING_S = 10.0
LAST_WORDS_S = 1.0


async def together(link: Link, *work: Coroutine[None, None, None], last_words: Callable[[], list[AnyEvent]]) -> None:
    """Run until one of ``work`` raises: of several reasons at once the one that a person has to act on is raised.

    ``last_words``: whatever is certain enough of what was held back goes into the log even when the link broke.
    """
    try:
        async with asyncio.TaskGroup() as tasks:
            for each in work:
                tasks.create_task(each)
    except* CollectorError as ended:
        leaves = [leaf for leaf in ended.exceptions if isinstance(leaf, CollectorError)]
        raise max(leaves, key=lambda error: error.permanent) from None
    finally:
        if told := last_words():
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST_WORDS_S):
                    await link.emit(told)


async def greeted(greeting: asyncio.Event, otherwise: str) -> None:
    """Wait for the ACD's first word. Raises ``CollectorError`` with ``otherwise`` when it does not come."""
    try:
        async with asyncio.timeout(GREETING_S):
            await greeting.wait()
    except TimeoutError:
        raise CollectorError(otherwise) from None

"""Webex's access token: renewed while the one before is still good."""

from __future__ import annotations

import asyncio

from collectors.collector import CollectorError, Link
from collectors.polled.http import HttpApi
from collectors.polled.numbers import amount
from collectors.polled.queues import Warnings
from collectors.polled.schedule import Limited
from collectors.webex.settings import WebexSettings

AGAIN_MS = 30_000
"""A new token that was not to be had is asked for again after so long."""
SHORTEST_MS = 60_000
"""A token that is said to live for less is taken to live for so long, or every question would sign in before it."""
UNSAID_MS = 12 * 3_600_000
"""So long lives one of which nothing is said."""
MOST_S = 366 * 86_400


class Access:
    """Signs the questions of ``api`` with tokens from ``tokens``."""

    def __init__(self, link: Link, settings: WebexSettings, api: HttpApi, tokens: HttpApi, warnings: Warnings) -> None:
        self._link, self._settings, self._api, self._tokens, self._warnings = link, settings, api, tokens, warnings
        self._refresh_token = settings.refresh_token.get_secret_value()
        self._renew_at = self._valid_until = 0
        self._signing_in = asyncio.Lock()

    async def keep(self) -> None:
        """See to a token that is good now. Raises ``CollectorError`` and ``Limited`` when there is none."""
        async with self._signing_in:  # Webex may replace the refresh token: two must not use the same one
            await self._keep_signed_in()

    async def _keep_signed_in(self) -> None:
        if self._link.now_ms() < self._renew_at:
            return
        try:
            await self._sign_in()
        except (CollectorError, Limited) as error:
            # The token that is there is good for some time yet.
            now = self._link.now_ms()
            if now >= self._valid_until or (isinstance(error, CollectorError) and error.permanent):
                raise
            self._renew_at = now + AGAIN_MS
            self._warnings.say("token", f"no new token yet: {error}")
        else:
            self._warnings.say("token")

    async def _sign_in(self) -> None:
        """A new access token. The refresh token lives on as long as it is used."""
        own = self._settings
        told = await self._tokens.ask(
            "POST",
            own.token_url,
            data={
                "grant_type": "refresh_token",
                "client_id": own.client_id,
                "client_secret": own.client_secret.get_secret_value(),
                "refresh_token": self._refresh_token,
            },
        )
        token = told.get("access_token") if isinstance(told, dict) else None
        if not isinstance(token, str) or not token:
            raise CollectorError("Webex gave no access token; check client_id, client_secret and refresh_token")
        self._api.authorize(f"Bearer {token}", token)
        self._refresh_token = told.get("refresh_token") or self._refresh_token
        lives_s = told.get("expires_in")
        lives_ms = UNSAID_MS if lives_s is None else (amount(lives_s, MOST_S) or 0) * 1000
        lives_ms, now = max(SHORTEST_MS, lives_ms), self._link.now_ms()
        self._renew_at, self._valid_until = now + lives_ms * 9 // 10, now + lives_ms

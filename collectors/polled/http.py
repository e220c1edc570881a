"""Questions to a vendor's HTTP API: JSON answers out, every way in which it can fail told apart."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import msgspec

from collectors.collector import CollectorError, Link
from collectors.polled.clock import AcdClock
from collectors.polled.schedule import Limited

PATIENCE_S = 8.0
"""For one whole answer. A half-open link is noticed within 15 s, so this must stay below."""
LARGEST = 16 * 1024 * 1024
"""Bytes of one answer. More would be no answer to what was asked."""

Explain = Callable[[int, Any], str | None]
"""(status, decoded answer or None) → what is wrong and what to do, in the vendor's terms; None: say it in general."""


class NotThere(CollectorError):
    """HTTP 404: what was asked about is not there, or not any more."""


class HttpApi:
    """One vendor's API for one session.

    ``rights``: what to say when credentials are refused, e.g. ``"check client_id and client_secret; it needs the right …"``.
    ``secrets``: values that never appear in an error. Use as an async context manager.
    """

    def __init__(
        self,
        link: Link,
        base_url: str,
        *,
        name: str,
        rights: str,
        secrets: Iterable[str] = (),
        auth: httpx.Auth | tuple[str, str] | None = None,
        explain: Explain | None = None,
    ) -> None:
        self._link, self._name, self._rights, self._explain = link, name, rights, explain
        self._secrets = [secret for secret in secrets if secret]
        self.clock = AcdClock(link)
        self._client = httpx.AsyncClient(
            base_url=base_url,
            auth=auth,
            timeout=PATIENCE_S,
            follow_redirects=False,
            limits=httpx.Limits(max_connections=8, keepalive_expiry=60),
        )
        self._accepted = False
        self._decode = msgspec.json.Decoder().decode

    async def __aenter__(self) -> HttpApi:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    def authorize(self, value: str, secret: str) -> None:
        """Send this ``Authorization`` from now on."""
        self._client.headers["Authorization"] = value
        self._secrets.append(secret)

    async def ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        data: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
    ) -> Any:
        """The decoded JSON of a 2xx answer (None when it has no body).

        Raises ``Limited`` (429, or 503 with ``Retry-After``) and ``CollectorError``: permanent for credentials or a question
        that the ACD does not accept, temporary for everything that may pass.
        """
        asked_at = self._link.now_ms()
        try:
            async with asyncio.timeout(PATIENCE_S):
                status, answered, body = await self._exchange(
                    method, path, params=params, json=json, data=data, auth=auth
                )
        except TimeoutError:
            raise CollectorError(f"{self._name} did not answer within {PATIENCE_S:.0f} s") from None
        except httpx.HTTPError as error:
            raise CollectorError(self._clean(f"no connection to {self._name}: {_words(error)}")) from None
        self.clock.http_date(answered.get("date"), asked_at, self._link.now_ms())
        if status == 429 or (status == 503 and "retry-after" in answered):
            raise Limited(retry_after_s(answered.get("retry-after"), self._link.now_ms()))
        decoded, is_json = self._decoded(body)
        if 200 <= status < 300:
            if not is_json:
                raise CollectorError(f"{self._name} answered {method} {path} with something that is no JSON")
            self._accepted = True
            self._link.heard()
            return decoded
        raise self._refusal(status, decoded, f"{method} {path}")

    async def _exchange(self, method: str, path: str, *, auth: Any, **more: Any) -> tuple[int, httpx.Headers, bytes]:
        given = {"auth": auth} if auth is not None else {}
        async with self._client.stream(method, path, **given, **more) as response:
            body = bytearray()
            async for part in response.aiter_bytes():
                body += part
                if len(body) > LARGEST:
                    raise CollectorError(f"{self._name} answered {method} {path} with more than {LARGEST >> 20} MB")
            return response.status_code, response.headers, bytes(body)

    def _decoded(self, body: bytes) -> tuple[Any, bool]:
        if not body.strip():
            return None, True
        try:
            return self._decode(body), True
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None, False

    def _refusal(self, status: int, decoded: Any, asked: str) -> CollectorError:
        told = self._explain(status, decoded) if self._explain is not None else None
        if status in (401, 403):
            words = f"{self._name} refuses the credentials (HTTP {status}); {self._rights}"
            # Credentials that were right a moment ago may just have run out: the next session signs in again, and then it shows.
            # A right that is missing (403) stays so until somebody gives it.
            permanent = status == 403 or not self._accepted
            return CollectorError(self._clean(f"{words}{': ' + told if told else ''}"), permanent=permanent)
        words = self._clean(told or f"{self._name} answered {asked} with HTTP {status}{_vendors_word(decoded)}")
        if status == 404:  # perhaps a queue that somebody has just deleted
            return NotThere(words)
        # What is wrong with a question today is wrong tomorrow; 408, 409 and 425 pass.
        return CollectorError(words, permanent=400 <= status < 500 and status not in (408, 409, 425))

    def _clean(self, words: str) -> str:
        for secret in self._secrets:
            words = words.replace(secret, "•••")
        return words[:500]


def retry_after_s(value: str | None, now_ms: int) -> float | None:
    """Seconds from a ``Retry-After`` header, in seconds or as a date (RFC 9110, 10.2.3); None: missing or unreadable."""
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now_ms / 1000)
    except (ValueError, OverflowError):
        return None


def _vendors_word(decoded: Any) -> str:
    if isinstance(decoded, dict):
        for key in ("message", "error_description", "Message", "detail", "title", "error"):
            said = decoded.get(key)
            if isinstance(said, str) and said:
                return f": {said[:200]}"
    return ""


def _words(error: httpx.HTTPError) -> str:
    return str(error) or type(error).__name__

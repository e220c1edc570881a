"""TaskRouter's event callbacks: who they come from and whether they are ours. No I/O.

A callback counts nothing: it makes the collector ask at once, so totals stay the API's own account and a repeated or forged-again one
does no harm. ``TwilioDoor`` is the door at which they arrive.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from collectors.door import BadBatch, Batch, Headers, Stranger
from collectors.twilio.settings import TwilioSettings

HEADER = "x-twilio-signature"
LARGEST = 256 * 1024
"""A callback carries the attributes of a task and of a worker, of some kilobytes each."""
MOST_FIELDS = 500
_PORTS = {"https": 443, "http": 80}

Params = list[tuple[str, str]]


def sign(url: str, params: Iterable[tuple[str, str]], auth_token: str) -> str:
    """The signature of a form that is posted to ``url``: HMAC-SHA1 over the URL and every name and value, sorted by name.

    Source: Twilio, "Secure webhooks". A pair that comes twice counts once, as in the vendor's libraries.
    """
    signed = url + "".join(name + value for name, value in sorted(set(params)))
    digest = hmac.new(auth_token.encode(), signed.encode("utf-8", "surrogatepass"), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def verify(url: str, params: Iterable[tuple[str, str]], signature: str, auth_token: str) -> bool:
    """Whether the signature is the account's. Twilio signs the URL with its port or without it."""
    told = list(params)
    matches = [
        hmac.compare_digest(sign(each, told, auth_token).encode(), signature.encode("utf-8", "surrogatepass"))
        for each in _spellings(url)
    ]
    return any(matches)


def _spellings(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = parts.port or _PORTS.get(parts.scheme, 443)
    return parts._replace(netloc=str(host)).geturl(), parts._replace(netloc=f"{host}:{port}").geturl()


class TwilioDoor:
    """Implements ``collectors.door.Door``."""

    schemas: ClassVar[Mapping[str, Any]] = {}
    body: ClassVar[str] = ""
    media: ClassVar[str] = "application/x-www-form-urlencoded"

    def __init__(self, settings: TwilioSettings) -> None:
        self.most_bytes = LARGEST
        self._url = settings.callback_url
        self._token = None if settings.auth_token is None else settings.auth_token.get_secret_value()
        self._workspace = settings.workspace_sid

    def greet(self, headers: Headers, now_ms: int) -> bool:
        """A signature needs the body. Raises ``Stranger`` when nothing is signed, or this source expects no callbacks."""
        if self._url is None or self._token is None:
            raise Stranger("this source expects no callbacks; give it callback_url and auth_token in its block")
        if not headers.get(HEADER):
            raise Stranger("a callback of Twilio's carries X-Twilio-Signature")
        return False

    def recognise(self, headers: Headers, body: bytes, now_ms: int) -> int | None:
        """Raises ``Stranger``. Twilio's clock does not show."""
        self.greet(headers, now_ms)
        assert self._url is not None and self._token is not None  # greet
        if not verify(self._url, form(body), headers[HEADER], self._token):
            raise Stranger(
                "the signature is not Twilio's for this callback_url; it must be the very URL that stands in the workspace"
            )
        return None

    def read(self, body: bytes, now_ms: int) -> Batch:
        """A callback of this workspace. Raises ``BadBatch``."""
        told = dict(form(body))
        if not told.get("EventType"):
            raise BadBatch("this is no event of TaskRouter: it has no EventType")
        if told.get("WorkspaceSid") != self._workspace:
            raise BadBatch("this is an event of another workspace than the source's workspace_sid")
        return Batch([])

    def taken(self, batch: Batch) -> int:
        """Nothing is counted, so nothing is counted twice."""
        return 0


def form(body: bytes) -> Params:
    """The fields of a form. Raises ``Stranger`` on what is none: nobody can have signed it."""
    try:
        return parse_qsl(
            body.decode("ascii"), keep_blank_values=True, strict_parsing=bool(body), max_num_fields=MOST_FIELDS
        )
    except ValueError:
        raise Stranger("the body is no form") from None

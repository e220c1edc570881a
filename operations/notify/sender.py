"""Handing one message to one address, through Apprise. Nothing that a service says is repeated: it may hold what the address holds."""

from __future__ import annotations

import logging
import re
import threading
from typing import Any, Protocol

from pydantic import SecretStr

from operations.notify.words import Message

CONNECT_S, READ_S = 5.0, 15.0
"""How long a server may take to accept and to answer, unless the address says otherwise (``cto=``, ``rto=``)."""
MOST_SERVICES = 1_000
"""Addresses that are kept ready; a configuration that changes a lot leaves old ones behind."""

OWN_SERVERS = frozenset({"mailto", "mailtos"})
"""Where Apprise's pause of 5.5 s between messages, meant for public services, would only hold a storm's messages back."""

_STATUS = re.compile(r"\berror=(\d{3})\b")
_SMTP = re.compile(r"(?:\(|was refused: )(\d{3})(?:, b['\"]| )")
_UNREACHED = ("connection error", "socket exception", "timed out", "refused")
_NEVER_MET = (
    "newconnectionerror",
    "connecttimeout",
    "nameresolutionerror",
    "connection refused",
    "name or service",
    "no route",
    "unreachable",
)
"""Signs that there was no connection, so that nothing can have arrived."""

TRY_AGAIN = frozenset({408, 409, 423, 425, 429})
"""Answers of 400 and more that are no last word."""


class SendFailed(Exception):
    """A message did not arrive, as far as is known. ``str(error)`` holds no secret.

    ``permanent``: the same message to the same address will not do better. ``doubtful``: it may have arrived all the same.
    """

    def __init__(self, reason: str, *, permanent: bool = False, doubtful: bool = False) -> None:
        super().__init__(reason)
        self.permanent, self.doubtful = permanent, doubtful


class Sender(Protocol):
    """What the worker needs. Both methods may block; both raise ``SendFailed``. One address is used by one thread at a time."""

    def check(self, url: SecretStr) -> None:
        """Whether the address can be one at all; nothing is sent."""
        ...

    def send(self, url: SecretStr, message: Message) -> None:
        """Returns when the service has accepted the message."""
        ...


def kind_of(url: SecretStr) -> str:
    """What may be shown of an address: the kind of service that it names."""
    return url.get_secret_value().partition("://")[0].lower()


class AppriseSender:
    """Sends through Apprise, which is loaded at the first use. Holds one service per address, since it paces itself by service."""

    def __init__(self) -> None:
        self._services: dict[str, Any] = {}
        self._asset: Any = None
        self._said = _Said()
        self._loading = threading.Lock()

    def check(self, url: SecretStr) -> None:
        self._service(url)

    def send(self, url: SecretStr, message: Message) -> None:
        service = self._service(url)
        import apprise

        kinds = {0: apprise.NotifyType.SUCCESS, 1: apprise.NotifyType.WARNING, 2: apprise.NotifyType.FAILURE}
        self._said.begin()
        try:
            accepted = service.notify(
                title=message.subject,
                body=message.body,
                notify_type=kinds[message.level],
                body_format=apprise.NotifyFormat.TEXT,
            )
        except Exception as error:  # whatever a plugin's author did not think of
            raise SendFailed(f"{kind_of(url)} failed ({type(error).__name__})", doubtful=True) from None
        finally:
            said = self._said.end()
        if not accepted:
            raise failure(kind_of(url), said)

    def _service(self, url: SecretStr) -> Any:
        text = url.get_secret_value()
        service = self._services.get(text)
        if service is None:
            service = self._made(url, text)
            if len(self._services) >= MOST_SERVICES:
                self._services.clear()
            self._services[text] = service
        return service

    def _made(self, url: SecretStr, text: str) -> Any:
        with self._loading:
            import apprise

            if self._asset is None:
                _keep_secrets(self._said)
                self._asset = apprise.AppriseAsset(
                    app_id="Floorlight",
                    app_desc="Floorlight",
                    app_url="",
                    image_url_mask="",
                    image_url_logo="",
                    storage_mode="memory",
                )
        kind = kind_of(url)
        try:
            service = apprise.Apprise.instantiate(text, asset=self._asset)
        except Exception as error:
            raise SendFailed(
                f"{kind}: Apprise cannot read this address ({type(error).__name__})", permanent=True
            ) from None
        if service is None:
            raise SendFailed(
                f"{kind}: Apprise does not take this address; check it against the service's page in Apprise's documentation",
                permanent=True,
            )
        if kind in OWN_SERVERS:
            service.request_rate_per_sec = 0
        if "rto=" not in text:
            service.socket_read_timeout = READ_S
        if "cto=" not in text:
            service.socket_connect_timeout = CONNECT_S
        return service


def failure(kind: str, said: list[str]) -> SendFailed:
    """What Apprise's own words about a failed send come down to: a status, or that nobody answered."""
    text = "\n".join(said)
    status = _STATUS.search(text)
    if status:
        code = int(status[1])
        return SendFailed(f"{kind} answered {code}", permanent=400 <= code < 500 and code not in TRY_AGAIN)
    status = _SMTP.search(text)
    if status:
        code = int(status[1])
        return SendFailed(f"{kind} answered {code}", permanent=500 <= code < 600)
    if "not supported by server" in text:
        return SendFailed(f"{kind} does not offer the sign-in or encryption that the address asks for", permanent=True)
    if any(word in text.lower() for word in _UNREACHED):
        met = not any(word in text.lower() for word in _NEVER_MET)
        return SendFailed(f"{kind} broke the connection off" if met else f"{kind} cannot be reached", doubtful=met)
    return SendFailed(f"{kind} did not accept the message")


class _Said(logging.Handler):
    """What is logged in a thread between ``begin`` and ``end``; from other threads, and outside, nothing is kept."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self._here = threading.local()

    def begin(self) -> None:
        self._here.lines = []

    def end(self) -> list[str]:
        lines, self._here.lines = self._here.lines, None
        return list(lines)

    def emit(self, record: logging.LogRecord) -> None:
        lines = getattr(self._here, "lines", None)
        if lines is not None and len(lines) < 200:
            lines.append(record.getMessage()[:2000])


def _keep_secrets(said: _Said) -> None:
    """Apprise and what it sends with log addresses and contents: they are heard here, and go nowhere else."""
    own = logging.getLogger("apprise")
    own.propagate = False
    own.setLevel(logging.DEBUG)
    own.handlers[:] = [said]
    for chatty in ("urllib3", "requests", "requests_oauthlib", "oauthlib"):
        logging.getLogger(chatty).setLevel(logging.WARNING)

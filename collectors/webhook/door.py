"""The door of one source of kind ``webhook`` in one process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from collectors.door import Batch, Headers, Stranger
from collectors.webhook import batch, forms, signature
from collectors.webhook.settings import WebhookSettings

REMEMBERED = 100_000


class Remembered:
    """Which marks were met lately: two generations, of which the older is let go when the younger is full."""

    def __init__(self, most: int = REMEMBERED) -> None:
        self._most = most
        self._young: set[int] = set()
        self._old: set[int] = set()

    def meet(self, marks: list[Any]) -> int:
        """Remember these; returns how many were remembered already."""
        known = 0
        for mark in map(hash, marks):
            if mark in self._young or mark in self._old:
                known += 1
                continue
            self._young.add(mark)
            if len(self._young) >= self._most:
                self._old, self._young = self._young, set()
        return known


class WebhookDoor:
    """Implements ``collectors.door.Door``.

    What came before is only *counted* here, for the sender's and the operator's eyes; that it is not counted twice on the boards is the
    fold's doing, which knows every id of the last day, whichever process took it.
    """

    schemas: ClassVar[Mapping[str, Any]] = forms.schemas()
    body: ClassVar[str] = "PushedBody"
    media: ClassVar[str] = "application/json"

    def __init__(self, settings: WebhookSettings) -> None:
        self.most_bytes = settings.most_bytes
        self._secret = None if settings.secret is None else settings.secret.get_secret_value()
        self._token = None if settings.token is None else settings.token.get_secret_value()
        self._top_box_from = settings.survey.top_box_from
        self._remembered = Remembered()

    def _bears(self, headers: Headers) -> bool:
        return self._token is not None and signature.bears(self._token, headers)

    def greet(self, headers: Headers, now_ms: int) -> bool:
        """A token proves it, a signature needs the body. Raises ``Stranger`` when neither, or an old one, is shown."""
        if self._bears(headers):
            return True
        if self._secret is None:
            raise Stranger("show the source's token: Authorization: Bearer TOKEN")
        signature.signed(headers, now_ms)
        return False

    def recognise(self, headers: Headers, body: bytes, now_ms: int) -> int | None:
        """Raises ``Stranger``; returns the correction of the sender's clock, ms, to the second."""
        if self._bears(headers):
            return None
        if self._secret is None:
            raise Stranger("show the source's token: Authorization: Bearer TOKEN")
        told = signature.signed(headers, now_ms)
        if not signature.right(self._secret, told, body):
            raise Stranger("the signature is not the one of this body with this source's secret")
        return now_ms // 1000 * 1000 - told.at_ms

    def read(self, body: bytes, now_ms: int) -> Batch:
        """Raises ``BadBatch``."""
        return batch.read(body, now_ms, self._top_box_from)

    def taken(self, batch: Batch) -> int:
        """How many events of the batch came before, as far as this process remembers."""
        return self._remembered.meet(batch.marks)

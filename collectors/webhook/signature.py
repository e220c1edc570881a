"""Who a body comes from: an HMAC over the time of sending and the body, or a bearer token. No I/O.

``X-Floorlight-Signature: t=SECONDS,v1=HEX``: HMAC-SHA256, keyed with the source's secret, over ``SECONDS``, a full stop and the body
exactly as it is sent (compressed, if it is). Several ``v1`` may stand there while a secret is changed: one that is right is enough.
A captured request is worth nothing after ``TOLERANCE_S``, and within that time it can only say again what was counted already.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass

from collectors.door import Headers, Stranger

HEADER = "x-floorlight-signature"
TOLERANCE_S = 300
MOST_SIGNATURES = 8
_LONGEST = 1_024
_SECONDS = re.compile(r"\d{1,12}", re.ASCII)
_HEX = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)


@dataclass(frozen=True)
class Signed:
    """What the header says. ``seconds``: as they stand there, since they are part of what is signed."""

    seconds: str
    signatures: tuple[str, ...]

    @property
    def at_ms(self) -> int:
        return int(self.seconds) * 1000


def signed(headers: Headers, now_ms: int) -> Signed:
    """The signature header, read and found to be of now. Raises ``Stranger``."""
    told = headers.get(HEADER, "")
    if not told:
        raise Stranger("sign the body: X-Floorlight-Signature: t=SECONDS,v1=HMAC-SHA256 of 'SECONDS.BODY' in hex")
    parts = [part.strip().partition("=") for part in told[:_LONGEST].split(",")]
    times = [value for name, _, value in parts if name == "t"]
    found = [value.lower() for name, _, value in parts if name == "v1" and _HEX.fullmatch(value)]
    if len(times) != 1 or not _SECONDS.fullmatch(times[0]) or not found:
        raise Stranger(
            "X-Floorlight-Signature cannot be read; write t=SECONDS,v1=HEX, for example t=1795311060,v1=9f2c…"
        )
    off_s = int(times[0]) - now_ms // 1000
    if abs(off_s) > TOLERANCE_S:
        raise Stranger(
            f"signed {abs(off_s)} s {'ahead of' if off_s > 0 else 'ago by'} our clock; at most {TOLERANCE_S} s are taken: "
            "set the sender's clock, and sign anew for each try"
        )
    return Signed(times[0], tuple(found[:MOST_SIGNATURES]))


def sign(secret: str, seconds: int | str, body: bytes) -> str:
    """The hexadecimal signature of a body."""
    return hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()


def right(secret: str, told: Signed, body: bytes) -> bool:
    """Whether one of the signatures is the secret's. Takes as long whichever it is."""
    wanted = sign(secret, told.seconds, body)
    matches = [hmac.compare_digest(wanted, one) for one in told.signatures]  # all of them, whichever is right
    return any(matches)


def bears(token: str, headers: Headers) -> bool:
    """Whether the request carries the token. Compared by digest, so that its length does not show either."""
    kind, _, value = headers.get("authorization", "").partition(" ")
    shown = value.strip() if kind.lower() == "bearer" else ""
    digests = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in (token, shown)]
    return hmac.compare_digest(*digests) and bool(shown)

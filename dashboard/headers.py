"""What every answer says about itself to a browser."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

from dashboard.asgi import Message, Send

ALWAYS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    (b"x-frame-options", b"SAMEORIGIN"),
]
NOTHING = b"default-src 'none'; frame-ancestors 'self'"
"""The policy of an answer that is not a page."""


NO_SCRIPT = (
    "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""The policy of a page on which a password is typed: it runs no script at all, and stands in no frame."""


def page_policy(script_hashes: Sequence[str]) -> str:
    """The policy of a page. Nothing from another host; of inline scripts only those that Dash wrote, by their hashes.

    Styles are another matter: Dash's own components write style elements, and React writes style attributes.
    """
    scripts = " ".join(("'self'", *script_hashes))
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src {scripts}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'self'",
        )
    )


def secured(send: Send) -> Send:
    """``send`` with these headers on every answer, and a policy where the answer has none."""

    # Not a coroutine of its own: a stream passes here with every change.
    def sending(message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", ()))
            if not any(name == b"content-security-policy" for name, _ in headers):
                headers.append((b"content-security-policy", NOTHING))
            message = {**message, "headers": [*headers, *ALWAYS]}
        return send(message)

    return sending

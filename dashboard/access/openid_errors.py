"""What can go wrong when somebody signs in by a provider; apart from ``openid`` so that nobody loads Authlib who has none."""

from __future__ import annotations

AWAY = "The sign-in service does not answer. Try again in a moment."
MISMATCH = "This sign-in has expired or was begun in another window. Try again."
DISTRUST = "The answer of the sign-in service cannot be trusted. Tell whoever runs this wallboard."
REFUSED = "The sign-in service did not let you in."
NAMELESS = "The sign-in service did not say who you are. Tell whoever runs this wallboard."
UNVERIFIED = "The sign-in service has not verified your address yet."
ERRORS = (AWAY, MISMATCH, DISTRUST, REFUSED, NAMELESS, UNVERIFIED)


class OpenIdError(Exception):
    """Somebody could not be signed in. ``str(error)``: an English text for the person; ``permanent``: trying again is no use."""

    def __init__(self, text: str, *, permanent: bool = False) -> None:
        super().__init__(text)
        self.permanent = permanent

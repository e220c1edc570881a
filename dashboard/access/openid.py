"""Signing in by an OpenID Connect provider: authorisation code with PKCE, state and nonce, by Authlib."""

from __future__ import annotations

import logging
import threading
from typing import Any

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.base_client.errors import MismatchingStateError, OAuthError
from authlib.integrations.flask_client import OAuth
from flask import Flask, Response, request, session
from joserfc.errors import JoseError

from dashboard.access.openid_errors import AWAY, DISTRUST, MISMATCH, NAMELESS, REFUSED, UNVERIFIED, OpenIdError
from dashboard.access.passwords import busy
from operations.projects.access import OpenId

log = logging.getLogger(__name__)

NAME = "openid"
TIMEOUT_S = 5.0
AT_ONCE = 3
"""Threads that may wait for the provider; while it hangs, the others go on serving pages."""

FRESH_MS = 3_600_000
"""How long the provider's own description of itself is believed."""

MOST_BEGUN = 2
"""Sign-ins begun in one browser and not finished that are remembered: a cookie holds little."""

LONGEST_NAME = 100
SIGNED = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures that only the provider can make. One that is made with a shared secret, or none at all, is not believed."""


class Provider:
    """The provider of the configuration as it is now."""

    def __init__(self, server: Flask) -> None:
        self._server = server
        self._turn = threading.BoundedSemaphore(AT_ONCE)
        self._known: tuple[OpenId, int, Any] | None = None

    def begin(self, openid: OpenId, back: str, now_ms: int) -> Response:
        """To the provider; ``back``: the address to which it sends the browser. Raises ``OpenIdError`` or ``Problem``."""
        begun = [key for key in session if str(key).startswith(f"_state_{NAME}_")]
        for key in begun[: max(0, len(begun) - MOST_BEGUN + 1)]:
            session.pop(key)
        answer: Response = self._asked(openid, now_ms, lambda client: client.authorize_redirect(back))
        return answer

    def finish(self, openid: OpenId, now_ms: int) -> tuple[str, list[str]]:
        """Who came back: the person's name and those of the groups that the configuration knows.

        Raises ``OpenIdError`` or ``Problem``.
        """
        said = request.args.get("iss")
        if said is not None and said != openid.issuer:
            raise OpenIdError(DISTRUST, permanent=True)
        token = self._asked(openid, now_ms, lambda client: client.authorize_access_token())
        claims = token.get("userinfo")
        if not claims:
            raise OpenIdError(DISTRUST, permanent=True)
        name = claims.get(openid.name_claim)
        if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
            raise OpenIdError(NAMELESS, permanent=True)
        if openid.name_claim == "email" and claims.get("email_verified") is False:
            raise OpenIdError(UNVERIFIED, permanent=True)
        return name, [group for group in groups(claims, openid.roles_claim) if group in openid.roles]

    def _asked(self, openid: OpenId, now_ms: int, ask: Any) -> Any:
        if not self._turn.acquire(timeout=TIMEOUT_S):
            raise busy()
        try:
            return ask(self._client(openid, now_ms))
        except requests.RequestException as error:
            log.error("the OpenID Connect provider %s does not answer: %s", openid.issuer, error)
            raise OpenIdError(AWAY) from error
        except MismatchingStateError as error:
            raise OpenIdError(MISMATCH) from error
        except OAuthError as error:
            log.warning("the OpenID Connect provider %s refused: %.300s", openid.issuer, error)
            raise OpenIdError(REFUSED) from error
        except (AuthlibBaseError, JoseError, ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
            log.error(
                "an answer of the OpenID Connect provider %s is not believed: %s: %.300s",
                openid.issuer,
                type(error).__name__,
                error,
            )
            raise OpenIdError(DISTRUST, permanent=True) from error
        finally:
            self._turn.release()

    def _client(self, openid: OpenId, now_ms: int) -> Any:
        """Authlib's client, which has read the provider's description. Raises requests' errors and ``ValueError``."""
        if self._known is not None and self._known[0] == openid and 0 <= now_ms - self._known[1] < FRESH_MS:
            return self._known[2]
        client = OAuth(self._server).register(
            NAME,
            client_id=openid.client_id,
            client_secret=openid.client_secret.get_secret_value(),
            server_metadata_url=f"{openid.issuer.rstrip('/')}/.well-known/openid-configuration",
            client_kwargs={"scope": openid.scope, "code_challenge_method": "S256", "default_timeout": TIMEOUT_S},
        )
        described = client.load_server_metadata()
        if described.get("issuer") != openid.issuer:
            raise ValueError(f"it calls itself {described.get('issuer')!r}")
        offered = described.get("id_token_signing_alg_values_supported") or ["RS256"]
        described["id_token_signing_alg_values_supported"] = [name for name in offered if name in SIGNED]
        described.pop("jwks", None)
        self._known = (openid, now_ms, client)
        return client


def groups(claims: Any, path: str) -> list[str]:
    """What a claim lists; ``a.b`` is b inside of a, unless a claim is called just so."""
    found: Any = claims.get(path)
    if found is None:
        found = claims
        for part in path.split("."):
            found = found.get(part) if isinstance(found, dict) else None
    listed = [found] if isinstance(found, str) else found
    return [each for each in listed if isinstance(each, str)] if isinstance(listed, list) else []

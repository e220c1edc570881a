"""What a screen sees before it is paired: a page with a code, which asks every two seconds whether somebody has confirmed it."""

from __future__ import annotations

import re
import secrets

from dashboard.access.caller import Caller
from dashboard.access.credentials import address
from dashboard.access.screens import cookie
from dashboard.api.route import Web
from dashboard.asgi import Answer, Problem, Request
from dashboard.components.pair import pair_document
from dashboard.headers import page_policy
from dashboard.i18n import preferred, words
from dashboard.redis_gone import asked
from operations.store.screens import CODE_MS, ScreensFull, ScreenStore, Waiting

SECRET = "floorlight_pairing"
"""The cookie that makes a code useless to any other browser."""
SECRET_S = 24 * 3600
PATH = "/api/v1/pair"
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")


async def page(web: Web, request: Request, caller: Caller) -> Answer:
    """The page with the code; its script asks for it."""
    site = web.watcher.current.site
    said = words(preferred(request.headers.get("accept-language", ""), site.language))
    here = site.url or f"{request.scope.get('scheme', 'http')}://{request.headers.get('host', '')}"
    text = pair_document(site.name, f"{here}/screens", said)
    headers = (
        ("Cache-Control", "no-store"),
        ("Vary", "Accept-Language"),
        ("Content-Security-Policy", page_policy(())),
    )
    return Answer(200, text.encode(), "text/html; charset=utf-8", headers)


async def code(web: Web, request: Request, caller: Caller) -> Answer:
    """The code of this browser; once it is confirmed, its token as a cookie and where to go."""
    secret = request.cookies.get(SECRET, "")
    headers: list[tuple[str, str]] = []
    if not _SECRET.fullmatch(secret):
        secret = secrets.token_urlsafe(32)
        secure = "; Secure" if request.scope.get("scheme") == "https" else ""
        headers.append(
            ("Set-Cookie", f"{SECRET}={secret}; Path={PATH}; Max-Age={SECRET_S}; HttpOnly; SameSite=Strict{secure}")
        )
    try:
        found = await asked(ScreenStore(web.redis).ask(secret, address(request), web.clock()))
    except ScreensFull as error:
        raise Problem(429, "too_many_codes", str(error), [("Retry-After", str(CODE_MS // 1000))]) from error
    if isinstance(found, Waiting):
        return Answer.json({"code": found.code, "left_s": -(-found.left_ms // 1000)}, headers=headers)
    await asked(web.screens.look())
    return Answer.json({"name": found.screen.name, "go": "/wall"}, headers=(*headers, cookie(request, found.token)))

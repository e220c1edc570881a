"""The one gate: every request passes here before any route, page or callback sees it.

It answers three questions in this order: may this request come at all (its host, its origin), who asks, and what
may that caller see (``Caller.may_see``, which the router asks for each path that names a project, and
``dashboard.context`` for everything that a page shows).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from dashboard.access.caller import Caller
from dashboard.access.credentials import COOKIE, Credentials
from dashboard.asgi import Answer, Message, Problem, Receive, Request, Scope, Send
from dashboard.context import Clock, Watcher, caller_now

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
COOKIE_S = 400 * 24 * 3600
"""As long as browsers keep a cookie at most: a wall must not expire by surprise."""

Inner = Callable[[Request, Caller, Receive, Send], Awaitable[None]]


class Gate:
    """Lets a request through to ``inner`` with its caller. ``is_open``: whether a request needs no credentials."""

    def __init__(self, watcher: Watcher, clock: Clock, inner: Inner, is_open: Callable[[Request], bool]) -> None:
        self._watcher, self._clock, self._inner, self._is_open = watcher, clock, inner, is_open
        self._credentials = Credentials()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        access = self._watcher.current.access
        try:
            check_origin(request)
            if access is None:
                check_local(request)
                caller = Caller.local()
            elif self._is_open(request):
                caller = Caller.nobody()
            else:
                caller = await self._credentials.caller(access, request, self._clock())
                if "token" in request.query and request.method in SAFE_METHODS:
                    if request.segments[1:2] != ("api",):
                        return await _without_token(request).send(send)
                    send = _with_cookie(request, send)
        except Problem as problem:
            return await problem.answer().send(send, head=request.method == "HEAD")
        caller_now.set(caller)
        await self._inner(request, caller, receive, send)
        return None


def check_origin(request: Request) -> None:
    """What changes something must come from our own pages or from no page. Raises ``Problem`` 403.

    A program sends neither header; a browser always says where a request comes from.
    """
    if request.method in SAFE_METHODS:
        return
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    same = origin is None or urlsplit(origin).netloc.lower() == request.headers.get("host", "").lower()
    if site not in ("same-origin", "none") or not same:
        raise Problem(
            403, "other_origin", "this request comes from another site's page; only our own pages may do this"
        )


def check_local(request: Request) -> None:
    """Without sign-in only this machine is served, under a name that no other site can point here.

    Otherwise a page on the internet whose name resolves to 127.0.0.1 could read a board (DNS rebinding). The peer is
    asked too, for the case that ``access`` was taken out of the file while the server listens to a network. Raises
    ``Problem`` 403 or 421.
    """
    client = request.scope.get("client")
    if client and not ip_address(client[0].partition("%")[0]).is_loopback:
        raise Problem(403, "sign_in_missing", "the configuration has no access: block, so only this machine is served")
    host = request.headers.get("host", "")
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    if name.lower() not in LOOPBACK_HOSTS:
        raise Problem(
            421,
            "other_host",
            "without access: in the configuration only http://127.0.0.1 and http://localhost are served; "
            "add users or screens under access: to serve this machine under another name",
        )


def _cookie(request: Request) -> tuple[str, str]:
    secure = "; Secure" if request.scope.get("scheme") == "https" else ""
    value = quote(request.query["token"], safe="")
    return "Set-Cookie", f"{COOKIE}={value}; Path=/; Max-Age={COOKIE_S}; HttpOnly; SameSite=Lax{secure}"


def _without_token(request: Request) -> Answer:
    """Send a screen to the same page, its token moved from the address into a cookie."""
    rest = [(n, v) for n, v in parse_qsl(request.scope["query_string"].decode("latin-1"), True) if n != "token"]
    path = "/" + "/".join(quote(part, safe="") for part in request.segments[1:])
    place = path.replace("//", "/%2F") + (f"?{urlencode(rest)}" if rest else "")
    return Answer(303, b"", headers=(("Location", place), ("Cache-Control", "no-store"), _cookie(request)))


def _with_cookie(request: Request, send: Send) -> Send:
    name, value = _cookie(request)

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [*message.get("headers", ()), (name.lower().encode(), value.encode("latin-1"))]
            message = {**message, "headers": headers}
        await send(message)

    return sending

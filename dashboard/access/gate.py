"""The one gate: every request passes here before any route, page or callback sees it.

It answers three questions in this order: may this request come at all (its host, its origin), who asks, and what
may that caller see (``Caller.may_see``, which the router asks for each path that names a project, and
``dashboard.context`` for everything that a page shows). A browser that opens a page without being known is led to the
sign-in page; everything else gets 401.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import replace
from ipaddress import ip_address
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from dashboard.access.caller import Caller
from dashboard.access.credentials import CHALLENGE, Credentials
from dashboard.access.places import LONGEST_NEXT
from dashboard.access.screens import cookie
from dashboard.access.sessions import COOKIE, Session
from dashboard.asgi import Answer, Message, Problem, Receive, Request, Scope, Send
from dashboard.context import Clock, Context, Watcher, caller_now, session_now
from dashboard.i18n import LANGUAGES
from operations.projects.access import Access

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
OWNED = ("/api/", "/healthz", "/metrics")
"""Paths that programs and scripts ask for."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

OPEN_PAGES = frozenset({"/sign-in", "/sign-in/openid", "/sign-in/openid/back", "/sign-out", "/language"})
"""Pages for everybody; their forms check their tokens by themselves (``dashboard.access.sign_in``)."""

OPEN_FOLDERS = ("/assets/",)
"""Styles, fonts and scripts: the same for everybody, without a word about any project."""

FORMS = OPEN_PAGES | {"/_dash-update-component"}
"""Where no header can carry the session's token: forms carry it as a field, and Dash's callbacks change nothing."""

TOKEN = "x-csrf-token"
LANGUAGE = "floorlight_language"

Inner = Callable[[Request, Caller, Receive, Send], Awaitable[None]]


class Gate:
    """Lets a request through to ``inner`` with its caller. ``is_open``: whether a request needs no credentials."""

    def __init__(
        self, watcher: Watcher, clock: Clock, inner: Inner, is_open: Callable[[Request], bool], here: Context
    ) -> None:
        self._watcher, self._clock, self._inner, self._is_open = watcher, clock, inner, is_open
        self._screens, self._sessions = here.screens, here.sessions
        self._credentials = Credentials(here.screens, here.passwords)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        access = self._watcher.current.access
        session: Session | None = None
        try:
            check_origin(request)
            if access is None:
                check_local(request)
                caller = Caller.local()
            elif self._is_open(request):
                caller = Caller.nobody()
            else:
                session = await self._session(access, request)
                caller = session.caller if session else await self._stranger(access, request)
                if "token" in request.query and request.method in SAFE_METHODS and not is_open_page(request):
                    if request.segments[1:2] != ("api",):
                        return await _without_token(request).send(send)
                    send = _with_header(*cookie(request, request.query["token"]), send)
                elif access and session and session.stale:
                    renewed = self._sessions.renewed(access, session, self._clock())
                    if renewed:
                        send = _with_header(*session_cookie(request, renewed, access), send)
        except Problem as problem:
            answer = sign_in_first(request) if problem.status == 401 and is_visit(request) else quiet(problem, request)
            return await answer.send(send, head=request.method == "HEAD")
        chosen = request.cookies.get(LANGUAGE)
        if chosen in LANGUAGES and caller.role != "screen":
            caller = replace(caller, language=chosen)
        caller = self._screens.seated(caller, request)
        caller_now.set(caller)
        session_now.set(session)
        await self._inner(request, caller, receive, send)
        return None

    async def _session(self, access: Access, request: Request) -> Session | None:
        """The session of somebody who is signed in and shows nothing else. Raises ``Problem`` 403 or 503."""
        if "authorization" in request.headers or ("token" in request.query and not is_open_page(request)):
            return None
        session = await self._sessions.of(access, request, self._clock())
        if session is not None:
            check_token(request, session)
        elif is_open_page(request):
            await self._sessions.ready(access)
        return session

    async def _stranger(self, access: Access, request: Request) -> Caller:
        """A program, a screen, or (on the pages that are for everybody) whoever it may be. Raises ``Problem``."""
        if is_open_page(request):
            return Caller.nobody()
        return await self._credentials.caller(access, request, self._clock())


def is_open_page(request: Request) -> bool:
    """Whether the path is one that Flask serves to everybody."""
    path = "/".join(request.segments)
    return path in OPEN_PAGES or (path.startswith(OPEN_FOLDERS) and request.method in SAFE_METHODS)


def is_visit(request: Request) -> bool:
    """Whether a person's browser opens a page: it can be led to another."""
    path = "/".join(request.segments)
    if request.method not in ("GET", "HEAD") or path.startswith((*OWNED, "/_")):
        return False
    if "authorization" in request.headers or "token" in request.query:
        return False
    mode = request.headers.get("sec-fetch-mode")
    return mode == "navigate" if mode else "text/html" in request.headers.get("accept", "")


def sign_in_first(request: Request) -> Answer:
    """To the sign-in page, and back from there."""
    raw = request.scope.get("raw_path") or quote(request.scope["path"]).encode()
    query = request.scope["query_string"].decode("latin-1")
    wanted = raw.decode("latin-1").partition("?")[0] + (f"?{query}" if query else "")
    place = "/sign-in" if wanted == "/" else f"/sign-in?{urlencode({'next': wanted[:LONGEST_NEXT]})}"
    return Answer(303, b"", headers=(("Location", place), ("Cache-Control", "no-store")))


def quiet(problem: Problem, request: Request) -> Answer:
    """A problem's answer; what a page's own script asks for must not make the browser ask for a password by itself."""
    if "sec-fetch-mode" in request.headers and "authorization" not in request.headers:
        problem.headers = tuple(header for header in problem.headers if header != CHALLENGE)
    return problem.answer()


def check_token(request: Request, session: Session) -> None:
    """What changes something by a session's cookie has to prove that one of our pages wants it. Raises ``Problem`` 403.

    The browser says where the request comes from (``check_origin`` has looked whether that is here), and the page's
    script knows the session's token.
    """
    if request.method in SAFE_METHODS:
        return
    if not ("origin" in request.headers or "sec-fetch-site" in request.headers):
        raise Problem(
            403,
            "other_origin",
            "a session's cookie alone changes nothing; a program uses Basic or Bearer authorization",
        )
    if "/".join(request.segments) in FORMS:
        return
    if not hmac.compare_digest(request.headers.get(TOKEN, "").encode(), session.token.encode()):
        raise Problem(403, "csrf", "this page is from an earlier sign-in; load it again")


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


def _without_token(request: Request) -> Answer:
    """Send a screen to the same page, its token moved from the address into a cookie."""
    rest = [(n, v) for n, v in parse_qsl(request.scope["query_string"].decode("latin-1"), True) if n != "token"]
    path = "/" + "/".join(quote(part, safe="") for part in request.segments[1:])
    place = path.replace("//", "/%2F") + (f"?{urlencode(rest)}" if rest else "")
    return Answer(
        303, b"", headers=(("Location", place), ("Cache-Control", "no-store"), cookie(request, request.query["token"]))
    )


def session_cookie(request: Request, value: str, access: Access) -> tuple[str, str]:
    """The header that keeps a session in a browser until it has lain unused too long."""
    secure = "; Secure" if request.scope.get("scheme") == "https" else ""
    age = round(access.session_h * 3600)
    return "Set-Cookie", f"{COOKIE}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{secure}"


def _with_header(name: str, value: str, send: Send) -> Send:
    """``send`` with one header more, unless the answer sets this cookie by itself."""
    mark = value.partition("=")[0].encode() + b"="

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", ()))
            if not any(key == b"set-cookie" and said.startswith(mark) for key, said in headers):
                headers.append((name.lower().encode(), value.encode("latin-1")))
            message = {**message, "headers": headers}
        await send(message)

    return sending

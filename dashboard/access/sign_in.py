"""Signing in and out, and choosing a language: the few pages that Flask serves to whoever comes.

Flask-Login writes the session; whether one is valid, and whose it is, the gate alone decides (``dashboard.access.sessions``),
so that the native routes and Flask can never disagree.
"""

from __future__ import annotations

import hmac
import logging
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response, current_app, make_response, redirect, request, session
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from itsdangerous import URLSafeTimedSerializer
from werkzeug.exceptions import RequestEntityTooLarge

from dashboard.access import openid_errors
from dashboard.access.gate import LANGUAGE
from dashboard.access.openid_errors import OpenIdError
from dashboard.access.passwords import LONGEST_NAME, LONGEST_SECRET, TooManyTries
from dashboard.access.places import same_site
from dashboard.access.sessions import COOKIE, fresh, granted, mark
from dashboard.asgi import Problem
from dashboard.components.sign_in import SignIn, sign_in_page
from dashboard.context import Context, caller_now, here, session_now
from dashboard.headers import NO_SCRIPT
from dashboard.i18n import LANGUAGES, preferred, words
from operations.projects.access import Access, OpenId

if TYPE_CHECKING:
    from dashboard.access.openid import Provider

log = logging.getLogger(__name__)

LONGEST_FORM = 16 * 1024
LANGUAGE_S = 400 * 24 * 3600

WRONG = "The name or the password is wrong."
WAIT = "Too many wrong tries. Wait {s} seconds and try again."
BUSY = "Too many people sign in at this moment. Try again in a few seconds."
OLD = "This page was open for too long. Try again."
NO_REDIS = "The server cannot reach its database, so nobody can sign in now. Try again in a moment."
UNMAPPED = "{name} is known to the sign-in service but may not see anything here. Ask whoever runs this wallboard."
ERRORS = (WRONG, WAIT, BUSY, OLD, NO_REDIS, UNMAPPED, *openid_errors.ERRORS)
"""All that the sign-in page may say is wrong, in English."""

pages = Blueprint("sign_in", __name__)


class Person(UserMixin):
    """Somebody who is signed in, as Flask-Login knows people."""

    def __init__(self, name: str) -> None:
        self.id = name


class SignedSessions(SecureCookieSessionInterface):
    """Flask's sessions, signed with what the gate verifies them with."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        return self._context.sessions.signer(self._context.watcher.current.access)

    def get_cookie_name(self, app: Flask) -> str:
        return COOKIE

    def get_cookie_secure(self, app: Flask) -> bool:
        return request.is_secure

    def get_cookie_httponly(self, app: Flask) -> bool:
        return True

    def get_cookie_samesite(self, app: Flask) -> str:
        return "Lax"

    def get_expiration_time(self, app: Flask, session: SessionMixin) -> datetime | None:
        """With the session itself; what only remembers a form goes when the browser closes."""
        access = self._context.watcher.current.access
        if access is None or "sid" not in session:
            return None
        return datetime.fromtimestamp(self._context.now_ms / 1000 + access.session_h * 3600, UTC)

    def should_set_cookie(self, app: Flask, session: SessionMixin) -> bool:
        return session.modified  # the gate renews it


def attach(server: Flask, context: Context) -> None:
    """Let a Flask application sign people in and out."""
    server.session_interface = SignedSessions(context)
    manager = LoginManager(server)
    manager.session_protection = None  # people walk from desk to desk and their addresses change

    @manager.user_loader  # type: ignore[untyped-decorator]
    def known(name: str) -> Person | None:
        caller = caller_now.get()
        return Person(name) if caller is not None and caller.session and caller.name == name else None

    @cache
    def provider() -> Provider:
        # Here, because Authlib takes a fifth of a second to load, and most sites have no provider.
        from dashboard.access.openid import Provider

        return Provider(server)

    server.extensions["floorlight-openid"] = provider
    server.register_blueprint(pages)


@pages.before_request
def _small_forms() -> None:
    request.max_content_length = LONGEST_FORM


@pages.after_request
def _never_kept(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    if response.mimetype == "text/html":
        response.headers["Content-Security-Policy"] = NO_SCRIPT
    return response


@pages.errorhandler(RequestEntityTooLarge)
def _too_large(_: RequestEntityTooLarge) -> Response:
    answer = Problem(413, "too_long", f"the body may have at most {LONGEST_FORM} bytes").answer()
    return Response(answer.body, answer.status, content_type=answer.content_type)


@pages.get("/sign-in")
def show() -> Response:
    """The page; straight on for whoever is signed in, or need not be."""
    context = here()
    access = context.watcher.current.access
    wanted = same_site(request.args.get("next"))
    if access is None or current_user_name():
        return _to(wanted)
    return _page(context, access, wanted)


@pages.post("/sign-in")
def enter() -> Response:
    """Whoever shows a name and the password that belongs to it."""
    context = here()
    access = context.watcher.current.access
    wanted = same_site(request.form.get("next"))
    if access is None:
        return _to(wanted)
    if not _ours():
        return _page(context, access, wanted, OLD, status=400)
    name, password = request.form.get("name", ""), request.form.get("password", "")
    address = request.remote_addr or ""
    user = None
    try:
        if 0 < len(name) <= LONGEST_NAME and 0 < len(password) <= LONGEST_SECRET:
            user = context.passwords.check(access, name.strip(), password, address, context.now_ms)
    except TooManyTries as error:
        log.warning("too many tries to sign in as %.80r from %s", name, address)
        return _page(context, access, wanted, WAIT, status=429, wait_s=error.wait_s)
    except Problem:
        return _page(context, access, wanted, BUSY, status=503)
    if user is None:
        log.warning("somebody could not sign in as %.80r from %s", name, address)
        return _page(context, access, wanted, WRONG, status=403)
    return _signed_in(context, user.name, wanted, {"mark": mark(user)})


@pages.post("/sign-out")
def leave() -> Response:
    """End the session, in every window and of every copy of its cookie."""
    context = here()
    signed = session_now.get()
    if signed is not None:
        if not _ours():
            return _refused()
        context.sessions.end(context.redis, signed.caller.session)
        log.info("%.80r signed out", signed.caller.name)
    if here().watcher.current.access is not None and "_user_id" in session:
        logout_user()
        session.clear()
    return _to("/sign-in" if context.watcher.current.access else "/")


@pages.post("/language")
def speak() -> Response:
    """Keep the language that somebody chose, in this browser."""
    if session_now.get() is not None and not _ours():
        return _refused()
    place = urlsplit(request.headers.get("Referer", ""))
    back = same_site(place.path + (f"?{place.query}" if place.query else "")) if place.netloc == request.host else "/"
    return _spoken(_to(back), request.args.get("to", ""))


@pages.get("/sign-in/openid")
def ask_provider() -> Response:
    """To the provider of the configuration."""
    context = here()
    access, wanted = context.watcher.current.access, same_site(request.args.get("next"))
    if access is None or access.openid is None or current_user_name():
        return _to(wanted)
    if context.sessions.signer(access) is None:
        return _page(context, access, wanted, NO_REDIS, status=503)
    try:
        answer = _provider().begin(access.openid, _back(context), context.now_ms)
    except OpenIdError as error:
        return _page(context, access, wanted, str(error), status=502)
    except Problem:
        return _page(context, access, wanted, BUSY, status=503)
    session["next"] = wanted
    return answer


@pages.get("/sign-in/openid/back")
def come_back() -> Response:
    """From the provider, with its word on who this is."""
    context = here()
    access = context.watcher.current.access
    wanted = same_site(session.get("next")) if session else "/"
    if access is None or access.openid is None or current_user_name():
        return _to(wanted)
    openid: OpenId = access.openid
    try:
        name, groups = _provider().finish(openid, context.now_ms)
    except OpenIdError as error:
        return _page(context, access, wanted, str(error), status=403 if error.permanent else 502)
    except Problem:
        return _page(context, access, wanted, BUSY, status=503)
    if granted(openid, groups) is None:
        log.warning("%.100r came from %s but has none of the roles of the configuration", name, openid.issuer)
        return _page(context, access, wanted, UNMAPPED, status=403, name=name)
    return _signed_in(context, name, wanted, {"issuer": openid.issuer, "groups": groups})


# ── what they share ───────────────────────────────────────────────────────────────────────────────


def current_user_name() -> str:
    """The name of whoever is signed in, "" for anybody else."""
    return str(current_user.id) if current_user.is_authenticated else ""


def _signed_in(context: Context, name: str, wanted: str, proof: dict[str, Any]) -> Response:
    """A new session for somebody who has shown who it is; whatever the browser brought is forgotten."""
    session.clear()
    session.update(fresh(context.now_ms), **proof)
    login_user(Person(name))
    log.info("%.100r signed in from %s", name, request.remote_addr)
    return _spoken(_to(wanted), request.form.get("language", ""))


def _page(
    context: Context,
    access: Access,
    wanted: str,
    error: str = "",
    *,
    status: int = 200,
    wait_s: int = 0,
    name: str = "",
) -> Response:
    """The sign-in page, in the language that was asked for, was chosen before, or the browser prefers."""
    site = context.watcher.current.site
    asked = request.values.get("language", "")
    chosen = asked if asked in LANGUAGES else ""
    kept = request.cookies.get(LANGUAGE, "")
    language = chosen or (
        kept if kept in LANGUAGES else preferred(request.headers.get("Accept-Language", ""), site.language)
    )
    token = ""
    if context.sessions.signer(access) is None:
        error, status = NO_REDIS, 503
    else:
        token = _form_token()
    say = words(language)
    response = make_response(
        sign_in_page(
            SignIn(
                site=site.name,
                token=token,
                wanted=wanted,
                name=request.form.get("name", "")[:LONGEST_NAME],
                chosen=chosen,
                error=say(error, s=wait_s, name=name) if error else "",
                openid=(access.openid.label or urlsplit(access.openid.issuer).hostname or "") if access.openid else "",
                by_password=bool(access.users) or access.openid is None,
            ),
            say,
        ),
        status,
    )
    if wait_s:
        response.headers["Retry-After"] = str(wait_s)
    return response


def _form_token() -> str:
    """The token of this browser's forms, before anybody is signed in."""
    if "_user_id" in session:
        session.clear()  # of a session that is over
    if "csrf" not in session:
        session["csrf"] = fresh(0)["csrf"]
    return str(session["csrf"])


def _ours() -> bool:
    """Whether a form comes from a page of ours: it brings the token that this browser's session has."""
    signed = session_now.get()
    token = signed.token if signed else str(session.get("csrf", "")) if session else ""
    return bool(token) and hmac.compare_digest(request.form.get("csrf", "").encode(), token.encode())


def _refused() -> Response:
    answer = Problem(403, "csrf", "this page is from an earlier sign-in; load it again").answer()
    return Response(answer.body, answer.status, content_type=answer.content_type)


def _to(place: str) -> Response:
    return make_response(redirect(place, 303))


def _spoken(response: Response, language: str) -> Response:
    if language in LANGUAGES:
        response.set_cookie(
            LANGUAGE, language, max_age=LANGUAGE_S, secure=request.is_secure, httponly=True, samesite="Lax"
        )
    return response


def _provider() -> Provider:
    """The provider's side, loaded when the first person signs in by it."""
    found: Provider = current_app.extensions["floorlight-openid"]()
    return found


def _back(context: Context) -> str:
    """Where the provider sends people: under the site's own address, if it has one."""
    return (context.watcher.current.site.url or request.url_root.rstrip("/")) + "/sign-in/openid/back"

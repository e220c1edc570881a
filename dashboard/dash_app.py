"""The Dash application, which lives inside Flask: pages from ``dashboard/pages``, assets from the top folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dash
import redis
from flask import Flask, Response, request
from flask_caching import Cache
from redis.backoff import NoBackoff
from redis.retry import Retry

from dashboard import context, layout
from dashboard.access import sign_in
from dashboard.document import document
from dashboard.headers import page_policy

TOP = Path(__file__).resolve().parent.parent
PAGES = TOP / "dashboard" / "pages"
ASSETS = TOP / "assets"

YEAR_S = 365 * 24 * 3600

META = (
    {"name": "viewport", "content": "width=device-width, initial-scale=1"},
    {"name": "color-scheme", "content": "dark light"},
    {"name": "robots", "content": "noindex, nofollow"},
    {"name": "referrer", "content": "same-origin"},
)


def build(watcher: context.Watcher, redis_url: str, *, clock: context.Clock) -> dash.Dash:
    """The Dash app with its Flask server in ``.server``; nothing is connected before the first request.

    The server's context (``dashboard.context.here()``) holds the watcher, a synchronous Redis client, the clock and
    Flask-Caching's cache, which keeps what it memoises in the same Redis, shared by all processes.
    """
    server = Flask("floorlight", static_folder=None)
    cache = Cache(
        server,
        config={
            "CACHE_TYPE": "RedisCache",
            "CACHE_REDIS_URL": redis_url,
            "CACHE_KEY_PREFIX": "cache:",
            "CACHE_DEFAULT_TIMEOUT": 300,
        },
    )
    # One more try for a connection that went stale, and no waiting: a page must open while Redis is away.
    client = redis.Redis.from_url(redis_url, socket_timeout=5, socket_connect_timeout=2, retry=Retry(NoBackoff(), 1))
    here = context.Context(watcher, client, clock, cache)
    context.attach(server, here)
    sign_in.attach(server, here)
    app = Floorlight(
        "floorlight",
        server=server,
        use_pages=True,
        pages_folder=str(PAGES),
        assets_folder=str(ASSETS),
        assets_ignore=r".*\.mjs|sign_in\.css",  # the documents name what they need; Dash would load it a second time
        serve_locally=True,
        compress=False,  # the ASGI side compresses, once per file, whoever asks
        meta_tags=[dict(tag) for tag in META],
        title=watcher.current.site.name,
        update_title="",  # a wall must not flicker its title at each callback
        suppress_callback_exceptions=True,
        add_log_handler=False,
        enable_mcp=False,
    )
    app.layout = layout.layout
    server.after_request(_cache_headers)
    server.after_request(lambda response: _policy(app, response))
    _finish(app)
    return app


class Floorlight(dash.Dash):
    """Dash with a document of our own, which shows the page before Dash's scripts have arrived."""

    def interpolate_index(self, **parts: Any) -> str:
        return document(request.path, request.args.to_dict(), **parts)


def _finish(app: dash.Dash) -> None:
    """Let Dash load its pages and callbacks now.

    It would do so at the first request, and a second request that comes in the middle of that finds half of the
    callbacks; after a restart all screens come at once.
    """
    app.enable_dev_tools(debug=False, dev_tools_disable_version_check=True)
    answer = app.server.test_client().get("/_dash-dependencies")
    if answer.status_code != 200:
        raise RuntimeError(f"Dash answered {answer.status} when it was asked for its callbacks")


def _policy(app: dash.Dash, response: Response) -> Response:
    if response.mimetype == "text/html" and "Content-Security-Policy" not in response.headers:
        response.headers["Content-Security-Policy"] = page_policy(script_hashes(app))
    return response


def _cache_headers(response: Response) -> Response:
    """Assets whose address changes with their content may be kept for ever, everything else is asked for again.

    Dash puts the file's time in the address: ``/assets/x.css?m=…`` and ``…/dash_renderer.v4_4_1m….js``.
    """
    if request.path.startswith("/assets/"):
        fingerprinted = "m" in request.args
        response.headers["Cache-Control"] = f"public, max-age={YEAR_S}, immutable" if fingerprinted else "no-cache"
    elif "max-age=31536000" in response.headers.get("Cache-Control", ""):
        response.headers["Cache-Control"] = f"public, max-age={YEAR_S}, immutable"
    elif "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
    return response


def script_hashes(app: dash.Dash) -> list[str]:
    """CSP sources of the inline scripts that Dash writes into its page: the callbacks that run in the browser."""
    return list(dict.fromkeys(app.csp_hashes()))

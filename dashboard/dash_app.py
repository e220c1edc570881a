"""The Dash application, which lives inside Flask: pages from ``dashboard/pages``, assets from the top folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dash
import redis
from flask import Flask, Response, request
from flask_caching import Cache

from dashboard import context, layout

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
    client = redis.Redis.from_url(redis_url, socket_timeout=5, socket_connect_timeout=2)
    context.attach(server, context.Context(watcher, client, clock, cache))
    app = dash.Dash(
        "floorlight",
        server=server,
        use_pages=True,
        pages_folder=str(PAGES),
        assets_folder=str(ASSETS),
        serve_locally=True,
        compress=False,  # the ASGI side compresses, once per file, whoever asks
        meta_tags=[dict(tag) for tag in META],
        title=watcher.current.site.name,
        update_title="",  # a wall must not flicker its title at each callback
        index_string=layout.INDEX,
        suppress_callback_exceptions=True,
        add_log_handler=False,
        enable_mcp=False,
    )
    app.layout = layout.layout
    server.after_request(_cache_headers)
    return app


def _cache_headers(response: Response) -> Response:
    """Assets whose address changes with their content may be kept for ever, everything else is asked for again.

    Dash puts the file's time in the address: ``/assets/x.css?m=…`` and ``…/dash_renderer.v4_4_1m….js``.
    """
    if request.path.startswith("/assets/"):
        fingerprinted = "m" in request.args
        response.headers["Cache-Control"] = f"public, max-age={YEAR_S}, immutable" if fingerprinted else "no-cache"
    elif "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
    return response


def script_hashes(app: dash.Dash) -> list[str]:
    """CSP sources of the inline scripts that Dash writes into its page; asks Dash to load its pages first."""
    hashes: list[str] = list(dict.fromkeys(app.csp_hashes()))
    return hashes


__all__ = ["Any", "build", "script_hashes"]

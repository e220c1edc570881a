"""The web application: native routes in front (live feed, API, health, metrics), Flask with Dash behind them."""

from __future__ import annotations

from dashboard import dash_app
from dashboard.asgi import App, Receive, Scope, Send
from dashboard.access.caller import Caller
from dashboard.context import Clock, Watcher, caller_now
from dashboard.flask_mount import FlaskMount


def create(watcher: Watcher, redis_url: str, *, clock: Clock) -> App:
    """The ASGI application of one web process."""
    flask = FlaskMount(dash_app.build(watcher, redis_url, clock=clock).server)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        caller_now.set(Caller.local())
        await flask(scope, receive, send)

    return app

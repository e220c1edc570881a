"""Run the web role: listen, say so, and stop within two seconds however many screens are connected."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from ipaddress import ip_address

import uvicorn

from dashboard.server import Application

STOP_S = 2
BACKLOG = 2048


class ServeError(Exception):
    """The server cannot listen. ``permanent``: not before somebody changes something."""

    def __init__(self, message: str, *, permanent: bool = True) -> None:
        super().__init__(message)
        self.permanent = permanent


class _Server(uvicorn.Server):
    """uvicorn waits for open answers before it says goodbye; a live stream would never end by itself."""

    def __init__(self, config: uvicorn.Config, app: Application) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.close_streams()
        await super().shutdown(sockets)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach ``host``."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def listen(host: str, port: int, *, signed_in: bool) -> socket.socket:
    """A socket that listens. ``port`` 0: any free one. ``signed_in``: whether the configuration has ``access``.

    Raises ``ServeError`` when the port is taken, the host is not ours, or nobody would have to sign in.
    """
    if not signed_in and not is_loopback(host):
        raise ServeError(
            f"without access: in the configuration nobody signs in, so the server listens on this machine alone, not on {host}; "
            "add users or screens under access:, or leave --host out"
        )
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ServeError(f"port {port} on {host} is in use; stop what listens there, or choose another with --port") from error
        raise ServeError(f"cannot listen on {host} port {port}: {error.strerror or error}") from error
    listener.setblocking(False)
    return listener


async def serve(app: Application, listener: socket.socket, *, ready: Callable[[str], None] = lambda address: None) -> None:
    """Serve until SIGINT or SIGTERM. ``ready`` gets the address once the socket listens.

    No access log: at five changes a second it would say nothing, and a screen's token would stand in it.
    """
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_S,
        timeout_keep_alive=65,  # longer than a proxy keeps its side, so that it never writes into a closed connection
        h11_max_incomplete_event_size=64 * 1024,
    )
    host, port = listener.getsockname()[:2]
    ready(f"http://{f'[{host}]' if ':' in host else host}:{port}")
    await _Server(config, app).serve(sockets=[listener])

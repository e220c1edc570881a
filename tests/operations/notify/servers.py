"""Real servers on loopback: mail and web hooks that take messages, refuse, hang and die as they are told."""

from __future__ import annotations

import email
import email.policy
import http.server
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class Hook:
    """An HTTP server. ``answer``: a status, ``hang`` (until ``release`` is set) or ``die`` (hang up in the middle). ``got``: bodies, whatever was answered."""

    def __init__(self) -> None:
        self.answer: int | str = 200
        self.got: list[dict[str, Any]] = []
        self.release = threading.Event()
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # noqa: N802
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                hook.got.append(json.loads(body) if body.startswith(b"{") else {"text": body.decode()})
                if hook.answer == "hang":
                    hook.release.wait(60)
                if hook.answer == "die":
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                self.send_response(hook.answer if isinstance(hook.answer, int) else 200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"127.0.0.1:{self._server.server_port}"

    @contextmanager
    def serving(self) -> Iterator[Hook]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.release.set()
            self._server.shutdown()
            self._server.server_close()


class Mailbox:
    """A handler for an SMTP server: ``answers`` by recipient, else 250. ``got``: what was taken in."""

    def __init__(self) -> None:
        self.answers: dict[str, str] = {}
        self.got: list[EmailMessage] = []
        self.die = False

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:  # noqa: N802
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.die:
            server.transport.abort()
            return "451 gone"
        content = envelope.content
        assert isinstance(content, bytes)
        message = email.message_from_bytes(content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.got.append(message)
        return "250 OK"


@contextmanager
def mail(box: Mailbox) -> Iterator[str]:
    """An SMTP server; its ``host:port``."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        controller.stop()


@contextmanager
def silent() -> Iterator[str]:
    """A server that takes connections and never says a word; its ``host:port``."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def closed() -> str:
    """An address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"

"""Every role in one command: a process for each, beside a Redis of our own where none is named, watched until told to stop."""

from __future__ import annotations

import argparse
import contextlib
import http.client
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from operations.store.embedded_redis import EmbeddedRedis, EmbeddedRedisError, mortal
from roles import child, journal, starting
from roles.starting import ROOT, CannotStart

log = logging.getLogger(__name__)

BACK_OFF_S = (0.2, 1.0, 2.0, 5.0, 10.0)
"""Wait before each further start of a role that keeps dying."""
STEADY_S = 30.0
"""Alive for so long, a role has earned the shortest wait again."""
FAREWELL_S = 2.5
"""What the roles together may take to end. With Redis's own end after it (``EmbeddedRedis.stop``), all is over within 5 s."""
TICK_S = 0.1
OLDEST_REDIS = (6, 2)
"""The first that trims a stream by age."""


def data_folder() -> Path:
    """Where the embedded Redis keeps its data: WALLBOARD_DATA, or ``data`` beside app.py."""
    return Path(os.environ.get("WALLBOARD_DATA") or ROOT / "data").absolute()


@dataclass
class RoleProcess:
    """One role's process. ``command`` starts it; ``descriptors`` are handed down to it."""

    name: str
    command: list[str]
    environ: dict[str, str]
    descriptors: tuple[int, ...] = ()
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    deaths: int = field(default=0, init=False)
    start_at: float = field(default=0.0, init=False)
    started_at: float = field(default=0.0, init=False)

    def keep_alive(self, now: float) -> None:
        """Start it when it is time to, say that it died when it did. ``now``: monotonic seconds."""
        if self.process is None:
            if now >= self.start_at:
                self._start(now)
            return
        status = self.process.poll()
        if status is None:
            return
        self._close()
        self.deaths = 0 if now - self.started_at > STEADY_S else self.deaths
        pause = BACK_OFF_S[min(self.deaths, len(BACK_OFF_S) - 1)]
        how = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        log.error("the role %s %s; starting it again in %g s", self.name, how, pause)
        self.deaths += 1
        self.start_at = now + pause

    def _start(self, now: float) -> None:
        try:
            self.process = subprocess.Popen(
                mortal(self.command),
                env=self.environ,
                # A pipe that nobody writes to: its end tells the child that we are gone.
                stdin=subprocess.PIPE,
                pass_fds=self.descriptors,
                # A terminal's Ctrl-C goes to the parent alone, which ends the roles in order.
                process_group=0,
            )
        except OSError as error:
            log.error("the role %s could not be started: %s", self.name, error)
            self.start_at = now + BACK_OFF_S[-1]
            return
        self.started_at = now

    def _close(self) -> None:
        if self.process and self.process.stdin:
            with contextlib.suppress(OSError):
                self.process.stdin.close()
        self.process = None

    def ask_to_end(self) -> None:
        """SIGTERM, when it runs."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()

    def end(self, patience_s: float) -> None:
        """Wait for its end at most ``patience_s``, then kill it."""
        if self.process is None:
            return
        try:
            self.process.wait(max(0.0, patience_s))
        except subprocess.TimeoutExpired:
            log.warning("the role %s did not end by itself in time; killed", self.name)
            self.process.kill()
            self.process.wait()
        self._close()


def run(chosen: argparse.Namespace) -> int:
    """Run every role until SIGTERM or Ctrl-C; the exit status."""
    journal.begin("all", as_json=chosen.log_json, level=chosen.log_level)
    watcher = starting.configuration(chosen.config)
    starting.may_listen(chosen.host, watcher.current, chosen.config)
    url = starting.named_redis(chosen, watcher.current)
    # Bound once, here: a port in use is told before anything starts, and while the web role is started again, screens wait instead of being refused.
    listener = starting.listening(chosen.host, chosen.port)
    stop = threading.Event()
    child.on_stop(stop.set)
    with listener, contextlib.ExitStack() as stack:
        embedded = None
        if url:
            _await_redis(url, stop)
        else:
            try:
                embedded = stack.enter_context(EmbeddedRedis(data_folder()))
            except EmbeddedRedisError as error:
                raise CannotStart(str(error)) from error
        roles = _roles(chosen, embedded.url if embedded else "", listener)
        address = _address(listener)
        threading.Thread(target=_announce, args=(address, stop), name="announce", daemon=True).start()
        try:
            while not stop.is_set():
                if embedded:
                    embedded.keep_alive()
                for role in roles:
                    role.keep_alive(time.monotonic())
                stop.wait(TICK_S)
        finally:
            end = time.monotonic() + FAREWELL_S
            for role in roles:
                role.ask_to_end()
            for role in roles:
                role.end(end - time.monotonic())
    return 0


def _roles(chosen: argparse.Namespace, embedded_url: str, listener: socket.socket) -> list[RoleProcess]:
    environ = {**os.environ, "PYTHONUNBUFFERED": "1"}
    if embedded_url:
        environ["FLOORLIGHT_EMBEDDED_REDIS"] = embedded_url
    shared = ["--child", "--config", str(chosen.config.absolute()), "--log-level", chosen.log_level]
    shared += ["--log-json"] if chosen.log_json else []

    def role(name: str, *words: str, descriptors: tuple[int, ...] = ()) -> RoleProcess:
        return RoleProcess(name, [sys.executable, str(ROOT / "app.py"), name, *shared, *words], environ, descriptors)

    return [
        role("operate"),
        role("collect"),
        role("serve", "--fd", str(listener.fileno()), descriptors=(listener.fileno(),)),
    ]


def _await_redis(url: str, stop: threading.Event) -> None:
    """Wait until the named Redis answers; say once why it does not. Raises ``CannotStart`` where waiting cannot help."""
    said = False
    while not stop.is_set():
        try:
            with redis.Redis.from_url(
                url, socket_timeout=5, socket_connect_timeout=5, retry=Retry(NoBackoff(), 0)
            ) as client:
                info = client.info()
            break
        except redis.exceptions.AuthenticationError as error:
            raise CannotStart(
                f"Redis at {starting.without_secret(url)} does not accept the password in REDIS_URL: {error}"
            ) from error
        except redis.RedisError as error:
            if not said:
                log.warning("waiting for Redis at %s: %s", starting.without_secret(url), str(error).rstrip("."))
            said = True
        stop.wait(1)
    else:
        return
    version = tuple(int(part) for part in str(info.get("redis_version", "0")).split(".")[:2])
    if version < OLDEST_REDIS:
        raise CannotStart(
            f"Redis at {starting.without_secret(url)} is {info.get('redis_version')}; 6.2 or newer is needed"
        )
    if str(info.get("maxmemory_policy", "noeviction")) != "noeviction" and info.get("maxmemory"):
        log.warning(
            "Redis may forget what it holds when memory runs out (maxmemory-policy %s); set noeviction",
            info["maxmemory_policy"],
        )


def _address(listener: socket.socket) -> str:
    """The URL that a person on this machine opens."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{host}:{port}"


def _announce(address: str, stop: threading.Event) -> None:
    """Say where the wall is as soon as it really answers."""
    host = address.removeprefix("http://")
    while not stop.is_set():
        connection = http.client.HTTPConnection(host, timeout=10)
        try:
            connection.request("GET", "/")
            if connection.getresponse().status < 500:
                print(f"\nThe wall is at {address} (Ctrl-C ends it)\n", flush=True)
                return
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        stop.wait(0.1)

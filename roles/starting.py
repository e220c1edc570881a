"""What every role does first: read the configuration, find Redis, set up the log. Every failure is one clear word."""

from __future__ import annotations

import argparse
import errno
import ipaddress
import logging
import os
import re
import socket
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from operations.projects.configuration import Configuration
    from operations.projects.watcher import ConfigurationWatcher

log = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[1]
DEFAULT_CONFIGURATION = ROOT / "wallboard.yaml"


class CannotStart(Exception):
    """The program cannot run. ``str(error)`` is all that the user sees: what is wrong and what to do. ``status``: 1, or 2 for a wrong configuration."""

    def __init__(self, message: str, status: int = 1) -> None:
        super().__init__(message)
        self.status = status


def clock() -> int:
    """The time, epoch milliseconds. The roots of the roles hand this to everything below them."""
    return time.time_ns() // 1_000_000


def instance() -> str:
    """This process's name among all that share a Redis."""
    return f"{socket.gethostname()}-{os.getpid()}"


def check(chosen: argparse.Namespace) -> int:
    """``app.py check``: say everything that is wrong with the configuration; 0 or 2."""
    from operations.projects.check import check as check_file

    code, text = check_file(chosen.config, os.environ)
    print(text, file=sys.stderr if code else sys.stdout)
    return code


def configuration(path: Path) -> ConfigurationWatcher:
    """The configuration, watched for changes. Raises ``CannotStart`` (status 2) with all errors at once."""
    from operations.projects.configuration import ConfigurationInvalid
    from operations.projects.watcher import ConfigurationWatcher

    try:
        return ConfigurationWatcher(path, os.environ)
    except ConfigurationInvalid as invalid:
        count = len(invalid.errors)
        raise CannotStart(
            f"the configuration {path} has {count} error{'s' if count > 1 else ''}:\n  " + "\n  ".join(invalid.errors),
            2,
        ) from invalid


def follow(watcher: ConfigurationWatcher, stop: threading.Event, every_s: float = 0.5) -> threading.Thread:
    """Look after the configuration file from a thread of its own, so that a change takes effect within 2 s."""

    def look() -> None:
        while not stop.wait(every_s):
            try:
                watcher.poll()
            except Exception:  # nothing that lies in a file may end the watch over it
                log.exception("the configuration could not be looked at")

    thread = threading.Thread(target=look, name="configuration", daemon=True)
    thread.start()
    return thread


def follow_edits(watcher: ConfigurationWatcher, url: str) -> None:
    """Lay the targets that managers edit on the pages over the file, now and whenever the watcher looks."""
    from operations.store import edits

    watcher.follow_edits(edits.reader(url))


def named_redis(chosen: argparse.Namespace, configured: Configuration) -> str:
    """The URL of the Redis to use, "" for the embedded one."""
    # Only the parent of all roles sets ``chosen.redis``: to the socket of the Redis that it has embedded.
    return str(chosen.redis or (configured.redis_url.get_secret_value() if configured.redis_url else ""))


def shared_redis(chosen: argparse.Namespace, configured: Configuration) -> str:
    """The URL of the Redis that this role shares with the others. Raises ``CannotStart`` where none is named."""
    url = named_redis(chosen, configured)
    if not url:
        raise CannotStart(
            f"the role {chosen.role} alone needs a Redis that all roles share: name it in REDIS_URL, or under redis: in {chosen.config}; "
            "only `python app.py` without a role brings its own"
        )
    return url


def without_secret(url: str) -> str:
    """A Redis URL as a log may show it: no password, no options (redis-py takes passwords there too)."""
    return re.sub(r"//[^/@]*@", "//…@", url.partition("?")[0])


def is_loopback(host: str) -> bool:
    """Whether only programs on this machine can reach ``host``."""
    try:
        return ipaddress.ip_address(host.strip("[]").partition("%")[0]).is_loopback
    except ValueError:
        return host == "localhost"


def may_listen(host: str, configured: Configuration, path: Path) -> None:
    """Raises ``CannotStart`` when others could reach ``host`` and the configuration lets everybody in."""
    if configured.access is None and not is_loopback(host):
        raise CannotStart(
            f"{path} has no access: section, so everybody who reaches {host} could see everything; "
            "add access: with users or screens, or listen on 127.0.0.1 only (leave --host out)",
            2,
        )


def listening(host: str, port: int) -> socket.socket:
    """A bound and listening socket. Raises ``CannotStart`` with a clear word."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise CannotStart(
            f"--host {host}: no such address ({error.strerror}); 127.0.0.1 is this machine, 0.0.0.0 all its networks"
        ) from error
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1 if host.strip("[]") != "::" else 0)
        bound.bind(address)
        bound.listen(2048)
    except OSError as error:
        bound.close()
        if error.errno == errno.EADDRINUSE:
            raise CannotStart(
                f"port {port} on {host} is in use by another program; stop that one, or choose another port: --port {port + 1 if port < 65535 else 8050}"
            ) from error
        if error.errno in (errno.EACCES, errno.EPERM):
            raise CannotStart(
                f"port {port} is reserved for the system's own services; choose one from 1024 on: --port 8050"
            ) from error
        if error.errno == errno.EADDRNOTAVAIL:
            raise CannotStart(
                f"--host {host}: this machine has no such address; 127.0.0.1 is this machine, 0.0.0.0 all its networks"
            ) from error
        raise CannotStart(f"cannot listen on {host} port {port}: {error.strerror}") from error
    return bound

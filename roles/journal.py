"""The log: set up once per process, plain lines (time, level, role, words) or JSON objects, to standard error."""

from __future__ import annotations

import faulthandler
import json
import logging
import signal
import sys
import time

from roles.starting import CannotStart

LEVELS = ("debug", "info", "warning", "error")


class _Plain(logging.Formatter):
    def __init__(self, role: str) -> None:
        super().__init__(f"%(asctime)s %(levelname)-7s {role:<7} %(message)s")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        at = time.localtime(record.created)
        return f"{time.strftime('%Y-%m-%d %H:%M:%S', at)}.{int(record.msecs):03d}{time.strftime('%z', at)}"


class _Json(logging.Formatter):
    def __init__(self, role: str) -> None:
        super().__init__()
        self._role = role

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": int(record.created * 1000),
            "level": record.levelname.lower(),
            "role": self._role,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def begin(role: str, *, as_json: bool = False, level: str = "info") -> None:
    """Set up the log of this process. Raises ``CannotStart`` for an unknown level."""
    if level.lower() not in LEVELS:
        raise CannotStart(f"--log-level {level}: unknown; one of {', '.join(LEVELS)}", 2)
    if hasattr(signal, "SIGUSR1"):
        faulthandler.register(signal.SIGUSR1)  # `kill -USR1 PID` tells where a process stands, and it goes on
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json(role) if as_json else _Plain(role))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for chatty in ("werkzeug", "asyncio", "uvicorn.access"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING if level == "info" else level.upper())

"""The recorded logs, and the fold of a log into events, for this folder's tests."""

from __future__ import annotations

import json
import lzma
from pathlib import Path
from typing import Any

from collectors.events import AnyEvent
from collectors.queue_log.protocol import LineReader
from collectors.queue_log.translate import Translator

DATA = Path(__file__).parents[2] / "data" / "queue_log"

RUN_A: bytes = lzma.decompress((DATA / "run-a.queue_log.xz").read_bytes())
TRUTH: dict[str, Any] = json.loads((DATA / "run-a.truth.json").read_text())
TRAPS: dict[str, str] = json.loads(lzma.decompress((DATA / "traps.json.xz").read_bytes()))
T0 = 1_795_313_000
"""A second near the recordings, for logs made up in tests."""


def events_of(*logs: bytes | str) -> list[AnyEvent]:
    """Everything that these logs, one after the other, tell."""
    reader, translator = LineReader(), Translator()
    lines = []
    for log in logs:
        lines += reader.feed(log.encode() if isinstance(log, str) else log)
    lines += reader.finish()
    return [event for line in lines for event in translator.translate(line)]


def trap(number: int) -> list[AnyEvent]:
    """What the log of a trap tells."""
    name = next(name for name in TRAPS if name.startswith(f"t{number:02}_"))
    return events_of(TRAPS[name])


def log(*rows: str, second: int = T0) -> str:
    """Lines from rows like ``"+5 c1|q|NONE|ENTERQUEUE||123|1"``: the number is seconds after ``second``."""
    made = []
    for row in rows:
        after, rest = row.split(" ", 1)
        made.append(f"{second + int(after)}|{rest}\n")
    return "".join(made)

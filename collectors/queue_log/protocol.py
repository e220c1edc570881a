"""The lines of Asterisk's ``queue_log``: bytes in, frozen lines out, no I/O.

One line is ``time|uniqueid|queue|agent|VERB|field|…``. The time is in whole seconds since the epoch; logs that go through Asterisk's
realtime engine carry ``YYYY-MM-DD HH:MM:SS.ffffff`` on the PBX's local clock instead. Asterisk escapes nothing, so a ``|`` in an agent's
name or a caller's number shifts the fields; the verb is then found by its name.
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

import msgspec

MAX_LINE = 64 * 1024
"""Bytes in one line, at most; a longer one is skipped and counted."""

VERBS = frozenset(
    (
        # contacts
        *("ENTERQUEUE", "CONNECT", "COMPLETEAGENT", "COMPLETECALLER", "ABANDON", "EXITWITHTIMEOUT", "EXITWITHKEY"),
        *("EXITEMPTY", "WITHDRAW", "RINGNOANSWER", "RINGCANCELED", "BLINDTRANSFER", "ATTENDEDTRANSFER", "TRANSFER"),
        *("AGENTDUMP", "SYSCOMPAT", "DID"),
        # agents
        *("PAUSE", "UNPAUSE", "PAUSEALL", "UNPAUSEALL", "ADDMEMBER", "REMOVEMEMBER", "PENALTY", "RINGINUSE"),
        *("AGENTLOGIN", "AGENTLOGOFF", "AGENTCALLBACKLOGIN", "AGENTCALLBACKLOGOFF"),
        # the log itself
        *("QUEUESTART", "CONFIGRELOAD"),
    )
)
"""Every verb that app_queue, chan_agent, app_agent_pool and the logger write, from Asterisk 1.4 to 22."""

_EARLIEST_S = 631_152_000  # 1990: before Asterisk
_LATEST_S = 7_258_118_400  # 2200
_UNKNOWN_KINDS = 100


class Line(msgspec.Struct, frozen=True, gc=False):
    """One whole line. ``ms``: epoch milliseconds as the PBX wrote them; ``exact``: it wrote a fraction of the second.

    ``fields``: what follows the verb. ``NONE`` stands in ``contact``, ``queue`` and ``agent`` where the log says so.
    """

    ms: int
    exact: bool
    contact: str
    queue: str
    agent: str
    verb: str
    fields: tuple[str, ...]


class LineReader:
    """Cuts a stream of bytes into lines, however the bytes arrive.

    ``zone``: the PBX's time zone, needed only for logs with dates. ``pending``: bytes since the end of the last whole line.
    ``lines``, ``garbage``, ``too_long``: counts of what came; ``unknown``: verbs that nobody knows, and how often.
    """

    def __init__(self, zone: tzinfo = UTC) -> None:
        self._zone = zone
        self._rest = bytearray()
        self._skipping = False
        self._time_text = ""
        self._time: tuple[int, bool] | None = None
        self.pending = 0
        self.lines = 0
        self.garbage = 0
        self.too_long = 0
        self.unknown: dict[str, int] = {}

    def feed(self, data: bytes) -> list[Line]:
        """The lines that are whole with these bytes, in order; a partial last line waits for more."""
        *whole, rest = data.split(b"\n")
        found: list[Line] = []
        for number, raw in enumerate(whole):
            if number == 0 and (self._rest or self._skipping):
                self._rest += raw
                raw = bytes(self._rest)
                self._rest.clear()
                if self._skipping:
                    self._skipping = False
                    self.lines += 1
                    self.too_long += 1
                    continue
            self._take(raw, found)
        if whole:
            self.pending = 0
        self.pending += len(rest)
        if not self._skipping:
            self._rest += rest
            if len(self._rest) > MAX_LINE:
                self._rest.clear()
                self._skipping = True
        return found

    def finish(self) -> list[Line]:
        """The stream is over: what waited is a line, too. The reader is ready for another stream."""
        return self.feed(b"\n") if self.pending else []

    def forget(self) -> None:
        """Drop the partial line: its rest will never come."""
        self._rest.clear()
        self._skipping = False
        self.pending = 0

    def _take(self, raw: bytes, found: list[Line]) -> None:
        self.lines += 1
        if len(raw) > MAX_LINE:
            self.too_long += 1
            return
        # A file system that lost power leaves blocks of NUL before the next line.
        text = raw.lstrip(b"\0").rstrip(b"\r").decode("utf-8", "replace")
        if not text:
            if not raw.rstrip(b"\r"):
                self.lines -= 1  # an empty line is not even garbage
            else:
                self.garbage += 1
            return
        parts = text.split("|")
        time_text = parts[0]
        if time_text != self._time_text:
            self._time, self._time_text = parse_time(time_text, self._zone), time_text
        if self._time is None or len(parts) < 5:
            self.garbage += 1
            return
        verb_at = 4
        if parts[4] not in VERBS:
            verb_at = next((at for at in range(5, min(len(parts), 12)) if parts[at] in VERBS), 4)
            if verb_at == 4:
                self._count_unknown(parts[4])
                return
        ms, exact = self._time
        agent = parts[3] if verb_at == 4 else "|".join(parts[3:verb_at])
        found.append(Line(ms, exact, parts[1], parts[2], agent, parts[verb_at], tuple(parts[verb_at + 1 :])))

    def _count_unknown(self, verb: str) -> None:
        verb = verb[:40]
        if verb not in self.unknown and len(self.unknown) >= _UNKNOWN_KINDS:
            verb = "…"
        self.unknown[verb] = self.unknown.get(verb, 0) + 1


def parse_time(text: str, zone: tzinfo = UTC) -> tuple[int, bool] | None:
    """Epoch milliseconds and whether a fraction was given; None when this is no time.

    Reads ``1795313310``, ``1795313310.123456`` and ``2026-11-22 04:48:30.123456`` (local time of ``zone`` unless it carries an offset).
    """
    if not text.isascii() or len(text) > 40:
        return None
    whole, dot, fraction = text.partition(".")
    if whole.isdigit():
        seconds = int(whole)
        if not _EARLIEST_S <= seconds <= _LATEST_S or (dot and not fraction.isdigit()):
            return None
        return seconds * 1000 + (int(fraction[:3].ljust(3, "0")) if dot else 0), bool(dot)
    if len(text) < 19 or text[4] != "-":
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
        seconds = int((moment.replace(microsecond=0)).timestamp())
    except (ValueError, OverflowError):
        return None
    if not _EARLIEST_S <= seconds <= _LATEST_S:
        return None
    return seconds * 1000 + moment.microsecond // 1000, bool(dot)

"""The event socket on the wire: bytes in, frozen frames out; commands as bytes. No I/O, bounded memory.

A frame is a block of headers, a blank line, and a body of ``Content-Length`` bytes. Frames and headers are split as bytes *before* anything
is unquoted: FreeSWITCH leaves ``%0A`` in a caller's name as it came, so a name that is unquoted first could forge a header.
"""

from __future__ import annotations

from collections.abc import Container
from urllib.parse import unquote

import msgspec

LONGEST = 16 * 1024 * 1024
"""A body longer than this is no event and no table of a contact centre; the stream cannot be trusted any more."""
LONGEST_HEAD = 64 * 1024


class ProtocolError(ValueError):
    """These bytes are not the event socket's; there is no way to find the next frame."""


class Frame(msgspec.Struct, frozen=True, gc=False):
    """One frame. ``headers``: the first value of each name, as it came; ``body``: bytes."""

    headers: dict[str, str]
    body: bytes = b""

    @property
    def kind(self) -> str:
        """``auth/request``, ``command/reply``, ``api/response``, ``text/event-plain``, ``text/disconnect-notice``…"""
        return self.headers.get("Content-Type", "")

    @property
    def reply(self) -> str:
        """The answer to a command: the text of a ``command/reply``, the body of an ``api/response``."""
        if self.kind == "command/reply":
            return self.headers.get("Reply-Text", "")
        return self.body.decode("utf-8", "replace")


class EslParser:
    """Feed it what was read, in pieces of any size; the frames do not depend on where it was cut. Raises ``ProtocolError``."""

    def __init__(self, longest: int = LONGEST) -> None:
        self._longest = longest
        self._buffer = bytearray()
        self._scanned = 0
        self._headers: dict[str, str] | None = None
        self._wants = 0
        self.frames = 0
        """Frames handed out."""

    @property
    def buffered(self) -> int:
        """Bytes of the frame that is not yet whole."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that became whole with these bytes."""
        buffer = self._buffer
        buffer += data
        found: list[Frame] = []
        start = 0
        while True:
            if self._headers is None:
                while buffer.startswith((b"\n", b"\r"), start):  # a userauth's reply ends with a line too many
                    start += 1
                end = buffer.find(b"\n\n", max(start, self._scanned))
                if end < 0:
                    if len(buffer) - start > LONGEST_HEAD:
                        raise ProtocolError("a block of headers without an end")
                    self._scanned = max(0, len(buffer) - 1 - start)
                    break
                self._headers = _head(bytes(buffer[start:end]))
                self._wants = self._length(self._headers)
                start = end + 2
                self._scanned = 0
            if len(buffer) - start < self._wants:
                break
            found.append(Frame(self._headers, bytes(buffer[start : start + self._wants])))
            start += self._wants
            self._headers, self._wants = None, 0
        del buffer[:start]
        self.frames += len(found)
        return found

    def _length(self, headers: dict[str, str]) -> int:
        told = headers.get("Content-Length", "0")
        if not (told.isascii() and told.isdigit()) or len(told) > 12 or int(told) > self._longest:
            raise ProtocolError("a body of an impossible length")
        return int(told)


def _head(raw: bytes) -> dict[str, str]:
    headers: dict[str, str] = {}
    if len(raw) > LONGEST_HEAD:
        raise ProtocolError("a block of headers without an end")
    for line in raw.decode("utf-8", "replace").split("\n"):
        name, colon, value = line.removesuffix("\r").partition(":")
        if not colon:
            raise ProtocolError("a line that is no header")
        headers.setdefault(name, value.removeprefix(" "))
    if "Content-Type" not in headers:
        raise ProtocolError("a frame without a Content-Type")
    return headers


def parse_event(body: bytes, wanted: Container[str]) -> dict[str, str]:
    """The ``wanted`` headers of a ``text/event-plain`` body: split first, then each value unquoted. The first of a name counts."""
    headers: dict[str, str] = {}
    for line in body.partition(b"\n\n")[0].decode("utf-8", "replace").split("\n"):
        name, colon, value = line.partition(": ")
        if colon and name in wanted and name not in headers:
            headers[name] = unquote(value, errors="replace") if "%" in value else value
    return headers


def encode_command(text: str) -> bytes:
    """A command as bytes. ``ValueError`` when it holds a line break: that would be a second command."""
    if any(mark in text for mark in "\r\n\0"):
        raise ValueError("a command must not hold a line break")
    return text.encode() + b"\n\n"


def one_word(name: str) -> str:
    """A name as one argument of an API command: blanks part words there, quotes keep them together and a backslash takes the next sign as it is."""
    if not any(mark in name for mark in " '\\"):
        return name
    return "'" + name.replace("\\", "\\\\").replace("'", "\\'") + "'"

"""AMI on the wire: bytes in, frozen messages out; actions as bytes. No I/O, bounded memory.

Frames are split as bytes and a whole message is decoded at once, so that a name cut by a read keeps its letters.
An event that nobody wants is dropped by its first line, before its headers are split: at 9,400 events a
second that is what makes the difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

LONGEST = 1_000_000
"""A message longer than this is dropped; reading goes on after the next blank line."""

_SLICE = 256 * 1024
_FOLLOWS = b"Response: Follows"
_END_COMMAND = b"--END COMMAND--"


class Message(msgspec.Struct, frozen=True, gc=False):
    """One message. ``headers`` holds the first value of each name; ``repeated`` all values of names that came twice.

    ``output``: the lines of a command's output, in either of the two forms that Asterisk has.
    """

    headers: dict[str, str]
    repeated: dict[str, tuple[str, ...]] = {}
    output: tuple[str, ...] = ()
    banner: str = ""

    def get(self, name: str, default: str = "") -> str:
        return self.headers.get(name, default)

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a header, in order."""
        if name in self.repeated:
            return self.repeated[name]
        value = self.headers.get(name)
        return () if value is None else (value,)

    @property
    def event(self) -> str:
        return self.headers.get("Event", "")

    @property
    def response(self) -> str:
        return self.headers.get("Response", "")


class AmiParser:
    """Feed it what was read, in pieces of any size; the messages do not depend on where it was cut.

    ``wanted``: names of events to hand out, None for all. ``only_with``: for some of them, texts of which one must occur in the
    message (``{"VarSet": ["Variable: QUEUESTATUS"]}``). Responses are always handed out.
    """

    def __init__(
        self,
        wanted: Iterable[str] | None = None,
        only_with: Mapping[str, Iterable[str]] | None = None,
        longest: int = LONGEST,
    ) -> None:
        self._wanted = None if wanted is None else frozenset(name.encode() for name in wanted)
        self._only_with = {
            name.encode(): tuple(text.encode() for text in texts) for name, texts in (only_with or {}).items()
        }
        self._longest = longest
        self._buffer = bytearray()
        self._scanned = 0
        self._greeted = False
        self._discarding = False
        self.messages = 0
        """Messages handed out."""
        self.skipped = 0
        """Events dropped because nobody wants them."""
        self.overlong = 0
        """Messages dropped because they were longer than ``longest``."""

    @property
    def buffered(self) -> int:
        """Bytes of the message that is not yet whole."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[Message]:
        """The messages that became whole with these bytes."""
        found: list[Message] = []
        if len(data) <= _SLICE:
            self._take(data, found)
        else:
            view = memoryview(data)
            for start in range(0, len(data), _SLICE):
                self._take(view[start : start + _SLICE], found)
        return found

    def _take(self, data: bytes | memoryview, found: list[Message]) -> None:
        buffer = self._buffer
        buffer += data
        start = 0
        if not self._greeted:
            start = self._greet(found)
            if not self._greeted:
                return
        scan = max(start, self._scanned)
        size = len(buffer)
        longest = self._longest
        crlf_at = (
            lf_at
        ) = -2  # the next blank line in either style; -2: not looked for yet, so each byte is looked at once
        awaits_mark = False
        while True:
            if not self._discarding:
                while start < size and buffer[start] in b"\r\n":
                    start += 1
                if buffer.startswith(_FOLLOWS, start):  # its text may hold blank lines
                    mark = buffer.find(_END_COMMAND, start)
                    if mark < 0 or mark - start > longest:
                        if size - start < longest + len(_END_COMMAND):
                            awaits_mark = True
                            break
                        self.overlong += 1
                        self._discarding = True
                        start += longest
                    else:
                        scan = max(scan, mark)
            if scan < start:
                scan = start
            if -1 != crlf_at < scan:
                crlf_at = buffer.find(b"\n\r\n", scan)
            if -1 != lf_at < scan:
                lf_at = buffer.find(b"\n\n", scan)
            if crlf_at >= 0 and (lf_at < 0 or crlf_at < lf_at):
                end, after = crlf_at, crlf_at + 3
            elif lf_at >= 0:
                end, after = lf_at, lf_at + 2
            else:
                break
            if self._discarding:
                self._discarding = False
            elif end - start > longest:
                self.overlong += 1
            elif end > start:
                self._message(start, end, found)
            start = scan = after
        if self._discarding:
            start = max(start, size - 2)
        elif size - start > longest + 2 and not awaits_mark:
            self.overlong += 1  # no end in sight: what is here goes now, the rest as it comes
            self._discarding = True
            start = size - 2
        del buffer[:start]
        self._scanned = 0 if awaits_mark else max(0, size - 2 - start)

    def _greet(self, found: list[Message]) -> int:
        """The banner is one line without a blank line after it, and only at the very beginning."""
        end = self._buffer.find(b"\n", 0, 1024)
        if end < 0 and len(self._buffer) < 1024:
            return 0
        self._greeted = True
        if end < 0 or b":" in self._buffer[:end]:
            return 0
        line = bytes(self._buffer[:end]).decode("utf-8", "replace").strip()
        if line:
            found.append(Message({}, banner=line))
            self.messages += 1
        return end + 1

    def _message(self, start: int, end: int, found: list[Message]) -> None:
        buffer = self._buffer
        if self._wanted is not None and buffer.startswith(b"Event: ", start):
            line_end = buffer.find(b"\n", start, end)
            if line_end < 0:
                line_end = end
            name = bytes(buffer[start + 7 : line_end]).rstrip()
            if name not in self._wanted:
                self.skipped += 1
                return
            texts = self._only_with.get(name)
            if texts is not None and not any(buffer.find(text, start, end) >= 0 for text in texts):
                self.skipped += 1
                return
        self.messages += 1
        found.append(parse_message(bytes(buffer[start:end])))


def parse_message(raw: bytes) -> Message:
    """One whole message, without its final blank line."""
    text = raw.decode("utf-8", "replace")
    if text.startswith("Response: Follows"):
        return _parse_follows(text)
    pairs = [line.split(": ", 1) for line in text.removesuffix("\r").split("\r\n")]
    try:
        headers = dict(pairs)
        if len(headers) == len(pairs) and "\n" not in text.replace("\r\n", ""):
            return Message(headers)  # what Asterisk sends nearly always
    except ValueError:
        pass  # a line without ": ", looked at below
    return _parse_slowly(text.split("\n"))


def _parse_slowly(lines: Iterable[str]) -> Message:
    headers: dict[str, str] = {}
    repeated: dict[str, tuple[str, ...]] = {}
    for line in lines:
        line = line.removesuffix("\r")
        name, colon, value = line.partition(":")
        if not colon:
            if not line:
                continue
            name, value = "", line  # text that is no header: kept under no name
        value = value.removeprefix(" ")
        if name in headers:
            repeated[name] = (*repeated.get(name, (headers[name],)), value)
        else:
            headers[name] = value
    output = repeated.get("Output") or ((headers["Output"],) if "Output" in headers else ())
    return Message(headers, repeated, output)


def _parse_follows(text: str) -> Message:
    """``Response: Follows``: a few headers, then free text up to the end mark (Asterisk before 14)."""
    body = text.partition(_END_COMMAND.decode())[0]
    lines = [line.removesuffix("\r") for line in body.split("\n")]
    at = 0
    while at < len(lines) and lines[at].partition(":")[0] in ("Response", "Privilege", "ActionID"):
        at += 1
    head = _parse_slowly(lines[:at])
    output = lines[at:]
    if output and not output[-1]:
        output.pop()
    return Message(head.headers, head.repeated, tuple(output))


def encode_action(name: str, headers: Mapping[str, str] | None = None) -> bytes:
    """An action as bytes. ``ValueError`` when a name or value holds a line break: that would be a second action."""
    lines = [("Action", name), *(headers or {}).items()]
    for key, value in lines:
        if any(mark in text for text in (key, value) for mark in "\r\n\0") or ":" in key:
            raise ValueError(f"a header of an action must not hold a line break: {key[:40]!r}")
    return "".join(f"{key}: {value}\r\n" for key, value in lines).encode() + b"\r\n"

"""What a real Asterisk sent, from tests/data/asterisk: bytes, arrival times and the queue_log that tells the truth."""

from __future__ import annotations

import functools
import io
import json
import lzma
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from collectors.asterisk.protocol import AmiParser, Message
from collectors.asterisk.translate import Translator
from collectors.asterisk.words import ONLY_WITH, WANTED
from collectors.events import AnyEvent

DATA = Path(__file__).parent.parent / "data" / "asterisk"


@dataclass(frozen=True)
class Recording:
    """One connection: every message as it came, and when (epoch ms)."""

    raw: bytes
    messages: list[tuple[int, bytes]]


def _recording(raw: bytes, times: bytes) -> Recording:
    messages, at = [], 0
    for line in times.decode().splitlines():
        length, arrived = line.split()
        messages.append((int(arrived), raw[at : at + int(length)]))
        at += int(length)
    return Recording(raw, messages)


@functools.cache
def run_a() -> Recording:
    return _recording(
        lzma.decompress((DATA / "run-a.ami.xz").read_bytes()), lzma.decompress((DATA / "run-a.times.xz").read_bytes())
    )


@functools.cache
def run_a_lists() -> Recording:
    """The answers to QueueStatus that a second client got every 5 s of run A."""
    raw = lzma.decompress((DATA / "run-a-lists.ami.xz").read_bytes())
    return _recording(raw, lzma.decompress((DATA / "run-a-lists.times.xz").read_bytes()))


def run_a_with_lists() -> Recording:
    """Run A as if its own client had asked for the whole state every 5 s."""
    own = [(at, raw) for at, raw in run_a().messages if b"ActionID: rec-1-" not in raw]
    # sorted by time alone, so each client's order stays
    return Recording(b"", sorted([*own, *run_a_lists().messages], key=lambda row: row[0]))


@functools.cache
def run_a_queue_log() -> str:
    return lzma.decompress((DATA / "run-a.queue_log.xz").read_bytes()).decode()


@functools.cache
def run_a_truth() -> dict[str, dict[str, Any]]:
    truth: dict[str, dict[str, Any]] = json.loads((DATA / "run-a.truth.json").read_text())["queues"]
    return truth


@functools.cache
def _traps() -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(lzma.decompress((DATA / "traps.tar.xz").read_bytes()))) as tar:
        found = {}
        for member in tar.getmembers():
            file = tar.extractfile(member)
            assert file is not None
            found[member.name] = file.read()
        return found


def trap_names() -> list[str]:
    return sorted({name.split("/")[0] for name in _traps()})


def _full_name(name: str) -> str:
    (full,) = [known for known in trap_names() if known == name or known.startswith(name + "_")]
    return full


def trap(name: str, connection: int = 1) -> Recording:
    """A trap's recording by its number (``t09``); some have a second connection after a restart."""
    full = _full_name(name)
    return _recording(_traps()[f"{full}/c0{connection}.ami"], _traps()[f"{full}/c0{connection}.times"])


def trap_queue_log(name: str) -> str:
    return _traps()[f"{_full_name(name)}/queue_log"].decode()


def replay(recording: Recording, translator: Translator | None = None, *, wait_ms: int = 60_000) -> list[AnyEvent]:
    """The events that a session would tell, at the recorded times, with the recorder's own lists as answers."""
    parser, fold = AmiParser(WANTED, ONLY_WITH), translator or Translator()
    told: list[AnyEvent] = []
    at = 0
    listing = ""
    for at, raw in recording.messages:
        told += fold.due(at)
        for message in parser.feed(raw):
            if message.event == "QueueParams" and message.get("ActionID") != listing:
                listing = message.get("ActionID")
                fold.expect_list(listing, at)
            told += fold.translate(message, at)
    return told + fold.due(at + wait_ms)


def messages_of(recording: Recording) -> list[Message]:
    return AmiParser().feed(recording.raw)


def truth_of(queue_log: str) -> dict[tuple[str, str], list[tuple[str, ...]]]:
    """Per queue and contact what the ACD's own log says of each visit, in its words: times in seconds, in order."""
    told: dict[tuple[str, str], list[tuple[str, ...]]] = {}
    for line in queue_log.splitlines():
        _, contact, queue, agent, verb, *rest = line.split("|")
        words = told.setdefault((queue, contact), []) if contact not in ("NONE", "MANAGER", "REALTIME") else []
        if verb == "ENTERQUEUE":
            words.append(("entered",))
        elif verb == "CONNECT":
            words.append(("answered", agent, rest[0]))
        elif verb == "ABANDON":
            words.append(("abandoned", rest[2]))
        elif verb == "EXITWITHTIMEOUT":
            words.append(("left timeout", rest[2]))
        elif verb == "EXITEMPTY":
            words.append(("left empty", rest[2]))
        elif verb == "EXITWITHKEY":
            words.append(("left key",))
        elif verb == "WITHDRAW":
            words.append(("left callback" if rest[3:] == ["callback"] else "left other", rest[2]))
        elif verb in ("COMPLETEAGENT", "COMPLETECALLER") and words[-1][0] != "transferred":
            words.append(("completed", agent, rest[1]))
        elif verb in ("BLINDTRANSFER", "ATTENDEDTRANSFER"):
            words.append(("transferred", agent, rest[-2]))
        elif verb == "RINGNOANSWER":
            words.append(("rang no answer", agent, rest[0]))
    return told


def told_of(events: list[AnyEvent]) -> dict[tuple[str, str], list[tuple[str, ...]]]:
    """The same from our events."""
    told: dict[tuple[str, str], list[tuple[str, ...]]] = {}
    for event in events:
        word: tuple[str, ...]
        kind = type(event).__name__.removeprefix("Contact")
        if kind == "Entered":
            word = ("entered",)
        elif kind == "Answered":
            word = ("answered", event.agent, _s(event.wait_ms))  # type: ignore[union-attr]
        elif kind == "Abandoned":
            word = ("abandoned", _s(event.wait_ms))  # type: ignore[union-attr]
        elif kind == "Left":
            word = (f"left {event.why}", *([] if event.why == "key" else [_s(event.wait_ms)]))  # type: ignore[union-attr]
        elif kind == "Completed":
            word = ("transferred" if event.transferred else "completed", event.agent, _s(event.talk_ms))  # type: ignore[union-attr]
        elif kind == "RangNoAnswer":
            word = ("rang no answer", event.agent, str(event.ring_ms))  # type: ignore[union-attr]
        else:
            continue
        told.setdefault((event.queue, event.contact), []).append(word)  # type: ignore[union-attr]
    return told


def _s(ms: int | None) -> str:
    return "" if ms is None else str(ms // 1000)

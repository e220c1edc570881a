"""A fuzz target for AMI: recorded bytes, broken at random, through the parser and the translator.

``python -m tests.fuzz.fuzz_ami [seconds] [seed]`` runs until it finds something or the time is over; ``one(data)`` is the
target for any other fuzzer (atheris: ``atheris.Setup(sys.argv, one)``). What must hold for any bytes: nothing is raised,
memory stays bounded, cutting differently changes nothing, and every event can be written to the log and read back.
"""

from __future__ import annotations

import random
import sys
import time

from collectors.asterisk.protocol import AmiParser
from collectors.asterisk.translate import Translator
from collectors.asterisk.words import ONLY_WITH, WANTED
from collectors.events import AnyEvent, decode, encode
from tests.collectors.recordings import trap, trap_names

LONGEST = 20_000
_WORDS = (
    b"\r\n", b"\r\n\r\n", b"\n\n", b": ", b"Event: ", b"Uniqueid: ", b"Queue: ", b"\x00", b"\xff", b"Response: Follows\r\n", b"--END COMMAND--",
    b"Status: 99999999999999", b"HoldTime: -1", b"RingTime: x", b"Interface: \r\n", b"ActionID: rec-1-2\r\n", b"Paused: 1", b"Wrapuptime: 5",
    b"Variable: QUEUESTATUS\r\nValue: TIMEOUT\r\n", b"Event: AgentConnect\r\n", b"Event: Hangup\r\n", b"MemberName: \r\n",
)  # fmt: skip


def one(data: bytes) -> None:
    """Feed the bytes, whole and in pieces; raises AssertionError or whatever the code under test raises."""
    whole = _tell(data, len(data) or 1)
    pieces = _tell(data, 61)
    assert pieces == whole, "the events depend on where the bytes were cut"
    assert decode(encode(whole)) == whole, "an event does not survive the log"


def _tell(data: bytes, piece: int) -> list[AnyEvent]:
    parser, translator = AmiParser(WANTED, ONLY_WITH, longest=LONGEST), Translator(wrap_up_s=5)
    translator.expect_list("rec-1-2", 1_000)
    told: list[AnyEvent] = []
    now = 1_000
    for start in range(0, len(data), piece):
        for message in parser.feed(data[start : start + piece]):
            now += 137  # by the message, so that time does not depend on the pieces
            told += translator.due(now)
            told += translator.translate(message, now)
        assert parser.buffered <= LONGEST + 1100, "the buffer grows"
    told += translator.due(now + 20_000)
    due = translator.next_due()
    assert due is None or due > now + 20_000, "a deadline stays behind"
    return told + translator.finish(now + 20_000)


def broken(dice: random.Random) -> bytes:
    """Some stretch of a recording with some damage."""
    raw = trap(dice.choice(trap_names())).raw
    start = dice.randrange(len(raw))
    data = bytearray(raw[start : start + dice.choice((200, 3_000, 30_000))])
    for _ in range(dice.randint(0, 12)):
        at = dice.randrange(len(data) + 1)
        match dice.randrange(5):
            case 0:
                data[at:at] = dice.choice(_WORDS)
            case 1:
                del data[at : at + dice.choice((1, 2, 40, 700))]
            case 2:
                data[at : at + 1] = bytes([dice.randrange(256)])
            case 3:
                data[at:at] = data[at : at + dice.choice((30, 900))]
            case _:
                data[at:at] = bytes(dice.randrange(256) for _ in range(dice.choice((1, 8, 64)))) * dice.choice((1, 300))
    return bytes(data)


def run(seconds: float, seed: int, most: int | None = None) -> int:
    """Try broken recordings until the time is over or ``most`` are done; returns how many."""
    dice = random.Random(seed)
    end = time.monotonic() + seconds
    tried = 0
    while time.monotonic() < end and tried != most:
        data = broken(dice)
        try:
            one(data)
        except BaseException:
            print(f"seed {seed}, try {tried}: {data!r}", file=sys.stderr)
            raise
        tried += 1
    return tried


if __name__ == "__main__":
    chosen = [float(text) for text in sys.argv[1:3]]
    spent = chosen[0] if chosen else 60.0
    print(f"{run(spent, int(chosen[1]) if len(chosen) > 1 else random.randrange(10**6))} inputs, nothing found")

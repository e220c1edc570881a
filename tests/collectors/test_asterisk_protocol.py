"""The AMI parser: any bytes, cut anywhere."""

from __future__ import annotations

import random
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.asterisk.protocol import AmiParser, Message, encode_action
from collectors.asterisk.words import ONLY_WITH, WANTED
from tests.collectors.recordings import run_a, trap

FORMS = (
    b"Asterisk Call Manager/11.0.0\r\n"
    b"Response: Success\r\nActionID: 1\r\nMessage: ok\r\n\r\n"
    b"Response: Follows\r\nPrivilege: Command\r\nActionID: 2\r\nfirst\n\nEvent: not one\n\r\n\r\nlast\n--END COMMAND--\r\n\r\n"
    b"Response: Success\r\nActionID: 3\r\nOutput: one\r\nOutput: two: 2\r\nOutput: \r\n\r\n"
    b"Event: Newchannel\r\nChanVariable(SIP/1): a=1\r\nChanVariable(SIP/1): b=2\r\nEmpty: \r\nAlso empty:\r\n\r\n"
    b"Event: Bare\nQueue: sales\n\n\n\r\n"
    b"Event: Mixed\r\nQueue: sales\r\n\n"
    + "Event: Named\r\nMemberName: 李娜 Müller\r\n\r\n".encode()
    + b"Event: Broken\r\nMemberName: \xff\xfe\xe6\x9d\r\n\r\n"
    + b"no header at all\r\nQueue: x\r\n\r\n"
    + b"Event: Long\r\nX: " + b"y" * 400 + b"\r\n\r\n"
    + b"Event: After\r\nQueue: z\r\n\r\n"
)  # fmt: skip


def parse(data: bytes, cuts: list[int], **more: object) -> tuple[list[Message], int, int, int]:
    parser = AmiParser(**more)  # type: ignore[arg-type]
    found, last = [], 0
    for cut in [*cuts, len(data)]:
        found += parser.feed(data[last:cut])
        last = cut
    return found, parser.messages, parser.skipped, parser.overlong


def test_every_form_of_message_is_read() -> None:
    found, _, _, overlong = parse(FORMS, [], longest=300)
    banner, success, follows, output, repeated, bare, mixed, named, broken, headless, after = found
    assert banner.banner == "Asterisk Call Manager/11.0.0"
    assert (success.response, success.get("ActionID"), success.get("absent", "-")) == ("Success", "1", "-")
    assert follows.output == ("first", "", "Event: not one", "", "", "last") and follows.get("ActionID") == "2"
    assert output.output == ("one", "two: 2", "")
    assert repeated.all("ChanVariable(SIP/1)") == ("a=1", "b=2")
    assert repeated.get("Empty") == repeated.get("Also empty") == "" and "Also empty" in repeated.headers
    assert (bare.event, bare.get("Queue"), mixed.event, mixed.get("Queue")) == ("Bare", "sales", "Mixed", "sales")
    assert named.get("MemberName") == "李娜 Müller"
    assert broken.get("MemberName").startswith("\ufffd")
    assert headless.all("") == ("no header at all",) and headless.get("Queue") == "x"
    assert after.event == "After" and overlong == 1


def test_every_form_cut_at_every_byte_reads_the_same() -> None:
    whole = parse(FORMS, [], longest=300)
    for cut in range(len(FORMS)):
        assert parse(FORMS, [cut], longest=300) == whole, cut
    assert parse(FORMS, list(range(len(FORMS))), longest=300) == whole


@pytest.mark.parametrize("name", ["t09", "t25"])
def test_a_recorded_session_fed_byte_by_byte_and_cut_at_every_byte_reads_the_same(name: str) -> None:
    raw = trap(name).raw
    parser, tail = AmiParser(), raw[-6000:]
    assert parse(raw, list(range(1, len(raw)))) == parse(raw, [])
    whole = parse(tail, [])
    for cut in range(1, len(tail)):
        assert parse(tail, [cut]) == whole, cut
    assert parser.buffered == 0


def test_run_a_in_random_pieces_reads_the_same_and_every_byte_is_used() -> None:
    raw = run_a().raw
    whole = AmiParser().feed(raw)
    assert len(whole) == len(run_a().messages)
    dice = random.Random(7)
    for most in (1_000, 5_000, 300_000):
        parser, found, at = AmiParser(), [], 0
        while at < len(raw):
            size = dice.randint(1, most)
            found += parser.feed(raw[at : at + size])
            at += size
        assert found == whole and parser.buffered == 0


def test_what_nobody_wants_is_skipped_and_the_rest_is_the_same() -> None:
    raw = run_a().raw
    parser = AmiParser(WANTED, ONLY_WITH)
    found = parser.feed(raw)
    texts = [text.partition(": ")[2] for text in ONLY_WITH["VarSet"]]
    expected = [
        message
        for message in AmiParser().feed(raw)
        if not message.event
        or (message.event in WANTED and (message.event != "VarSet" or message.get("Variable") in texts))
    ]
    assert found == expected
    assert parser.messages + parser.skipped == len(run_a().messages)


def test_a_line_of_a_hundred_megabytes_costs_no_memory_and_reading_goes_on_after_it() -> None:
    parser = AmiParser()
    parser.feed(b"Asterisk Call Manager/11.0.0\r\nEvent: Endless\r\nX: ")
    piece = b"x" * 65536
    tracemalloc.start()
    for _ in range(100 * 1024 * 1024 // len(piece)):
        assert parser.feed(piece) == []
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4_000_000
    assert [message.event for message in parser.feed(b"\r\n\r\nEvent: Next\r\n\r\n")] == ["Next"]
    assert parser.overlong == 1


def test_a_command_output_that_never_ends_is_given_up_at_the_same_place_wherever_it_was_cut() -> None:
    data = b"Response: Follows\r\n" + b"k\n\n" * 300 + b"\nEvent: C\r\n\r\nEvent: D\r\n\r\n"
    whole = parse(data, [], longest=500)
    assert [message.event for message in whole[0][-2:]] == ["C", "D"] and whole[3] == 1
    for cut in range(1, len(data)):
        assert parse(data, [cut], longest=500) == whole


PIECES = st.sampled_from([
    b"\r\n", b"\n", b"\r\n\r\n", b"\n\n", b"Event: ", b"Event: QueueCallerJoin\r\n", b"Response: Follows\r\n", b"--END COMMAND--",
    b"Queue: q\r\n", b": ", b"Asterisk Call Manager/5\r\n", b"\xff\x00", b"Output: x\r\n", b"Uniqueid: 1.1\r\n", b"y" * 70,
])  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(
    st.lists(PIECES | st.binary(max_size=12), max_size=60), st.lists(st.integers(0, 900), max_size=12), st.booleans()
)
def test_garbage_never_raises_never_grows_and_does_not_depend_on_the_cuts(
    pieces: list[bytes], cuts: list[int], choosy: bool
) -> None:
    data = b"".join(pieces)
    wanted = {"QueueCallerJoin"} if choosy else None
    whole = parse(data, [], longest=120, wanted=wanted)
    assert parse(data, sorted(min(cut, len(data)) for cut in cuts), longest=120, wanted=wanted) == whole
    assert parse(data, list(range(len(data))), longest=120, wanted=wanted) == whole
    parser = AmiParser(longest=120)
    parser.feed(data)
    assert parser.buffered <= max(1024, 120 + 32)


def test_an_action_is_bytes_with_a_blank_line_and_no_value_can_smuggle_in_another() -> None:
    assert encode_action("Login", {"Username": "mei"}) == b"Action: Login\r\nUsername: mei\r\n\r\n"
    for name, value in (
        ("Username", "a\r\nAction: Command"),
        ("Username", "a\n"),
        ("X\r\nY", "a"),
        ("X: y", "a"),
        ("X", "\0"),
    ):
        with pytest.raises(ValueError):
            encode_action("Login", {name: value})
    with pytest.raises(ValueError):
        encode_action("Login\r\nAction: Command")

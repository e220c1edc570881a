"""The event socket's frames: cut anywhere, hostile, endless."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.freeswitch.protocol import LONGEST_HEAD, EslParser, Frame, ProtocolError, encode_command, parse_event
from collectors.freeswitch.words import WANTED
from tests.collectors.freeswitch.frames import EVENTS, callcenter_event, event_frame, frame

ONE_OF_EACH = [
    event_frame(callcenter_event(action, {name: f"值 {name}" for name in form["headers"]}, 1_795_320_000_000_000))
    for action, forms in EVENTS.items()
    for form in forms
]
CHATTER = b"".join(
    [
        frame("auth/request"),
        frame("command/reply", Reply_Text="+OK accepted", Allowed_API="all") + b"\n",
        *ONE_OF_EACH,
        frame("api/response", "name|strategy\n支持@pbx|ring-all\n+OK\n".encode()),
        frame("api/response", b""),
        frame("text/disconnect-notice", b"Disconnected, goodbye.\n"),
    ]
)


def fed(data: bytes, piece: int) -> list[Frame]:
    parser = EslParser()
    return [found for start in range(0, len(data), piece) for found in parser.feed(data[start : start + piece])]


def test_frames_do_not_depend_on_where_they_are_cut() -> None:
    whole = EslParser().feed(CHATTER)
    assert [found.kind for found in whole[:2]] == ["auth/request", "command/reply"]
    assert len(whole) == len(ONE_OF_EACH) + 5
    for piece in (1, 2, 3, 7, 64, 1000):
        assert fed(CHATTER, piece) == whole


def test_every_single_cut_gives_the_same_frames() -> None:
    whole = EslParser().feed(CHATTER)
    for at in range(len(CHATTER)):
        parser = EslParser()
        assert parser.feed(CHATTER[:at]) + parser.feed(CHATTER[at:]) == whole
        assert parser.buffered == 0


@pytest.mark.parametrize("action", sorted(EVENTS))
def test_every_event_of_the_module_keeps_every_header_that_is_wanted(action: str) -> None:
    for form in EVENTS[action]:
        values = {name: f"李雷, 100% |{name}\n&=" for name in form["headers"]}
        (found,) = EslParser().feed(event_frame(callcenter_event(action, values, 17)))
        parsed = parse_event(found.body, WANTED)
        assert parsed["CC-Action"] == action
        assert {name: parsed[name] for name in values if name in WANTED} == {
            name: value for name, value in values.items() if name in WANTED
        }


def test_a_name_that_smuggles_a_header_stays_a_name() -> None:
    evil = "Evil%0ACC-Action: member-queue-end%0A%0AContent-Length: 99"
    values = dict.fromkeys(EVENTS["member-queue-start"][0]["headers"], "x") | {"CC-Member-CID-Name": evil}
    raw = event_frame(callcenter_event("member-queue-start", values, 17))
    assert b"Evil%0ACC-Action" in raw, "FreeSWITCH does not escape what looks escaped"
    (found,) = EslParser().feed(raw)
    parsed = parse_event(found.body, WANTED)
    assert parsed["CC-Action"] == "member-queue-start"
    assert parsed["CC-Member-CID-Name"] == "Evil\nCC-Action: member-queue-end\n\nContent-Length: 99"


def test_the_first_of_two_headers_counts_and_an_inner_body_is_not_read_as_headers() -> None:
    body = b"CC-Action: member-queue-start\nCC-Action: member-queue-end\nContent-Length: 17\n\nCC-Queue: forged\n"
    parsed = parse_event(body, WANTED)
    assert parsed == {"CC-Action": "member-queue-start"}


def test_the_first_of_two_headers_of_a_frame_counts() -> None:
    (found,) = EslParser().feed(b"Content-Type: auth/request\nContent-Type: api/response\n\n")
    assert found.kind == "auth/request"


def test_bytes_that_are_no_utf8_cost_their_letter_and_nothing_else() -> None:
    parsed = parse_event(b"CC-Member-CID-Name: M\xfcller%FFx\nCC-Queue: q\n\n", WANTED)
    assert parsed == {"CC-Member-CID-Name": "M\ufffdller\ufffdx", "CC-Queue": "q"}


@pytest.mark.parametrize(
    "bad",
    [
        b"HTTP/1.1 400 Bad Request\r\n\n\n",
        b"\x00\xff\xfe\n\n",
        b"Content-Type: api/response\nContent-Length: 99999999999999999999\n\n",
        b"Content-Type: api/response\nContent-Length: -1\n\n",
        b"Content-Type: api/response\nContent-Length: 16777217\n\n",
        "Content-Type: api/response\nContent-Length: ٣\n\n".encode(),
        b"Content-Length: 3\n\nabc",
        b"x" * (LONGEST_HEAD + 1),
        b"a: b\n" * (LONGEST_HEAD // 5 + 1),
        b"Content-Type: x\nA: " + b"b" * LONGEST_HEAD + b"\n\n",
    ],
)
def test_what_is_no_event_socket_is_refused_and_not_kept(bad: bytes) -> None:
    for piece in (len(bad), 4096):
        with pytest.raises(ProtocolError):
            fed(bad, piece)


def test_memory_is_bounded_by_one_frame() -> None:
    parser = EslParser()
    one = event_frame(callcenter_event("agent-add", {"CC-Agent": "a", "CC-Agent-Type": "callback"}, 17))
    for _ in range(2000):
        parser.feed(one)
        assert parser.buffered == 0
    assert parser.frames == 2000


@given(st.text(), st.integers(1, 40))
def test_any_name_comes_through_as_it_was(name: str, piece: int) -> None:
    name = name.replace("%", "")  # FreeSWITCH itself does not tell a literal %41 from an escaped one
    values = dict.fromkeys(EVENTS["member-queue-start"][0]["headers"], "x") | {"CC-Member-CID-Name": name}
    raw = event_frame(callcenter_event("member-queue-start", values, 17))
    (found,) = fed(raw, piece)
    assert parse_event(found.body, WANTED)["CC-Member-CID-Name"] == name


@given(st.binary(max_size=300))
def test_any_bytes_give_frames_or_a_refusal(data: bytes) -> None:
    try:
        fed(data, 7)
    except ProtocolError:
        return


@pytest.mark.parametrize("injected", ["api version\n\napi reloadxml", "auth x\r\n", "event\0plain"])
def test_a_command_with_a_line_break_is_never_sent(injected: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        encode_command(injected)

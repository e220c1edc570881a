"""Who a callback comes from, by vectors that others published; and what the door makes of it."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from collectors.door import BadBatch, Stranger
from collectors.twilio.callback import MOST_FIELDS, TwilioDoor, form, sign, verify
from collectors.twilio.settings import TwilioSettings
from tests.collectors.twilio.taskrouter import ACCOUNT, TOKEN, WORKSPACE

URL = "https://wall.example.com/ingest/flex"
NOW = 1_795_320_000_000
EVENT = [
    ("WorkspaceSid", WORKSPACE), ("EventType", "reservation.accepted"), ("TaskAttributes", '{"from": "+86 10 1234", "名": "李伟"}'),
    ("Empty", ""), ("AccountSid", ACCOUNT),
]  # fmt: skip


def test_the_example_of_twilios_documentation() -> None:
    params = [
        ("CallSid", "CA1234567890ABCDE"), ("Caller", "+14158675309"), ("Digits", "1234"), ("From", "+14158675309"),
        ("To", "+18005551212"),
    ]  # fmt: skip
    signature = "RSOYDt4T1cUTdK1PDd93/VVr8B8="
    assert sign("https://mycompany.com/myapp.php?foo=1&bar=2", params, "12345") == signature
    assert verify("https://mycompany.com/myapp.php?foo=1&bar=2", reversed(params), signature, "12345")


def test_the_example_of_a_library_in_another_language() -> None:
    params = [("To", "+18005551212"), ("From", "+12349013030"), ("Caller", "+12349013030"), ("Digits", "1234"), ("CallSid", "CA1234567890ABCDE")]  # fmt: skip
    assert sign("https://mycompany.com/myapp.php?foo=1&bar=2", params, "12345") == "0/KCTR6DLpKmkAf8muzZqo1nDgQ="


@pytest.mark.parametrize("signed", [URL, "https://wall.example.com:443/ingest/flex"])
def test_the_url_may_be_signed_with_its_port_or_without(signed: str) -> None:
    assert verify(URL, EVENT, sign(signed, EVENT, TOKEN), TOKEN)


@pytest.mark.parametrize(
    "wrong",
    [
        sign(URL, EVENT, "another-token"),
        sign(URL + "/", EVENT, TOKEN),
        sign(URL, [*EVENT, ("More", "1")], TOKEN),
        sign(URL, EVENT[1:], TOKEN),
        "",
        "李伟",
        sign(URL, EVENT, TOKEN).lower(),
    ],
)
def test_another_signature_is_not_twilios(wrong: str) -> None:
    assert not verify(URL, EVENT, wrong, TOKEN)


def door(**more: object) -> TwilioDoor:
    base = {"account_sid": ACCOUNT, "workspace_sid": WORKSPACE, "auth_token": TOKEN, "callback_url": URL}
    return TwilioDoor(TwilioSettings.model_validate(base | more))


def headers(signature: str) -> dict[str, str]:
    return {"x-twilio-signature": signature}


def test_a_signed_event_of_the_workspace_is_taken_and_counts_nothing() -> None:
    body = urlencode(EVENT).encode()
    at = door()
    assert at.recognise(headers(sign(URL, EVENT, TOKEN)), body, NOW) is None
    batch = at.read(body, NOW)
    assert batch.events == [] and at.taken(batch) == 0


def test_a_body_that_was_changed_on_the_way_is_refused() -> None:
    body = urlencode(EVENT).replace("accepted", "rejected").encode()
    with pytest.raises(Stranger, match="callback_url"):
        door().recognise(headers(sign(URL, EVENT, TOKEN)), body, NOW)


def test_a_request_without_a_signature_is_refused_before_its_body_is_read() -> None:
    with pytest.raises(Stranger, match="X-Twilio-Signature"):
        door().greet({}, NOW)


def test_a_source_without_a_callback_url_takes_none() -> None:
    with pytest.raises(Stranger, match="callback_url"):
        door(callback_url=None).greet(headers("x"), NOW)


@pytest.mark.parametrize("params", [EVENT[1:], [("WorkspaceSid", "WS" + "0" * 32), *EVENT[1:]], EVENT[:1]])
def test_what_is_no_event_of_this_workspace_is_refused(params: list[tuple[str, str]]) -> None:
    with pytest.raises(BadBatch):
        door().read(urlencode(params).encode(), NOW)


@pytest.mark.parametrize("body", [b"\xff", b"{}", b"a&b", b"&".join(b"a=1" for _ in range(MOST_FIELDS + 1))])
def test_a_body_that_is_no_form_comes_from_a_stranger(body: bytes) -> None:
    with pytest.raises(Stranger):
        form(body)


def test_an_empty_body_is_an_empty_form() -> None:
    assert form(b"") == []


def test_no_error_shows_the_token() -> None:
    with pytest.raises(Stranger) as refused:
        door().recognise(headers("wrong"), urlencode(EVENT).encode(), NOW)
    assert TOKEN not in str(refused.value)

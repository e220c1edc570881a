"""Apprise against a real mail server and a real web hook: what arrives, and what each kind of failure comes down to."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from operations.notify.sender import AppriseSender, SendFailed, failure
from operations.notify.words import Message
from tests.operations.notify.servers import Hook, Mailbox, closed, mail, silent

HTML = "<script>alert(1)</script> & <b>support</b>"
MESSAGE = Message(
    f"■ CRITICAL {HTML}: Longest wait 1:34 (goal 1:00)",
    f"First line\n▲ WARNING {HTML}\n   since noon *now* _and_ `then`",
    2,
)
CANARY = "s3cr3t-canary"


@pytest.fixture(scope="module")
def sender() -> AppriseSender:
    return AppriseSender()


@pytest.fixture
def hook() -> Iterator[Hook]:
    with Hook().serving() as found:
        yield found


def fails(sender: AppriseSender, url: str) -> tuple[str, bool]:
    with pytest.raises(SendFailed) as caught:
        sender.send(SecretStr(url), MESSAGE)
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None
    return str(caught.value), caught.value.permanent


def test_a_mail_arrives_as_plain_text_with_its_words_untouched(sender: AppriseSender) -> None:
    box = Mailbox()
    with mail(box) as address:
        url = SecretStr(f"mailto://{address}?to=lead@example.com&from=wall@example.com")
        sender.send(url, MESSAGE)
        sender.send(url, Message("✓ ENDED", "over", 0))  # the same address again
    assert [message["subject"] for message in box.got] == [MESSAGE.subject, "✓ ENDED"]
    assert box.got[0].get_content_type() == "text/plain"
    assert box.got[0].get_content().splitlines() == MESSAGE.body.split("\n")


def test_where_a_mail_is_sent_as_html_names_are_still_text(sender: AppriseSender) -> None:
    box = Mailbox()
    with mail(box) as address:
        sender.send(SecretStr(f"mailto://{address}?to=lead@example.com&from=wall@example.com&format=html"), MESSAGE)
    part = box.got[0].get_body(("html",))
    assert part is not None
    html = part.get_content()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "<script" not in html
    assert "<b>" not in html
    assert html.count("<br") == 2


def test_a_web_hook_gets_subject_body_and_kind(sender: AppriseSender, hook: Hook) -> None:
    sender.send(SecretStr(f"json://{hook.address}/in"), MESSAGE)
    sender.send(SecretStr(f"json://{hook.address}/in"), Message("✓ ENDED", "over", 0))
    first, second = hook.got
    assert (first["title"], first["message"], first["type"]) == (MESSAGE.subject, MESSAGE.body, "failure")
    assert second["type"] == "success"


@pytest.mark.parametrize(
    ("status", "permanent"),
    [(500, False), (503, False), (429, False), (408, False), (404, True), (401, True), (410, True), (400, True)],
)
def test_what_a_web_hook_answers_says_whether_to_try_again(
    sender: AppriseSender, hook: Hook, status: int, permanent: bool
) -> None:
    hook.answer = status
    assert fails(sender, f"json://u:{CANARY}@{hook.address}/{CANARY}") == (f"json answered {status}", permanent)


@pytest.mark.parametrize(
    ("answer", "permanent"),
    [("550 no such user " + CANARY, True), ("553 not here", True), ("451 later", False), ("452 full", False)],
)
def test_what_a_mail_server_answers_says_whether_to_try_again(
    sender: AppriseSender, answer: str, permanent: bool
) -> None:
    box = Mailbox()
    box.answers["lead@example.com"] = answer
    with mail(box) as address:
        url = f"mailto://{address}?to=lead@example.com&from=wall@example.com"
        assert fails(sender, url) == (f"mailto answered {answer[:3]}", permanent)


def test_a_sign_in_that_the_mail_server_does_not_offer_is_no_matter_of_time(sender: AppriseSender) -> None:
    with mail(Mailbox()) as address:
        words, permanent = fails(sender, f"mailto://user:{CANARY}@{address}?to=lead@example.com&from=wall@example.com")
    assert (words, permanent) == ("mailto does not offer the sign-in or encryption that the address asks for", True)


@pytest.mark.parametrize(
    "url",
    [f"json://{closed()}/", f"mailto://{closed()}?to=lead@example.com&from=wall@example.com"],
    ids=["web hook", "mail server"],  # the ports differ between the processes that run the tests
)
def test_nobody_there_may_change(sender: AppriseSender, url: str) -> None:
    assert fails(sender, url) == (f"{url.partition(':')[0]} cannot be reached", False)


def test_a_connection_that_dies_in_the_middle_may_change(sender: AppriseSender, hook: Hook) -> None:
    hook.answer = "die"
    assert fails(sender, f"json://{hook.address}/") == ("json broke the connection off", False)
    box = Mailbox()
    box.die = True
    with mail(box) as address:
        words, permanent = fails(sender, f"mailto://{address}?to=lead@example.com&from=wall@example.com")
    assert permanent is False
    assert words.startswith("mailto ")


def test_a_server_that_says_nothing_is_given_up_after_the_time_that_the_address_names(sender: AppriseSender) -> None:
    with silent() as address:
        assert fails(sender, f"json://{address}/?rto=0.2&cto=0.2") == ("json broke the connection off", False)


@pytest.mark.parametrize("url", ["nonsense://x", "json://", f"slack://{CANARY}", "mailto://", f"tgram://{CANARY}/"])
def test_an_address_that_apprise_does_not_take_is_refused_for_good(sender: AppriseSender, url: str) -> None:
    words, permanent = fails(sender, url)
    assert permanent
    assert words.startswith(f"{url.partition(':')[0]}: Apprise does not take this address; ")
    with pytest.raises(SendFailed):
        sender.check(SecretStr(url))


@pytest.mark.parametrize(
    "url",
    [
        "mailtos://u:p@mail.example.com?to=lead@example.com&from=wall@example.com",
        "slack://TXXXX1111/BXXXX2222/CXXXX3333CXXXX3333CXXXX33/#support",
        "workflow://prod-00.westus.logic.azure.com:443/643e69f83c8944/p4kKFGDdoqmpJvNIKlEBHSOxxxxxxxxxxxxxxxxxxx",
        "dingtalk://abcdefghijkl1234567890abcdefghijkl",
        "wecombot://12345678-1234-1234-1234-123456789012",
        "feishu://12345678-1234-1234-1234-123456789012",
        "twilio://AC" + "a" * 32 + ":" + "b" * 32 + "@15551234567/15557654321",
    ],
    ids=lambda url: url.partition(":")[0],
)
def test_the_services_that_are_asked_for_are_known(sender: AppriseSender, url: str) -> None:
    sender.check(SecretStr(url))


def test_what_is_sent_and_to_whom_is_in_no_log(sender: AppriseSender, hook: Hook) -> None:
    # A handler of the root, as the roles have one: pytest's own would also hear what is kept from the log.
    text, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(text), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        sender.send(SecretStr(f"json://user:{CANARY}@{hook.address}/{CANARY}?-key={CANARY}"), MESSAGE)
        fails(sender, f"json://user:{CANARY}@{closed()}/{CANARY}")
        fails(sender, f"slack://{CANARY}")
        logging.getLogger("elsewhere").debug("heard")
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    assert "heard" in text.getvalue()
    assert CANARY not in text.getvalue()
    assert "Longest wait" not in text.getvalue()


def test_only_where_nobody_was_met_is_it_sure_that_nothing_arrived(sender: AppriseSender, hook: Hook) -> None:
    def doubtful(url: str) -> bool:
        with pytest.raises(SendFailed) as caught:
            sender.send(SecretStr(url), MESSAGE)
        return caught.value.doubtful

    assert not doubtful(f"json://{closed()}/")
    assert not doubtful(f"mailto://{closed()}?to=lead@example.com&from=wall@example.com")
    hook.answer = 500
    assert not doubtful(f"json://{hook.address}/")
    hook.answer = "die"
    assert doubtful(f"json://{hook.address}/")
    with silent() as address:
        assert doubtful(f"json://{address}/?rto=0.2")


def test_words_that_nobody_knows_are_worth_another_try() -> None:
    assert (str(failure("x", [])), failure("x", []).permanent) == ("x did not accept the message", False)
    assert not failure("x", ["the number is 404 today"]).permanent

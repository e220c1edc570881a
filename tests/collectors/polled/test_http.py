"""Every way in which a vendor's HTTP API can fail, told apart, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from collectors.collector import CollectorError
from collectors.polled.http import LARGEST, HttpApi, retry_after_s
from collectors.polled.schedule import Limited
from tests.collectors.asterisk_link import KeptLink
from tests.collectors.http_acd import Asked, HttpAcd, Told

SECRET = "a-canary-of-a-secret"


def asking(answer: Callable[[Asked], Told] | Told, *, ahead_ms: int = 0) -> tuple[Any, KeptLink, HttpAcd]:
    """What one question brings (its answer or its error), the link it was asked on, and the server."""
    link = KeptLink()

    async def main() -> Any:
        await server.start()
        try:
            async with HttpApi(
                link, server.url, name="Acme ACD", rights="it needs the right to read queues", secrets=[SECRET]
            ) as api:
                api.authorize(f"Bearer {SECRET}", SECRET)
                try:
                    return await api.ask("GET", "/queues", params={"page": 2})
                except (CollectorError, Limited) as error:
                    return error
        finally:
            await server.stop()

    server = HttpAcd(answer if callable(answer) else lambda asked: answer, lambda: link.now_ms() + ahead_ms)
    return asyncio.run(main()), link, server


def test_an_answer_is_decoded_and_counts_as_a_sign_of_life() -> None:
    answer, link, server = asking(Told({"queues": [{"name": "客服"}]}))
    assert answer == {"queues": [{"name": "客服"}]}
    assert link.words == 1
    (asked,) = server.asked
    assert (asked.path, asked.query, asked.headers["authorization"]) == ("/queues", {"page": "2"}, f"Bearer {SECRET}")


def test_an_empty_answer_is_none() -> None:
    assert asking(Told(None, 204))[0] is None


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_are_permanent_and_name_the_right_that_is_missing(status: int) -> None:
    error, link, _ = asking(Told({"message": f"token {SECRET} is bad"}, status))
    assert isinstance(error, CollectorError) and error.permanent
    assert f"HTTP {status}" in str(error) and "it needs the right to read queues" in str(error)
    assert SECRET not in str(error)
    assert not link.words


def test_credentials_that_were_right_before_are_tried_again() -> None:
    async def main() -> CollectorError:
        answers = iter([Told({}), Told({}, 401)])
        server = HttpAcd(lambda asked: next(answers), link.now_ms)
        await server.start()
        async with HttpApi(link, server.url, name="Acme ACD", rights="") as api:
            await api.ask("GET", "/")
            with pytest.raises(CollectorError) as caught:
                await api.ask("GET", "/")
        await server.stop()
        return caught.value

    link = KeptLink()
    assert not asyncio.run(main()).permanent


@pytest.mark.parametrize(
    ("status", "headers", "after"),
    [
        (429, {"Retry-After": "7"}, 7.0),
        (429, {}, None),
        (503, {"Retry-After": "1.5"}, 1.5),
        (429, {"Retry-After": "x"}, None),
    ],
)
def test_a_limit_is_no_outage(status: int, headers: dict[str, str], after: float | None) -> None:
    error, link, _ = asking(Told({}, status, headers))
    assert isinstance(error, Limited) and error.retry_after_s == after
    assert not link.words, "what it tells grows old meanwhile"


@pytest.mark.parametrize(
    ("status", "permanent"), [(500, False), (502, False), (503, False), (404, False), (400, True), (422, True)]
)
def test_what_is_wrong_with_the_question_stays_wrong_and_what_is_wrong_with_the_server_passes(
    status: int, permanent: bool
) -> None:
    error, _, _ = asking(Told({"message": f"no such queue {SECRET}"}, status))
    assert isinstance(error, CollectorError) and error.permanent is permanent
    assert f"HTTP {status}: no such queue •••" in str(error)


@pytest.mark.parametrize("body", [b"<html>busy</html>", b"\xff\xfe\x00", b"{", b"[" * 100_000])
def test_an_answer_that_is_no_json_is_an_error_and_not_an_empty_floor(body: bytes) -> None:
    error, link, _ = asking(Told(body))
    assert isinstance(error, CollectorError) and not error.permanent and "no JSON" in str(error)
    assert not link.words


def test_an_answer_without_end_is_cut_off() -> None:
    error, _, _ = asking(Told(b" " * (LARGEST + 1)))
    assert isinstance(error, CollectorError) and "more than 16 MB" in str(error)


def test_a_redirect_is_not_followed_because_it_would_carry_the_secret_elsewhere() -> None:
    error, _, server = asking(Told(None, 302, {"Location": "http://127.0.0.1:1/steal"}))
    assert isinstance(error, CollectorError) and "HTTP 302" in str(error)
    assert len(server.asked) == 1


def test_nobody_listening_is_said_in_words() -> None:
    async def main() -> CollectorError:
        async with HttpApi(KeptLink(), "http://127.0.0.1:9", name="Acme ACD", rights="") as api:
            with pytest.raises(CollectorError) as caught:
                await api.ask("GET", "/")
            return caught.value

    error = asyncio.run(main())
    assert str(error).startswith("no connection to Acme ACD: ") and not error.permanent


def test_the_acds_clock_is_measured_from_the_date_of_its_answers() -> None:
    _, link, _ = asking(Told({}), ahead_ms=90_000)
    assert abs(link.facts["clock_skew_ms"] - 90_000) <= 1_000


@pytest.mark.parametrize("date", ["soon", f"Mon, 01 Jan {'9' * 20} 00:00:00 GMT", "Mon, 01 Jan 2024 00:00:00 +9999", "Mon, 99 Jan 2024 99:00:00"])  # fmt: skip
def test_a_date_that_is_none_says_nothing_of_the_clock(date: str) -> None:
    answer, link, _ = asking(Told({"queues": []}, headers={"Date": date}))
    assert answer == {"queues": []}
    assert "clock_skew_ms" not in link.facts


def test_retry_after_is_read_in_seconds_and_as_a_date() -> None:
    now = 1_445_412_480_000  # Wed, 21 Oct 2015 07:28:00 GMT
    assert retry_after_s("Wed, 21 Oct 2015 07:28:30 GMT", now) == 30.0
    assert retry_after_s("Wed, 21 Oct 2015 07:27:30 GMT", now) == 0.0
    assert retry_after_s("-5", now) == 0.0
    assert retry_after_s("never", now) is None

"""Pairing in Redis: a code serves one browser, once and for a while; nothing that could be stolen is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
import redis as redis_py
import redis.asyncio as redis_asyncio

from operations.store import keys, screens
from operations.store.screens import ALPHABET, Contact, Screen, ScreensFull, ScreenStore, Token, Waiting, as_code

NOW = 1_790_000_000_000
NORTH = Screen(id="n1", name="North wall", projects=("acme",), paired_by="mei", paired_at=NOW)
Work = Callable[[Callable[[ScreenStore], Awaitable[Any]]], Any]


@pytest.fixture
def work(redis_url: str) -> Work:
    """Runs something with a store of an empty Redis."""

    def run(job: Callable[[ScreenStore], Awaitable[Any]]) -> Any:
        async def inner() -> Any:
            client = redis_asyncio.Redis.from_url(redis_url)
            try:
                return await job(ScreenStore(client))
            finally:
                await client.aclose()

        return asyncio.run(inner())

    return run


async def waiting(store: ScreenStore, secret: str) -> Waiting:
    found = await store.ask(secret, "10.0.0.9", NOW)
    assert isinstance(found, Waiting)
    return found


def test_a_browser_keeps_its_code_until_it_ends(work: Work) -> None:
    async def job(store: ScreenStore) -> None:
        first, again = await waiting(store, "tv"), await waiting(store, "tv")
        assert first.code == again.code
        assert set(first.code) <= set(ALPHABET)
        assert 0 < again.left_ms <= screens.CODE_MS
        assert (await waiting(store, "another")).code != first.code

    work(job)


def test_a_code_that_has_ended_is_replaced_and_pairs_nobody(work: Work, redis: redis_py.Redis) -> None:
    async def job(store: ScreenStore) -> None:
        old = await waiting(store, "tv")
        redis.pexpire(f"{{screens}}:code:{old.code}", 0)
        assert not await store.confirm(old.code, NORTH)
        assert (await waiting(store, "tv")).code != old.code

    work(job)


def test_a_confirmed_browser_gets_a_token_and_nobody_else_does(work: Work) -> None:
    async def job(store: ScreenStore) -> None:
        code = (await waiting(store, "tv")).code
        assert await store.confirm(code, NORTH)
        assert isinstance(await store.ask("overheard", "", NOW), Waiting), "the code alone is worth nothing"
        token = await store.ask("tv", "", NOW)
        assert isinstance(token, Token)
        assert token.screen == NORTH
        saved = await store.load()
        assert saved.tokens == {screens.digest(token.token): "n1"}

    work(job)


def test_an_answer_that_got_lost_can_be_asked_for_again(work: Work) -> None:
    async def job(store: ScreenStore) -> None:
        await store.confirm((await waiting(store, "tv")).code, NORTH)
        first, again = await asyncio.gather(store.ask("tv", "", NOW), store.ask("tv", "", NOW))
        assert first == again
        assert len((await store.load()).tokens) == 1

    work(job)


def test_a_code_serves_once_whoever_confirms_it_at_the_same_time(work: Work) -> None:
    async def job(store: ScreenStore) -> None:
        code = (await waiting(store, "tv")).code
        others = [msgspec.structs.replace(NORTH, id=f"s{n}") for n in range(5)]
        said = await asyncio.gather(*(store.confirm(code, screen) for screen in others))
        assert sorted(said) == [False] * 4 + [True]
        assert len((await store.load()).screens) == 1

    work(job)


def test_two_browsers_that_are_paired_at_once_become_two_screens(work: Work) -> None:
    async def job(store: ScreenStore) -> None:
        codes = [(await waiting(store, f"tv{n}")).code for n in range(2)]
        await asyncio.gather(*(store.confirm(code, msgspec.structs.replace(NORTH, id=code)) for code in codes))
        tokens = [await store.ask(f"tv{n}", "", NOW) for n in range(2)]
        assert [token.screen.id for token in tokens if isinstance(token, Token)] == codes
        assert len((await store.load()).tokens) == 2

    work(job)


def test_a_screen_that_was_revoked_before_it_came_for_its_token_gets_a_code_again(work: Work) -> None:
    async def job(store: ScreenStore) -> None:
        await store.confirm((await waiting(store, "tv")).code, NORTH)
        assert await store.revoke("n1")
        assert not await store.revoke("n1")
        assert isinstance(await store.ask("tv", "", NOW), Waiting)
        assert (await store.load()).tokens == {}

    work(job)


def test_neither_secrets_nor_tokens_lie_in_redis(work: Work, redis: redis_py.Redis) -> None:
    async def job(store: ScreenStore) -> str:
        await store.confirm((await waiting(store, "the secret of the tv")).code, NORTH)
        token = await store.ask("the secret of the tv", "", NOW)
        assert isinstance(token, Token)
        return token.token

    token = work(job)
    for key in redis.scan_iter():
        held = redis.dump(key) or b""
        assert token.encode() not in held + key
        assert b"the secret of the tv" not in held + key


def test_two_changes_at_once_lose_none(work: Work) -> None:
    async def job(store: ScreenStore) -> None:
        await store.confirm((await waiting(store, "tv")).code, NORTH)
        more = lambda s: msgspec.structs.replace(s, identify=s.identify + 1)  # noqa: E731
        await asyncio.gather(*(store.change("n1", more) for _ in range(8)))
        assert (await store.load()).screens["n1"].identify == 8
        assert await store.change("nobody", more) is None

    work(job)


def test_the_revision_moves_with_every_change_and_not_with_a_contact(work: Work) -> None:
    async def job(store: ScreenStore) -> None:
        await store.confirm((await waiting(store, "tv")).code, NORTH)
        before = await store.revision()
        await store.note({"n1": Contact(NOW, "10.0.0.9")})
        assert await store.revision() == before
        assert await store.contacts() == {"n1": Contact(NOW, "10.0.0.9")}
        await store.revoke("n1")
        assert await store.revision() != before
        assert await store.contacts() == {}

    work(job)


def test_one_address_cannot_use_up_all_codes(work: Work) -> None:
    async def job(store: ScreenStore) -> None:
        for number in range(screens.MOST_OF_AN_ADDRESS):
            await store.ask(f"tv{number}", "10.0.0.9", NOW)
        with pytest.raises(ScreensFull):
            await store.ask("one more", "10.0.0.9", NOW)
        assert isinstance(await store.ask("elsewhere", "10.0.0.8", NOW), Waiting)

    work(job)


def test_a_screen_that_cannot_be_read_is_left_out_and_the_others_stay(work: Work, redis: redis_py.Redis) -> None:
    async def job(store: ScreenStore) -> None:
        await store.confirm((await waiting(store, "tv")).code, NORTH)
        redis.hset(keys.SCREENS_PAIRED, "x", b'{"id": 5}')
        redis.hset(keys.SCREENS_TOKENS, "x", "ab" * 32)
        saved = await store.load()
        assert list(saved.screens) == ["n1"]
        assert "x" not in saved.tokens.values()

    work(job)


@pytest.mark.parametrize("typed", ["k7m-p3x", "K7M P3X", "ｋ７ｍ　ｐ３ｘ", " K7M–P3X ", "K7MP3X"])  # noqa: RUF001
def test_a_code_is_understood_however_it_is_typed(typed: str) -> None:
    assert as_code(typed) == "K7MP3X"


@pytest.mark.parametrize("typed", ["", "K7M", "K7MP3X9", "K7MP3O", "*" * 6, "K7MP3X" * 10_000, "\x00" * 6])
def test_what_cannot_be_a_code_is_none(typed: str) -> None:
    assert as_code(typed) == ""

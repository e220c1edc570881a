"""Choices that need no server: what a client accepts, and how a table of the past is written."""

from __future__ import annotations

import asyncio
import gzip
import logging
from pathlib import Path

import pytest

from dashboard import server
from dashboard.api.intervals import as_csv, wants_csv
from dashboard.asgi import Message, Request
from dashboard.compression import Compressor, accepts_gzip
from operations.projects.configuration import parse
from tests.dashboard.conftest import configuration
from tests.dashboard.test_shared_reading import Unchanging


@pytest.mark.parametrize(
    ("accept", "csv"),
    [
        ("text/csv", True),
        ("text/csv, application/json;q=0.9", True),
        ("application/json, text/csv", False),
        ("text/csv;q=0.5, application/json;q=0.6", False),
        ("*/*", False),
        ("", False),
        ("text/csv;q=0", False),
        ("text/csv;q=nonsense", False),
        ("text/html, text/*;q=0.8", True),
    ],
)
def test_csv_is_given_to_who_prefers_it(accept: str, csv: bool) -> None:
    assert wants_csv(accept) is csv


def test_a_queue_that_looks_like_a_formula_is_text_in_the_table() -> None:
    figures = {"counters": {"offered": 3, "answered": 2}, "kpis": {"asa_s": None, "offered": 3}}
    row = {"start": "a", "end": "b", **figures, "partial": {"offered": ["hq", "demo"]}, "not_reported": ["asa_s"]}
    text = as_csv([{**row, "queue": '=cmd|"x"!A1'}, {**row, "queue": None}])
    lines = text.split("\r\n")
    assert lines[0] == "start,end,queue,answered,offered,asa_s,kpi_offered,partial,not_reported"
    assert lines[1] == 'a,b,"\'=cmd|""x""!A1",2,3,,3,"offered without hq, demo",asa_s'
    assert lines[2] == 'a,b,,2,3,,3,"offered without hq, demo",asa_s'


@pytest.mark.parametrize(
    ("accept", "right"),
    [
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip; q=0.0", False),
        ("", False),
        ("br", False),
    ],
)
def test_gzip_is_used_where_it_is_accepted(accept: str, right: bool) -> None:
    assert accepts_gzip(accept) is right


def request(path: str) -> Request:
    async def nothing() -> Message:
        return {"type": "http.disconnect"}

    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": b"",
        "headers": [(b"accept-encoding", b"gzip")],
    }
    return Request(scope, nothing)


def test_what_may_be_kept_for_ever_is_compressed_once_and_the_oldest_is_let_go() -> None:
    async def check() -> None:
        compress = Compressor(limit=80)
        headers = [(b"content-type", b"text/css"), (b"cache-control", b"public, immutable"), (b"etag", b'"1"')]

        async def packed(path: str, body: bytes) -> bytes:
            said, found = await compress(request(path), 200, headers, body)
            assert (b"content-encoding", b"gzip") in said
            assert (b"etag", b'W/"1"') in said
            return found

        first = await packed("/a", b"a" * 5_000)
        assert gzip.decompress(first) == b"a" * 5_000
        assert await packed("/a", b"a" * 5_000) is first
        for other in ("/b", "/c", "/d"):
            await packed(other, b"b" * 5_000)
        assert await packed("/a", b"a" * 5_000) is not first

    asyncio.run(check())


@pytest.mark.parametrize(
    ("status", "kind", "size"),
    [
        (206, b"text/css", 5_000),
        (304, b"text/css", 0),
        (200, b"font/woff2", 5_000),
        (200, b"text/css", 10),
        (200, b"text/event-stream-of-mine", 10),
    ],
)
def test_what_would_not_gain_is_left_alone(status: int, kind: bytes, size: int) -> None:
    headers = [(b"content-type", kind)]
    answer = asyncio.run(Compressor()(request("/a"), status, headers, b"a" * size))
    assert answer == (headers, b"a" * size)


@pytest.mark.parametrize("path", ["/api/v1/sources/demo/commands", "/_dash-update-component"])
def test_a_sender_that_dies_in_the_middle_is_no_mistake_of_ours(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    parts: list[Message] = [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]
    answered: list[Message] = []

    async def receive() -> Message:
        return parts.pop(0)

    async def send(message: Message) -> None:
        answered.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "headers": [(b"host", b"localhost"), (b"content-type", b"application/json")],
        "client": ("127.0.0.1", 1),
    }
    watcher = Unchanging(parse(configuration().encode(), tmp_path / "wallboard.yaml", {}))
    app = server.create(watcher, f"unix://{tmp_path}/nowhere.sock", clock=lambda: 1_000_000)
    with caplog.at_level(logging.INFO):
        asyncio.run(app(scope, receive, send))
    assert (parts, answered, caplog.records) == ([], [], [])

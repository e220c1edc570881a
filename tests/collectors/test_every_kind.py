"""What is asked of every kind of source alike; a new row in the registry is asked it too."""

from __future__ import annotations

import asyncio
import inspect
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from collectors.collector import BUSINESS, FLOOR, Collector, SourceSettings
from collectors.registry import KINDS

TOP = Path(__file__).parent.parent.parent
SMALLEST: dict[str, dict[str, Any]] = {
    "amazon_connect": {
        "instance_arn": "arn:aws:connect:eu-central-1:123456789012:instance/11111111-2222-3333-4444-555555555555",
        "access_key_id": "AKIDEXAMPLE",
        "secret_access_key": "a-canary",
    },
    "asterisk": {"host": "127.0.0.1", "username": "wallboard", "password": "a-canary"},
    "freeswitch": {"host": "127.0.0.1", "password": "a-canary"},
    "genesys": {"client_id": "a-client", "client_secret": "a-canary"},
    "queue_log": {"path": "/nowhere/queue_log"},
    "simulator": {},
    "sql": {"url": "mysql://wallboard:a-canary@127.0.0.1:1/warehouse", "queues": "SELECT queue, waiting FROM queues"},
    "uccx": {"urls": ["informix://uccxwallboard:a-canary@10.0.0.6:1504/db_cra"]},
    "vicidial": {"url": "mysql://wallboard:a-canary@127.0.0.1:1/asterisk"},
    "webex": {
        "org_id": "O1",
        "client_id": "C1",
        "client_secret": "a-canary",
        "refresh_token": "another-canary",
    },
    "twilio": {"account_sid": "AC" + "0" * 32, "workspace_sid": "WS" + "0" * 32, "auth_token": "a-canary"},
    "webhook": {"secret": "a-canary-of-some-length"},
}
"""The least that each kind's block must say."""

every_kind = pytest.mark.parametrize("kind", sorted(KINDS))


def build(kind: str) -> Collector:
    settings = KINDS[kind].Settings.model_validate({"kind": kind, **SMALLEST[kind]})
    return KINDS[kind]("some-source", settings)


@every_kind
def test_it_is_registered_under_its_own_name(kind: str) -> None:
    assert KINDS[kind].kind == kind
    assert issubclass(KINDS[kind].Settings, SourceSettings)


@every_kind
def test_it_declares_what_its_acd_can_tell(kind: str) -> None:
    gives = KINDS[kind].gives
    assert gives
    assert gives <= FLOOR | BUSINESS, f"no such fact: {sorted(gives - FLOOR - BUSINESS)}"


@every_kind
def test_it_has_a_page_that_says_what_it_needs_and_what_it_cannot_know(kind: str) -> None:
    page = (TOP / "docs" / "collectors" / f"{kind}.md").read_text()
    assert f"kind: {kind}" in page
    for field in KINDS[kind].Settings.model_fields:
        if field != "kind":
            assert f"`{field}`" in page or f"{field}:" in page, f"docs/collectors/{kind}.md does not mention {field}"


@every_kind
def test_it_is_built_without_touching_the_world(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise AssertionError("a constructor opened a socket")

    monkeypatch.setattr(socket, "socket", refused)
    assert inspect.iscoroutinefunction(build(kind).run)


@every_kind
def test_its_settings_show_no_secret(kind: str) -> None:
    settings = KINDS[kind].Settings.model_validate({"kind": kind, **SMALLEST[kind]})
    assert "canary" not in repr(settings)
    assert "canary" not in settings.model_dump_json()


@every_kind
def test_its_session_can_be_cancelled_at_once(kind: str) -> None:
    class Mute:
        """A link that never lets anything through."""

        source = "some-source"
        unwatched_since = None

        def now_ms(self) -> int:
            return 1_795_320_000_000

        async def emit(self, events: list[Any]) -> None:
            await asyncio.Event().wait()

        def heard(self) -> None: ...

        def connected(self, detail: str = "") -> None: ...

        def note(self, **facts: Any) -> None: ...

        async def recall(self, key: str) -> bytes | None:
            return None

        async def remember(self, key: str, value: bytes) -> None: ...

        async def commands(self) -> dict[str, Any]:
            await asyncio.Event().wait()
            raise AssertionError("nobody speaks")

    async def scenario() -> None:
        session = asyncio.create_task(build(kind).run(Mute()))
        await asyncio.sleep(0)
        session.cancel()
        await asyncio.wait([session], timeout=20)
        assert session.done()

    asyncio.run(scenario())


def test_only_the_kinds_that_a_site_has_are_imported() -> None:
    code = """
import sys
from pathlib import Path
from operations.projects.configuration import parse
parse(b"sources: {pbx: {kind: asterisk, host: h, username: u, password: p}}", Path("wallboard.yaml"), {})
print([name for name in ("boto3", "botocore", "sqlalchemy", "httpx", "websockets", "pymysql") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=TOP, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

"""``/healthz`` tells how those do who are told of alerts, and never their addresses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import jsonschema
import redis as redis_py

from operations.notify.addresses import Address, fresh
from operations.notify.book import write
from operations.projects.configuration import parse
from tests.dashboard.conftest import WebProcess, configuration, eventually

CANARY = "s3cr3t-canary"
ROUTES = f"notify: {{routes: {{leads: {{urls: ['json://u:{CANARY}@host/{CANARY}', 'mailto://{CANARY}']}}}}}}\n"


def test_a_refusal_shows_with_its_reason_and_without_its_address(
    own_web: Callable[[str], WebProcess], redis: redis_py.Redis
) -> None:
    web = own_web(configuration(ROUTES))
    told = parse(configuration(ROUTES).encode(), Path("wallboard.yaml"), {}).notify
    outcomes = fresh(told, {})
    refused, arrived = Address("leads", 1), Address("leads", 0)
    outcomes[refused] = outcomes[refused].failed("mailto answered 550", True, 1_795_320_000_000, 0.5)
    outcomes[arrived] = outcomes[arrived].arrived(1_795_320_000_000)
    with redis.pipeline() as pipe:
        write(pipe, {}, outcomes.items(), [], 0)
        pipe.execute()
    eventually(lambda: web.get("/healthz").json()["notify"][1]["state"] == "refused", "the refusal shows")
    answer = web.get("/healthz")
    document = web.get("/api/v1/openapi.json").json()
    schema = {"$ref": "#/components/schemas/Health", "components": document["components"]}
    jsonschema.Draft202012Validator(schema).validate(answer.json())
    first, second = answer.json()["notify"]
    assert (first["route"], first["number"], first["to"], first["state"]) == ("leads", 0, "json", "ok")
    assert first["at"] == first["ok_at"]
    assert (second["error"], second["permanent"], second["ok_at"]) == ("mailto answered 550", True, None)
    assert CANARY not in answer.text

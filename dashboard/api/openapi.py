"""The OpenAPI 3.1 document, made from the rows."""

from __future__ import annotations

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from dashboard.api.route import Route
from dashboard.api.schemas import COMPONENTS, TEXT, ref
from dashboard.asgi import PROBLEM

VERSION = "1.0.0"

NAMED = {"project": "a project's id", "source": "a source's id", "silence": "a silence's id", "screen": "a screen's id"}


def document(routes: Iterable[Route]) -> dict[str, Any]:
    """The whole document."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Floorlight",
            "version": VERSION,
            "summary": "Live and past figures of contact-centre projects",
            "license": {"name": "See the project's LICENSE"},
        },
        "servers": [{"url": "/"}],
        "security": [{"basic": []}, {"screen": []}],
        "paths": paths,
        "components": {
            "schemas": COMPONENTS,
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic", "description": "a user of the configuration"},
                "screen": {"type": "http", "scheme": "bearer", "description": "a screen's token"},
                "signature": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-Floorlight-Signature",
                    "description": "t=SECONDS,v1=HEX: HMAC-SHA256 of 'SECONDS.BODY' with the source's secret",
                },
                "source": {"type": "http", "scheme": "bearer", "description": "a source's token"},
            },
        },
    }


def operation(route: Route) -> dict[str, Any]:
    """One route's part of the document."""
    named = re.findall(r"{(\w+)}", route.path)
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "description": NAMED[name], "schema": TEXT} for name in named
    ]
    parameters += [
        {"name": p.name, "in": p.where, "required": p.required, "description": p.description, "schema": dict(p.schema)}
        for p in route.parameters
    ]
    refused = set(route.problems) | (set() if route.open else {401, 429, 503}) | ({404} if named else set())
    replies: dict[str, Any] = {}
    for status, reply in route.replies.items():
        replies[str(status)] = {"description": reply.description}
        if reply.content:
            replies[str(status)]["content"] = {kind: {"schema": dict(schema)} for kind, schema in reply.content.items()}
    for status in sorted(refused):
        replies.setdefault(
            str(status),
            {"description": HTTPStatus(status).phrase, "content": {PROBLEM: {"schema": ref("Problem")}}},
        )
    said: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [route.tag],
        "parameters": parameters,
        "responses": replies,
    }
    if route.body is not None:
        said["requestBody"] = {"required": True, "content": {"application/json": {"schema": dict(route.body)}}}
    if route.open:
        said["security"] = []
    if route.door:
        said["security"] = [{"signature": []}, {"source": []}]
    return said

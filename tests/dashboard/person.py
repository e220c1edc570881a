"""A person with a browser, for tests: cookies, the headers that a browser sends, and the token that its pages carry."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import httpx

from tests.dashboard.conftest import PATIENCE_S, WebProcess

VISIT = {"Accept": "text/html,*/*;q=0.8", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "same-origin"}
SCRIPT = {"Accept": "*/*", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin"}


class Person:
    """One browser at one web process. Redirects are followed by nobody, so that each can be looked at."""

    def __init__(self, web: WebProcess) -> None:
        self.web = web
        self.http = httpx.Client(base_url=web.address, timeout=PATIENCE_S, trust_env=False)

    def __enter__(self) -> Person:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def visit(self, path: str, **more: Any) -> httpx.Response:
        """Open a page."""
        return self.http.get(path, headers={**VISIT, **more.pop("headers", {})}, **more)

    def send(self, path: str, **fields: str) -> httpx.Response:
        """Send a form of a page of ours."""
        return self.http.post(path, data=fields, headers={**VISIT, "Origin": self.web.address})

    def ask(self, method: str, path: str, token: str | None = None, **more: Any) -> httpx.Response:
        """What a page's script asks; ``token`` None: the one that the pages carry."""
        headers = {**SCRIPT, "X-CSRF-Token": self.token() if token is None else token, **more.pop("headers", {})}
        return self.http.request(method, path, headers=headers, **more)

    def token(self) -> str:
        """The token that a page of this person carries."""
        found = re.search(r'<meta name="csrf" content="([^"]*)">', self.visit("/").text)
        return unescape(found[1]) if found else ""

    def sign_in(self, name: str, password: str, wanted: str = "/", **more: str) -> httpx.Response:
        """Fill in the form of the sign-in page and send it."""
        page = self.visit("/sign-in", params={"next": wanted}).text
        found = re.search(r'name="csrf" value="([^"]*)"', page)
        fields = {"csrf": unescape(found[1]) if found else "", "next": wanted, "name": name, "password": password}
        return self.send("/sign-in", **{**fields, **more})

    @property
    def cookie(self) -> str:
        """The session's cookie as it stands in this browser."""
        return next((cookie.value or "" for cookie in self.http.cookies.jar if cookie.name == "floorlight_session"), "")

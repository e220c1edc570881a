"""The address of a polled ACD's API: secrets never travel readable."""

from __future__ import annotations

import pytest

from collectors.polled.settings import secure_url


@pytest.mark.parametrize(
    "value", ["https://api.example/v2", "http://127.0.0.1:8080", "http://localhost", "http://[::1]:9"]
)
def test_https_and_this_very_machine_are_taken(value: str) -> None:
    assert secure_url(value + "/") == value


@pytest.mark.parametrize(
    "value", ["http://api.example", "http://127.0.0.1.example", "ftp://api.example", "api.example", "https://"]
)
def test_anything_else_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="https"):
        secure_url(value)

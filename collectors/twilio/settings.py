"""The block of a source of kind ``twilio``."""

from __future__ import annotations

from pydantic import Field, SecretStr, model_validator

from collectors.polled.addresses import ApiUrl
from collectors.polled.settings import PolledSettings, Thresholds


class TwilioSettings(PolledSettings):
    """A workspace of Twilio TaskRouter."""

    kind: str = "twilio"
    account_sid: str = Field(pattern=r"^AC[0-9a-fA-F]{32}$")
    """the account, AC…"""
    workspace_sid: str = Field(pattern=r"^WS[0-9a-fA-F]{32}$")
    """the workspace of TaskRouter, WS…"""
    auth_token: SecretStr | None = None
    """the account's auth token; also the key with which Twilio signs callbacks"""
    api_key_sid: str | None = Field(None, pattern=r"^SK[0-9a-fA-F]{32}$")
    """an API key, SK…, in place of the auth token"""
    api_key_secret: SecretStr | None = None
    """the API key's secret"""
    queues: tuple[str, ...] | None = None
    """only the task queues of these names; left out: all of the workspace"""
    offline: tuple[str, ...] = ("Offline",)
    """names of the activities that mean that a worker is signed out; every other one that is not available is a break"""
    service_level_s: Thresholds = Field((20,), max_length=8)
    """the thresholds of the contracts' service levels, in seconds, at most 8: Twilio counts who waited less and more"""
    totals_s: float = Field(15.0, ge=1, le=300)
    """how often the accounts of the quarters of an hour are asked for, in seconds; sooner when a callback came"""
    callback_url: ApiUrl | None = None
    """the workspace's event callback URL exactly as it stands in Twilio, https://HOST/ingest/SOURCE; left out: no callbacks"""
    api_url: ApiUrl = "https://taskrouter.twilio.com"
    """where the API is: https://taskrouter.EDGE.REGION.twilio.com for another region, or a proxy of one's own"""

    @model_validator(mode="after")
    def _some_credentials(self) -> TwilioSettings:
        if (self.api_key_sid is None) != (self.api_key_secret is None):
            raise ValueError("api_key_sid and api_key_secret belong together; give both or neither")
        if self.api_key_sid is None and self.auth_token is None:
            raise ValueError("Twilio needs an auth_token, or an api_key_sid with its api_key_secret")
        if self.callback_url is not None and self.auth_token is None:
            raise ValueError("Twilio signs callbacks with the account's auth_token; give it beside callback_url")
        return self

    @property
    def login(self) -> tuple[str, str]:
        """What to sign in with: the API key where there is one."""
        if self.api_key_sid is not None and self.api_key_secret is not None:
            return self.api_key_sid, self.api_key_secret.get_secret_value()
        assert self.auth_token is not None  # _some_credentials
        return self.account_sid, self.auth_token.get_secret_value()

    @property
    def secrets(self) -> list[str]:
        """Values that no error may show."""
        return [secret.get_secret_value() for secret in (self.auth_token, self.api_key_secret) if secret is not None]

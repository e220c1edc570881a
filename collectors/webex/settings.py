"""What a source of kind ``webex`` may say."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from collectors.polled.addresses import ApiUrl
from collectors.polled.settings import PolledSettings

Channel = Literal["telephony", "chat", "email", "social"]


class WebexSettings(PolledSettings):
    """One Webex Contact Center organization."""

    kind: Literal["webex"] = "webex"
    org_id: str = Field(min_length=1)
    """the organization's id, from Control Hub"""
    client_id: str = Field(min_length=1)
    """of the integration or service app at developer.webex.com"""
    client_secret: SecretStr
    """of the same"""
    refresh_token: SecretStr
    """what Webex gave when an administrator or supervisor allowed that app ``cjp:config_read``"""
    region: Literal["us1", "eu1", "eu2", "anz1", "ca1", "jp1", "sg1"] = "us1"
    """the data centre of the organization"""
    channels: Annotated[list[Channel], Field(min_length=1)] = ["telephony"]
    """the channels to watch"""
    queues: list[str] = []
    """the names of the queues to watch; empty: all"""
    base_url: ApiUrl | None = None
    """another address of the Contact Center API, in place of the region's"""
    token_url: ApiUrl = "https://webexapis.com/v1/access_token"
    """where the refresh token is exchanged"""

    @property
    def api_url(self) -> str:
        return self.base_url or f"https://api.wxcc-{self.region}.cisco.com"

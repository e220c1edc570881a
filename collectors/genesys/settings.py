"""The block of a source of kind ``genesys``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr

from collectors.polled.addresses import ApiUrl
from collectors.polled.settings import PolledSettings, Thresholds

MOST_THRESHOLDS = 4
"""Each takes two views of an aggregate query, which may have ten; two count everybody."""

Media = Literal["voice", "callback", "chat", "cobrowse", "email", "message", "screenshare", "video"]


class GenesysSettings(PolledSettings):
    """An organisation of Genesys Cloud."""

    kind: str = "genesys"
    region: str = Field("mypurecloud.com", pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$")
    """the organisation's region as in its address: mypurecloud.com, mypurecloud.de, usw2.pure.cloud, apne2.pure.cloud, …"""
    client_id: str = Field(min_length=1)
    """the id of an OAuth client of the grant type Client Credentials"""
    client_secret: SecretStr
    """its secret"""
    queues: tuple[str, ...] | None = None
    """only the queues of these names; left out: all that the client's divisions let it see"""
    media: tuple[Media, ...] = Field(("voice",), min_length=1)
    """which kinds of contact count: voice, callback, chat, cobrowse, email, message, screenshare, video"""
    service_level_s: Thresholds = Field((20,), max_length=MOST_THRESHOLDS)
    """the thresholds of the contracts' service levels, in seconds, at most 4: Genesys Cloud counts who waited no longer"""
    totals_s: float = Field(15.0, ge=1, le=300)
    """how often the accounts of the quarters of an hour are asked for, in seconds; sooner when a notification tells of a change"""
    notifications: bool = True
    """whether to listen to notifications too (a web socket), so that a change shows within about a second"""
    api_url: ApiUrl | None = None
    """where the API is, if not at https://api.REGION: a proxy of one's own"""
    login_url: ApiUrl | None = None
    """where tokens are given, if not at https://login.REGION"""

"""The block of a source of kind ``vicidial``."""

from __future__ import annotations

from pydantic import Field, SecretStr, field_validator

from collectors.collector import TimeZoneName
from collectors.polled.database import read_url
from collectors.polled.settings import PolledSettings


class VicidialSettings(PolledSettings):
    """A source of kind ``vicidial``."""

    kind: str = "vicidial"
    url: SecretStr
    """the database, as ``mysql://wallboard:PASSWORD@10.0.0.5:3306/asterisk``, with a user that may only read"""
    replica_url: SecretStr | None = None
    """a replica of it: asked in place of ``url``, which is asked while the replica cannot be reached"""
    queues: list[str] | None = Field(default=None, min_length=1)
    """only these in-groups and campaigns, by their ids; all by default"""
    outbound: bool = True
    """whether campaigns' outbound calls are counted from ``vicidial_log``; false where nobody dials"""
    time_zone: TimeZoneName | None = None
    """the zone of the dates in the database, an IANA name; only where it is not the database server's own"""

    @field_validator("url", "replica_url")
    @classmethod
    def _mysql(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and read_url(url.get_secret_value()).get_backend_name() not in ("mysql", "mariadb"):
            raise ValueError("VICIdial's database is MySQL or MariaDB; begin the URL with mysql://")
        return url

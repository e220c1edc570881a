"""The block of a source of kind ``sql``."""

from __future__ import annotations

from pydantic import Field, SecretStr, field_validator, model_validator

from collectors.collector import TimeZoneName
from collectors.polled.database import read_url
from collectors.polled.settings import PolledSettings
from collectors.sql.select import one_select


class SqlSettings(PolledSettings):
    """A source of kind ``sql``."""

    kind: str = "sql"
    url: SecretStr
    """the database, as SQLAlchemy writes it: ``postgresql+psycopg://wallboard:PASSWORD@10.0.0.7/warehouse``"""
    queues: str | None = None
    """a SELECT with a row for each queue: what it shows now, and running totals"""
    contacts: str | None = None
    """a SELECT with a row for each contact of the last hours, in place of totals"""
    agents: str | None = None
    """a SELECT with a row for each agent (or each agent and queue)"""
    facts: str | None = None
    """a SELECT with a row for each thing that is counted once: a survey, a complaint, a sale"""
    time_zone: TimeZoneName = "UTC"
    """the zone of dates that name none, an IANA name"""
    timeout_s: float = Field(default=5.0, ge=0.5, le=8.0)
    """for how long the database may work on one of these questions"""
    most_rows: int = Field(default=5_000, ge=1, le=100_000)
    """a longer answer is an error, and no number is made of a part of it"""

    @field_validator("url")
    @classmethod
    def _readable(cls, url: SecretStr) -> SecretStr:
        read_url(url.get_secret_value())
        return url

    @field_validator("queues", "contacts", "agents", "facts")
    @classmethod
    def _only_reads(cls, statement: str | None) -> str | None:
        return None if statement is None else one_select(statement)

    @model_validator(mode="after")
    def _asks_something(self) -> SqlSettings:
        if not (self.queues or self.contacts or self.agents or self.facts):
            raise ValueError("asks nothing; give at least one of queues, contacts, agents and facts")
        return self

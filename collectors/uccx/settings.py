"""The block of a source of kind ``uccx``."""

from __future__ import annotations

from pydantic import Field, SecretStr, field_validator

from collectors.polled.database import read_url
from collectors.polled.settings import PolledSettings


class UccxSettings(PolledSettings):
    """A source of kind ``uccx``."""

    kind: str = "uccx"
    urls: list[SecretStr] = Field(min_length=1, max_length=4)
    """the database ``db_cra`` of each node of the cluster, as SQLAlchemy URLs; the node that is the master is found by itself"""
    queues: list[str] | None = Field(default=None, min_length=1)
    """only these contact service queues, by their names; all by default"""
    written_every_s: int = Field(default=5, ge=1, le=180)
    """the "Data Writing Interval" of the administration's page Real Time Snapshot Config"""

    @field_validator("urls")
    @classmethod
    def _readable(cls, urls: list[SecretStr]) -> list[SecretStr]:
        for url in urls:
            read_url(url.get_secret_value())
        return urls

    @property
    def patience_s(self) -> float:
        """A node whose tables stand still for longer than this is not the master."""
        return max(10.0, 3.0 * self.written_every_s)

    @property
    def stale_after_ms(self) -> int:
        """No number can be fresher than the node writes it."""
        return max(super().stale_after_ms, round(1000 * (self.patience_s + self.poll_s)))

"""The block of a source of kind ``webhook``."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from collectors.collector import Fact, SourceSettings

SHORTEST_SECRET = 16


class SurveySettings(BaseModel):
    """How surveys are read."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    top_box_from: float | None = None
    """the score from which a survey counts as satisfied, where it does not say so itself"""


class WebhookSettings(SourceSettings):
    """A source of kind ``webhook``."""

    pushes: ClassVar[bool] = True

    kind: str = "webhook"
    secret: SecretStr | None = None
    """the key with which the sender signs each body (HMAC-SHA256), at least 16 characters"""
    token: SecretStr | None = None
    """a bearer token, for a sender that cannot sign, at least 16 characters; secret or token is needed"""
    quiet_after_s: float | None = Field(default=300, gt=0)
    """after so many seconds without a batch the source is stale; null: it may be quiet for ever, as surveys are"""
    gives: tuple[Fact, ...] | None = None
    """what this sender tells, of the facts that docs/collectors/webhook.md lists; left out: whatever it has told so far"""
    survey: SurveySettings = SurveySettings()
    """how surveys are read: {top_box_from: 4}"""
    most_bytes: int = Field(default=1_048_576, ge=1_024, le=16_777_216)
    """the longest body that is taken, as it comes and after it was inflated"""

    @field_validator("secret", "token")
    @classmethod
    def _long_enough(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and len(secret.get_secret_value()) < SHORTEST_SECRET:
            raise ValueError(
                f"too short to be a secret; write at least {SHORTEST_SECRET} characters, for example what `openssl rand -hex 32` says"
            )
        return secret

    @model_validator(mode="after")
    def _some_proof(self) -> WebhookSettings:
        if self.secret is None and self.token is None:
            raise ValueError(
                "a webhook needs a secret (the sender signs) or a token (the sender shows it); give one of them"
            )
        return self

    @property
    def stale_after_ms(self) -> int | None:
        """How long this source may be quiet."""
        return None if self.quiet_after_s is None else int(self.quiet_after_s * 1000)

"""What a source of kind ``amazon_connect`` may say."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, SecretStr, model_validator

from collectors.polled.addresses import ApiUrl
from collectors.polled.settings import PolledSettings, Thresholds

ARN = r"^arn:aws[a-z-]*:connect:([a-z0-9-]+):([0-9]{12}):instance/([0-9A-Za-z-]+)$"
"""The region, the account and the instance's id."""


class AmazonConnectSettings(PolledSettings):
    """One Amazon Connect instance. Without keys, a profile or a role, boto3's default chain of credentials is asked."""

    kind: Literal["amazon_connect"] = "amazon_connect"
    instance_arn: str = Field(pattern=ARN)
    """the instance's ARN, as the AWS console shows it; it names the region too"""
    access_key_id: str = ""
    """of the IAM user, where there are keys"""
    secret_access_key: SecretStr | None = None
    """the key's secret"""
    session_token: SecretStr | None = None
    """of temporary keys; they end the source when they expire, a role does not"""
    profile: str = ""
    """a profile of the AWS configuration files, in place of keys"""
    role_arn: str = ""
    """a role to assume with those credentials, as in an account of the client's"""
    external_id: str = ""
    """what that role's trust policy asks for as ``sts:ExternalId``"""
    queues: list[str] = []
    """the names of the queues to watch; empty: every standard queue of the instance"""
    service_level_s: Thresholds = Field((20,), min_length=1, max_length=8)
    """the thresholds, in seconds, for which Amazon Connect is asked who was answered or gave up in time; a service level has to use one of them"""
    answered: Literal["when_over", "when_connected"] = "when_over"
    """when a contact counts as answered: when its record is written, after the conversation and its after-contact work, as in Amazon's
    own reports; or at once, and then neither service level nor speed of answer is told"""
    accounts_s: float = Field(15.0, ge=1, le=900)
    """how often the counts of the quarter that runs are asked for, in seconds"""
    endpoint_url: ApiUrl | None = None
    """another address of Amazon Connect's API, such as a VPC endpoint's"""
    sts_endpoint_url: ApiUrl | None = None
    """another address of AWS STS, where a role is assumed"""

    @model_validator(mode="after")
    def _one_kind_of_credentials(self) -> AmazonConnectSettings:
        if bool(self.access_key_id) != bool(self.secret):
            raise ValueError("access_key_id and secret_access_key go together")
        if self.access_key_id and self.profile:
            raise ValueError("either access_key_id or profile, not both")
        if self.external_id and not self.role_arn:
            raise ValueError("external_id belongs to role_arn")
        return self

    @property
    def secret(self) -> str:
        """The key's, in the clear; "" where there is none."""
        return self.secret_access_key.get_secret_value() if self.secret_access_key is not None else ""

    @property
    def token(self) -> str:
        """The session's, in the clear; "" where there is none."""
        return self.session_token.get_secret_value() if self.session_token is not None else ""

    @property
    def region(self) -> str:
        return self._part(1)

    @property
    def account(self) -> str:
        """The AWS account in which the instance is, and whose limits count."""
        return self._part(2)

    @property
    def instance_id(self) -> str:
        return self._part(3)

    def _part(self, number: int) -> str:
        found = re.match(ARN, self.instance_arn)
        return found[number] if found else ""

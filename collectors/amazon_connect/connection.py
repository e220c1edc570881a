"""boto3 for one session: credentials, threads of its own, the account's limits, and every way in which a call can fail told apart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from typing import Any

import boto3  # type: ignore[import-untyped]
import botocore.loaders  # type: ignore[import-untyped]
import botocore.session  # type: ignore[import-untyped]
import msgspec
from botocore import exceptions, xform_name
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.credentials import CredentialProvider, DeferredRefreshableCredentials  # type: ignore[import-untyped]

from collectors.amazon_connect.settings import AmazonConnectSettings
from collectors.collector import CollectorError, Link
from collectors.polled.clock import AcdClock
from collectors.polled.http import retry_after_s
from collectors.polled.schedule import Allowance, Limited

CALL_S = 5.0
"""boto3's own patience, for a connection and for each read."""
PATIENCE_S = 8.0
"""For one whole call, in whatever drips. A half-open link is noticed within 15 s."""
THREADS = 4
"""As many as there are polls: one that hangs holds its own, and nobody else's."""
TOKEN_LIVES_MS = 280_000
"""A NextToken expires after five minutes; pages that take longer are begun anew."""

METRICS = ("GetCurrentMetricData", "GetCurrentUserData", "GetMetricDataV2")
"""Five requests a second an account and region; the rest of the API allows two."""

THROTTLED = {
    "ThrottlingException",
    "TooManyRequestsException",
    "Throttling",
    "ThrottledException",
    "RequestLimitExceeded",
}
FORBIDDEN = {"AccessDeniedException", "AccessDenied", "UnauthorizedOperation"}
REFUSED = {
    *("UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId", "SignatureDoesNotMatch"),
    *("InvalidSignatureException", "IncompleteSignature", "IncompleteSignatureException", "AuthFailure"),
    *("MissingAuthenticationToken", "MissingAuthenticationTokenException"),
}
EXPIRED = {"ExpiredTokenException", "ExpiredToken", "TokenRefreshRequired"}
CLOCKS = {"RequestExpired", "RequestTimeTooSkewed"}
NOT_ACCEPTED = {"InvalidParameterException", "InvalidRequestException", "ValidationException", "ValidationError"}

_allowances: dict[tuple[str, ...], Allowance] = {}
"""The limits are an account's, whatever instances and sources share it in this process."""


def allowance(settings: AmazonConnectSettings, operation: str) -> Allowance:
    """What the account that the instance lies in may still ask in its region; one for all sources that share it."""
    metrics = operation in METRICS
    key = (settings.account, settings.region, settings.endpoint_url or "", "metrics" if metrics else "rest")
    found = _allowances.get(key)
    if found is None:
        found = _allowances[key] = Allowance(5, burst=5) if metrics else Allowance(2, burst=5)
    return found


@lru_cache(maxsize=1)
def _models() -> Any:
    """botocore's descriptions of the services: read once, not once a session."""
    return botocore.loaders.create_loader()


class NoJson(exceptions.BotoCoreError):  # type: ignore[misc]
    """A proxy's page, say. botocore itself would take it for an answer without results, which would be a zero."""

    fmt = "the answer is no JSON"


def _expect_json(response_dict: dict[str, Any], **_: Any) -> None:
    if 200 <= response_dict["status_code"] < 300:
        try:
            answer = msgspec.json.decode(response_dict["body"] or b"{}")
        except (ValueError, RecursionError):
            raise NoJson from None
        if not isinstance(answer, dict):
            raise NoJson


class _AssumedRole(CredentialProvider):  # type: ignore[misc]
    """The role's credentials, renewed before they run out."""

    METHOD = "floorlight-assume-role"

    def __init__(self, refresh: Callable[[], dict[str, str]]) -> None:
        super().__init__()
        self._refresh = refresh

    def load(self) -> Any:
        return DeferredRefreshableCredentials(refresh_using=self._refresh, method=self.METHOD)


def make_client(settings: AmazonConnectSettings) -> Any:
    """A boto3 client for the instance's region. Blocks: it reads files, and may ask the machine's metadata for credentials."""
    config = Config(
        connect_timeout=CALL_S,
        read_timeout=CALL_S,
        retries={"total_max_attempts": 1},
        max_pool_connections=THREADS,
        user_agent_extra="floorlight",
    )

    def session(**given: str) -> Any:
        core = botocore.session.Session(profile=given.pop("profile", None))
        core.register_component("data_loader", _models())
        return boto3.Session(botocore_session=core, region_name=settings.region, **given)

    given: dict[str, str] = {}
    if settings.access_key_id:
        given["aws_access_key_id"] = settings.access_key_id
        given["aws_secret_access_key"] = settings.secret
        if settings.token:
            given["aws_session_token"] = settings.token
    if settings.profile:
        given["profile"] = settings.profile
    own = session(**given)
    if settings.role_arn:
        sts = own.client("sts", config=config, endpoint_url=settings.sts_endpoint_url)
        assumed = botocore.session.Session()
        assumed.register_component("data_loader", _models())
        assumed.get_component("credential_provider").insert_before("env", _AssumedRole(partial(_assume, sts, settings)))
        own = boto3.Session(botocore_session=assumed, region_name=settings.region)
    client = own.client("connect", config=config, endpoint_url=settings.endpoint_url)
    client.meta.events.register("before-parse.connect", _expect_json)
    return client


def _assume(sts: Any, settings: AmazonConnectSettings) -> dict[str, str]:
    more = {"ExternalId": settings.external_id} if settings.external_id else {}
    told = sts.assume_role(RoleArn=settings.role_arn, RoleSessionName="floorlight", **more)["Credentials"]
    return {
        "access_key": told["AccessKeyId"],
        "secret_key": told["SecretAccessKey"],
        "token": told["SessionToken"],
        "expiry_time": told["Expiration"].isoformat(),
    }


class Connection:
    """One session with one instance. Use as an async context manager; ``client`` is boto3's."""

    def __init__(self, link: Link, settings: AmazonConnectSettings) -> None:
        self._link, self._settings = link, settings
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix=f"amazon_connect {link.source}")
        self.clock = AcdClock(link)
        self.client: Any = None
        self._accepted = False

    async def __aenter__(self) -> Connection:
        self.client = await self._blocking("credentials", partial(make_client, self._settings))
        return self

    async def __aexit__(self, *_: object) -> None:
        # A thread that hangs ends by boto3's own patience; nobody waits for it.
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self.client is not None:
            self.client.close()

    async def ask(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """The answer to one call, by the API's own names. Raises ``Limited`` and ``CollectorError``."""
        await allowance(self._settings, operation).take()
        asked_at = self._link.now_ms()
        call = getattr(self.client, xform_name(operation))
        answer: dict[str, Any] = await self._blocking(operation, partial(call, **parameters))
        self.clock.http_date(
            answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date"), asked_at, self._link.now_ms()
        )
        self._accepted = True
        self._link.heard()
        return answer

    async def pages(self, operation: str, key: str, **parameters: Any) -> AsyncIterator[list[Any]]:
        """Page by page what stands under ``key``. A page may come twice: an expired token begins everything anew."""
        own = self._settings
        # One operation names the instance otherwise than all others do.
        where = {"ResourceArn": own.instance_arn} if operation == "GetMetricDataV2" else {"InstanceId": own.instance_id}
        token, told_at = "", 0
        while True:
            if token and self._link.now_ms() - told_at > TOKEN_LIVES_MS:
                token = ""
            more = {"NextToken": token} if token else {}
            answer = await self.ask(operation, **where, **parameters, **more)
            token, told_at = answer.get("NextToken", ""), self._link.now_ms()
            yield answer.get(key, [])
            if not token:
                return

    async def _blocking(self, operation: str, call: Callable[[], Any]) -> Any:
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await asyncio.get_running_loop().run_in_executor(self._pool, call)
        except TimeoutError:
            raise CollectorError(f"Amazon Connect did not answer {operation} within {PATIENCE_S:.0f} s") from None
        except exceptions.ClientError as error:
            raise self._refusal(error) from None
        except exceptions.BotoCoreError as error:
            raise self._no_answer(operation, error) from None

    def _refusal(self, error: Any) -> Exception:
        """What AWS said, by its code."""
        said, answered = error.response.get("Error", {}), error.response.get("ResponseMetadata", {})
        code, operation = str(said.get("Code", "")), error.operation_name
        words = self._clean(f"{code}: {said.get('Message', '')}")
        status = answered.get("HTTPStatusCode", 0)
        if code in THROTTLED or status == 429:
            after = answered.get("HTTPHeaders", {}).get("retry-after")
            return Limited(retry_after_s(after, self._link.now_ms()))
        if code in CLOCKS or "Signature expired" in words or "Signature not yet current" in words:
            return CollectorError(f"AWS does not believe this machine's clock; set it by NTP ({words})")
        if operation == "AssumeRole" and (code in FORBIDDEN or code in NOT_ACCEPTED):
            return CollectorError(
                f"the role {self._settings.role_arn} cannot be assumed: allow sts:AssumeRole, and see its trust policy"
                f" and external id ({words})",
                permanent=True,
            )
        if code in FORBIDDEN:
            return CollectorError(
                f"a right is missing: the IAM policy must allow connect:{operation} on {self._settings.instance_arn} and"
                f" what is below it, see docs/collectors/amazon_connect.md ({words})",
                permanent=True,
            )
        if code in REFUSED:
            return CollectorError(
                f"AWS refuses the credentials; check the keys, profile or role ({words})", permanent=True
            )
        if code in EXPIRED:
            fixed = bool(self._settings.token)
            return CollectorError(f"the temporary credentials have expired ({words})", permanent=fixed)
        if code == "ResourceNotFoundException":
            # Later it is a queue or a profile that somebody has just deleted; the next session lists them anew.
            return CollectorError(
                f"there is no such instance in {self._settings.region}, or part of it is gone ({words})",
                permanent=not self._accepted,
            )
        return CollectorError(f"Amazon Connect does not answer {operation} ({words})", permanent=code in NOT_ACCEPTED)

    def _no_answer(self, operation: str, error: Any) -> CollectorError:
        """What befell the way to AWS, or the credentials on this side of it."""
        permanent = isinstance(
            error,
            exceptions.NoCredentialsError
            | exceptions.PartialCredentialsError
            | exceptions.ProfileNotFound
            | exceptions.ParamValidationError
            | exceptions.InvalidRegionError,
        )
        return CollectorError(
            self._clean(f"no answer from Amazon Connect to {operation}: {error}"), permanent=permanent
        )

    def _clean(self, words: str) -> str:
        for secret in filter(None, (self._settings.secret, self._settings.token)):
            words = words.replace(secret, "•••")
        return words[:400]

"""Calls through botocore's own model of the service, which refuses a wrong field name, and every way in which they fail."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.stub import Stubber
from pydantic import SecretStr, ValidationError

from collectors.amazon_connect.connection import Connection, allowance, make_client
from collectors.amazon_connect.settings import AmazonConnectSettings
from collectors.collector import CollectorError
from collectors.polled.schedule import Limited
from tests.collectors.amazon_connect.rig import ARN, INSTANCE
from tests.collectors.asterisk_link import KeptLink
from tests.collectors.http_acd import Asked, HttpAcd, Told

SECRET = "a-canary-of-a-secret"


def settings(**more: Any) -> AmazonConnectSettings:
    given = {"instance_arn": ARN, "access_key_id": "AKIDEXAMPLE", "secret_access_key": SecretStr(SECRET)}
    return AmazonConnectSettings(**given | more)


class JumpingLink(KeptLink):
    """A link whose clock a test can put forward."""

    ahead_ms = 0

    def now_ms(self) -> int:
        return super().now_ms() + self.ahead_ms


def stubbed(
    prepare: Callable[[Stubber], None],
    ask: Callable[[Connection], Awaitable[Any]],
    *,
    own: AmazonConnectSettings | None = None,
    link: KeptLink | None = None,
) -> Any:
    """What one conversation with a stubbed client brings, be it an error; afterwards everything prepared was asked for."""
    own = own or settings()

    async def main() -> Any:
        connection = Connection(link or KeptLink(), own)
        connection.client = make_client(own)
        try:
            with Stubber(connection.client) as stub:
                prepare(stub)
                try:
                    return await ask(connection)
                except (CollectorError, Limited) as error:
                    return error
                finally:
                    stub.assert_no_pending_responses()
        finally:
            await connection.__aexit__()

    return asyncio.run(main())


async def list_queues(connection: Connection) -> list[Any]:
    return [queue async for page in connection.pages("ListQueues", "QueueSummaryList") for queue in page]


def test_pages_are_read_to_the_end() -> None:
    def prepare(stub: Stubber) -> None:
        stub.add_response(
            "list_queues", {"QueueSummaryList": [{"Id": "q-1"}], "NextToken": "more"}, {"InstanceId": INSTANCE}
        )
        stub.add_response(
            "list_queues", {"QueueSummaryList": [{"Id": "q-2"}]}, {"InstanceId": INSTANCE, "NextToken": "more"}
        )

    assert stubbed(prepare, list_queues) == [{"Id": "q-1"}, {"Id": "q-2"}]


def test_pages_that_take_longer_than_their_token_lives_are_begun_anew() -> None:
    link = JumpingLink()

    def prepare(stub: Stubber) -> None:
        first = {"QueueSummaryList": [{"Id": "q-1"}], "NextToken": "old"}
        stub.add_response("list_queues", first, {"InstanceId": INSTANCE})
        stub.add_response("list_queues", {"QueueSummaryList": [{"Id": "q-1"}]}, {"InstanceId": INSTANCE})

    async def dawdle(connection: Connection) -> list[Any]:
        found = []
        async for page in connection.pages("ListQueues", "QueueSummaryList"):
            found += page
            link.ahead_ms += 300_000
        return found

    assert stubbed(prepare, dawdle, link=link) == [{"Id": "q-1"}, {"Id": "q-1"}]


def refused(code: str, status: int = 400, *, message: str = "no", operation: str = "list_queues", **more: Any) -> Any:
    headers = more.pop("headers", {})

    def prepare(stub: Stubber) -> None:
        stub.add_client_error(operation, code, message, status, response_meta={"HTTPHeaders": headers})

    return stubbed(prepare, list_queues, **more)


@pytest.mark.parametrize("code", ["ThrottlingException", "TooManyRequestsException"])
def test_throttling_is_a_limit_and_no_outage(code: str) -> None:
    error = refused(code, 429)
    assert isinstance(error, Limited) and error.retry_after_s is None
    error = refused(code, 429, headers={"retry-after": "7"})
    assert isinstance(error, Limited) and error.retry_after_s == 7.0


def test_a_right_that_is_missing_is_named_and_permanent() -> None:
    error = refused("AccessDeniedException", 403, message="User is not authorized to perform: connect:ListQueues")
    assert isinstance(error, CollectorError) and error.permanent
    assert "connect:ListQueues" in str(error) and ARN in str(error)


@pytest.mark.parametrize("code", ["UnrecognizedClientException", "InvalidSignatureException", "SignatureDoesNotMatch"])
def test_credentials_that_aws_does_not_know_are_permanent_and_never_shown(code: str) -> None:
    error = refused(code, 403, message=f"the key {SECRET} is wrong")
    assert isinstance(error, CollectorError) and error.permanent
    assert SECRET not in str(error)


def test_expired_credentials_come_back_by_themselves_unless_they_were_given_as_a_token() -> None:
    assert not refused("ExpiredTokenException", 403).permanent
    assert refused("ExpiredTokenException", 403, own=settings(session_token=SecretStr("a-canary-of-a-token"))).permanent


def test_a_clock_that_aws_does_not_believe_is_said_so() -> None:
    error = refused(
        "InvalidSignatureException", 403, message="Signature expired: 20261122T040000Z is now earlier than …"
    )
    assert not error.permanent
    assert "clock" in str(error)


def test_an_instance_that_does_not_exist_is_permanent_and_a_part_that_was_just_deleted_is_not() -> None:
    assert refused("ResourceNotFoundException", 404).permanent

    def prepare(stub: Stubber) -> None:
        stub.add_response("list_queues", {"QueueSummaryList": [], "NextToken": "more"})
        stub.add_client_error("list_queues", "ResourceNotFoundException", "gone", 404)

    assert not stubbed(prepare, list_queues).permanent


def test_a_question_that_is_not_accepted_is_permanent_and_trouble_at_amazon_is_not() -> None:
    assert refused("InvalidParameterException").permanent
    assert not refused("InternalServiceException", 500).permanent
    assert not refused("ServiceUnavailable", 503).permanent


# ── the way there ─────────────────────────────────────────────────────────────────────────────────


def connected(own: AmazonConnectSettings, ask: Callable[[Connection], Awaitable[Any]] = list_queues) -> Any:
    async def main() -> Any:
        try:
            async with Connection(KeptLink(), own) as connection:
                return await ask(connection)
        except (CollectorError, Limited) as error:
            return error

    return asyncio.run(main())


def test_a_field_that_the_service_does_not_know_is_refused_before_anything_is_sent() -> None:
    async def misspelt(connection: Connection) -> Any:
        return await connection.ask("ListQueues", InstanceId=INSTANCE, QueueType="STANDARD")

    error = connected(settings(endpoint_url="http://127.0.0.1:1"), misspelt)
    assert isinstance(error, CollectorError) and error.permanent and "QueueType" in str(error)


def test_an_address_where_nobody_listens_is_temporary() -> None:
    error = connected(settings(endpoint_url="http://127.0.0.1:1"))
    assert isinstance(error, CollectorError) and not error.permanent
    assert SECRET not in str(error)


def test_without_any_credentials_it_is_permanent(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    bare = AmazonConnectSettings(instance_arn=ARN)
    error = connected(bare)
    assert isinstance(error, CollectorError) and error.permanent
    missing = connected(AmazonConnectSettings(instance_arn=ARN, profile="nobody"))
    assert isinstance(missing, CollectorError) and missing.permanent and "nobody" in str(missing)


@pytest.mark.parametrize("body", [b"<html>a proxy</html>", b"[]", b"\xff\xfe"])
def test_an_answer_that_is_no_answer_is_never_taken_for_an_empty_one(body: bytes) -> None:
    async def main() -> Any:
        server = HttpAcd(lambda asked: Told(body), KeptLink().now_ms)
        await server.start()
        try:
            async with Connection(KeptLink(), settings(endpoint_url=server.url)) as connection:
                return await list_queues(connection)
        except CollectorError as error:
            return error
        finally:
            await server.stop()

    error = asyncio.run(main())
    assert isinstance(error, CollectorError) and not error.permanent
    assert "no JSON" in str(error)


def with_role(sts: Callable[[Asked], Told]) -> tuple[Any, list[Asked], list[Asked]]:
    """What listing queues under an assumed role brings, what STS was asked, and what Amazon Connect."""

    async def main() -> Any:
        link = KeptLink()
        api = HttpAcd(lambda asked: Told({"QueueSummaryList": []}), link.now_ms)
        issuer = HttpAcd(sts, link.now_ms)
        await api.start()
        await issuer.start()
        own = settings(
            role_arn="arn:aws:iam::210987654321:role/floorlight", external_id="bpo-7", endpoint_url=api.url, sts_endpoint_url=issuer.url
        )  # fmt: skip
        try:
            async with Connection(link, own) as connection:
                told: Any = await list_queues(connection)
        except CollectorError as error:
            told = error
        finally:
            await api.stop()
            await issuer.stop()
        return told, issuer.asked, api.asked

    return asyncio.run(main())


def test_a_role_is_assumed_with_its_external_id_and_its_keys_sign_the_questions() -> None:
    expires = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    answer = (
        '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>'
        "<AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>token-of-the-role</SessionToken>"
        f"<Expiration>{expires}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
    ).encode()
    told, asked_sts, asked_api = with_role(lambda asked: Told(answer, headers={"Content-Type": "text/xml"}))
    assert told == []
    assert asked_sts[0].form["Action"] == "AssumeRole"
    assert asked_sts[0].form["ExternalId"] == "bpo-7"
    assert "Credential=AKIDEXAMPLE/" in asked_sts[0].headers["authorization"]
    assert "Credential=ASIAROLE/" in asked_api[0].headers["authorization"]
    assert "/eu-central-1/connect/" in asked_api[0].headers["authorization"]
    assert asked_api[0].headers["x-amz-security-token"] == "token-of-the-role"


def test_a_role_that_does_not_trust_us_is_permanent_and_names_what_to_look_at() -> None:
    answer = (
        b'<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>AccessDenied</Code>'
        b"<Message>User is not authorized to perform: sts:AssumeRole</Message></Error></ErrorResponse>"
    )
    error, _, asked_api = with_role(lambda asked: Told(answer, 403, {"Content-Type": "text/xml"}))
    assert isinstance(error, CollectorError) and error.permanent
    assert "sts:AssumeRole" in str(error) and "external id" in str(error)
    assert not asked_api


# ── the limits, the settings ──────────────────────────────────────────────────────────────────────


def test_sources_of_one_account_and_region_share_its_five_requests_a_second() -> None:
    own, other = settings(), settings(instance_arn=ARN.replace("1111", "9999"))
    assert allowance(own, "GetCurrentMetricData") is allowance(other, "GetMetricDataV2")
    assert allowance(own, "ListQueues") is not allowance(own, "GetMetricDataV2"), "the rest has limits of its own"
    elsewhere = settings(instance_arn=ARN.replace("eu-central-1", "us-east-1"))
    assert allowance(own, "GetMetricDataV2") is not allowance(elsewhere, "GetMetricDataV2")


@pytest.mark.parametrize(
    "wrong",
    [
        {"instance_arn": "11111111-2222-3333-4444-555555555555"},
        {"instance_arn": ARN + "/queue/q-1"},
        {"access_key_id": ""},
        {"profile": "also"},
        {"external_id": "without a role"},
        {"endpoint_url": "http://connect.example"},
        {"service_level_s": []},
        {"service_level_s": [0]},
        {"service_level_s": [20, 20]},
        {"endpoint_url": "https://me:secret@connect.example"},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        settings(**wrong)


def test_the_arn_names_region_account_and_instance() -> None:
    own = settings(instance_arn=f"arn:aws-us-gov:connect:us-gov-west-1:210987654321:instance/{INSTANCE}")
    assert (own.region, own.account, own.instance_id) == ("us-gov-west-1", "210987654321", INSTANCE)

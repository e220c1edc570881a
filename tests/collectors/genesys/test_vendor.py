"""What is asked and read, held against the vendor's own models."""

from __future__ import annotations

import json
import lzma
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from collectors.genesys import protocol as p
from collectors.genesys.settings import MOST_THRESHOLDS, Media
from collectors.genesys.translate import COUNTS, SUMS

DATA = Path(__file__).parent.parent.parent / "data" / "genesys"
VENDOR: dict[str, Any] = json.loads(lzma.decompress((DATA / "models.json.xz").read_bytes()))
MODELS = VENDOR["models"]

READ = {
    p.Queue: "Queue",
    p.QueuePage: "QueueEntityListing",
    p.User: "User",
    p.UserPage: "UserEntityListing",
    p.Observed: "QueueObservationDataContainer",
    p.Observations: "QueueObservationQueryResponse",
    p.Metric: "ObservationMetricData",
    p.Stats: "StatisticalSummary",
    p.View: "AggregateViewData",
    p.Interval: "StatisticalResponse",
    p.Aggregate: "ConversationAggregateDataContainer",
    p.Aggregates: "ConversationAggregateQueryResponse",
    p.Activity: "RoutingActivityData",
    p.Activities: "RoutingActivityResponse",
    p.Channel: "Channel",
    p.Topic: "ChannelTopic",
    p.Topics: "ChannelTopicEntityListing",
    p.Stat: "StatEventQueueTopicStatsNotification",
}


@pytest.mark.parametrize("shape", READ, ids=lambda shape: shape.__name__)
def test_every_field_that_is_read_is_one_of_the_vendors(shape: type[msgspec.Struct]) -> None:
    for field in msgspec.structs.fields(shape):
        assert field.encode_name in MODELS[READ[shape]]


def test_every_field_of_people_and_conversations_is_one_of_the_vendors() -> None:
    known = MODELS["RoutingActivityEntityData"].keys() | MODELS["ConversationActivityEntityData"].keys()
    assert {field.encode_name for field in msgspec.structs.fields(p.Entity)} <= known


def conforms(value: Any, kind: str, enum: list[Any] | None = None) -> None:
    """Assert that a value is of one of the vendor's types."""
    inner = re.fullmatch(r"list\[(.*)\]", kind)
    if inner:
        assert isinstance(value, list)
        for item in value:
            conforms(item, inner[1], enum)
    elif kind in MODELS:
        assert value.keys() <= MODELS[kind].keys()
        for name, item in value.items():
            conforms(item, MODELS[kind][name]["type"], MODELS[kind][name].get("enum"))
    else:
        assert isinstance(value, {"str": str, "bool": bool, "int": int, "float": int | float}[kind])
        assert enum is None or value in enum


@pytest.mark.parametrize(
    ("query", "model"),
    [
        (p.observation_query(["a", "b"]), "QueueObservationQuery"),
        (p.people_query(["a", "b"]), "RoutingActivityQuery"),
        (p.contacts_query(["a"]), "ConversationActivityQuery"),
        (p.account_query(["a"], ["voice", "chat"], 0, 900_000, [20, 60]), "ConversationAggregationQuery"),
    ],
    ids=["observations", "people", "conversations", "accounts"],
)
def test_every_question_is_in_the_vendors_form(query: dict[str, Any], model: str) -> None:
    conforms(query, model)


def test_every_metric_that_is_asked_is_one_of_the_vendors() -> None:
    known = MODELS["ConversationAggregationView"]["target"]["enum"]
    assert set(p.ACCOUNT_METRICS) <= set(known)
    assert COUNTS.keys() | SUMS.keys() == set(p.ACCOUNT_METRICS), "each is asked for, and each is booked"


def test_a_query_never_has_more_views_than_the_vendor_allows() -> None:
    query = p.account_query(["a"], ["voice"], 0, 900_000, range(1, MOST_THRESHOLDS + 1))
    names = [view["name"] for view in query["views"]]
    assert len(names) == len(set(names)) == 10


def test_the_topic_is_one_of_the_vendors() -> None:
    assert p.TOPIC.format("{id}") in VENDOR["topics"]


def test_every_kind_of_contact_is_one_of_the_vendors() -> None:
    known = MODELS["ConversationActivityEntityData"]["mediaType"]
    assert known["type"] == "str"
    assert set(Media.__args__) >= {"voice", "callback", "chat", "email", "message"}

"""Which of a project's sources can give a number, and which leave a hole in it.

A sum over sources of which one does not tell a thing is no sum of the whole: it is shown over those that do, and says without whom. What other
systems report (surveys, tickets, …) comes from one of them for the whole project, so there an ACD that does not tell it lacks nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from collectors.collector import BUSINESS, FLOOR, Fact
from collectors.registry import KINDS
from operations.kpis.catalogue import CATALOGUE, Kpi
from operations.kpis.formulas import Terms
from operations.sources import SourceView
from operations.texts import Said, say

EVERYTHING: frozenset[str] = FLOOR | BUSINESS

HEADCOUNT: frozenset[str] = frozenset(("agents", "ringing_now", "wrap_up_now"))
"""Facts of how many people there are."""

Gives = Mapping[str, frozenset[str]]
"""By source: the facts that it tells."""


class Cover(NamedTuple):
    """``sources``: those that a number rests on, none: nobody can give it. ``lacking``: those whose part of it is missing."""

    sources: tuple[str, ...]
    lacking: tuple[str, ...]


def fact_name(fact: str) -> Said:
    """What people call a fact, as in "no hold time from hq"."""
    return FACT_NAMES.get(fact, Said(fact))


FACT_NAMES: dict[str, Said] = {
    "waiting": say("who waits now"),
    "longest_wait": say("since when they wait"),
    "agents": say("what agents do now"),
    "ringing_now": say("who is being rung now"),
    "wrap_up_now": say("who is in wrap-up now"),
    "agent_names": say("agents by name"),
    "agent_time": say("agents' time"),
    "contacts": say("offered and answered contacts"),
    "waits": say("waits"),
    "in_time": say("who was answered in time"),
    "abandons": say("abandons"),
    "flow_outs": say("flow-outs"),
    "talk": say("talk time"),
    "hold": say("hold time"),
    "wrap": say("wrap-up time"),
    "ring": say("ring time"),
    "transfers": say("transfers"),
    "rang_no_answer": say("unanswered rings"),
    "surveys": say("surveys"),
    "resolution": say("first-contact resolution"),
    "complaints": say("complaints"),
    "quality": say("quality scores"),
    "dialler": say("outbound calls"),
    "ivr": say("IVR sessions"),
    "bot": say("bot sessions"),
    "tickets": say("tickets"),
}


def lacking(told: frozenset[str]) -> list[str]:
    """The facts of a floor that a source does not tell, in the order in which they are listed; none for one that tells of no floor at all."""
    return [fact for fact in FACT_NAMES if fact in FLOOR and fact not in told] if told & FLOOR else []


def beyond(told: frozenset[str]) -> list[str]:
    """What a source reports beside its floor."""
    return [fact for fact in FACT_NAMES if fact in BUSINESS and fact in told]


def given(kind: str, facts: Mapping[str, Any], kinds: Mapping[str, Any] = KINDS) -> frozenset[str]:
    """What a source tells: what it said of itself while it was connected, else what its kind promises.

    ``facts``: of its ``Status``. Of a kind that is not known nothing is held against it.
    """
    said = facts.get("gives")
    if isinstance(said, (list, tuple)):
        return frozenset(fact for fact in said if fact in EVERYTHING)
    return frozenset(getattr(kinds.get(kind), "gives", EVERYTHING))


def told_by(view: SourceView | None) -> frozenset[str]:
    """The same of a source as it is now; of one of which nothing is known, what every ACD is asked for."""
    return FLOOR if view is None else given(view.kind, view.facts)


def needed(kpi: Kpi, terms: Terms) -> frozenset[Fact]:
    """The facts that a KPI rests on under a contract."""
    if kpi.key != "service_level_pct":
        return kpi.needs
    rule = terms.service_level
    more: set[Fact] = set()
    if rule.abandons != "exclude":
        more.add("abandons")
    if rule.flow_outs == "miss":
        more.add("flow_outs")
    return kpi.needs | more


def cover(kpi: Kpi, terms: Terms, gives: Gives) -> Cover:
    """Who gives a KPI of a project and who does not. ``gives``: of the project's sources, in their order."""
    needs = needed(kpi, terms)
    whole = tuple(source for source, told in gives.items() if needs <= told)
    if not whole or needs <= BUSINESS:
        return Cover(whole, ())
    # A system beside the ACDs that tells nothing of a floor leaves no hole in what happens on it.
    return Cover(whole, tuple(source for source, told in gives.items() if source not in whole and told & FLOOR))


def at_project(gives: Gives, queues: Iterable[str]) -> Gives:
    """``gives`` as it holds for all of a project's ``queues`` (``SOURCE/QUEUE``) together.

    Who tells of people only how many serve each queue does not tell how many they are: one who serves three is counted in three.
    """
    several = {source for source, n in Counter(queue.partition("/")[0] for queue in queues).items() if n > 1}
    return {
        source: told - HEADCOUNT if source in several and "agent_names" not in told else told
        for source, told in gives.items()
    }


def covers(terms: Terms, gives: Gives, kpis: Iterable[Kpi] = CATALOGUE.values()) -> dict[str, Cover]:
    """``cover`` of many KPIs, by key."""
    return {kpi.key: cover(kpi, terms, gives) for kpi in kpis}

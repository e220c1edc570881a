"""What a configuration asks of sources that cannot give it: no fault, but a target that nobody will ever see met or missed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from operations.kpis.catalogue import CATALOGUE, Kpi
from operations.kpis.coverage import Gives, at_project, cover, fact_name, needed
from operations.projects.contract import Contract, Project, split_queue
from operations.texts import Said, Words, kpi_name, say


def beyond_reach(projects: Mapping[str, Project], told: Gives) -> list[Said]:
    """A sentence for each target, and each number of a wall, that a project's sources cannot give. ``told``: by source, what it tells."""
    found: list[Said] = []
    for project in projects.values():
        found += [sentence for sentence in _of(project, told) if sentence not in found]
    return found


def _of(project: Project, told: Gives) -> Iterator[Said]:
    gives = {source: told[source] for source in project.sources if source in told}
    if not gives:
        return
    whole = at_project(gives, project.queues)
    where = f"projects.{project.id}"
    for block in project.targets:
        contract = Contract(targets=block.value, service_level=project.service_level[0].value)
        for target in block.value:
            kpi = CATALOGUE[target.kpi]
            queues = project.queues if target.per_queue else (target.queue,) if target.queue else ()
            blind = [queue for queue in queues if split_queue(queue)[0] not in cover(kpi, contract, gives).sources]
            if queues and blind:
                yield say(
                    "{where}: the target on {kpi} of {queue} is never judged: no {facts} from {source}",
                    where=where, kpi=kpi_name(kpi.key), queue=", ".join(blind),
                    source=", ".join(dict.fromkeys(split_queue(queue)[0] for queue in blind)), facts=_missing(kpi, contract, gives, blind),
                )  # fmt: skip
            elif not queues and not cover(kpi, contract, whole).sources:
                yield say(
                    "{where}: the target on {kpi} is never judged: no {facts} from {source}",
                    where=where, kpi=kpi_name(kpi.key), source=", ".join(gives), facts=_missing(kpi, contract, gives, ()),
                )  # fmt: skip
    contract = Contract(service_level=project.service_level[-1].value)
    for key in project.wall:
        if not cover(CATALOGUE[key], contract, whole).sources:
            yield say(
                "{where}: {kpi} stays empty on the wall: no {facts} from {source}",
                where=where, kpi=kpi_name(key), source=", ".join(gives), facts=_missing(CATALOGUE[key], contract, gives, ()),
            )  # fmt: skip


def _missing(kpi: Kpi, contract: Contract, gives: Gives, queues: list[str] | tuple[()]) -> Words:
    """Facts that none of the sources tells (of the queues' sources, where it is about queues)."""
    sources = {split_queue(queue)[0] for queue in queues} or set(gives)
    told = frozenset[str]().union(*(gives[source] for source in sources if source in gives))
    needs = needed(kpi, contract)
    by_name = ["agent_names"] if "agents" in needs and not queues else []  # of each queue how many, and not who
    missing = sorted(needs - told) or by_name or sorted(needs)
    found: Words = fact_name(missing[0])
    for fact in missing[1:]:
        found = say("{some}, {more}", some=found, more=fact_name(fact))
    return found

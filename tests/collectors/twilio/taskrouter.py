"""A small TaskRouter: real HTTP, one workspace with a floor that tests drive."""

from __future__ import annotations

import base64
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

from collectors.polled.answers import epoch_ms, iso
from tests.collectors.http_acd import Asked, HttpAcd, Told

ACCOUNT = "AC" + "a" * 32
WORKSPACE = "WS" + "b" * 32
TOKEN = "the-auth-token-canary"
QUARTER_MS = 900_000
ROOT = f"/v1/Workspaces/{WORKSPACE}"


def sid(prefix: str, name: str) -> str:
    """An identifier that looks like the vendor's."""
    return f"{prefix}{crc32(name.encode()):032x}"


@dataclass
class Worker:
    """Somebody who works; ``queues`` by name."""

    name: str
    queues: list[str]
    activity: str = "Available"
    available: bool = True
    since: int = 0

    @property
    def sid(self) -> str:
        return sid("WK", self.name)


@dataclass
class Task:
    """A task that is not completed; ``reservations``: worker's name → status."""

    name: str
    queue: str
    entered_at: int
    status: str = "pending"
    reservations: dict[str, str] = field(default_factory=dict)
    updated_at: int = 0

    @property
    def sid(self) -> str:
        return sid("WT", self.name)


class TaskRouter:
    """Serves what the collector asks. ``asked`` of ``http`` keeps every request."""

    def __init__(self, clock: Callable[[], int], queues: tuple[str, ...] = ("sales",)) -> None:
        self.clock = clock
        self.queues = {sid("WQ", name): name for name in queues}
        self.workers: list[Worker] = []
        self.tasks: list[Task] = []
        self.booked: dict[tuple[str, int], dict[str, list[int]]] = {}
        self.http = HttpAcd(self._answer, clock)
        self.login = (ACCOUNT, TOKEN)
        self.page_size = 1_000
        self.left_out: set[str] = set()
        """Names of queues that the bulk of real-time statistics says nothing of."""
        self.limited = ""
        """How the path of what is not answered for five minutes ends."""

    def book(self, queue: str, field: str, wait_ms: int = 0, at: int | None = None) -> None:
        """One more of a cumulative statistic in the quarter of ``at``."""
        at = self.clock() if at is None else at
        self.booked.setdefault((queue, at - at % QUARTER_MS), defaultdict(list))[field].append(wait_ms)

    def _answer(self, asked: Asked) -> Told:
        expected = "Basic " + base64.b64encode(":".join(self.login).encode()).decode()
        if asked.headers.get("authorization") != expected:
            return Told({"code": 20003, "message": "Authenticate", "status": 401}, 401)
        if self.limited and asked.path.endswith(self.limited):
            return Told({"code": 20429, "message": "Too Many Requests", "status": 429}, 429, {"Retry-After": "300"})
        for pattern, answer in (
            (r"/TaskQueues", self._queues),
            (r"/TaskQueues/RealTimeStatistics", self._present),
            (r"/TaskQueues/Statistics", self._statistics),
            (r"/Workers", self._workers),
            (r"/Tasks", self._tasks),
            (r"/Tasks/[^/]+/Reservations", self._reservations),
        ):
            if re.fullmatch(ROOT + pattern, asked.path):
                return answer(asked)
        return Told({"code": 20404, "message": f"The requested resource {asked.path} was not found", "status": 404}, 404)  # fmt: skip

    def _page(self, asked: Asked, key: str, items: list[Any]) -> Told:
        size, number = min(self.page_size, int(asked.query["PageSize"])), int(asked.query.get("Page", "0"))
        following = None
        if (number + 1) * size < len(items):
            query = "&".join(f"{name}={value}" for name, value in asked.pairs if name != "Page")
            following = f"https://taskrouter.twilio.com{asked.path}?{query}&Page={number + 1}"
        meta = {"key": key, "page": number, "page_size": size, "next_page_url": following}
        return Told({"meta": meta, key: items[number * size : (number + 1) * size]})

    def _queues(self, asked: Asked) -> Told:
        listed = [{"sid": queue, "friendly_name": name} for queue, name in self.queues.items()]
        return self._page(asked, "task_queues", listed)

    def _present(self, asked: Asked) -> Told:
        sids = asked.json["queueSids"]
        if asked.method != "POST" or not 1 <= len(sids) <= 50:
            return Told({"code": 20001, "message": "queueSids must hold 1 to 50", "status": 400}, 400)
        data = []
        for queue in sids:
            if self.queues[queue] in self.left_out:
                continue
            tasks = [task for task in self.tasks if task.queue == self.queues[queue]]
            waiting = [task.entered_at for task in tasks if task.status in ("pending", "reserved")]
            statuses = {name: sum(t.status == name for t in tasks) for name in ("pending", "reserved", "assigned", "wrapping")}  # fmt: skip
            oldest = (self.clock() - min(waiting)) // 1000 if waiting else 0
            data.append({"task_queue_sid": queue, "longest_task_waiting_age": oldest, "tasks_by_status": statuses, "total_tasks": len(tasks)})  # fmt: skip
        return Told({"task_queue_data": data, "task_queue_response_count": len(data)})

    def _statistics(self, asked: Asked) -> Told:
        start = epoch_ms(asked.query["StartDate"]) or 0
        assert asked.query.get("EndDate", iso(start + QUARTER_MS - 1)) == iso(start + QUARTER_MS - 1)
        splits = [int(text) for text in asked.query["SplitByWaitTime"].split(",")]
        return self._page(asked, "task_queues_statistics", [
            {"task_queue_sid": queue, "cumulative": self._cumulative(self.booked.get((name, start), {}), splits), "realtime": {}}
            for queue, name in self.queues.items()
        ])  # fmt: skip

    @staticmethod
    def _cumulative(booked: dict[str, list[int]], splits: list[int]) -> dict[str, Any]:
        fields = ("reservations_accepted", "reservations_timed_out", "tasks_canceled", "tasks_completed", "tasks_deleted", "tasks_entered", "tasks_moved")  # fmt: skip
        told: dict[str, Any] = {name: len(booked.get(name, [])) for name in fields}
        waits = booked.get("reservations_accepted", [])
        told["wait_duration_in_queue_until_accepted"] = {"total": sum(waits) // 1000, "avg": 0, "min": 0, "max": 0}
        told["split_by_wait_time"] = {
            str(seconds): {
                side: {
                    name: sum((wait > seconds * 1000) is (side == "above") for wait in booked.get(name, []))
                    for name in ("tasks_canceled", "reservations_accepted")
                }
                for side in ("above", "below")
            }
            for seconds in splits
        }
        return told

    def _workers(self, asked: Asked) -> Told:
        queue = self.queues.get(asked.query.get("TaskQueueSid", ""))
        return self._page(asked, "workers", [
            {
                "sid": worker.sid, "friendly_name": worker.name, "activity_name": worker.activity,
                "available": worker.available, "date_status_changed": iso(worker.since),
            }
            for worker in self.workers
            if queue is None or queue in worker.queues
        ])  # fmt: skip

    def _tasks(self, asked: Asked) -> Told:
        wanted = asked.query["AssignmentStatus"].split(",")
        return self._page(asked, "tasks", [
            {"sid": task.sid, "assignment_status": task.status, "date_updated": iso(task.updated_at)}
            for task in self.tasks
            if task.status in wanted
        ])  # fmt: skip

    def _reservations(self, asked: Asked) -> Told:
        task = next((task for task in self.tasks if task.sid in asked.path), None)
        if task is None:
            return Told({"code": 20404, "message": "The requested resource was not found", "status": 404}, 404)
        return self._page(asked, "reservations", [
            {"worker_sid": sid("WK", name), "reservation_status": status, "date_updated": iso(task.updated_at)}
            for name, status in task.reservations.items()
        ])  # fmt: skip

"""A stand-in for Asterisk that only writes its queue_log, in real time, and knows the truth of what it wrote."""

from __future__ import annotations

import heapq
import random
import threading
import time
from collections import Counter
from pathlib import Path

QUEUES = ("support", "sales")
AGENTS = tuple(f"PJSIP/{number}" for number in range(1001, 1021))


class Calls:
    """``with Calls(path, seed=7, per_second=40):`` calls come in until ``no_more``, and end as calls do.

    ``truth``: per queue, the counters that follow from the lines written so far, by kpis.md's names; ``talk_s`` whole seconds.
    """

    def __init__(self, path: Path, *, seed: int, per_second: float) -> None:
        self._file = open(path, "a", buffering=1, encoding="utf-8")  # noqa: SIM115 closed by __exit__
        self._random = random.Random(seed)
        self._per_second = per_second
        self._due: list[tuple[float, int, str, str, str, str, str]] = []
        self._number = 0
        self._open = 0
        self._coming = True
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.truth: dict[str, Counter[str]] = {queue: Counter() for queue in QUEUES}
        self.began = time.time()

    def __enter__(self) -> Calls:
        for agent in AGENTS:
            for queue in QUEUES:
                self._line("MANAGER", queue, agent, "ADDMEMBER", "")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._file.close()

    def no_more(self) -> None:
        """No new call; returns when the last one has ended."""
        self._coming = False
        self._thread.join(60)
        assert not self._thread.is_alive(), "a call never ended"

    # ── writing ───────────────────────────────────────────────────────────────────────────────────

    def _run(self) -> None:
        next_call = time.monotonic()
        while not self._stop.is_set() and (self._coming or self._due):
            now = time.monotonic()
            while self._coming and next_call <= now:
                next_call += self._random.expovariate(self._per_second)
                self._begin(now)
            while self._due and self._due[0][0] <= now:
                _, _, contact, queue, agent, verb, fields = heapq.heappop(self._due)
                self._line(contact, queue, agent, verb, fields)
            self._stop.wait(0.01)

    def _begin(self, now: float) -> None:
        chance = self._random
        contact, queue, agent = f"{int(self.began)}.{self._number}", chance.choice(QUEUES), chance.choice(AGENTS)
        self._number += 1
        self._line(contact, queue, "NONE", "ENTERQUEUE", f"|1555{self._number:06d}|1")
        wait = chance.uniform(0.05, 3.0)
        if chance.random() < 0.15:
            self._later(now + wait * chance.random(), contact, queue, chance.choice(AGENTS), "RINGNOANSWER", "1000")
        end = chance.random()
        if end < 0.15:
            self._later(now + wait, contact, queue, "NONE", "ABANDON", f"1|1|{int(wait)}")
        elif end < 0.20:
            self._later(now + wait, contact, queue, "NONE", "EXITWITHTIMEOUT", f"1|1|{int(wait)}")
        elif end < 0.24:
            self._later(now + wait, contact, queue, "NONE", "EXITWITHKEY", f"2|1|1|{int(wait)}")
        else:
            talk = chance.uniform(0.05, 4.0)
            self._later(now + wait, contact, queue, agent, "CONNECT", f"{int(wait)}|{contact}1|1")
            verb = chance.choice(("COMPLETECALLER", "COMPLETEAGENT"))
            self._later(now + wait + talk, contact, queue, agent, verb, f"{int(wait)}|{int(talk)}|1")

    def _later(self, at: float, contact: str, queue: str, agent: str, verb: str, fields: str) -> None:
        heapq.heappush(self._due, (at, len(self._due) + self._number * 10, contact, queue, agent, verb, fields))

    def _line(self, contact: str, queue: str, agent: str, verb: str, fields: str) -> None:
        self._file.write(f"{int(time.time())}|{contact}|{queue}|{agent}|{verb}|{fields}\n")
        truth = self.truth[queue]
        match verb:
            case "ENTERQUEUE":
                truth["offered"] += 1
            case "RINGNOANSWER":
                truth["rang_no_answer"] += 1
            case "ABANDON":
                truth["abandoned"] += 1
            case "EXITWITHTIMEOUT":
                truth["left_timeout"] += 1
            case "EXITWITHKEY":
                truth["left_key"] += 1
            case "CONNECT":
                truth["answered"] += 1
            case "COMPLETECALLER" | "COMPLETEAGENT":
                truth["handled"] += 1
                truth["talk_s"] += int(fields.split("|")[1])

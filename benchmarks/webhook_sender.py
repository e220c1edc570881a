"""A sender for ``benchmarks.webhook`` and its test: several kept-alive connections, batches, retries until each is taken.

``python -m benchmarks.webhook_sender PORT SOURCE SECRET BATCHES EVENTS CONNECTIONS``; prints one JSON object at its end.
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
from collections import Counter
from typing import Any

from collectors.webhook.signature import sign

RETRY_S = 0.05
PATIENCE_S = 120.0


class Sender(threading.Thread):
    """One connection. ``answers`` counts what came back by status; 0: no answer."""

    def __init__(self, number: int, port: int, source: str, secret: str, batches: int, events: int) -> None:
        super().__init__(daemon=True)
        self._number, self._port, self._source, self._secret = number, port, source, secret
        self._batches, self._events = batches, events
        self._link: http.client.HTTPConnection | None = None
        self.answers: Counter[int] = Counter()
        self.took_s: list[float] = []
        self.taken = 0

    def run(self) -> None:
        for batch in range(self._batches):
            self._until_taken(self._body(batch))
            self.taken += self._events

    def _body(self, batch: int) -> bytes:
        at = time.time_ns() // 1_000_000
        said = [
            {"type": "survey", "id": f"{self._number}-{batch}-{i}", "at": at, "queue": f"q{i % 10}", "score": 5}
            for i in range(self._events)
        ]
        return json.dumps({"events": said}).encode()

    def _until_taken(self, body: bytes) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            began = time.monotonic()
            status = self._once(body)
            self.answers[status] += 1
            if status == 202:
                self.took_s.append(time.monotonic() - began)
                return
            if status not in (0, 429, 500, 502, 503, 504) or time.monotonic() > deadline:
                raise SystemExit(f"the door answered {status}")
            time.sleep(RETRY_S)

    def _once(self, body: bytes) -> int:
        at = int(time.time())
        headers = {
            "Content-Type": "application/json",
            "X-Floorlight-Signature": f"t={at},v1={sign(self._secret, at, body)}",
        }
        try:
            if self._link is None:
                self._link = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
            self._link.request("POST", f"/ingest/{self._source}", body, headers)
            answer = self._link.getresponse()
            answer.read()
            return answer.status
        except (OSError, http.client.HTTPException):
            if self._link is not None:
                self._link.close()
            self._link = None
            return 0


def send(port: int, source: str, secret: str, batches: int, events: int, connections: int) -> dict[str, Any]:
    """Send ``batches`` of ``events`` on each of the connections, every one until it is taken; what happened."""
    senders = [Sender(number, port, source, secret, batches, events) for number in range(connections)]
    began = time.monotonic()
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    took = sorted(seconds for sender in senders for seconds in sender.took_s)
    answers = sum((sender.answers for sender in senders), Counter[int]())
    return {
        "taken": sum(sender.taken for sender in senders),
        "seconds": time.monotonic() - began,
        "median_ms": took[len(took) // 2] * 1000,
        "p99_ms": took[int(len(took) * 0.99)] * 1000,
        "answers": {str(status): count for status, count in answers.items()},
    }


if __name__ == "__main__":
    port, source, secret, *numbers = sys.argv[1:]
    print(json.dumps(send(int(port), source, secret, *map(int, numbers))))

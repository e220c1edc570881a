"""A queue_log that is written while it is read. Its "link" is a file: it can be rotated away and written badly, not hang."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import ClassVar

from collectors.queue_log.collector import QueueLogSettings
from tests.collectors.contract.rig import AGENT, QUEUE, Clock, Rig


class QueueLogRig(Rig):
    """Every line is written at once; ``drop`` rotates the file away, as logrotate does."""

    can_refuse: ClassVar[bool] = False
    watches_link: ClassVar[bool] = False

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._folder = tempfile.TemporaryDirectory(prefix="fl-queue-log-")
        self._path = Path(self._folder.name) / "queue_log"
        self._entered: dict[str, int] = {}
        self._answered: dict[str, int] = {}
        self._rotated = 0

    @property
    def settings(self) -> QueueLogSettings:
        return QueueLogSettings(path=self._path)

    async def start(self) -> None:
        self._write("NONE", "NONE", "NONE", "QUEUESTART", "")
        self._write("NONE", QUEUE, AGENT, "ADDMEMBER", "")

    async def stop(self) -> None:
        self._folder.cleanup()

    def new_id(self, number: int) -> str:
        return f"{self.clock() // 1000}.{number}"

    def _write(self, contact: str, queue: str, agent: str, event: str, *data: object) -> None:
        line = "|".join([str(self.clock() // 1000), contact, queue, agent, event, *map(str, data)])
        with self._path.open("ab") as file:
            file.write(line.encode() + b"\n")

    async def said(self, what: str, contact: str) -> None:
        now_s = self.clock() // 1000
        if what == "offer":
            self._entered[contact] = now_s
            self._write(contact, QUEUE, "NONE", "ENTERQUEUE", "", "13800138000", len(self.truth.waiting))
            return
        held_s = now_s - self._entered[contact]
        if what == "answer":
            self._answered[contact] = now_s
            self._write(contact, QUEUE, AGENT, "CONNECT", held_s, f"{contact}9", 0)
        elif what == "finish":
            self._write(contact, QUEUE, AGENT, "COMPLETECALLER", held_s, now_s - self._answered[contact], 1)
        else:
            self._write(contact, QUEUE, "NONE", "ABANDON", 1, 1, held_s)

    async def drop(self) -> None:
        self._rotated += 1
        self._path.rename(self._path.with_name(f"queue_log.{self._rotated}"))
        self._path.touch()

    async def garbage(self) -> None:
        with self._path.open("ab") as file:
            file.write(b"\x00\xff\xfe no line at all\n|||||\n9999999999999|x|y|z|ABANDON|\n" + b"x" * 20_000 + b"\n")

    async def slow(self, seconds: float) -> None:
        """A file does not answer; what is written arrives when it is written."""

    async def recover(self) -> None: ...

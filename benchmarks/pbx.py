"""A PBX that plays run A without end, for ``benchmarks.pipeline``: as fast as its client reads, nothing filtered.

Each round is told as new calls (the Uniqueids' seconds move on), so that no round repeats words of the one before. Prints its port.
"""

from __future__ import annotations

import asyncio
import re

from collectors.asterisk.protocol import AmiParser, Message
from tests.collectors import recordings

ROUND_S = 400
"""Between the Uniqueids of two rounds."""

_ID = re.compile(rb"(?<=id: )(\d{10})(?=\.\d)")


def rounds(raw: bytes) -> list[bytes]:
    """The recording's pieces between Uniqueids, and the Uniqueids' seconds, alternating."""
    return _ID.split(raw)


CHUNK = 262_144


class Client:
    """One connection: answers go out between two messages of the recording."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pieces: list[bytes]) -> None:
        self._reader, self._writer, self._pieces = reader, writer, pieces
        self._answers: list[bytes] = [b"Asterisk Call Manager/11.0.0\r\n"]

    async def play(self) -> None:
        turn = 0
        while True:
            moved = [b"%d" % (int(piece) + turn * ROUND_S) if i % 2 else piece for i, piece in enumerate(self._pieces)]
            data = b"".join(moved)
            start = 0
            while start < len(data):
                end = data.rfind(b"\r\n\r\n", start, start + CHUNK) + 4
                self._writer.write(data[start:end])
                start = end
                self.flush()
                await self._writer.drain()
            turn += 1

    def flush(self) -> None:
        for answer in self._answers:
            self._writer.write(answer)
        self._answers.clear()

    async def serve(self) -> None:
        parser = AmiParser()
        player: asyncio.Task[None] | None = None
        self.flush()
        try:
            while data := await self._reader.read(65536):
                for message in parser.feed(data):
                    self._answer(message)
                    if message.get("Action") == "QueueStatus" and player is None:
                        self.flush()
                        player = asyncio.create_task(self.play())
                if player is None:
                    self.flush()
        except OSError:
            pass  # the client is gone
        finally:
            if player is not None:
                player.cancel()
            self._writer.close()

    def _answer(self, message: Message) -> None:
        action, number = message.get("Action"), message.get("ActionID")
        extra = {"Challenge": "Challenge: 1\r\n", "QueueStatus": "EventList: start\r\n"}.get(action, "")
        lines = f"Response: Success\r\nActionID: {number}\r\n{extra}Message: ok\r\n\r\n"
        if action == "Login":
            lines += "Event: FullyBooted\r\nPrivilege: system,all\r\nStatus: Fully Booted\r\n\r\n"
        if action == "QueueStatus":
            lines += f"Event: QueueStatusComplete\r\nActionID: {number}\r\nEventList: Complete\r\nListItems: 0\r\n\r\n"
        self._answers.append(lines.encode())


async def main() -> None:
    messages = recordings.run_a().messages
    events = [raw for _, raw in messages if raw.startswith(b"Event: ") and b"ActionID" not in raw]
    pieces = rounds(b"".join(events))
    server = await asyncio.start_server(lambda reader, writer: Client(reader, writer, pieces).serve(), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())

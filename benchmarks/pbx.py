"""A PBX that plays run A without end, for ``benchmarks.pipeline``: as fast as its client reads, nothing filtered.

Each round is told as new calls (the Uniqueids' seconds move on), so that no round repeats words of the one before. Prints its port.
"""

from __future__ import annotations

import asyncio
import re

from collectors.asterisk.protocol import AmiParser
from tests.collectors import recordings

ROUND_S = 400
"""Between the Uniqueids of two rounds."""

_ID = re.compile(rb"(?<=id: )(\d{10})(?=\.\d)")


def rounds(raw: bytes) -> list[bytes]:
    """The recording's pieces between Uniqueids, and the Uniqueids' seconds, alternating."""
    return _ID.split(raw)


async def play(writer: asyncio.StreamWriter, pieces: list[bytes]) -> None:
    turn = 0
    while True:
        shift = turn * ROUND_S
        moved = [b"%d" % (int(piece) + shift) if i % 2 else piece for i, piece in enumerate(pieces)]
        data = b"".join(moved)
        for start in range(0, len(data), 262_144):
            writer.write(data[start : start + 262_144])
            await writer.drain()
        turn += 1


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    messages = recordings.run_a().messages
    events = [raw for _, raw in messages if raw.startswith(b"Event: ") and b"ActionID" not in raw]
    pieces = rounds(b"".join(events))
    writer.write(b"Asterisk Call Manager/11.0.0\r\n")
    parser = AmiParser()
    player: asyncio.Task[None] | None = None
    try:
        while data := await reader.read(65536):
            for message in parser.feed(data):
                action, number = message.get("Action"), message.get("ActionID")
                extra = {"Challenge": "Challenge: 1\r\n", "QueueStatus": "EventList: start\r\n"}.get(action, "")
                if player is None:  # once it plays, an answer would land in the middle of a message
                    writer.write(f"Response: Success\r\nActionID: {number}\r\n{extra}Message: ok\r\n\r\n".encode())
                if action == "Login":
                    writer.write(b"Event: FullyBooted\r\nPrivilege: system,all\r\nStatus: Fully Booted\r\n\r\n")
                if action == "QueueStatus" and player is None:
                    writer.write(
                        f"Event: QueueStatusComplete\r\nActionID: {number}\r\nEventList: Complete\r\nListItems: 0\r\n\r\n".encode()
                    )
                    player = asyncio.create_task(play(writer, pieces))
    except OSError:
        pass
    finally:
        if player is not None:
            player.cancel()
        writer.close()


async def main() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())

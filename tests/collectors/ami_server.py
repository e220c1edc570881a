"""A small real AMI server: TCP, a login, filters, and a recording played back at its own or a compressed pace.

``python -m tests.collectors.ami_server run-a --port 5038 --speed 1`` serves a recording to anybody
(user ``wallboard``, secret ``lab``).
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import itertools
import re
import time
from collections.abc import Callable

from collectors.asterisk.protocol import AmiParser, Message
from tests.collectors import recordings
from tests.collectors.recordings import Recording

USER, SECRET = "wallboard", "lab"
_LISTS = (b"Event: QueueParams", b"Event: QueueMember\r", b"Event: QueueEntry", b"Event: QueueStatusComplete")


class AmiServer:
    """One PBX. ``received`` holds every action that any client sent, as parsed.

    ``speed``: None plays as fast as the client reads, 1 at the recorded pace. ``piece``: bytes per write, to cut messages.
    ``booting``: so many QueueStatus are answered as before app_queue is loaded. ``listing``: the answer to QueueStatus, made
    when it is asked for, in place of the recording's. ``delay_s``: so long every answer takes.
    """

    def __init__(
        self,
        recording: Recording | None = None,
        *,
        speed: float | None = None,
        piece: int | None = None,
        secret: str = SECRET,
        challenge: bool = True,
        filters: bool = True,
        booting: int = 0,
        greeting: bytes = b"Asterisk Call Manager/11.0.0\r\n",
        clock: Callable[[], float] = time.time,
        listing: Callable[[], list[bytes]] | None = None,
    ) -> None:
        self.received: list[Message] = []
        self.connections = 0
        self.played = asyncio.Event()
        self.mute = False
        self._recording = recording
        self._speed = speed
        self._piece = piece
        self._secret = secret
        self._challenge = challenge
        self._filters = filters
        self._booting = booting
        self._greeting = greeting
        self._clock = clock
        self._listing = listing
        self.delay_s = 0.0
        self._server: asyncio.Server | None = None
        self._clients: set[_Client] = set()
        self.port = 0

    async def __aenter__(self) -> AmiServer:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """The PBX is gone: nobody listens, every connection is reset."""
        if self._server is not None:
            self._server.close()
            self.reset()
            await asyncio.sleep(0)
            self._server = None

    def reset(self) -> None:
        for client in list(self._clients):
            client.writer.transport.abort()

    def send(self, text: str) -> None:
        """Say something to every client that is logged in, past masks and filters."""
        for client in self._clients:
            client.write(text.replace("\n", "\r\n").encode())

    def drop_mid_message(self) -> None:
        """Half an event, then the end."""
        for client in list(self._clients):
            client.write(b"Event: QueueCallerJoin\r\nPrivilege: agent,all\r\nQueue: sal")
            client.writer.close()

    @property
    def actions(self) -> list[str]:
        return [message.get("Action") for message in self.received]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        client = _Client(self, reader, writer)
        self._clients.add(client)
        try:
            await client.serve()
        except OSError:
            pass  # the client is gone
        finally:
            client.stop()
            self._clients.discard(client)


class _Client:
    def __init__(self, server: AmiServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server = server
        self.reader = reader
        self.writer = writer
        self._mask: set[str] = set()
        self._filters: list[re.Pattern[bytes]] = []
        self._logged_in = False
        self._player: asyncio.Task[None] | None = None
        self._list: list[bytes] = []
        self._in_message = False
        self._after: list[bytes] = []
        recording = server._recording
        self._rest = list(recording.messages) if recording is not None else []
        self._take_list()

    def stop(self) -> None:
        if self._player is not None:
            self._player.cancel()
        self.writer.close()

    def write(self, data: bytes) -> None:
        """Never into the middle of a message: a real server writes each whole."""
        if self._in_message:
            self._after.append(data)
        elif not self.server.mute and not self.writer.is_closing():
            self.writer.write(data)

    async def serve(self) -> None:
        self.write(self.server._greeting)
        parser = AmiParser()
        while data := await self.reader.read(65536):
            for message in parser.feed(data):
                self.server.received.append(message)
                await asyncio.sleep(self.server.delay_s)
                if not self._answer(message):
                    await self.writer.drain()
                    return

    def _reply(self, to: Message, response: str, **headers: str) -> None:
        lines = [f"Response: {response}", f"ActionID: {to.get('ActionID')}", *(f"{k}: {v}" for k, v in headers.items())]
        self.write(("\r\n".join(lines) + "\r\n\r\n").encode())

    def _answer(self, message: Message) -> bool:
        action = message.get("Action")
        server = self.server
        if action == "Challenge" and server._challenge:
            self._reply(message, "Success", Challenge="814223941")
        elif action == "Login":
            key = hashlib.md5(f"814223941{server._secret}".encode()).hexdigest()
            if message.get("Username") != USER or (
                message.get("Key") != key and message.get("Secret") != server._secret
            ):
                self._reply(message, "Error", Message="Authentication failed")
                return False
            self._logged_in = True
            self._mask = set(message.get("Events").split(","))
            self._reply(message, "Success", Message="Authentication accepted")
            if not server._booting:
                self.write(b"Event: FullyBooted\r\nPrivilege: system,all\r\nUptime: 9\r\nStatus: Fully Booted\r\n\r\n")
        elif not self._logged_in:
            self._reply(
                message,
                "Error",
                Message="Invalid/unknown command: Use Action: ListCommands to show available commands.",
            )
        elif action == "Ping":
            self._reply(message, "Success", Ping="Pong", Timestamp=f"{server._clock():.6f}")
        elif action == "Filter" and server._filters:
            self._filters.append(re.compile(message.get("Filter").encode(), re.DOTALL))
            self._reply(message, "Success", Message="Filter added")
        elif action == "Filter":
            self._reply(message, "Error", Message="Permission denied")
        elif action == "Events":
            self._mask = set(message.get("EventMask").split(","))
            self._reply(message, "Success", Events="On")
        elif action == "CoreSettings":
            self._reply(message, "Success", AMIversion="11.0.0", AsteriskVersion="22.10.1")
        elif action == "QueueStatus" and server._booting:
            server._booting -= 1
            self._reply(message, "Error", Message="Invalid/unknown command: QueueStatus.")
        elif action == "QueueStatus":
            self._reply(message, "Success", EventList="start", Message="Queue status will follow")
            listed = server._listing() if server._listing is not None else self._list
            for raw in listed or [
                b"Event: QueueStatusComplete\r\nActionID: x\r\nEventList: Complete\r\nListItems: 0\r\n\r\n"
            ]:
                self.write(re.sub(rb"ActionID: [^\r]*", b"ActionID: " + message.get("ActionID").encode(), raw))
            if self._player is None:
                self._player = asyncio.create_task(self._play())
        elif action == "Logoff":
            self._reply(message, "Goodbye", Message="Thanks for all the fish.")
            return False
        else:
            self._reply(message, "Error", Message=f"Invalid/unknown command: {action}.")
        return True

    def _take_list(self) -> None:
        """The recorder's own answers at the head of what is left: the state at this point of the recording."""
        listed: list[bytes] = []
        while self._rest and not (listed and listed[-1].startswith(_LISTS[3])):
            raw = self._rest[0][1]
            if raw.startswith(_LISTS):
                listed.append(raw)
            elif listed or raw.startswith((b"Event: FullyBooted", b"Event: SuccessfulAuth", b"Asterisk", b"Response")):
                pass
            else:
                break
            self._rest.pop(0)
        if listed:
            self._list = listed

    def _passes(self, raw: bytes) -> bool:
        privilege = re.search(rb"Privilege: ([^\r]*)", raw)
        classes = set((privilege.group(1) if privilege else b"").decode().split(","))
        if not classes & self._mask:
            return False
        return not self._filters or any(pattern.search(raw) for pattern in self._filters)

    async def _play(self) -> None:
        server = self.server
        loop = asyncio.get_running_loop()
        began, first = loop.time(), self._rest[0][0] if self._rest else 0
        while self._rest:
            at, raw = self._rest[0]
            if raw.startswith((b"Response:", *_LISTS)):
                if raw.startswith(_LISTS):
                    self._take_list()
                else:
                    self._rest.pop(0)
                continue
            self._rest.pop(0)
            if server._speed is not None:
                await asyncio.sleep(max(0.0, began + (at - first) / 1000 / server._speed - loop.time()))
            if not self._passes(raw):
                continue
            if server._piece:
                await self._write_in_pieces(raw, server._piece)
            else:
                self.write(raw)
            await self.writer.drain()
        server.played.set()

    async def _write_in_pieces(self, raw: bytes, piece: int) -> None:
        self._in_message = True
        for start in range(0, len(raw), piece):
            self.writer.write(raw[start : start + piece])
            await asyncio.sleep(0)
        self._in_message = False
        after, self._after = self._after, []
        for data in after:
            self.write(data)


async def _main() -> None:
    parser = argparse.ArgumentParser(description="Play a recorded Asterisk to an AMI client.")
    parser.add_argument("recording", help="run-a, or a trap: " + ", ".join(recordings.trap_names()))
    parser.add_argument("--port", type=int, default=5038)
    parser.add_argument("--speed", type=float, default=1.0)
    chosen = parser.parse_args()
    recording = recordings.run_a() if chosen.recording == "run-a" else recordings.trap(chosen.recording)
    server = AmiServer(recording, speed=chosen.speed)
    server.port = chosen.port
    async with server:
        print(f"AMI at 127.0.0.1:{server.port}, user {USER}, secret {SECRET}", flush=True)
        for _ in itertools.count():
            await asyncio.sleep(60)


if __name__ == "__main__":
    asyncio.run(_main())

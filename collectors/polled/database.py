"""Questions to an ACD's database: rows out, every way in which it can fail told apart; never a write, never a long wait.

Database drivers block. Each ``Database`` therefore has one thread and one connection of its own, so that one that hangs delays no other
source; a thread that hangs is left behind, and a source of which several hang asks no further until they end.
"""

from __future__ import annotations

import asyncio
import queue
import struct
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from sqlalchemy import Connection, CursorResult, TextClause, create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from collectors.collector import CollectorError, Link
from collectors.polled import odbc
from collectors.polled.dialects import MANNERS, Manners, is_permanent

odbc.register()

CONNECT_S = 10.0
"""For a whole connect. A half-open link is noticed within 15 s, so this and ``Database.patience_s`` must stay below."""
GRACE_S = 2.0
"""The driver is given so much longer than the server for a statement, and the thread so much longer again than the driver."""
MOST_HANGING = 4

T = TypeVar("T")

_DRIVER_TROUBLE = (
    SQLAlchemyError, OSError, EOFError, ValueError, LookupError, TypeError, AttributeError, AssertionError, RuntimeError, struct.error,
    ImportError,
)  # fmt: skip
"""What drivers raise. One that is answered with something that is no protocol stumbles anywhere in its decoding."""


@dataclass(frozen=True)
class Answer:
    """Column names in lower case, as some databases give them in upper case, and the rows."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]

    def by_name(self) -> list[Mapping[str, Any]]:
        """Each row as {column: value}."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


class Database:
    """One read-only session with a database. Use as an async context manager.

    ``url``: SQLAlchemy's, with its credentials; ``name``: what it is called in errors; ``rights``: what to say when it refuses;
    ``statement_s``: for how long the server may work on one statement; ``most_rows``: a longer answer is an error.
    """

    _hanging: ClassVar[dict[str, list[threading.Thread]]] = {}
    """By source: threads that were left behind in a driver."""

    def __init__(
        self,
        link: Link,
        url: str,
        *,
        name: str,
        rights: str,
        statement_s: float = 3.0,
        most_rows: int = 20_000,
        secrets: Iterable[str] = (),
    ) -> None:
        self._link, self._name, self._rights = link, name, rights
        self._statement_s, self._most_rows = statement_s, most_rows
        self.patience_s = statement_s + 2 * GRACE_S
        self._url = read_url(url)
        self._secrets = [secret for secret in (*secrets, str(self._url.password or "")) if secret]
        self._manners = MANNERS.get(self._url.get_backend_name(), Manners())
        self._tasks: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._turn = asyncio.Lock()
        self._connection: Connection | None = None
        self._thread = threading.Thread(target=self._work, name=f"{link.source}: {name}", daemon=True)

    async def __aenter__(self) -> Database:
        hanging = [thread for thread in self._hanging.get(self._link.source, ()) if thread.is_alive()]
        self._hanging[self._link.source] = hanging
        if len(hanging) >= MOST_HANGING:
            raise CollectorError(
                f"{len(hanging)} earlier questions to {self._name} still hang in its driver; not asking before one ends"
            )
        self._thread.start()
        try:
            await self._in_thread(self._connect, CONNECT_S, "let nobody in")
        except BaseException:
            self._leave()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._leave()

    async def ask(self, statement: str, **values: Any) -> Answer:
        """Rows of one of our own statements; ``:name`` in it stands for a value. Raises ``CollectorError``."""
        clause = text(statement)
        return await self._answer(lambda connection: connection.execute(clause, values))

    async def ask_expanding(self, clause: TextClause, **values: Any) -> Answer:
        """The same for a statement with lists of values in it (``bindparam(…, expanding=True)``)."""
        return await self._answer(lambda connection: connection.execute(clause, values))

    async def ask_as_written(self, statement: str) -> Answer:
        """Rows of a statement that somebody else wrote: no character of it means anything to us."""
        return await self._answer(
            lambda connection: connection.execution_options(no_parameters=True).exec_driver_sql(statement)
        )

    async def order(self, statement: str) -> None:
        """Say something about the session itself, which has no rows."""
        await self._in_thread(lambda: self._say(statement), self.patience_s, "did not answer")

    async def _answer(self, execute: Callable[[Connection], CursorResult[Any]]) -> Answer:
        answer = await self._in_thread(lambda: self._rows(execute), self.patience_s, "did not answer")
        self._link.heard()
        return answer

    # ── in the loop's thread ──────────────────────────────────────────────────────────────────────

    async def _in_thread(self, do: Callable[[], T], patience_s: float, in_vain: str) -> T:
        loop = asyncio.get_running_loop()
        async with self._turn:
            future: asyncio.Future[T] = loop.create_future()

            def task() -> None:
                try:
                    told, wrong = do(), None
                except (CollectorError, *_DRIVER_TROUBLE) as error:
                    told, wrong = None, error
                with suppress(RuntimeError):  # the loop may have ended before
                    loop.call_soon_threadsafe(_settle, future, told, wrong)

            self._tasks.put(task)
            try:
                async with asyncio.timeout(patience_s):
                    return await future
            except TimeoutError:
                self._manners.interrupt(self._connection)
                raise CollectorError(f"{self._name} {in_vain} within {patience_s:.0f} s") from None
            except _DRIVER_TROUBLE as error:
                raise self._trouble(error) from None

    def _leave(self) -> None:
        """End the thread when it is free; it closes its connection. Nobody waits for one that hangs."""
        self._tasks.put(None)
        self._hanging.setdefault(self._link.source, []).append(self._thread)

    def _trouble(self, error: BaseException) -> CollectorError:
        if isinstance(error, ImportError):
            return CollectorError(
                f"the driver for {self._url.drivername} is not installed ({error}): pip install it beside Floorlight",
                permanent=True,
            )
        cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
        said = self._clean(_words(cause))
        if is_permanent(error):
            return CollectorError(f"{self._name} refuses ({said}); {self._rights}", permanent=True)
        if isinstance(error, DBAPIError):
            return CollectorError(f"{self._name}: {said}")
        return CollectorError(f"{self._name} answered with something that is no answer ({type(error).__name__})")

    def _clean(self, words: str) -> str:
        for secret in self._secrets:
            words = words.replace(secret, "•••")
        return words[:400]

    # ── in the database's thread ──────────────────────────────────────────────────────────────────

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            task()
        if self._connection is not None:
            with suppress(*_DRIVER_TROUBLE):
                self._connection.close()

    def _connect(self) -> None:
        manners, url = self._manners, self._manners.url(self._url)
        try:
            engine = create_engine(
                url,
                poolclass=NullPool,
                pool_reset_on_return=None,  # it would be logged for every link that broke
                connect_args=manners.connect_args(self._statement_s + GRACE_S),
            )
        except ArgumentError as error:
            raise CollectorError(f"{self._name}: {self._clean(str(error))}", permanent=True) from None
        self._connection = engine.connect()
        manners.prepare(self._connection, self._statement_s, self._most_rows + 1)

    def _say(self, statement: str) -> None:
        assert self._connection is not None
        self._connection.exec_driver_sql(statement)
        self._connection.rollback()

    def _rows(self, execute: Callable[[Connection], CursorResult[Any]]) -> Answer:
        connection = self._connection
        assert connection is not None
        try:
            with execute(connection) as result:
                columns = tuple(map(str.lower, result.keys()))
                rows = [tuple(row) for row in result.fetchmany(self._most_rows + 1)]
        except _DRIVER_TROUBLE:
            with suppress(*_DRIVER_TROUBLE):
                connection.rollback()
            raise
        # Each question is a transaction of its own: one that stayed open would show the same old picture for ever.
        connection.rollback()
        if len(rows) > self._most_rows:
            raise CollectorError(
                f"{self._name} has more than {self._most_rows} rows to one question; ask for fewer, or of a shorter time"
            )
        return Answer(columns, rows)


def read_url(url: str) -> URL:
    """A SQLAlchemy URL, with our driver where it names none. Raises ``ValueError``, without the URL: it holds a password."""
    try:
        read = make_url(url)
    except ArgumentError:
        raise ValueError(
            "is no database URL; write dialect+driver://user:password@host:port/database, for example "
            "mysql+pymysql://wallboard:${DB_PASSWORD}@10.0.0.5:3306/asterisk"
        ) from None
    return read.set(drivername=read.drivername + "+pymysql") if read.drivername in ("mysql", "mariadb") else read


def _settle(future: asyncio.Future[Any], told: Any, wrong: BaseException | None) -> None:
    if future.done():
        return  # nobody waits for it any more
    if wrong is None:
        future.set_result(told)
    else:
        future.set_exception(wrong)


def _words(error: BaseException) -> str:
    """What a driver says, without the tuple that it says it in."""
    args = [str(arg) for arg in error.args if arg not in (None, "")]
    return ": ".join(args) if args else type(error).__name__

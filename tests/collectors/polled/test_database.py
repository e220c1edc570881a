"""Questions to a real MariaDB and a SQLite file: answers, refusals, statements that take too long, links that break; nothing is ever written."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from collectors.collector import CollectorError
from collectors.polled.database import MOST_HANGING, Answer, Database, read_url
from collectors.polled.odbc import OdbcDialect
from tests.collectors.asterisk_link import KeptLink
from tests.collectors.mariadb import PASSWORD, USER, MariaDb, Wire


@pytest.fixture(scope="module")
def mariadb() -> Iterator[MariaDb]:
    database = MariaDb("shop")
    database.start()
    database.load("CREATE TABLE calls (id INT PRIMARY KEY, name VARCHAR(40)) ENGINE=InnoDB;\n")
    database.run("INSERT INTO calls VALUES (1, %s), (2, NULL)", "李伟 50%:off")
    yield database
    database.end()


def url_of(port: int, *, password: str = PASSWORD, database: str = "shop") -> str:
    return f"mysql://{USER}:{quote(password, safe='')}@127.0.0.1:{port}/{database}"


def ask(url: str, question: Callable[[Database], Awaitable[Answer | None]], **more: float) -> Answer | None:
    async def main() -> Answer | None:
        link = KeptLink()
        async with Database(link, url, name="the shop", rights="GRANT SELECT", **more) as database:  # type: ignore[arg-type]
            return await question(database)

    return asyncio.run(main())


def refused(url: str, statement: str = "SELECT 1", **more: float) -> CollectorError:
    with pytest.raises(CollectorError) as caught:
        ask(url, lambda database: database.ask_as_written(statement), **more)
    for secret in (PASSWORD, quote(PASSWORD, safe="")):
        assert secret not in str(caught.value)
    return caught.value


def test_rows_come_with_their_columns_in_lower_case_and_values_go_in_by_name(mariadb: MariaDb) -> None:
    answer = ask(
        url_of(mariadb.port), lambda d: d.ask("SELECT id AS ID, name FROM calls WHERE id <= :most ORDER BY id", most=2)
    )
    assert answer == Answer(("id", "name"), [(1, "李伟 50%:off"), (2, None)])
    assert answer.by_name()[1] == {"id": 2, "name": None}


def test_no_character_of_somebody_elses_statement_means_anything_to_us(mariadb: MariaDb) -> None:
    answer = ask(
        url_of(mariadb.port), lambda d: d.ask_as_written("SELECT name FROM calls WHERE name LIKE '%:off' -- 50%")
    )
    assert answer is not None and answer.rows == [("李伟 50%:off",)]


def test_each_question_sees_what_was_committed_since_the_last(mariadb: MariaDb) -> None:
    async def twice(database: Database) -> Answer:
        before = await database.ask("SELECT COUNT(*) FROM calls")
        await asyncio.to_thread(mariadb.run, "INSERT INTO calls VALUES (3, 'new')")
        after = await database.ask("SELECT COUNT(*) FROM calls")
        await asyncio.to_thread(mariadb.run, "DELETE FROM calls WHERE id = 3")
        return Answer((), [before.rows[0], after.rows[0]])

    answer = ask(url_of(mariadb.port), twice)
    assert answer is not None and answer.rows == [(2,), (3,)]


def test_a_session_cannot_write_even_where_its_user_may(mariadb: MariaDb) -> None:
    mariadb.run("CREATE USER IF NOT EXISTS writer@'%' IDENTIFIED BY 'w'")
    mariadb.run("GRANT ALL ON shop.* TO writer@'%'")
    error = refused(f"mysql://writer:w@127.0.0.1:{mariadb.port}/shop", "INSERT INTO calls VALUES (9, 'no')")
    assert "READ ONLY" in str(error)
    assert mariadb.run("SELECT COUNT(*) FROM calls") == [(2,)]


@pytest.mark.parametrize(
    ("statement", "word"),
    [("SELECT * FROM nowhere", "nowhere"), ("SELECT nothing FROM calls", "nothing"), ("SELEC 1", "syntax")],
)
def test_what_cannot_be_answered_tomorrow_either_is_permanent(mariadb: MariaDb, statement: str, word: str) -> None:
    error = refused(url_of(mariadb.port), statement)
    assert error.permanent
    assert word in str(error)
    assert "GRANT SELECT" in str(error)


def test_wrong_credentials_and_an_unknown_database_are_permanent(mariadb: MariaDb) -> None:
    assert refused(url_of(mariadb.port, password="wrong-canary")).permanent
    assert refused(url_of(mariadb.port, database="mysql")).permanent


def test_a_server_that_is_away_may_come_back() -> None:
    error = refused("mysql://u:p-canary@127.0.0.1:1/x")
    assert not error.permanent
    assert "canary" not in str(error)


def test_a_statement_that_takes_a_minute_is_ended_by_the_server(mariadb: MariaDb) -> None:
    error = refused(url_of(mariadb.port), "SELECT SLEEP(60)", statement_s=1)
    assert not error.permanent
    assert "max_statement_time" in str(error)
    running = mariadb.run("SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP(60)%'")
    assert running == [(0,)]


def test_a_locked_table_is_not_waited_for_for_ever(mariadb: MariaDb) -> None:
    mariadb.run("LOCK TABLES calls WRITE")
    try:
        error = refused(url_of(mariadb.port), "SELECT * FROM calls", statement_s=1)
    finally:
        mariadb.run("UNLOCK TABLES")
    assert not error.permanent


def test_a_longer_answer_than_is_allowed_is_an_error_and_not_a_part_of_it(mariadb: MariaDb) -> None:
    question = "SELECT seq FROM seq_1_to_1000000"
    error = refused(url_of(mariadb.port), question, most_rows=100)
    assert "more than 100 rows" in str(error)
    whole = ask(url_of(mariadb.port), lambda d: d.ask("SELECT seq FROM seq_1_to_100"), most_rows=100)
    assert whole is not None and len(whole.rows) == 100


@pytest.mark.parametrize("fault", ["is_mute", "is_garbled"])
def test_a_link_that_hangs_or_talks_nonsense_ends_in_time_and_delays_nobody_else(mariadb: MariaDb, fault: str) -> None:
    async def main() -> None:
        wire = Wire(mariadb.port)
        await wire.start()
        async with Database(KeptLink(), url_of(wire.port), name="the shop", rights="", statement_s=0.5) as database:
            setattr(wire, fault, True)
            broken = asyncio.ensure_future(database.ask("SELECT 1"))
            async with Database(KeptLink(), url_of(mariadb.port), name="another", rights="") as other:
                assert (await other.ask("SELECT 2")).rows == [(2,)]
            with pytest.raises(CollectorError) as caught:
                await broken
            assert not caught.value.permanent
        await wire.stop()

    began = time.monotonic()
    asyncio.run(main())
    assert time.monotonic() - began < 15


def test_a_session_that_is_cancelled_leaves_no_connection_behind(mariadb: MariaDb) -> None:
    async def main() -> None:
        async def session() -> None:
            async with Database(
                KeptLink(), url_of(mariadb.port), name="the shop", rights="", statement_s=1
            ) as database:
                await database.ask("SELECT SLEEP(30)")

        task = asyncio.ensure_future(session())
        await asyncio.sleep(0.3)
        task.cancel()
        await asyncio.wait([task], timeout=0.5)
        assert task.done(), "nobody waits for a driver"

    asyncio.run(main())
    deadline = time.monotonic() + 15
    while mariadb.run(f"SELECT COUNT(*) FROM information_schema.processlist WHERE user = '{USER}'") != [(0,)]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_source_of_which_several_questions_hang_asks_no_further_until_one_ends(mariadb: MariaDb) -> None:
    async def main() -> None:
        wire = Wire(mariadb.port)
        await wire.start()

        async def session() -> Answer:
            async with Database(KeptLink(), url_of(wire.port), name="the shop", rights="", statement_s=8) as database:
                return await database.ask("SELECT 1")

        wire.is_mute = True
        hanging = [asyncio.ensure_future(session()) for _ in range(MOST_HANGING)]
        while wire.accepted < MOST_HANGING:
            await asyncio.sleep(0.01)
        for task in hanging:
            task.cancel()
        await asyncio.wait(hanging)
        with pytest.raises(CollectorError, match="still hang") as caught:
            await session()
        assert not caught.value.permanent
        wire.recover()
        deadline = time.monotonic() + 10
        while True:
            try:
                assert (await session()).rows == [(1,)]
                break
            except CollectorError:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.05)
        await wire.stop()

    asyncio.run(main())


# ── SQLite, and drivers that are not there ────────────────────────────────────────────────────────


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a b.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE calls (id INTEGER, name TEXT)")
        connection.execute("INSERT INTO calls VALUES (1, '李伟')")
    return path


def test_a_sqlite_file_is_read_and_cannot_be_written(file: Path) -> None:
    answer = ask(f"sqlite:///{file}", lambda d: d.ask_as_written("SELECT * FROM calls"))
    assert answer is not None and answer.rows == [(1, "李伟")]
    assert "readonly" in str(refused(f"sqlite:///{file}", "INSERT INTO calls VALUES (2, 'x')"))


def test_a_sqlite_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    refused(f"sqlite:///{tmp_path}/none.db", "SELECT 1")
    assert list(tmp_path.iterdir()) == []


def test_a_sqlite_statement_without_end_is_interrupted(file: Path) -> None:
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT COUNT(*) FROM n"
    error = refused(f"sqlite:///{file}", endless, statement_s=0.1)
    assert "did not answer within" in str(error)
    deadline = time.monotonic() + 10
    while any(thread.name.endswith("the shop") and thread.is_alive() for thread in threading.enumerate()):
        assert time.monotonic() < deadline, "its thread has ended with it"
        time.sleep(0.02)


def test_a_missing_table_of_sqlite_is_permanent_and_a_locked_file_is_not(file: Path) -> None:
    assert refused(f"sqlite:///{file}", "SELECT * FROM nowhere").permanent
    with sqlite3.connect(file) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        assert not refused(f"sqlite:///{file}", "SELECT * FROM calls", statement_s=0.1).permanent
        holder.rollback()


@pytest.mark.parametrize(
    "url",
    [
        "informix://u:canary@h/db",
        "odbc://u:canary@no-such-dsn",
        "nonsense+driver://u:canary@h/db",
        "oracle+oracledb://u:canary@h/db",
    ],
)
def test_a_driver_that_is_not_there_is_named(url: str) -> None:
    error = refused(url)
    assert error.permanent
    assert "canary" not in str(error)


def test_what_is_no_url_is_refused_without_being_repeated() -> None:
    with pytest.raises(ValueError, match="is no database URL") as caught:
        read_url("wallboard:a-canary 10.0.0.5")
    assert "canary" not in str(caught.value)


def test_an_odbc_url_names_a_data_source_and_its_user() -> None:
    (said,), _ = OdbcDialect().create_connect_args(read_url("odbc://uccxwallboard:p%40ss@uccx1"))
    assert sorted(said.split(";")) == ["PWD=p@ss", "UID=uccxwallboard", "dsn=uccx1"]

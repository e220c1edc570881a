"""The embedded Redis against real servers, real files and real kills."""

from __future__ import annotations

import logging
import os
import signal
import stat
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import redis as redis_py

from operations.store import redis_binary
from operations.store.data_folder import DataFolder, DataFolderError, in_words
from operations.store.embedded_redis import EmbeddedRedis, EmbeddedRedisError, choose
from operations.store.redis_binary import RedisBinary

ROOT = Path(__file__).parents[2]
OLD = RedisBinary((6, 2, 14), "redis", "/old")
NEW = RedisBinary((7, 0, 15), "redis", "/new")
VALKEY = RedisBinary((8, 0, 1), "valkey", "/valkey")


def client(server: EmbeddedRedis) -> redis_py.Redis:
    return redis_py.Redis.from_url(server.url)


def wait_until(true: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.02)


def keep_alive_until_answers(server: EmbeddedRedis) -> None:
    def answers() -> bool:
        server.keep_alive()
        try:
            with client(server) as connection:
                return bool(connection.ping())
        except redis_py.RedisError:
            return False

    wait_until(answers)


def the_file(folder: Path) -> Path:
    """The append-only file that takes the newest commands."""
    found = [*folder.glob("redis/appendonlydir/*.incr.aof"), *folder.glob("redis/appendonly.aof")]
    return found[-1]


def start_in_other_process(folder: Path, then: str) -> subprocess.Popen[str]:
    code = textwrap.dedent(f"""
        import signal, sys, time
        from pathlib import Path
        from operations.store.embedded_redis import EmbeddedRedis
        with EmbeddedRedis(Path({str(folder)!r})) as server:
            print(server.pid, flush=True)
            {then}
    """)
    return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_what_was_written_is_there_after_a_restart(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path) as server, client(server) as connection:
        connection.set("a", "1")
    with EmbeddedRedis(tmp_path) as server, client(server) as connection:
        assert connection.get("a") == b"1"


def test_only_the_owner_reaches_it_and_no_network_does(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path) as server, client(server) as connection:
        path = Path(server.url.removeprefix("unix://"))
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
        assert connection.config_get("port")["port"] == "0"


def test_a_second_start_on_one_folder_refuses_and_names_the_first(tmp_path: Path) -> None:
    first = start_in_other_process(tmp_path, "sys.stdin.read()")
    assert first.stdout
    first.stdout.readline()
    try:
        with (
            pytest.raises(EmbeddedRedisError, match=rf"in use by another wallboard \(process {first.pid}\)") as caught,
            EmbeddedRedis(tmp_path),
        ):
            pass
        assert caught.value.permanent
    finally:
        first.kill()
        first.wait()
        first.stdout.close()


def test_a_redis_that_a_killed_parent_left_behind_is_ended_and_its_data_kept(tmp_path: Path) -> None:
    orphan_binary = redis_binary.installed()[0]
    folder = DataFolder(tmp_path)
    folder.lock()
    orphan = subprocess.Popen(
        [
            orphan_binary.path,
            "--port",
            "0",
            "--unixsocket",
            str(folder.socket_path()),
            "--dir",
            str(folder.redis),
            "--appendonly",
            "yes",
            "--save",
            "",
        ],
        stdout=subprocess.DEVNULL,
    )
    try:
        path = str(folder.socket_path())
        with redis_py.Redis(unix_socket_path=path) as connection:

            def written() -> bool:
                try:
                    return bool(connection.set("a", "1"))
                except redis_py.RedisError:
                    return False

            wait_until(written)
        folder.record(pid=orphan.pid, socket=path, server=orphan_binary.server, version=list(orphan_binary.version))
        orphan.send_signal(signal.SIGSTOP)  # it does not even answer
        folder.unlock()
        with EmbeddedRedis(tmp_path) as server, client(server) as connection:
            assert orphan.poll() is not None
            assert connection.get("a") == b"1"
    finally:
        orphan.kill()
        orphan.wait()


def test_redis_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    parent = start_in_other_process(tmp_path, "time.sleep(60)")
    assert parent.stdout
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()

    def gone() -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except OSError:
            return True

    wait_until(gone)


def test_every_acknowledged_write_survives_kill_9_and_redis_is_started_again(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path) as server:
        acknowledged = 0
        for _ in range(3):
            with client(server) as connection:
                for _ in range(500):
                    acknowledged = connection.incr("n")
                assert server.pid
                os.kill(server.pid, signal.SIGKILL)
            keep_alive_until_answers(server)
            with client(server) as connection:
                assert connection.get("n") == str(acknowledged).encode()


@pytest.mark.parametrize("binary", redis_binary.installed(), ids=str)
def test_a_file_that_a_power_cut_truncated_is_read_up_to_its_last_whole_command(
    tmp_path: Path, binary: RedisBinary
) -> None:
    with EmbeddedRedis(tmp_path, [binary]) as server, client(server) as connection:
        connection.set("a", "1")
        connection.set("b", "2")
    with open(the_file(tmp_path), "ab") as file:
        file.write(b"*3\r\n$3\r\nSET\r\n$1\r\nc\r\n$10\r\nhalf")
    with EmbeddedRedis(tmp_path, [binary]) as server, client(server) as connection:
        assert connection.mget("a", "b", "c") == [b"1", b"2", None]


@pytest.mark.parametrize("binary", redis_binary.installed(), ids=str)
def test_a_file_with_garbage_in_it_is_mended_and_kept_aside(
    tmp_path: Path, binary: RedisBinary, caplog: pytest.LogCaptureFixture
) -> None:
    with EmbeddedRedis(tmp_path, [binary]) as server, client(server) as connection:
        connection.set("a", "1")
    with open(the_file(tmp_path), "ab") as file:
        file.write(b"\0" * 5000 + b"*1\r\n$4\r\nPING\r\n")
    broken = the_file(tmp_path).read_bytes()
    with caplog.at_level(logging.ERROR), EmbeddedRedis(tmp_path, [binary]) as server, client(server) as connection:
        assert connection.get("a") == b"1"
    (kept,) = tmp_path.glob("redis.broken-*")
    assert str(kept) in caplog.text
    assert any(path.read_bytes() == broken for path in kept.rglob("*") if path.is_file())


def test_a_file_beyond_mending_is_kept_and_said_plainly(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with EmbeddedRedis(tmp_path) as server, client(server) as connection:
        connection.set("a", "1")
        connection.bgrewriteaof()
        wait_until(lambda: connection.info("persistence")["aof_rewrite_in_progress"] == 0)
    base = [*tmp_path.glob("redis/appendonlydir/*.base.*"), *tmp_path.glob("redis/appendonly.aof")][-1]
    base.write_bytes(b"REDIS0009" + b"\xff" * 300)
    with caplog.at_level(logging.ERROR), EmbeddedRedis(tmp_path) as server, client(server) as connection:
        assert connection.get("a") is None
        connection.set("a", "2")
    assert "starting EMPTY" in caplog.text
    assert any(
        path.read_bytes().endswith(b"\xff" * 300) for path in tmp_path.glob("redis.broken-*/**/*") if path.is_file()
    )
    with EmbeddedRedis(tmp_path) as server, client(server) as connection:
        assert connection.get("a") == b"2"


def test_data_of_a_newer_server_is_refused_not_forgotten() -> None:
    with pytest.raises(
        EmbeddedRedisError,
        match=r"written by Redis 7\.0\.15, and only Redis 6\.2\.14 was found .* install Redis 7\.0 or newer",
    ) as caught:
        choose(("redis", (7, 0, 15)), [OLD])
    assert caught.value.permanent


def test_data_without_a_record_is_known_by_its_files(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.lock()
    (folder.redis / "appendonlydir").mkdir()
    assert folder.needs() == ("redis", (7, 0, 0))
    folder.unlock()


def test_a_record_of_a_newer_server_stops_the_start_before_a_file_is_touched(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path) as server, client(server) as connection:
        connection.set("a", "1")
    folder = DataFolder(tmp_path)
    folder.record(server="redis", version=[99, 0, 0])
    before = the_file(tmp_path).read_bytes()
    with pytest.raises(EmbeddedRedisError, match="written by Redis 99"), EmbeddedRedis(tmp_path):
        pass
    assert the_file(tmp_path).read_bytes() == before


def test_the_newest_server_is_chosen_and_data_stays_with_its_own_kind() -> None:
    assert choose(None, [OLD, NEW]) == NEW
    assert choose(("redis", (6, 2, 14)), [OLD, NEW]) == NEW
    assert choose(None, [NEW, VALKEY]) == VALKEY
    assert choose(("redis", (7, 0, 15)), [VALKEY, NEW]) == NEW
    assert choose(("redis", (7, 0, 15)), [VALKEY]) == VALKEY
    with pytest.raises(EmbeddedRedisError, match="Valkey 8"):
        choose(("valkey", (8, 0, 1)), [NEW])
    with pytest.raises(EmbeddedRedisError, match="no Redis to embed was found; install"):
        choose(None, [])


def test_a_path_too_long_for_a_socket_goes_to_another_private_folder_and_stays_there(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 90) / ("e" * 90)
    with EmbeddedRedis(deep) as server, client(server) as connection:
        assert connection.ping()
        path = Path(server.url.removeprefix("unix://"))
        assert deep not in path.parents
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert DataFolder(deep).recorded()["socket"] == str(path)
    assert not path.parent.exists()


def test_a_folder_of_somebody_else_is_never_used_for_the_socket(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    target.mkdir()
    folder = DataFolder(tmp_path / "data")
    folder.lock()
    (folder.path / "socket").symlink_to(target)
    chosen = folder.socket_path()
    assert chosen.parent not in (target, folder.path / "socket")
    folder.remove_socket(chosen)
    folder.unlock()


def test_a_data_folder_that_is_a_file_gets_a_clear_word(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with (
        pytest.raises(
            EmbeddedRedisError, match=r"is not a folder; remove what lies there, or name another one in WALLBOARD_DATA"
        ),
        EmbeddedRedis(tmp_path / "data"),
    ):
        pass


def test_a_folder_that_is_not_writable_gets_a_clear_word() -> None:
    with pytest.raises(EmbeddedRedisError, match="WALLBOARD_DATA"), EmbeddedRedis(Path("/proc/wallboard")):
        pass
    assert "is not writable" in in_words(PermissionError(13, "Permission denied"), Path("data"))


def test_a_server_that_does_not_start_says_its_own_last_words(tmp_path: Path) -> None:
    with (
        pytest.raises(EmbeddedRedisError, match="does not start; its last words: .*volatile-lru"),
        EmbeddedRedis(tmp_path, options=("--maxmemory-policy", "no-such-policy")),
    ):
        pass


def test_redis_out_of_memory_is_said_once_and_so_is_the_relief(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO), EmbeddedRedis(tmp_path) as server, client(server) as connection:
        connection.config_set("maxmemory", 1)
        with pytest.raises(redis_py.exceptions.OutOfMemoryError):
            connection.set("a", "1")
        for _ in range(2):
            server._looked_at = 0
            server.keep_alive()
        connection.config_set("maxmemory", 0)
        server._looked_at = 0
        server.keep_alive()
        assert connection.set("a", "1")
    assert caplog.text.count("used all the memory that it may use") == 2
    assert caplog.text.count("Redis is well again") == 1


def test_the_lock_goes_with_the_process(tmp_path: Path) -> None:
    first = DataFolder(tmp_path)
    first.lock()
    with pytest.raises(DataFolderError, match=f"process {os.getpid()}"):
        DataFolder(tmp_path).lock()
    first.unlock()
    second = DataFolder(tmp_path)
    second.lock()
    second.unlock()


def test_data_moves_on_to_every_newer_server_that_is_installed_and_never_back(tmp_path: Path) -> None:
    oldest_first = sorted(redis_binary.installed())
    for number, binary in enumerate(oldest_first):
        with EmbeddedRedis(tmp_path, [binary]) as server, client(server) as connection:
            assert connection.incr("starts") == number + 1
    written_by = oldest_first[-1]
    for binary in oldest_first:
        if binary.reads(written_by.server, written_by.version):
            with EmbeddedRedis(tmp_path, [binary]) as server, client(server) as connection:
                assert connection.get("starts") == str(len(oldest_first)).encode()
        else:
            with pytest.raises(EmbeddedRedisError, match=f"written by {written_by}"), EmbeddedRedis(tmp_path, [binary]):
                pass

"""The program as a user starts it: what it says when it cannot run, and that its processes live and die together."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from operations.store import embedded_redis
from roles import everything
from tests.machinery.running import ROOT, Program, alive, children, free_port, run, wait_until

CONFIGURATION = """
site: {{name: Test}}
sources:
  log: {{kind: queue_log, path: {path}}}
projects:
  support: {{name: Support, queues: [log/support]}}
"""
ACCESS = """
access:
  screens:
    - {name: wall, token: "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", projects: [support]}
"""


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    (tmp_path / "queue_log").touch()
    path = tmp_path / "my.yaml"
    path.write_text(CONFIGURATION.format(path=tmp_path / "queue_log"))
    return path


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A running program that the tests below only look at."""
    folder = tmp_path_factory.mktemp("program")
    (folder / "queue_log").touch()
    path = folder / "my.yaml"
    path.write_text(CONFIGURATION.format(path=folder / "queue_log"))
    with Program(folder, path) as running:
        running.wait_until_it_serves()
        yield running


def one_clear_line(done: subprocess.CompletedProcess[str], status: int) -> str:
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr.strip()


def test_it_says_where_the_wall_is_only_once_it_answers(program: Program) -> None:
    status, _ = program.get("/")
    assert status < 500
    assert program.said.count(f"The wall is at http://127.0.0.1:{program.port}") == 1


def test_every_role_is_alive_and_healthz_says_so(program: Program) -> None:
    def healthy() -> bool:
        return program.get("/healthz")[0] == 200

    wait_until("healthz answers 200", healthy)
    assert {name for name in ("collect", "operate", "serve", "redis") if program.child(name)} == {
        "collect",
        "operate",
        "serve",
        "redis",
    }


def test_a_second_start_on_the_same_data_folder_names_the_first(program: Program) -> None:
    done = run("--config", str(program.folder / "my.yaml"), "--port", str(free_port()), folder=program.folder)
    said = one_clear_line(done, 1)
    assert f"is in use by another wallboard (process {program.pid})" in said
    assert "WALLBOARD_DATA" in said


def test_a_port_in_use_is_one_clear_line(program: Program, tmp_path: Path) -> None:
    done = run("--config", str(program.folder / "my.yaml"), "--port", str(program.port), folder=tmp_path)
    assert f"port {program.port} on 127.0.0.1 is in use by another program" in one_clear_line(done, 1)


def test_history_goes_into_the_redis_of_the_running_program(program: Program, tmp_path: Path) -> None:
    log = tmp_path / "queue_log.1"
    began = int(time.time()) // 900 * 900 - 7200
    lines = [(began, "NONE", "NONE", "NONE", "CONFIGRELOAD", "")]
    lines += [(began + 10 + n, f"{began}.{n}", "support", "NONE", "ENTERQUEUE", "|123|1") for n in range(3)]
    lines += [(began + 40 + n, f"{began}.{n}", "support", "NONE", "ABANDON", "1|1|30") for n in range(3)]
    lines += [(began + 3600, "NONE", "NONE", "NONE", "CONFIGRELOAD", "")]
    log.write_text(
        "".join(f"{at}|{contact}|{queue}|{agent}|{verb}|{rest}\n" for at, contact, queue, agent, verb, rest in lines)
    )
    done = run("import", "log", str(log), "--config", str(program.folder / "my.yaml"), folder=program.folder)
    assert done.returncode == 0, done.stderr
    assert "3 contacts" in done.stdout


def test_a_killed_role_is_started_again_and_the_port_never_refuses(program: Program) -> None:
    for name in ("serve", "collect", "operate"):
        before = program.kill(name)

        def back(name: str = name, before: int = before) -> bool:
            return program.child(name) not in (None, before)

        wait_until(f"{name} is back", back)
        assert f"the role {name} was killed by SIGKILL; starting it again" in program.said
    # The socket is the parent's: while the web role starts again, a screen waits instead of being refused.
    assert httpx.get(f"http://127.0.0.1:{program.port}/", timeout=30).status_code < 500


def test_everything_ends_within_5_s_of_a_sigterm_with_a_live_feed_open(configuration: Path, tmp_path: Path) -> None:
    with Program(tmp_path, configuration) as program:
        program.wait_until_it_serves()
        pids = list(children(program.pid))
        with httpx.stream("GET", f"http://127.0.0.1:{program.port}/api/v1/projects/support/live", timeout=30) as feed:
            assert feed.status_code == 200
            began = time.monotonic()
            status = program.end()
        assert status == 0
        # Whatever does not end by itself is killed in time: 5 s in all, and as much again for a machine that is busy.
        assert everything.FAREWELL_S + embedded_redis.FAREWELL_S < 5
        assert time.monotonic() - began < 10
        assert len(pids) == 4
        assert not any(alive(pid) for pid in pids)
        assert "Traceback" not in program.said


def test_ctrl_c_ends_it_without_a_traceback(configuration: Path, tmp_path: Path) -> None:
    with Program(tmp_path, configuration) as program:
        program.wait_until_it_serves()
        program.process.send_signal(signal.SIGINT)  # type: ignore[union-attr]
        assert program.process.wait(10) == 0  # type: ignore[union-attr]
        assert "Traceback" not in program.said


def test_no_child_outlives_a_parent_that_was_killed(configuration: Path, tmp_path: Path) -> None:
    with Program(tmp_path, configuration) as program:
        program.wait_until_it_serves()
        pids = list(children(program.pid))
        program.kill("all")
        wait_until("the children are gone", lambda: not any(alive(pid) for pid in pids), 15)


@pytest.mark.parametrize("role", ["collect", "operate", "serve"])
def test_a_role_alone_asks_for_a_shared_redis(role: str, configuration: Path, tmp_path: Path) -> None:
    said = one_clear_line(run(role, "--config", str(configuration), folder=tmp_path), 1)
    assert said.startswith(f"the role {role} alone needs a Redis that all roles share: name it in REDIS_URL")


def test_roles_that_share_a_named_redis_make_one_wall(configuration: Path, tmp_path: Path, redis_url: str) -> None:
    port = free_port()
    command = [sys.executable, str(ROOT / "app.py")]
    environ = os.environ | {"REDIS_URL": redis_url}
    started = [
        subprocess.Popen(
            [*command, *words, "--config", str(configuration)],
            env=environ,
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for words in (["collect"], ["operate"], ["operate"], ["serve", "--port", str(port)])
    ]
    try:

        def healthy() -> bool:
            try:
                answer = httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=5)
                return (
                    answer.status_code == 200
                    and httpx.get(f"http://127.0.0.1:{port}/api/v1/projects/support/board", timeout=5).status_code
                    == 200
                )
            except httpx.HTTPError:
                return False

        wait_until("all roles are healthy and the board is there", healthy, 60)
    finally:
        for process in started:
            process.terminate()
        statuses = [process.wait(15) for process in started]
    assert statuses == [0, 0, 0, 0]


def test_without_access_nobody_else_may_reach_it(configuration: Path, tmp_path: Path) -> None:
    said = one_clear_line(run("--config", str(configuration), "--host", "0.0.0.0", folder=tmp_path), 2)
    assert "has no access: section" in said
    assert "add access:" in said


def test_all_errors_of_a_configuration_are_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("site: {nam: x}\nsources: {a: {kind: no-such-kind}}\nprojects: {p: {queues: [b/c]}}\n")
    said = one_clear_line(run("--config", str(path), folder=tmp_path), 2)
    assert "site.nam" in said
    assert "sources.a.kind" in said
    assert "projects.p.queues[0]" in said


def test_a_missing_configuration_is_one_clear_line(tmp_path: Path) -> None:
    said = one_clear_line(run("--config", "no-such.yaml", folder=tmp_path), 2)
    assert "no-such.yaml" in said
    assert "--config or WALLBOARD_CONFIG" in said


def test_check_exits_0_or_2(configuration: Path, tmp_path: Path) -> None:
    assert run("check", "--config", str(configuration), folder=tmp_path).returncode == 0
    configuration.write_text("sites: {}")
    assert run("check", "--config", str(configuration), folder=tmp_path).returncode == 2


def test_wallboard_config_names_the_file_too(configuration: Path, tmp_path: Path) -> None:
    assert "Support" in run("check", folder=tmp_path, environ={"WALLBOARD_CONFIG": str(configuration)}).stdout


@pytest.mark.parametrize(
    ("words", "clear"),
    [
        (["--port", "99999"], "is not a port; one is a number from 1 to 65535"),
        (["--host", "no.such.host.invalid"], "has no access: section"),
        (["--log-level", "loud"], "--log-level loud: unknown"),
        (["import", "nobody", "x"], "has no source 'nobody'; its sources: log"),
    ],
)
def test_a_wrong_command_line_is_told_with_what_would_be_right(
    words: list[str], clear: str, configuration: Path, tmp_path: Path
) -> None:
    role = words[:1] if words[0] == "import" else []
    rest = words[len(role) :]
    assert clear in one_clear_line(run(*role, *rest, "--config", str(configuration), folder=tmp_path), 2)


def test_an_address_that_is_not_this_machines_is_told(configuration: Path, tmp_path: Path) -> None:
    configuration.write_text(configuration.read_text() + ACCESS)
    for host in ("192.0.2.1", "no.such.host.invalid"):
        assert f"--host {host}: " in one_clear_line(
            run("--config", str(configuration), "--host", host, folder=tmp_path), 1
        )


def test_a_password_of_redis_never_shows(configuration: Path, tmp_path: Path) -> None:
    environ = {"REDIS_URL": "redis://wall:open-sesame@127.0.0.1:1/0"}
    with Program(tmp_path, configuration, environ=environ) as program:
        wait_until("it says that it waits", lambda: "waiting for Redis at" in program.said)
        assert "open-sesame" not in program.said


def test_a_limit_on_file_sizes_is_one_clear_line(configuration: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            "sh",
            "-c",
            'ulimit -f 4; exec "$@"',
            "sh",
            sys.executable,
            str(ROOT / "app.py"),
            "--config",
            str(configuration),
            "--port",
            "0",
        ],
        env=os.environ | {"WALLBOARD_DATA": str(tmp_path / "data"), "REDIS_URL": ""},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "ulimit" in one_clear_line(done, 1)


def test_importing_app_reads_and_opens_nothing(tmp_path: Path) -> None:
    code = (
        "import sys, app; from roles.serve import LazyServer; assert isinstance(app.server, LazyServer);"
        "assert not {'dash', 'pandas', 'redis', 'operations', 'collectors'} & set(sys.modules), sys.modules.keys()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | {"WALLBOARD_CONFIG": "no-such"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_uvicorn_app_server_serves_this_machine_and_nobody_else_without_access(
    address: str, configuration: Path, tmp_path: Path, redis_url: str
) -> None:
    port = free_port()
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "uvicorn",
            "app:server",
            "--host",
            address,
            "--port",
            str(port),
            "--log-level",
            "warning",
        ],
        cwd=ROOT,
        env=os.environ | {"REDIS_URL": redis_url, "WALLBOARD_CONFIG": str(configuration)},
        stdin=subprocess.DEVNULL,
    )
    try:

        def answers() -> int:
            try:
                return httpx.get(f"http://127.0.0.1:{port}/", timeout=5).status_code
            except httpx.HTTPError:
                return 0

        assert wait_until("uvicorn answers", answers) == 200
        other = _another_address()
        if address == "0.0.0.0" and other:
            assert httpx.get(f"http://{other}:{port}/", timeout=5).status_code == 403
    finally:
        process.terminate()
        process.wait(15)


def _another_address() -> str:
    """An address of this machine that is not its loopback; "" where it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return ""


def test_uvicorn_app_server_ends_with_a_clear_word_when_the_configuration_is_wrong(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "uvicorn", "app:server", "--port", str(free_port())],
        cwd=ROOT,
        env=os.environ | {"WALLBOARD_CONFIG": str(tmp_path / "no-such.yaml"), "REDIS_URL": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 3
    assert "--config or WALLBOARD_CONFIG" in done.stderr
    assert "Traceback" not in done.stderr

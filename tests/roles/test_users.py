"""``app.py user``: what a person at a terminal is asked and told, and that a running wallboard takes it up."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.dashboard.conftest import TOP

WORD = "a long password"
PLAIN = "sources:\n  demo: {kind: simulator, seed: 7}\nprojects:\n  p0: {queues: [demo/p0]}\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "my.yaml"
    path.write_text(PLAIN)
    return path


def user(file: Path, *words: str, say: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command with ``say`` as its standard input."""
    command = [sys.executable, "app.py", "--config", str(file), "user", *words]
    return subprocess.run(command, cwd=TOP, input=say, capture_output=True, text=True, timeout=60, check=False)


def test_the_first_user_is_told_what_that_changes_and_listed_without_a_hash(file: Path) -> None:
    done = user(
        file, "add", "多多", "--role", "lead", "--projects", "p0", "--language", "zh-Hans", "--password-stdin", say=WORD
    )
    assert done.returncode == 0, done.stderr
    assert "From now on everybody has to" in done.stdout
    assert "Nobody is admin yet" in done.stdout
    more = user(file, "add", "root", "--role", "admin", "--password-stdin", say=WORD)
    assert "From now on" not in more.stdout
    listed = user(file, "list").stdout
    assert "多多" in listed and "lead" in listed and "zh-Hans" in listed and "all" in listed
    assert "argon2" not in listed + done.stdout + more.stdout
    assert WORD not in file.read_text()


@pytest.mark.parametrize(
    ("words", "say", "told"),
    [
        (("add", "mei", "--role", "lead", "--projects", "p0", "--password-stdin"), "short", "at least 10"),
        (("add", "mei", "--role", "lead", "--projects", "p0", "--password-stdin"), "x" * 1025, "at most 1,024"),
        (("add", "mei", "--role", "lead", "--projects", "p0"), "", "--password-stdin"),
        (("add", "mei", "--role", "lead", "--password-stdin"), WORD, "name the projects that a lead sees"),
        (("add", "a:b", "--role", "admin", "--password-stdin"), WORD, "colon"),
        (("passwd", "mei", "--password-stdin"), WORD, "no user mei"),
        (("remove", "mei"), "", "no list of users"),
    ],
)
def test_what_cannot_be_is_refused_in_words(file: Path, words: tuple[str, ...], say: str, told: str) -> None:
    refused = user(file, *words, say=say)
    assert refused.returncode == 2
    assert told in refused.stderr
    assert "Traceback" not in refused.stderr
    assert file.read_text() == PLAIN


def test_a_file_that_cannot_be_written_leaves_the_block_to_paste(file: Path) -> None:
    long = file.with_name("w" * 250)
    file.rename(long)
    refused = user(long, "add", "mei", "--role", "lead", "--projects", "p0", "--password-stdin", say=WORD)
    assert refused.returncode == 1
    assert "by hand" in refused.stderr
    pasted = file.with_name("pasted.yaml")
    pasted.write_text(PLAIN + refused.stdout)
    assert "mei" in user(pasted, "list").stdout


def asked(file: Path, answers: list[str]) -> tuple[int, str]:
    """Run ``user add mei`` at a terminal and answer each question; the exit status, and what the terminal showed."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(TOP)
        words = ["app.py", "--config", str(file), "user", "add", "mei", "--role", "admin"]
        os.execv(sys.executable, [sys.executable, *words])
    shown = b""
    for question, answer in zip((b"Password:", b"again:"), answers, strict=True):
        while question not in shown:
            shown += os.read(terminal, 1024)
        os.write(terminal, answer.encode() + b"\n")
    try:
        while part := os.read(terminal, 1024):
            shown += part
    except OSError:
        pass  # the other end is closed
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), shown.decode()


def test_at_a_terminal_the_password_is_asked_for_twice_and_never_shown(file: Path) -> None:
    status, shown = asked(file, [WORD, "another password"])
    assert status == 2
    assert "differ" in shown
    assert file.read_text() == PLAIN
    status, shown = asked(file, [WORD, WORD])
    assert status == 0, shown
    assert WORD not in shown
    assert "mei" in user(file, "list").stdout

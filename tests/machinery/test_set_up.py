"""The set-up on machines that lack something: what it says, and that it does nothing when nothing changed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from tests.machinery.running import ROOT

TOOLS = ("awk", "cat", "cksum", "dirname", "grep", "id", "mkdir", "rm", "sed", "sh", "tail", "touch", "tr", "uname")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """As much of a clone as the set-up reads, with nothing to install, and a PATH of its own in ``bin``."""
    folder = tmp_path / "clone"
    for path in (
        ".ci/set-up",
        "operations/__init__.py",
        "operations/store/__init__.py",
        "operations/store/redis_binary.py",
    ):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, folder / path)
    (folder / "requirements.txt").write_text("")
    (folder / "constraints.txt").write_text("")
    (folder / "tests").mkdir()
    (folder / "tests" / "requirements.txt").write_text("-r ../requirements.txt\n")
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool) or tool)
    return folder


def command(clone: Path, name: str, script: str) -> str:
    """A command of this machine, as a shell script."""
    path = clone.parent / "bin" / name
    path.unlink(missing_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def set_up(clone: Path, what: str = "run", **environ: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
    return subprocess.run(
        [str(clone / ".ci" / "set-up"), what],
        env=kept | {"PATH": str(clone.parent / "bin")} | environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_without_python_it_names_what_to_install(clone: Path) -> None:
    done = set_up(clone)
    assert done.returncode == 1
    assert "Python 3.11 or newer was not found. Install it" in done.stderr
    command(clone, "apt-get", "exit 1")
    assert "sudo apt-get install python3.11 python3.11-venv" in set_up(clone).stderr


def test_a_python_that_is_too_old_is_refused(clone: Path) -> None:
    done = set_up(clone, PYTHON=command(clone, "python3.9", "exit 1"))
    assert done.returncode == 1
    assert "or is older than Python 3.11" in done.stderr


def test_a_command_that_exists_but_does_not_run_is_passed_over(clone: Path) -> None:
    command(clone, "python3.11", "echo 'pyenv: python3.11: command not found' >&2; exit 127")
    command(clone, "python3", f'exec {sys.executable} "$@"')
    command(clone, "redis-server", "echo Redis server v=7.0.15 sha=0")
    done = set_up(clone)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("user", "clear"),
    [
        ("1000", "sudo apt-get install python3.11-venv, then run make again"),
        ("0", "run: apt-get install python3.11-venv"),
    ],
)
def test_a_python_without_venv_is_told_with_the_command_that_helps(clone: Path, user: str, clear: str) -> None:
    python = command(
        clone,
        "python",
        f'case "$*" in *ensurepip*) exit 1;; *%d.%d*) echo 3.11; exit;; esac; exec {sys.executable} "$@"',
    )
    command(clone, "apt-get", "exit 1")
    command(clone, "id", f"echo {user}")
    done = set_up(clone, PYTHON=python)
    assert done.returncode == 1
    assert clear in done.stderr


def test_without_a_network_it_says_so_and_where_pips_words_are(clone: Path) -> None:
    (clone / "requirements.txt").write_text("dash==4.4.1\n")
    unreachable = {
        "PIP_INDEX_URL": "http://127.0.0.1:1/simple",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_RETRIES": "1",
        "PIP_NO_CACHE_DIR": "1",
    }
    done = set_up(clone, PYTHON=sys.executable, **unreachable)
    assert done.returncode == 1
    assert "the package index was not reached" in done.stderr
    assert ".venv/install.log" in done.stderr
    # Half a set-up is no set-up: the next run tries again.
    assert not list((clone / ".venv").glob(".installed-*"))


def test_it_installs_once_and_again_only_after_a_change(clone: Path) -> None:
    command(clone, "redis-server", "echo Redis server v=7.0.15 sha=0")
    assert "installing the packages" in set_up(clone, PYTHON=sys.executable).stderr
    assert set_up(clone).stderr == ""
    assert "tests/requirements.txt" in set_up(clone, "test").stderr
    # Who can test can run.
    assert set_up(clone, "test").stderr == set_up(clone, "run").stderr == ""
    (clone / "requirements.txt").write_text("# changed\n")
    assert "installing the packages" in set_up(clone).stderr


def pins(path: str) -> dict[str, str]:
    """Every requirement of a file: name → what follows it."""
    lines = [line.strip() for line in (ROOT / path).read_text().splitlines()]
    return {
        re.split(r"[\[=<>;]", line)[0].lower().replace("_", "-"): line for line in lines if line and line[0] not in "#-"
    }


def test_every_requirement_is_pinned_exactly_and_so_is_what_it_pulls_in() -> None:
    constraints = pins("constraints.txt")
    for name, line in (pins("requirements.txt") | pins("tests/requirements.txt")).items():
        assert re.search(r"==[0-9][^*,]*$", line.partition(";")[0]), line
        assert name in constraints
        assert line.partition(";")[0].partition("==")[2].strip() == constraints[name].partition("==")[2]


def test_what_runs_here_is_what_is_pinned() -> None:
    differs = {}
    for name, line in pins("constraints.txt").items():
        try:
            found = version(name)
        except PackageNotFoundError:
            continue  # only for another Python
        if found != line.partition("==")[2]:
            differs[name] = (found, line)
    assert not differs


def test_every_make_target_is_documented() -> None:
    targets = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert targets
    said = (ROOT / "docs" / "running.md").read_text()
    assert [target for target in targets[1].split() if target != "help" and f"make {target}" not in said] == []

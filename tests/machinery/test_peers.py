"""The programs beside the tests are really there, and one that is missing is said with what to do."""

from __future__ import annotations

import subprocess

import pytest

from tests.machinery import peers


def test_this_machine_has_a_mariadb_that_runs() -> None:
    path = peers.mariadbd()
    assert path, peers.NO_MARIADB
    done = subprocess.run([path, "--no-defaults", "--version"], capture_output=True, text=True, check=False)
    assert "MariaDB" in done.stdout


def test_what_the_package_file_names_is_installed() -> None:
    done = subprocess.run([peers.node_tool("prism"), "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "5.14.2"
    assert "axe" in peers.node_file("axe-core/axe.min.js").read_text(encoding="utf-8")[:200]


def test_what_is_missing_is_said_with_the_command_that_brings_it() -> None:
    with pytest.raises(AssertionError, match="npm ci --prefix tests/node"):
        peers.node_tool("no-such-tool")

"""The browser is found where it is, and a shell that only looks like one is not taken for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.machinery import chromium
from tests.machinery.running import ROOT


def test_this_machine_has_a_browser_that_runs(chromium_path: str) -> None:
    assert chromium.works(chromium_path)


def test_a_package_that_is_only_an_empty_shell_is_passed_over(tmp_path: Path) -> None:
    shell = tmp_path / "chromium-browser"
    shell.write_text("#!/bin/sh\necho 'requires the chromium snap to be installed' >&2\nexit 1\n")
    shell.chmod(0o755)
    assert not chromium.works(str(shell))
    assert not chromium.works(None)


def test_a_named_browser_is_the_only_one_that_counts(tmp_path: Path) -> None:
    named = tmp_path / "my-browser"
    named.write_text("#!/bin/sh\necho Chromium 150.0\n")
    named.chmod(0o755)
    code = "from tests.machinery import chromium; print(chromium.find())"
    for path, found in ((named, str(named)), (tmp_path / "missing", "None")):
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env=os.environ | {"CHROMIUM": str(path)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == found

"""The programs that the tests talk to and PyPI does not have: MariaDB, and what ``tests/node`` names. ``python -m tests.machinery.peers`` sees to both."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NODE = Path(__file__).parent.parent / "node"
NO_NODE = "Node.js 18.20 or newer with npm was not found and could not be installed (Debian: apt-get install nodejs npm; elsewhere: https://nodejs.org)"
NO_MODULES = f"npm could not install what {NODE.name}/package.json names; run: npm ci --prefix tests/node"
NO_MARIADB = "MariaDB was not found and could not be installed (Debian: apt-get install mariadb-server-core; elsewhere: brew install mariadb)"


def mariadbd() -> str | None:
    """The path of MariaDB's server program; Debian puts it where only root's PATH looks."""
    for name in ("mariadbd", "mysqld"):
        if found := shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"):
            return found
    return None


def node_tool(name: str) -> Path:
    """A program of ``tests/node``. Raises AssertionError with what to do where it is missing."""
    path = NODE / "node_modules" / ".bin" / name
    assert path.exists(), f"{name} is missing: run `make test`, or npm ci --prefix tests/node"
    return path


def node_file(name: str) -> Path:
    """A file of a package of ``tests/node``, such as ``axe-core/axe.min.js``."""
    path = NODE / "node_modules" / name
    assert path.exists(), f"{name} is missing: run `make test`, or npm ci --prefix tests/node"
    return path


def _apt(*packages: str) -> None:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    print(f"installing {' '.join(packages)} with apt-get …", flush=True)
    environ = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-q"],
        ["apt-get", "install", "-q", "-y", "--no-install-recommends", *packages],
    ):
        done = subprocess.run(
            command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if done.returncode:
            print(f"{' '.join(command)}: {done.stderr.strip()[-500:]}", flush=True)


def _modules() -> bool:
    """Whether the packages lie there as the lock file names them; installs them where they do not."""
    wanted, stamp = (NODE / "package-lock.json").read_bytes(), NODE / "node_modules" / ".installed"
    if stamp.exists() and stamp.read_bytes() == wanted:
        return True
    print("installing what tests/node/package.json names …", flush=True)
    done = subprocess.run(
        ["npm", "ci", "--no-progress", "--loglevel=error"],
        cwd=NODE,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        print((done.stderr or done.stdout).strip()[-1000:], file=sys.stderr)
        return False
    stamp.write_bytes(wanted)
    return True


def main() -> int:
    if mariadbd() is None:
        _apt("mariadb-server-core")
    if not (shutil.which("node") and shutil.which("npm")):
        _apt("nodejs", "npm")
    problems = []
    if mariadbd() is None:
        problems.append(NO_MARIADB)
    if not (shutil.which("node") and shutil.which("npm")):
        problems.append(NO_NODE)
    elif not _modules():
        problems.append(NO_MODULES)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

"""The real browser for the tests: found on the machine, else installed. ``python -m tests.machinery.chromium`` does both."""

from __future__ import annotations

import glob
import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MISSING = (
    "no Chromium was found and none could be installed. Install one (Debian: apt-get install chromium; "
    "elsewhere: .venv/bin/python -m playwright install --with-deps chromium), or name one in CHROMIUM=/path/to/chrome"
)


def works(path: str | None) -> bool:
    """Whether ``path`` is a browser that runs here (Ubuntu's package of that name is an empty shell around a snap)."""
    if not path or not os.access(path, os.X_OK):
        return False
    try:
        done = subprocess.run(
            [path, "--version", "--no-sandbox"], capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0 and ("Chrom" in done.stdout)


def find() -> str | None:
    """The path of a Chromium: the one that CHROMIUM names, a command of the machine, or one that Playwright installed."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named if works(named) else None
    for name in NAMES:
        found = shutil.which(name)
        if works(found):
            return found
    mac = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
    if works(mac):
        return mac
    roots = [
        os.environ.get("PLAYWRIGHT_BROWSERS_PATH", ""),
        str(Path.home() / ".cache/ms-playwright"),
        str(Path.home() / "Library/Caches/ms-playwright"),
    ]
    for root in filter(None, roots):
        for pattern in (
            "chrome-linux*/chrome",
            "chrome-linux*/headless_shell",
            "chrome-mac*/*.app/Contents/MacOS/*",
            "chrome-headless-shell*/*shell",
        ):
            for found in sorted(glob.glob(f"{root}/chromium*/{pattern}"), reverse=True):
                if works(found):
                    return found
    return None


def install() -> str | None:
    """Install Chromium in the way that fits this machine; its path, or None when that failed. Says what it does."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print("Chromium is missing: installing it with apt-get (a minute or two) …", flush=True)
        environ = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for command in (
            ["apt-get", "update", "-q"],
            ["apt-get", "install", "-q", "-y", "--no-install-recommends", "chromium", "fonts-noto-cjk"],
        ):
            done = subprocess.run(
                command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
            )
            if done.returncode:
                print(f"{' '.join(command)}: {done.stderr.strip()[-500:]}", flush=True)
        if found := find():
            return found
    print("Chromium is missing: installing Playwright's …", flush=True)
    extra = ["--with-deps"] if os.geteuid() == 0 and shutil.which("apt-get") else []
    subprocess.run(
        [sys.executable, "-m", "playwright", "install", *extra, "chromium"], stdin=subprocess.DEVNULL, check=False
    )
    return find()


def main() -> int:
    found = find() or install()
    print(f"browser: {found}" if found else MISSING, file=sys.stdout if found else sys.stderr)
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main())

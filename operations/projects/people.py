"""People of a configuration file: added, given another password, removed, and the file otherwise left as its owner wrote it.

Comments, quotes and order stay (ruamel.yaml; of several blanks in a row it keeps one). The outcome is read as the program would read it before it replaces the file, in one
step, under a lock; when it cannot, ``CannotWrite`` carries the block that a person can paste.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from collectors.registry import KINDS
from operations.projects import document
from operations.projects.access import User
from operations.projects.configuration import Configuration, ConfigurationInvalid, load, parse
from operations.projects.faults import Faults

WIDTH = 4_000
"""No line is broken that its owner did not break."""


class PeopleError(Exception):
    """What was asked for cannot be done; ``str(error)`` says why and what would be right. ``permanent``: not by trying again."""

    permanent = True


class CannotWrite(PeopleError):
    """The outcome is right, but the file cannot be replaced. ``block``: what to paste into it."""

    def __init__(self, message: str, block: str) -> None:
        super().__init__(message)
        self.block = block


@dataclass(frozen=True)
class Done:
    """What was changed. ``first``: the file had no ``access`` before, so that from now on everybody has to sign in."""

    configuration: Configuration
    first: bool = False


def people(path: Path, environ: Mapping[str, str], kinds: Mapping[str, Any] = KINDS) -> tuple[User, ...]:
    """Everybody who has a password. Raises ``ConfigurationInvalid``."""
    access = load(path, environ, kinds).access
    return access.users if access else ()


def add(path: Path, environ: Mapping[str, str], entry: Mapping[str, Any], kinds: Mapping[str, Any] = KINDS) -> Done:
    """Put somebody into the file. ``entry``: as the file writes it, ``password`` hashed.

    Raises ``PeopleError`` and ``ConfigurationInvalid``.
    """

    def change(tree: CommentedMap) -> None:
        users = _users(tree, make=True)
        if any(isinstance(each, dict) and each.get("name") == entry["name"] for each in users):
            raise PeopleError(f"there is a user {entry['name']} already; `user passwd` gives another password")
        users.append(_written(entry))

    return _changed(path, environ, change, kinds, _block(entry))


def set_password(
    path: Path, environ: Mapping[str, str], name: str, password: str, kinds: Mapping[str, Any] = KINDS
) -> Done:
    """Give somebody another password (its hash); whoever is signed in as that person no longer is. Raises as ``add``."""

    def change(tree: CommentedMap) -> None:
        _entry(tree, name)["password"] = DoubleQuotedScalarString(password)

    return _changed(path, environ, change, kinds, f'password: "{password}"\n')


def remove(path: Path, environ: Mapping[str, str], name: str, kinds: Mapping[str, Any] = KINDS) -> Done:
    """Take somebody out of the file. Raises as ``add``."""

    def change(tree: CommentedMap) -> None:
        users = _users(tree)
        users.remove(_entry(tree, name))

    return _changed(path, environ, change, kinds, f"# without the entry of {name}\n")


# ── the file ──────────────────────────────────────────────────────────────────────────────────────


def _changed(
    path: Path, environ: Mapping[str, str], change: Callable[[CommentedMap], None], kinds: Mapping[str, Any], block: str
) -> Done:
    place = Path(os.path.realpath(path))  # a link stays one
    with _alone(place.parent):
        before = load(path, environ, kinds)  # refuses to touch a file that has errors
        content = place.read_bytes()
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
        yaml = _yaml(text)
        try:
            tree = yaml.load(text)
        except YAMLError as error:
            raise CannotWrite(f"{path} cannot be written without losing its form", block) from error
        change(tree)
        out = io.StringIO()
        yaml.dump(tree, out)
        fresh = out.getvalue().encode()
        if content.startswith(b"\xef\xbb\xbf"):
            fresh = b"\xef\xbb\xbf" + fresh
        if b"\r\n" in content:
            fresh = fresh.replace(b"\n", b"\r\n")
        try:
            after = parse(fresh, path, environ, kinds)
        except ConfigurationInvalid as invalid:
            raise PeopleError("\n".join(invalid.errors)) from invalid
        if _without_users(content, path.name) != _without_users(fresh, path.name):
            raise CannotWrite(f"{path} is written in a way that cannot be kept", block)
        try:
            _replace(place, fresh)
        except OSError as error:
            raise CannotWrite(
                f"{path} cannot be written ({(error.strerror or 'not possible').lower()})", block
            ) from error
    return Done(after, first=before.access is None and after.access is not None)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One at a time, by a lock on the folder: the file itself is replaced, and a lock on it would go with the old one."""
    try:
        import fcntl
    except ImportError:  # a system without it: there the replacement itself is all the care there is
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _replace(place: Path, content: bytes) -> None:
    """In one step: a reader sees the old file or the new one. The new one has the old one's mode and owner."""
    old = place.stat()
    handle, name = tempfile.mkstemp(prefix=f".{place.name}.", dir=place.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, old.st_mode & 0o7777)
        if hasattr(os, "chown") and (os.stat(name).st_uid, os.stat(name).st_gid) != (old.st_uid, old.st_gid):
            os.chown(name, old.st_uid, old.st_gid)
        os.replace(name, place)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def _yaml(text: str) -> Any:
    """Reads and writes as the file is written: quotes as they are, lists indented as its first one is."""
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = WIDTH
    yaml.allow_unicode = True
    listed = re.search(r"^( *)[^\s#-][^\n]*:[ \t]*(?:#[^\n]*)?\n(?:[ \t]*(?:#[^\n]*)?\n)*( *)- ", text, re.MULTILINE)
    offset = max(0, len(listed[2]) - len(listed[1])) if listed else 2
    yaml.indent(mapping=2, sequence=offset + 2, offset=offset)
    return yaml


def _without_users(content: bytes, name: str) -> Any:
    """What a file says beside its users."""
    tree = document.read(content, name, Faults())
    access = tree.get("access") if isinstance(tree, dict) else None
    if isinstance(access, dict):
        access.pop("users", None)
    if isinstance(tree, dict) and not access:
        tree.pop("access", None)
    return tree


# ── the entries ───────────────────────────────────────────────────────────────────────────────────


def _users(tree: CommentedMap, *, make: bool = False) -> CommentedSeq:
    access = tree.get("access")
    if access is None and make:
        access = tree["access"] = CommentedMap()
        tree.yaml_set_comment_before_after_key("access", before="\nwho may sign in; `python app.py user` changes it")
    users = access.get("users") if isinstance(access, dict) else None
    if not users and make and isinstance(access, dict):
        users = access["users"] = CommentedSeq()
    if not isinstance(users, CommentedSeq):
        raise PeopleError("the file has no list of users; `user add` begins one")
    return users


def _entry(tree: CommentedMap, name: str) -> CommentedMap:
    users = _users(tree)
    for entry in users:
        if isinstance(entry, CommentedMap) and entry.get("name") == name:
            return entry
    known = ", ".join(str(each.get("name")) for each in users if isinstance(each, dict))
    raise PeopleError(f"there is no user {name}; there {'are ' + known if known else 'is nobody'}")


def _written(entry: Mapping[str, Any]) -> CommentedMap:
    """In one line, as the examples have it."""
    written = CommentedMap()
    for key, value in entry.items():
        if isinstance(value, (list, tuple)):
            listed = CommentedSeq(DoubleQuotedScalarString(each) if _needs_quotes(each) else each for each in value)
            listed.fa.set_flow_style()
            written[key] = listed
        else:
            written[key] = DoubleQuotedScalarString(value) if key == "password" or _needs_quotes(value) else value
    written.fa.set_flow_style()
    return written


def _needs_quotes(text: str) -> bool:
    """Whether YAML, or this program, could take a text for something else."""
    return not re.fullmatch(r"[^\W\d_](?:[\w .-]*\w)?", text) or text.lower() in (
        "true", "false", "null", "yes", "no", "on", "off", "y", "n",
    )  # fmt: skip


def _block(entry: Mapping[str, Any]) -> str:
    tree = CommentedMap(access=CommentedMap(users=CommentedSeq([_written(entry)])))
    yaml, out = _yaml(""), io.StringIO()
    yaml.dump(tree, out)
    return out.getvalue()

"""``app.py user add|passwd|remove|list``: who may sign in, written into the configuration file."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from roles.starting import CannotStart

if TYPE_CHECKING:
    from operations.projects.people import Done

SHORTEST = 10
LONGEST = 1_024


def run(chosen: argparse.Namespace) -> int:
    """Do what was asked for, and say what it changes; the exit status."""
    from operations.projects.configuration import ConfigurationInvalid
    from operations.projects.people import CannotWrite, PeopleError

    actions = {"add": _add, "passwd": _passwd, "remove": _remove, "list": _list}
    try:
        return actions[chosen.action](chosen)
    except ConfigurationInvalid as invalid:
        raise CannotStart(
            f"{chosen.config} has errors, so it stays as it is:\n  " + "\n  ".join(invalid.errors), 2
        ) from invalid
    except CannotWrite as error:
        print(error.block, end="")
        raise CannotStart(f"{error}; put what is printed above into it by hand") from error
    except PeopleError as error:
        raise CannotStart(f"{chosen.config} stays as it is: {error}", 2) from error


def _add(chosen: argparse.Namespace) -> int:
    from operations.projects import people

    if ":" in chosen.name:
        raise CannotStart("a name cannot hold a colon: programs sign in as NAME:PASSWORD", 2)
    people.people(chosen.config, os.environ)  # before anybody is asked for a password
    entry = {"name": chosen.name, "password": hashed(password(chosen.password_stdin)), "role": chosen.granted}
    for key in ("projects", "kpis"):
        if getattr(chosen, key) is not None:
            entry[key] = [each.strip() for each in getattr(chosen, key).split(",") if each.strip()]
    if chosen.language:
        entry["language"] = chosen.language
    done = people.add(chosen.config, os.environ, entry)
    sees = ", ".join(entry["projects"]) if "projects" in entry else "every project"
    print(
        f"{chosen.name} may sign in as {chosen.granted} and sees {sees or 'no project'}. A running wallboard knows within 2 s."
    )
    if done.first:
        print(_first(chosen.config, done))
    return 0


def _first(path: Path, done: Done) -> str:
    admins = (
        any(user.role == "admin" for user in done.configuration.access.users) if done.configuration.access else False
    )
    text = (
        f"{path} had no access: block until now, so nobody had to sign in. From now on everybody has to: open walls ask for it, "
        "programs need Basic or Bearer authorization, and the wallboard may be started with --host for others to reach."
    )
    return text if admins else f"{text}\nNobody is admin yet: user add NAME --role admin"


def _passwd(chosen: argparse.Namespace) -> int:
    from operations.projects import people

    if all(user.name != chosen.name for user in people.people(chosen.config, os.environ)):
        raise CannotStart(f"{chosen.config} has no user {chosen.name}; `user list` shows who there is", 2)
    people.set_password(chosen.config, os.environ, chosen.name, hashed(password(chosen.password_stdin)))
    print(f"{chosen.name} has a new password. Whoever was signed in with the old one has to sign in again.")
    return 0


def _remove(chosen: argparse.Namespace) -> int:
    from operations.projects import people

    done = people.remove(chosen.config, os.environ, chosen.name)
    print(f"{chosen.name} may not sign in any more, and is signed out everywhere.")
    access = done.configuration.access
    if access is not None and not access.users and access.openid is None:
        print(
            "Nobody may sign in now: user add NAME --role admin, or remove access: to run without sign-in on this machine alone."
        )
    return 0


def _list(chosen: argparse.Namespace) -> int:
    from operations.projects import people

    found = people.people(chosen.config, os.environ)
    if not found:
        print(f"{chosen.config} names nobody; user add NAME --role admin")
        return 0
    rows = [("NAME", "ROLE", "PROJECTS", "LANGUAGE")]
    for user in found:
        projects = "all" if user.projects is None else ", ".join(user.projects) or "none"
        rows.append((user.name, user.role, projects, user.language or ""))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return 0


def password(from_stdin: bool) -> str:
    """A password, asked for twice at a terminal or read as one line. Raises ``CannotStart``."""
    if from_stdin:
        said = sys.stdin.readline().rstrip("\r\n")
    elif not sys.stdin.isatty():
        raise CannotStart("there is no terminal to ask for the password; give it with --password-stdin", 2)
    else:
        said = getpass.getpass("Password: ")
        if said != getpass.getpass("The same again: "):
            raise CannotStart("the two passwords differ; nothing was changed", 2)
    if len(said) < SHORTEST:
        raise CannotStart(
            f"a password has at least {SHORTEST} characters; a few words in a row are easy to remember", 2
        )
    if len(said) > LONGEST:
        raise CannotStart(f"a password has at most {LONGEST:,} characters", 2)
    return said


def hashed(said: str) -> str:
    """Its argon2 hash, as the configuration holds it."""
    import argon2

    return argon2.PasswordHasher().hash(said.encode("utf-8", "surrogatepass"))

"""The one place that wires: the command line, and the roles that it starts.

    python app.py [--config FILE] [--host HOST] [--port PORT]     every role, and a Redis of its own where none is named
    python app.py collect | operate | serve                       one role, sharing the Redis that REDIS_URL names
    python app.py check --config FILE                             is the configuration right? exits 0 or 2
    python app.py user add|passwd|remove|list                     who may sign in, written into the configuration
    python app.py import SOURCE FILE [FILE …]                     load the history of a queue_log
    uvicorn app:server                                            the web role under a server of one's own

Nothing is read, opened or connected by importing this module.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from roles.serve import LazyServer
from roles.starting import DEFAULT_CONFIGURATION, CannotStart

server = LazyServer()
"""The web role as an ASGI application: built when the server that runs it starts up."""


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    """The command line. ``role`` is ``all`` when none is named."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        default=argparse.SUPPRESS,
        help="the configuration (default: WALLBOARD_CONFIG, or wallboard.yaml beside app.py)",
    )
    shared.add_argument("--log-json", action="store_true", default=argparse.SUPPRESS, help="log lines as JSON objects")
    shared.add_argument(
        "--log-level", metavar="LEVEL", default=argparse.SUPPRESS, help="debug, info (default), warning or error"
    )
    shared.add_argument("--child", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    listen = argparse.ArgumentParser(add_help=False)
    listen.add_argument("--host", default=argparse.SUPPRESS, help="address to listen on (default 127.0.0.1)")
    listen.add_argument("--port", type=port, default=argparse.SUPPRESS, help="port to listen on (default 8050)")
    listen.add_argument("--fd", type=int, default=argparse.SUPPRESS, help=argparse.SUPPRESS)

    parser = argparse.ArgumentParser(
        prog="app.py", description="A live wall for contact centres.", parents=[shared, listen]
    )
    # Not the parsers' own defaults: a role's parser would put them in place of what stands before the role.
    defaults = argparse.Namespace(
        role="all",
        config=Path(os.environ.get("WALLBOARD_CONFIG") or DEFAULT_CONFIGURATION),
        redis=os.environ.get("FLOORLIGHT_EMBEDDED_REDIS", "")
        if "--child" in (sys.argv if words is None else words)
        else "",
        host="127.0.0.1",
        port=8050,
        fd=None,
        child=False,
        log_json=False,
        log_level="info",
    )
    roles = parser.add_subparsers(dest="role", metavar="ROLE", title="one role alone")
    roles.add_parser("collect", parents=[shared], help="watch the sources and fill the event log")
    roles.add_parser("operate", parents=[shared], help="turn the event log into boards")
    roles.add_parser("serve", parents=[shared, listen], help="serve the pages, the live feed and the API")
    roles.add_parser("check", parents=[shared], help="say everything that is wrong with the configuration")
    people(roles.add_parser("user", parents=[shared], help="say who may sign in"), shared)
    history = roles.add_parser("import", parents=[shared], help="load the history of a source from its own log")
    history.add_argument("source", metavar="SOURCE", help="the source's name in the configuration")
    history.add_argument(
        "files", metavar="FILE", nargs="+", type=Path, help="its log files, rotated and compressed ones too"
    )
    chosen = parser.parse_args(words, defaults)
    chosen.role = chosen.role or "all"
    return chosen


def people(parser: argparse.ArgumentParser, shared: argparse.ArgumentParser) -> None:
    """The words after ``user``."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    new = actions.add_parser("add", parents=[shared], help="let somebody sign in")
    passwd = actions.add_parser("passwd", parents=[shared], help="give somebody another password")
    gone = actions.add_parser("remove", parents=[shared], help="let somebody sign in no more")
    actions.add_parser("list", parents=[shared], help="say who may sign in")
    for each in (new, passwd, gone):
        each.add_argument("name", metavar="NAME", help="the name with which somebody signs in")
    for each in (new, passwd):
        each.add_argument(
            "--password-stdin", action="store_true", help="read the password as a line, do not ask for it"
        )
    roles = ("admin", "manager", "supervisor", "lead", "client")
    new.add_argument("--role", dest="granted", required=True, choices=roles, metavar="ROLE", help=", ".join(roles))
    new.add_argument(
        "--projects", metavar="A,B", help="the projects that the person sees; an admin or manager without it: all"
    )
    new.add_argument(
        "--kpis", metavar="A,B", help="of a client: the KPIs that it sees; those of the project's wall without it"
    )
    new.add_argument("--language", choices=("en", "zh-Hans", "zh-Hant"), help="the person's own language")


def port(word: str) -> int:
    """A port number from the command line; 0 lets the system choose."""
    if not word.isdigit() or int(word) > 65535:
        raise argparse.ArgumentTypeError(f"{word!r} is not a port; one is a number from 1 to 65535")
    return int(word)


def main(words: list[str] | None = None) -> int:
    """Run what the command line asks for; the exit status: 0, 1 cannot run, 2 wrong configuration or command line."""
    chosen = arguments(words)
    try:
        # Each role's process imports what that role needs and nothing else.
        match chosen.role:
            case "all":
                from roles.everything import run
            case "collect":
                from roles.collect import run
            case "operate":
                from roles.operate import run
            case "serve":
                from roles.serve import run
            case "check":
                from roles.starting import check as run
            case "user":
                from roles.users import run
            case _:
                from roles.history import run
        return run(chosen)
    except CannotStart as error:
        print(error, file=sys.stderr)
        return error.status
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())

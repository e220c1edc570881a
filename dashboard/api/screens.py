"""Paired screens: who they are, what each is to show, and a supervisor's word to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import msgspec

from dashboard.access.caller import Caller
from dashboard.access.credentials import address
from dashboard.access.screens import COOKIE, FILE, ONLINE_MS, cookie
from dashboard.access.throttle import Throttle
from dashboard.api.alert_words import LONGEST_NAME, body, may_act, refused, text
from dashboard.api.route import Handler, Web
from dashboard.asgi import Answer, Problem, Request
from dashboard.i18n import LANGUAGES
from dashboard.redis_gone import asked
from operations import sources
from operations.store.screens import Contact, Screen, ScreensFull, ScreenStore, as_code, new_id

MOST_PROJECTS = 50
SHORTEST_S, LONGEST_S = 5, 3_600
FREE_IN_ALL = 40
"""Wrong codes within a quarter of an hour that all callers of this process together may enter without waiting."""

Seconds = Annotated[int, msgspec.Meta(ge=SHORTEST_S, le=LONGEST_S)]


class Pair(msgspec.Struct, forbid_unknown_fields=True):
    """Confirm the code that a screen shows, and say what it is to show."""

    code: str
    name: str
    projects: list[str]
    seconds: Seconds = 20
    language: str = ""
    sound: bool = False
    by: str = ""


class Edit(msgspec.Struct, forbid_unknown_fields=True):
    """What is left out stays as it is."""

    name: str | msgspec.UnsetType = msgspec.UNSET
    projects: list[str] | msgspec.UnsetType = msgspec.UNSET
    seconds: Seconds | msgspec.UnsetType = msgspec.UNSET
    language: str | msgspec.UnsetType = msgspec.UNSET
    sound: bool | msgspec.UnsetType = msgspec.UNSET


EXAMPLE = '{"code": "K7M-P3X", "name": "North wall", "projects": ["acme-support"]}'
EDITED = '{"name": "North wall", "projects": ["acme-support", "acme-sales"], "seconds": 20}'


# ── the screen's own side ──


def orders(screen: Screen) -> dict[str, Any]:
    """What a screen has to know: another ``revision`` than it was drawn with asks it to draw itself anew, another ``identify`` to show its name."""
    return {"screen": screen.id, "name": screen.name, "revision": screen.revision, "identify": screen.identify}


async def contact(web: Web, request: Request, caller: Caller) -> Answer:
    """A screen speaks: it is noted, its cookie renewed, and it hears what is wanted of it."""
    screen = web.screens.screen(web.watcher.current.access, caller.screen) if caller.screen else None
    if screen is None:
        raise Problem(404, "no_screen", "this browser is not a paired screen; open /pair on it")
    web.screens.heard(screen.id, address(request), web.clock())
    token = request.cookies.get(COOKIE)
    return Answer.json(orders(screen), headers=(cookie(request, token),) if token else ())


# ── the supervisor's side ──


async def screens(web: Web, request: Request, caller: Caller) -> Answer:
    """The screens whose projects are all the caller's, those of the configuration file too."""
    may_act(caller)
    now_ms, access = web.clock(), web.watcher.current.access
    noted: dict[str, Contact] = await asked(_store(web).contacts())
    await asked(web.screens.look())
    found = list(web.screens.saved.screens.values()) if web.screens.saved else []
    for entry in access.screens if access else ():
        shown = web.screens.screen(access, FILE + entry.name)
        found += [shown] if shown else []
    listed = [_public(web, screen, noted.get(screen.id), now_ms) for screen in found if _theirs(caller, screen)]
    listed.sort(key=lambda row: (row["name"].casefold(), row["id"]))
    return Answer.json({"now": sources.iso(now_ms), "screens": listed})


def _public(web: Web, screen: Screen, noted: Contact | None, now_ms: int) -> dict[str, Any]:
    configured = web.watcher.current.projects
    here = web.screens.contact(screen.id)
    seen = max((c for c in (noted, here) if c), key=lambda c: c.at, default=None)
    return {
        "id": screen.id,
        "name": screen.name,
        "projects": [{"id": p, "name": configured[p].name if p in configured else None} for p in screen.projects],
        "seconds": screen.seconds,
        "language": screen.language,
        "sound": screen.sound,
        "from_file": screen.id.startswith(FILE),
        "paired_by": screen.paired_by,
        "paired_at": sources.iso(screen.paired_at or None),
        "seen_at": sources.iso(seen.at) if seen else None,
        "address": seen.address if seen else "",
        "online": seen is not None and now_ms - seen.at < ONLINE_MS,
    }


def pair() -> Handler:
    """The handler that confirms codes; it counts wrong ones, per caller and in all."""
    own, all_ = Throttle(), Throttle(FREE_IN_ALL)

    async def confirm(web: Web, request: Request, caller: Caller) -> Answer:
        """Pair the screen that shows this code."""
        may_act(caller)
        said = await body(request, Pair, EXAMPLE)
        now_ms = web.clock()
        screen = Screen(
            id=new_id(),
            name=_name(said.name),
            projects=_projects(web, caller, said.projects),
            seconds=said.seconds,
            language=_language(said.language),
            sound=said.sound,
            paired_by=caller.name or text("by", said.by, LONGEST_NAME),
            paired_at=now_ms,
        )
        key = caller.name or address(request)
        wait_ms = max(own.wait_ms(key, now_ms), all_.wait_ms("", now_ms))
        if wait_ms:
            wait_s = -(-wait_ms // 1000)
            raise Problem(
                429, "too_many_tries", f"too many wrong codes; wait {wait_s} s", [("Retry-After", str(wait_s))]
            )
        code = as_code(said.code)
        try:
            known = bool(code) and await asked(_store(web).confirm(code, screen))
        except ScreensFull as error:
            raise Problem(409, "too_many", str(error)) from error
        if not known:
            own.failed(key, now_ms)
            all_.failed("", now_ms)
            raise Problem(
                404, "unknown_code", "no screen shows this code, or not any more; read it again from the screen"
            )
        own.passed(key)
        await asked(web.screens.look())
        return Answer.json(_public(web, screen, None, now_ms), 201)

    return confirm


async def change(web: Web, request: Request, caller: Caller) -> Answer:
    """Let a screen show something else, or call it something else."""
    said = await body(request, Edit, EDITED)
    given = {field: value for field in said.__struct_fields__ if (value := getattr(said, field)) is not msgspec.UNSET}
    if "name" in given:
        given["name"] = _name(given["name"])
    if "projects" in given:
        given["projects"] = _projects(web, caller, given["projects"])
    if "language" in given:
        given["language"] = _language(given["language"])

    def edit(screen: Screen) -> Screen:
        changed = msgspec.structs.replace(screen, **given)
        drawn = msgspec.structs.replace(changed, name=screen.name) != screen
        return msgspec.structs.replace(changed, revision=screen.revision + drawn)

    return await _changed(web, request, caller, edit)


async def renew(web: Web, request: Request, caller: Caller) -> Answer:
    """Let a screen load its page again."""
    return await _changed(web, request, caller, lambda s: msgspec.structs.replace(s, revision=s.revision + 1))


async def identify(web: Web, request: Request, caller: Caller) -> Answer:
    """Let a screen show its name for some seconds."""
    return await _changed(web, request, caller, lambda s: msgspec.structs.replace(s, identify=s.identify + 1))


async def revoke(web: Web, request: Request, caller: Caller) -> Answer:
    """Take a screen's token away: its feeds end, and it shows a code again."""
    screen = _editable(request, caller)
    if not await asked(_store(web).revoke(screen)):
        raise _unknown()
    await asked(web.screens.look())
    return Answer.json({"revoked": screen})


async def _changed(web: Web, request: Request, caller: Caller, edit: Callable[[Screen], Screen]) -> Answer:
    def checked(screen: Screen) -> Screen:  # as it is now, not as this process remembered it
        if not _theirs(caller, screen):
            raise _unknown()
        return edit(screen)

    after = await asked(_store(web).change(_editable(request, caller), checked))
    if after is None:
        raise _unknown()
    await asked(web.screens.look())
    return Answer.json(_public(web, after, None, web.clock()))


def _editable(request: Request, caller: Caller) -> str:
    may_act(caller)
    screen = request.path_values["screen"]
    if screen.startswith(FILE):
        raise Problem(409, "from_file", "this screen stands in the configuration file; change it there")
    return screen


def _theirs(caller: Caller, screen: Screen) -> bool:
    return all(caller.may_see(project) for project in screen.projects)


def _unknown() -> Problem:
    return Problem(404, "unknown_screen", "there is no such screen; GET /api/v1/screens lists those that you may see")


def _store(web: Web) -> ScreenStore:
    return ScreenStore(web.redis)


def _name(value: str) -> str:
    name = text("name", value, LONGEST_NAME)
    if not name:
        raise refused("name", 'is missing; call the screen by where it hangs, for example "North wall"')
    return name


def _projects(web: Web, caller: Caller, wanted: list[str]) -> tuple[str, ...]:
    """What the caller may give; one answer for a project that is not there and for one that is not the caller's."""
    if not wanted or len(wanted) > MOST_PROJECTS:
        raise refused("projects", f"name at least one project, and at most {MOST_PROJECTS}")
    for project in wanted:
        if project not in web.watcher.current.projects or not caller.may_see(project):
            raise refused("projects", "there is no such project; GET /api/v1/projects lists those that you may see")
    return tuple(dict.fromkeys(wanted))


def _language(value: str) -> str:
    if value not in ("", *LANGUAGES):
        raise refused("language", f"one of {', '.join(LANGUAGES)} is possible, or nothing for the project's own")
    return value

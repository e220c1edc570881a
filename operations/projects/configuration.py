"""``wallboard.yaml`` as a ``Configuration``, or everything that is wrong with it at once.

docs/configuration.md describes every setting; a test keeps it complete.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path as FilePath
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, SerializeAsAny, field_validator

from collectors.collector import SourceSettings
from collectors.registry import KINDS
from operations.kpis.catalogue import CATALOGUE
from operations.projects import document
from operations.projects.access import SEE_ALL, Access
from operations.projects.contract import Maintenance, Project, split_queue
from operations.projects.faults import Faults, Path, at, shorten, shown
from operations.projects.maintenance import read_maintenance
from operations.projects.nearest import did_you_mean
from operations.projects.project_block import Site, read_project
from operations.projects.routes import Route, RouteBlock, read_notify
from operations.projects.substitution import Substitution
from operations.projects.text import id_fault
from operations.projects.wording import secrets_of, validate

MAINTENANCE = "maintenance"
REDIS_SCHEMES = ("redis", "rediss", "unix")


class ConfigurationInvalid(Exception):
    """The file cannot be used. ``errors``: every fault, ``path: what is wrong; what would be right``, without secrets.

    ``files``: every file whose change could mend it.
    """

    def __init__(self, errors: list[str], files: Iterable[FilePath] = ()) -> None:
        super().__init__("\n".join(errors))
        self.errors = errors
        self.files = tuple(files)


class Configuration(BaseModel):
    """A whole, valid configuration.

    ``redis_url`` None: an embedded Redis. ``digest`` is equal for two files that mean the same and serves to compare, not
    to show. ``files``: the file itself and all that it includes. ``edits``: by project, encoded, what people edited on the pages and
    ``projects`` holds already.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    site: Site
    redis_url: SecretStr | None
    sources: dict[str, SerializeAsAny[SourceSettings]]
    projects: dict[str, Project]
    access: Access | None
    notify: dict[str, Route] = {}
    digest: str
    path: FilePath
    files: tuple[FilePath, ...] = ()
    edits: dict[str, bytes] = {}


class TopLevel(BaseModel):
    """The keys at the file's left margin; each block is read by its own part."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    site: Any = Field(None, description="name, time zone and language of the whole installation")
    redis: Any = Field(
        None, description="the address of a Redis server (redis://, rediss:// or unix://); empty: an embedded Redis"
    )
    sources: Any = Field(None, description="one block for each ACD, by an id of its own")
    projects: Any = Field(None, description="one block for each client campaign, by an id of its own")
    notify: Any = Field(None, description="who is told of alerts, and how")
    access: Any = Field(
        None, description="who may sign in; absent: nobody has to, and the server listens on loopback only"
    )

    @field_validator("access")
    @classmethod
    def _not_blank(cls, access: Any) -> Any:
        # An access block whose entries were all commented out must not silently open the doors.
        if access is None:
            raise ValueError("is empty; name users or screens, or remove access altogether to run without sign-in")
        return access


def load(path: str | FilePath, environ: Mapping[str, str], kinds: Mapping[str, Any] = KINDS) -> Configuration:
    """The configuration in a file. ``environ``: where ``${NAME}`` comes from; ``kinds``: the collectors by kind.

    Raises ``ConfigurationInvalid`` with every fault of the file.
    """
    path = FilePath(path)
    try:
        with path.open("rb") as handle:
            content = handle.read(document.MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or "not a file name").lower()
        raise ConfigurationInvalid(
            [f"{path.name}: cannot be read ({reason}); name a file with --config or WALLBOARD_CONFIG"], (path,)
        ) from error
    return parse(content, path, environ, kinds)


def parse(
    content: bytes, path: FilePath, environ: Mapping[str, str], kinds: Mapping[str, Any] = KINDS
) -> Configuration:
    """The configuration in the content of a file; as ``load``, which reads the content at ``path``."""
    faults = Faults()
    raw = document.read(content, path.name, faults)
    if raw is None:
        raise ConfigurationInvalid(faults.all(), (path,))
    if not isinstance(raw, dict):
        faults.add(path.name, f"holds {shown(raw)}", "begin with site:, sources: and projects: at the left margin")
        raise ConfigurationInvalid(faults.all(), (path,))
    substitution = Substitution(path.parent, environ, faults)
    tree = substitution.fill(raw)
    files = (path, *substitution.files)
    configuration = _read(tree, raw, path, files, environ, kinds, faults)
    if faults or configuration is None:
        raise ConfigurationInvalid(faults.all(), files)
    return configuration


def _read(
    tree: dict[str, Any],
    raw: dict[str, Any],
    path: FilePath,
    files: tuple[FilePath, ...],
    environ: Mapping[str, str],
    kinds: Mapping[str, Any],
    faults: Faults,
) -> Configuration | None:
    _hide_secrets(tree, raw, kinds, faults)
    validate(TopLevel, tree, (), faults, raw=raw)
    site_tree = tree.get("site") if tree.get("site") is not None else {}
    site = validate(Site, site_tree, ("site",), faults, raw=at(raw, ("site",)) or {}) or Site()
    redis_url = _redis(tree, environ, faults)
    sources = _sources(tree, kinds, faults)
    silent = _maintenance(tree, site, faults)
    source_ids = [str(key) for key in block] if isinstance(block := tree.get("sources"), dict) else []
    projects = _projects(tree, raw, site, source_ids, silent, faults)
    project_ids = [str(key) for key in block] if isinstance(block := tree.get("projects"), dict) else []
    notify = read_notify(tree.get("notify"), at(raw, ("notify",)), site, project_ids, faults)
    access = _access(tree, faults)
    if faults:
        return None
    meaning = json.dumps([tree, redis_url], default=str, ensure_ascii=True)
    return Configuration(
        site=site,
        redis_url=SecretStr(redis_url) if redis_url else None,
        sources=sources,
        projects=projects,
        access=access,
        notify=notify,
        digest=hashlib.sha256(meaning.encode()).hexdigest()[:16],
        path=path,
        files=files,
    )


def _hide_secrets(tree: dict[str, Any], raw: dict[str, Any], kinds: Mapping[str, Any], faults: Faults) -> None:
    """Before anything is said: whatever stands where a secret belongs is never repeated, in whichever block a fault is."""
    for each in (tree, raw):
        block = each.get("sources")
        for source in block.values() if isinstance(block, dict) else ():
            kind = kinds.get(str(source.get("kind"))) if isinstance(source, dict) else None
            if kind is not None:
                for secret in secrets_of(kind.Settings, source):
                    faults.hide(secret)
        for secret in secrets_of(Access, each.get("access")):
            faults.hide(secret)
        routes = at(each, ("notify", "routes"))
        for route in routes.values() if isinstance(routes, dict) else ():
            for secret in secrets_of(RouteBlock, route):
                faults.hide(secret, "the address")
        if isinstance(each.get("redis"), str):
            faults.hide(each["redis"], "the address")


def _redis(tree: dict[str, Any], environ: Mapping[str, str], faults: Faults) -> str | None:
    """The address of Redis, None for an embedded one. Without a ``redis`` key the environment's REDIS_URL decides."""
    where: Path | str = ("redis",)
    value = tree.get("redis")
    if "redis" not in tree:
        where, value = "REDIS_URL (environment)", environ.get("REDIS_URL")
    if value is None or value == "":
        return None
    right = "write redis://HOST:6379/0, rediss://… or unix:///PATH, or leave it empty for an embedded Redis"
    if not isinstance(value, str):
        faults.add(
            where,
            f"is {'a mapping' if isinstance(value, dict) else 'a list' if isinstance(value, list) else 'no text'}",
            right,
        )
        return None
    try:
        parts = urlsplit(value)
        known = parts.scheme in REDIS_SCHEMES and bool(parts.path if parts.scheme == "unix" else parts.hostname)
        _ = parts.port  # raises when it is no number
    except ValueError:
        known = False
    if not known:
        faults.add(where, "is not the address of a Redis server", right)
        return None
    return value


def _sources(tree: dict[str, Any], kinds: Mapping[str, Any], faults: Faults) -> dict[str, SourceSettings]:
    block = tree.get("sources")
    if block is None or block == {}:
        faults.add(
            ("sources",),
            "is missing",
            f"name at least one source with its kind ({', '.join(kinds) or 'no kind is registered'})",
        )
        return {}
    if not isinstance(block, dict):
        faults.add(("sources",), "is not a mapping", "write an id for each source, and its settings below it")
        return {}
    found: dict[str, SourceSettings] = {}
    for key, settings in block.items():
        path: Path = ("sources", key)
        fault = id_fault(key)
        if fault:
            faults.add(path, *fault)
        if not isinstance(settings, dict):
            faults.add(path, "holds no settings", f"write kind: and one of {', '.join(kinds)} below it")
            continue
        settings = {name: value for name, value in settings.items() if name != MAINTENANCE}
        kind = settings.get("kind")
        if kind is None:
            faults.add((*path, "kind"), "is missing", f"choose {' | '.join(kinds)}")
        elif not isinstance(kind, str) or kind not in kinds:
            named = kind if isinstance(kind, str) else ""
            faults.add((*path, "kind"), f"there is no kind {shown(kind)}", did_you_mean(named, kinds))
        else:
            read = validate(kinds[kind].Settings, settings, path, faults, raw=None, quote=False)
            if read is not None:
                found[key] = read
    return found


def _maintenance(tree: dict[str, Any], site: Site, faults: Faults) -> dict[str, tuple[Maintenance, ...]]:
    """The planned maintenance of each source. It is no setting of a kind: a collector goes on watching meanwhile."""
    block = tree.get("sources")
    return {
        key: read_maintenance(
            settings.get(MAINTENANCE), site.time_zone, ("sources", key, MAINTENANCE), faults, source=key
        )
        for key, settings in (block.items() if isinstance(block, dict) else ())
        if isinstance(settings, dict)
    }


def _projects(
    tree: dict[str, Any],
    raw: dict[str, Any],
    site: Site,
    sources: list[str],
    silent: Mapping[str, tuple[Maintenance, ...]],
    faults: Faults,
) -> dict[str, Project]:
    block = tree.get("projects")
    if block is None:
        return {}
    if not isinstance(block, dict):
        faults.add(("projects",), "is not a mapping", "write an id for each project, and its settings below it")
        return {}
    found: dict[str, Project] = {}
    for key, settings in block.items():
        path: Path = ("projects", key)
        fault = id_fault(key)
        if fault:
            faults.add(path, *fault)
        project = read_project(key, settings if settings is not None else {}, at(raw, path) or {}, site, path, faults)
        if project is not None:
            planned = tuple(each for source in project.sources for each in silent.get(source, ()))
            found[key] = project.model_copy(update={"maintenance": (*project.maintenance, *planned)})
    _queues(block, sources, faults)
    return found


def _queues(block: dict[str, Any], sources: list[str], faults: Faults) -> None:
    """Each queue names a source that is there, and belongs to one project. Looked at even where a project has other faults."""
    owner: dict[str, str] = {}
    for key, settings in block.items():
        queues = settings.get("queues") if isinstance(settings, dict) else None
        for number, queue in enumerate(queues if isinstance(queues, list) else ()):
            path: Path = ("projects", key, "queues", number)
            if not isinstance(queue, str):
                continue  # said already
            source, name = split_queue(queue)
            if not name or not source:
                advice = (
                    f"write SOURCE/QUEUE, for example {sources[0]}/{shorten(name or source or 'support')}"
                    if sources
                    else "write SOURCE/QUEUE"
                )
                faults.add(path, f"{shown(queue)} names no {'queue' if source else 'source'}", advice)
                continue
            if source not in sources:
                faults.add(
                    path,
                    f"{shown(queue)} names source {shown(source)}, which is not there",
                    did_you_mean(source, sources),
                )
            first = owner.setdefault(queue, key)
            if first != key:
                faults.add(
                    path,
                    f"{shown(queue)} is in project {first} and in project {key}",
                    "a queue belongs to one project: take it out of one of them",
                )


def _access(tree: dict[str, Any], faults: Faults) -> Access | None:
    block = tree.get("access")
    if block is None:
        return None
    access = validate(Access, block, ("access",), faults, raw=None, quote=False)
    if not isinstance(block, dict):
        return None
    projects = tree.get("projects")
    known = list(projects) if isinstance(projects, dict) else []
    for kind in ("users", "screens"):
        entries = block.get(kind)
        names: dict[str, int] = {}
        for number, entry in enumerate(entries if isinstance(entries, list) else ()):
            if not isinstance(entry, dict):
                continue
            path: Path = ("access", kind, number)
            name = entry.get("name")
            if isinstance(name, str) and names.setdefault(name, number) != number:
                faults.add(
                    (*path, "name"),
                    f"{shown(name)} is the name of {kind}[{names[name]}] too",
                    "give each a name of its own",
                )
            _grant(entry, path, known, faults, needs_projects=kind == "users")
    grants = at(block, ("openid", "roles"))
    for value, entry in grants.items() if isinstance(grants, dict) else ():
        if isinstance(entry, dict):
            _grant(entry, ("access", "openid", "roles", value), known, faults)
    return access


def _grant(entry: dict[str, Any], path: Path, known: list[str], faults: Faults, *, needs_projects: bool = True) -> None:
    """What somebody may see is there to be seen."""
    role = entry.get("role")
    if needs_projects and "projects" not in entry and isinstance(role, str) and role not in SEE_ALL:
        faults.add((*path, "projects"), "is missing", f"name the projects that a {shown(role)[1:-1]} sees")
    listed = entry.get("projects")
    for place, project in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(project, str) and project not in known:
            faults.add(
                (*path, "projects", place),
                f"there is no project {shown(project)}",
                did_you_mean(project, known),
            )
    kpis = entry.get("kpis")
    if kpis is not None and role != "client":
        faults.add((*path, "kpis"), "is for a client alone", "leave it out: every other role sees all KPIs")
    for place, kpi in enumerate(kpis if isinstance(kpis, list) else ()):
        if isinstance(kpi, str) and kpi not in CATALOGUE:
            faults.add((*path, "kpis", place), f"there is no KPI {shown(kpi)}", did_you_mean(kpi, CATALOGUE))

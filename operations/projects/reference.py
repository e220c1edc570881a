"""The tables of settings in docs/configuration.md, from the models that read them.

``python -m operations.projects.reference docs/configuration.md`` renews them in place; a test says when that is due.
"""

from __future__ import annotations

import datetime as dt
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from collectors.registry import KINDS
from operations.projects import opening_rules
from operations.projects.access import Access, Grant, OpenId, Screen, User
from operations.projects.configuration import TopLevel
from operations.projects.contract import Limits, ServiceLevel, Target, number, seconds
from operations.projects.maintenance import MaintenanceBlock
from operations.projects.project_block import ProjectBlock, Site
from operations.projects.routes import NotifyBlock, RouteBlock
from operations.projects.wording import is_secret, parts, setting_names

MODELS: dict[str, type[BaseModel]] = {
    "file": TopLevel,
    "site": Site,
    "project": ProjectBlock,
    "service_level": ServiceLevel,
    "target": Target,
    "limits": Limits,
    "maintenance": MaintenanceBlock,
    "notify": NotifyBlock,
    "route": RouteBlock,
    "access": Access,
    "user": User,
    "screen": Screen,
    "openid": OpenId,
    "openid_role": Grant,
}
WORDS: dict[type, str] = {
    bool: "`true` \\| `false`",
    int: "whole number",
    float: "number",
    dt.date: "date",
    dt.datetime: "date and time",
    str: "text",
    Path: "path",
}
_TABLE = re.compile(r"(<!-- settings: ([\w -]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def tables(kinds: Mapping[str, Any] = KINDS) -> dict[str, str]:
    """Every table by its name in the document, as Markdown."""
    found = {name: "\n".join(_rows(model)) for name, model in MODELS.items()}
    found["open"] = "\n".join(
        ["| setting | meaning |", "|---|---|", *(f"| `{key}` | {text} |" for key, text in opening_rules.KEYS.items())]
    )
    found["kinds"] = "\n\n".join(
        f"### `kind: {kind}`\n\n" + "\n".join(_rows(kinds[kind].Settings, leave_out=("kind",)))
        for kind in sorted(kinds)
    )
    return found


def renewed(text: str, kinds: Mapping[str, Any] = KINDS) -> str:
    """The document with each of its tables as it should be. Raises ``KeyError`` on a table that nothing fills."""
    fresh = tables(kinds)
    return _TABLE.sub(lambda match: f"{match[1]}\n{fresh[match[2]]}\n\n{match[3]}", text)


def table_names(text: str) -> list[str]:
    """The tables that a document asks for."""
    return [match[2] for match in _TABLE.finditer(text)]


def _rows(model: type[BaseModel], leave_out: tuple[str, ...] = ()) -> Iterator[str]:
    yield "| setting | value | default | meaning |"
    yield "|---|---|---|---|"
    for name, field in setting_names(model).items():
        if name not in leave_out:
            yield f"| `{name}` | {_value(field)} | {_default(field)} | {_meaning(model, name, field)} |"


def _meaning(model: type[BaseModel], name: str, field: FieldInfo) -> str:
    """What a setting means: its description, else what the model's own text says of it (a word between double backticks)."""
    text = " ".join((field.description or "").split())
    if not text:
        others = "|".join(map(re.escape, setting_names(model)))
        own = re.search(rf"``{name}``: (.*?)(?= ``(?:{others})``: |$)", " ".join((model.__doc__ or "").split()))
        text = own[1] if own else ""
    return text.replace("``", "`").replace("|", "\\|").rstrip(".")


def _value(field: FieldInfo) -> str:
    found = list(parts(field.annotation))
    if is_secret(field):
        many = any(get_origin(part) in (list, tuple) for part in found)
        return "list of secret texts" if many else "secret text"
    if _is_duration(field):
        return "duration"
    if get_origin(field.annotation) is dict:
        return "mapping"
    if any(get_origin(part) in (list, tuple) or part in (list, tuple) for part in found):
        return "list"
    values: dict[str, None] = {}
    for part in found:
        if get_origin(part) is Literal:
            values |= {f"`{choice}`": None for choice in get_args(part)}
        elif isinstance(part, type) and part in WORDS:
            values[WORDS[part] + _limits(field)] = None
    return " \\| ".join(values) or ("see below" if field.annotation is Any else "mapping")


def _is_duration(field: FieldInfo) -> bool:
    return any(isinstance(item, BeforeValidator) and item.func is seconds for item in field.metadata)


def _limits(field: FieldInfo) -> str:
    low = next((item.ge for item in field.metadata if hasattr(item, "ge")), None)
    high = next((item.le for item in field.metadata if hasattr(item, "le")), None)
    if low is not None and high is not None:
        return f", {number(low)} to {number(high)}"
    return ""


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**needed**"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is PydanticUndefined or value in (None, "", (), [], {}) or isinstance(value, BaseModel):
        return "0" if value == 0 and value is not False and not isinstance(value, (str, tuple, list, dict)) else ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return f"`[{', '.join(map(str, value))}]`"
    if _is_duration(field) and value:
        unit, size = next((unit, size) for unit, size in (("h", 3600), ("m", 60), ("s", 1)) if value % size == 0)
        return f"`{number(value / size)}{unit}`"
    return f"`{value}`"


if __name__ == "__main__":
    document = Path(sys.argv[1])
    document.write_text(renewed(document.read_text(encoding="utf-8")), encoding="utf-8")

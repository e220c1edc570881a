"""pydantic's findings in the words of a configuration: what is wrong; what would be right."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Literal, TypeVar, get_args, get_origin
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, SecretBytes, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from operations.projects.contract import number
from operations.projects.faults import Faults, Path, at, shown
from operations.projects.nearest import did_you_mean, nearest

Model = TypeVar("Model", bound=BaseModel)


def validate(
    model: type[Model], tree: object, path: Path, faults: Faults, *, raw: object, quote: bool = True
) -> Model | None:
    """``tree`` as a ``model``, or None and the faults.

    ``raw``: the same tree before substitution, which is what an error may repeat. ``quote=False``: an error repeats no
    value at all (a block that holds secrets).
    """
    if not isinstance(tree, dict):
        example = ", ".join(list(setting_names(model))[:4])
        faults.add(path, f"is {shown(tree) if quote else 'no mapping'}", f"write a mapping with {example}…")
        return None
    if not quote:
        for secret in secrets_of(model, tree):
            faults.hide(secret)
    try:
        return model.model_validate(tree)
    except ValidationError as error:
        for finding in error.errors(include_url=False):
            _explain(finding, model, tree, path, faults, raw if quote else None)
    except (ValueError, TypeError, LookupError, OSError) as error:
        # A kind's own check raised past pydantic. What it says may repeat anything, so its type has to do.
        faults.add(path, f"holds a setting that cannot be read ({type(error).__name__})", "see docs/configuration.md")
    return None


def setting_names(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """What a model's settings are called in the file, and their fields."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def parts(annotation: Any) -> Iterator[Any]:
    """Every type inside an annotation, itself included."""
    yield annotation
    for inner in get_args(annotation):
        if get_origin(annotation) is Literal:
            break
        yield from parts(inner)


def is_secret(field: FieldInfo) -> bool:
    """Whether a field's value must never be shown."""
    return any(
        isinstance(part, type) and issubclass(part, (SecretStr, SecretBytes)) for part in parts(field.annotation)
    )


def secrets_of(model: type[BaseModel], tree: object) -> Iterator[str]:
    """Every text that stands where a model holds a secret."""
    if not isinstance(tree, dict):
        return
    for name, field in setting_names(model).items():
        if name not in tree:
            continue
        if is_secret(field):
            yield from _texts(tree[name])
        for part in parts(field.annotation):
            if isinstance(part, type) and issubclass(part, BaseModel):
                value = tree[name]
                inner = value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else []
                for each in (value, *inner):
                    yield from secrets_of(part, each)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield str(key)
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif value is not None and not isinstance(value, bool):
        yield (text := str(value))
        if "://" in text:  # an address is a secret for what it holds, and that may stand elsewhere too
            with suppress(ValueError):
                yield unquote(urlsplit(text).password or "")


def _explain(finding: Any, model: type[BaseModel], tree: object, path: Path, faults: Faults, raw: object) -> None:
    place = _place(finding["loc"], tree, finding["type"])
    field, owner = _field(model, place)
    kind = finding["type"]
    if kind == "extra_forbidden":
        known = setting_names(owner) if owner else {}
        key = str(place[-1]) if place else ""
        faults.add((*path, *place), "unknown key", did_you_mean(key, known))
        return
    if kind == "missing":
        faults.add((*path, *place), "is missing", _right(field) or "give it")
        return
    if kind in ("value_error", "assertion_error"):
        sentence = str(finding.get("ctx", {}).get("error", "")) or finding["msg"]
        faults.add_sentence(
            (*path, *place),
            sentence if "; " in sentence else f"{sentence}; {_right(field) or 'see docs/configuration.md'}",
        )
        return
    value = shown(at(raw, place)) if raw is not None else "the value"
    wrong, right = _say(kind, finding.get("ctx", {}), value, at(raw, place) if raw is not None else None)
    faults.add(
        (*path, *place),
        wrong or f"{value} does not fit ({kind.replace('_', ' ')})",
        right or _right(field) or "see docs/configuration.md",
    )


def _say(kind: str, limits: dict[str, Any], value: str, given: object) -> tuple[str, str]:
    """Wrong and right for pydantic's kinds of finding; empty where the field's own description says it better."""
    if kind == "literal_error":
        choices = [each.strip().strip("'") for each in str(limits["expected"]).replace(" or ", ", ").split(",")]
        match = nearest(given, choices) if isinstance(given, str) else None
        return f"{value} is not a choice", (
            f"did you mean {match}? " if match else ""
        ) + f"choose {' | '.join(choices)}"
    if kind.startswith("int") and kind != "int_from_float":
        return f"{value} is not a whole number", ""
    if kind == "int_from_float":
        return f"{value} is not a whole number", "leave the fraction out"
    if kind.startswith(("float", "decimal")) or kind == "finite_number":
        return f"{value} is not a number", "write a number"
    if kind.startswith("bool"):
        return f"{value} is neither true nor false", "write true or false"
    if kind.startswith("string_type"):
        return f"{value} is not text", "put a text that looks like a number, a date or true in quotes"
    if kind == "string_too_long":
        length = len(given) if isinstance(given, str) else 0
        return f"has {length:,} characters" if length else "is too long", f"at most {limits['max_length']} fit"
    if kind == "string_too_short":
        return "is empty" if limits.get(
            "min_length"
        ) == 1 else "is too short", "give at least one character" if limits.get(
            "min_length"
        ) == 1 else f"give at least {limits['min_length']} characters"
    if kind.startswith("date"):
        return f"{value} is not a day", "write a date as 2026-12-31"
    if kind in ("list_type", "tuple_type", "set_type"):
        return f"{value} is not a list", "write a list: [a, b]"
    if kind in ("dict_type", "model_type", "mapping_type", "model_attributes_type"):
        return f"{value} is not a mapping", "write key: value"
    for name, words in (("ge", "at least"), ("gt", "more than"), ("le", "at most"), ("lt", "less than")):
        if name in limits and kind.startswith(("greater", "less")):
            return (
                f"{value} is too {'small' if name in ('ge', 'gt') else 'large'}",
                f"give {words} {_limit(limits[name])}",
            )
    if kind == "too_short":
        return "is too short a list", f"give at least {limits.get('min_length')}"
    if kind == "too_long":
        return "is too long a list", f"give at most {limits.get('max_length')}"
    return "", ""


def _limit(value: object) -> str:
    return number(value) if isinstance(value, (int, float)) else str(value)


def _right(field: FieldInfo | None) -> str:
    return f"give {told(field)}" if field is not None and field.description else ""


def told(field: FieldInfo) -> str:
    """A field's description as part of a sentence: its first one, without the capital and the full stop."""
    first = " ".join((field.description or "").split()).partition(". ")[0].rstrip(".")
    return first[:1].lower() + first[1:] if first[1:2].islower() or first[1:2] == " " else first


def _place(loc: tuple[str | int, ...], tree: object, kind: str) -> Path:
    """pydantic's location without the names of union members and validators that it mixes in."""
    place: list[str | int] = []
    here: object = tree
    for position, part in enumerate(loc):
        last = position == len(loc) - 1
        if isinstance(here, dict) and (part in here or (last and kind == "missing")):
            place.append(part)
            here = here.get(part)
        elif isinstance(here, list) and isinstance(part, int) and part < len(here):
            place.append(part)
            here = here[part]
    return tuple(place)


def _field(model: type[BaseModel], place: Path) -> tuple[FieldInfo | None, type[BaseModel] | None]:
    """The field at a place, and the model that owns its last key."""
    owner: type[BaseModel] | None = model
    field: FieldInfo | None = None
    for part in place:
        if isinstance(part, int):
            continue
        if owner is None:
            return None, None
        names = setting_names(owner)
        field = names.get(part)
        inner = (
            next(
                (each for each in parts(field.annotation) if isinstance(each, type) and issubclass(each, BaseModel)),
                None,
            )
            if field
            else None
        )
        if part is place[-1]:
            break
        owner = inner
    return field, owner

"""A body, all or nothing: bytes and the time in, a batch out, or everything that is wrong with it."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from collectors.door import BadBatch, Batch
from collectors.events import Reported
from collectors.webhook.examples import EXAMPLES
from collectors.webhook.forms import TYPES, AnyForm, Envelope, Peek
from collectors.webhook.translate import Translator, Wrong

MOST_FAULTS = 20
"""Listed, of a batch that is refused."""

_envelope = msgspec.json.Decoder(Envelope)
_list = msgspec.json.Decoder(list[AnyForm])
_one = msgspec.json.Decoder(AnyForm)
_raw_list = msgspec.json.Decoder(list[msgspec.Raw])
_raw_dict = msgspec.json.Decoder(dict[str, msgspec.Raw])
_peek = msgspec.json.Decoder(Peek)
_MESSAGE = re.compile(r"(.*?)(?: - at (?:`key` in )?`\$\.?(.*?)`)?", re.DOTALL)


def read(body: bytes, now_ms: int, top_box_from: float | None) -> Batch:
    """The events of a body: ``{"events": […]}``, a bare array, or one event. Raises ``BadBatch``."""
    try:
        forms = _forms(body)
    except msgspec.ValidationError:
        raise _explained(body, now_ms, top_box_from) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _unreadable(error) from None
    translator = Translator(now_ms, top_box_from)
    try:
        events = [translator.translate(form) for form in forms]
    except Wrong:
        raise _explained(body, now_ms, top_box_from) from None
    marks = [
        event.id if isinstance(event, Reported) else (type(form), form.id)
        for form, event in zip(forms, events, strict=True)
        if form.id
    ]
    return Batch(events, frozenset(translator.told), marks)


def _forms(body: bytes) -> list[Any]:
    if body.lstrip(b" \t\r\n")[:1] == b"{":
        try:
            return _envelope.decode(body).events
        except msgspec.ValidationError:
            return [_one.decode(body)]
    return _list.decode(body)


def _unreadable(error: Exception) -> BadBatch:
    why = "nested too deeply" if isinstance(error, RecursionError) else str(error)
    return BadBatch(f"the body is not JSON: {why}", readable=False)


def _explained(body: bytes, now_ms: int, top_box_from: float | None) -> BadBatch:
    """The slow way: each event by itself, so that every fault is told with its place."""
    try:
        items = _items(body)
    except BadBatch as bad:
        return bad
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return _unreadable(error)
    translator = Translator(now_ms, top_box_from)
    faults: list[dict[str, Any]] = []
    more = False
    for index, item in enumerate(items):
        fault = _fault(translator, item)
        if fault is None:
            continue
        if len(faults) == MOST_FAULTS:
            more = True  # to look at all of them would let a megabyte of nonsense cost seconds
            break
        faults.append({"index": index, **fault})
    count = f"more than {len(faults)}" if more else str(len(faults))
    detail = (
        f"{count} of {len(items)} events {'is' if count == '1' else 'are'} wrong; nothing was taken. "
        "Mend or leave out those in errors and send the rest again"
    )
    return BadBatch(detail, faults=faults, more=more)


def _items(body: bytes) -> list[msgspec.Raw]:
    first = body.lstrip(b" \t\r\n")[:1]
    if first == b"[":
        return _raw_list.decode(body)
    if first != b"{":
        raise BadBatch('the body must be {"events": […]}, an array of events, or one event')
    fields = _raw_dict.decode(body)
    if "events" not in fields:
        return [msgspec.Raw(body)]
    unknown = sorted(set(fields) - {"events"})
    if unknown:
        raise BadBatch(f"a batch has events and nothing beside; it also has {', '.join(map(repr, unknown[:5]))}")
    try:
        return _raw_list.decode(fields["events"])
    except msgspec.ValidationError as error:
        raise BadBatch("events must be an array") from error


def _fault(translator: Translator, item: msgspec.Raw) -> dict[str, Any] | None:
    try:
        translator.translate(_one.decode(item))
    except Wrong as wrong:
        return {"path": wrong.path, "problem": wrong.problem, "right": _right(item)}
    except msgspec.ValidationError as error:
        told = _MESSAGE.fullmatch(str(error))
        problem, path = (told[1], told[2] or "") if told else (str(error), "")
        return {"path": path, "problem": problem, "right": _right(item)}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return {"path": "", "problem": str(error), "right": _right(item)}
    return None


def _right(item: msgspec.Raw) -> Any:
    """An event of the type that was meant, as it would be right; else the types that there are."""
    try:
        meant = _peek.decode(item).type
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        meant = None
    if isinstance(meant, str) and meant in EXAMPLES:
        return EXAMPLES[meant]
    return {"type": " | ".join(TYPES)}

"""A Dash tree as plain HTML, so that a page shows its labels before Dash's own scripts have arrived."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

from dash.development.base_component import Component

_VOID = frozenset({"br", "hr", "img", "input"})
_NAMES = {"className": "class", "htmlFor": "for", "colSpan": "colspan", "tabIndex": "tabindex", "dateTime": "datetime"}
_LEFT_OUT = frozenset({"children", "id", "key", "n_clicks"})
"""An id appears once in a document, and it belongs to the tree that Dash draws."""


def static_html(tree: Any) -> str:
    """The HTML of a component, of a text, or of a list of both; every text and attribute is escaped."""
    if tree is None:
        return ""
    if isinstance(tree, (str, int, float)):
        return escape(str(tree))
    if isinstance(tree, Component):
        return _element(tree)
    return "".join(static_html(child) for child in tree)


def _element(component: Component) -> str:
    plain = component.to_plotly_json()
    tag = str(plain["type"]).lower()
    props: dict[str, Any] = plain["props"]
    opening = f"<{tag}{''.join(_attributes(props))}>"
    return opening if tag in _VOID else f"{opening}{static_html(props.get('children'))}</{tag}>"


def _attributes(props: dict[str, Any]) -> Iterable[str]:
    for name, value in props.items():
        if name in _LEFT_OUT or value is None or value is False:
            continue
        written = _NAMES.get(name, name)
        yield f" {written}" if value is True else f' {written}="{escape(str(value))}"'

"""The page of screens: what hangs where, what it shows, when it was last heard, and the form that pairs another. Its list is the script's."""

from __future__ import annotations

import json
from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from dashboard import ids
from dashboard.components.frame import foot, site_head
from dashboard.components.page_data import Page
from dashboard.components.sign_in import NAMES
from dashboard.context import Account
from dashboard.i18n import Words
from dashboard.i18n.screens import SCREENS


def screens(
    site: str,
    projects: Sequence[tuple[str, str]],
    words: Words,
    *,
    time_zone: str,
    may_act: bool,
    signs_in: bool,
    who: Account | None = None,
) -> Component:
    """The whole page. ``projects``: id and name of those that can be shown; ``signs_in``: whether anybody has to; ``who``: who reads."""
    page = Page("screens", words, time_zone=time_zone, may_act=may_act, texts=SCREENS)
    if not may_act:
        found: list[Component] = [
            html.P(words("Screens are paired by supervisors; your role may look at walls only."), className="empty")
        ]
    else:
        found = [
            html.Div(
                [
                    html.Section(
                        [
                            html.H2(words("Screens"), className="desk-title"),
                            html.P(className="empty", hidden=True, **{"data-slot": "empty"}),
                            html.Ul(className="screen-list", **{"data-slot": "screens"}),
                        ],
                        className="screens-main",
                    ),
                    html.Aside(pairing(words, signs_in=signs_in), className="screens-side"),
                ],
                className="screens-columns",
            )
        ]
    return html.Main(
        [site_head(site, words, current="/screens", who=who), *found, foot()],
        id=ids.SCREENS,
        className="desk",
        **{"data-page": page.attribute(), "data-choices": choices(projects, words)},
    )


def choices(projects: Sequence[tuple[str, str]], words: Words) -> str:
    """What the forms can choose from: JSON."""
    languages = [["", words(SCREENS["own_language"])], *([key, name] for key, name in NAMES.items())]
    said = {
        "projects": [list(project) for project in projects],
        "languages": languages,
        "fields": {
            "code": words("Code on the screen"),
            "name": words("Name of the screen"),
            "name_example": words("North wall"),
            "projects": words("It shows"),
            "projects_hint": words("Several are shown in turn, in the order in which you choose them."),
            "seconds": words("Seconds for each"),
            "language": words("Language"),
            "sound": words("A sound at each new critical alert"),
            "pair": words("Pair"),
        },
    }
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


def pairing(words: Words, *, signs_in: bool) -> list[Component]:
    """How to pair a screen; the form is the script's."""
    found: list[Component] = [
        html.H2(words("Pair a screen"), className="desk-title"),
        html.P(words("Open /pair on the screen. It shows a code; enter it here."), className="screens-how"),
        html.Div(**{"data-form": "pair"}),
    ]
    if not signs_in:
        text = words("Nobody signs in on this machine, so any browser here may also open a wall without being paired.")
        found.append(html.P(text, className="screens-how"))
    return [html.Div(found, className="panel")]

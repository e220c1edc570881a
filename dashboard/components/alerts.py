"""The page of alerts: the wall's companion, where people answer. Its alerts, silences and log are the script's (``assets/alerts.mjs``)."""

from __future__ import annotations

import json
from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from dashboard import ids
from dashboard.components.frame import foot, site_head
from dashboard.components.page_data import Page, label
from dashboard.context import Account
from dashboard.i18n import Words
from dashboard.i18n.alerts import ALERTS
from operations.alerts.rules import SOURCE_DOWN
from operations.projects.contract import Project


def alerts(
    site: str,
    projects: Sequence[Project],
    words: Words,
    *,
    time_zone: str,
    chosen: str = "",
    may_act: bool = False,
    who: str = "",
    account: Account | None = None,
) -> Component:
    """The whole page. ``chosen``: the project that it begins with, "" for all; ``who``: the caller's name, "" where nobody signs in."""
    page = Page("alerts", words, project=chosen, time_zone=time_zone, may_act=may_act, texts=ALERTS)
    if not projects:
        found: list[Component] = [html.P(words("No project is configured, or you may not see any."), className="empty")]
    else:
        acting = (
            [form("silence", words("New silence")), form("maintenance", words("Plan maintenance"))] if may_act else []
        )
        found = [
            summary(projects, words),
            html.Div(
                [
                    html.Div([firing(words), log(words)], className="alerts-main"),
                    html.Aside([silent(words), *acting], className="alerts-side"),
                ],
                className="alerts-columns",
            ),
        ]
    return html.Main(
        [site_head(site, words, current="/alerts", who=account), *found, foot()],
        id=ids.ALERTS,
        className="desk alerts",
        **{"data-page": page.attribute(), "data-floor": floor(projects, who, words)},
    )


def floor(projects: Sequence[Project], who: str, words: Words) -> str:
    """What the forms can choose from, and who is asking: JSON."""
    return json.dumps(
        {
            "who": who,
            "projects": [
                {
                    "id": project.id,
                    "name": project.name,
                    "zone": project.time_zone,
                    "queues": list(project.queues),
                    "sources": list(project.sources),
                    "kpis": [[key, label(key, words.language)] for key in _judged(project)]
                    + [[SOURCE_DOWN, words("Source down")]],
                }
                for project in projects
            ],
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def _judged(project: Project) -> tuple[str, ...]:
    return tuple(dict.fromkeys(target.kpi for block in project.targets for target in block.value))


def summary(projects: Sequence[Project], words: Words) -> Component:
    """How bad it is, whose alerts are shown, and what this screen may do to call its reader."""
    options = [html.Option(words("All projects"), value="")]
    options += [html.Option(project.name, value=project.id) for project in projects]
    return html.Div(
        [
            html.P(className="alerts-sum", role="status", **{"data-slot": "sum", "data-look": "waiting"}),
            html.Div(
                [
                    html.Label(
                        [
                            html.Span(words("Project"), className="field-name"),
                            html.Select(options, **{"data-slot": "project"}),
                        ],
                        className="alerts-project",
                    ),
                    html.Button(type="button", className="toggle", **{"data-slot": "sound", "aria-pressed": "false"}),
                    html.Button(type="button", className="toggle", **{"data-slot": "notice", "aria-pressed": "false"}),
                ],
                className="alerts-tools",
            ),
        ],
        className="alerts-top",
    )


def firing(words: Words) -> Component:
    """What nobody has answered yet, and apart from it what needs nobody now."""
    return html.Section(
        [
            html.H2(words("Firing now"), className="desk-title"),
            html.P(className="empty", **{"data-slot": "calm"}),
            html.Ul(className="alert-list", **{"data-slot": "firing"}),
            html.Div(
                [
                    html.H2(words("Answered, silenced or unknown"), className="desk-title"),
                    html.Ul(className="alert-list", **{"data-slot": "quiet"}),
                ],
                className="alerts-quiet",
                hidden=True,
                **{"data-slot": "quiet-part"},
            ),
        ],
        className="alerts-firing",
    )


def silent(words: Words) -> Component:
    """What calls nobody, and until when."""
    return html.Section(
        [
            html.H2(words("Silences and maintenance"), className="desk-title"),
            html.P(words("Nothing is silenced."), className="alerts-none", **{"data-slot": "nothing-silent"}),
            html.Ul(className="silence-list", **{"data-slot": "silences"}),
        ],
        className="panel",
    )


def form(name: str, heading: str) -> Component:
    """A form behind its heading; its fields depend on the project, so they are the script's."""
    return html.Details(
        [html.Summary(heading, className="desk-title"), html.Div(**{"data-form": name})],
        className="panel",
        **{"data-part": name},
    )


def log(words: Words) -> Component:
    """What happened, newest first."""
    return html.Section(
        [
            html.H2(words("What happened"), className="desk-title"),
            html.P(className="alerts-none", **{"data-slot": "log-empty"}),
            html.Ol(className="episodes", **{"data-slot": "log"}),
            html.Div(
                [
                    html.Button(type="button", hidden=True, **{"data-slot": "pending"}),
                    html.Button(type="button", hidden=True, **{"data-slot": "more"}),
                ],
                className="log-more",
            ),
        ],
        className="alerts-log",
    )

"""The page of targets: what a project was promised to reach, as a form that a manager can fill in. Its rows are the script's."""

from __future__ import annotations

import json

from dash import html
from dash.development.base_component import Component

from dashboard.components.frame import foot, project_head
from dashboard.components.page_data import Page, label
from dashboard.context import Account
from dashboard.i18n import Words
from dashboard.i18n.targets import TARGETS
from operations.kpis.catalogue import CATALOGUE
from operations.projects.contract import Project

COLUMNS = (
    ("kpi", "KPI"),
    ("window", "Window"),
    ("queue", "Queue"),
    ("goal", "Goal"),
    ("warning", "Warning"),
    ("critical", "Critical"),
    ("for", "For at least"),
    ("clear_after", "Calm for"),
    ("min_sample", "At least contacts"),
)
"""What a target has: its name in the file and its heading."""


def targets(project: Project, words: Words, *, may_edit: bool, who: Account | None, signs_in: bool) -> Component:
    """The whole page of one project. ``signs_in``: whether it is known who edits; else the form asks for a name."""
    page = Page("targets", words, project=project.id, time_zone=project.time_zone, may_act=may_edit, texts=TARGETS)
    return html.Main(
        [
            project_head(project.id, project.name, project.client, words, current="targets", who=who),
            html.Section(
                [
                    html.Div(
                        [
                            html.H2(words("Targets of {project}", project=project.name), className="desk-title"),
                            html.P(
                                words(
                                    "An edit holds from its day on. Days before it stay judged by what was agreed then."
                                ),
                                className="targets-how",
                            ),
                        ],
                        className="targets-top",
                    ),
                    html.Div(
                        html.Table(
                            [
                                html.Thead(
                                    html.Tr([html.Th(words(name), scope="col") for _, name in COLUMNS] + [html.Td()])
                                ),
                                html.Tbody(**{"data-slot": "rows"}),
                            ],
                            className="table",
                        ),
                        className="targets-table",
                        tabIndex="0",
                        role="region",
                        **{"aria-label": words("Targets")},
                    ),
                    html.P(className="empty", hidden=True, **{"data-slot": "empty"}),
                    *(editing(words, signs_in=signs_in) if may_edit else [reading(words)]),
                ],
                className="targets-main",
            ),
            html.Section(
                [
                    html.H2(words("Stages and edits"), className="desk-title"),
                    html.Ul(className="targets-stages", **{"data-slot": "stages"}),
                    html.Ul(className="targets-edits", **{"data-slot": "edits"}),
                ],
                className="targets-past",
            ),
            foot(),
        ],
        id="targets",
        className="desk",
        **{"data-page": page.attribute(), "data-choices": choices(project, words)},
    )


def editing(words: Words, *, signs_in: bool) -> list[Component]:
    """What a manager may do; the buttons' work is the script's."""
    fields = [("from", words("Holds from"))]
    if not signs_in:
        fields.append(("by", words("Your name")))
    return [
        html.Div(
            [
                html.Button(words("Add a target"), type="button", **{"data-slot": "add"}),
                # Dash has no plain field: the script puts one beside each name.
                *(html.Label(html.Span(name, className="field-name"), **{"data-slot": slot}) for slot, name in fields),
                html.Button(words("Save"), type="button", className="primary", **{"data-slot": "save"}),
                html.Button(words("Back to the file"), type="button", **{"data-slot": "back"}),
            ],
            className="targets-end",
        ),
        html.P(className="targets-answer", role="status", **{"data-slot": "answer"}),
        html.Button(type="button", hidden=True, **{"data-slot": "again"}),
    ]


def reading(words: Words) -> Component:
    """What everybody else is told."""
    return html.P(words("Managers edit targets; your role may look at them."), className="targets-how")


def choices(project: Project, words: Words) -> str:
    """What the form can choose from: JSON."""
    return json.dumps(
        {
            "columns": {key: words(name) for key, name in COLUMNS},
            "kpis": {
                key: {"label": label(key, words.language), "windows": list(row.windows), "unit": row.unit}
                for key, row in CATALOGUE.items()
            },
            "queues": list(project.queues),
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )

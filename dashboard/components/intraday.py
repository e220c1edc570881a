"""The project manager's page: whether today's and this month's promise will hold, and if not, where it was lost."""

from __future__ import annotations

from datetime import timedelta

from dash import dcc, html
from dash.development.base_component import Component

from dashboard import ids
from dashboard.components import intraday_charts as charts
from dashboard.components import intraday_news as news
from dashboard.components import intraday_tables as tables
from dashboard.components import intraday_tiles as tiles
from dashboard.components.frame import project_head
from dashboard.components.intraday_view import View
from operations.projects.contract import split_queue

REFRESH_MS = 20_000

GRAPH = {"displayModeBar": False, "responsive": True, "scrollZoom": False, "doubleClick": False, "showTips": False}


def page(view: View, *, live: bool = True) -> Component:
    """The whole page. ``live``: with what only Dash can draw; without it the tree is the first paint."""
    say = view.words
    return html.Main(
        [
            project_head(
                view.project.id,
                view.project.name,
                view.project.client,
                say,
                current="intraday",
                who=view.who,
                ticks=False,
            ),
            html.Div(
                [
                    html.Div(where(view), id=ids.INTRADAY_WHERE, className="intra-where"),
                    _calendar(view) if live else html.Div(className="intra-calendar"),
                    _saving(view),
                ],
                className="intra-bar",
            ),
            html.P(
                say("No word from the server for two minutes: these numbers may be out of date."),
                className="intra-quiet intra-stale",
            ),
            html.Div(
                [
                    html.Section(news.news(view), id=ids.INTRADAY_NEWS, className="intra-news", role="status"),
                    html.Section(tiles.tiles(view), id=ids.INTRADAY_TILES, className="intra-tiles"),
                    html.Div([_chart(view, chart, live=live) for chart in charts.CHARTS], className="intra-charts"),
                    html.Div(
                        [
                            html.Section(tables.lost(view), id=ids.INTRADAY_LOST, className="intra-panel intra-lost"),
                            html.Section(
                                tables.queues(view), id=ids.INTRADAY_QUEUES, className="intra-panel intra-queues"
                            ),
                        ],
                        className="intra-pair",
                    ),
                    html.Section(tables.steps(view), id=ids.INTRADAY_STEPS, className="intra-panel intra-steps"),
                ],
                id=ids.INTRADAY_BODY,
                className="intra-body",
                **{"data-empty": str(view.history.empty).lower()},
            ),
            *(_machinery(view) if live else ()),
        ],
        id=ids.INTRADAY,
        className="desk intra",
        lang=say.language,
        **{"data-running": str(view.history.span.running).lower()},
    )


def where(view: View) -> list[Component]:
    """What one looks at, and the way to what lies beside it."""
    say, span = view.words, view.history.span
    yesterday = span.today - timedelta(days=1)
    choices = (
        ("Today", span.kind == "day" and span.running, {"span": "day", "day": ""}),
        ("Yesterday", span.kind == "day" and span.first == yesterday, {"span": "day", "day": yesterday.isoformat()}),
        ("This week", span.kind == "week" and span.running, {"span": "week", "day": ""}),
        ("This month", span.kind == "month" and span.running, {"span": "month", "day": ""}),
    )
    return [
        html.Nav(
            [_choice(view, say(text), chosen, **to) for text, chosen, to in choices],
            className="intra-choices",
            **{"aria-label": say("Period")},
        ),
        html.Div(
            [
                html.A(
                    "‹",
                    href=view.address(day=span.before.isoformat()),
                    className="intra-step",
                    title=say("Before"),
                    **{"aria-label": say("Before")},
                ),
                html.H2(name(view), className="intra-day"),
                html.A(
                    "›",
                    href=view.address(day="" if span.after >= span.today else span.after.isoformat()),
                    className="intra-step",
                    title=say("After"),
                    **{"aria-label": say("After")},
                )
                if span.after
                else html.Span("›", className="intra-step", **{"aria-hidden": "true"}),
            ],
            className="intra-stepper",
        ),
        html.Nav(
            [
                _choice(view, say("{n} min", n=minutes), view.history.minutes == minutes, interval=minutes)
                for minutes in (15, 30)
            ],
            className="intra-choices",
            **{"aria-label": say("Length of an interval")},
        ),
        html.Span(say("as of {time}", time=view.as_of[-5:]) if span.running else "", className="intra-note"),
        *(
            [
                html.Div(
                    [
                        html.Span(split_queue(view.history.queue)[1], className="intra-queue-name"),
                        html.A(["✕ ", say("All queues")], href=view.address(queue="")),
                    ],
                    className="intra-queue",
                    **{"data-queue": view.history.queue},
                )
            ]
            if view.history.queue
            else []
        ),
    ]


def _choice(view: View, text: str, chosen: bool, **to: object) -> Component:
    return html.A(
        text, href=view.address(**to), className="intra-choice", **({"aria-current": "true"} if chosen else {})
    )


def name(view: View) -> str:
    """The day, week or month in words."""
    n, span = view.numbers, view.history.span
    if span.kind == "day":
        return n.day(span.first)
    return n.days(span.first, span.last) if span.kind == "week" else n.day(span.first, "yMMMM")


def _calendar(view: View) -> Component:
    span = view.history.span
    # The browser's own: a phone's wheel, a laptop's calendar, in the system's colours.
    return html.Label(
        [
            html.Span(view.words("Choose a day"), className="intra-said"),
            dcc.Input(
                id=ids.INTRADAY_DAY,
                type="date",
                value=span.begun[-1].isoformat() if span.running else span.first.isoformat(),
                max=span.today.isoformat(),
                className="intra-date",
            ),
        ],
        className="intra-calendar",
    )


def _saving(view: View) -> Component:
    say = view.words
    return html.Div(
        [
            html.Span(say("Save as"), className="intra-note"),
            html.Button(say("CSV"), id=ids.INTRADAY_CSV, className="intra-save", type="button"),
            html.Button(say("XLSX"), id=ids.INTRADAY_XLSX, className="intra-save", type="button"),
        ],
        className="intra-saving",
    )


def _chart(view: View, chart: str, *, live: bool) -> Component:
    """One chart, its idea in words; its figure comes through the store, in the colours of the system."""
    label = f"{charts.title(view, chart)}. {charts.note(view, chart)}"
    graph = (
        dcc.Graph(
            id=ids.intraday_chart(chart),
            figure={"data": [], "layout": BLANK},
            config=GRAPH,
            responsive=True,
            className="intra-graph",
        )
        if live
        else None
    )
    return html.Figure(
        [
            html.Figcaption(
                [
                    html.H2(charts.title(view, chart), className="desk-title"),
                    html.P(charts.note(view, chart), className="intra-note"),
                ]
            ),
            html.Div(graph, className="intra-plot", role="img", **{"aria-label": label}),
        ],
        className="intra-chart",
        hidden=not view.shows(chart),
        **{"data-chart": chart},
    )


BLANK = {
    "paper_bgcolor": "rgba(0,0,0,0)",
    "plot_bgcolor": "rgba(0,0,0,0)",
    "xaxis": {"visible": False, "fixedrange": True},
    "yaxis": {"visible": False, "fixedrange": True},
}


def _machinery(view: View) -> list[Component]:
    return [
        dcc.Location(id=ids.INTRADAY_PLACE, refresh="callback-nav"),
        dcc.Interval(id=ids.INTRADAY_CLOCK, interval=REFRESH_MS, disabled=not view.history.span.running),
        dcc.Store(id=ids.INTRADAY_FIGURES, data=charts.figures(view)),
        dcc.Store(id=ids.INTRADAY_THEME),
        dcc.Store(id=ids.INTRADAY_SEEN, data=""),
        dcc.Download(id=ids.INTRADAY_FILE),
    ]

"""The project manager's page: whether today's and this month's promise will hold, and if not, where it was lost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from dashboard import ids
from dashboard.components import intraday_charts as charts
from dashboard.components import intraday_tables as tables
from dashboard.components.intraday_view import WINDOW_OF_SPAN, View, step_name
from dashboard.components.numbers import NARROW, nothing
from dashboard.components.overview import PAGES
from operations.kpis.catalogue import CATALOGUE
from operations.projects.contract import split_queue

REFRESH_MS = 20_000

NAMED = 4
"""More intervals than this are not named in a sentence."""

GRAPH = {"displayModeBar": False, "responsive": True, "scrollZoom": False, "doubleClick": False, "showTips": False}


def page(view: View, *, live: bool = True) -> Component:
    """The whole page. ``live``: with what only Dash can draw; without it the tree is the first paint."""
    say = view.words
    return html.Main(
        [
            head(view),
            html.Div(
                [
                    html.Div(where(view), id=ids.INTRADAY_WHERE, className="intra-where"),
                    _calendar(view) if live else html.Div(className="intra-calendar"),
                    _saving(view),
                ],
                className="intra-bar",
            ),
            html.Div(
                [
                    html.Section(news(view), id=ids.INTRADAY_NEWS, className="intra-news", role="status"),
                    html.Section(tiles(view), id=ids.INTRADAY_TILES, className="intra-tiles"),
                    html.Div([_chart(view, chart, live=live) for chart in charts.CHARTS], className="intra-charts"),
                    html.Div(
                        [
                            html.Section(tables.lost(view), id=ids.INTRADAY_LOST, className="intra-panel intra-lost"),
                            html.Section(tables.queues(view), id=ids.INTRADAY_QUEUES, className="intra-panel intra-queues"),
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
    )


def head(view: View) -> Component:
    """The project, its client and its other pages."""
    say, project = view.words, view.project
    places = [("/", "Overview"), *((f"/{name}/{project.id}", text) for name, text in PAGES)]
    return html.Header(
        [
            html.H1(project.name, className="desk-name"),
            html.Span(project.client, className="desk-sub"),
            html.Nav(
                [
                    html.A(
                        say(text),
                        href=path,
                        className="desk-link",
                        **({"aria-current": "page"} if path.startswith("/intraday/") else {}),
                    )
                    for path, text in places
                ],
                className="desk-nav",
            ),
        ],
        className="desk-head",
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
        html.Nav([_choice(view, say(text), chosen, **to) for text, chosen, to in choices], className="intra-choices", **{"aria-label": say("Period")}),
        html.Div(
            [
                html.A("‹", href=view.address(day=span.before.isoformat()), className="intra-step", title=say("Before"), **{"aria-label": say("Before")}),
                html.H2(name(view), className="intra-day"),
                html.A("›", href=view.address(day="" if span.after >= span.today else span.after.isoformat()), className="intra-step", title=say("After"), **{"aria-label": say("After")})
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
    return html.A(text, href=view.address(**to), className="intra-choice", **({"aria-current": "true"} if chosen else {}))


def name(view: View) -> str:
    """The day, week or month in words."""
    n, span = view.numbers, view.history.span
    if span.kind == "day":
        return n.day(span.first)
    return n.days(span.first, span.last) if span.kind == "week" else n.day(span.first, "yMMMM")


def _calendar(view: View) -> Component:
    span = view.history.span
    return html.Div(
        dcc.DatePickerSingle(
            id=ids.INTRADAY_DAY,
            date=span.begun[-1].isoformat() if span.running else span.first.isoformat(),
            max_date_allowed=span.today.isoformat(),
            display_format="YYYY-MM-DD",
            first_day_of_week=1,
        ),
        className="intra-calendar",
        title=view.words("Choose a day"),
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
        dcc.Graph(id=ids.intraday_chart(chart), figure={"data": [], "layout": BLANK}, config=GRAPH, responsive=True, className="intra-graph")
        if live
        else None
    )
    return html.Figure(
        [
            html.Figcaption(
                [html.H2(charts.title(view, chart), className="desk-title"), html.P(charts.note(view, chart), className="intra-note")]
            ),
            html.Div(graph, className="intra-plot", role="img", **{"aria-label": label}),
        ],
        className="intra-chart",
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


# ── What there is to say ──────────────────────────────────────────────────────────────────────────


def news(view: View) -> list[Component]:
    """The answer to the question with which somebody opens this page, and what is missing from it."""
    say, said = view.words, []
    for why, source, since in view.quiet:
        text = "No data from {source} since {time}: what came later is missing here."
        if why == "source_stale":
            text = "No word from {source} since {time}: what came later is missing here."
        said.append(html.P(say(text, source=source, time=since), className="intra-quiet", **{"data-look": "unknown"}))
    if view.history.empty:
        return [*said, html.P(_nothing(view), className="empty")]
    look, text = verdict(view)
    return [*said, html.P(text, className="intra-verdict", **{"data-look": look})]


def _nothing(view: View) -> str:
    say, span = view.words, view.history.span
    if not view.project.queues:
        return say("This project has no queue yet. Name its queues in the configuration.")
    if view.begins is None:
        return say("No source of this project has any history yet. As soon as contacts come in, their intervals stand here.")
    if span.last < view.begins:
        begins = say("The history of this project's sources begins on {day}.", day=view.numbers.day(view.begins))
        return f"{say('Nothing was counted on this day.' if span.kind == 'day' else 'Nothing was counted in this time.')} {begins}"
    if span.kind == "day" and not view.history.steps["open"].any():
        return f"{say('Nothing was counted on this day.')} {say('The project is closed on this day.')}"
    if span.kind == "day" and span.running:
        return say("Nothing has been counted today so far.")
    return say("Nothing was counted on this day." if span.kind == "day" else "Nothing was counted in this time.")


def verdict(view: View) -> tuple[str, str]:
    """(look, sentences): whether the goal is held, by how much, and where it went."""
    say, n, history = view.words, view.numbers, view.history
    total, running = history.total, history.span.running
    if nothing(total["service_level_pct"]):
        unknown = nothing(total["whole"])
        return "none", say(
            "The ACD did not tell how long everybody waited, so the service level is not known."
            if unknown
            else "No contact was counted that could be judged."
        )
    value = n.percent(total["service_level_pct"])
    if nothing(total["allowed"]):
        return "none", say(
            "{value} in time. The contract of this time has no service-level goal for the project, so nothing can be lost.", value=value
        )
    goal = n.goal(total["goal"] if not nothing(total["goal"]) else round(100 - 100 * total["allowed"] / total["whole"], 1))
    held = history.over <= 0
    lead = {
        (True, True): "On course: {value} in time, the goal is {goal}.",
        (True, False): "Below the goal so far: {value} in time, the goal is {goal}.",
        (False, True): "Held: {value} in time, the goal is {goal}.",
        (False, False): "Missed: {value} in time, the goal is {goal}.",
    }[running, held]
    parts = [say(lead, value=value, goal=goal), _spare(view)]
    if not held:
        parts.append(_lost_at(view))
    return ("ok" if held else "warning" if running else "critical"), " ".join(part for part in parts if part)


def _spare(view: View) -> str:
    """How many misses the goal still allows; of a span that runs, with what is expected to come."""
    say, n, history = view.words, view.numbers, view.history
    if history.span.running:
        found = view.left()
        if found is None or found[0] != WINDOW_OF_SPAN[history.span.kind] or history.queue:
            return ""
        left = int(found[1]["left"])
        if left < 0:
            return say("The misses that the goal allows are used up: {n} too many.", n=n.count(-left))
        return say("The goal can still be met: {n} more misses are allowed.", n=n.count(left)) if history.over > 0 else ""
    over = _over(view)
    if over > 0:
        return say("1 miss too many.") if over == 1 else say("{n} misses too many.", n=n.count(over))
    return say("No miss to spare.") if over == 0 else say("1 miss to spare.") if over == -1 else say("{n} misses to spare.", n=n.count(-over))


def _over(view: View) -> int:
    """Misses beyond the whole misses that the goal allows, as ``operations.alerts.budget`` counts them; negative: to spare."""
    total = view.history.total
    return int(total["missed"]) - int(total["allowed"] + 1e-9)


def _lost_at(view: View) -> str:
    say, history = view.words, view.history
    counting = history.lost[history.lost["counts"]]
    if counting.empty:
        return ""
    names = view.numbers.joined([step_name(view, row, whole=True) for row in counting.sort_values("start").head(NAMED).to_dict("records")])
    if len(counting) > NAMED:
        worst = counting.head(NAMED - 1).sort_values("start")
        names = view.numbers.joined([step_name(view, row, whole=True) for row in worst.to_dict("records")])
        return say("It was lost throughout; worst at {intervals}.", intervals=names)
    return say("It is being lost at {intervals}." if history.span.running else "It was lost at {intervals}.", intervals=names)


# ── The numbers on top ────────────────────────────────────────────────────────────────────────────


def tiles(view: View) -> list[Component]:
    """Six numbers of the whole span, each beside what it should be."""
    say, n, total = view.words, view.numbers, view.history.total
    usual = ""
    if not nothing(total["usual"]):
        text = "usual by now {n} ({change})" if view.history.span.running else "usual {n} ({change})"
        usual = say(text, n=n.count(total["usual"]), change=n.change(total["offered"], total["usual"]))
    judged = total["whole"] if not nothing(total["whole"]) else 0
    within = say("within {s} s", s=view.contract.service_level.within_s)
    return [
        _tile(view, "service_level_pct", judged, n.percent(total["service_level_pct"]), [_goal(view, "service_level_pct"), within], _contacts(view, judged)),
        _left(view),
        _tile(view, "offered", total["offered"], n.count(total["offered"]), [usual or say("nothing to compare with yet")]),
        _tile(
            view,
            "abandon_rate_pct",
            total["offered"],
            n.percent(total["abandon_rate_pct"]),
            [_goal(view, "abandon_rate_pct")],
            say("{n} of {m}", n=n.count(total["abandoned"]), m=n.count(total["offered"])),
        ),
        _tile(view, "aht_s", total["handled"], n.duration(total["aht_s"]), [_goal(view, "aht_s")], _contacts(view, total["handled"])),
        _box(
            say("Agents"),
            n.count(total["agents"], 1),
            "",
            [say("nobody signed in") if nothing(total["agents"]) else say("signed in on average")],
            {"data-measure": "agents"},
        ),
    ]


def _contacts(view: View, number: float) -> str:
    return view.words("1 contact") if number == 1 else view.words("{n} contacts", n=view.numbers.count(number))


def _goal(view: View, kpi: str) -> str:
    """What a number of the span should be."""
    target = view.target(kpi)
    if kpi == "service_level_pct" and target and nothing(view.history.total["goal"]):
        return ""  # several contracts in this span: no one goal
    if target is None or target.goal is None:
        return ""
    sign = "" if kpi == "service_level_pct" else ("≤" if target.better == "down" else "≥") + NARROW
    return view.words("goal {goal}", goal=sign + view.numbers.goal(target.goal, CATALOGUE[kpi].unit))


def _tile(view: View, kpi: str, sample: float, written: str, lines: list[str], foot: str = "") -> Component:
    band = view.band(kpi, view.history.total[kpi], sample)
    attributes = {"data-kpi": kpi, "data-band": band}
    if view.history.queue:
        attributes["data-queue"] = view.history.queue
    word = view.words(band) if band in ("warning", "critical") else ""
    return _box(CATALOGUE[kpi].labels[view.words.language], written, word, [*lines, foot], attributes, band)


def _left(view: View) -> Component:
    """How many misses are left: the live budget, of a past span what was left at its end."""
    say, n, history = view.words, view.numbers, view.history
    title, measure = say("Misses left"), {"data-measure": "misses_left"}
    found = view.left()
    if found:
        window, numbers = found
        text = {"today": "of {n} allowed today", "week": "of {n} allowed this week", "month": "of {n} allowed this month"}[window]
        lines = [say(text, n=n.count(numbers["allowed"]))]
        for other in ("week", "month"):
            if other != window and other in view.budget:
                lines.append(say(f"this {other}: {{n}} left", n=n.count(view.budget[other]["left"])))
        if history.queue:
            lines.append(say("for the whole project"))
        left = int(numbers["left"])
        return _box(title, n.count(left), "", lines, {**measure, "data-window": window}, "critical" if left < 0 else "none")
    if nothing(history.total["allowed"]):
        return _box(title, n.count(None), "", [say("no service-level goal")], measure)
    if history.span.running:
        return _box(title, n.count(None), "", [say("not known")], measure)
    over = _over(view)
    allowed = int(history.total["allowed"] + 1e-9)
    return _box(title, n.count(-over), "", [say("of {n} that the goal allowed", n=n.count(allowed))], measure, "critical" if over > 0 else "none")


def _box(title: str, value: str, word: str, lines: list[str], attributes: dict[str, Any], look: str = "none") -> Component:
    number, _, unit = value.partition(NARROW)
    return html.Article(
        [
            html.Div(
                [html.H2(title, className="intra-tile-label"), html.Span(word, className="card-state", **{"data-slot": "state"})],
                className="intra-tile-top",
            ),
            html.Div(
                [html.Span(number, className="number"), html.Span(NARROW + unit if unit else "", className="unit")],
                className="intra-tile-value",
                **attributes,
            ),
            *(html.P(line, className="intra-tile-line") for line in lines if line),
        ],
        className="intra-tile",
        **{"data-look": look},
    )

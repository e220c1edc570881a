"""The numbers on top of the page of the past, each beside what it should be."""

from __future__ import annotations

from typing import Any

from dash import html
from dash.development.base_component import Component

from dashboard.components.intraday_view import View, lacks, over
from dashboard.components.numbers import NARROW, nothing
from operations.kpis.catalogue import CATALOGUE


def tiles(view: View) -> list[Component]:
    """Six numbers of the whole span, each beside what it should be; fewer for whoever may not see all."""
    drawn = {
        "service_level_pct": _service_level,
        "misses_left": _left,
        "offered": _offered,
        "abandon_rate_pct": _abandon_rate,
        "aht_s": _handling_time,
        "agents": _agents,
    }
    return [draw(view) for measure, draw in drawn.items() if view.shows(measure)]


def _service_level(view: View) -> Component:
    total = view.history.total
    judged = total["whole"] if not nothing(total["whole"]) else 0
    within = view.words("within {s} s", s=view.contract.service_level.within_s)
    return _tile(
        view,
        "service_level_pct",
        judged,
        view.numbers.percent(total["service_level_pct"]),
        [_goal(view, "service_level_pct"), within],
        "" if view.nobody_tells("service_level_pct") else _contacts(view, judged),
    )


def _offered(view: View) -> Component:
    say, n, total = view.words, view.numbers, view.history.total
    usual = "" if view.nobody_tells("offered") else say("nothing to compare with yet")
    if not nothing(total["usual"]):
        text = "usual by now {n} ({change})" if view.history.span.running else "usual {n} ({change})"
        usual = say(text, n=n.count(total["usual"]), change=n.change(total["offered"], total["usual"]))
    return _tile(view, "offered", total["offered"], n.count(total["offered"]), [usual])


def _abandon_rate(view: View) -> Component:
    n, total = view.numbers, view.history.total
    of = view.words("{n} of {m}", n=n.count(total["abandoned"]), m=n.count(total["offered"]))
    known = view.shows("abandoned") and view.shows("offered") and not view.nobody_tells("abandon_rate_pct")
    return _tile(
        view,
        "abandon_rate_pct",
        total["offered"],
        n.percent(total["abandon_rate_pct"]),
        [_goal(view, "abandon_rate_pct")],
        of if known else "",
    )


def _handling_time(view: View) -> Component:
    n, total = view.numbers, view.history.total
    handled = _contacts(view, total["handled"]) if not nothing(total["handled"]) else ""
    return _tile(view, "aht_s", total["handled"], n.duration(total["aht_s"]), [_goal(view, "aht_s")], handled)


def _agents(view: View) -> Component:
    say, total = view.words, view.history.total
    said = say("nobody signed in") if nothing(total["agents"]) else say("signed in on average")
    lines = ["" if view.nobody_tells("agents") else said, lacks(view, "agents")]
    return _box(say("Agents"), view.numbers.count(total["agents"], 1), "", lines, {"data-measure": "agents"})


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
    lines = [*lines, foot, lacks(view, kpi)]
    return _box(CATALOGUE[kpi].labels[view.words.language], written, word, lines, attributes, band)


def _left(view: View) -> Component:
    """How many misses are left: the live budget, of a past span what was left at its end."""
    say, n, history = view.words, view.numbers, view.history
    title, measure = say("Misses left"), {"data-measure": "misses_left"}
    found = view.left()
    if found:
        window, numbers = found
        text = {
            "today": "of {n} allowed today",
            "week": "of {n} allowed this week",
            "month": "of {n} allowed this month",
        }[window]
        lines = [say(text, n=n.count(numbers["allowed"]))]
        for other in ("week", "month"):
            if other != window and other in view.budget:
                lines.append(say(f"this {other}: {{n}} left", n=n.count(view.budget[other]["left"])))
        lines.append(say("for the whole project") if history.queue else lacks(view, "misses_left"))
        left = int(numbers["left"])
        return _box(
            title, n.count(left), "", lines, {**measure, "data-window": window}, "critical" if left < 0 else "none"
        )
    if view.nobody_tells("misses_left"):
        return _box(title, n.count(None), "", [say("not reported")], measure)
    if nothing(history.total["allowed"]):
        return _box(title, n.count(None), "", [say("no service-level goal")], measure)
    if history.span.running:
        return _box(title, n.count(None), "", [say("not known")], measure)
    beyond = over(view)
    allowed = int(history.total["allowed"] + 1e-9)
    return _box(
        title,
        n.count(-beyond),
        "",
        [say("of {n} that the goal allowed", n=n.count(allowed)), lacks(view, "misses_left")],
        measure,
        "critical" if beyond > 0 else "none",
    )


def _box(
    title: str, value: str, word: str, lines: list[str], attributes: dict[str, Any], look: str = "none"
) -> Component:
    number, _, unit = value.partition(NARROW)
    return html.Article(
        [
            html.Div(
                [
                    html.H2(title, className="intra-tile-label"),
                    html.Span(word, className="card-state", **{"data-slot": "state"}),
                ],
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

"""The charts of the past, each with one idea, as plotly figures.

Colours are names of tokens (``var(--trend)``); ``assets/intraday.js`` puts in what they are, so that a chart follows the system from
light to dark. A figure is a plain dict: plotly's own classes take longer to check it than it takes to make it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from dashboard.components.intraday_view import View, lacks, look, step_name
from dashboard.components.numbers import Numbers, nothing
from operations.kpis.catalogue import CATALOGUE

Figure = dict[str, Any]

CHARTS = ("offered", "service_level_pct", "abandoned", "aht_s", "agents")

_COLOUR = {"lost": "var(--band-critical)", "below": "var(--band-warning)", "ok": "var(--trend)", "none": "var(--trend)"}
_EDGE = {**_COLOUR, "lost": "var(--band-critical-text)"}

BLANK: Figure = {"data": [], "layout": {}}
"""A chart that the reader may not see; it keeps its place in the callbacks and none on the page."""

_RUNNING = 0.55
"""The running interval is drawn paler: it is not finished."""


def figures(view: View) -> dict[str, Figure]:
    """By the names of ``CHARTS``."""
    drawn = {
        "offered": offered,
        "service_level_pct": service_level,
        "abandoned": abandoned,
        "aht_s": handling_time,
        "agents": agents,
    }
    steps = view.history.steps
    return {name: draw(view, steps) if view.shows(name) else BLANK for name, draw in drawn.items()}


def offered(view: View, steps: pd.DataFrame) -> Figure:
    """Who came, as bars; who usually comes, as a line through them."""
    n, say = view.numbers, view.words
    usual = "" if nothing(view.history.total["usual"]) and steps["usual"].isna().all() else say("usual")
    hover = [
        n.count(step["offered"])
        + (f" · {usual} {n.count(step['usual'])}" if usual and not nothing(step["usual"]) else "")
        for step in view.history.rows["steps"]
    ]
    traces = [_bars(view, steps, _began(steps, "offered"), hover, ["none"] * len(steps))]
    notes = []
    if usual:
        traces.append(_line(steps["usual"], "var(--text-2)", dash="4px 3px"))
        notes.append(_note(usual, float(steps["usual"].ffill().iloc[-1]), "var(--text-2)"))
    return _figure(view, steps, traces, {"rangemode": "tozero", "nticks": 5, "tickformat": ",d"}, notes)


def service_level(view: View, steps: pd.DataFrame) -> Figure:
    """The share in time, step by step, and the goal as a line."""
    n, say = view.numbers, view.words
    shown = [look(step) for step in view.history.rows["steps"]]
    hover = [
        f"{n.percent(step['service_level_pct'])} · {say('{value} of {n}', value=n.count(step['hits']), n=n.count(step['whole']))}"
        for step in view.history.rows["steps"]
    ]
    bars = _bars(view, steps, _began(steps, "service_level_pct"), hover, shown)
    bars |= {
        "text": ["■" if look == "lost" else "" for look in shown],
        "textposition": "inside",
        "insidetextanchor": "start",
    }
    bars |= {
        "textfont": {"color": "var(--on-critical)", "size": 9 if len(steps) < 60 else 4},
        "textangle": 0,
        "constraintext": "none",
    }
    traces, notes = [bars], []
    if steps["goal"].notna().any():
        traces.append(_line(steps["goal"], "var(--text-1)", dash="solid", width=1.5))
        goal = steps["goal"].dropna().iloc[-1]
        notes.append(_note(say("goal {goal}", goal=n.goal(goal)), goal))
    ticks = [0, 20, 40, 60, 80, 100]
    axis = {"range": [0, 104], "tickvals": ticks, "ticktext": [f"{tick}\u00a0%" for tick in ticks]}
    return _figure(view, steps, traces, axis, notes)


def abandoned(view: View, steps: pd.DataFrame) -> Figure:
    """Who hung up."""
    n = view.numbers
    hover = [
        f"{n.count(step['abandoned'])} · {n.percent(step['abandon_rate_pct'])}" for step in view.history.rows["steps"]
    ]
    bars = _bars(view, steps, _began(steps, "abandoned"), hover, ["none"] * len(steps))
    return _figure(view, steps, [bars], {"rangemode": "tozero", "nticks": 4, "tickformat": ",d"})


def handling_time(view: View, steps: pd.DataFrame) -> Figure:
    """How long a contact takes, and its goal where the contract has one."""
    n, say = view.numbers, view.words
    hover = [n.duration(value) for value in steps["aht_s"]]
    traces = [
        _line(
            _began(steps, "aht_s"),
            "var(--trend)",
            dash="solid",
            width=2,
            hover=_hover(view, hover),
            shape="linear",
        )
    ]
    target = view.target("aht_s")
    known = [value for value in steps["aht_s"] if not nothing(value)]
    notes = []
    if target and target.goal is not None:
        known.append(target.goal)
        traces.append(_line(pd.Series([target.goal] * len(steps)), "var(--text-1)", dash="solid", width=1.5))
        sign = "≤\u00a0" if target.better == "down" else "≥\u00a0"
        notes.append(_note(say("goal {goal}", goal=sign + n.goal(target.goal, "s")), target.goal))
    return _figure(view, steps, traces, _durations(known, n), notes)


def agents(view: View, steps: pd.DataFrame) -> Figure:
    """Who was there."""
    hover = [view.numbers.count(value, 1) for value in steps["agents"]]
    line = _line(_began(steps, "agents"), "var(--trend)", dash="solid", width=2, hover=_hover(view, hover))
    return _figure(view, steps, [line], {"rangemode": "tozero", "nticks": 4})


# ── What they share ───────────────────────────────────────────────────────────────────────────────


def _began(steps: pd.DataFrame, key: str) -> pd.Series:
    return steps[key].where(steps["state"] != "ahead")


def _numbers(values: pd.Series) -> list[float | None]:
    """Rounded for the wire; JSON knows no NaN."""
    return [None if nothing(value) else round(float(value), 2) for value in values]


def _hover(view: View, texts: Sequence[str]) -> list[str]:
    return [f"{step_name(view, step)}<br>{text}" for step, text in zip(view.history.rows["steps"], texts, strict=True)]


def _bars(
    view: View, steps: pd.DataFrame, values: pd.Series, texts: Sequence[str], shown: Sequence[str]
) -> dict[str, Any]:
    return {
        "type": "bar",
        "y": _numbers(values),
        "marker": {
            "color": [_COLOUR[look] for look in shown],
            "opacity": [_RUNNING if state == "running" else 1 for state in steps["state"]],
            "line": {
                "color": [_EDGE[look] for look in shown],
                "width": [1.5 if look == "lost" else 0 for look in shown],
            },
        },
        "hovertext": _hover(view, texts),
        "hovertemplate": "%{hovertext}<extra></extra>",
        "textposition": "none",
    }


def _line(
    values: pd.Series, colour: str, *, dash: str, width: float = 1.5, hover: list[str] | None = None, shape: str = "hvh"
) -> dict[str, Any]:
    y, x = _numbers(values), [float(i) for i in range(len(values))]
    if shape == "hvh" and y:  # from edge to edge of the bars, not from middle to middle
        y, x = [y[0], *y, y[-1]], [-0.5, *x, len(x) - 0.5]
        hover = hover and [hover[0], *hover, hover[-1]]
    line: dict[str, Any] = {
        "type": "scatter",
        "mode": "lines" if hover is None or shape == "hvh" else "lines+markers",
        "x": x,
        "y": y,
        "line": {"color": colour, "width": width, "dash": dash, "shape": shape},
        "marker": {"color": colour, "size": 4},
    }
    return line | (
        {"hoverinfo": "skip"} if hover is None else {"hovertext": hover, "hovertemplate": "%{hovertext}<extra></extra>"}
    )


def _note(text: str, y: float, colour: str = "var(--text-1)") -> dict[str, Any]:
    """A word at the right end of a line, in the margin; the first word stands above the rest, so that it fits there."""
    return {
        "text": text.replace(" ", "<br>", 1),
        "x": 1,
        "xref": "paper",
        "xanchor": "left",
        "xshift": 4,
        "align": "left",
        "y": y,
        "yanchor": "middle",
        "showarrow": False,
        "font": {"color": colour, "size": 11},
    }


def _durations(values: Sequence[float], numbers: Numbers) -> dict[str, Any]:
    """An axis of times, cut where a person would cut it."""
    low, high = (min(values), max(values)) if values else (0, 60)
    room = max(high - low, 10) * 0.15
    low, high = max(0, low - room), high + room
    step = next((step for step in (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 1800) if (high - low) / step <= 5), 3600)
    ticks = list(range(int(-(-low // step)) * step, int(high) + 1, step))
    return {"range": [low, high], "tickvals": ticks, "ticktext": [numbers.duration(tick) for tick in ticks]}


def _ticks(view: View, steps: pd.DataFrame) -> tuple[list[int], list[str]]:
    """Where the time axis is marked: whole hours, or days."""
    if not view.by_day:
        for hours in (1, 2, 3, 4, 6, 8):
            places = [i for i, label in enumerate(steps["label"]) if label[2:] == ":00" and int(label[:2]) % hours == 0]
            if len(places) <= 7:
                break
        return places, [steps["label"].iloc[i] for i in places]
    if view.history.span.kind == "week":
        return list(range(len(steps))), [view.numbers.day(day, "E") for day in steps["day"]]
    places = [i for i, day in enumerate(steps["day"]) if day.day in (1, 5, 10, 15, 20, 25, 30)]
    return places, [str(steps["day"].iloc[i].day) for i in places]


def _figure(
    view: View,
    steps: pd.DataFrame,
    traces: list[dict[str, Any]],
    y: dict[str, Any],
    notes: Sequence[dict[str, Any]] = (),
) -> Figure:
    places, names = _ticks(view, steps)
    running = [i for i, state in enumerate(steps["state"]) if state == "running"]
    shapes, words = [], list(notes)
    for i in running:
        shapes.append(
            {
                "type": "rect",
                "xref": "x",
                "yref": "paper",
                "x0": i - 0.5,
                "x1": i + 0.5,
                "y0": 0,
                "y1": 1,
                "fillcolor": "var(--accent)",
                "opacity": 0.16,
                "line": {"width": 0},
                "layer": "below",
            }
        )
        words.append(
            {
                "text": view.words("today" if view.by_day else "now"),
                "x": i,
                "xref": "x",
                "y": 1,
                "yref": "paper",
                "yanchor": "bottom",
                "showarrow": False,
                "font": {"color": "var(--accent)", "size": 11},
            }
        )
    grid = {
        "gridcolor": "var(--line)",
        "zeroline": False,
        "fixedrange": True,
        "tickfont": {"color": "var(--text-2)", "size": 11},
    }
    return {
        "data": traces,
        "layout": {
            "autosize": True,
            "margin": {"l": 46, "r": 44 if notes else 8, "t": 18, "b": 24},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"family": "var(--sans)", "size": 12, "color": "var(--text-2)"},
            "showlegend": False,
            "bargap": 0.18 if len(steps) < 60 else 0.08,
            "dragmode": False,
            "hovermode": "x",
            "hoverlabel": {
                "bgcolor": "var(--surface-2)",
                "bordercolor": "var(--line)",
                "align": "left",
                "font": {"family": "var(--sans)", "color": "var(--text-1)", "size": 12},
            },
            "xaxis": {
                **grid,
                "tickvals": places,
                "ticktext": names,
                "range": [-0.5, len(steps) - 0.5],
                "showgrid": False,
                "showspikes": False,
                "tickangle": 0,
                "linecolor": "var(--line)",
                "showline": True,
            },
            "yaxis": {**grid, **y},
            "shapes": shapes,
            "annotations": words,
        },
    }


def title(view: View, chart: str) -> str:
    """The heading of a chart."""
    return view.words("Agents") if chart == "agents" else CATALOGUE[chart].labels[view.words.language]


def note(view: View, chart: str) -> str:
    """One line on how a chart is read, and on what is missing from it."""
    missing = lacks(view, chart)
    if view.nobody_tells(chart):
        return missing
    return f"{_note_of(view, chart)} · {missing}" if missing else _note_of(view, chart)


def _note_of(view: View, chart: str) -> str:
    say, history = view.words, view.history
    if chart == "offered":
        if history.steps["usual"].isna().all():
            return say("Nothing is usual yet: no such weekday was counted in the four weeks before.")
        if view.by_day:
            return say("The line is what is usual: the median of the same weekday of the four weeks before.")
        weekday = view.numbers.weekday(history.span.first)
        return say("The line is what is usual: the median of the last four {weekday}s.", weekday=weekday)
    if chart == "service_level_pct":
        if history.steps["goal"].isna().all():
            return say("Share of contacts in time, by the contract of the day")
        marked = history.steps["lost"].any()
        return say(
            "Below the line is below the goal; ■ is what lost it." if marked else "Below the line is below the goal."
        )
    if chart == "agents":
        return say("People signed in on average while anybody was." if view.by_day else "People signed in on average.")
    return say(
        "Contacts that hung up before an answer." if chart == "abandoned" else "Talk, hold and wrap-up per contact."
    )

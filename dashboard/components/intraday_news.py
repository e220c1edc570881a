"""The answer to the question with which somebody opens the page of the past: does the goal hold, and if not, where was it lost?"""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from dashboard.components.intraday_view import WINDOW_OF_SPAN, View, over
from dashboard.components.numbers import nothing
from dashboard.i18n import Words
from operations.kpis.catalogue import CATALOGUE

NAMED = 4
"""More intervals than this are not named in a sentence."""


def news(view: View) -> list[Component]:
    """The answer to the question with which somebody opens this page, and what is missing from it."""
    say, said = view.words, []
    for why, source, since in view.quiet:
        text = "No data from {source} since {time}: what came later is missing here."
        if why == "source_stale":
            text = "No word from {source} since {time}: what came later is missing here."
        said.append(html.P(say(text, source=source, time=since), className="intra-quiet", **{"data-look": "unknown"}))
    said += [html.P(text, className="intra-untold") for text in untold(view)]
    if view.history.empty:
        return [*said, html.P(_nothing(view), className="empty")]
    if not view.shows("service_level_pct"):
        return said
    look, text = verdict(view)
    return [*said, html.P(text, className="intra-verdict", **{"data-look": look})]


def untold(view: View) -> list[str]:
    """What sources do not tell: of some numbers a part, of others nothing at all."""
    say, said = view.words, []
    for source, others_tell, measures in view.untold():
        names = view.numbers.joined(
            [say("Agents") if key == "agents" else CATALOGUE[key].labels[say.language] for key in measures]
        )
        said.append(
            say("Not reported by {source}, so these numbers are without it: {names}.", source=source, names=names)
            if others_tell
            else say("Not reported by {source}: {names}.", source=source, names=names)
        )
    return said


def away(say: Words) -> list[Component]:
    """Instead of the answer while the database cannot be asked: what stands below is old."""
    text = say("The server cannot reach its database: these numbers may be out of date.")
    return [html.P(text, className="intra-quiet", **{"data-look": "unknown"})]


def _nothing(view: View) -> str:
    say, span = view.words, view.history.span
    if not view.project.queues:
        return say("This project has no queue yet. Name its queues in the configuration.")
    if view.begins is None:
        return say(
            "No source of this project has any history yet. As soon as contacts come in, their intervals stand here."
        )
    nothing_there = say(
        "Nothing was counted on this day." if span.kind == "day" else "Nothing was counted in this time."
    )
    if span.last < view.begins:
        begins = say("The history of this project's sources begins on {day}.", day=view.numbers.day(view.begins))
        return f"{nothing_there} {begins}"
    if span.kind == "day" and not view.history.steps["open"].any():
        closed = say("The project is closed on this day.")
        return f"{nothing_there} {closed}"
    return say("Nothing has been counted today so far.") if span.kind == "day" and span.running else nothing_there


def verdict(view: View) -> tuple[str, str]:
    """(look, sentences): whether the goal is held, by how much, and where it went."""
    say, n, history = view.words, view.numbers, view.history
    total, running = history.total, history.span.running
    if view.nobody_tells("service_level_pct"):
        return "none", say("Not all that the service level is made of is reported.")
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
            "{value} in time. The contract of this time has no service-level goal for the project, so nothing can be lost.",
            value=value,
        )
    goal = n.goal(
        total["goal"] if not nothing(total["goal"]) else round(100 - 100 * total["allowed"] / total["whole"], 1)
    )
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
    return ("ok" if held else "warning" if running else "critical"), (
        "" if say.language.startswith("zh") else " "
    ).join(part for part in parts if part)


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
        if history.over > 0:
            return say("The goal can still be met: {n} more misses are allowed.", n=n.count(left))
        return say("{n} more misses are allowed.", n=n.count(left))
    beyond = over(view)
    if beyond > 0:
        return say("1 miss too many.") if beyond == 1 else say("{n} misses too many.", n=n.count(beyond))
    return (
        say("No miss to spare.")
        if beyond == 0
        else say("1 miss to spare.")
        if beyond == -1
        else say("{n} misses to spare.", n=n.count(-beyond))
    )


def _lost_at(view: View) -> str:
    """Where it went: the intervals of a day, the days of a longer span."""
    say, history = view.words, view.history
    losing = history.steps[history.steps["lost"]]
    if losing.empty:
        return ""
    many = len(losing) > NAMED
    if many:
        losing = losing.nlargest(NAMED - 1, "excess").sort_values("start")
    names = [
        view.numbers.day(step["day"], "MMMd") if view.by_day else step["label"] for step in losing.to_dict("records")
    ]
    if many:
        text = (
            "It is being lost throughout; worst: {steps}."
            if history.span.running
            else "It was lost throughout; worst: {steps}."
        )
    elif view.by_day:
        text = "It is being lost on {steps}." if history.span.running else "It was lost on {steps}."
    else:
        text = "It is being lost at {steps}." if history.span.running else "It was lost at {steps}."
    return say(text, steps=view.numbers.joined(names))

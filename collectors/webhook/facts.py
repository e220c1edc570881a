"""What each business fact counts: one function per form, in a table. The counters are those of kpis.md."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from collectors.collector import Fact
from collectors.webhook import forms as f

Counted = tuple[Fact, str, dict[str, int]]
"""What it tells of; a name that keeps apart what may share an id (a survey and a complaint, a ticket's opening and its closing); its counters."""

NOBODY = frozenset(("no_answer", "busy", "machine", "invalid"))
"""Outcomes of a dialler's attempt that no person answered."""


class Untrue(Exception):
    """A fact that has the right form and contradicts itself. ``path``: where."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(problem)
        self.path = path


def hundredths(score: float) -> int:
    """A score in hundredths of a point, in which sums of scores are kept."""
    return round(score * 100)


def _survey(form: f.Survey, top_box_from: float | None) -> Counted:
    top = form.top_box
    if top is None:
        if top_box_from is None:
            raise Untrue(
                "top_box",
                "say true or false, or set survey: {top_box_from: …} in the source's block of the configuration",
            )
        top = form.score >= top_box_from
    return (
        "surveys",
        "survey",
        {"surveys": 1, "survey_score_sum": hundredths(form.score), "survey_top_box": int(top)},
    )


def _complaint(form: f.Complaint, _: float | None) -> Counted:
    return "complaints", "complaint", {"complaints": 1}


def _resolution(form: f.Resolution, _: float | None) -> Counted:
    return "resolution", "resolution", {"resolution_known": 1, "resolved_first": int(form.first_contact)}


def _quality(form: f.Quality, _: float | None) -> Counted:
    return "quality", "quality", {"quality_scores": 1, "quality_score_sum": hundredths(form.score)}


def _ticket(form: f.Ticket, _: float | None) -> Counted:
    return "tickets", f"ticket.{form.state}", {f"tickets_{form.state}": 1}


def _ivr(form: f.Ivr, _: float | None) -> Counted:
    return "ivr", "ivr", {"ivr_entered": 1, "ivr_contained": int(form.contained)}


def _bot(form: f.Bot, _: float | None) -> Counted:
    return "bot", "bot", {"bot_sessions": 1, "bot_handed_over": int(form.handed_over)}


def _dial(form: f.Dial, _: float | None) -> Counted:
    connected = form.outcome == "connected"
    abandoned = form.outcome == "abandoned" if form.abandoned is None else form.abandoned
    live = (connected or abandoned) if form.live_answered is None else form.live_answered
    if form.success and not connected:
        raise Untrue("success", 'only an attempt with "outcome": "connected" can succeed')
    if live and form.outcome in NOBODY:
        raise Untrue("outcome", f"{form.outcome} says that no person answered, live_answered or abandoned that one did")
    if abandoned and (connected or not live):
        raise Untrue("abandoned", "an abandoned attempt is one that a person answered and no agent took")
    counters = {
        "dialled": 1,
        "connected": int(connected),
        "succeeded": int(form.success),
        "live_answered": int(live),
        "dialler_abandoned": int(abandoned),
    }
    return "dialler", "dial", counters


COUNTED: dict[type, Callable[[Any, float | None], Counted]] = {
    f.Survey: _survey,
    f.Complaint: _complaint,
    f.Resolution: _resolution,
    f.Quality: _quality,
    f.Ticket: _ticket,
    f.Ivr: _ivr,
    f.Bot: _bot,
    f.Dial: _dial,
}
"""By form. The functions are given the score from which a survey counts as satisfied, None where the settings name none."""

"""The transition table of a contact: what each kind of word does to the visits of a history.

Words arrive here in the order of their times. Two feeds of one ACD (a live one and its log, cut to whole seconds) give times that differ
by up to a second or two, so a word near a visit's end may repeat that end: ``TOLERANCE_MS`` bridges it, unless the word tells a wait
that puts it into another stretch of time, for two visits of one contact to one queue never overlap. For the same reason two entries
within ``SAME_ENTRY_MS`` are one.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterator
from itertools import groupby

from operations.floor.visits import (
    COMPLETED,
    ENDED,
    ENTERED,
    HELD,
    LISTED,
    MISSING,
    OUTCOME_RANK,
    RANG,
    RANG_NO_ANSWER,
    RESUMED,
    History,
    Visit,
    Word,
)

TOLERANCE_MS = 2_000
SAME_ENTRY_MS = 1_000
SETTLE_WORDS = 60
"""A contact that comes back so often that it has this many words is let go of what is over and done."""
ALERTS = 120
"""So many of the latest alerts of a contact are kept: a queue that rings everybody makes thousands while one caller waits."""
DAY_MS = 86_400_000


def take(history: History, word: Word) -> bool:
    """Add one word and bring the visits up to date. False when it was known already."""
    words = history.words
    if word.at <= history.settled_at:
        return False
    if not words or word.at > words[-1].at:
        return _next(history, word)
    if word in words:
        return False
    if word.kind > ENTERED and word.place() > words[-1].place():
        return _next(history, word)
    insort(words, word, key=Word.place)
    refold(history)
    return True


def _next(history: History, word: Word) -> bool:
    """The word is later than all others: go on from where the visits stand."""
    visits = history.visits
    before = (len(visits), visits[-1].outcome if visits else "")
    _STEPS[word.kind](history, word)
    if word.kind == LISTED and before == (len(visits), visits[-1].outcome):
        return False  # a list that tells nothing new; a contact that waits for hours is listed often
    history.words.append(word)
    if word.kind == RANG and len(history.words) > 2 * ALERTS:
        older = history.words[:-ALERTS]
        history.words[:-ALERTS] = [known for known in older if known.kind != RANG]
    return True


def refold(history: History) -> None:
    """Work the visits out anew from the words."""
    history.visits.clear()
    for _, together in groupby(history.words, key=lambda word: word.at):
        for word in _arranged(history, list(together)):
            _STEPS[word.kind](history, word)


def _arranged(history: History, together: list[Word]) -> Iterator[Word]:
    """Words of one millisecond: first what ends a wait that is under way, then an entry, then what ends that one."""
    waiting = history.waiting
    later: list[Word] = []
    for word in together:
        if word.kind == ENDED and (
            waiting is None or (word.wait_ms == 0 and word.at - waiting.entered_at > TOLERANCE_MS)
        ):
            later.append(word)
        elif word.kind <= ENTERED:
            yield word
    yield from later
    yield from (word for word in together if word.kind > ENTERED)


def settle(history: History, word: Word) -> None:
    """Before a word: let go of what is over and done, so that the memory of an endlessly returning contact stays bounded."""
    if (
        word.kind == ENTERED
        and history.waiting is None
        and not any(visit.talking and (visit.ended_at or 0) > word.at - DAY_MS for visit in history.visits)
    ):
        history.settled_at = history.words[-1].at
        history.words.clear()
        history.visits.clear()


# ── one function per kind of word ─────────────────────────────────────────────────────────────────


def _entered(history: History, word: Word) -> None:
    if history.waiting is not None:
        return  # a return after ring-no-answer, or the same word by another clock
    if not history.visits or word.at - history.visits[-1].entered_at >= SAME_ENTRY_MS:
        _open(history, word.at)


def _rang(history: History, word: Word) -> None:
    visit = history.waiting
    if visit is not None:
        visit.rang[word.agent] = word.at


def _nothing(history: History, word: Word) -> None:
    """Counted by itself; the contact goes on waiting."""


def _ended(history: History, word: Word) -> None:
    visit = _ending(history, word)
    if visit is None:
        begin = word.at - (word.wait_ms or 0)
        visit = _insert(history, begin, word.at)
    _end(visit, word.outcome, word.at, word.wait_ms, word.agent, word.talk_ms)


def _held(history: History, word: Word) -> None:
    visit = _talking_last(history)
    if visit is not None and visit.held_since is None:
        visit.held_since, visit.held = word.at, True


def _resumed(history: History, word: Word) -> None:
    visit = next((visit for visit in reversed(history.visits) if visit.talking and visit.held_since is not None), None)
    if visit is not None and visit.held_since is not None:
        visit.hold_ms += word.at - visit.held_since
        visit.held_since = None


def _completed(history: History, word: Word) -> None:
    spent = None if word.talk_ms is None else word.talk_ms + (word.hold_ms or 0)
    begin = word.at - (spent or 0)
    visit = _completing(history, word, spent)
    if visit is None:
        visit = _insert(history, begin - (word.wait_ms or 0), begin)
    if visit.over_at is not None:  # its end is told again
        visit.transferred = visit.transferred or word.transferred
        return
    if not visit.talking:  # the answer was never heard: it follows from the end
        _end(visit, "answered", max(visit.entered_at, begin), word.wait_ms, word.agent, None)
    answered_at = visit.ended_at or begin
    visit.over_at = max(word.at, answered_at)
    if visit.held_since is not None:
        visit.hold_ms += max(0, word.at - visit.held_since)
        visit.held_since = None
    if word.hold_ms is not None:
        visit.hold_ms, talk_ms = word.hold_ms, word.talk_ms
    else:
        talk_ms = None if word.talk_ms is None else max(0, word.talk_ms - visit.hold_ms)
    visit.talk_ms = max(0, visit.over_at - answered_at - visit.hold_ms) if talk_ms is None else talk_ms
    visit.held = visit.held or visit.hold_ms > 0
    visit.transferred = word.transferred


def _listed(history: History, word: Word) -> None:
    """A snapshot lists the contact as waiting since ``entered_at``."""
    latest = history.visits[-1] if history.visits else None
    if latest is None:
        _open(history, word.entered_at)
    elif latest.ended_at is None:
        unwatched = word.unwatched_since
        if unwatched is not None and latest.entered_at < unwatched < word.entered_at - TOLERANCE_MS:
            # It came anew while nobody watched, so the wait that we knew of ended unseen.
            _end(latest, "lost_sight", word.entered_at, None, "", None)
            _open(history, word.entered_at)
    elif word.entered_at <= latest.ended_at:
        if latest.outcome == "lost_sight":  # it had only been missing from an earlier answer
            latest.outcome, latest.ended_at, latest.wait_ms = "", None, 0
    elif latest.ended_at < word.asked_at - TOLERANCE_MS or word.entered_at > latest.ended_at + TOLERANCE_MS:
        _open(history, word.entered_at)
    # else: it left about the time of the question, and the list is older than that


def _missing(history: History, word: Word) -> None:
    """A snapshot that was asked for at ``asked_at`` does not list the contact."""
    visit = history.waiting
    if visit is not None and visit.entered_at < word.asked_at:
        _end(visit, "lost_sight", word.at, None, "", None)


_STEPS: dict[int, Callable[[History, Word], None]] = {
    ENDED: _ended,
    ENTERED: _entered,
    RANG: _rang,
    RANG_NO_ANSWER: _nothing,
    HELD: _held,
    RESUMED: _resumed,
    COMPLETED: _completed,
    LISTED: _listed,
    MISSING: _missing,
}


# ── which visit a word means ──────────────────────────────────────────────────────────────────────


def _open(history: History, entered_at: int) -> Visit:
    """A new visit, which waits."""
    if history.visits:
        entered_at = max(entered_at, history.visits[-1].ended_at or entered_at)
    visit = Visit(history.queue, history.contact, entered_at)
    history.visits.append(visit)
    return visit


def _insert(history: History, entered_at: int, ended_at: int) -> Visit:
    """A visit whose beginning was never heard, put where it belongs; the caller ends it."""
    visits = history.visits
    index = len(visits)
    while index and visits[index - 1].entered_at >= ended_at:
        index -= 1
    if index:
        entered_at = max(entered_at, visits[index - 1].ended_at or entered_at)
    visit = Visit(history.queue, history.contact, min(entered_at, ended_at))
    visits.insert(index, visit)
    return visit


def _end(visit: Visit, outcome: str, at: int, wait_ms: int | None, agent: str, ring_ms: int | None) -> None:
    """The visit's outcome, in place of a worse-informed one."""
    if OUTCOME_RANK[outcome] <= OUTCOME_RANK[visit.outcome]:
        return
    visit.outcome = outcome
    visit.ended_at = max(at, visit.entered_at)
    visit.wait_ms = max(0, at - visit.entered_at if wait_ms is None else wait_ms)
    visit.agent = agent or visit.agent
    if outcome == "answered":
        if ring_ms is None:
            rang_at = visit.rang.get(agent) if agent else max(visit.rang.values(), default=None)
            ring_ms = 0 if rang_at is None else at - rang_at
        visit.ring_ms = max(0, ring_ms)


def _ending(history: History, word: Word) -> Visit | None:
    """The visit whose end a word tells; None for one that was not known."""
    visits = history.visits
    if not visits:
        return None
    latest = visits[-1]
    if latest.ended_at is None:
        if len(visits) > 1 and word.wait_ms and _repeats_end(visits[-2], word):
            begin = word.at - word.wait_ms
            if abs(begin - visits[-2].entered_at) < abs(begin - latest.entered_at):
                return visits[-2]  # the end of the visit before, told once more
        return latest
    if latest.outcome == "lost_sight":  # when it really ended, nobody saw
        return None if word.wait_ms and word.at - word.wait_ms >= latest.ended_at else latest
    return latest if _repeats_end(latest, word) else None


def _repeats_end(visit: Visit, word: Word) -> bool:
    ended_at = visit.ended_at or 0
    if word.at - ended_at > TOLERANCE_MS:
        return False
    if word.wait_ms is None:
        return True
    begin = word.at - word.wait_ms
    if begin < ended_at:
        return True
    return word.wait_ms == 0 and begin - visit.entered_at <= TOLERANCE_MS


def _talking_last(history: History) -> Visit | None:
    return next((visit for visit in reversed(history.visits) if visit.talking), None)


def _completing(history: History, word: Word, spent: int | None) -> Visit | None:
    """The visit whose conversation is over by a word; one that is over already when the word repeats that."""
    visits = history.visits
    if not visits:
        return None
    begin = word.at - spent if spent else None
    ours = [visit for visit in visits if visit.outcome == "answered" and _same_agent(visit, word)]
    talking = [visit for visit in ours if visit.over_at is None]
    over = [visit for visit in ours if visit.over_at is not None and _repeats_over(visit, word.at, begin)]
    if talking or over:
        if begin is None:
            return talking[0] if talking else over[-1]
        return min([*talking, *over], key=lambda visit: abs(begin - (visit.ended_at or 0)))
    latest = visits[-1]
    if latest.outcome in ("", "lost_sight") and (begin is None or begin >= latest.entered_at - TOLERANCE_MS):
        return latest
    for visit in reversed(visits):  # the same conversation under another name, or one that was taken for an abandon
        if visit.outcome == "answered" and visit.over_at is not None:
            continue
        if visit.outcome and (
            abs((visit.ended_at or 0) - begin) <= TOLERANCE_MS if begin is not None else visit.talking
        ):
            return visit
    return None


def _same_agent(visit: Visit, word: Word) -> bool:
    return not visit.agent or not word.agent or visit.agent == word.agent


def _repeats_over(visit: Visit, at: int, begin: int | None) -> bool:
    over_at = visit.over_at or 0
    if begin is not None:
        return begin < over_at
    return at - over_at <= TOLERANCE_MS

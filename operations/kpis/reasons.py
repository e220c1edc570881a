"""Why a number stands without a judgement, or a place without a number."""

from __future__ import annotations

REASONS = {
    "no_contacts": "no contacts yet",
    "no_one_waiting": "nobody waiting",
    "none_held": "nobody was put on hold",
    "no_agent_time": "no agent signed in",
    "no_surveys": "no surveys yet",
    "no_reports": "nothing reported yet",
    "no_queue": "no queue yet",
    "not_reported": "not reported by this ACD",
    "closed": "closed",
    "small_sample": "fewer than {n} contacts",
    "late_open": "at least {n} wait too long; this ACD does not tell how many",
    "source_down": "{source}: source down since {time}",
    "source_stale": "{source}: no word since {time}",
    "source_waiting": "{source}: not connected yet",
}
"""Every reason that stands beside a value or in its place, in English; its key is the ``why`` of an entry, its ``{names}`` are in ``about``."""

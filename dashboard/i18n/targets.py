"""The texts of the page of targets in English: what its script draws, by short name."""

from __future__ import annotations

TARGETS: dict[str, str] = {
    "none": "No targets: nothing is judged, and no alert fires.",
    "saved": "Saved. It holds from {day} on.",
    "back": "From {day} on the targets of the file hold again.",
    "edited_by": "{by}, {time}: holds from {day} on",
    "back_by": "{by}, {time}: from {day} on those of the file again",
    "stage_from": "from {day}",
    "stage_start": "from the beginning",
    "not_sent": "Not sent: {error}",
    "sign_in_again": "You are not signed in any more. Sign in again in another tab, then save.",
    "whole": "whole project",
    "each": "each queue",
    "remove": "Remove",
    "changed": "Not saved yet",
    "read_again": "Read again (drops what you typed)",
    "limit_warning": "warning at {value}",
    "limit_critical": "critical at {value}",
    "each_queue": "in each queue",
    "sure": "From {day} on the targets of the file hold again? Press again to do it.",
}

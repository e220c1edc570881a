"""The texts of the screens' pages in English: what their scripts draw, by short name, and what their trees hold."""

from __future__ import annotations

PAIR: dict[str, str] = {
    "new_code": "A new code comes in {time}.",
    "connecting": "connecting",
    "lost": "No connection to the server. The code comes back by itself.",
    "no_redis": "The server cannot reach its database. The code comes back by itself.",
    "too_many": "Too many screens want to be paired at once. This screen tries again by itself.",
    "paired": "Paired as {name}. One moment …",
}
"""What the page with the code says. ``{names}`` are filled by the script."""

PLAYLIST: dict[str, str] = {
    "held": "held: critical",
    "held_n": "held: {n} critical",
    "next": "next: {name}",
    "revoked": "This screen was taken off the list. It shows a new code in a moment.",
    "i_am": "This screen is",
}
"""What a wall that shows several projects, or a paired screen, says beside its numbers."""

SCREENS: dict[str, str] = {
    "online": "online",
    "offline": "not seen",
    "never_seen": "never seen yet",
    "seen": "seen {time} ago",
    "from_file": "from the file",
    "paired_by": "paired by {by}, {time}",
    "paired_at": "paired {time}",
    "gone_project": "{id} (not configured any more)",
    "each": "{n} s each",
    "own_language": "the project's own",
    "with_sound": "with sound",
    "no_screens": "No screen is paired yet. Open /pair on a TV and enter its code here.",
    "paired": "{name} is paired. It comes online in a moment.",
    "changed": "Changed. The screen follows in a moment.",
    "reloading": "The screen loads its page again.",
    "identified": "The screen shows its name for some seconds.",
    "revoked": "{name} is revoked. It shows a code again.",
    "sure": "Revoke {name}? It has to be paired again.",
    "choose": "Choose at least one project.",
    "edit": "Change",
    "done": "Save",
    "cancel": "Cancel",
    "reload": "Reload",
    "identify": "Show its name",
    "revoke": "Revoke",
    "revoke_sure": "Yes, revoke",
    "not_sent": "Not sent: {error}",
    "sign_in_again": "You are not signed in any more. Sign in again.",
}
"""What the page of screens says."""

PAGES: tuple[str, ...] = ("This browser is not a paired screen. Open /pair on it, or choose a wall.",)
"""What a page says in place of its tree."""

"""Which queues of an ACD are watched, and what the sources page is warned of."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from collectors.collector import CollectorError, Link


class Warnings:
    """What a session warns of: a sentence for each matter, until it is taken back."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._words: dict[str, str] = {}

    def say(self, about: str, words: str = "") -> None:
        """In place of what was said about this matter before; "" takes it back."""
        self._words[about] = words
        self._link.note(warning="; ".join(words for words in self._words.values() if words))


class Watched:
    """The queues that a source watches.

    ``vendor``: as in "VENDOR shows none of the queues …". ``wanted``: names; None: all. ``noun``: what a queue is called there.
    """

    def __init__(self, warnings: Warnings, vendor: str, wanted: Collection[str] | None, *, noun: str = "queue") -> None:
        self._warnings, self._vendor, self._wanted, self._noun = warnings, vendor, wanted, noun
        self.names: dict[str, str] = {}
        """Id → name."""

    def take(self, found: Mapping[str, str]) -> None:
        """All queues that there are now, id → name. Warns of names that no queue has and of queues that were renamed.

        Raises a permanent ``CollectorError`` when none of the wanted ones is there.
        """
        wanted, noun = self._wanted, self._noun
        names = {queue: name for queue, name in found.items() if wanted is None or name in wanted}
        if wanted is not None:
            missing = [name for name in wanted if name not in names.values()]
            if not names:
                seen = ", ".join(sorted(set(found.values()))[:10]) or "none at all"
                raise CollectorError(
                    f"{self._vendor} shows none of the {noun}s {', '.join(wanted)}; it shows {seen}", permanent=True
                )
            self._warnings.say("missing", f"no {noun} is named {', '.join(missing)}" if missing else "")
        renamed = [
            f"{name} is now {found[queue]}" for queue, name in self.names.items() if found.get(queue, name) != name
        ]
        if renamed:
            words = f"renamed in {self._vendor}: {', '.join(renamed)}; boards name queues by their names"
            self._warnings.say("renamed", words)
        self.names = names

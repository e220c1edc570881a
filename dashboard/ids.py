"""Every component id of the pages, in one place. The script in ``assets/`` finds its places by ``data-`` attributes, not by these."""

from __future__ import annotations

WALL = "wall"
OVERVIEW = "overview"
SOURCES = "sources"
MESSAGE = "message"

"""Every component id of the pages, in one place. The script in ``assets/`` finds its places by ``data-`` attributes, not by these."""

from __future__ import annotations

WALL = "wall"
LEAD = "lead"
ALERTS = "alerts"
OVERVIEW = "overview"
SOURCES = "sources"
SCREENS = "screens"
PLAYLIST = "playlist"
MESSAGE = "message"

INTRADAY = "intraday"
INTRADAY_WHERE = "intraday-where"
INTRADAY_BODY = "intraday-body"
INTRADAY_NEWS = "intraday-news"
INTRADAY_TILES = "intraday-tiles"
INTRADAY_LOST = "intraday-lost"
INTRADAY_QUEUES = "intraday-queues"
INTRADAY_STEPS = "intraday-steps"
INTRADAY_DAY = "intraday-day"
INTRADAY_CSV = "intraday-csv"
INTRADAY_XLSX = "intraday-xlsx"
INTRADAY_PLACE = "intraday-place"
INTRADAY_CLOCK = "intraday-clock"
INTRADAY_FIGURES = "intraday-figures"
INTRADAY_THEME = "intraday-theme"
INTRADAY_SEEN = "intraday-seen"
INTRADAY_FILE = "intraday-file"


def intraday_chart(chart: str) -> str:
    return f"intraday-chart-{chart}"

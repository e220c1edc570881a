"""What a wrong address shows."""

from __future__ import annotations

from typing import Any

import dash
from dash.development.base_component import Component

from dashboard.components.message import message
from dashboard.context import here


def layout(**_: Any) -> Component:
    """One sentence and the way to the overview."""
    said = here().words()
    return message(said("There is no such page."), said)


dash.register_page(__name__, name="not_found_404", layout=layout)

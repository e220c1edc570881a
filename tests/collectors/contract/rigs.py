"""A rig for every kind, a line each."""

from __future__ import annotations

from tests.collectors.contract.rig import Rig

RIGS: dict[str, type[Rig]] = {}

"""Cisco Unified CCX: the wallboard's tables of its database, read and never written."""

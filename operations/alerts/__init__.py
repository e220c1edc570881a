"""Alerts: a project's targets as rules, evaluated by one pure function, each change with its reason."""

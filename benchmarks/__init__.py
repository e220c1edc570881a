"""Measurements of what the program promises to reach."""

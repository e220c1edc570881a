"""Asterisk's queue_log: followed live, read back over a gap, or imported as months of history."""

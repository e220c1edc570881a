"""What collectors have in common whose ACD speaks by itself, over a connection that stays open."""

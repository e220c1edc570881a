"""The live feed: one Redis reader per process, one encoding per change, as many screens as there are."""

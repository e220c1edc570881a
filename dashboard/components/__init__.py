"""Pure functions from what is known to the tree that a page shows. No clock, no Redis, no request."""

"""Others push: JSON events, observations and business facts over HTTP, signed."""

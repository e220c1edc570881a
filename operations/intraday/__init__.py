"""The project manager's day: stored counters as pandas tables. Knows neither Redis' keys nor any page."""

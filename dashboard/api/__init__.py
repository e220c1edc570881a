"""The HTTP API: one row per route, from which both the routing and the OpenAPI document come."""

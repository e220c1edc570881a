"""Genesys Cloud: asked for observations and accounts, quickened by its notifications."""

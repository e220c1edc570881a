"""Webex Contact Center, asked through its GraphQL search."""

"""Twilio TaskRouter (and so Flex): asked for its statistics, sooner when its event callbacks say that something happened."""

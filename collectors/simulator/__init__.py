"""A contact centre that does not exist: seeded discrete events in the words of any ACD."""

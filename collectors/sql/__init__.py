"""Whatever keeps its numbers in a database that SQLAlchemy can read."""

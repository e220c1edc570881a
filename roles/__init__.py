"""What each process does: read the configuration, connect, run one role until it is told to stop."""

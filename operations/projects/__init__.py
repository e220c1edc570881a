"""A project: one client campaign with its queues, contract, targets and opening hours."""

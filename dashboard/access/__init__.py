"""Who asks, and what they may see: one gate that every request passes."""

"""Who takes the money."""

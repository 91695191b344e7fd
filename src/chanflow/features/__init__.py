"""Features: Chan structure and order flow, from the compiled core."""

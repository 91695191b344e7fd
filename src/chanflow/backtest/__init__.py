"""The same pipeline under another clock and venue, and what a replay lets one say about the past."""

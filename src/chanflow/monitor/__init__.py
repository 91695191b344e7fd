"""Monitor: watches positions with pure code. No model in here, ever."""

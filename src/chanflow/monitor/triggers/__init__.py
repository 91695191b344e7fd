"""The kinds of triggers, one file each: what fires it, and how its triggers are kept."""

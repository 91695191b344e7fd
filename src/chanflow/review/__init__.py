"""Review: the journal, and what may be learned from it."""

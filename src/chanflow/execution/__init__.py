"""Execution: takes `ApprovedOrder`s only, journals before it sends, and keeps the books from fills alone."""

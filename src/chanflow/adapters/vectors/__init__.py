"""Stores of market states: an embedded index, and an exact one in memory that it is measured against."""

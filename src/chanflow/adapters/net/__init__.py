"""Requests to addresses that others have named."""

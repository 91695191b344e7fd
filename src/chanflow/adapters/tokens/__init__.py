"""Tokens signed by public keys."""

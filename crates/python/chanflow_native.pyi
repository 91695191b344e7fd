"""Signatures of the compiled core. A test compares them with the module."""

__version__: str

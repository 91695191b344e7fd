"""Signals: rules that say what they see, and whether it may be acted on."""

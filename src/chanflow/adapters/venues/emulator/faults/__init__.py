"""Fault scripts: what goes wrong at the emulated venue, when, and how often; the same seed gives the same run."""

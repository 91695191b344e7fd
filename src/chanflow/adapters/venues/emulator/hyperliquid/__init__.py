"""Hyperliquid's doors over the emulated exchange: `/info`, `/exchange` and `/ws`."""

"""The name under which the platform's first document imports its client."""

from __future__ import annotations

from chanflow.client import MCPClient

__all__ = ["MCPClient"]

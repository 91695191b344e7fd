"""Who is asking in the request that is being served."""

from __future__ import annotations

from contextvars import ContextVar

from chanflow.access.principals import LOCAL_OPERATOR, Door, Principal

__all__ = ["LOCAL_OPERATOR", "Door", "Principal", "caller"]

caller: ContextVar[Principal] = ContextVar("caller")
"""The principal of the request being served. A door sets it; unset means that nobody was authenticated."""

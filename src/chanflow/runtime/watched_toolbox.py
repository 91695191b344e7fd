"""The tools of one question, with what they gave although it was not known yet: that goes into the reply's record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chanflow.domain.point_in_time import FutureRow
from chanflow.domain.question import Toolbox, ToolResult, ToolSpec

OnFuture = Callable[[FutureRow], None]


class WatchedToolbox:
    """A toolbox that keeps the faults it heard of; `make` gets whom to tell of them."""

    def __init__(self, make: Callable[[OnFuture], Toolbox]) -> None:
        self.future: list[FutureRow] = []
        self._inner = make(self.future.append)

    def specs(self) -> tuple[ToolSpec, ...]:
        """Return the tools in the order in which a model is told of them."""
        return self._inner.specs()

    async def call(self, name: str, args: Mapping[str, Any]) -> ToolResult:
        """Return what a tool gives. Raises InvalidArgument for arguments it does not take or a name it has not."""
        return await self._inner.call(name, args)

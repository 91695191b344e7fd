"""Events as the features take them, from wherever they were kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from chanflow_native import EventBatch


class Piece(NamedTuple):
    """Events in order of arrival, and the time of something unusable behind them, Unix ms."""

    batch: EventBatch
    spoilt_ms: int | None = None


class FlowEvents(Protocol):
    """The events of one symbol, to be read once."""

    @property
    def symbol(self) -> str:
        """Whose events they are."""
        ...

    @property
    def price_decimals(self) -> int:
        """Decimals of prices."""
        ...

    @property
    def qty_decimals(self) -> int:
        """Decimals of quantities."""
        ...

    @property
    def ofi_source(self) -> Literal["book_ticker", "depth", "bbo"]:
        """Where the best quotes come from."""
        ...

    def pieces(self) -> Iterator[Piece]:
        """Yield all events. Raises RecordingInvalid, one sentence naming file and place."""
        ...

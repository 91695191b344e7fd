"""What the signals need from outside, and what a rule of structure is to the desk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

from chanflow.domain.flow import FlowWindow
from chanflow.domain.market_data import Bar
from chanflow.domain.signal import Signal
from chanflow.domain.structure import Confirmed

Direction = Literal["up", "down"]


class SetupRule(Protocol):
    """A rule that arms a setup where structure is confirmed, and waits for flow."""

    def on_bar(
        self, bar: Bar, confirmed: Confirmed, flow: FlowWindow, *, known_ms: int, trend: Direction | None
    ) -> list[Signal]:
        """Return the decisions that a closed bar brings.

        `confirmed` became unchangeable with it, `trend` is the direction one level up, if known.
        """
        ...


class SignalSink(Protocol):
    """Where decisions are kept. Nothing handed over is ever dropped: what cannot be kept raises."""

    @property
    def rows(self) -> int:
        """How many decisions are kept or wait to be, earlier runs of the same id included."""
        ...

    @property
    def keeps(self) -> bool:
        """Whether decisions are kept at all, or only counted."""
        ...

    def kept(self, start: int) -> Sequence[Mapping[str, Any]]:
        """Return at most a thousand kept decisions from number `start`, none at the end. Raises SinkUnwritable."""
        ...

    def write(self, signal: Signal) -> None:
        """Take a decision; it is durable at the latest with the next `flush`. Raises SinkUnwritable."""
        ...

    def flush(self) -> None:
        """Make every decision taken so far durable. Raises SinkUnwritable."""
        ...

    def close(self) -> None:
        """Flush, and let go of the files. Raises SinkUnwritable."""
        ...

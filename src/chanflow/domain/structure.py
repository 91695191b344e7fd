"""Chan structure (缠论) as the stages speak of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["provisional", "confirmed", "void"]


@dataclass(frozen=True, slots=True)
class Stroke:
    """A stroke (笔): the move between two fractals. Bars are raw bar indices, prices in quote units."""

    index: int
    start_bar: int
    end_bar: int
    start_ts_ms: int
    end_ts_ms: int
    start_price: float
    end_price: float
    direction: Literal["up", "down"]
    state: State

    @property
    def ref(self) -> str:
        """The id by which evidence cites it; a provisional stroke carries its end as revision."""
        return f"stroke#{self.index}" + ("" if self.state == "confirmed" else f"r{self.end_bar}")

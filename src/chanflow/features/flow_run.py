"""One engine behind two: the compiled one, and the plain reference that it is tested against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import chanflow_native

from chanflow.domain.errors import InvalidArgument
from chanflow.features.flow_columns import Columns, columns_of_rows
from chanflow.features.reference.flow import FlowReference
from chanflow.features.reference.flow_settings import FlowSettings, FusionSettings

if TYPE_CHECKING:
    from chanflow_native import EventBatch

EngineName = Literal["native", "reference"]
OfiSource = Literal["book_ticker", "depth", "bbo"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowChoice:
    """What features are computed with. Times are ms of event time."""

    bin_ms: int = 1_000
    window_ms: int = 300_000
    warmup_ms: int = 60_000
    z: Literal["robust", "ew"] = "robust"
    levels: int = 5
    fusion: Mapping[str, float] = field(default_factory=dict)


class FlowRun:
    """The features of one symbol, as events come; both engines give the same columns, to the bit."""

    def __init__(
        self,
        choice: FlowChoice,
        *,
        price_decimals: int,
        qty_decimals: int,
        ofi_source: OfiSource = "book_ticker",
        engine: EngineName = "native",
    ) -> None:
        """Raises InvalidArgument for a setting outside its bounds."""
        own: dict[str, Any] = {
            "bin_ms": choice.bin_ms, "window_ms": choice.window_ms, "warmup_ms": choice.warmup_ms, "z": choice.z,
            "levels": choice.levels, "ofi_source": ofi_source,
        }  # fmt: skip
        fusion = dict(choice.fusion)
        try:
            # The compiled engine also judges the settings of the reference, which trusts them.
            self._native = chanflow_native.FlowEngine(
                price_decimals, qty_decimals, all_columns=True, fusion=fusion or None, **own
            )
        except (ValueError, OverflowError, TypeError) as fault:
            raise InvalidArgument(f"the features cannot be computed so: {fault}") from fault
        self._levels = choice.levels
        self._reference: FlowReference | None = None
        if engine == "reference":
            self._reference = FlowReference(
                FlowSettings(
                    price_decimals=price_decimals, qty_decimals=qty_decimals,
                    fusion=FusionSettings(**fusion), **own,  # type: ignore[arg-type]
                )
            )  # fmt: skip

    def push(self, batch: EventBatch) -> Columns:
        """Return the bins that a batch closes. Raises ValueError when its decimals are others."""
        if self._reference is None:
            return self._native.push(batch)
        self._reference.push(chanflow_native.batch_events(batch))
        return self._taken()

    def spoil(self, event_ms: int) -> None:
        """Note that something of this time was not usable: the book of its bin is not ok."""
        if self._reference is None:
            self._native.spoil(event_ms)
        else:
            self._reference.spoil(event_ms)

    def finish(self) -> Columns:
        """Return the bins still open."""
        if self._reference is None:
            return self._native.finish()
        self._reference.finish()
        return self._taken()

    def _taken(self) -> Columns:
        assert self._reference is not None
        rows, self._reference.rows = self._reference.rows, []
        return columns_of_rows(rows, self._levels)

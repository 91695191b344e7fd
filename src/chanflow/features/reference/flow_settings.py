"""The settings of the order-flow reference: names, defaults and meaning are those of `chanflow_native.FlowEngine`."""

from __future__ import annotations

from dataclasses import dataclass, field

MAX_LEVELS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class FusionSettings:
    """Thresholds of the score, in units of z unless the name says otherwise."""

    w_ofi: float = 0.6
    w_cvd: float = 0.4
    clip: float = 4.0
    strong_score: float = 1.70
    strong_consistency: float = 0.45
    enter_score: float = 0.95
    enter_consistency: float = 0.12
    boost_score: float = 0.76
    boost_consistency: float = 0.70
    exit_score: float = 0.60
    flip_factor: float = 1.05
    max_lag_ms: int = 3_000
    max_spread_bps: float = 20.0
    cooldown_ms: int = 300
    min_consecutive: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowSettings:
    """What features are computed with."""

    price_decimals: int
    qty_decimals: int
    bin_ms: int = 1_000
    window_ms: int = 300_000
    warmup_ms: int = 60_000
    watermark_ms: int = 250
    keep_levels: int | None = 1_000
    z: str = "robust"
    half_life_ms: int = 300_000
    ofi_source: str = "book_ticker"
    sockets: int = 1
    late_after_ms: int = 1_000
    levels: int = 5
    level_weights: tuple[float, ...] = (0.4, 0.25, 0.2, 0.1, 0.05)
    cvd_window_ms: int = 300_000
    pivot_bins: int = 12
    tick: int | None = None
    vpin_bucket: int | None = None
    fusion: FusionSettings = field(default_factory=FusionSettings)

    @property
    def price_unit(self) -> float:
        """Price integers a quote unit."""
        return float(10**self.price_decimals)

    @property
    def lot_unit(self) -> float:
        """Lots a base unit."""
        return float(10**self.qty_decimals)

    def bins_in(self, span_ms: int) -> int:
        """Return how many bins a span of time holds, at least one."""
        return max(span_ms // self.bin_ms, 1)

"""OFI and trade flow joined to one score with hysteresis."""

from __future__ import annotations

from dataclasses import dataclass

from chanflow.features.reference.flow_settings import FusionSettings

REASONS = (
    "warmup", "book_not_ok", "stale_ofi", "stale_cvd", "wide_spread", "disagree", "low_consistency", "below_threshold",
    "hysteresis_hold", "consistency_boost", "flip", "cooldown",
)  # fmt: skip
"""Why a bin says what it says, in the order they are shown."""

NAMES = {-2: "strong_sell", -1: "sell", 0: "neutral", 1: "buy", 2: "strong_buy"}
"""States: the sign is the direction, 2 is strong."""


@dataclass(frozen=True, slots=True)
class FusionBin:
    """One bin, as fusion sees it."""

    ts_ms: int
    bin_ms: int
    z_ofi: float | None
    z_cvd: float | None
    book_ok: bool | None
    ofi_age_ms: int | None
    cvd_age_ms: int | None
    spread_bps: float | None


@dataclass(frozen=True, slots=True)
class Fused:
    """What fusion makes of a bin; `score` is None where the bin is not eligible."""

    score: float | None
    consistency: float | None
    signal: str
    reasons: tuple[str, ...]


def consistency(z_ofi: float, z_cvd: float) -> float:
    """Return the smaller over the larger |z| where the signs agree, else 0."""
    same = (z_ofi > 0 and z_cvd > 0) or (z_ofi < 0 and z_cvd < 0)
    return min(abs(z_ofi), abs(z_cvd)) / max(abs(z_ofi), abs(z_cvd)) if same else 0.0


class Fusion:
    """The state that one bin hands to the next."""

    def __init__(self, settings: FusionSettings) -> None:
        self.settings = settings
        self.state = 0
        self.entered_ms: int | None = None
        self.asked = 0

    def step(self, given: FusionBin) -> Fused:
        """Take the next bin. A bin that is not eligible is FLAT at once."""
        reasons = self._obstacles(given)
        z_ofi, z_cvd = given.z_ofi, given.z_cvd
        agreed = None if z_ofi is None or z_cvd is None else consistency(z_ofi, z_cvd)
        if reasons or z_ofi is None or z_cvd is None or agreed is None:
            self.state = self.asked = 0
            return self._fused(None, agreed, reasons)
        own = self.settings
        score = own.w_ofi * _clip(z_ofi, own.clip) + own.w_cvd * _clip(z_cvd, own.clip)
        if agreed == 0.0:
            reasons.add("disagree")
        self.state = self._next(score, agreed, given, reasons)
        return self._fused(score, agreed, reasons)

    def _fused(self, score: float | None, agreed: float | None, reasons: set[str]) -> Fused:
        return Fused(score, agreed, NAMES[self.state], tuple(name for name in REASONS if name in reasons))

    def _obstacles(self, given: FusionBin) -> set[str]:
        found = set()
        if given.book_ok is False:
            found.add("book_not_ok")
        elif given.z_ofi is None or given.z_cvd is None:
            found.add("warmup")
        if given.ofi_age_ms is None or given.ofi_age_ms > self.settings.max_lag_ms:
            found.add("stale_ofi")
        if given.cvd_age_ms is None or given.cvd_age_ms > self.settings.max_lag_ms:
            found.add("stale_cvd")
        if given.spread_bps is not None and given.spread_bps > self.settings.max_spread_bps:
            found.add("wide_spread")
        return found

    def _next(self, score: float, agreed: float, given: FusionBin, reasons: set[str]) -> int:
        own, size = self.settings, abs(score)
        direction = (score > 0) - (score < 0)
        held_direction = (self.state > 0) - (self.state < 0)
        strong = size >= own.strong_score and agreed >= own.strong_consistency
        plain = size >= own.enter_score and agreed >= own.enter_consistency
        boosted = size >= own.boost_score and agreed >= own.boost_consistency
        wanted = direction * (2 if strong else 1)
        if direction != 0 and held_direction == direction:
            if not strong and size < own.exit_score:
                reasons.add("below_threshold")
                return 0
            stays_strong = abs(self.state) == 2 and size >= own.enter_score
            if not strong and (stays_strong or not (plain or boosted)):
                reasons.add("hysteresis_hold")
            return self.state if stays_strong else wanted
        if self.state != 0:
            self.asked = 0
            if size >= own.enter_score * own.flip_factor and agreed >= own.enter_consistency:
                reasons.add("flip")
                self.entered_ms = given.ts_ms
                return wanted
            self._refused(size, agreed, reasons)
            return 0
        if not (strong or plain or boosted):
            self.asked = 0
            self._refused(size, agreed, reasons)
            return 0
        if given.bin_ms < 1_000 and not self._may_enter(direction, given.ts_ms):
            reasons.add("cooldown")
            return 0
        if not (strong or plain):
            reasons.add("consistency_boost")
        self.entered_ms = given.ts_ms
        return wanted

    def _may_enter(self, direction: int, ts_ms: int) -> bool:
        self.asked = self.asked + direction if self.asked * direction > 0 else direction
        cool = self.entered_ms is None or ts_ms - self.entered_ms >= self.settings.cooldown_ms
        return cool and abs(self.asked) >= self.settings.min_consecutive

    def _refused(self, size: float, agreed: float, reasons: set[str]) -> None:
        if size < self.settings.enter_score:
            reasons.add("below_threshold")
        elif 0.0 < agreed < self.settings.enter_consistency:
            reasons.add("low_consistency")
        elif agreed > 0.0:
            reasons.add("below_threshold")


def _clip(z: float, bound: float) -> float:
    return max(-bound, min(bound, z))

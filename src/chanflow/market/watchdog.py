"""When a socket is to blame for silence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chanflow.market.activity import Activity


@dataclass(frozen=True, slots=True)
class SilenceLimits:
    """How long each kind may be silent, in s; best quotes and books only where they came at least once a second."""

    frame_s: float = 20.0
    pong_s: float = 10.0
    ping_every_s: float = 15.0
    quote_s: float = 10.0
    agg_trade_s: float = 150.0
    mark_s: float = 5.0
    busy_per_s: float = 1.0
    probe_after_s: float = 60.0
    """A quiet symbol's best quotes are asked for by REST after this."""

    def blamed(self, activity: Activity, kinds: Sequence[str], now_ns: int) -> str | None:
        """Return why the socket that carries `kinds` of a symbol is to be opened anew, or None."""
        for kind, limit_s in (("book_ticker", self.quote_s), ("book", self.quote_s), ("mark", self.mark_s)):
            silent_s = activity.silent_s(kind, now_ns) if kind in kinds else None
            if silent_s is None or silent_s <= limit_s:
                continue
            if kind == "mark" or activity.rate(kind) >= self.busy_per_s:
                return f"{kind} silent for {silent_s:.0f} s, limit {limit_s:.0f} s"
        return None

    def doubtful(self, activity: Activity, kinds: Sequence[str], now_ns: int) -> str | None:
        """Return which kind of a quiet symbol has been silent so long that the venue should be asked, or None."""
        for kind, limit_s in (("book_ticker", self.probe_after_s), ("agg_trade", self.agg_trade_s)):
            silent_s = activity.silent_s(kind, now_ns) if kind in kinds else None
            if silent_s is not None and silent_s > limit_s:
                return kind
        return None

"""Fit the scales of `market_state/1` on recorded bars, and write the file that ships with `review`.

    scripts/fit_market_state.py FOLDER [--out FILE]

FOLDER has `klines/binance_usdm_1m_14sym_202505_202506.parquet` and `klines/binance_usdm_funding.parquet`. Bars of one
minute are joined to 5m and 30m; the state is read once an hour. Only medians and scales are written, no prices. What
recorded bars cannot tell (flow, open interest, basis, the account) has a scale by definition, with n = 0.
"""

from __future__ import annotations

import argparse
import sys
from bisect import bisect_right
from collections import defaultdict
from pathlib import Path
from statistics import median

import polars as pl

from chanflow.domain.market_data import Bar
from chanflow.domain.market_state import FEATURES
from chanflow.domain.time import NS_PER_MS
from chanflow.features.chan import Engine
from chanflow.features.market_state import KEEP_BARS, btc_figures, chan_figures, clock_figures, price_figures
from chanflow.review.state_vector import MAD_TO_SIGMA, FeatureScale, statistics_text

ROOT = Path(__file__).resolve().parents[1]
LEVEL, UPPER, EACH = 300_000, 1_800_000, 3_600_000
BY_DEFINITION = {
    "z_ofi": (0.0, 1.0), "z_cvd": (0.0, 1.0), "fusion_score": (0.0, 1.0), "consistency": (0.0, 0.3),
    "imbalance_1m": (0.0, 0.4), "imbalance_15m": (0.0, 0.2), "queue_imbalance": (0.0, 0.5),
    "depth_imbalance": (0.0, 0.3), "spread_bps": (1.0, 1.0), "log_trades_per_min": (5.0, 1.5),
    "open_interest_change": (0.0, 0.03), "basis_frac": (0.0, 0.0005), "weekend": (0.0, 0.5),
    "stroke_direction": (0.0, 1.0), "upper_stroke_direction": (0.0, 1.0),
    "hour_sin": (0.0, 0.7071), "hour_cos": (0.0, 0.7071),
    "exposure_frac": (0.0, 0.1), "open_profit_r": (0.0, 1.0), "drawdown_frac": (0.0, 0.03),
    "losing_streak": (0.0, 0.4), "trades_today_frac": (0.2, 0.3), "ladder_level": (0.4, 0.2),
}  # fmt: skip
"""Median and scale of what has a natural unit, or that recorded bars do not have."""


def bars_of(frame: pl.DataFrame, interval_ms: int) -> list[Bar]:
    """Return the closed bars of one symbol, joined from minutes."""
    coarse = (
        frame.group_by(pl.col("ts_ms") // interval_ms * interval_ms, maintain_order=True)
        .agg(pl.col("open").first(), pl.col("high").max(), pl.col("low").min(), pl.col("close").last(),
             pl.col("volume").sum(), pl.len().alias("minutes"))
        .filter(pl.col("minutes") == interval_ms // 60_000)
    )  # fmt: skip
    return [
        Bar(row["ts_ms"], interval_ms, row["open"], row["high"], row["low"], row["close"], row["volume"], 0.0, 0, 0.0)
        for row in coarse.iter_rows(named=True)
    ]


def states(bars: list[Bar], upper: list[Bar], btc: list[Bar]) -> list[dict[str, float]]:
    """Return the figures at each full hour, from what was closed by then."""
    engine, upper_engine = Engine(), Engine()
    ends, found, seen = [bar.close_ms for bar in btc], [], 0
    for at, bar in enumerate(bars):
        engine.push(bar.ts_ms, bar.open, bar.high, bar.low, bar.close, bar.volume)
        while seen < len(upper) and upper[seen].close_ms <= bar.close_ms:
            each = upper[seen]
            upper_engine.push(each.ts_ms, each.open, each.high, each.low, each.close, each.volume)
            seen += 1
        if bar.close_ms % EACH or at < KEEP_BARS:
            continue
        past, theirs = bars[at + 1 - KEEP_BARS : at + 1], btc[: bisect_right(ends, bar.close_ms)][-KEEP_BARS:]
        found.append(
            price_figures(past)
            | chan_figures(engine.structure(), bar.close)
            | chan_figures(upper_engine.structure(), bar.close, upper=True)
            | clock_figures(bar.close_ms)
            | btc_figures(past, theirs)
        )
    return found


def scale_of(name: str, values: list[float]) -> FeatureScale:
    """Return median and 1.4826 MAD. Raises SystemExit where nothing varies and no scale is defined."""
    if name in BY_DEFINITION:
        return FeatureScale(*BY_DEFINITION[name], 0)
    middle = median(values)
    spread = MAD_TO_SIGMA * median(abs(value - middle) for value in values)
    if spread <= 0.0:
        raise SystemExit(f"{name} does not vary in these data: give it a scale by definition")
    return FeatureScale(float(f"{middle:.6g}"), float(f"{spread:.6g}"), len(values))


def main() -> int:
    """Fit and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=ROOT / "src/chanflow/review/market_state_1.json")
    asked = parser.parse_args()
    minutes = pl.read_parquet(asked.folder / "klines/binance_usdm_1m_14sym_202505_202506.parquet").sort("ts_ms")
    funding = pl.read_parquet(asked.folder / "klines/binance_usdm_funding.parquet")
    by_symbol = {str(key[0]): part for key, part in minutes.partition_by("symbol", as_dict=True).items()}
    btc = bars_of(by_symbol["BTCUSDT"], LEVEL)
    values: dict[str, list[float]] = defaultdict(list)
    for symbol, part in sorted(by_symbol.items()):
        found = states(bars_of(part, LEVEL), bars_of(part, UPPER), btc)
        print(f"{symbol}: {len(found)} states")
        for figures in found:
            for name, value in figures.items():
                values[name].append(value)
    values["funding_frac"] = funding["funding_rate"].drop_nulls().to_list()
    last_ms = max(int(minutes["ts_ms"].max()), int(funding["ts_ms"].max())) + EACH  # type: ignore[arg-type]
    first_ms = int(funding["ts_ms"].min())  # type: ignore[arg-type]
    asked.out.write_text(
        statistics_text(
            source="14 Binance USD-M perpetuals, bars of 5m (upper level 30m), read hourly, 2025-05-04 to 2025-06-15; "
            "funding of 17 symbols, 2025-03-06 to 2025-06-15; figures with n = 0 have a scale by definition",
            from_ns=first_ms * NS_PER_MS, until_ns=last_ms * NS_PER_MS,
            scales={name: scale_of(name, values[name]) for name in FEATURES},
        ),
        "utf-8",
    )  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Measure Chan points on the recorded bars and write `docs/certificate.md` and the pages below it.

Two markets, each by the preset `default` and by the rule that compares MACD areas (later leg below 0.8 of the earlier).
The data lies in `data/klines` of `CHANFLOW_TEST_DATA`; only figures are written, never a bar. The same data and code
give the same bytes.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import chanflow
from chanflow.backtest.barriers import Costs
from chanflow.backtest.certificate import certificate_document, certificate_table
from chanflow.backtest.certificate_summary import Page, summary_page
from chanflow.backtest.certify import CertifySpec, certify
from chanflow.backtest.series import Series, at_intervals, read_series
from chanflow.runtime.clock import SeededRandomness
from chanflow.runtime.home import publish

ROOT = Path(__file__).resolve().parent.parent
HEAD = "How Chan points (买卖点) held, and what entries at them met"


@dataclass(frozen=True, slots=True)
class Measured:
    """A market: files with the intervals each is measured at, and what a side of a trade costs there."""

    name: str
    files: Mapping[str, Sequence[str]]
    costs: Costs


MARKETS = (
    Measured(
        "crypto",
        {
            "binance_usdm_1m_14sym_202505_202506.parquet": ("1m", "5m", "15m", "30m", "1h"),
            "binance_spot_BTCUSDT_1h.parquet": ("1h",),
        },
        Costs(taker_bps=5.0, slippage_bps=1.0),
    ),
    Measured(
        "cn",
        {
            "ashare_000001SH_1m_2015_2019.parquet": ("30m", "60m", "1d"),
            "ashare_daily_34stocks_to_2016.parquet": ("1d",),
        },
        # 2.5 bps of commission a side, and half of the stamp duty of 10 bps that was charged on sales.
        Costs(taker_bps=7.5, slippage_bps=1.0),
    ),
)
RULES: Mapping[str, Mapping[str, str]] = {"default": {}, "area": {"macd_algo": "area", "divergence_rate": "0.8"}}


def series_of(folder: Path, market: Measured, symbols: Sequence[str] | None) -> Iterator[Series]:
    """Return the market's series at each of their intervals."""
    for name, intervals in market.files.items():
        for series in read_series(folder / name):
            if symbols is None or series.source.symbol in symbols:
                yield from at_intervals(series, intervals)


def write(folder: Path, docs: Path, symbols: Sequence[str] | None = None) -> list[Path]:
    """Write the summary and a page for each market and rule into `docs`, and return them."""
    (docs / "certificate").mkdir(parents=True, exist_ok=True)
    pages, written = [], []
    for market in MARKETS:
        for rule, params in RULES.items():
            spec = CertifySpec(params=params, costs=market.costs)
            made = certify(
                series_of(folder, market, symbols),
                spec,
                randomness=SeededRandomness(spec.seed),
                code={"version": chanflow.__version__},
            )
            document = certificate_document(made)
            path = docs / "certificate" / f"{market.name}-{rule}.md"
            publish(path, (certificate_table(document) + "\n[The summary](../certificate.md)\n").encode())
            pages.append(Page(f"certificate/{path.name}", document))
            written.append(path)
    summary = docs / "certificate.md"
    publish(summary, summary_page(pages, head=HEAD, command="make certificates").encode())
    return [summary, *written]


def main() -> None:
    """Write the pages; `--symbol` measures some symbols only, to try it out into another folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--docs", type=Path, default=ROOT / "docs", help="the folder of the pages")
    parser.add_argument("--symbol", action="append", help="only this symbol; may repeat")
    asked = parser.parse_args()
    folder = Path(os.environ.get("CHANFLOW_TEST_DATA", str(ROOT.parent / "shared"))) / "data" / "klines"
    if not folder.is_dir():
        sys.exit(f"{folder} is not there: set CHANFLOW_TEST_DATA to the folder of the recorded bars")
    for path in write(folder, asked.docs, asked.symbol):
        print(path)


if __name__ == "__main__":
    main()

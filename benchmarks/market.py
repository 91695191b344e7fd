"""Measures how fast frames of the market become events, bins, books and rows, on one core.

Frames are a recording's bytes in memory, or made depth frames of 40 levels. Prints a table; the figures are processor
time, the median of five runs, so that neighbours on the machine count less. `python benchmarks/market.py`.
"""

from __future__ import annotations

import gzip
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import chanflow_native

ROOT = Path(__file__).resolve().parent.parent
WIRE = Path(os.environ.get("CHANFLOW_TEST_DATA", ROOT.parent / "shared")) / "data" / "wire"
REPEATS = 5
CHUNK = 1 << 18
RECORDINGS = (
    ("binance-usdm", "binance_usdm_BTCUSDT_20240808", "BTCUSDT", (2, 3)),
    ("binance-coinm", "binance_coinm_BTCUSD_PERP_20240808", "BTCUSD_PERP", (1, 0)),
    ("binance-spot", "binance_spot_BTCUSDT_20240808", "BTCUSDT", (2, 5)),
)


def cpu_s(work: Callable[[], object]) -> float:
    """Return the median processor time of `work` in seconds."""
    took = []
    for _ in range(REPEATS):
        began = time.process_time()
        work()
        took.append(time.process_time() - began)
    return statistics.median(took)


def pieces(raw: bytes) -> list[bytes]:
    """Return the bytes in pieces of whole lines, as a socket's reader hands them over."""
    parts, at = [], 0
    while at < len(raw):
        end = raw.rfind(b"\n", at, at + CHUNK) + 1 or len(raw)
        parts.append(raw[at:end])
        at = end
    return parts


def depth_frames(count: int) -> bytes:
    """Return a snapshot and `count` chained diffs of 40 levels each, some 959 bytes long."""
    start_ms, u = 1_723_161_256_000, 10_000_000_000
    levels = (
        [[f"{61_800 - at}.10", f"{at + 1}.250"] for at in range(20)],
        [[f"{61_801 + at}.10", f"{at + 1}.125"] for at in range(20)],
    )

    def text(side: list[list[str]], turn: int) -> str:
        # One quantity in three changes to nothing and back: levels come and go.
        return ",".join(f'["{p}","{"0.000" if at % 3 == turn and at else q}"]' for at, (p, q) in enumerate(side))

    bids, asks = (tuple(text(side, turn) for turn in range(4)) for side in levels)
    snapshot = f'{{"lastUpdateId":{u},"bids":[{bids[3]}],"asks":[{asks[3]}]}}'
    lines = [f'{start_ms}000000 {{"stream":"btcusdt@depthSnapshot","data":{snapshot}}}']
    for at in range(count):
        event_ms, turn = start_ms + at, at % 4
        lines.append(
            f'{event_ms}000000 {{"stream":"btcusdt@depth@100ms","data":{{"e":"depthUpdate","E":{event_ms},'
            f'"T":{event_ms},"s":"BTCUSDT","U":{u},"u":{u + 9},"pu":{u - 1},"b":[{bids[turn]}],"a":[{asks[turn]}]}}}}'
        )
        u += 10
    return "\n".join(lines).encode() + b"\n"


def to_events(parts: list[bytes]) -> None:
    """Parse, and no more."""
    parser = chanflow_native.WireParser()
    for part in parts:
        parser.feed(part)
        parser.take()
    parser.finish()


def to_bins(parts: list[bytes]) -> None:
    """Parse, keep the book, and close the bins of one second."""
    parser, engine = chanflow_native.WireParser(), None
    for part in parts:
        parser.feed(part)
        batch = parser.take()
        if engine is None and parser.price_decimals is not None and parser.qty_decimals is not None:
            engine = chanflow_native.FlowEngine(parser.price_decimals, parser.qty_decimals)
        if engine is not None:
            engine.push(batch)
    assert engine is not None
    assert engine.stats()["gaps"] == 0


def to_rows(venue: str, symbol: str, decimals: tuple[int, int], parts: list[bytes]) -> int:
    """Return how many rows came of it."""
    intake, rows = chanflow_native.Intake(venue, {symbol: decimals}), 0
    for part in parts:
        intake.feed(part)
        rows += len(intake.take()["rows"]["ts_ms"])
    assert intake.stats()["gaps"] == intake.stats()["dead"] == 0
    return rows


def main() -> None:
    """Print what was measured."""
    for venue, name, symbol, decimals in RECORDINGS:
        path = WIRE / f"{name}.txt.gz"
        if not path.exists():
            print(f"{path} is not there; set CHANFLOW_TEST_DATA")
            continue
        parts = pieces(gzip.decompress(path.read_bytes()))
        size_mb = sum(map(len, parts)) / 1e6
        figures = {
            "events": cpu_s(lambda parts=parts: to_events(parts)),
            "bins": cpu_s(lambda parts=parts: to_bins(parts)),
            "rows": cpu_s(lambda parts=parts, v=venue, s=symbol, d=decimals: to_rows(v, s, d, parts)),
        }
        shown = ", ".join(f"to {what} {size_mb / took:.0f} MB/s" for what, took in figures.items())
        print(f"{venue} {symbol}, {size_mb:.1f} MB: {shown}")
    count = 100_000
    raw = depth_frames(count)
    parts = pieces(raw)
    took = cpu_s(lambda: to_rows("binance-usdm", "BTCUSDT", (2, 3), parts))
    print(f"made diffs of 40 levels, {len(raw) / (count + 1):.0f} bytes: {count / took:,.0f} frames/s to rows")


if __name__ == "__main__":
    main()

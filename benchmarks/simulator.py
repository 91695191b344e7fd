"""The simulator beside its peers and an oracle: `python benchmarks/simulator.py`.

Bars: SMA 20/50 on a seeded walk of 1 M bars, every order through the order state machine; profit beside plain NumPy
and, where `PEER_VECTORBT` names an interpreter that has it, beside vectorbt. Ticks: a seeded feed of levels and trades
with a script of resting orders; beside hftbacktest where `PEER_HFTBACKTEST` names an interpreter that has it. Peers run
in processes of their own; nothing of theirs is part of this repository.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import chanflow_native
import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

BARS = 1_000_000
TICKS = 1_000_000
REPEATS = 5
FEE_PPB = 400_000
HOLD = np.iinfo(np.int64).min

VECTORBT = """
import sys, time
import numpy as np, pandas as pd, vectorbt as vbt
data = np.load(sys.argv[1])
open_, close, position = (pd.Series(data[name].astype(float)) for name in ("open", "close", "position"))
wanted = position.shift(1)
size = wanted.where(wanted != wanted.shift(1))
def once():
    start = time.perf_counter()
    pf = vbt.Portfolio.from_orders(close, size=size, size_type="targetamount", price=open_, fees=0.0004,
                                   init_cash=1e9, freq="1min")
    pf.order_records
    return time.perf_counter() - start, pf
once()
took, pf = min((once() for _ in range(3)), key=lambda pair: pair[0])
cash = pf.cash().iloc[-1] + pf.assets().iloc[-1] * close.iloc[-1]
print(repr(float(cash - 1e9)), len(pf.order_records), took)
"""

HFTBACKTEST = """
import sys, time
import numpy as np
from numba import njit
from hftbacktest import BacktestAsset, HashMapMarketDepthBacktest, FILLED, GTC, LIMIT
from hftbacktest.types import (event_dtype, EXCH_EVENT, LOCAL_EVENT, DEPTH_EVENT, TRADE_EVENT, BUY_EVENT, SELL_EVENT)
data = np.load(sys.argv[1])
kind, n = data["kind"], len(data["kind"])
flags = {1: DEPTH_EVENT | BUY_EVENT, 2: DEPTH_EVENT | SELL_EVENT,
         3: TRADE_EVENT | BUY_EVENT, 4: TRADE_EVENT | SELL_EVENT}
events = np.zeros(n, dtype=event_dtype)
for code, flag in flags.items():
    events["ev"][kind == code] = flag | EXCH_EVENT | LOCAL_EVENT
events["exch_ts"] = events["local_ts"] = data["event_ns"]
events["px"], events["qty"] = data["price"], data["qty"]
model, n_power = sys.argv[2], 3.0
asset = (BacktestAsset().data([events]).linear_asset(1.0).constant_order_latency(int(sys.argv[3]), 0)
         .no_partial_fill_exchange().trading_value_fee_model(0.0, 0.0).tick_size(1.0).lot_size(1.0)
         .last_trades_capacity(0))
asset = {"risk_adverse": asset.risk_adverse_queue_model, "log": asset.log_prob_queue_model,
         "power 3": lambda: asset.power_prob_queue_model(n_power)}[model]()
hbt = HashMapMarketDepthBacktest([asset])
ask_ns, ask_order, ask_price, ask_qty = (data[name] for name in ("ask_ns", "ask_order", "ask_price", "ask_qty"))

@njit
def play(hbt, ask_ns, ask_order, ask_price, ask_qty):
    hbt.elapse(0)  # sets the clock to the first event
    for i in range(len(ask_ns)):
        if ask_ns[i] > hbt.current_timestamp:
            hbt.elapse(ask_ns[i] - hbt.current_timestamp)
        if ask_qty[i] == 0:
            if ask_order[i] in hbt.orders(0):
                hbt.cancel(0, ask_order[i], False)
        elif ask_qty[i] > 0:
            hbt.submit_buy_order(0, ask_order[i], ask_price[i], ask_qty[i], GTC, LIMIT, False)
        else:
            hbt.submit_sell_order(0, ask_order[i], ask_price[i], -ask_qty[i], GTC, LIMIT, False)
    hbt.elapse(10**12)

start = time.perf_counter()
play(hbt, ask_ns, ask_order, ask_price, ask_qty)
took = time.perf_counter() - start
rows = []
values = hbt.orders(0).values()
while values.has_next():
    order = values.get()
    if order.status == FILLED:
        rows.append((order.order_id, order.exch_timestamp, int(order.exec_price_tick), int(order.exec_qty)))
np.save(sys.argv[4], np.array(sorted(rows), dtype=np.int64).reshape(-1, 4))
print(took)
"""


def walk(bars: int, seed: int = 7) -> tuple[Ints, Ints, Ints, Ints]:
    """Return open, high, low, close of a seeded walk in ticks of 0.01 from 1,000.00."""
    chance = np.random.default_rng(seed)
    close = (100_000 * np.exp(np.cumsum(chance.normal(0, 3e-4, bars)))).astype(np.int64)
    gap = chance.integers(-3, 4, bars)
    opened = np.concatenate([close[:1], close[:-1]]) + gap
    high = np.maximum(opened, close) + chance.integers(0, 20, bars)
    low = np.minimum(opened, close) - chance.integers(0, 20, bars)
    return opened, high, low, close


def sma_cross(close: Ints, fast: int = 20, slow: int = 50, lots: int = 10) -> Ints:
    """Return the wanted position at each close: long while the fast mean is above the slow one, else flat."""
    total = np.concatenate([[0], np.cumsum(close)])
    wanted = np.zeros(len(close), dtype=np.int64)
    at = np.arange(slow - 1, len(close))
    means = [(total[at + 1] - total[at + 1 - span]) * (fast * slow // span) for span in (fast, slow)]
    wanted[at] = np.where(means[0] > means[1], lots, 0)
    return wanted


def oracle(opened: Ints, close: Ints, wanted: Ints, fee_ppb: int) -> tuple[float, int]:
    """Return profit in ticks x lots and the orders of filling every change of position at the next open."""
    held = np.concatenate([[0], wanted[:-1]])
    traded = np.diff(np.concatenate([[0], held]))
    cash = -np.sum(traded * opened)
    fees = np.sum(np.abs(traded) * opened) * (fee_ppb / 1e9)
    return float(cash + held[-1] * close[-1] - fees), int(np.count_nonzero(traded))


def feed(ticks: int, seed: int = 11) -> dict[str, NDArray[np.int64] | NDArray[np.uint8]]:
    """Return a seeded feed of levels and trades around a slow walk, 1 ms apart, and a script that requotes both sides.

    Levels tell a book of ten prices a side; each trade is followed by the level that it took from.
    """
    chance = np.random.default_rng(seed)
    bids, asks = {}, {}
    middle, rows = 10_000, []
    for k in range(1, 11):
        bids[middle - k], asks[middle + k] = 20, 20
        rows += [(1, middle - k, 20), (2, middle + k, 20)]
    draws, sizes, depths = chance.random(ticks), chance.integers(1, 15, ticks), chance.geometric(0.35, ticks)
    n = 0
    while len(rows) < ticks:
        draw, size, depth = draws[n], int(sizes[n]), min(int(depths[n]), 10)
        n += 1
        best_bid, best_ask = max(bids), min(asks)
        if draw < 0.12:
            buys = draw < 0.06
            book, price = (asks, best_ask) if buys else (bids, best_bid)
            traded = min(size, book[price])
            rows.append((3 if buys else 4, price, traded))
            book[price] -= traded
            rows.append((2 if buys else 1, price, book[price]))
        else:
            on_bid = draw < 0.56
            book = bids if on_bid else asks
            price = best_ask - depth if on_bid else best_bid + depth
            kept = book.get(price, 0)
            book[price] = kept + size if draw * 1e6 % 2 < 1 or kept <= size else kept - size
            rows.append((1 if on_bid else 2, price, book[price]))
        for book, code, worst in ((bids, 1, min), (asks, 2, max)):
            for price in [price for price, lots in book.items() if lots <= 0]:
                del book[price]
            if len(book) < 3:
                edge = worst(book) if book else (max(bids, default=best_bid) if code == 1 else best_ask)
                step = -1 if code == 1 else 1
                for k in range(1, 6):
                    book[edge + step * k] = 20
                    rows.append((code, edge + step * k, 20))
    table = np.array(rows[:ticks], dtype=np.int64)
    event_ns = 1_000_000_000 + np.arange(ticks, dtype=np.int64) * 1_000_000
    return {"event_ns": event_ns, "kind": table[:, 0].astype(np.uint8),
            "price": np.ascontiguousarray(table[:, 1]), "qty": np.ascontiguousarray(table[:, 2]),
            **script(event_ns, table, np.arange(400, ticks, 400))}  # fmt: skip


def script(event_ns: Ints, table: Ints, turns: Ints) -> dict[str, Ints]:
    """Return requests: after each of those ticks one lot a side near the last trade, the ones before cancelled."""
    rows, number, price = [], 0, 10_000
    live: list[int] = []
    before = 0
    for at in turns:
        chunk, before = table[before:at], at
        traded = chunk[chunk[:, 0] >= 3]
        price = int(traded[-1, 1]) if len(traded) else price
        now_ns = int(event_ns[at]) + 500_000
        rows += [(now_ns, order, 0, 0) for order in live]
        live = [number + 1, number + 2]
        rows += [(now_ns, number + 1, price - 2, 1), (now_ns, number + 2, price + 2, -1)]
        number += 2
    columns = np.array(rows, dtype=np.int64)
    names = ("ask_ns", "ask_order", "ask_price", "ask_qty")
    return {name: np.ascontiguousarray(columns[:, at]) for at, name in enumerate(names)}


def recorded() -> dict[str, NDArray[np.int64] | NDArray[np.uint8]] | None:
    """Return the recorded depth and trades of one perpetual as `feed` does, None where the test data are not there.

    Ticks of 0.1 and lots of 0.001; a snapshot, then every diff after it and every trade since, by the venue's time. In
    one millisecond trades come before the levels that they took from.
    """
    import polars as pl

    root = Path(os.environ.get("CHANFLOW_TEST_DATA", "../shared")) / "data"
    name = "binance_usdm_BTCUSDT_20240808"
    if not (root / "depth" / f"{name}_depth.parquet").is_file():
        return None
    depth = pl.read_parquet(root / "depth" / f"{name}_depth.parquet")
    shown = depth.filter(pl.col("is_snapshot"))
    last_id, since_ms = shown["final_update_id"][0], shown["ts_ms"][0]
    diffs = depth.filter(~pl.col("is_snapshot") & (pl.col("final_update_id") > last_id))
    trades = pl.read_parquet(root / "trades" / f"{name}_trades.parquet").filter(
        (pl.col("ts_ms") > since_ms) & (pl.col("price") > 0)
    )
    price, qty = (pl.col("price") * 10).round().cast(pl.Int64), (pl.col("qty") * 1000).round().cast(pl.Int64)
    levels = pl.when(pl.col("side") == "bid").then(1).otherwise(2)
    table = pl.concat([
        shown.select(pl.lit(since_ms).alias("ms"), pl.lit(0).alias("late"), kind=levels, price=price, qty=qty),
        trades.select(pl.col("ts_ms").alias("ms"), pl.lit(0).alias("late"),
                      kind=pl.when(pl.col("side") == "buy").then(3).otherwise(4), price=price, qty=qty),
        diffs.select(pl.col("ts_ms").alias("ms"), pl.lit(1).alias("late"), kind=levels, price=price, qty=qty),
    ]).sort("ms", "late", maintain_order=True)  # fmt: skip
    # Within one millisecond the order is kept by single nanoseconds.
    ms = table["ms"].to_numpy()
    starts = np.flatnonzero(np.concatenate([[True], ms[1:] != ms[:-1]]))
    rank = np.arange(len(ms)) - np.repeat(starts, np.diff(np.concatenate([starts, [len(ms)]])))
    event_ns = np.ascontiguousarray(ms * 1_000_000 + rank, dtype=np.int64)
    # A request is sent when the one before it has surely been answered: the peer refuses to cancel what is on its way.
    turns = np.unique(np.searchsorted(event_ns, np.arange(event_ns[0] + 10**9, event_ns[-1], 100_000_000)))
    rows = table.select("kind", "price", "qty").to_numpy().astype(np.int64)
    return {"event_ns": event_ns, "kind": rows[:, 0].astype(np.uint8),
            "price": np.ascontiguousarray(rows[:, 1]), "qty": np.ascontiguousarray(rows[:, 2]),
            **script(event_ns, rows, turns)}  # fmt: skip


def median_s(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Return the median of the repeats, seconds."""
    took = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def peer(interpreter: str, program: str, *arguments: str) -> list[str]:
    """Return the words of the last line that a peer prints."""
    done = subprocess.run([interpreter, "-c", program, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip().splitlines()[-1].split()


def bars() -> None:
    """Measure bars and compare the profit."""
    opened, high, low, close = walk(BARS)
    wanted = sma_cross(close)
    idle = np.full(BARS, HOLD)

    def play(position: Ints, **more: object) -> dict[str, object]:
        return chanflow_native.run_bars(opened, high, low, close, position, taker_ppb=FEE_PPB, **more)  # type: ignore[arg-type]

    done = play(wanted)
    money = int(done["wallet_nano"]) - int(done["cost_nano"]) + done["position"] * int(close[-1]) * 10**9  # type: ignore[call-overload, operator]
    ours, (theirs, orders) = money / 1e9, oracle(opened, close, wanted, FEE_PPB)
    off = abs(ours - theirs) / abs(theirs)
    print(f"bars: SMA 20/50, {done['orders']:,} orders (oracle {orders:,}), profit off by {off:.1e} relative")
    stops = np.where(wanted > 0, close - 300, 0)
    targets = np.where(wanted > 0, close + 300, 0)
    for name, work in (("no orders", lambda: play(idle)), ("SMA 20/50", lambda: play(wanted)),
                       ("SMA 20/50, equity", lambda: play(wanted, with_equity=True)),
                       ("SMA 20/50, stops and targets", lambda: play(wanted, stop=stops, target=targets))):  # fmt: skip
        print(f"bars: {name:<30} {BARS / median_s(work) / 1e6:>8.1f} M bars/s", flush=True)
    if interpreter := os.environ.get("PEER_VECTORBT"):
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder) / "bars.npz"
            np.savez(data, open=opened, close=close, position=wanted)
            profit, count, took = peer(interpreter, VECTORBT, str(data))
        off = abs(ours - float(profit)) / abs(ours)
        print(
            f"bars: vectorbt {BARS / float(took) / 1e6:.1f} M bars/s, {int(count):,} orders, "
            f"profit off by {off:.1e} relative"
        )


def ticks(name: str, data: dict[str, NDArray[np.int64] | NDArray[np.uint8]]) -> None:
    """Measure ticks and compare the fills."""
    count = len(data["event_ns"])
    columns = [data[name] for name in ("event_ns", "kind", "price", "qty")]
    asks = [data[name] for name in ("ask_ns", "ask_order", "ask_price", "ask_qty")]
    each = sum(column.itemsize for column in columns)
    latency_ns = 2_000_000

    def exchange(queue: str) -> chanflow_native.SimulatedExchange:
        return chanflow_native.SimulatedExchange(
            order_latency=latency_ns, response_latency=0, queue=queue, impact="none", price_decimals=0, qty_decimals=0,
            min_notional=0, unique_ids="ever",
        )  # fmt: skip

    def play(queue: str, *, quiet: bool = False) -> list[tuple[object, ...]]:
        told = [column[:0] for column in asks] if quiet else asks
        return chanflow_native.run_ticks(exchange(queue), *columns, *told)  # type: ignore[arg-type, return-value]

    print(f"{name}: {len(columns[0]):,} of {each} bytes in columns, {len(asks[0]):,} requests")
    print(f"{name}: no orders          {count / median_s(lambda: play('log', quiet=True)) / 1e6:>8.1f} M events/s")
    table = [column[:200_000] for column in columns]

    def by_slices(width: int = 100) -> None:
        venue = exchange("log")
        for at in range(0, len(table[0]), width):
            venue.push_ticks(*(column[at : at + width] for column in table))  # type: ignore[arg-type]
            venue.book(1)

    print(f"{name}: a look each 100 ms {len(table[0]) / median_s(by_slices) / 1e6:>8.1f} M events/s")
    interpreter = os.environ.get("PEER_HFTBACKTEST")
    for queue in ("risk_adverse", "log", "power 3"):
        rate = count / median_s(lambda queue=queue: play(queue)) / 1e6  # type: ignore[misc]
        fills = {int(row[3]): (row[0], *row[6][1:3]) for row in play(queue) if row[4] == "fill"}  # type: ignore[call-overload, index]
        print(f"{name}: {queue:<18} {rate:>8.1f} M events/s, {len(fills):,} fills", flush=True)
        if interpreter:
            with tempfile.TemporaryDirectory() as folder:
                source, result = Path(folder) / "ticks.npz", Path(folder) / "fills.npy"
                np.savez(source, **data)
                (took,) = peer(interpreter, HFTBACKTEST, str(source), queue, str(latency_ns), str(result))
                theirs = {int(row[0]): (int(row[1]), int(row[2]), int(row[3])) for row in np.load(result)}
            same = sum(theirs.get(order) == fill for order, fill in fills.items())
            union = len(fills.keys() | theirs.keys())
            print(f"{name}: hftbacktest        {count / float(took) / 1e6:>8.1f} M events/s (compiling included), "
                  f"{len(theirs):,} fills, {same:,} of {union:,} the same")  # fmt: skip


def main() -> None:
    """Measure and print."""
    bars()
    ticks("ticks", feed(TICKS))
    real = recorded()
    if real is None:
        print("recorded ticks: skipped, CHANFLOW_TEST_DATA names no folder with them")
    else:
        ticks("recorded ticks", real)


if __name__ == "__main__":
    main()

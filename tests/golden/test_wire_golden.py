"""The recorded USD-M BTCUSDT frames of 2024-08-08 give the specified book, features and signals, to the last digit."""

import gzip
import json
import os
from collections import Counter
from itertools import pairwise
from math import isqrt, sqrt
from pathlib import Path
from typing import Any

import chanflow_native as native
import numpy as np
import pytest
from numpy.typing import NDArray

pytestmark = pytest.mark.golden

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("CHANFLOW_TEST_DATA", str(ROOT.parent / "shared")))
CAPTURE = DATA / "data" / "wire" / "binance_usdm_BTCUSDT_20240808.txt.gz"
CHUNK = 1 << 18


def unpacked(capture: Path) -> bytes:
    if not capture.exists():
        pytest.skip(f"MARKET DATA ABSENT: {capture} is not there; set CHANFLOW_TEST_DATA")
    with gzip.open(capture) as file:
        return file.read()


@pytest.fixture(scope="module")
def frames() -> bytes:
    return unpacked(CAPTURE)


def features(frames: bytes, bin_ms: int, keep_levels: int | None = 1_000) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return all rows as columns, and the counters."""
    parser = native.WireParser("BTCUSDT")
    engine = native.FlowEngine(2, 3, bin_ms, keep_levels=keep_levels)
    parts = []
    for at in range(0, len(frames), CHUNK):
        parser.feed(frames[at : at + CHUNK])
        parts.append(engine.push(parser.take()))
    parser.finish()
    parts += [engine.push(parser.take()), engine.finish()]
    columns: dict[str, Any] = {
        name: [value for part in parts for value in part[name]]
        if isinstance(parts[0][name], list)
        else np.concatenate([part[name] for part in parts])
        for name in parts[0]
    }
    return columns, engine.stats()


def exact_sum(column: NDArray[np.float64]) -> float:
    """Return the sum of three-decimal numbers without rounding error."""
    return int(np.rint(column * 1_000).astype(np.int64).sum()) / 1_000


def test_features_at_one_second(frames: bytes) -> None:
    columns, stats = features(frames, 1_000)
    ts_ms = columns["ts_ms"]
    assert (len(ts_ms), ts_ms[0], ts_ms[-1]) == (345, 1_723_161_257_000, 1_723_161_601_000)
    assert set(np.diff(ts_ms)) == {1_000}
    assert columns["book_ok"].tolist() == [0] + [1] * 344
    assert (columns["mid"][0], columns["mid"][-1]) == (61_800.05, 61_659.75)
    assert exact_sum(columns["ofi"]) == -108.356
    assert columns["cvd"][-1] == 73.786
    assert exact_sum(columns["buy_qty"]) + exact_sum(columns["sell_qty"]) == 2_429.366
    assert int(columns["trades"].sum()) == stats["trades"] == 21_313
    scored = np.flatnonzero(~np.isnan(columns["z_ofi"]))
    first = scored[0]
    assert (len(scored), ts_ms[first]) == (284, 1_723_161_318_000)
    assert columns["z_ofi"][first] == 1.1011051955160063
    assert columns["z_cvd"][first] == 0.06651394190540988
    assert columns["fusion"][first] == 0.6872686940717676
    signals = columns["signal"]
    assert Counter(signals) == {"buy": 34, "strong_buy": 10, "sell": 24, "strong_sell": 10, "neutral": 267}
    assert sum(before != after for before, after in pairwise(signals)) == 108
    assert stats["late"] == 0


def test_features_at_a_tenth_of_a_second(frames: bytes) -> None:
    columns, _ = features(frames, 100)
    assert len(columns["ts_ms"]) == 3_445
    assert int((columns["book_ok"] == 1).sum()) == 3_442
    assert int((~np.isnan(columns["z_ofi"])).sum()) == int((~np.isnan(columns["z_cvd"])).sum()) == 2_842
    assert exact_sum(columns["ofi"]) == -108.356
    assert columns["cvd"][-1] == 73.786


@pytest.mark.parametrize(("keep_levels", "depth"), [(None, (5_018, 4_578)), (1_000, None)])
def test_the_rebuilt_book_is_the_venues(frames: bytes, keep_levels: int | None, depth: tuple[int, int] | None) -> None:
    _, stats = features(frames, 1_000, keep_levels)
    assert (stats["diffs"], stats["dropped"], stats["applied"]) == (6_551, 4, 6_547)
    assert (stats["gaps"], stats["crossed"], stats["syncs"], stats["synced"]) == (0, 0, 1, True)
    assert (stats["book_checks"], stats["book_matches"]) == (6_547, 6_547)
    if depth:
        assert (stats["bid_levels"], stats["ask_levels"]) == depth


def test_the_book_of_a_coin_margined_contract_is_the_venues() -> None:
    parser = native.WireParser("BTCUSD_PERP")
    parser.feed(unpacked(CAPTURE.with_name("binance_coinm_BTCUSD_PERP_20240808.txt.gz")))
    parser.finish()
    batch = parser.take()
    engine = native.FlowEngine(batch.price_decimals, batch.qty_decimals)
    engine.push(batch)
    engine.finish()
    stats = engine.stats()
    assert (stats["trades"], stats["dropped"], stats["gaps"]) == (2_286, 23, 0)
    assert (stats["applied"], stats["book_checks"], stats["book_matches"]) == (26_824, 26_824, 26_824)


def test_the_preflight_counts_every_frame(frames: bytes) -> None:
    check = native.Preflight()
    for at in range(0, len(frames), CHUNK):
        check.feed(frames[at : at + CHUNK])
    report = check.finish()
    assert (report["symbol"], report["price_decimals"], report["qty_decimals"]) == ("BTCUSDT", 2, 3)
    counts = {"depth": 6_551, "snapshot": 1, "book_ticker": 66_089, "trade": 21_313}
    assert report["frames"] == counts | {"agg_trade": 0, "unused": 0, "remark": 0}
    assert (report["lines"], report["book"], report["synced_line"]) == (93_954, "synced", 55)
    assert (report["depth_gaps"], report["trade_gaps"], report["repeats"]) == (0, 0, 0)


def test_a_lost_diff_is_a_gap_and_the_book_stays_lost(frames: bytes) -> None:
    lines = frames.splitlines(keepends=True)
    lost = next(at for at in range(50_000, len(lines)) if b"@depth" in lines[at][:60])
    broken = b"".join(lines[:lost] + lines[lost + 1 :])
    check = native.Preflight()
    check.feed(broken)
    report = check.finish()
    assert (report["book"], report["depth_gaps"], len(report["lost_lines"])) == ("lost", 1, 1)
    columns, stats = features(broken, 1_000)
    assert stats["gaps"] == 1
    gap = stats["gap_list"][0]
    book_ok = columns["book_ok"].astype(bool)
    before = columns["ts_ms"] <= gap["from_ms"]
    assert book_ok[1:][before[1:]].all()
    assert not book_ok[~before].any()
    assert np.isnan(columns["fusion"][~before]).all()


def r_squared(y: NDArray[np.float64], *regressors: NDArray[np.float64]) -> float:
    """Return the share of variance that least squares with an intercept explains."""
    design = np.column_stack([np.ones_like(y), *regressors])
    fitted = design @ np.linalg.lstsq(design, y, rcond=None)[0]
    return float(1 - ((y - fitted) ** 2).sum() / ((y - y.mean()) ** 2).sum())


def test_flow_explains_the_move_of_its_own_second_and_not_of_the_next(frames: bytes) -> None:
    columns, _ = features(frames, 1_000)
    move = np.diff(columns["mid"])
    ofi, tfi = columns["ofi"], columns["tfi"]
    found = [r_squared(move, ofi[1:]), r_squared(move, tfi[1:]), r_squared(move, ofi[1:], tfi[1:])]
    assert [round(share, 3) for share in found] == [0.464, 0.357, 0.585]
    assert r_squared(move, ofi[:-1]) < 0.01


def scaled(text: str, decimals: int) -> int:
    whole, _, fraction = text.partition(".")
    return int(whole + fraction.ljust(decimals, "0"))


def reference_flows(frames: bytes) -> tuple[dict[int, int], dict[int, int], dict[int, int]]:
    """Return OFI and trade flow by second in lots, and the last bid + ask of each second in ticks, word for word."""
    ofi: Counter[int] = Counter()
    tfi: Counter[int] = Counter()
    mids: dict[int, int] = {}
    before: tuple[int, ...] | None = None
    for line in frames.splitlines():
        event = json.loads(line.split(b" ", 1)[1]).get("data", {})
        second = event.get("T", 0) // 1_000
        if event.get("e") == "trade":
            tfi[second] += scaled(event["q"], 3) * (-1 if event["m"] else 1)
        elif event.get("e") == "bookTicker":
            bid, ask = scaled(event["b"], 2), scaled(event["a"], 2)
            bid_qty, ask_qty = scaled(event["B"], 3), scaled(event["A"], 3)
            if before:
                bid_, bid_qty_, ask_, ask_qty_ = before
                ofi[second] += (bid >= bid_) * bid_qty - (bid <= bid_) * bid_qty_
                ofi[second] += (ask >= ask_) * ask_qty_ - (ask <= ask_) * ask_qty
            before = (bid, bid_qty, ask, ask_qty)
            mids[second] = bid + ask
    return ofi, tfi, mids


def reference_z(flow: list[int], usable: list[bool]) -> list[float]:
    """Return the robust z of each second, NaN in warm-up: the definition without any shortcut."""

    def middles(values: list[int]) -> int:
        ordered = sorted(values)
        return ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]

    roots = [(1 if x >= 0 else -1) * isqrt(abs(x) << 20) for x in flow]
    out = []
    for at, root in enumerate(roots):
        past = [roots[i] for i in range(max(0, at - 300), at) if usable[i]]
        n = len(past)
        if n < 60 or not usable[at]:
            out.append(float("nan"))
            continue
        med2 = middles(past)
        mad4 = middles([abs(2 * y - med2) for y in past])
        sd = sqrt(float(n * sum(y * y for y in past) - sum(past) ** 2)) / n
        scale = max(1.4826 * (mad4 / 4), sd, 1024.0)
        out.append(max(-5.0, min(5.0, (2 * root - med2) / (2 * scale))))
    return out


def test_features_equal_a_second_implementation_bit_for_bit(frames: bytes) -> None:
    columns, _ = features(frames, 1_000)
    ofi, tfi, mids = reference_flows(frames)
    seconds = [int(ts_ms) // 1_000 - 1 for ts_ms in columns["ts_ms"]]
    usable = [at > 0 for at in range(len(seconds))]
    ofi_lots, tfi_lots = [ofi[second] for second in seconds], [tfi[second] for second in seconds]
    assert columns["ofi"].tolist() == [lots / 1_000 for lots in ofi_lots]
    assert columns["tfi"].tolist() == [lots / 1_000 for lots in tfi_lots]
    shown = [second for second in seconds if second in mids]
    assert columns["mid"][np.isin(seconds, shown)].tolist() == [mids[second] / 200 for second in shown]
    np.testing.assert_array_equal(columns["z_ofi"], reference_z(ofi_lots, usable))
    np.testing.assert_array_equal(columns["z_cvd"], reference_z(tfi_lots, usable))


def test_bars_hold_every_trade(frames: bytes) -> None:
    parser = native.WireParser()
    builder = native.BarBuilder(60_000, 2, 3)
    parser.feed(frames)
    parser.finish()
    bars = builder.push(parser.take())
    forming = builder.forming()
    rows = [*bars, forming] if forming else bars
    assert sum(row[7] for row in rows) == 21_313
    assert sum(round(row[5] * 1_000) for row in rows) == 2_429_366
    assert [row[0] % 60_000 for row in rows] == [0] * len(rows)
    assert builder.late == 0

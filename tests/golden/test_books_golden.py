"""Recorded frames of five venues give the venues' books; no loss, repeat or damage of frames gives a wrong one."""

import gzip
import json
import os
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import chanflow_native as native
import numpy as np
import pytest
from numpy.typing import NDArray

pytestmark = pytest.mark.golden

ROOT = Path(__file__).resolve().parents[2]
WIRE = Path(os.environ.get("CHANFLOW_TEST_DATA", str(ROOT.parent / "shared"))) / "data" / "wire"
BOOK, QUOTE = 3, 1

CAPTURES = {
    "usdm-btc": ("binance-usdm", "binance_usdm_BTCUSDT_20240808", "BTCUSDT", (2, 3)),
    "coinm-btc": ("binance-coinm", "binance_coinm_BTCUSD_PERP_20240808", "BTCUSD_PERP", (1, 0)),
    "spot-btc": ("binance-spot", "binance_spot_BTCUSDT_20240808", "BTCUSDT", (2, 5)),
    "spot-eth": ("binance-spot", "binance_spot_ETHUSDT_20240808", "ETHUSDT", (2, 4)),
    "hyperliquid-btc": ("hyperliquid", "hyperliquid_BTC_20250126", "BTC", (1, 5)),
}
APPLIED = {"usdm-btc": (6_547, 4), "coinm-btc": (26_824, 23), "spot-btc": (3_449, 2), "spot-eth": (3_432, 2)}
KINDS = {
    "usdm-btc": {0: 21_313, 1: 66_089, 3: 6_546},
    "coinm-btc": {0: 2_286, 1: 19_136, 3: 26_823},
    "spot-btc": {0: 9_757, 1: 28_040, 3: 3_449},
    "spot-eth": {0: 6_106, 1: 24_077, 3: 3_432},
    "hyperliquid-btc": {0: 64, 3: 45},
}


def unpacked(name: str) -> bytes:
    path = WIRE / f"{name}.txt.gz"
    if not path.exists():
        pytest.skip(f"MARKET DATA ABSENT: {path} is not there; set CHANFLOW_TEST_DATA")
    return gzip.decompress(path.read_bytes())


def intake_of(capture: str, **options: Any) -> native.Intake:
    venue, _, symbol, decimals = CAPTURES[capture]
    return native.Intake(venue, {symbol: decimals}, **options)


def unequal_books(rows: dict[str, Any]) -> tuple[int, int]:
    """Return how many rows of books can be compared, and how many differ from the latest quote at or before them.

    Comparable is what lies between two quotes: at the end of a recording the quote of the last diff may be cut off.
    """
    kinds = rows["kind"]
    books, quotes = np.flatnonzero(kinds == BOOK), np.flatnonzero(kinds == QUOTE)
    quotes = quotes[np.argsort(rows["seq_last"][quotes], kind="stable")]
    at = np.searchsorted(rows["seq_last"][quotes], rows["seq_last"][books], side="right") - 1
    inside = (at >= 0) & (at < len(quotes) - 1)
    books, latest = books[inside], quotes[at[inside]]
    best = ("bid", "ask", "bid_qty", "ask_qty")
    same = np.logical_and.reduce([rows[name][books] == rows[name][latest] for name in best])
    return len(books), int((~same).sum())


@pytest.mark.parametrize("capture", sorted(APPLIED))
def test_after_every_diff_the_book_is_the_venues(capture: str) -> None:
    venue, name, symbol, _ = CAPTURES[capture]
    parser = native.WireParser(symbol, venue)
    parser.feed(unpacked(name))
    parser.finish()
    batch = parser.take()
    engine = native.FlowEngine(batch.price_decimals, batch.qty_decimals)
    engine.push(batch)
    engine.finish()
    stats, (applied, dropped) = engine.stats(), APPLIED[capture]
    assert (stats["applied"], stats["dropped"], stats["gaps"], stats["crossed"]) == (applied, dropped, 0, 0)
    assert (stats["book_checks"], stats["book_matches"]) == (applied, applied)


@pytest.mark.parametrize("capture", sorted(CAPTURES))
def test_the_frames_say_which_venue_they_are_of(capture: str) -> None:
    venue, name, symbol, _ = CAPTURES[capture]
    check = native.Preflight()
    check.feed(unpacked(name))
    report = check.finish()
    assert (report["venue"], report["symbol"], report["book"]) == (venue, symbol, "synced")
    other = "binance-spot" if venue != "binance-spot" else "binance-usdm"
    with pytest.raises(ValueError, match=f"the frame is {venue}'s, expected {other}$"):
        native.WireParser(venue=other).feed(unpacked(name))


@pytest.mark.parametrize("capture", sorted(CAPTURES))
def test_every_frame_becomes_its_rows(capture: str) -> None:
    intake = intake_of(capture)
    intake.feed(unpacked(CAPTURES[capture][1]))
    taken = intake.take()
    rows, books = taken["rows"], taken["rows"]["books"]
    assert (taken["dead"], taken["gaps"]) == ([], [])
    assert Counter(rows["kind"].tolist()) == KINDS[capture]
    assert intake.stats()["symbols"][CAPTURES[capture][2]]["state"] == "synced"
    at = books["row"]
    assert (rows["kind"][at] == BOOK).all()
    assert len(at) == KINDS[capture][BOOK]
    assert (books["bid_price"][:, 0] == rows["bid"][at]).all()
    assert (books["ask_qty"][:, 0] == rows["ask_qty"][at]).all()
    assert (np.diff(books["bid_price"]) < 0).all()
    assert (np.diff(books["ask_price"]) > 0).all()
    assert unequal_books(rows)[1] == 0


def at_second(line: bytes) -> float:
    """Return the receive time of one of cryptofeed's lines."""
    head = line.split(b" -> ")[-1] if line.startswith(b"http") else line
    return float(head.split(b":", 1)[0])


# Venue, file, symbols, comparable diffs, and those that differ: COIN-M's bookTicker of 2021 left some changes out.
RECORDED_BY_CRYPTOFEED = {
    "usdm": ("binance-usdm", "BINANCE_FUTURES", 4, 720, 0),
    "coinm": ("binance-coinm", "BINANCE_DELIVERY", 10, 1_730, 3),
    "spot": ("binance-spot", "BINANCE", 4, 141, 0),
}


@pytest.mark.parametrize("market", sorted(RECORDED_BY_CRYPTOFEED))
def test_cryptofeeds_recordings_of_many_symbols_give_the_venues_books(market: str) -> None:
    venue, name, count, comparable, differing = RECORDED_BY_CRYPTOFEED[market]
    lines = unpacked(f"cryptofeed/{name}.ws.1.0").splitlines(keepends=True)[1:]
    replies = [line for line in unpacked(f"cryptofeed/{name}.http.0.0").splitlines(keepends=True) if b"symbol=" in line]
    symbols = {line.split(b"symbol=")[1].split(b"&")[0].decode() for line in replies}
    assert len(symbols) == count
    intake = native.Intake(venue, dict.fromkeys(symbols, (5, 3)))
    frames = [line for line in lines + replies if line.strip()]
    intake.feed(b"".join(sorted(frames, key=at_second)))
    taken, stats = intake.take(), intake.stats()
    assert (taken["dead"], taken["gaps"]) == ([], [])
    assert {stats["symbols"][symbol]["state"] for symbol in symbols} == {"synced"}
    found = []
    for code in range(count):
        of = taken["rows"]["symbol"] == code
        found.append(unequal_books({k: v[of] for k, v in taken["rows"].items() if isinstance(v, np.ndarray)}))
    assert [sum(column) for column in zip(*found, strict=True)] == [comparable, differing]


def test_one_symbol_is_read_out_of_a_recording_of_many() -> None:
    lines = unpacked("cryptofeed/BINANCE_FUTURES.ws.1.0").splitlines(keepends=True)[1:]
    lines += unpacked("cryptofeed/BINANCE_FUTURES.http.0.0").splitlines(keepends=True)
    frames = b"".join(
        sorted((line for line in lines if b'"lastUpdateId"' in line or line[:1].isdigit()), key=at_second)
    )
    for symbol, decimals, checks in (("SUSHIUSDT", (4, 0), 252), ("AKROUSDT", (5, 0), 188)):
        parser = native.WireParser(symbol, skip_others=True)
        parser.feed(frames)
        parser.finish()
        batch = parser.take()
        assert (batch.price_decimals, batch.qty_decimals) == decimals
        engine = native.FlowEngine(*decimals)
        engine.push(batch)
        engine.finish()
        assert engine.stats()["book_checks"] == engine.stats()["book_matches"]
        assert engine.stats()["applied"] == checks
    with pytest.raises(ValueError, match=r"^line \d+: frame is for \w+, expected SUSHIUSDT$"):
        native.WireParser("SUSHIUSDT").feed(frames)
    with pytest.raises(ValueError, match="no others to skip"):
        native.Preflight(skip_others=True)


def test_every_checksum_of_okx_is_met() -> None:
    frames = unpacked("cryptofeed/OKX.ws.1.0")
    symbols = ("BTC-USDT", "BTC-USD-220527", "UNI-USD-SWAP")
    intake = native.Intake("okx", dict.fromkeys(symbols, (8, 8)))
    intake.feed(frames)
    taken, stats = intake.take(), intake.stats()
    assert (taken["dead"], taken["gaps"]) == ([], [])
    assert frames.count(b'"checksum"') == sum(stats["symbols"][symbol]["applied"] for symbol in symbols) == 290
    # One quantity of one push another, and the sums no longer meet.
    lines = frames.splitlines(keepends=True)
    at = next(at for at, line in enumerate(lines) if b'"action":"update"' in line and b'"0","0","0"' in line)
    lines[at] = lines[at].replace(b'"0","0","0"', b'"7","0","0"', 1)
    intake = native.Intake("okx", dict.fromkeys(symbols, (8, 8)))
    intake.feed(b"".join(lines))
    gaps = intake.take()["gaps"]
    assert [gap["reason"] for gap in gaps] == ["checksum"]
    assert [symbol for symbol, _ in intake.wanted()] == [gaps[0]["symbol"]]


@pytest.fixture(scope="module")
def diffs() -> list[bytes]:
    """The USD-M capture's diffs and its snapshot, line by line."""
    lines = unpacked(CAPTURES["usdm-btc"][1]).splitlines(keepends=True)
    return [line for line in lines if b"@depth" in line[:50] or b"lastUpdateId" in line[:50]]


def books_by_id(rows: dict[str, Any]) -> dict[int, tuple[float, ...]]:
    """Return each book row's best levels by its final update id."""
    books = rows["books"]
    levels = np.hstack([books[name] for name in ("bid_price", "bid_qty", "ask_price", "ask_qty")])
    ids = rows["seq_last"][books["row"]].tolist()
    return dict(zip(ids, map(tuple, levels.tolist()), strict=True))


def reference_books(diffs: list[bytes]) -> dict[int, tuple[float, ...]]:
    intake = intake_of("usdm-btc", keep_levels=None)
    intake.feed(b"".join(diffs))
    return books_by_id(intake.take()["rows"])


def snapshot_line(recv_ns: int, last_id: int, live: dict[str, Any]) -> bytes:
    """Return the REST snapshot that a venue with this book would send."""
    sides = {name: [[f"{price:.2f}", f"{qty:.3f}"] for price, qty in live["book"][name]] for name in ("bids", "asks")}
    data = {"lastUpdateId": last_id, **sides}
    return f"{recv_ns} {json.dumps({'stream': 'btcusdt@depthSnapshot', 'data': data})}\n".encode()


def ids_of(line: bytes) -> tuple[int, int, int]:
    data = json.loads(line.split(b" ", 1)[1])["data"]
    return data["U"], data["u"], data["T"]


def spaced(chance: random.Random, count: int, end: int) -> Iterator[int]:
    """Yield `count` rising places below `end`, at least four apart."""
    gaps = sorted(chance.sample(range(end - 4 * count), count))
    return (place + 4 * at for at, place in enumerate(gaps))


def test_a_thousand_lost_diffs_are_each_found_at_the_next_one(diffs: list[bytes]) -> None:
    truth = intake_of("usdm-btc", keep_levels=None)
    intake = intake_of("usdm-btc")
    start = 10
    for one in (truth, intake):
        one.feed(b"".join(diffs[:start]))
        one.take()
    lost = set(spaced(random.Random(11), 1_000, len(diffs) - start - 3))
    books: dict[int, tuple[float, ...]] = {}
    expected: dict[int, tuple[float, ...]] = {}
    resync_at = None
    for at, line in enumerate(diffs[start:]):
        truth.feed(line)
        expected |= books_by_id(truth.take()["rows"])
        if at in lost:
            continue
        intake.feed(line)
        taken = intake.take()
        first, last, event_ms = ids_of(line)
        if at - 1 in lost:
            _, before, before_ms = ids_of(diffs[start + at - 2])
            record = {"from_u": before, "to_u": first, "from_ms": before_ms, "to_ms": event_ms}
            assert taken["gaps"] == [{"symbol": "BTCUSDT", **record, "reason": "chain"}]
            assert intake.live("BTCUSDT")["book"]["state"] == "buffering"
            assert [symbol for symbol, _ in intake.wanted()] == ["BTCUSDT"]
            resync_at = at + 1
        else:
            assert taken["gaps"] == []
        if at == resync_at:
            intake.feed(snapshot_line(int(line.split(b" ")[0]), last, truth.live("BTCUSDT", 300)))
            taken = intake.take()
            assert intake.live("BTCUSDT")["book"]["state"] == "synced"
        books |= books_by_id(taken["rows"])
    assert intake.stats()["gaps"] == 1_000
    assert len(books) > 4_000
    assert all(expected[last] == book for last, book in books.items())


@pytest.mark.parametrize("seed", range(4))
def test_repeated_and_reordered_diffs_never_give_a_wrong_book(diffs: list[bytes], seed: int) -> None:
    expected = reference_books(diffs)
    chance = random.Random(seed)
    lines = list(diffs)
    for _ in range(300):
        at = chance.randrange(len(lines) - 1)
        lines.insert(at + chance.randrange(3), lines[at])
    repeated = intake_of("usdm-btc", keep_levels=None)
    repeated.feed(b"".join(lines))
    taken = repeated.take()
    assert taken["gaps"] == []
    assert books_by_id(taken["rows"]) == expected
    for _ in range(1 + seed):
        at = 100 + chance.randrange(len(lines) - 102)
        lines[at], lines[at + 1] = lines[at + 1], lines[at]
    reordered = intake_of("usdm-btc", keep_levels=None)
    reordered.feed(b"".join(lines))
    taken = reordered.take()
    assert all(expected[last] == book for last, book in books_by_id(taken["rows"]).items())
    whole = len(taken["rows"]["books"]["row"]) == len(expected)
    assert whole != bool(taken["gaps"])


def test_features_are_not_ok_from_a_lost_diff_until_the_snapshot() -> None:
    truth = intake_of("usdm-btc", keep_levels=None)
    watched = intake_of("usdm-btc")
    watched.events("BTCUSDT")
    engine = native.FlowEngine(2, 3, 100)
    rows: list[dict[str, NDArray[Any]]] = []
    spans: list[tuple[int, int]] = []
    since_ms, seen, piece = None, 0, []
    for line in unpacked(CAPTURES["usdm-btc"][1]).splitlines(keepends=True):
        piece.append(line)
        if b"@depth" not in line[:50]:
            continue
        seen += 1
        truth.feed(b"".join(piece))
        if seen % 1_000 == 0:
            since_ms = ids_of(piece.pop())[2]
        watched.feed(b"".join(piece))
        piece.clear()
        if since_ms is not None and seen % 1_000 == 40:
            recv_ns, (_, last, event_ms) = int(line.split(b" ")[0]), ids_of(line)
            watched.feed(snapshot_line(recv_ns, last, truth.live("BTCUSDT", 500)))
            spans.append((since_ms, event_ms))
            since_ms = None
        rows.append(engine.push(watched.events("BTCUSDT")))
    rows.append(engine.finish())
    ends = np.concatenate([part["ts_ms"] for part in rows])
    book_ok = np.concatenate([part["book_ok"] for part in rows]) == 1
    lost = np.zeros(len(ends), dtype=bool)
    for from_ms, to_ms in spans:
        inside = (ends > from_ms) & (ends - 100 <= to_ms)
        assert not book_ok[inside][1:-1].any()
        lost |= (ends > from_ms - 1_000) & (ends - 100 <= to_ms + 1_000)
    assert len(spans) == 6
    assert book_ok[~lost][3:-3].all()


@pytest.mark.parametrize("lag", [-40, -3, 3, 40])
def test_two_sockets_give_the_rows_of_one(lag: int) -> None:
    lines = unpacked(CAPTURES["usdm-btc"][1]).splitlines(keepends=True)[:20_000]
    alone = intake_of("usdm-btc")
    alone.feed(b"".join(lines))
    both = intake_of("usdm-btc")
    # The second socket opens at 5,000 and the first closes at 15,000; the second runs some frames ahead or behind.
    for at in range(len(lines) + abs(lag)):
        if at < 15_000:
            both.feed(lines[at], 1)
        if at == 15_000:
            both.feed(b"".join(lines[15_000 : 15_000 + lag]) if lag > 0 else b"", 1)
            both.close(1)
        if 5_000 <= at - lag < len(lines):
            both.feed(lines[at - lag], 2)
    once, merged = alone.take(), both.take()
    assert merged["gaps"] == []
    assert both.stats()["repeats"] + both.stats()["waited"] > 9_000
    names = ("kind", "seq_last", "ts_ms", "price")
    of = [sorted(zip(*(taken["rows"][name].tolist() for name in names), strict=True)) for taken in (once, merged)]
    assert of[0] == of[1]
    for kind in (0, QUOTE, BOOK):
        ids = merged["rows"]["seq_last"][merged["rows"]["kind"] == kind]
        assert (np.diff(ids) > 0).all()


def mutated(chance: random.Random, line: bytes) -> bytes:
    """Return a line with some bytes changed, cut out or doubled; its line end stays."""
    text = bytearray(line[:-1])
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(text))
        size = chance.randint(1, 12)
        match chance.randrange(4):
            case 0:
                text[at] = chance.randrange(256)
            case 1:
                del text[at : at + size]
            case 2:
                text[at:at] = text[at : at + size]
            case _:
                text[at:at] = chance.choice([b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\", b"-", b"9" * 25, b"null"])
    return bytes(text).replace(b"\n", b" ") + b"\n"


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("capture", [*sorted(CAPTURES), "okx"])
def test_damaged_frames_stop_nothing(capture: str, seed: int) -> None:
    chance = random.Random(seed)
    if capture == "okx":
        symbols = ("BTC-USDT", "BTC-USD-220527", "UNI-USD-SWAP")
        intake = native.Intake("okx", dict.fromkeys(symbols, (8, 8)), book_layer=True)
        lines = unpacked("cryptofeed/OKX.ws.1.0").splitlines(keepends=True)
    else:
        intake = intake_of(capture, book_layer=True)
        lines = unpacked(CAPTURES[capture][1]).splitlines(keepends=True)[:4_000]
    damaged = [mutated(chance, line) if chance.random() < 0.3 else line for line in lines]
    intake.feed(b"".join(damaged) + chance.randbytes(50_000))
    taken, stats = intake.take(), intake.stats()
    assert len(taken["dead"]) == stats["dead"] > 0
    columns = [column for column in taken["rows"].values() if isinstance(column, np.ndarray)]
    assert {len(column) for column in columns} == {stats["rows"]}
    assert all(fault for _, _, fault in taken["dead"])


@pytest.mark.parametrize("seed", range(3))
def test_a_diff_that_cannot_be_read_is_a_gap_at_the_next(diffs: list[bytes], seed: int) -> None:
    chance = random.Random(seed)
    expected = reference_books(diffs)
    at = chance.randrange(1_000, len(diffs) - 1)
    lines = list(diffs)
    lines[at] = lines[at][: chance.randrange(30, len(lines[at]) - 3)] + b"\n"
    intake = intake_of("usdm-btc", keep_levels=None)
    intake.feed(b"".join(lines))
    taken = intake.take()
    assert [gap["to_u"] for gap in taken["gaps"]] == [ids_of(diffs[at + 1])[0]]
    assert len(taken["dead"]) == 1
    assert all(expected[last] == book for last, book in books_by_id(taken["rows"]).items())

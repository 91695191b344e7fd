"""A recording is judged whole before anything runs on it, and then gives its events without holding them."""

from __future__ import annotations

import gzip
import hashlib
import os
import re
from decimal import Decimal
from pathlib import Path

import chanflow_native
import pytest
from made_frames import START_MS, diff, quote, snapshot, sound_lines, trade, write_gzip, write_text

from chanflow.domain.errors import RecordingInvalid
from chanflow.market.recorded import RecordedSource

NS_PER_S = 1_000_000_000
START_NS = START_MS * 1_000_000
LATER = 1 << 62


def refusal(path: Path, **how: object) -> str:
    with pytest.raises(RecordingInvalid) as raised:
        RecordedSource.open(path, **how)  # type: ignore[arg-type]
    sentence = str(raised.value)
    assert "\n" not in sentence
    return sentence.replace(f"{path.parent}/", "")


def without(lines: list[str], text: str) -> list[str]:
    return [line for line in lines if text not in line]


def counts(source: RecordedSource, step_ns: int) -> list[int]:
    found, at_ns = [], source.start_ns
    while not source.exhausted:
        at_ns += step_ns
        found.append(len(source.next(at_ns)))
    return found


def test_a_sound_recording_says_what_it_holds(tmp_path: Path) -> None:
    path = write_gzip(tmp_path / "sound.txt.gz", sound_lines())
    source = RecordedSource.open(path)
    assert source.describe() == {
        "kind": "wire",
        "file": "sound.txt.gz",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "symbol": "SIMUSDT",
        "bytes": path.stat().st_size,
        "frames": 83,
    }
    assert (source.start_ns, source.end_ns) == (START_NS, (START_MS + 20_301) * 1_000_000)
    assert (source.price_decimals, source.qty_decimals, source.venue) == (2, 3, "binance-usdm")


def test_every_event_comes_once_whatever_the_step(tmp_path: Path) -> None:
    path = write_text(tmp_path / "sound.txt", sound_lines())
    for step_ns in (NS_PER_S // 10, NS_PER_S, 7 * NS_PER_S, LATER - START_NS):
        assert sum(counts(RecordedSource.open(path), step_ns)) == 83


def test_events_come_before_the_bound_and_the_rest_waits(tmp_path: Path) -> None:
    source = RecordedSource.open(write_text(tmp_path / "sound.txt", sound_lines()))
    first = source.next(START_NS + NS_PER_S)
    assert (len(first), first.last_event_ns) == (3, START_NS + 50_000_000)
    assert len(source.next(START_NS + NS_PER_S)) == 0
    second = source.next(START_NS + 2 * NS_PER_S)
    assert (len(second), second.trade_low, second.trade_high) == (4, 100.0, 100.02)
    assert not source.exhausted


def test_a_long_stretch_is_one_batch_though_it_is_read_in_pieces(tmp_path: Path) -> None:
    lines = sound_lines(4_000)
    path = write_text(tmp_path / "long.txt", lines)
    assert path.stat().st_size > 2 << 20
    whole = RecordedSource.open(path).next(LATER)
    assert len(whole) == len(lines)
    stepwise = RecordedSource.open(path)
    engines = [chanflow_native.FlowEngine(2, 3) for _ in range(2)]
    engines[0].push(whole)
    at_ns = START_NS
    while not stepwise.exhausted:
        at_ns += NS_PER_S // 3
        engines[1].push(stepwise.next(at_ns))
    assert engines[0].stats() == engines[1].stats()
    assert engines[0].stats()["applied"] == 4_001
    assert engines[0].stats()["gaps"] == 0


def test_gzip_members_follow_one_another(tmp_path: Path) -> None:
    path = write_gzip(tmp_path / "members.txt.gz", sound_lines(), members=9)
    path.write_bytes(path.read_bytes() + b"\0" * 64)
    assert RecordedSource.open(path).report["lines"] == 83


def test_known_rules_are_used_and_others_follow_the_decimals(tmp_path: Path) -> None:
    other = RecordedSource.open(write_text(tmp_path / "sim.txt", sound_lines())).instrument
    assert (other.base, other.quote, other.tick, other.step) == ("SIM", "USDT", Decimal("0.01"), Decimal("0.001"))
    lines = [line.replace("SIMUSDT", "BTCUSDT") for line in sound_lines()]
    known = RecordedSource.open(write_text(tmp_path / "btc.txt", lines)).instrument
    assert (known.symbol, known.tick, known.min_notional_quote) == ("BTCUSDT", Decimal("0.10"), Decimal(100))


def test_a_path_that_is_no_recording_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.txt") == "none.txt does not exist"
    (tmp_path / "folder.txt").mkdir()
    assert refusal(tmp_path / "folder.txt") == "folder.txt is a directory, a recording is one file"
    (tmp_path / "empty.txt.gz").write_bytes(b"")
    assert refusal(tmp_path / "empty.txt.gz") == "empty.txt.gz is empty"
    (tmp_path / "hollow.txt.gz").write_bytes(gzip.compress(b""))
    assert refusal(tmp_path / "hollow.txt.gz") == "hollow.txt.gz unpacks to nothing"
    os.mkfifo(tmp_path / "pipe.txt")
    assert refusal(tmp_path / "pipe.txt") == "pipe.txt is no regular file"
    write_text(tmp_path / "frames.csv", sound_lines())
    assert refusal(tmp_path / "frames.csv").startswith("frames.csv ends in neither .txt nor .txt.gz")


def test_gzip_damage_is_named(tmp_path: Path) -> None:
    write_text(tmp_path / "plain.txt.gz", sound_lines())
    assert refusal(tmp_path / "plain.txt.gz").startswith("plain.txt.gz is not gzip: ")

    packed = write_gzip(tmp_path / "packed.txt.gz", sound_lines(), members=2).read_bytes()
    (tmp_path / "packed.txt").write_bytes(packed)
    assert refusal(tmp_path / "packed.txt") == "packed.txt is gzip, its name must end in .txt.gz"

    cut = len(packed) - 12
    (tmp_path / "cut.txt.gz").write_bytes(packed[:cut])
    assert (
        refusal(tmp_path / "cut.txt.gz") == f"cut.txt.gz ends inside a gzip member after {cut} bytes: it is truncated"
    )

    (tmp_path / "bent.txt.gz").write_bytes(packed[:-6] + bytes([packed[-6] ^ 1]) + packed[-5:])
    assert refusal(tmp_path / "bent.txt.gz").startswith(
        f"bent.txt.gz is damaged within its first {len(packed)} bytes: "
    )

    (tmp_path / "tail.txt.gz").write_bytes(packed + b"something else")
    assert refusal(tmp_path / "tail.txt.gz").startswith("tail.txt.gz is damaged within its first ")


def test_what_unpacks_beyond_the_bound_is_refused_early(tmp_path: Path) -> None:
    path = tmp_path / "bomb.txt.gz"
    path.write_bytes(gzip.compress(b"# " + b"0" * (64 << 20) + b"\n"))
    assert path.stat().st_size < 100_000
    expected = "bomb.txt.gz unpacks to more than 2097152 bytes; raise the bound if it is meant"
    assert refusal(path, max_bytes=2 << 20) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (trade(START_MS + 30_000, 99, price="NaN"), "NaN"),
        (trade(START_MS + 30_000, 99, price="-1.00"), "-1.00"),
        (trade(START_MS + 30_000, 99)[:60], "last line has no line end"),
        (trade(START_MS + 30_000, 3), "trade t 3 is below the t 41 before it"),
        (quote(START_MS + 30_000, 5), "bookTicker u 5 is below the u 211 before it"),
        (diff(START_MS + 30_000, 4, 5, 3), "depth u 5 is below the u 210 before it"),
        (quote(START_MS + 30_000, 900, symbol="ETHUSDT"), "frame is for ETHUSDT, expected SIMUSDT"),
        (quote(START_MS + 30_000, 900, bid="100.05"), "bookTicker is crossed"),
        ("hello", ""),
    ],
)
def test_a_line_that_cannot_be_used_is_named(tmp_path: Path, line: str, expected: str) -> None:
    path = tmp_path / "bad.txt"
    path.write_text("".join(f"{sound}\n" for sound in sound_lines()) + line)
    sentence = refusal(path)
    assert sentence.startswith("bad.txt: line 84: ")
    assert expected in sentence


def test_another_symbol_than_asked_for_is_refused(tmp_path: Path) -> None:
    path = write_text(tmp_path / "sound.txt", sound_lines())
    assert refusal(path, symbol="BTCUSDT") == "sound.txt: line 1: frame is for SIMUSDT, expected BTCUSDT"
    assert RecordedSource.open(path, symbol="SIMUSDT").instrument.symbol == "SIMUSDT"


def test_a_book_that_cannot_be_built_is_refused(tmp_path: Path) -> None:
    lines = sound_lines()
    write_text(tmp_path / "bare.txt", without(lines, "lastUpdateId"))
    assert refusal(tmp_path / "bare.txt").startswith("bare.txt has no depth snapshot that fits its depth frames")
    write_text(tmp_path / "flat.txt", without(without(lines, "lastUpdateId"), "depthUpdate"))
    assert refusal(tmp_path / "flat.txt") == "flat.txt has no depth frames, so there is no book to trade on"


def test_a_book_lost_for_good_is_refused_unless_gaps_are_accepted(tmp_path: Path) -> None:
    lines = sound_lines()
    del lines[43]
    path = write_text(tmp_path / "gap.txt", lines)
    assert refusal(path) == (
        "gap.txt: line 47: the book is lost by a gap, and at the end no snapshot has brought it back; "
        "accept gaps to run it with the book closed from there"
    )
    accepted = RecordedSource.open(path, accept_gaps=True)
    assert RecordedSource.open(path, expect=accepted.describe()).describe() == accepted.describe()


def test_a_later_snapshot_makes_a_gap_good(tmp_path: Path) -> None:
    lines = sound_lines()
    lines.insert(51, snapshot(START_MS + 12_600, 130))
    del lines[43]
    assert RecordedSource.open(write_text(tmp_path / "gap.txt", lines)).report["book"] == "synced"


def test_coin_margined_contracts_are_refused(tmp_path: Path) -> None:
    lines = [line.replace("SIMUSDT", "BTCUSD_PERP") for line in sound_lines()]
    sentence = refusal(write_text(tmp_path / "coin.txt", lines))
    assert sentence == "coin.txt holds BTCUSD_PERP, whose quantities are contracts; only USD-M symbols are read"


def test_frames_of_another_market_are_refused(tmp_path: Path) -> None:
    lines = [re.sub(r'"pu":\s*\d+,\s*', "", line) for line in sound_lines()]
    lines = [re.sub(r'"e":\s*"bookTicker",\s*', "", line) for line in lines]
    sentence = refusal(write_text(tmp_path / "spot.txt", lines))
    assert sentence == "spot.txt holds frames of binance-spot; only those of binance-usdm are traded on"


def test_another_file_than_the_journals_is_refused(tmp_path: Path) -> None:
    described = RecordedSource.open(write_text(tmp_path / "one.txt", sound_lines(20))).describe()
    other = write_text(tmp_path / "two.txt", sound_lines(21))
    assert refusal(other, expect=described).startswith("two.txt is another recording: its SHA-256 is ")


def test_a_file_that_changes_while_it_is_read_is_noticed(tmp_path: Path) -> None:
    path = write_text(tmp_path / "sound.txt", sound_lines(20))
    source = RecordedSource.open(path)
    write_text(path, sound_lines(21))
    with pytest.raises(RecordingInvalid, match="changed while it was read"):
        source.next(LATER)


def test_joining_no_batch_is_refused() -> None:
    with pytest.raises(ValueError, match="no batch to join"):
        chanflow_native.join_batches([])


@pytest.mark.golden
def test_the_recorded_frames_of_2024_08_08_are_sound(market_data: Path) -> None:
    source = RecordedSource.open(market_data / "wire" / "binance_usdm_BTCUSDT_20240808.txt.gz", symbol="BTCUSDT")
    assert (source.report["lines"], source.report["book"]) == (93_954, "synced")
    assert source.instrument.tick == Decimal("0.10")
    engine = chanflow_native.FlowEngine(source.price_decimals, source.qty_decimals)
    at_ns = source.start_ns
    while not source.exhausted:
        at_ns += NS_PER_S
        engine.push(source.next(at_ns))
    stats = engine.stats()
    assert (stats["trades"], stats["quotes"], stats["applied"], stats["gaps"]) == (21_313, 66_089, 6_547, 0)

"""The desk's sink as a tail: what waits can be seen, and seeing changes nothing."""

from __future__ import annotations

from pathlib import Path

from chanflow.adapters.storage.lake import LakeWriter
from chanflow.adapters.storage.lake_source import LakeSource
from chanflow.adapters.storage.sink import LakeSink
from chanflow.market.feed import Feed, SliceQuery
from chanflow.market.synthetic import SyntheticSource

STEP_NS = 20_000_000_000


class ClockAtZero:
    def now_ns(self) -> int:
        return 0

    def monotonic_ns(self) -> int:
        return 0

    async def sleep_until(self, at_ns: int) -> None:
        raise AssertionError("nothing waits")


def run(root: Path, *, looked_at: bool) -> tuple[dict[str, bytes], list[int]]:
    source = SyntheticSource(3, duration_s=180)
    symbol = source.instrument.symbol
    writer = LakeWriter(root, "sim", symbol, writer_id="desk", rotate_s=60)
    sink = LakeSink(writer, rotate_s=60, price_decimals=source.price_decimals, qty_decimals=source.qty_decimals)
    feed = Feed([LakeSource(root)], ClockAtZero(), tails=[sink])
    query = SliceQuery((symbol,), 0, source.end_ns // 1_000_000 + 1)
    seen = []
    for until_ns in range(source.start_ns + STEP_NS, source.end_ns + STEP_NS, STEP_NS):
        sink.add(source.next(until_ns))
        if looked_at:
            seen.append(sum(page.rows.height for page in feed.pages(query)))
            found = feed.live_snapshot([symbol])[0]
            assert found.quote is not None
            assert until_ns - STEP_NS < found.quote["event_ms"] * 1_000_000 <= until_ns
    sink.close()
    files = {path.name: path.read_bytes() for path in root.rglob("part-*.parquet")}
    seen.append(sum(page.rows.height for page in feed.pages(query)))
    return files, seen


def test_every_row_is_seen_once_while_it_waits_and_after(tmp_path: Path) -> None:
    plain, whole = run(tmp_path / "a", looked_at=False)
    looked, seen = run(tmp_path / "b", looked_at=True)
    assert looked == plain
    assert seen[-1] == seen[-2] == whole[0]
    assert seen == sorted(seen)
    assert seen[0] > 0


def test_of_another_symbol_it_knows_nothing(tmp_path: Path) -> None:
    writer = LakeWriter(tmp_path, "sim", "SIMUSDT", writer_id="desk")
    sink = LakeSink(writer, rotate_s=60, price_decimals=2, qty_decimals=3)
    assert sink.tail("OTHER") is None
    assert sink.live("OTHER") is None
    assert sink.tail("SIMUSDT") is None
    sink.discard()

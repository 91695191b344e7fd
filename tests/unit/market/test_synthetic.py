"""A seed is the whole market."""

from __future__ import annotations

import hashlib

import chanflow_native
import pytest

from chanflow.domain.errors import InvalidArgument
from chanflow.market.synthetic import START_NS, SyntheticSource

NS_PER_S = 1_000_000_000


def digest(source: SyntheticSource, step_ns: int) -> str:
    """Return the hash of all rows, taken `step_ns` at a time."""
    rows = chanflow_native.RowCollector(source.price_decimals, source.qty_decimals)
    at_ns = source.start_ns
    while not source.exhausted:
        at_ns += step_ns
        rows.push(source.next(at_ns))
    columns = rows.take()
    assert len(columns["ts_ms"]) > 100
    assert columns["ts_ms"].max() < source.end_ns // 1_000_000
    return hashlib.sha256(b"".join(columns[name].tobytes() for name in sorted(columns))).hexdigest()


def test_one_seed_is_one_market_and_another_seed_is_another() -> None:
    first = digest(SyntheticSource(7, duration_s=120), NS_PER_S)
    assert digest(SyntheticSource(7, duration_s=120), NS_PER_S) == first
    assert digest(SyntheticSource(8, duration_s=120), NS_PER_S) != first


def test_the_step_leaves_no_trace() -> None:
    first = digest(SyntheticSource(7, duration_s=60), NS_PER_S)
    assert digest(SyntheticSource(7, duration_s=60), NS_PER_S // 10) == first
    assert digest(SyntheticSource(7, duration_s=60), 3_600 * NS_PER_S) == first


def test_a_description_makes_the_same_market_again() -> None:
    source = SyntheticSource(7, start_ns=START_NS + NS_PER_S, duration_s=30)
    assert source.describe() == {
        "kind": "synthetic",
        "generator": "synthetic/1",
        "seed": 7,
        "symbol": "SIMUSDT",
        "start_ns": START_NS + NS_PER_S,
        "duration_s": 30,
    }
    again = SyntheticSource.from_description(source.describe())
    assert (again.start_ns, again.end_ns) == (source.start_ns, source.end_ns)
    assert digest(again, NS_PER_S) == digest(source, NS_PER_S)


def test_another_generator_is_refused() -> None:
    described = SyntheticSource(7).describe() | {"generator": "synthetic/0"}
    with pytest.raises(InvalidArgument, match="made by 'synthetic/0', this version has 'synthetic/1'"):
        SyntheticSource.from_description(described)


def test_bounds_are_checked() -> None:
    for seed in (-1, 1 << 64):
        with pytest.raises(InvalidArgument, match="seed is"):
            SyntheticSource(seed)
    with pytest.raises(InvalidArgument, match="lasts 0 s"):
        SyntheticSource(1, duration_s=0)


def test_it_ends_with_its_day() -> None:
    source = SyntheticSource(7, duration_s=10)
    assert (source.start_ns, source.end_ns) == (START_NS, START_NS + 10 * NS_PER_S)
    source.next(START_NS + 9 * NS_PER_S)
    assert not source.exhausted
    assert len(source.next(START_NS + 60 * NS_PER_S)) > 0
    assert source.exhausted
    assert len(source.next(START_NS + 120 * NS_PER_S)) == 0

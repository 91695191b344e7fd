"""On recorded bars the history says what a replay of every prefix shows, and nothing confirmed ever changes."""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from chanflow.backtest.certificate import Certificate, certificate_json
from chanflow.backtest.certify import CertifySpec, analyse_with_history, certify
from chanflow.backtest.history import VOID, ever_shown, history_of
from chanflow.backtest.proof import first_bars
from chanflow.backtest.series import Series, at_intervals, read_series
from chanflow.features.chan import LEVELS, POINT_TYPES
from chanflow.features.reference.bar import Bar
from chanflow.features.reference.structure import analyze
from chanflow.runtime.clock import SeededRandomness

pytestmark = pytest.mark.golden

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("CHANFLOW_TEST_DATA", str(ROOT.parent / "shared"))) / "data"


def recorded(name: str) -> list[Series]:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"MARKET DATA ABSENT: {path} is not there; set CHANFLOW_TEST_DATA")
    return list(read_series(path))


def measured(*series: Series, preset: str = "default", prefixes: int = 40) -> Certificate:
    spec = CertifySpec(preset, prefixes=prefixes)
    return certify(series, spec, randomness=SeededRandomness(spec.seed), code={"version": "test"})


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["default", "new_bi"])
def test_the_history_has_what_a_replay_of_every_prefix_shows(preset: str) -> None:
    """The plain Python reference, run on each prefix, is the witness."""
    (whole,) = recorded("series/btcspot_1h.csv.gz")
    bars = first_bars(whole.bars, 800)
    rows = [
        Bar(*row)
        for row in zip(
            *(getattr(bars, name).tolist() for name in ("ts_ms", "open", "high", "low", "close")), strict=True
        )
    ]
    first_seen: dict[tuple[str, str, int, int], int] = {}
    shown: set[tuple[str, str, int, int]] = set()
    for count in range(1, len(rows) + 1):
        points = analyze(rows[:count], preset=preset)["points"]
        shown = {(p["level"], kind, 1 if p["side"] == "buy" else -1, p["bar"]) for p in points for kind in p["types"]}
        for key in shown:
            first_seen.setdefault(key, count - 1)
    history = history_of(analyse_with_history(bars, CertifySpec(preset)))
    ever = ever_shown(history)
    level, kind, side, bar = (column[ever.row].tolist() for column in (
        history.level, history.type, history.side, history.bar
    ))  # fmt: skip
    keys = zip([LEVELS[at] for at in level], [POINT_TYPES[at] for at in kind], side, bar, strict=True)
    found = dict(zip(keys, zip(ever.first_seen_bar.tolist(), ever.in_final.tolist(), strict=True), strict=True))
    assert len(found) > 30
    assert found == {key: (seen, key in shown) for key, seen in first_seen.items()}


@pytest.mark.parametrize("name", ["sol_1m", "sse_5m"])
def test_each_type_of_one_end_is_dated_by_itself(name: str) -> None:
    """An end is a 2s first and a 3b later: the 3b was not seen when the 2s was."""
    (whole,) = recorded(f"series/{name}.csv.gz")
    spec = CertifySpec()
    history = history_of(analyse_with_history(whole.bars, spec))
    kept = history.state != VOID
    ends, counts = np.unique(history.bar[kept], return_counts=True)
    of_several = np.flatnonzero(kept & np.isin(history.bar, ends[counts > 1]))
    assert of_several.size > 10
    for row in of_several.tolist():
        key, seen = history.keys()[row], int(history.first_seen_bar[row])
        then = history_of(analyse_with_history(first_bars(whole.bars, seen + 1), spec))
        assert key in then.keys()[then.state != VOID], (int(history.bar[row]), POINT_TYPES[history.type[row]], seen)


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["default", "new_bi", "totally"])
@pytest.mark.parametrize("name", ["btcspot_1h", "ethusdt_15m", "sse_5m", "spdb_1d"])
def test_nothing_confirmed_ever_changes(name: str, preset: str) -> None:
    found = measured(*recorded(f"series/{name}.csv.gz"), preset=preset)
    assert found.holds, found.proof
    assert 30 < found.proof.prefixes <= 40
    assert found.proof.confirmed_compared > 1_000


@pytest.mark.slow
def test_a_certificate_is_the_same_bytes_twice_and_its_counts_agree() -> None:
    (series,) = recorded("series/btcspot_1h.csv.gz")
    first, second = measured(series, prefixes=0), measured(series, prefixes=0)
    assert certificate_json(first) == certificate_json(second)
    assert {cell.type for cell in first.cells} >= {"1", "1p", "2", "2s", "3a", "3b"}
    for cell in first.cells:
        lasting = cell.permanence
        assert lasting.in_final <= lasting.ever_shown
        assert cell.from_first_seen.n + cell.from_first_seen.left_out == lasting.ever_shown
        assert cell.from_confirmed.n + cell.from_confirmed.left_out == lasting.confirmed
        assert cell.from_first_seen.base_n == 20 * cell.from_first_seen.n
    strokes = [cell for cell in first.elements if cell.kind == "stroke"]
    assert all(cell.permanence.lag_p50_bars for cell in strokes)


@pytest.mark.slow
def test_random_entries_on_recorded_bars_hit_nearly_half_of_the_time() -> None:
    cells = measured(*recorded("series/btcspot_1h.csv.gz"), prefixes=0).cells
    drawn = sum(cell.from_first_seen.base_n for cell in cells)
    hits = sum((cell.from_first_seen.base_hit_rate or 0) * cell.from_first_seen.base_n for cell in cells)
    assert drawn > 5_000
    assert 0.42 < hits / drawn < 0.5  # ties and time-outs are no hits


def test_the_files_read_as_their_notes_say() -> None:
    stocks = recorded("klines/ashare_daily_34stocks_to_2016.parquet")
    assert len(stocks) == 34
    assert sum(one.source.rows for one in stocks) == 139_359
    assert sum(one.source.suspended for one in stocks) == 6_787 + 2  # two volumes are not there
    assert all(one.source.adjusted and one.market == "cn" for one in stocks)
    perpetuals = recorded("klines/binance_usdm_1m_14sym_202505_202506.parquet")
    assert (len(perpetuals), sum(len(one.bars) for one in perpetuals)) == (14, 621_782)
    assert Counter(one.market for one in perpetuals) == {"crypto": 14}
    (minutes,) = recorded("klines/ashare_000001SH_1m_2015_2019.parquet")
    (days,) = at_intervals(minutes, ["1d"])
    assert len(days.bars) == 1_000


def test_resampled_bars_are_certified_on_the_markets_calendar() -> None:
    (minutes,) = recorded("klines/ashare_000001SH_1m_2015_2019.parquet")
    short = replace(minutes, bars=first_bars(minutes.bars, 48_000))
    document = json.loads(certificate_json(measured(*at_intervals(short, ["30m"]), prefixes=10)))
    assert document["holds"]
    assert (document["data"][0]["interval"], document["data"][0]["source_interval"]) == ("30m", "1m")
    assert document["data"][0]["rows"] == pytest.approx(1_600, abs=16)
    assert np.isin([cell["interval"] for cell in document["cells"]], ["30m"]).all()

"""Cells count what a replay showed: survival, lag, entries against random ones, and the same bytes every time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from made_history import BUY, CONFIRMED, PROVISIONAL, SELL, TYPE_1, TYPE_2, VOID, structure

from chanflow.adapters.storage.bars_file import BarColumns
from chanflow.backtest.barriers import Costs
from chanflow.backtest.certificate import (
    Certificate,
    PointCell,
    certificate_document,
    certificate_json,
    certificate_table,
    nearest_rank,
)
from chanflow.backtest.certify import CertifySpec, certify
from chanflow.backtest.series import Series, Source
from chanflow.domain.errors import RecordingInvalid
from chanflow.runtime.clock import SeededRandomness

Rows = Sequence[Sequence[int]]
SPEC = CertifySpec(prefixes=0)
WAVE = 100  # bars from one turn up to the next


def series(name: str = "A", *, bars: int = 3_000, symbol: str = "AUSDT", interval: str = "1h") -> Series:
    """Return a triangle wave: up 1 % for 50 bars, down again for 50."""
    phase = np.arange(bars) % WAVE
    close = 100.0 * 1.01 ** np.minimum(phase, WAVE - phase)
    open_ = np.concatenate((close[:1], close[:-1]))
    high, low = np.maximum(open_, close), np.minimum(open_, close)
    columns = BarColumns(np.arange(bars) * 3_600_000, open_, high, low, close)
    source = Source(f"{name}.parquet", name * 64, symbol, "crypto", "1h", bars, 0, 1, 0, 0, adjusted=False)
    return Series(source, interval, columns)


def measured(points: Rows, *parts: Series, spec: CertifySpec = SPEC, strokes: Rows = ()) -> Certificate:
    """Return the certificate of series that all show the same."""
    return certify(
        parts or (series(),), spec, randomness=SeededRandomness(spec.seed), code={"version": "0"},
        analyse=lambda bars: structure(points, strokes),
    )  # fmt: skip


def only_cell(certificate: Certificate) -> PointCell:
    (cell,) = certificate.cells
    return cell


def test_survival_and_lag_are_counted_over_all_ever_shown() -> None:
    rows = [
        (0, TYPE_1, BUY, 100, CONFIRMED, 103, 113), (0, TYPE_1, BUY, 200, CONFIRMED, 203, 223),
        (0, TYPE_1, BUY, 300, VOID, 303, -1), (0, TYPE_1, BUY, 400, PROVISIONAL, 403, -1),
    ]  # fmt: skip
    found = only_cell(measured(rows)).permanence
    assert (found.ever_shown, found.in_final, found.survival, found.confirmed, found.confirmed_withdrawn) == (
        4, 3, 0.75, 2, 0
    )  # fmt: skip
    assert (found.lag_p50_bars, found.lag_p90_bars) == (10, 20)
    assert (found.survival_low, found.survival_high) == (0.300642, 0.954413)
    assert found.few


def test_every_type_side_and_level_has_its_own_cell() -> None:
    rows = [
        (0, TYPE_1 | TYPE_2, SELL, 100, PROVISIONAL, 103, -1), (1, TYPE_1, SELL, 100, PROVISIONAL, 103, -1),
        (0, TYPE_1, BUY, 150, PROVISIONAL, 153, -1),
    ]  # fmt: skip
    assert [(cell.level, cell.type, cell.side, cell.permanence.ever_shown) for cell in measured(rows).cells] == [
        ("stroke", "1", "buy", 1), ("stroke", "1", "sell", 1), ("stroke", "2", "sell", 1), ("segment", "1", "sell", 1)
    ]  # fmt: skip


def test_points_at_the_turns_hit_and_random_entries_do_so_half_the_time() -> None:
    rows = [(0, TYPE_1, BUY, at, CONFIRMED, at + 1, at + 60) for at in range(WAVE, 2_900, WAVE)]
    cell = only_cell(measured(rows))
    seen, sure = cell.from_first_seen, cell.from_confirmed
    assert (seen.n, seen.hit_rate, seen.timeout_share, seen.few) == (28, 1.0, 0.0, True)
    assert (sure.n, sure.hit_rate) == (28, 0.0)  # by then the wave is on its way down
    assert seen.base_n == 28 * 20
    assert seen.base_hit_rate == pytest.approx(0.5, abs=0.07)
    assert seen.hit_low is not None
    assert seen.hit_low > 0.87


def test_a_sell_is_measured_as_the_mirror_of_a_buy() -> None:
    rows = [(0, TYPE_1, SELL, at, PROVISIONAL, at + 1, -1) for at in range(50, 2_900, WAVE)]
    assert only_cell(measured(rows)).from_first_seen.hit_rate == 1.0


def test_costs_lower_the_net_of_points_and_of_random_entries_alike() -> None:
    rows = [(0, TYPE_1, BUY, at, PROVISIONAL, at + 1, -1) for at in range(WAVE, 2_900, WAVE)]
    free = only_cell(measured(rows, spec=replace(SPEC, costs=Costs(0, 0)))).from_first_seen
    dear = only_cell(measured(rows, spec=replace(SPEC, costs=Costs(9, 1)))).from_first_seen
    assert free.mean_gross_bps == free.mean_net_bps == dear.mean_gross_bps
    for before, after in ((free.mean_net_bps, dear.mean_net_bps), (free.base_mean_net_bps, dear.base_mean_net_bps)):
        assert before is not None
        assert after is not None
        assert before - after == pytest.approx(20, abs=0.5)


def test_entries_that_cannot_be_judged_are_left_out_and_counted() -> None:
    rows = [(0, TYPE_1, BUY, at, PROVISIONAL, at, -1) for at in (5, 500, 2_990)]
    found = only_cell(measured(rows)).from_first_seen
    assert (found.n, found.left_out) == (1, 2)


def test_a_point_that_is_never_confirmed_has_no_entry_after_it() -> None:
    found = only_cell(measured([(0, TYPE_1, BUY, 100, VOID, 103, -1)])).from_confirmed
    assert (found.n, found.hit_rate, found.mean_net_bps, found.base_hit_rate) == (0, None, None, None)


def test_series_of_one_market_and_interval_are_pooled() -> None:
    rows = [(0, TYPE_1, BUY, at, PROVISIONAL, at + 1, -1) for at in range(WAVE, 2_900, WAVE)]
    found = measured(rows, series("A"), series("B", symbol="BUSDT"), series("A", interval="2h"))
    assert [(cell.interval, cell.series, cell.permanence.ever_shown, cell.permanence.few) for cell in found.cells] == [
        ("1h", 2, 56, False), ("2h", 1, 28, True)
    ]  # fmt: skip
    assert [one.symbol for one in found.data] == ["AUSDT", "BUSDT", "AUSDT"]


def test_one_more_series_does_not_shift_the_chance_of_another() -> None:
    rows = [(0, TYPE_1, BUY, at, PROVISIONAL, at + 1, -1) for at in range(WAVE, 2_900, WAVE)]
    alone = measured(rows, series("A", interval="2h"))
    together = measured(rows, series("B"), series("A", interval="2h"))
    assert together.cells[1] == alone.cells[0]


def test_the_seed_moves_random_entries_and_nothing_else() -> None:
    rows = [(0, TYPE_1, BUY, at, PROVISIONAL, at + 1, -1) for at in range(WAVE, 2_900, WAVE)]
    one, other = (only_cell(measured(rows, spec=replace(SPEC, seed=seed))).from_first_seen for seed in (1, 2))
    assert one.base_mean_net_bps != other.base_mean_net_bps
    assert replace(one, base_hit_rate=None, base_mean_net_bps=None) == replace(
        other, base_hit_rate=None, base_mean_net_bps=None
    )


def test_strokes_have_survival_and_lag_by_direction() -> None:
    strokes = [(10, 20, 1, CONFIRMED, 22, 30), (20, 28, -1, VOID, 29, -1), (28, 40, 1, PROVISIONAL, 42, -1)]
    up, down = measured((), strokes=strokes).elements
    assert (up.kind, up.direction, up.permanence.ever_shown, up.permanence.survival, up.permanence.lag_p90_bars) == (
        "stroke", "up", 2, 1.0, 8
    )  # fmt: skip
    assert (down.direction, down.permanence.survival, down.permanence.lag_p50_bars) == ("down", 0.0, None)


def test_a_confirmed_point_that_was_withdrawn_breaks_the_certificate() -> None:
    assert measured([(0, TYPE_1, BUY, 100, CONFIRMED, 103, 113)]).holds
    assert not measured([(0, TYPE_1, BUY, 100, VOID, 103, 113)]).holds


def test_a_proof_that_fails_breaks_the_certificate() -> None:
    point = [(0, TYPE_1, BUY, 100, CONFIRMED, 103, 113)]

    def gone_at_first(bars: BarColumns) -> Any:
        return structure(point if len(bars) == 3_000 else ())

    found = certify(
        [series()], replace(SPEC, prefixes=4), randomness=SeededRandomness(1), code={}, analyse=gone_at_first
    )
    assert found.proof.prefixes == 4  # at 103 and 113, at the first bar and the last
    assert found.proof.history_differs == 2  # not seen at 103, not confirmed at 113
    assert not found.holds


def test_the_same_series_twice_is_refused() -> None:
    with pytest.raises(RecordingInvalid, match=r"A\.parquet has AUSDT at 1h twice"):
        measured((), series(), series())


def test_bars_that_the_engine_refuses_are_named() -> None:
    def refuse(bars: BarColumns) -> Any:
        raise ValueError("bar 7 is malformed")

    with pytest.raises(RecordingInvalid, match=r"A\.parquet AUSDT at 1h: bar 7 is malformed"):
        certify([series()], SPEC, randomness=SeededRandomness(1), code={}, analyse=refuse)


def test_the_json_is_the_same_bytes_and_of_its_schema() -> None:
    rows = [(0, TYPE_1, BUY, at, PROVISIONAL, at + 1, -1) for at in range(WAVE, 2_900, WAVE)]
    spec = replace(SPEC, params={"divergence_rate": float("inf"), "bi_strict": False})
    text = certificate_json(measured(rows, spec=spec))
    assert text == certificate_json(measured(rows, spec=spec))
    document = json.loads(text)
    assert document["schema"] == "chanflow.certificate/1"
    assert document["params"] == {"bi_strict": False, "divergence_rate": "inf"}
    assert document["barriers"] == {"atr_multiple": 2.0, "atr_bars": 14, "horizon_bars": 48}
    assert document["data"][0]["sha256"] == "A" * 64
    assert document["cells"][0]["from_first_seen"]["n"] == 28


def test_the_table_shows_every_cell_and_says_where_there_are_few() -> None:
    rows = [(0, TYPE_1, BUY, at, PROVISIONAL, at + 1, -1) for at in range(WAVE, 2_900, WAVE)]
    text = certificate_table(certificate_document(measured(rows)))
    lines = text.splitlines()
    assert "| crypto | 1h | stroke | 1 | buy | 28 (n < 30) | 100.0 % [87.9, 100.0] | 0 | – |" in lines
    entries = [
        line for line in lines if line.startswith("| crypto | 1h | stroke | 1 | buy |") and line.count("|") == 13
    ]
    assert [line.split(" | ")[6] for line in entries] == ["100.0 % [87.9, 100.0]", "–"]
    assert f"| A.parquet | AUSDT | crypto | 1h | 1970-01-01 00:00 | 1970-05-05 23:00 | 3,000 | `{'A' * 12}` |" in lines
    assert "None was shown." in lines  # elements
    assert "**Does not hold**" not in text
    broken = certificate_document(measured([(0, TYPE_1, BUY, 100, VOID, 103, 113)]))
    assert "**Does not hold**" in certificate_table(broken)


@pytest.mark.parametrize(("percent", "rank"), [(50, 2), (90, 4), (1, 1)])
def test_a_percentile_is_a_value_that_occurred(percent: int, rank: int) -> None:
    assert nearest_rank([1, 2, 3, 4], percent) == rank


def test_a_certificate_of_nothing_is_whole() -> None:
    found = measured((), series(bars=2))
    assert (found.cells, found.elements, found.holds) == ((), (), True)
    assert "None was shown." in certificate_table(certificate_document(found))


@pytest.mark.parametrize("wrong", [{"controls_per_entry": 0}, {"prefixes": -1}])
def test_a_spec_out_of_bounds_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 1 and 0"):
        CertifySpec(**wrong)  # type: ignore[arg-type]

from __future__ import annotations

import json
from typing import Any

import pytest
from made_features import START_MS, row, wavy

from chanflow.domain.signal import Signal
from chanflow.signals.core_algorithm import MAX_SYMBOLS, CoreAlgorithm, CoreConfig
from chanflow.signals.mode import ModeConfig

ACTIVE = ModeConfig(setting="active")


def core(**config: Any) -> CoreAlgorithm:
    return CoreAlgorithm(CoreConfig(**{"mode": ACTIVE, **config}), run_id="r", config_hash="c" * 64)


def decided(**changes: Any) -> Signal:
    return core().decide(row(**changes))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, "OK"),
        ({"z_ofi": None}, "BAD_INPUT"),
        ({"warmup": True}, "WARMUP"),
        ({"move_5m_bps": None}, "WARMUP"),
        ({"book_ok": False}, "FAIL_GATING"),
        ({"book_ok": None}, "OK"),
        ({"lag_sec": 3.0}, "OK"),
        ({"lag_sec": 3.001}, "FAIL_GATING"),
        ({"spread_bps": 20.0}, "OK"),
        ({"spread_bps": 20.01}, "FAIL_GATING"),
        ({"fusion": None}, "FAIL_GATING"),
        ({"z_ofi": None, "z_cvd": None, "book_ok": False}, "FAIL_GATING"),
        ({"move_5m_bps": None, "mid": None}, "BAD_REGIME"),
        ({"move_5m_bps": 0.0}, "BAD_REGIME"),
        ({"z_ofi": 1.2}, "OK"),
        ({"z_ofi": 1.19}, "BAD_REGIME"),
        ({"z_ofi": 1.0, "move_5m_bps": -1.0}, "OK"),
        ({"z_ofi": 0.99, "move_5m_bps": -1.0}, "BAD_REGIME"),
        ({"consistency": 0.12}, "OK"),
        ({"consistency": 0.119}, "LOW_CONSISTENCY"),
        ({"consistency": 0.0}, "LOW_CONSISTENCY"),
        ({"fusion": 0.5}, "OK"),
        ({"fusion": 0.499}, "LOW_SCORE"),
    ],
)
def test_each_test_has_its_code(changes: dict[str, Any], code: str) -> None:
    one = decided(**changes)
    assert one.decision_code == code
    assert bool(one.reasons) != one.confirm


SPOILT: list[tuple[str, dict[str, Any]]] = [
    ("BAD_INPUT", {"lag_sec": None}),
    ("WARMUP", {"warmup": True}),
    ("FAIL_GATING", {"book_ok": False}),
    ("BAD_REGIME", {"z_ofi": 0.1}),
    ("LOW_CONSISTENCY", {"consistency": 0.0}),
    ("LOW_SCORE", {"fusion": 0.01}),
]


@pytest.mark.parametrize("first", range(1, len(SPOILT)))
def test_the_first_test_that_fails_names_the_decision(first: int) -> None:
    spoilt = {name: value for _, changes in SPOILT[first:] for name, value in changes.items()}
    assert decided(**spoilt).decision_code == SPOILT[first][0]


def test_a_quiet_mode_asks_more() -> None:
    quiet = CoreAlgorithm(CoreConfig(mode=ModeConfig(setting="quiet")), run_id="r", config_hash="c" * 64)
    codes = [quiet.decide(row(at, **changes)).decision_code for at, changes in enumerate(
        [{"fusion": 0.69}, {"consistency": 0.149}, {"fusion": 0.7, "consistency": 0.15}]
    )]  # fmt: skip
    assert codes == ["LOW_SCORE", "LOW_CONSISTENCY", "OK"]


@pytest.mark.parametrize(("score", "kind", "side"), [
    (0.5, "buy", "buy"), (0.999, "buy", "buy"), (1.0, "strong_buy", "buy"),
    (-0.5, "sell", "sell"), (-1.0, "strong_sell", "sell"),
])  # fmt: skip
def test_the_score_gives_type_and_side(score: float, kind: str, side: str) -> None:
    one = decided(fusion=score)
    assert (one.signal_type, one.side_hint) == (kind, side)


def test_a_blocked_signal_keeps_its_type_but_what_was_never_judged_is_neutral() -> None:
    assert decided(book_ok=False).signal_type == "strong_buy"
    assert decided(lag_sec=9.0, fusion=None).signal_type == "strong_buy"
    for changes in ({"lag_sec": None}, {"warmup": True}):
        assert decided(**changes).signal_type == "neutral"


def test_a_row_at_the_time_of_another_or_just_after_it_is_a_duplicate() -> None:
    algorithm = core()
    codes = [algorithm.decide(row(ts_ms=START_MS + at_ms)).decision_code for at_ms in (0, 0, 249, 250, 300, 500, -100)]
    assert codes == ["OK", "DUPLICATE", "DUPLICATE", "COOLDOWN", "DUPLICATE", "COOLDOWN", "DUPLICATE"]


def test_a_row_much_older_than_the_newest_has_expired() -> None:
    algorithm = core()
    algorithm.decide(row(100))
    assert algorithm.decide(row(39)).decision_code == "EXPIRE"
    assert algorithm.decide(row(40)).decision_code == "DUPLICATE"


def test_each_side_of_a_symbol_cools_down_by_itself() -> None:
    algorithm = core()
    sale = {"fusion": -2.0, "z_ofi": -2.5, "z_cvd": -2.0}
    seen = [
        algorithm.decide(row(at, **changes)).decision_code
        for at, changes in [(0, {}), (1, sale), (29, {}), (30, {}), (30, {"symbol": "ETHUSDT"}), (31, sale), (60, {})]
    ]
    assert seen == ["OK", "OK", "COOLDOWN", "OK", "OK", "OK", "OK"]


def test_the_regime_is_read_from_mids_where_the_row_does_not_tell_the_move() -> None:
    algorithm = core()
    seen = [
        algorithm.decide(row(at, move_5m_bps=None, mid=100.0 - at / 1_000, z_ofi=-2.0, z_cvd=-2.0, fusion=-2.0))
        for at in range(302)
    ]
    assert {each.decision_code for each in seen[:300]} == {"WARMUP"}
    assert (seen[300].decision_code, seen[300].regime) == ("OK", "trend")
    assert seen[299].reasons == ("the 5 min move needs rows of 300000 ms without a gap, there are 299000",)


def test_activity_is_counted_where_the_row_does_not_tell_it() -> None:
    counted = CoreAlgorithm(CoreConfig(), run_id="r", config_hash="c" * 64)
    silent = dict.fromkeys(("trades_per_min", "quotes_per_s", "sigma_bps", "volume_quote"))
    modes = [
        counted.decide(
            row(at, trades=5, quotes=90, buy_qty=40.0, sell_qty=10.0, mid=100.0 + at % 2 / 100, **silent)
        ).strategy_mode
        for at in range(150)
    ]
    assert modes[:79] == ["quiet"] * 79
    assert modes[-1] == "active"


def test_what_is_no_row_is_refused_under_no_name() -> None:
    one = core().decide({"surprise": 1})
    assert (one.decision_code, one.symbol, one.ts_ms, one.signal_id) == ("BAD_INPUT", "", 0, "r--0-1")


def test_a_signal_says_what_made_it() -> None:
    one = decided(known_ms=START_MS + 40, div_type="bull_div")
    assert one.signal_id == f"r-BTCUSDT-{START_MS}-1"
    assert (one.known_ms, one.div_type, one.regime, one.strategy_mode) == (START_MS + 40, "bull_div", "trend", "active")
    assert (one.run_id, one.config_hash, one.expiry_ms, one.refs) == ("r", "c" * 64, 60_000, ())


def test_a_row_cannot_be_known_before_it_happened() -> None:
    assert decided(known_ms=START_MS - 5).known_ms == START_MS


def test_too_many_symbols_are_refused() -> None:
    algorithm = core()
    for at in range(MAX_SYMBOLS):
        algorithm.decide(row(symbol=f"S{at}"))
    one = algorithm.decide(row(symbol="ONEMORE"))
    assert (one.decision_code, one.symbol) == ("BAD_INPUT", "")
    assert algorithm.decide(row(40, symbol="S7")).decision_code == "OK"


def test_symbols_do_not_depend_on_each_other() -> None:
    one, other = wavy(400), wavy(400, "ETHUSDT", phase=1.0)
    alone, mixed = core(), core()
    expected = [alone.decide(each) for each in one]
    seen = [mixed.decide(each) for pair in zip(other, one, strict=True) for each in pair]
    assert [each for each in seen if each.symbol == "BTCUSDT"] == expected


@pytest.mark.parametrize("cut", [1, 17, 333])
def test_a_restart_from_a_saved_state_equals_an_unbroken_run(cut: int) -> None:
    rows = [*wavy(700), {"surprise": 1}, *wavy(5)]
    whole, first, second = (CoreAlgorithm(CoreConfig(), run_id="r", config_hash="c" * 64) for _ in range(3))
    expected = [whole.decide(each) for each in rows]
    seen = [first.decide(each) for each in rows[:cut]]
    second.load(json.loads(json.dumps(first.save())))
    seen += [second.decide(each) for each in rows[cut:]]
    assert seen == expected
    assert second.save() == whole.save()


@pytest.mark.parametrize(("mid", "price"), [(100.25, "100.25"), (100.0, "100"), (1e-7, "0.0000001"), (None, None)])
def test_a_signal_says_where_the_market_stood(mid: float | None, price: str | None) -> None:
    assert decided(mid=mid).price == price

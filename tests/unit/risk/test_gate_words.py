"""What the gate says: every check of an approval with its value and bound, and every refusal in one sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from made_desk import MARKET, NOW, SIM, D, account, gate, position, proposal

from chanflow.domain.account import RestingOrder
from chanflow.domain.order import ApprovedOrder, Reason, Refused
from chanflow.risk.halt import HaltState, halt
from chanflow.risk.limits import Limits
from chanflow.risk.loss_wall import WallState
from chanflow.risk.mode import ModeState, hold_for
from chanflow.risk.state import LiveAuthority


def judge(**changes: Any) -> ApprovedOrder | Refused:
    """Judge a sound proposal with some of what is asked changed; `state` changes the gate's own."""
    one = gate(**changes.get("gate", {}))
    one.state = replace(one.state, **changes.get("state", {}))
    p, before = proposal(**changes.get("proposal", {})), account(**changes.get("account", {}))
    return one.judge(p, before, replace(MARKET, **changes.get("market", {})), now_ns=NOW)


def test_an_approval_carries_every_check_with_its_value_and_bound() -> None:
    verdict = judge(
        account={"as_of_ns": NOW - 1_234_000_000, "equity_quote": D("9900.125")},
        market={"mark_ns": NOW - 500_000_000, "rules_ns": NOW - 299_000_000_000, "clock_offset_ms": -3},
    )
    assert isinstance(verdict, ApprovedOrder)
    assert all(check.ok for check in verdict.checks)
    assert [(check.name, check.value, check.bound) for check in verdict.checks] == [
        ("halt", "False", "False"),
        ("strategy_mode", "active", "active"),
        ("reconciled", "True", "True"),
        ("account_age_s", "1.234", "5"),
        ("equity", "9900.12", "above 0"),
        ("mark_missing", "100", "a number"),
        ("mark_age_s", "0.500", "2"),
        ("rules_age_s", "299.000", "300"),
        ("book_ok", "True", "True"),
        ("sigma_missing", "0.6", "a number"),
        ("volume_missing", "1000000", "a number"),
        ("funding_missing", "0", "a number"),
        ("clock_offset_missing", "-3", "known"),
        ("side", "buy", "buy"),
        ("seen_before", "False", "False"),
        ("expired", str(NOW), str(NOW + 10**9)),
        ("flip", "0", "0"),
        ("stop_loss", "99", "on 0.01"),
        ("take_profit", "102", "on 0.01"),
        ("entry", "100.05", "on 0.01"),
        ("stop_side", "99 100.05 102", "stop, entry, target in order"),
        ("authority", "L3", "L1 or above"),
        ("loss_wall", "0.0100", "0.03"),
        ("confidence", "0.75", "0.70"),
        ("trades_per_day", "1", "4"),
        ("below_minimum", "14.703", "0.001"),
        ("margin_ratio", "6.6667", "0.20"),
        ("total_drawdown", "0.0100", "0.10"),
        ("daily_loss", "0.0100", "0.05"),
        ("leverage", "2.0000", "5"),
        ("cash_reserve", "0.9249", "0.10"),
        ("asset_exposure", "0.1500", "0.30"),
        ("single_trade_loss", "0.0019", "0.03"),
        ("stop_before_liquidation", "41.8786", "0.25"),
        ("price_collar", "0.0005", "0.01"),
        ("order_rate", "1 a minute, 1 resting", "10 a minute, 5 resting"),
    ]
    assert verdict.clips == ("quantity 14.703 SIM, bound by ladder",)


def test_a_market_order_is_asked_for_the_depth_of_its_side() -> None:
    asks = ((D("100.01"), D(500)), (D("100.02"), D(500)))
    verdict = judge(proposal={"entry_price": None}, market={"asks": asks})
    assert isinstance(verdict, ApprovedOrder)
    assert [(c.value, c.bound) for c in verdict.checks if c.name == "depth_missing"] == [("2", "1 level")]
    assert "entry" not in [c.name for c in verdict.checks]


FLAT = "; the account is flat, so midnight UTC or an operator lifts it"
HALTED = halt(HaltState(), "guardian", "drawdown", NOW)
HELD = hold_for(ModeState(), "data", "no book", NOW)
LIVE = {"mode": "live", "level": "L2"}
SOUND_LIVE = {"live": LiveAuthority(scope=True, keys=True, flag=True)}
NAN_ORDER = (RestingOrder("SIMUSDT", "SIM", "buy", D("NaN"), D(1), 1),)

REFUSALS: list[tuple[dict[str, Any], str, str]] = [
    ({"state": {"halt": HALTED}}, "halt", "the desk is halted: guardian: drawdown"),
    ({"state": {"mode": HELD}}, "strategy_mode", "the desk is in hold_data and opens nothing: no book"),
    (
        {"gate": {"mode": "hold"}},
        "strategy_mode",
        "the desk is in hold_manual and opens nothing: it was told to watch only",
    ),
    (
        {"state": {"mode": ModeState("quiet")}},
        "strategy_mode",
        "the desk is in quiet and opens nothing: quiet times open nothing",
    ),
    ({"account": {"reconciled": False}}, "reconciled", "the books are not reconciled with the venue"),
    (
        {"account": {"as_of_ns": NOW - 5_000_000_001}},
        "account_age_s",
        "account_age_s is 5.000000001, from 0 to 5 is allowed",
    ),
    ({"market": {"mark_ns": NOW + 1}}, "mark_age_s", "mark_age_s is -0.000000001, from 0 to 2 is allowed"),
    ({"market": {"rules_ns": None}}, "rules_age_s", "rules_age_s is unknown, at most 300 is allowed"),
    ({"account": {"equity_quote": D(0)}}, "equity", "equity is 0, openings need it above 0"),
    ({"account": {"equity_quote": D("NaN")}}, "equity_missing", "equity_quote is NaN, a number is needed"),
    ({"account": {"wallet_quote": D("NaN")}}, "wallet_missing", "wallet_quote is NaN, a number is needed"),
    ({"account": {"high_water_quote": D(0)}}, "high_water_missing", "high_water_quote is 0, it must be above 0"),
    (
        {"account": {"day_start_equity_quote": D(-1)}},
        "day_start_equity_missing",
        "day_start_equity_quote is -1, it must be above 0",
    ),
    (
        {"account": {"positions": (position("NaN"),)}},
        "position_missing",
        "position position-1 has quantity NaN at 100",
    ),
    ({"account": {"resting": NAN_ORDER}}, "resting_missing", "an order resting in SIMUSDT has NaN at 1"),
    ({"market": {"mark": D(0)}}, "mark_missing", "mark price is 0: a number is needed to open anything"),
    ({"market": {"book_ok": False}}, "book_ok", "the order book is not synchronised"),
    ({"market": {"sigma_frac": D(-1)}}, "sigma_missing", "volatility is -1: a number is needed to open anything"),
    (
        {"market": {"volume_1m_quote": None}},
        "volume_missing",
        "median volume of a minute is None: a number is needed to open anything",
    ),
    (
        {"market": {"funding_frac": D("Infinity")}},
        "funding_missing",
        "expected funding is Infinity: a number is needed to open anything",
    ),
    ({"market": {"clock_offset_ms": None}}, "clock_offset_missing", "our clock was not compared with the venue's"),
    (
        {"market": {"asks": ()}, "proposal": {"entry_price": None}},
        "depth_missing",
        "a market order needs the book, and it is empty",
    ),
    ({"proposal": {"symbol": "ETHUSDT"}}, "unknown_symbol", "ETHUSDT has no instrument rules here"),
    ({"proposal": {"action": "hold"}}, "action", "hold opens nothing"),
    ({"proposal": {"side": "sell"}}, "side", "side sell does not fit open_long"),
    ({"proposal": {"valid_until_ns": NOW - 1}}, "expired", "the proposal is past its valid_until"),
    ({"proposal": {"leverage": 0}}, "leverage_form", "leverage is 0, at least 1 is needed"),
    ({"proposal": {"size_quote": D(0)}}, "size_form", "size is 0 quote, it must be positive"),
    (
        {"account": {"positions": (position("-5"),)}},
        "flip",
        "5 SIM stand the other way and nothing approved closes them: a flip is two orders",
    ),
    ({"proposal": {"stop_price": None}}, "stop_loss", "an opening order needs a stop_loss price"),
    ({"proposal": {"stop_price": D(0)}}, "stop_loss", "stop_loss price is 0, it must be a positive number"),
    ({"proposal": {"entry_price": D("99.005")}}, "entry", "entry price 99.005 is not on the tick of 0.01"),
    ({"proposal": {"stop_price": D("1E+19")}}, "stop_loss", "stop_loss price 1E+19 is not on the tick of 0.01"),
    (
        {"proposal": {"take_profit_price": D(100)}},
        "stop_side",
        "stop 99, entry 100.05, mark 100, take-profit 100 are in the wrong order",
    ),
    ({"gate": {"level": "L0"}}, "authority", "the ladder stands at L0: only closing orders are allowed"),
    ({"gate": LIVE}, "live_scope", "whoever asks may not trade live"),
    ({"gate": LIVE}, "live_keys", "there are no keys of the venue"),
    ({"gate": LIVE}, "live_flag", "the setting that allows live trading is off"),
    ({"gate": LIVE, "state": SOUND_LIVE}, "approval_needed", "live at L2 waits for a person's approval"),
    (
        {"account": {"equity_quote": D(9_690)}},
        "loss_wall",
        f"the loss wall stands: day loss is 0.0310, the wall is at 0.03{FLAT}",
    ),
    (
        {"state": {"wall": WallState(standing=True)}, "account": {"positions": (position("1"),)}},
        "loss_wall",
        "the loss wall stands: day loss is 0.0000, the wall is at 0.03",
    ),
    (
        {"proposal": {"confidence": 0.64}},
        "confidence",
        "confidence is 0.64, L3 needs 0.70, down to 0.65 at half size",
    ),
    (
        {"account": {"opening_trades_today": 4}},
        "trades_per_day",
        "this would be opening trade 5 of the day, L3 allows 4",
    ),
    (
        {"account": {"opening_trades_today": 5}, "proposal": {"confidence": 0.9}},
        "trades_per_day",
        "this would be opening trade 6 of the day, L3 allows 5",
    ),
    (
        {"market": {"volume_1m_quote": D(0)}},
        "below_minimum",
        "the size left is 0 SIM, bound by volume; the venue wants 0.001 and 5 USDT at least",
    ),
    ({"proposal": {"leverage": 6}}, "leverage", "leverage would be 6.0000, the limit is 5"),
    (
        {"account": {"high_water_quote": D(11_200)}},
        "total_drawdown",
        "total_drawdown would be 0.1071, the limit is 0.10",
    ),
    (
        {"proposal": {"action": "close", "position_id": "gone"}},
        "no_position",
        "there is no position gone in SIMUSDT to close",
    ),
]


@pytest.mark.parametrize(("changes", "code", "message"), REFUSALS, ids=[code for _, code, _ in REFUSALS])
def test_a_refusal_says_in_one_sentence_what_was_found_and_what_is_allowed(
    changes: dict[str, Any], code: str, message: str
) -> None:
    verdict = judge(**changes)
    assert isinstance(verdict, Refused)
    assert Reason(code, message) in verdict.reasons
    assert [check.ok for check in verdict.checks if check.name == code] == [False]


@pytest.mark.parametrize(
    ("changes", "value", "bound"),
    [
        ({"gate": {"mode": "hold"}}, "hold_manual", "active"),
        ({"gate": {"mode": "hold", "quiet_may_open": True}}, "hold_manual", "active or quiet"),
    ],
)
def test_the_mode_that_was_found_stands_in_its_check(changes: dict[str, Any], value: str, bound: str) -> None:
    [check] = [check for check in judge(**changes).checks if check.name == "strategy_mode"]
    assert (check.value, check.bound) == (value, bound)


def test_a_proposal_judged_twice_is_told_so() -> None:
    one = gate()
    one.judge(proposal(), account(), MARKET, now_ns=NOW)
    again = one.judge(proposal(), account(), MARKET, now_ns=NOW)
    assert isinstance(again, Refused)
    assert Reason("seen_before", "proposal p1 was judged already") in again.reasons


def test_too_little_left_to_close_is_told() -> None:
    held = account(positions=(position("0.0004"),))
    verdict = gate().judge(
        proposal(action="close", side=None, position_id="position-1", stop_price=None), held, MARKET, now_ns=NOW
    )
    assert isinstance(verdict, Refused)
    assert verdict.reasons == (
        Reason("reducing", "0.000 SIM are left to close, the venue wants 0.001 at least"),
    )  # fmt: skip


def test_what_the_ladder_takes_away_is_noted() -> None:
    verdict = judge(proposal={"leverage": 5, "confidence": 0.66})
    assert isinstance(verdict, ApprovedOrder)
    assert verdict.clips == (
        "half size: confidence 0.66 is below 0.70",
        "leverage 5 -> 3 (ladder L3)",
        f"quantity {verdict.terms.qty_base} SIM, bound by ladder",
    )


def test_a_verdict_names_the_limits_it_was_judged_by() -> None:
    tight = Limits(max_leverage=D(3))
    for verdict in (judge(gate={"limits": tight}), judge(gate={"limits": tight, "level": "L0"})):
        assert verdict.limits_hash == tight.hash != Limits().hash


def test_a_market_that_stands_still_is_counted_at_the_least_volatility() -> None:
    assert isinstance(judge(market={"sigma_frac": D(0)}), ApprovedOrder)


def test_a_minute_without_volume_is_known() -> None:
    verdict = judge(market={"volume_1m_quote": D(0)})
    assert isinstance(verdict, Refused)
    assert [reason.code for reason in verdict.reasons] == ["below_minimum"]


def codes(**changes: Any) -> list[str]:
    verdict = judge(**changes)
    return [reason.code for reason in verdict.reasons] if isinstance(verdict, Refused) else []


def test_what_opens_nothing_is_not_weighed() -> None:
    verdict = judge(proposal={"action": "abstain"})
    assert isinstance(verdict, Refused)
    assert [reason.code for reason in verdict.reasons] == ["action"]
    assert not {"side", "margin_ratio", "below_minimum"} & {check.name for check in verdict.checks}


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"proposal": {"stop_price": None}}, ["stop_loss"]),
        ({"proposal": {"take_profit_price": None}}, ["take_profit"]),
        ({"proposal": {"stop_price": D("99.005")}}, ["stop_loss"]),
        ({"proposal": {"entry_price": D("100.055")}}, ["entry"]),
        ({"market": {"mark": D("NaN")}}, ["mark_missing", "check_failed:projection"]),
        (
            {"proposal": {"entry_price": None}, "market": {"mark": D("Infinity")}},
            ["mark_missing", "check_failed:projection"],
        ),
    ],
)
def test_one_fault_of_a_price_is_told_once(changes: dict[str, Any], found: list[str]) -> None:
    assert codes(**changes) == found


def test_without_a_mark_the_entry_alone_is_compared() -> None:
    assert "stop_side" not in codes(market={"mark": None})
    assert "check_failed:form" not in codes(market={"mark": None})
    assert "stop_side" in codes(market={"mark": None}, proposal={"stop_price": D(101)})


SHORT: dict[str, Any] = {
    "action": "open_short", "side": "sell", "stop_price": D(101), "take_profit_price": D(98), "entry_price": D("99.95"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({}, False),
        ({"take_profit_price": D("99.95")}, True),
        ({"take_profit_price": D("100.50")}, True),
        ({"stop_price": D("99.95")}, True),
        ({"stop_price": D(100)}, True),
        ({"stop_price": D("100.01")}, False),
        ({"entry_price": D("100.50"), "stop_price": D("100.50")}, True),
        ({"entry_price": D("100.50"), "stop_price": D("100.51")}, False),
    ],
)
def test_a_short_has_its_stop_above_entry_and_mark_and_its_target_below(changes: dict[str, Any], wrong: bool) -> None:
    assert ("stop_side" in codes(proposal={**SHORT, **changes})) is wrong


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"stop_price": D("99.99")}, False),
        ({"stop_price": D(100)}, True),
        ({"stop_price": D("99.50"), "entry_price": D("99.50")}, True),
        ({"stop_price": D("99.49"), "entry_price": D("99.50")}, False),
        ({"take_profit_price": D("100.05")}, True),
        ({"take_profit_price": D("100.06")}, False),
    ],
)
def test_a_long_has_its_stop_below_entry_and_mark_and_its_target_above(changes: dict[str, Any], wrong: bool) -> None:
    assert ("stop_side" in codes(proposal=changes)) is wrong


def test_a_price_has_nineteen_digits_before_the_point_at_most() -> None:
    assert "stop_loss" not in codes(proposal={**SHORT, "stop_price": D("1E+18")})
    assert "stop_loss" in codes(proposal={**SHORT, "stop_price": D("1E+19")})


@pytest.mark.parametrize("stop", ["1", "0.50", "0.01"])
def test_any_price_above_zero_is_a_price(stop: str) -> None:
    assert "stop_loss" not in codes(proposal={"stop_price": D(stop)})


def test_any_size_above_zero_is_a_size() -> None:
    assert codes(proposal={"size_quote": D("0.5")}) == ["below_minimum"]
    assert codes(proposal={"size_quote": D(-1)}) == ["size_form"]


def test_a_position_of_one_unit_the_other_way_is_a_flip() -> None:
    assert codes(account={"positions": (position("-1"),)}) == ["flip"]
    assert codes(account={"positions": (position("0"),)}) == []
    [reason] = judge(account={"positions": (position("-1"),)}).reasons  # type: ignore[union-attr]
    assert reason.message == "1 SIM stand the other way and nothing approved closes them: a flip is two orders"


@pytest.mark.parametrize("side", ["asks", "bids"])
def test_one_level_is_depth_enough(side: str) -> None:
    market = {"asks": (), "bids": (), side: ((D(100), D(500)),)}
    long = codes(proposal={"entry_price": None}, market=market)
    short = codes(proposal={**SHORT, "entry_price": None}, market=market)
    assert ("depth_missing" in long) is (side == "bids")
    assert ("depth_missing" in short) is (side == "asks")


@pytest.mark.parametrize("figure", ["0.01", "1"])
def test_a_figure_just_above_zero_is_there(figure: str) -> None:
    tiny = D(figure)
    assert "equity" not in codes(account={"equity_quote": tiny})
    assert "equity" in codes(account={"equity_quote": -tiny})
    assert "high_water_missing" not in codes(account={"high_water_quote": tiny})
    assert "day_start_equity_missing" not in codes(account={"day_start_equity_quote": tiny})
    assert "position_missing" not in codes(account={"positions": (position("1", mark_price=tiny),)})
    for name in ("sigma_frac", "volume_1m_quote", "mark"):
        code = {"sigma_frac": "sigma_missing", "volume_1m_quote": "volume_missing", "mark": "mark_missing"}[name]
        assert code not in codes(market={name: tiny})
        assert code in codes(market={name: -tiny})
    assert "funding_missing" not in codes(market={"funding_frac": -tiny})


def test_without_a_wish_the_hard_limits_are_asked_about_the_account_alone() -> None:
    # One unit more would break the 30 %; nothing more is wished, and nothing is left to give.
    assert codes(account={"positions": (position("29"),)}) == ["below_minimum"]


def test_hard_limits_are_asked_where_no_size_can_be_found() -> None:
    found = codes(market={"sigma_frac": None}, account={"high_water_quote": D(11_200)})
    assert found == ["sigma_missing", "total_drawdown"]


def test_what_has_no_readable_form_is_not_weighed() -> None:
    verdict = judge(proposal={"valid_until_ns": None})
    assert isinstance(verdict, Refused)
    assert [reason.code for reason in verdict.reasons] == ["check_failed:form"]
    assert "margin_ratio" not in {check.name for check in verdict.checks}


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"proposal": {"symbol": "ETHUSDT"}}, ["unknown_symbol"]),
        ({"market": {"mark": None}}, ["mark_missing", *(f"check_failed:{name}" for name in (
            "margin_ratio", "leverage", "cash_reserve", "asset_exposure", "single_trade_loss",
            "stop_before_liquidation", "price_collar"))]),
        ({"market": {"sigma_frac": None}}, ["sigma_missing"]),
        ({"market": {"volume_1m_quote": None}}, ["volume_missing"]),
        ({"market": {"funding_frac": None}}, ["funding_missing", "check_failed:single_trade_loss"]),
    ],
)  # fmt: skip
def test_what_is_missing_is_told_and_nothing_is_sized(changes: dict[str, Any], found: list[str]) -> None:
    assert codes(**changes) == found


def test_the_least_that_the_venue_takes_is_taken() -> None:
    assert codes(proposal={"entry_price": D(100), "size_quote": D(5)}) == []
    assert codes(proposal={"entry_price": D(100), "size_quote": D("4.99")}) == ["below_minimum"]
    whole = {"instruments": {"SIMUSDT": replace(SIM, min_qty=D(1))}}
    assert codes(gate=whole, proposal={"entry_price": D(100), "size_quote": D(100)}) == []
    assert codes(gate=whole, proposal={"entry_price": D(100), "size_quote": D("99.99")}) == ["below_minimum"]


def test_a_wish_is_weighed_on_its_own_side() -> None:
    held = {"positions": (position("29"),)}
    assert codes(account=held, proposal={"size_quote": D(200)}) == ["asset_exposure", "below_minimum"]
    assert codes(account={"positions": (position("-29"),)}, proposal={**SHORT, "size_quote": D(200)}) == [
        "asset_exposure",
        "below_minimum",
    ]


def test_a_position_is_closed_by_its_own_name_in_its_own_symbol() -> None:
    held = account(
        positions=(
            position("1", position_id="a"),
            position("2", position_id="b"),
            position("3", position_id="c", symbol="XUSDT"),
        )
    )
    closing = {"action": "close", "side": None, "stop_price": None}
    verdict = gate().judge(proposal(position_id="b", **closing), held, MARKET, now_ns=NOW)
    assert isinstance(verdict, ApprovedOrder)
    assert (verdict.terms.qty_base, verdict.terms.side) == (D(2), "sell")
    elsewhere = gate().judge(proposal(position_id="c", **closing), held, MARKET, now_ns=NOW)
    assert isinstance(elsewhere, Refused)
    assert [reason.code for reason in elsewhere.reasons] == ["no_position"]


@pytest.mark.parametrize(("confidence", "share"), [(0.65, "0.5"), (0.6999, "0.5"), (0.70, "1"), (1.0, "1")])
def test_the_band_below_the_least_confidence_gives_half(confidence: float, share: str) -> None:
    verdict = judge(proposal={"confidence": confidence, "size_quote": D(1_000), "entry_price": D(100)})
    assert isinstance(verdict, ApprovedOrder)
    assert verdict.terms.qty_base == D(10) * D(share)


@pytest.mark.parametrize(
    ("level", "confidence", "allowed"),
    [("L0", 1.0, "0"), ("L1", 0.84, "1"), ("L1", 0.85, "2"), ("L3", 0.85, "5"), ("L3", None, "4")],
)
def test_one_trade_more_is_for_the_confident_where_any_is_allowed(
    level: str, confidence: float | None, allowed: str
) -> None:
    checks = judge(gate={"level": level}, proposal={"confidence": confidence}).checks
    assert [check.bound for check in checks if check.name == "trades_per_day"] == [allowed]

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from made_desk import MARKET, NOW, SIM, D, account, gate, position, proposal

from chanflow.domain.canonical import plain
from chanflow.domain.order import ApprovedOrder, OrderTerms, Refused, approved_payload, claim_approval_seal
from chanflow.risk.market_view import MarketView
from chanflow.risk.limits import Limits
from chanflow.runtime.codec import decode_approval


def codes(verdict: ApprovedOrder | Refused) -> set[str]:
    return {reason.code for reason in verdict.reasons} if isinstance(verdict, Refused) else set()


def judge(**changes: Any) -> ApprovedOrder | Refused:
    options = {"proposal": proposal(), "account": account(), "market": MARKET, "gate": gate(), **changes}
    return options["gate"].judge(options["proposal"], options["account"], options["market"], now_ns=NOW)


def test_a_sound_proposal_is_approved_with_its_stop() -> None:
    verdict = judge()
    assert isinstance(verdict, ApprovedOrder)
    assert verdict.terms.stop_price == D(99)
    assert verdict.terms.leverage == 2
    assert verdict.expires_ns == NOW + 5 * 10**9


def test_the_ladder_caps_the_size_at_the_worst_price() -> None:
    verdict = judge()
    assert isinstance(verdict, ApprovedOrder)
    # 15 % of 10,000 at a mark moved 1 % against us, floored to the step.
    assert verdict.terms.qty_base == (D(1500) / D(101)).quantize(D("0.001"), rounding="ROUND_DOWN")


def test_the_stop_distance_caps_the_size_when_it_is_far() -> None:
    verdict = judge(proposal=proposal(stop_price=D(80), take_profit_price=D(140)))
    assert isinstance(verdict, ApprovedOrder)
    loss = verdict.terms.qty_base * (D("100.05") - 80 + (D("100.05") + 80) * D("0.001"))
    assert D(99) < loss <= D(100)
    assert any("stop_distance" in clip for clip in verdict.clips)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"market": replace(MARKET, mark=None)}, "mark_missing"),
        ({"market": replace(MARKET, mark_ns=NOW - 2_000_000_001)}, "mark_age_s"),
        ({"market": replace(MARKET, mark_ns=NOW + 1)}, "mark_age_s"),
        ({"market": replace(MARKET, book_ok=False)}, "book_ok"),
        ({"account": account(as_of_ns=NOW - 5_000_000_001)}, "account_age_s"),
        ({"account": account(reconciled=False)}, "reconciled"),
        ({"account": account(equity_quote=D(0))}, "equity"),
        ({"account": account(equity_quote=D("NaN"))}, "equity_missing"),
        ({"gate": gate(mode="hold")}, "strategy_mode"),
        ({"gate": gate(level="L0")}, "authority"),
        ({"proposal": proposal(symbol="ETHUSDT")}, "unknown_symbol"),
        ({"proposal": proposal(side="sell")}, "side"),
        ({"proposal": proposal(action="hold")}, "action"),
        ({"proposal": proposal(valid_until_ns=NOW - 1)}, "expired"),
        ({"proposal": proposal(leverage=0)}, "leverage_form"),
        ({"proposal": proposal(stop_price=None)}, "stop_loss"),
        ({"proposal": proposal(take_profit_price=None)}, "take_profit"),
        ({"proposal": proposal(stop_price=D("99.005"))}, "stop_loss"),
        ({"proposal": proposal(entry_price=D("-1"))}, "entry"),
        ({"proposal": proposal(stop_price=D("NaN"))}, "stop_loss"),
        ({"proposal": proposal(stop_price=D("Infinity"))}, "stop_loss"),
        ({"proposal": proposal(stop_price=D(101))}, "stop_side"),
        ({"proposal": proposal(take_profit_price=D(100))}, "stop_side"),
        ({"proposal": proposal(size_quote=D("-5"))}, "size_form"),
        ({"proposal": proposal(size_quote=D("1E+308"))}, "asset_exposure"),
        ({"proposal": proposal(size_quote=D(4))}, "below_minimum"),
        ({"proposal": proposal(confidence=0.6499)}, "confidence"),
        ({"proposal": proposal(confidence=1.01)}, "confidence"),
        ({"proposal": proposal(confidence=float("nan"))}, "confidence"),
        ({"account": account(opening_trades_today=4)}, "trades_per_day"),
        ({"account": account(positions=(position("-5"),))}, "flip"),
    ],
)
def test_each_fault_is_refused_by_name(changes: dict[str, Any], code: str) -> None:
    assert code in codes(judge(**changes))


def test_all_reasons_are_given_at_once() -> None:
    verdict = judge(
        market=MarketView(None, None, book_ok=False), account=account(reconciled=False), gate=gate(mode="hold")
    )
    assert {"strategy_mode", "reconciled", "mark_missing", "book_ok"} <= codes(verdict)


def test_a_message_names_value_and_bound() -> None:
    verdict = judge(account=account(equity_quote=D(9000)))
    assert isinstance(verdict, Refused)
    sentences = {r.code: r.message for r in verdict.reasons}
    assert sentences["total_drawdown"] == "total_drawdown would be 0.1000, the limit is 0.10"
    assert sentences["daily_loss"] == "daily_loss would be 0.1000, the limit is 0.05"


def test_confidence_just_below_the_minimum_halves_the_size() -> None:
    full, half = judge(), judge(proposal=proposal(confidence=0.65))
    assert isinstance(full, ApprovedOrder)
    assert isinstance(half, ApprovedOrder)
    assert abs(half.terms.qty_base * 2 - full.terms.qty_base) <= SIM.step * 2


def test_a_fifth_trade_needs_high_confidence() -> None:
    busy = account(opening_trades_today=4)
    assert isinstance(judge(account=busy, proposal=proposal(confidence=0.85)), ApprovedOrder)
    assert codes(judge(account=account(opening_trades_today=5), proposal=proposal(confidence=0.9))) == {
        "trades_per_day"
    }


def test_leverage_is_clipped_to_the_ladder_and_never_raised() -> None:
    high, low = judge(proposal=proposal(leverage=5)), judge(proposal=proposal(leverage=1))
    assert isinstance(high, ApprovedOrder)
    assert isinstance(low, ApprovedOrder)
    assert (high.terms.leverage, low.terms.leverage) == (3, 1)


def test_a_proposal_is_judged_once() -> None:
    one = gate()
    assert isinstance(judge(gate=one), ApprovedOrder)
    assert "seen_before" in codes(judge(gate=one))


def test_room_is_reserved_until_it_is_released_or_expires() -> None:
    one = gate()
    first = judge(gate=one, proposal=proposal(proposal_id="a"))
    assert isinstance(first, ApprovedOrder)
    second = judge(gate=one, proposal=proposal(proposal_id="b"))
    assert "below_minimum" in codes(second) or (
        isinstance(second, ApprovedOrder) and second.terms.qty_base < first.terms.qty_base
    )
    one.release(first.approved_id)
    third = judge(gate=one, proposal=proposal(proposal_id="c"))
    assert isinstance(third, ApprovedOrder)
    assert third.terms.qty_base == first.terms.qty_base


@pytest.mark.parametrize("level", ["L0", "L3"])
def test_closing_is_allowed_whatever_stands_in_the_way(level: Any) -> None:
    hurt = account(positions=(position("7"),), equity_quote=D(1), reconciled=False, opening_trades_today=99, as_of_ns=0)
    verdict = judge(
        proposal=proposal(action="close", kind="management", side=None, stop_price=None, take_profit_price=None,
                          position_id="position-1", valid_until_ns=0, confidence=None),
        account=hurt, market=MarketView(None, None, book_ok=False), gate=gate(level=level, mode="hold"),
    )  # fmt: skip
    assert isinstance(verdict, ApprovedOrder)
    assert verdict.terms == OrderTerms("SIMUSDT", "sell", D(7), 2, True, None, None, None)


def test_a_position_that_is_not_there_cannot_be_closed() -> None:
    verdict = judge(proposal=proposal(action="close", position_id="position-9"))
    assert codes(verdict) == {"no_position"}


def test_a_red_line_takes_the_ladder_to_l0() -> None:
    one = gate()
    assert one.on_account(account(equity_quote=D("9500.01"))) is None
    assert one.level == "L3"
    cause = one.on_account(account(equity_quote=D(9500)))
    assert cause == "day loss is 0.0500, the limit is 0.05"
    assert one.level == "L0"
    assert one.on_account(account(equity_quote=D(9000))) is None


def test_only_the_gate_can_make_an_approval() -> None:
    with pytest.raises(TypeError, match="the approval seal is taken"):
        claim_approval_seal()
    approved = judge()
    assert isinstance(approved, ApprovedOrder)
    parts = dict(approved_payload(approved))
    with pytest.raises(TypeError, match="made by the risk gate alone"):
        ApprovedOrder(seal=None, **parts)  # type: ignore[arg-type]


def test_an_approval_survives_the_bus_and_a_forged_one_does_not() -> None:
    one = gate()
    approved = judge(gate=one)
    assert isinstance(approved, ApprovedOrder)
    message = plain(approved_payload(approved))
    again = one.admit(message, decode_approval)
    assert again.terms == approved.terms
    for name, forged in (
        ("terms", {**message["terms"], "qty_base": "1000"}),
        ("terms", {**message["terms"], "stop_price": "1"}),
        ("expires_ns", message["expires_ns"] + 1),
        ("signature", "0" * 64),
    ):
        with pytest.raises(ValueError, match="signature is not the gate's"):
            one.admit({**message, name: forged}, decode_approval)
    with pytest.raises(ValueError, match="signature is not the gate's"):
        gate(key=b"x" * 32).admit(message, decode_approval)


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="31 bytes, at least 32"):
        gate(key=b"k" * 31)


def test_the_same_question_gets_the_same_bytes() -> None:
    first, second = judge(), judge()
    assert isinstance(first, ApprovedOrder)
    assert isinstance(second, ApprovedOrder)
    assert plain(approved_payload(first)) == plain(approved_payload(second))


def test_tightened_limits_bind() -> None:
    verdict = judge(gate=gate(limits=Limits(max_asset_exposure_frac=Decimal("0.05"))))
    assert isinstance(verdict, ApprovedOrder)
    assert verdict.terms.qty_base * 101 <= D(500)

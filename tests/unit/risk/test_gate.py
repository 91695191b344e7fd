from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from made_desk import MARKET, NOW, SIM, D, account, gate, position, proposal

from chanflow.domain.account import RestingOrder
from chanflow.domain.canonical import plain
from chanflow.domain.errors import JournalUnwritable
from chanflow.domain.order import ApprovedOrder, OrderTerms, Refused, approved_payload, claim_approval_seal
from chanflow.risk.codes import CODES
from chanflow.risk.halt import HaltState, halt
from chanflow.risk.judgement import Question
from chanflow.risk.limits import Limits
from chanflow.risk.loss_wall import WallState
from chanflow.risk.market_view import MarketView
from chanflow.risk.mode import ModeState, hold_for
from chanflow.risk.reducing import is_reducing
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
        ({"market": replace(MARKET, mark=D("NaN"))}, "mark_missing"),
        ({"market": replace(MARKET, mark=D(0))}, "mark_missing"),
        ({"market": replace(MARKET, mark_ns=None)}, "mark_age_s"),
        ({"market": replace(MARKET, sigma_frac=None)}, "sigma_missing"),
        ({"market": replace(MARKET, sigma_frac=D("-1"))}, "sigma_missing"),
        ({"market": replace(MARKET, volume_1m_quote=None)}, "volume_missing"),
        ({"market": replace(MARKET, volume_1m_quote=D(0))}, "below_minimum"),
        ({"market": replace(MARKET, funding_frac=None)}, "funding_missing"),
        ({"market": replace(MARKET, funding_frac=D("Infinity"))}, "funding_missing"),
        ({"market": replace(MARKET, rules_ns=None)}, "rules_age_s"),
        ({"market": replace(MARKET, rules_ns=NOW - 300_000_000_001)}, "rules_age_s"),
        ({"market": replace(MARKET, clock_offset_ms=None)}, "clock_offset_missing"),
        ({"market": replace(MARKET, asks=()), "proposal": proposal(entry_price=None)}, "depth_missing"),
        ({"proposal": proposal(entry_price=None, size_quote=D(60_000))}, "price_collar"),
        ({"account": account(wallet_quote=D("NaN"))}, "wallet_missing"),
        ({"account": account(high_water_quote=D(0))}, "high_water_missing"),
        ({"account": account(high_water_quote=D("NaN"))}, "high_water_missing"),
        ({"account": account(day_start_equity_quote=D("-1"))}, "day_start_equity_missing"),
        ({"account": account(transfers_today_quote=D("NaN"))}, "transfers_today_missing"),
        ({"account": account(positions=(position("NaN"),))}, "position_missing"),
        ({"account": account(positions=(position("1", mark_price=D(0)),))}, "position_missing"),
        ({"account": account(resting=(RestingOrder("SIMUSDT", "SIM", "buy", D("NaN"), D(1), 1),))}, "resting_missing"),
        ({"account": account(equity_quote=D(9_699), high_water_quote=D(9_699))}, "loss_wall"),
        (
            {"account": account(resting=(RestingOrder("SIMUSDT", "SIM", "buy", D("0.01"), D(100), 1),) * 5)},
            "order_rate",
        ),
        ({"proposal": proposal(leverage=6)}, "leverage"),
        ({"proposal": proposal(entry_price=D("101.01"), take_profit_price=D(103))}, "price_collar"),
        ({"proposal": proposal(stop_price=D(60), leverage=3)}, "stop_before_liquidation"),
        ({"proposal": proposal(size_quote=D(2_900), stop_price=D(88))}, "single_trade_loss"),
        (
            {
                "proposal": proposal(entry_price=D("99.5"), stop_price=D("99.4")),
                "market": replace(MARKET, mark=D("99.4")),
            },
            "stop_side",
        ),
        ({"proposal": proposal(stop_price=D("1E+30"))}, "stop_loss"),
        ({"proposal": proposal(confidence=-0.1)}, "confidence"),
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


def test_the_first_figure_inside_every_age_passes() -> None:
    aged = replace(MARKET, mark_ns=NOW - 2_000_000_000, rules_ns=NOW - 300_000_000_000)
    assert isinstance(judge(market=aged, account=account(as_of_ns=NOW - 5_000_000_000)), ApprovedOrder)
    assert isinstance(judge(proposal=proposal(valid_until_ns=NOW)), ApprovedOrder)


def test_reasons_come_in_the_order_of_the_checks() -> None:
    one = gate(level="L0")
    one.state = replace(one.state, halt=halt(HaltState(), "command", "a test", NOW),
                        mode=hold_for(ModeState(), "data", "stale", NOW), wall=WallState(standing=True))  # fmt: skip
    verdict = judge(
        gate=one, account=account(reconciled=False), market=replace(MARKET, sigma_frac=None),
        proposal=proposal(valid_until_ns=0, leverage=9, confidence=0.1),
    )  # fmt: skip
    assert isinstance(verdict, Refused)
    assert [r.code for r in verdict.reasons] == [
        "halt", "strategy_mode", "reconciled", "sigma_missing", "expired", "authority", "loss_wall", "confidence",
        "trades_per_day",
    ]  # fmt: skip
    assert {r.code: r.message for r in verdict.reasons}["halt"] == "the desk is halted: command: a test"
    assert verdict.limits_hash == Limits().hash


@pytest.mark.parametrize("kind", ["data", "broker", "risk", "manual"])
def test_every_hold_refuses_openings(kind: Any) -> None:
    one = gate()
    one.state = replace(one.state, mode=hold_for(ModeState(), kind, "a cause", NOW))
    verdict = judge(gate=one)
    assert isinstance(verdict, Refused)
    assert [(r.code, r.message) for r in verdict.reasons] == [
        ("strategy_mode", f"the desk is in hold_{kind} and opens nothing: a cause")
    ]


def test_quiet_times_open_nothing_unless_they_may() -> None:
    for may, opens in ((False, False), (True, True)):
        one = gate(quiet_may_open=may)
        one.state = replace(one.state, mode=ModeState("quiet"))
        assert isinstance(judge(gate=one), ApprovedOrder) is opens


def test_a_market_order_is_sized_to_the_book_within_the_collar() -> None:
    thin = replace(MARKET, asks=((D("100.5"), D(2)), (D("101.5"), D(900))))
    verdict = judge(market=thin, proposal=proposal(entry_price=None, stop_price=D(98), take_profit_price=D(104)))
    assert isinstance(verdict, ApprovedOrder)
    assert verdict.terms.qty_base == D(2)


def test_ten_openings_a_minute_are_the_most() -> None:
    one = gate(level="L5")

    def ask(number: int, now_ns: int) -> set[str]:
        verdict = one.judge(proposal(proposal_id=str(number)), account(), MARKET, now_ns=now_ns)
        one.release(getattr(verdict, "approved_id", ""))
        return codes(verdict)

    assert [ask(number, NOW) for number in range(10)] == [set()] * 10
    assert ask(10, NOW) == {"order_rate"}
    assert ask(11, NOW + 10**9) == {"order_rate"}
    later = NOW + 60 * 10**9
    verdict = one.judge(
        proposal(proposal_id="12", valid_until_ns=later), account(as_of_ns=later),
        replace(MARKET, mark_ns=later, rules_ns=later), now_ns=later,
    )  # fmt: skip
    assert isinstance(verdict, ApprovedOrder)


def test_a_flip_is_a_closing_and_an_opening_judged_apart() -> None:
    one, before = gate(), account(positions=(position("-5"),))
    closing, opening = one.judge_legs(proposal(), before, MARKET, now_ns=NOW)
    assert isinstance(closing, ApprovedOrder)
    assert isinstance(opening, ApprovedOrder)
    assert (closing.terms.side, closing.terms.qty_base, closing.terms.reduce_only) == ("buy", D(5), True)
    assert (opening.terms.side, opening.terms.reduce_only) == ("buy", False)
    assert closing.approved_id != opening.approved_id


def test_a_flip_that_may_not_open_still_closes() -> None:
    closing, opening = gate(level="L0").judge_legs(proposal(), account(positions=(position("-5"),)), MARKET, now_ns=NOW)
    assert isinstance(closing, ApprovedOrder)
    assert "authority" in codes(opening)
    alone = gate().judge_legs(proposal(), account(positions=(position("5"),)), MARKET, now_ns=NOW)
    assert len(alone) == 1


def closing_proposal(**changes: Any) -> Any:
    return proposal(action="close", kind="management", side=None, stop_price=None, take_profit_price=None,
                    position_id="position-1", confidence=None, **changes)  # fmt: skip


def test_a_position_is_not_closed_twice_at_once() -> None:
    one, before = gate(), account(positions=(position("5"),))
    first = judge(gate=one, account=before, proposal=closing_proposal(proposal_id="a"))
    assert isinstance(first, ApprovedOrder)
    assert codes(judge(gate=one, account=before, proposal=closing_proposal(proposal_id="b"))) == {"reducing"}
    one.release(first.approved_id)
    in_flight = account(
        positions=(position("5"),), closing=(RestingOrder("SIMUSDT", "SIM", "sell", D(3), D(100), 1),)
    )  # fmt: skip
    rest = judge(gate=one, account=in_flight, proposal=closing_proposal(proposal_id="c"))
    assert isinstance(rest, ApprovedOrder)
    assert rest.terms.qty_base == D(2)


def test_what_is_reducing_and_what_is_not() -> None:
    held = position("5")

    def reducing(**changes: Any) -> bool:
        return is_reducing(**{"reduce_only": True, "side": "sell", "qty_base": D(5), "position": held,
                              "closable": D(5), **changes})  # fmt: skip

    assert reducing()
    assert not reducing(reduce_only=False)
    assert not reducing(side="buy")
    assert not reducing(qty_base=D("5.001"))
    assert not reducing(qty_base=D(0))
    assert not reducing(position=None)
    assert reducing(position=position("-5"), side="buy")
    assert not reducing(position=position("0"))


def test_an_approval_is_for_one_account_at_one_venue() -> None:
    verdict = judge(gate=gate(account="a-1", venue="elsewhere"))
    assert isinstance(verdict, ApprovedOrder)
    assert (verdict.account, verdict.venue) == ("a-1", "elsewhere")


def test_a_persons_proposal_has_no_confidence_and_half_the_conviction() -> None:
    wild = replace(MARKET, sigma_frac=D(2))
    model = judge(market=wild)
    person = judge(market=wild, proposal=proposal(confidence=None))
    assert isinstance(model, ApprovedOrder)
    assert isinstance(person, ApprovedOrder)
    assert abs(person.terms.qty_base * 2 - model.terms.qty_base) <= SIM.step * 2
    wish = judge(proposal=proposal(confidence=None, size_quote=D(500)))
    assert isinstance(wish, ApprovedOrder)
    assert wish.terms.qty_base == (D(500) / D("100.05")).quantize(D("0.001"), rounding="ROUND_DOWN")
    assert "trades_per_day" in codes(judge(account=account(opening_trades_today=4), proposal=proposal(confidence=None)))


def test_a_strategy_is_sized_by_its_share_of_equity() -> None:
    wild = replace(MARKET, sigma_frac=D(2))
    whole = judge(market=wild)
    part = judge(market=wild, gate=gate(strategy_shares={"default": D("0.25")}))
    assert isinstance(whole, ApprovedOrder)
    assert isinstance(part, ApprovedOrder)
    assert abs(part.terms.qty_base * 4 - whole.terms.qty_base) <= SIM.step * 4


def test_the_wall_is_watched_and_refuses() -> None:
    one = gate()
    change = one.watch_loss(account(equity_quote=D(9_700)))
    assert change is not None
    assert change.standing
    assert codes(judge(gate=one)) == {"loss_wall"}
    assert one.watch_loss(account(equity_quote=D(9_700))) is None


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_is_explained(code: str) -> None:
    assert CODES[code]
    assert not CODES[code].endswith(".")


def test_hostile_names_cannot_forge_a_signature() -> None:
    one = gate()
    verdict = one.judge(proposal(proposal_id="a\0b", strategy="x\0"), account(), MARKET, now_ns=NOW)
    assert isinstance(verdict, ApprovedOrder)
    message = plain(approved_payload(verdict))
    assert one.admit(message, decode_approval).terms == verdict.terms
    for forged in ({"proposal_id": "a", "decision_id": "b\0d1"}, {"venue": "other"}, {"account": "other"}):
        with pytest.raises(ValueError, match="signature is not the gate's"):
            one.admit({**message, **forged}, decode_approval)


def test_a_question_is_heard_before_it_is_answered_and_has_the_same_answer_again() -> None:
    heard: list[Question] = []
    verdict = gate(on_question=heard.append).judge(proposal(), account(), MARKET, now_ns=NOW)
    assert isinstance(verdict, ApprovedOrder)
    assert [question.answer().terms for question in heard] == [verdict.terms]


def test_where_a_question_cannot_be_kept_nothing_is_approved() -> None:
    def full(_: Question) -> None:
        raise JournalUnwritable("the disk is full")

    one = gate(on_question=full)
    with pytest.raises(JournalUnwritable):
        one.judge(proposal(), account(), MARKET, now_ns=NOW)
    assert one.memory(proposal(proposal_id="p2"), NOW).reserved == ()


def test_an_order_resting_far_below_the_mark_is_weighed_at_the_mark() -> None:
    low = account(resting=(RestingOrder("SIMUSDT", "SIM", "buy", D(20), D(50), 1),))
    assert codes(judge(account=low)) == {"below_minimum"}


def test_the_smallest_position_can_be_closed() -> None:
    verdict = judge(account=account(positions=(position("0.001"),)), proposal=closing_proposal())
    assert isinstance(verdict, ApprovedOrder)
    assert codes(judge(account=account(positions=(position("0.0009"),)), proposal=closing_proposal())) == {"reducing"}


def test_room_is_held_to_the_last_moment_of_an_approval() -> None:
    one = gate()
    verdict = judge(gate=one)
    assert isinstance(verdict, ApprovedOrder)
    [held] = one.memory(proposal(), verdict.expires_ns).reserved
    # A limit at 100.05 is weighed at the mark moved by 1 %.
    assert (held.symbol, held.side, held.qty_base, held.price) == ("SIMUSDT", "buy", verdict.terms.qty_base, D(101))
    assert one.memory(proposal(), verdict.expires_ns + 1).reserved == ()


def test_only_closings_of_the_symbol_claim_its_position() -> None:
    one = gate(instruments={"SIMUSDT": SIM, "XUSDT": replace(SIM, symbol="XUSDT", base="X")})
    judge(gate=one)
    held = account(positions=(position("3", symbol="XUSDT", base="X", position_id="x"),))
    closing = proposal(proposal_id="c", action="close", side=None, symbol="XUSDT", position_id="x", stop_price=None)
    assert isinstance(judge(gate=one, proposal=closing, account=held), ApprovedOrder)
    assert one.memory(proposal(), NOW).closing_base == 0
    assert one.memory(closing, NOW).closing_base == 3
    assert len(one.memory(proposal(), NOW).reserved) == 1


@pytest.mark.parametrize("flat", [True, False])
def test_the_wall_says_where_a_flat_account_waits_for_midnight(flat: bool) -> None:
    change = gate().watch_loss(account(equity_quote=D(9_600), positions=() if flat else (position("1"),)))
    assert change is not None
    assert ("the account is flat" in change.message) is flat


def test_an_approval_is_named_by_thirty_two_hex_digits() -> None:
    verdict = judge()
    assert isinstance(verdict, ApprovedOrder)
    assert len(verdict.approved_id) == 32
    assert int(verdict.approved_id, 16) > 0

"""What no management proposal can bring the gate to do, and what nothing can keep it from."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import assume, event, given
from hypothesis import strategies as st
from made_desk import NOW, SIM, D, gate, proposal
from made_risk import Case, cases, tried

from chanflow.domain.canonical import canonical_json
from chanflow.domain.opinion import Changes, TakeProfit
from chanflow.domain.order import ApprovedOrder, approved_payload
from chanflow.risk.codes import CODES
from chanflow.risk.halt import HaltState, halt
from chanflow.risk.loss_wall import WallState
from chanflow.risk.mode import ModeState, hold_for

PRICES = st.one_of(
    st.integers(9_700, 10_300).map(lambda cents: D(cents) / 100),
    st.integers(1, 30_000).map(lambda cents: D(cents) / 100),
    st.sampled_from([D("NaN"), D("Infinity"), D("-5"), D(0), D("1E+40"), D("99.999")]),
)
SIZES = st.one_of(st.integers(1, 500_000).map(lambda cents: D(cents) / 100), st.sampled_from([D("NaN"), D(-1)]))
TARGETS = st.lists(
    st.builds(TakeProfit, PRICES, st.sampled_from([D("0.25"), D("0.5"), D(1), D("NaN")])), max_size=5
).map(tuple)
NEAR = st.integers(9_850, 10_200).map(lambda cents: D(cents) / 100)
SOUND = st.builds(TakeProfit, NEAR, st.sampled_from([D("0.25"), D("0.5")]))
CHANGES = st.one_of(
    st.none(),
    st.builds(Changes, st.none() | PRICES, TARGETS, st.none() | SIZES),
    st.builds(Changes, NEAR, st.lists(SOUND, max_size=2).map(tuple)),
    st.builds(Changes, st.none(), st.lists(SOUND, min_size=1, max_size=2).map(tuple)),
    st.builds(Changes, st.none(), st.just(()), SIZES),
)


def asked_of(case: Case, action: str, changes: Any, size: Any = None) -> Any:
    held = case.before.positions[0]
    return proposal(
        action=action, kind="management", side=None, symbol=held.symbol, position_id=held.position_id, size_quote=size,
        stop_price=None, take_profit_price=None, entry_price=None, confidence=None, changes=changes,
    )  # fmt: skip


def a_gate(case: Case) -> Any:
    return gate(level=case.level, instruments={p.symbol: SIM for p in case.before.positions})


@tried(400)
@given(cases(), st.sampled_from(["reduce", "adjust"]), CHANGES, st.none() | SIZES)
def test_4_nothing_grows_and_no_stop_moves_away(case: Case, action: str, changes: Any, size: Any) -> None:
    assume(case.before.positions)
    held = case.before.positions[0]
    verdict = a_gate(case).judge(asked_of(case, action, changes, size), case.before, case.market, now_ns=NOW)
    if not isinstance(verdict, ApprovedOrder):
        assert {reason.code for reason in verdict.reasons} <= CODES.keys()
        return
    event(action)
    terms = verdict.terms
    assert terms.reduce_only
    assert (terms.side == "sell") == (held.qty_base > 0)
    assert 0 < terms.qty_base <= abs(held.qty_base)
    assert terms.leverage == held.leverage
    assert terms.protects == (action == "adjust")
    if action == "reduce":
        told = [s for s in (size, None if changes is None else changes.size_quote) if s is not None]
        price = case.market.mark or held.mark_price
        assert all(terms.qty_base * price <= wish for wish in told)
    elif terms.stop_price is not None:
        assert held.stop_price is not None
        mark = case.market.mark or held.mark_price
        nearer = (held.stop_price, terms.stop_price, mark)
        assert sorted(nearer) == list(nearer if held.qty_base > 0 else reversed(nearer))
        assert terms.stop_price != held.stop_price


@tried()
@given(cases(), st.sampled_from(["hold", "paper", "live"]), st.booleans(), st.integers(1, 100))
def test_2_what_takes_risk_away_is_never_refused(case: Case, mode: Any, halted: bool, share: int) -> None:
    assume(case.before.positions)
    held = case.before.positions[0]
    one = a_gate(case)
    one.rules = replace(one.rules, run_mode=mode)
    one.state = replace(
        one.state, level="L0", wall=WallState(standing=True), mode=hold_for(ModeState(), "risk", "r", NOW),
        halt=halt(HaltState(), "guardian", "g", NOW) if halted else HaltState(),
    )  # fmt: skip
    stale = replace(case.market, mark=None, mark_ns=None, book_ok=False, sigma_frac=None)
    before = replace(case.before, reconciled=False, as_of_ns=0, closing=())
    size = held.notional_quote * share / 100
    assume(SIM.floor_qty(size / held.mark_price) >= SIM.min_qty)
    assume(abs(held.qty_base) >= 2 * SIM.min_qty)
    less = one.judge(asked_of(case, "reduce", Changes(size_quote=size)), before, stale, now_ns=NOW)
    assert isinstance(less, ApprovedOrder), less.reasons
    tighter = _tighter(held)
    assume(tighter is not None)
    moved = one.judge(
        replace(asked_of(case, "adjust", Changes(tighter)), proposal_id="p2"), before, stale, now_ns=NOW
    )  # fmt: skip
    assert isinstance(moved, ApprovedOrder), moved.reasons


def _tighter(held: Any) -> Decimal | None:
    """Return a stop between the one that stands and the mark, on the tick; None where there is no room."""
    if held.stop_price is None:
        return None
    way = 1 if held.qty_base > 0 else -1
    stop = held.stop_price + way * SIM.tick
    return stop if SIM.on_tick(stop) and (held.mark_price - stop) * way >= SIM.tick else None


@tried(100)
@given(cases(), st.sampled_from(["reduce", "adjust"]), CHANGES)
def test_6_the_same_question_has_the_same_bytes(case: Case, action: str, changes: Any) -> None:
    assume(case.before.positions)
    asked = asked_of(case, action, changes)
    verdicts = [a_gate(case).judge(asked, case.before, case.market, now_ns=NOW) for _ in range(2)]
    texts = {canonical_json(approved_payload(v)) if isinstance(v, ApprovedOrder) else repr(v) for v in verdicts}
    assert len(texts) == 1

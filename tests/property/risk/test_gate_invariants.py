"""What no proposal, account or market can bring the gate to do. The oracle is in `made_risk.py`."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st
from made_desk import MARKET, NOW, SIM, D, account, gate, position, proposal
from made_risk import TIGHTER, Case, breaches, cases, spoiled, tightened, tried

from chanflow.domain.canonical import canonical_json
from chanflow.domain.order import ApprovedOrder, Refused, approved_payload
from chanflow.risk import judgement
from chanflow.risk.codes import CODES
from chanflow.risk.constraints import HARD_CONSTRAINTS
from chanflow.risk.halt import HaltState, halt
from chanflow.risk.ladder import LEVELS
from chanflow.risk.loss_wall import WallState
from chanflow.risk.mode import ModeState, hold_for

pytestmark = pytest.mark.timeout(3_600)  # for `make properties`, which tries each 10,000 times


def codes(verdict: ApprovedOrder | Refused) -> set[str]:
    return {reason.code for reason in verdict.reasons} if isinstance(verdict, Refused) else set()


def qty(verdict: ApprovedOrder | Refused) -> Any:
    return verdict.terms.qty_base if isinstance(verdict, ApprovedOrder) else D(0)


@tried(400)
@given(cases())
def test_1_no_approval_breaks_a_bound(case: Case) -> None:
    p, before, market, level = case.p, case.before, case.market, case.level
    verdict = gate(level=level).judge(p, before, market, now_ns=NOW)
    event("approved" if isinstance(verdict, ApprovedOrder) else "refused")
    if isinstance(verdict, ApprovedOrder):
        assert breaches(verdict, before, market, level) == []


@tried(400)
@given(spoiled(), cases())
def test_1_nor_does_one_of_a_proposal_that_is_not_well_formed(p: Any, case: Case) -> None:
    before, market, level = case.before, case.market, case.level
    verdict = gate(level=level).judge(p, before, market, now_ns=NOW)
    if isinstance(verdict, Refused):
        assert codes(verdict) <= CODES.keys()
        assert verdict.reasons
    elif not verdict.terms.reduce_only:
        assert breaches(verdict, before, market, level) == []


@tried()
@given(cases(), st.sampled_from(["hold", "paper", "live"]), st.booleans(), st.booleans())
def test_2_closing_is_never_refused(case: Case, mode: Any, halted: bool, walled: bool) -> None:
    before, market, level = case.before, case.market, case.level
    assume(before.positions)
    held = before.positions[0]
    one = gate(level=level, mode=mode, instruments={p.symbol: SIM for p in before.positions})
    one.state = replace(
        one.state, halt=halt(HaltState(), "guardian", "g", NOW) if halted else HaltState(),
        wall=WallState(standing=walled), mode=hold_for(ModeState(), "risk", "r", NOW),
    )  # fmt: skip
    closing = proposal(action="close", side=None, symbol=held.symbol, position_id=held.position_id, stop_price=None)
    stale = replace(market, mark=None, mark_ns=None, book_ok=False, sigma_frac=None)
    verdict = one.judge(closing, replace(before, reconciled=False, as_of_ns=0), stale, now_ns=NOW)
    assert isinstance(verdict, ApprovedOrder)
    assert verdict.terms.reduce_only
    assert verdict.terms.qty_base == abs(held.qty_base)
    assert (verdict.terms.side == "sell") == (held.qty_base > 0)


NEEDED = {
    "mark": "mark_missing", "mark_ns": "mark_age_s", "sigma_frac": "sigma_missing", "volume_1m_quote": "volume_missing",
    "rules_ns": "rules_age_s", "clock_offset_ms": "clock_offset_missing", "funding_frac": "funding_missing",
}  # fmt: skip
NEEDED_OF_ACCOUNT = {
    "wallet_quote": "wallet_missing", "equity_quote": "equity_missing", "high_water_quote": "high_water_missing",
    "day_start_equity_quote": "day_start_equity_missing", "transfers_today_quote": "transfers_today_missing",
}  # fmt: skip


@tried(60)
@given(cases())
def test_3_each_input_is_needed_and_missed_by_name(case: Case) -> None:
    p, before, market, level = case.p, case.before, case.market, case.level
    assume(isinstance(gate(level=level).judge(p, before, market, now_ns=NOW), ApprovedOrder))
    for name, code in NEEDED.items():
        assert code in codes(gate(level=level).judge(p, before, replace(market, **{name: None}), now_ns=NOW))
    for name, code in NEEDED_OF_ACCOUNT.items():
        spoilt = replace(before, **{name: D("NaN")})
        assert code in codes(gate(level=level).judge(p, spoilt, market, now_ns=NOW))
    for name, code in (("stop_price", "stop_loss"), ("take_profit_price", "take_profit"), ("side", "side")):
        assert code in codes(gate(level=level).judge(replace(p, **{name: None}), before, market, now_ns=NOW))
    if p.entry_price is None:
        blind = replace(market, asks=(), bids=())
        assert "depth_missing" in codes(gate(level=level).judge(p, before, blind, now_ns=NOW))
    assert "book_ok" in codes(gate(level=level).judge(p, before, replace(market, book_ok=False), now_ns=NOW))
    assert "reconciled" in codes(gate(level=level).judge(p, replace(before, reconciled=False), market, now_ns=NOW))


@tried()
@given(cases())
def test_4_nothing_grows(case: Case) -> None:
    p, before, market, level = case.p, case.before, case.market, case.level
    verdict = gate(level=level).judge(p, before, market, now_ns=NOW)
    if isinstance(verdict, Refused):
        return
    terms = verdict.terms
    assert terms.leverage <= p.leverage
    assert (terms.stop_price, terms.limit_price, terms.side) == (p.stop_price, p.entry_price, p.side)
    if p.size_quote is not None:
        assert terms.qty_base * (p.entry_price or market.mark) <= p.size_quote


WORSE: dict[str, Any] = {
    "sigma": lambda p, a, m: (p, a, replace(m, sigma_frac=m.sigma_frac * 2)),
    "volume": lambda p, a, m: (p, a, replace(m, volume_1m_quote=m.volume_1m_quote / 2)),
    "confidence": lambda p, a, m: (replace(p, confidence=p.confidence and max(0.0, p.confidence - 0.04)), a, m),
    "trades": lambda p, a, m: (p, replace(a, opening_trades_today=a.opening_trades_today + 1), m),
    "high_water": lambda p, a, m: (p, replace(a, high_water_quote=a.high_water_quote * D("1.05")), m),
    "day_start": lambda p, a, m: (p, replace(a, day_start_equity_quote=a.day_start_equity_quote * D("1.02")), m),
    "wish": lambda p, a, m: (replace(p, size_quote=p.size_quote and p.size_quote / 2), a, m),
    "book": lambda p, a, m: (p, a, replace(m, asks=m.asks[:1], bids=m.bids[:1])),
}  # fmt: skip


@tried(300)
@given(cases(), st.sampled_from(sorted(WORSE)))
def test_5_a_worse_figure_never_gives_more(case: Case, what: str) -> None:
    p, before, market, level = case.p, case.before, case.market, case.level
    good = gate(level=level).judge(p, before, market, now_ns=NOW)
    bad = gate(level=level).judge(*WORSE[what](p, before, market), now_ns=NOW)
    if what == "wish" and isinstance(good, Refused):
        return  # a smaller wish may fit where a larger one does not
    assert qty(bad) <= qty(good)


@tried(300)
@given(cases(), st.sampled_from(sorted(TIGHTER)), st.integers(0, 1))
def test_5_a_tighter_limit_never_gives_more(case: Case, name: str, at: int) -> None:
    p, before, market, level = case.p, case.before, case.market, case.level
    loose = gate(level=level).judge(p, before, market, now_ns=NOW)
    tight = gate(level=level, limits=tightened(name, at)).judge(p, before, market, now_ns=NOW)
    assert qty(tight) <= qty(loose)


@tried(300)
@given(cases())
def test_5_a_lower_level_never_gives_more(case: Case) -> None:
    p, before, market = case.p, case.before, case.market
    given_out = [qty(gate(level=level).judge(p, before, market, now_ns=NOW)) for level in LEVELS]
    assert given_out == sorted(given_out)


@tried(300)
@given(cases())
def test_5_less_equity_never_gives_more(case: Case) -> None:
    p, before, market, level = case.p, case.before, case.market, case.level
    poorer = replace(before, equity_quote=before.equity_quote * D("0.97"))
    assert qty(gate(level=level).judge(p, poorer, market, now_ns=NOW)) <= qty(
        gate(level=level).judge(p, before, market, now_ns=NOW)
    )


def text_of(verdict: ApprovedOrder | Refused) -> str:
    return canonical_json(approved_payload(verdict) if isinstance(verdict, ApprovedOrder) else verdict)


@tried()
@given(cases())
def test_6_the_same_question_has_the_same_bytes(case: Case) -> None:
    p, before, market, level = case.p, case.before, case.market, case.level
    answers = {text_of(gate(level=level).judge(p, before, market, now_ns=NOW)) for _ in range(2)}
    assert len(answers) == 1


@tried(100)
@given(cases(), st.randoms(use_true_random=False))
def test_6_the_order_of_constraints_changes_no_reason(case: Case, chance: random.Random) -> None:
    p, before, market, level = case.p, case.before, case.market, case.level
    straight = gate(level=level).judge(p, before, market, now_ns=NOW)
    mixed = list(HARD_CONSTRAINTS)
    chance.shuffle(mixed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judgement, "HARD_CONSTRAINTS", tuple(mixed))
        other = gate(level=level).judge(p, before, market, now_ns=NOW)
    assert codes(other) == codes(straight)
    assert qty(other) == qty(straight)


@pytest.mark.parametrize("name", [name for name, _ in HARD_CONSTRAINTS])
def test_a_constraint_that_raises_refuses_by_its_name(name: str) -> None:
    def broken(*_: object) -> Any:
        raise ZeroDivisionError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            judgement, "HARD_CONSTRAINTS", tuple((n, broken if n == name else c) for n, c in HARD_CONSTRAINTS)
        )
        verdict = gate().judge(proposal(), account(positions=(position("1"),)), MARKET, now_ns=NOW)
    assert codes(verdict) == {f"check_failed:{name}"}


WISH_AT_101 = {"entry_price": D(101)}


def at_bound(field: str, bound: str, step: int, unit: str) -> Any:
    return {field: D(bound) + step * D(unit)}


@pytest.mark.parametrize(
    ("build", "passing", "code"),
    [
        # one unit of the figure inside, exactly at, and one beyond: which of the three pass
        (lambda n: {"account": at_bound("high_water_quote", "11111.11", n, "0.01")}, (1, 1, 0), "total_drawdown"),
        (lambda n: {"account": at_bound("equity_quote", "9700", -n, "0.01")}, (1, 0, 0), "loss_wall"),
        (lambda n: {"proposal": {"leverage": 5 + n}}, (1, 1, 0), "leverage"),
        (lambda n: {"proposal": {"entry_price": D("101.00") + n * D("0.01")}}, (1, 1, 0), "price_collar"),
        (
            lambda n: {"proposal": {"entry_price": D(101), "size_quote": D(3_000) + n * D("0.01")}},
            (1, 1, 0),
            "asset_exposure",
        ),
        (lambda n: {"market": {"mark_ns": NOW - 2 * 10**9 - n}}, (1, 1, 0), "mark_age_s"),
        (lambda n: {"account": {"as_of_ns": NOW - 5 * 10**9 - n}}, (1, 1, 0), "account_age_s"),
        (lambda n: {"proposal": {"valid_until_ns": NOW - n}}, (1, 1, 0), "expired"),
        (lambda n: {"account": {"opening_trades_today": 3 + n}}, (1, 1, 0), "trades_per_day"),
        (lambda n: {"proposal": {"confidence": round(0.65 - n * 0.01, 2)}}, (1, 1, 0), "confidence"),
    ],
)
def test_14_each_bound_one_unit_inside_at_it_and_beyond(build: Any, passing: tuple[int, ...], code: str) -> None:
    found = []
    for step in (-1, 0, 1):
        changes = build(step)
        verdict = gate().judge(
            proposal(**{"take_profit_price": D(104), **changes.get("proposal", {})}),
            account(**changes.get("account", {})), replace(MARKET, **changes.get("market", {})), now_ns=NOW,
        )  # fmt: skip
        found.append(int(code not in codes(verdict)))
    assert tuple(found) == passing

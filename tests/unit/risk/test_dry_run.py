from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from made_desk import MARKET, NOW, SIM, D, account, position, proposal

from chanflow.domain.canonical import plain
from chanflow.risk.dry_run import RiskAnswer, dry_run
from chanflow.risk.halt import HaltState, halt
from chanflow.risk.limits import Limits
from chanflow.risk.loss_wall import WallState
from chanflow.risk.mode import ModeState, hold_for
from chanflow.risk.state import RiskState, Rules

L3 = RiskState("L3")
RULES = Rules({"SIMUSDT": SIM}, Limits())


def asked(
    *, of: Any = None, market: Any = MARKET, rules: Rules = RULES, state: RiskState = L3, **changes: Any
) -> RiskAnswer:
    return dry_run(
        proposal(**changes), account() if of is None else of, market, rules=rules, state=state, now_ns=NOW
    )  # fmt: skip


def test_an_allowed_trade_says_what_would_be_sent() -> None:
    answer = asked()
    assert (answer.allow, answer.side, answer.qty, answer.lev) == (True, "buy", D("14.851"), 2)
    assert (answer.mode, answer.reason, answer.reasons) == ("active", "ok", ())


def test_a_refused_one_names_the_first_reason_and_has_them_all() -> None:
    answer = asked(of=account(reconciled=False), state=RiskState("L0"))
    assert (answer.allow, answer.side, answer.qty, answer.lev) == (False, "flat", D(0), 0)
    assert answer.reason == "reconciled"
    assert [r.code for r in answer.reasons] == ["reconciled", "authority", "confidence", "trades_per_day",
                                                "below_minimum"]  # fmt: skip


def test_where_the_desk_stands() -> None:
    before = account(
        equity_quote=D(9_800), day_start_equity_quote=D(10_000), positions=(position("10"),), opening_trades_today=2,
    )  # fmt: skip
    state = asked(of=before).risk_state
    assert (state.level, state.equity, state.hwm, state.trades_today) == ("L3", D(9_800), D(10_000), 2)
    assert (state.drawdown, state.daily_loss, state.margin_ratio) == (D("0.02"), D("0.02"), D("9.8"))
    assert (state.wall, state.halted, state.sigma, state.as_of) == (False, False, D("0.6"), NOW)
    assert round(state.vol_target or D(0), 10) == round(D("0.20") / D("0.6"), 10)
    assert asked().risk_state.margin_ratio is None


def test_how_much_of_each_limit_the_trade_would_use() -> None:
    used = asked().risk_state.limits_used
    assert set(used) == {
        "margin_ratio", "total_drawdown", "daily_loss", "leverage", "cash_reserve", "asset_exposure",
        "single_trade_loss", "stop_before_liquidation", "price_collar", "order_rate",
    }  # fmt: skip
    assert used["asset_exposure"] == D("0.5")
    assert used["leverage"] == D("0.4")
    assert used["order_rate"] == D("0.2")
    assert used["margin_ratio"] == D("0.03")
    assert used["price_collar"] == D("0.05")


def test_mode_halt_and_wall_are_told() -> None:
    held = RiskState("L3", mode=hold_for(ModeState(), "broker", "b", NOW), halt=halt(HaltState(), "file", "f", NOW),
                     wall=WallState(standing=True))  # fmt: skip
    answer = asked(state=held)
    assert answer.mode == "hold_broker"
    assert [r.code for r in answer.reasons] == ["halt", "strategy_mode", "loss_wall"]
    assert (answer.risk_state.wall, answer.risk_state.halted) == (True, True)
    assert asked(rules=replace(RULES, run_mode="hold")).mode == "hold_manual"


@pytest.mark.parametrize("field", ["high_water_quote", "day_start_equity_quote"])
def test_a_figure_that_cannot_be_had_is_none(field: str) -> None:
    state = asked(of=account(**{field: D(0)})).risk_state
    assert (state.drawdown if field == "high_water_quote" else state.daily_loss) is None
    assert state.wall is (field == "day_start_equity_quote")


def test_it_has_a_canonical_form() -> None:
    text = plain(asked(market=replace(MARKET, sigma_frac=None)))
    assert (text["allow"], text["qty"], text["reason"]) == (False, "0", "sigma_missing")
    assert text["risk_state"]["vol_target"] is None


def test_a_size_of_nothing_uses_nothing_of_the_margin() -> None:
    used = asked(market=replace(MARKET, volume_1m_quote=D(0))).risk_state.limits_used
    assert used["margin_ratio"] == 0

"""What a desk sees around a decision: the account's figures, and what is left out where too much is missing."""

from __future__ import annotations

from typing import Any

import pytest
from made_desk import D, account, position

from chanflow.domain.market_state import FEATURES, MarketState
from chanflow.runtime.market_reader import SeenMarket, account_figures, journal_state


class Journal:
    def __init__(self) -> None:
        self.records: list[tuple[str, Any]] = []

    def append(self, kind: str, body: Any, *, correlation_id: str = "", durable: bool = False) -> None:
        assert correlation_id == body["decision_id"]
        self.records.append((kind, body))


def state(known: int) -> MarketState:
    return MarketState(**dict.fromkeys(FEATURES[:known], 0.5))


@pytest.mark.parametrize(("known", "kept"), [(48, True), (36, True), (35, False), (0, False)])
def test_a_market_with_over_twelve_figures_missing_is_left_out_and_said(known: int, kept: bool) -> None:
    journal = Journal()
    found = journal_state(journal, "d1", SeenMarket(state(known), "range", "low"))
    [(kind, body)] = journal.records
    assert (found is not None) == kept
    if kept:
        assert (kind, len(body["figures"]), body["regime"]) == ("market_state", known, "range")
    else:
        assert (kind, body["missing"], body["allowed"]) == ("market_state_left_out", 48 - known, 12)


def test_an_account_that_holds_nothing_has_no_open_profit() -> None:
    found = account_figures(account(), "SIMUSDT", "L3", 2)
    assert (found["open_profit_r"], found["exposure_frac"], found["losing_streak"]) == (0.0, 0.0, 0.4)
    assert found["ladder_level"] == pytest.approx(0.6)


def test_open_profit_is_in_units_of_the_risk() -> None:
    held = account(positions=(position("10", mark_price=D(101)),))
    assert account_figures(held, "SIMUSDT", "L3", 0)["open_profit_r"] == 1.0
    assert account_figures(held, "ETHUSDT", "L3", 0)["open_profit_r"] == 0.0


def test_a_level_without_a_limit_of_trades_has_no_share_of_it() -> None:
    assert account_figures(account(opening_trades_today=1), "SIMUSDT", "L3", 0)["trades_today_frac"] == 0.25
    assert "trades_today_frac" not in account_figures(account(), "SIMUSDT", "L5", 0)

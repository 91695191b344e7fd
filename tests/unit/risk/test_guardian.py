from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from made_desk import NOW, SIM, D, account, position

from chanflow.domain.account import RestingOrder
from chanflow.domain.canonical import canonical_json
from chanflow.domain.time import NS_PER_S
from chanflow.risk.guardian import (
    BLIND_NS,
    STALE_NS,
    UNPROTECTED_NS,
    Bare,
    GuardianAction,
    GuardianRules,
    GuardianState,
    Look,
    Mark,
    VenueView,
    close_sent,
    facts_of,
    look,
    relief,
    stop_failed,
)
from chanflow.risk.guardian_alerts import Used, crossings, ladder_used
from chanflow.risk.limits import Limits

ETH = replace(SIM, symbol="ETHUSDT", base="ETH")
RULES = GuardianRules(Limits(), {"SIMUSDT": SIM, "ETHUSDT": ETH})
L3 = GuardianState("L3")
OPENING = RestingOrder("SIMUSDT", "SIM", "buy", D(1), D(99), 2)


def seen(
    *, venue: VenueView | None = None, state: GuardianState = L3, rules: GuardianRules = RULES,
    marks: Any = None, now_ns: int = NOW, used: tuple[Used, ...] = (), **changes: Any,
) -> Look:  # fmt: skip
    ledger = account(**changes)
    known = {p.symbol: Mark(p.mark_price, now_ns) for p in ledger.positions} if marks is None else marks
    return look(ledger, venue, known, state, rules, now_ns, used)


def kinds(found: Look) -> list[str]:
    return [f"{a.kind}:{a.cause}" for a in found.actions if a.kind != "alert"]


def alerts(found: Look) -> list[tuple[str, str]]:
    return [(a.key, a.severity) for a in found.actions if a.kind == "alert"]


def venue(**changes: Any) -> VenueView:
    return replace(VenueView(NOW, D(10_000), {}), **changes)


def test_a_calm_account_needs_nothing() -> None:
    found = seen(positions=(position("5"),))
    assert found.actions == ()
    assert found.state == GuardianState("L3")


@pytest.mark.parametrize(("equity", "acts"), [("9000.01", False), ("9000", True)])
def test_the_total_drawdown_closes_everything_and_halts(equity: str, acts: bool) -> None:
    held = (position("5"), position("-3", symbol="ETHUSDT", base="ETH"))
    found = seen(equity_quote=D(equity), day_start_equity_quote=D(equity), positions=held, resting=(OPENING,))
    expected = ["cancel_openings", "close", "close", "demote", "halt"]
    assert kinds(found) == ([f"{kind}:drawdown" for kind in expected] if acts else [])
    if acts:
        closes = [(a.symbol, a.side, a.qty_base, a.how) for a in found.actions if a.kind == "close"]
        assert closes == [("ETHUSDT", "buy", D(3), "ioc"), ("SIMUSDT", "sell", D(5), "ioc")]
        assert found.actions[5].message == "drawdown is 0.1000, the limit is 0.10"
        assert ("alert:drawdown", "critical") in alerts(found)


def test_what_is_done_is_not_asked_for_again() -> None:
    done = GuardianState("L0", halted=True, told=("drawdown",), crossed=(("drawdown", 50), ("drawdown", 80),
                         ("drawdown", 100)))  # fmt: skip
    found = seen(equity_quote=D(9000), day_start_equity_quote=D(9000), state=done)
    assert found.actions == ()
    assert found.state == done


def test_the_same_need_has_the_same_key_until_it_was_tried() -> None:
    hurt: dict[str, Any] = {"equity_quote": D(8000), "positions": (position("5"),)}
    first = seen(**hurt)
    again = seen(**hurt, state=first.state)
    close = [a for a in first.actions if a.kind == "close"]
    assert [a for a in again.actions if a.kind == "close"] == close
    state, hows = first.state, []
    for _ in range(5):
        (next_close,) = [a for a in seen(**hurt, state=state).actions if a.kind == "close"]
        hows.append((next_close.key, next_close.how))
        state = close_sent(state, "SIMUSDT")
    assert hows == [
        ("close:SIMUSDT:0", "ioc"), ("close:SIMUSDT:1", "ioc"), ("close:SIMUSDT:2", "ioc"),
        ("close:SIMUSDT:3", "market"), ("close:SIMUSDT:4", "market"),
    ]  # fmt: skip
    assert seen(state=state).state.attempts == ()


@pytest.mark.parametrize(("equity", "acts"), [("9500.01", False), ("9500", True)])
def test_the_day_loss_stops_openings_and_leaves_positions_their_stops(equity: str, acts: bool) -> None:
    found = seen(equity_quote=D(equity), positions=(position("5"),), resting=(OPENING,))
    assert kinds(found) == (["cancel_openings:day_loss", "demote:day_loss"] if acts else [])
    assert (("alert:day_loss", "critical") in alerts(found)) is acts


def test_the_day_loss_closes_where_it_is_told_to() -> None:
    found = seen(equity_quote=D(9500), positions=(position("5"),), rules=replace(RULES, daily_loss_closes=True))
    assert kinds(found) == ["close:day_loss", "demote:day_loss"]


def test_transfers_are_no_loss() -> None:
    moved = seen(equity_quote=D(9000), high_water_quote=D(9000), transfers_today_quote=D(-1000))
    assert kinds(moved) == []


def flat_day(equity: str, **changes: Any) -> dict[str, Any]:
    return {"equity_quote": D(equity), "high_water_quote": D(equity), "day_start_equity_quote": D(equity), **changes}


@pytest.mark.parametrize(("equity", "acts"), [("1500", False), ("1499.99", True)])
def test_a_thin_margin_closes_until_there_is_room(equity: str, acts: bool) -> None:
    found = seen(**flat_day(equity, positions=(position("100", leverage=20),)))
    assert kinds(found) == (["close:margin_ratio", "demote:margin_ratio"] if acts else [])


def test_relief_takes_the_largest_losers_first_and_counts_the_cost() -> None:
    losing = position("30", symbol="ETHUSDT", base="ETH", entry_price=D(120))
    winning = position("70", entry_price=D(90))
    ledger = account(**flat_day("1400", positions=(winning, losing)))
    marks = {"SIMUSDT": Mark(D(100), NOW), "ETHUSDT": Mark(D(100), NOW)}
    found = relief(ledger, facts_of(ledger, None, marks, NOW), RULES)
    assert [symbol for symbol, _ in found] == ["ETHUSDT", "SIMUSDT"]
    closed = sum(qty for _, qty in found) * 100
    equity = D(1400) - closed * D("0.001")
    assert equity >= D("0.25") * (10_000 - closed)
    one_step_less = closed - SIM.step * 100
    assert D(1400) - one_step_less * D("0.001") < D("0.25") * (10_000 - one_step_less)
    assert found[0][1] == D(30)
    assert found[1][1] == SIM.floor_qty(found[1][1])


def test_relief_closes_the_larger_of_equals_and_never_more_than_there_is() -> None:
    ledger = account(**flat_day("1", positions=(position("10"), position("20", symbol="ETHUSDT", base="ETH"))))
    assert relief(ledger, facts_of(ledger, None, {}, NOW), RULES) == [("ETHUSDT", D(20)), ("SIMUSDT", D(10))]


def test_relief_in_a_symbol_without_rules_closes_all_of_it() -> None:
    ledger = account(**flat_day("100", positions=(position("10", symbol="XUSDT", base="X"),)))
    assert relief(ledger, facts_of(ledger, None, {}, NOW), RULES) == [("XUSDT", D(10))]


def test_a_position_without_a_stop_gets_one_after_five_seconds() -> None:
    bare = (position("5", protected=False),)
    first = seen(positions=bare)
    assert kinds(first) == []
    assert first.state.bare == (("SIMUSDT", Bare(NOW)),)
    on_time = seen(positions=bare, state=first.state, now_ns=NOW + UNPROTECTED_NS, as_of_ns=NOW + UNPROTECTED_NS)
    assert kinds(on_time) == []
    late_ns = NOW + UNPROTECTED_NS + 1
    late = seen(positions=bare, state=first.state, now_ns=late_ns, as_of_ns=late_ns)
    assert late.actions == (
        GuardianAction("place_stop", "stop:SIMUSDT:0", "unprotected", "SIMUSDT has stood without a live stop for 5 s",
                       "SIMUSDT", D(5), "sell"),
    )  # fmt: skip
    assert seen(positions=(position("5"),), state=first.state).state.bare == ()
    assert seen(state=first.state).state.bare == ()


def test_a_short_without_a_stop_is_bought_back() -> None:
    old = GuardianState("L3", bare=(("SIMUSDT", Bare(NOW - 6 * NS_PER_S)),))
    (action,) = seen(positions=(position("-5", protected=False),), state=old).actions
    assert (action.kind, action.side) == ("place_stop", "buy")


def test_after_three_failures_the_position_is_closed() -> None:
    state = GuardianState("L3", bare=(("ETHUSDT", Bare(NOW)), ("SIMUSDT", Bare(NOW - 6 * NS_PER_S))))
    bare = (position("5", protected=False),)
    did = []
    for _ in range(4):
        did.append([(a.kind, a.key) for a in seen(positions=bare, state=state).actions])
        state = stop_failed(state, "SIMUSDT")
    assert did[:3] == [[("place_stop", f"stop:SIMUSDT:{n}")] for n in range(3)]
    assert did[3] == [("close", "close:SIMUSDT:0"), ("alert", "alert:unprotected:SIMUSDT")]
    assert dict(state.bare)["ETHUSDT"].failures == 0


def test_a_position_that_only_the_venue_knows_is_closed() -> None:
    old = GuardianState("L3", bare=(("SIMUSDT", Bare(NOW - 6 * NS_PER_S)),))
    found = seen(venue=venue(positions={"SIMUSDT": D(-2)}), marks={"SIMUSDT": Mark(D(100), NOW)}, state=old)
    (close,) = [a for a in found.actions if a.kind == "close"]
    assert (close.symbol, close.side, close.qty_base, close.cause) == ("SIMUSDT", "buy", D(2), "unprotected")
    no_price = position("5", protected=False, stop_price=None)
    assert kinds(seen(positions=(no_price,), state=old)) == ["close:unprotected"]


def test_the_worse_of_ledger_and_venue_counts() -> None:
    found = seen(venue=venue(equity_quote=D(8999)), positions=(position("5"),))
    assert "close:drawdown" in kinds(found)
    assert kinds(seen(venue=venue(equity_quote=D(99_999)), equity_quote=D(8999))) == [
        "demote:drawdown", "halt:drawdown",
    ]  # fmt: skip
    more = seen(venue=venue(equity_quote=D(8999), positions={"SIMUSDT": D(9)}), positions=(position("5"),))
    assert [a.qty_base for a in more.actions if a.kind == "close"] == [D(9)]
    less = seen(venue=venue(equity_quote=D(8999), positions={"SIMUSDT": D(2)}), positions=(position("5"),))
    assert [a.qty_base for a in less.actions if a.kind == "close"] == [D(5)]


def test_the_worse_of_two_marks_counts() -> None:
    ledger = account(positions=(position("5"),))
    facts = facts_of(ledger, None, {"SIMUSDT": Mark(D(110), NOW)}, NOW)
    assert facts.notional == {"SIMUSDT": D(550)}
    assert facts_of(ledger, None, {"SIMUSDT": Mark(D(90), NOW)}, NOW).total == D(500)


def test_a_forced_close_by_the_venue_halts() -> None:
    found = seen(venue=venue(seized=("SIMUSDT",)))
    assert kinds(found) == ["demote:venue_liquidation", "halt:venue_liquidation"]
    assert alerts(found) == [("alert:seized", "critical")]
    assert alerts(seen(venue=venue(seized=("SIMUSDT",)), state=found.state)) == []
    calm = seen(venue=venue(), state=found.state)
    assert alerts(seen(venue=venue(seized=("SIMUSDT",)), state=calm.state)) == [("alert:seized", "critical")]


@pytest.mark.parametrize(
    ("age_ns", "expected"),
    [(STALE_NS, []), (STALE_NS + 1, ["hold:stale"]), (BLIND_NS, ["hold:stale"]),
     (BLIND_NS + 1, ["hold:stale", "close:blind"])],
)  # fmt: skip
@pytest.mark.parametrize("what", ["ledger", "venue", "mark"])
def test_stale_inputs_hold_and_then_reduce(age_ns: int, expected: list[str], what: str) -> None:
    old = NOW - age_ns
    found = seen(
        positions=(position("5"),), as_of_ns=old if what == "ledger" else NOW,
        venue=venue(as_of_ns=old if what == "venue" else NOW),
        marks={"SIMUSDT": Mark(D(100), old if what == "mark" else NOW)},
    )  # fmt: skip
    assert kinds(found) == expected


def test_a_reading_that_never_came_is_infinitely_old() -> None:
    assert kinds(seen(positions=(position("5"),), marks={}, venue=venue())) == ["hold:stale", "close:blind"]
    assert kinds(seen(venue=venue(as_of_ns=None))) == ["hold:stale"]


def test_a_venue_that_does_not_answer_leaves_the_dead_man() -> None:
    silent = venue(as_of_ns=None, answers=False)
    assert kinds(seen(positions=(position("5"),), venue=silent)) == ["hold:stale", "dead_man:blind"]
    assert kinds(seen(positions=(position("5"),), marks={}, venue=None)) == ["hold:stale", "dead_man:blind"]


def test_a_hold_that_stands_is_not_asked_for_again() -> None:
    assert kinds(seen(as_of_ns=NOW - STALE_NS - 1, state=GuardianState("L3", held=True))) == []


def test_one_symbol_is_closed_once_for_the_first_cause() -> None:
    found = seen(equity_quote=D(100), positions=(position("5"),), marks={})
    assert kinds(found).count("close:drawdown") == 1
    assert next(a for a in found.actions if a.kind == "close").cause == "drawdown"
    assert sum(a.kind == "close" for a in found.actions) == 1


def test_alerts_come_at_half_four_fifths_and_all_of_a_limit() -> None:
    found = seen(equity_quote=D(9500), day_start_equity_quote=D(9500))
    assert alerts(found) == [("alert:drawdown:50", "info")]
    assert alerts(seen(equity_quote=D(9200), day_start_equity_quote=D(9200))) == [("alert:drawdown:80", "warning")]
    assert alerts(seen(positions=(position("25"),))) == [("alert:exposure:80", "warning")]


def test_the_figures_of_the_account_are_measured_against_their_limits() -> None:
    held = (position("15"), position("-9", symbol="ETHUSDC", base="ETH"), position("-3", symbol="ETHUSDT", base="ETH"))
    rules = replace(RULES, instruments={**RULES.instruments, "ETHUSDC": ETH})
    found = seen(equity_quote=D(2000), high_water_quote=D(2000), day_start_equity_quote=D(2000), positions=held,
                 rules=rules)  # fmt: skip
    # notional 2700 of equity 2000: 20 % of 74 %; SIM 1500 of 2000; margin 1350, so 650 of 2000 left.
    assert [a.message for a in found.actions if a.kind == "alert"] == [
        "exposure uses 250.0 % of its limit",
    ]
    crowded = seen(equity_quote=D(1500), high_water_quote=D(1500), day_start_equity_quote=D(1500), positions=held,
                   rules=rules)  # fmt: skip
    assert "cash_reserve uses 100.0 % of its limit" in [a.message for a in crowded.actions]


def test_further_figures_are_warned_of_too() -> None:
    used = ladder_used(trades_today=4, trades_cap=4, straight_losses=3, losses_cap=5, win_rate=D("0.5"),
                       win_rate_floor=D("0.45"))  # fmt: skip
    assert alerts(seen(used=used)) == [
        ("alert:straight_losses:50", "info"), ("alert:trades_per_day:100", "critical"),
        ("alert:win_rate:80", "warning"),
    ]  # fmt: skip
    assert ladder_used(trades_today=4, trades_cap=None, straight_losses=0, losses_cap=5) == (
        Used("straight_losses", D(0)),
    )


def test_an_alert_is_told_once_and_armed_again_below_nine_tenths() -> None:
    crossed: tuple[tuple[str, int], ...] = ()
    told = []
    for share in ("0.49", "0.5", "0.79", "0.46", "0.5", "0.449", "0.5", "0.8", "1", "0.91", "1", "0.89", "1.2"):
        crossed, found = crossings([Used("x", D(share))], crossed)
        told.append([(a.percent, a.severity) for a in found])
    none: list[Any] = []
    assert told == [
        none, [(50, "info")], none, none, none, none, [(50, "info")], [(80, "warning")], [(100, "critical")], none,
        none, none, [(100, "critical")],
    ]  # fmt: skip


def test_a_leap_over_several_thresholds_tells_the_highest() -> None:
    crossed, found = crossings([Used("x", D(3))], ())
    assert [a.percent for a in found] == [100]
    assert found[0].message == "x uses 300.0 % of its limit"
    assert crossed == (("x", 50), ("x", 80), ("x", 100))


def test_a_figure_that_is_not_read_keeps_its_thresholds() -> None:
    assert crossings([], (("x", 50),)) == ((("x", 50),), ())


def test_actions_and_state_can_be_journaled() -> None:
    found = seen(equity_quote=D(8000), positions=(position("5", protected=False),))
    assert "close:SIMUSDT:0" in canonical_json(found.actions)
    assert "SIMUSDT" in canonical_json(found.state)


def test_equity_below_nothing_still_closes_everything() -> None:
    found = seen(equity_quote=D(-5), positions=(position("5"),))
    assert {"close:drawdown", "demote:drawdown", "halt:drawdown"} <= set(kinds(found))


def told(found: Look) -> list[str]:
    return [a.message for a in found.actions if a.kind == "alert"]


def poor(equity: str, *positions: Any) -> dict[str, Any]:
    """An account that lost nothing today and never had more."""
    rich = D(equity)
    return {"equity_quote": rich, "high_water_quote": rich, "day_start_equity_quote": rich, "positions": positions}


TWO_OF_A_KIND = {"ETHUSDT": ETH, "ETHUSDC": replace(ETH, symbol="ETHUSDC"), "SIMUSDT": SIM}


def test_a_long_and_a_short_of_one_asset_are_set_off() -> None:
    rules = replace(RULES, instruments=TWO_OF_A_KIND)
    long = position("1", symbol="ETHUSDT", base="ETH", mark_price=D(2000), entry_price=D(2000))
    short = position("-1", symbol="ETHUSDC", base="ETH", mark_price=D(200), entry_price=D(200))
    assert told(seen(positions=(long, short), rules=rules)) == ["exposure uses 60.0 % of its limit"]
    nothing_known = replace(RULES, instruments={})
    assert told(seen(positions=(long, short), rules=nothing_known)) == ["exposure uses 66.7 % of its limit"]


def test_the_margin_is_measured_by_what_stands() -> None:
    spread = [position("1", symbol=f"{n}USDT", base=n, mark_price=D(50), leverage=50) for n in "ABCDEFGHIJ"]
    assert told(seen(**poor("190", *spread))) == [
        "margin_ratio uses 52.6 % of its limit",
        "exposure uses 87.7 % of its limit",
    ]
    tiny = position("0.01", leverage=50)
    assert "margin_ratio uses 66.7 % of its limit" in told(seen(**poor("0.3", tiny)))


def test_without_a_position_the_margin_is_not_read() -> None:
    known = replace(L3, crossed=(("margin_ratio", 50),))
    assert seen(state=known).state.crossed == (("margin_ratio", 50),)
    owing = seen(**{**poor("10000"), "equity_quote": D(-5)})
    assert "margin_ratio" not in {a.cause for a in owing.actions}


def test_a_position_of_one_quote_unit_has_a_margin_too() -> None:
    assert "close:margin_ratio" in kinds(seen(**poor("0.1", position("0.01", leverage=50))))


def test_equity_of_nothing_is_counted_as_a_billionth() -> None:
    words = told(seen(**{**poor("10", position("1")), "equity_quote": D(0)}))
    assert "margin_ratio uses 2000000000000.0 % of its limit" in words
    assert "cash_reserve uses 10.0 % of its limit" not in words
    full = told(seen(**poor("100", position("1", leverage=1))))
    assert "cash_reserve uses 1000000000000.0 % of its limit" in full


@pytest.mark.parametrize("qty", ["0.5", "1"])
def test_a_small_long_is_sold_and_a_small_short_bought(qty: str) -> None:
    for signed, side in ((qty, "sell"), (f"-{qty}", "buy")):
        held = position(signed, protected=False)
        (close,) = [a for a in seen(**{**poor("10000", held), "equity_quote": D(8000)}).actions if a.kind == "close"]
        assert (close.side, close.qty_base) == (side, D(qty))
        bare = replace(L3, bare=(("SIMUSDT", Bare(NOW - UNPROTECTED_NS - 1)),))
        (stop,) = [a for a in seen(positions=(held,), state=bare).actions if a.kind == "place_stop"]
        assert (stop.side, stop.qty_base) == (side, D(qty))


def test_where_ledger_and_venue_hold_as_much_the_ledger_counts() -> None:
    ledger = account(positions=(position("1"),))
    facts = facts_of(ledger, venue(positions={"SIMUSDT": D(-1)}), {}, NOW)
    assert facts.signed == {"SIMUSDT": D(1)}
    assert facts_of(ledger, venue(positions={"SIMUSDT": D("-1.001")}), {}, NOW).signed == {"SIMUSDT": D("-1.001")}


def test_a_day_loss_closes_nothing_unless_it_is_told_to() -> None:
    assert not GuardianRules(Limits(), {}).daily_loss_closes


def relieved(equity: str, *positions: Any) -> list[tuple[str, Any]]:
    ledger = account(**poor(equity, *positions))
    return relief(ledger, facts_of(ledger, None, {}, NOW), RULES)


def test_relief_stops_where_there_is_room() -> None:
    assert relieved("25", position("1")) == []
    assert relieved("24.9", position("1"), position("1", symbol="ETHUSDT", base="ETH", entry_price=D(90)))[1:] != []
    small_loser = position("1", symbol="ETHUSDT", base="ETH", entry_price=D(101))
    assert [symbol for symbol, _ in relieved("45", small_loser, position("1"))] == ["ETHUSDT"]


def test_relief_takes_the_larger_loss_before_the_larger_position() -> None:
    small, large = position("1", entry_price=D(150)), position("5", symbol="ETHUSDT", base="ETH", entry_price=D(101))
    assert relieved("140", small, large)[0][0] == "SIMUSDT"


def test_a_position_worth_nothing_is_no_relief() -> None:
    assert relieved("-1", position("1", mark_price=D(0))) == []


def test_a_position_worth_one_is_closed_like_any_other() -> None:
    assert relieved("0.1", position("0.01")) != []


def test_the_win_rate_is_read_where_a_floor_stands() -> None:
    def names(**given: Any) -> dict[str, Any]:
        found = ladder_used(trades_today=1, trades_cap=4, straight_losses=0, losses_cap=5, **given)
        return {each.name: each.share for each in found}

    assert names()["trades_per_day"] == D("0.25")
    assert "win_rate" not in names(win_rate=D("0.5"))
    assert "win_rate" not in names(win_rate_floor=D("0.5"))
    assert names(win_rate=D("0.5"), win_rate_floor=D("0.45"))["win_rate"] == D("0.9")
    assert names(win_rate=D(0), win_rate_floor=D("0.45"))["win_rate"] == D(4_500)


@pytest.mark.parametrize(("share", "armed"), [("0.45", False), ("0.4499", True)])
def test_an_alert_is_armed_again_below_nine_tenths_of_its_threshold(share: str, armed: bool) -> None:
    crossed, _ = crossings((Used("drawdown", D(share)),), (("drawdown", 50),))
    assert (crossed == ()) is armed

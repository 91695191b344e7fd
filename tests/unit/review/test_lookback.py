from __future__ import annotations

from made_cases import HOUR, T0, made_decision, made_trade

from chanflow.review.lookback import lookback, text_of

DAY = "2026-01-05"


def test_a_day_without_anything_teaches_nothing() -> None:
    assert text_of(lookback(DAY, [], [], [])) == "2026-01-05: no decisions and no closed trades. Nothing to learn."


def test_journals_that_could_not_be_read_are_said() -> None:
    assert text_of(lookback(DAY, [], [], [], unread=("0001-x",))).endswith(
        "Nothing to learn. 1 journals could not be read: what they tell is missing."
    )


def test_refused_and_abstained_decisions_count() -> None:
    decisions = [
        made_decision("a", fate="refused", reason="max_exposure, cooldown"),
        made_decision("b", fate="refused", reason="cooldown"),
        made_decision("c", action="abstain", fate="abstained", reason="no_setup"),
    ]
    found = lookback(DAY, decisions, [], decisions)
    assert (found.fates, found.refusals) == ({"abstained": 1, "refused": 2}, {"cooldown": 2, "max_exposure": 1})
    assert text_of(found) == (
        "2026-01-05: 3 decisions (1 abstained, 2 refused). No trade closed. "
        "The gate refused for (2 cooldown, 1 max_exposure)."
    )


def test_the_best_and_the_worst_three_come_with_what_memory_said() -> None:
    decisions = [
        made_decision(f"d{i}", memory_said="7 similar cases, mean +0.40 R" if i == 6 else "") for i in range(7)
    ]
    trades = [made_trade(f"d{i}", closed_ns=T0 + HOUR, net=str(10 * (i - 3))) for i in range(7)]
    found = lookback(DAY, decisions, trades, decisions)
    assert [each.r_multiple for each in found.best] == [3.0, 2.0, 1.0]
    assert [each.r_multiple for each in found.worst] == [-3.0, -2.0, -1.0]
    assert "Best: BTCUSDT 30m buy2 +3.00 R, memory said: 7 similar cases, mean +0.40 R; " in text_of(found)
    assert "7 trades closed, 3 with profit (95 % interval 16% to 75%), mean +0.00 R, net 0 after 7 of cost." in text_of(
        found
    )


def test_a_trade_whose_decision_is_not_known_is_told_all_the_same() -> None:
    found = lookback(DAY, [], [made_trade("gone", net="20")], [])
    assert (found.best[0].decision_id, found.best[0].setup, found.performance["n"]) == ("gone", "", 1)


def test_a_setup_that_loses_is_worth_a_backtest() -> None:
    losers = [made_decision(f"l{i}", closed_ns=T0 + 1, r=-0.5, symbol="ETHUSDT") for i in range(5)]
    winners = [made_decision(f"w{i}", closed_ns=T0 + 1, r=0.5, setup="buy3") for i in range(5)]
    few = [made_decision(f"f{i}", closed_ns=T0 + 1, r=-0.5, setup="sell2") for i in range(4)]
    (idea,) = lookback(DAY, [*losers, *winners, *few], [], []).ideas
    assert (idea.symbols, idea.level, idea.setup, idea.why) == (
        ("ETHUSDT",),
        "30m",
        "buy2",
        "5 closed decisions, mean -0.50 R",
    )


def test_the_text_is_cut_at_its_bound_and_the_facts_are_json() -> None:
    decisions = [made_decision(f"d{i}", fate="refused", reason=f"code_{i:03}") for i in range(300)]
    found = lookback(DAY, decisions, [], decisions)
    assert len(text_of(found)) == 1_200
    assert found.facts["refusals"]["code_007"] == 1

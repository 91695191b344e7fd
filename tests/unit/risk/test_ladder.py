from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from made_desk import NOW, D

from chanflow.domain.order import Reason
from chanflow.risk.ladder import (
    CLIMBS,
    LADDER,
    LEVELS,
    NS_PER_DAY,
    Change,
    Climb,
    Evidence,
    LadderState,
    Level,
    Window,
    analyst_changed,
    apply,
    demotion_of,
    evaluate,
    lower,
    missing,
    protect,
    review,
    start,
)
from chanflow.risk.limits import Limits

LIMITS = Limits()
STRONG = Window(trades=60, win_rate=D("0.75"), expectancy_quote=D(1))
GOOD = Evidence(
    drawdown_frac=D("0.01"), day_loss_frac=D(0), week=STRONG, month=STRONG, sharpe=D(3), consistency=D("0.9"),
    green_days=25,
)  # fmt: skip


def at(level: Level, *, days: int = 31, **changes: Any) -> LadderState:
    since = NOW - days * NS_PER_DAY
    return replace(LadderState("paper", level, since, since, since), **changes)


def step(state: LadderState, evidence: Evidence) -> Level:
    change = evaluate(state, evidence, LIMITS, NOW)
    return state.level if change is None else change.after


def test_a_book_begins_where_it_may() -> None:
    assert start("paper", NOW).level == "L3"
    assert start("paper", NOW, paper_start="L1").level == "L1"
    assert start("paper", NOW, paper_start="L5").level == "L3"
    assert start("live", NOW, paper_start="L3").level == "L1"
    assert start("live", NOW) == LadderState("live", "L1", NOW, NOW, NOW)


@pytest.mark.parametrize(("level", "above"), [("L1", "L2"), ("L2", "L3"), ("L3", "L4"), ("L4", "L5")])
def test_a_good_record_rises_one_level(level: Level, above: Level) -> None:
    change = evaluate(at(level), GOOD, LIMITS, NOW)
    assert change == Change("paper", level, above, "promotion", f"every condition of {above} is met", NOW)


@pytest.mark.parametrize("level", ["L0", "L5"])
def test_there_is_nothing_above_for_evidence_to_reach(level: Level) -> None:
    assert evaluate(at(level), GOOD, LIMITS, NOW) is None
    assert missing(at(level), GOOD, NOW) == ()


PROMOTIONS = [
    # level, what is changed, the last value that passes, the first that does not
    ("L1", "days", 7, 6), ("L1", "week.trades", 5, 4), ("L1", "week.win_rate", D("0.50"), D("0.49999")),
    ("L1", "week.expectancy_quote", D("0.01"), D(0)), ("L1", "drawdown_frac", D("0.0799"), D("0.08")),
    ("L2", "days", 30, 29), ("L2", "month.trades", 10, 9), ("L2", "month.win_rate", D("0.50"), D("0.49999")),
    ("L2", "month.expectancy_quote", D("0.01"), D(0)), ("L2", "sharpe", D("1.0"), D("0.999")),
    ("L2", "drawdown_frac", D("0.0799"), D("0.08")),
    ("L3", "days", 30, 29), ("L3", "month.trades", 20, 19), ("L3", "month.win_rate", D("0.60"), D("0.59999")),
    ("L3", "month.expectancy_quote", D("0.01"), D(0)), ("L3", "sharpe", D("1.5"), D("1.499")),
    ("L3", "drawdown_frac", D("0.0799"), D("0.08")), ("L3", "consistency", D("0.7"), D("0.699")),
    ("L4", "days", 30, 29), ("L4", "month.trades", 50, 49), ("L4", "month.win_rate", D("0.70"), D("0.69999")),
    ("L4", "month.expectancy_quote", D("0.01"), D(0)), ("L4", "sharpe", D("2.0"), D("1.999")),
    ("L4", "drawdown_frac", D("0.0499"), D("0.05")), ("L4", "green_days", 20, 19),
]  # fmt: skip


def with_figure(evidence: Evidence, name: str, value: Any) -> Evidence:
    window, _, figure = name.rpartition(".")
    if window:
        return replace(evidence, **{window: replace(getattr(evidence, window), **{figure: value})})
    return replace(evidence, **{figure: value})


@pytest.mark.parametrize(("level", "name", "passes", "fails"), PROMOTIONS)
def test_every_condition_of_a_promotion_holds_to_its_bound(level: Level, name: str, passes: Any, fails: Any) -> None:
    rises = []
    for value in (passes, fails):
        state = at(level, days=value) if name == "days" else at(level)
        evidence = GOOD if name == "days" else with_figure(GOOD, name, value)
        rises.append(step(state, evidence) > level)
        assert len(missing(state, evidence, NOW)) == (0 if rises[-1] else 1)
    assert rises == [True, False]


@pytest.mark.parametrize("level", ["L1", "L2", "L3", "L4"])
@pytest.mark.parametrize("name", ["win_rate", "expectancy_quote"])
def test_what_is_not_known_promotes_nobody(level: Level, name: str) -> None:
    window = replace(STRONG, **{name: None})
    assert step(at(level), replace(GOOD, week=window, month=window)) == level


@pytest.mark.parametrize(
    ("level", "name"), [("L2", "sharpe"), ("L3", "sharpe"), ("L3", "consistency"), ("L4", "sharpe")]
)
def test_a_missing_ratio_promotes_nobody(level: Level, name: str) -> None:
    assert step(at(level), replace(GOOD, **{name: None})) == level


def test_only_the_conditions_of_the_level_are_asked() -> None:
    bare = replace(GOOD, sharpe=None, consistency=None, green_days=0, month=Window())
    assert step(at("L1"), bare) == "L2"
    assert step(at("L2"), replace(GOOD, consistency=None, green_days=0, week=Window())) == "L3"
    assert step(at("L4"), replace(GOOD, consistency=None)) == "L5"


def test_one_level_a_day_is_the_most() -> None:
    today = NOW // NS_PER_DAY
    assert step(at("L2", rose_day=today), GOOD) == "L2"
    assert step(at("L2", rose_day=today - 1), GOOD) == "L3"
    assert missing(at("L2", rose_day=today), GOOD, NOW) == ("it rose today, one level a day is the most",)


def test_a_level_that_would_send_it_back_is_not_entered() -> None:
    assert step(at("L1"), replace(GOOD, straight_losses=3)) == "L1"
    assert step(at("L2"), replace(GOOD, week=Window(5, D("0.44"), D(1)))) == "L2"
    assert missing(at("L1"), replace(GOOD, straight_losses=3), NOW) == ("L2 would send it back at once",)


DEMOTIONS = [
    ("L2", "straight_losses", 2, 3, "L1"),
    ("L3", "week.win_rate", D("0.45"), D("0.4499"), "L2"),
    ("L4", "month.win_rate", D("0.55"), D("0.5499"), "L3"),
    ("L5", "month.win_rate", D("0.65"), D("0.6499"), "L4"),
]


@pytest.mark.parametrize(("level", "name", "stays", "falls", "below"), DEMOTIONS)
def test_every_demotion_holds_to_its_bound(level: Level, name: str, stays: Any, falls: Any, below: Level) -> None:
    calm = replace(GOOD, sharpe=None)
    assert step(at(level), with_figure(calm, name, stays)) == level
    assert step(at(level), with_figure(calm, name, falls)) == below


@pytest.mark.parametrize(
    ("level", "name", "fires", "silent"),
    [("L3", "week", 5, 4), ("L4", "month", 10, 9), ("L5", "month", 10, 9)],
)
def test_too_few_trades_demote_nobody(level: Level, name: str, fires: int, silent: int) -> None:
    for trades, falls in ((fires, True), (silent, False)):
        bad = replace(GOOD, sharpe=None, **{name: Window(trades, D("0.1"), D(-1))})
        assert (step(at(level), bad) < level) == falls


def test_a_win_rate_that_is_not_known_demotes_nobody() -> None:
    assert step(at("L3"), replace(GOOD, sharpe=None, week=Window(9, None, D(0)))) == "L3"


@pytest.mark.parametrize("level", ["L0", "L1"])
def test_only_l0_causes_lead_down_from_l1(level: Level) -> None:
    bad = replace(GOOD, straight_losses=4, week=Window(99, D(0), D(-1)), month=Window(99, D(0), D(-1)))
    assert step(at(level), bad) == level
    assert demotion_of(level, bad) is None


def test_down_one_level_at_an_evaluation_and_down_comes_before_up() -> None:
    assert step(at("L5"), replace(GOOD, month=Window(60, D(0), D(-1)))) == "L4"
    # At L3 a bad week and a good month: down it goes.
    assert step(at("L3"), replace(GOOD, week=Window(5, D("0.4"), D(1)))) == "L2"


L0_CAUSES = [
    ("drawdown_frac", D("0.0999999"), D("0.10"), "drawdown"),
    ("day_loss_frac", D("0.0499999"), D("0.05"), "day_loss"),
    ("straight_losses", 4, 5, "straight_losses"),
    ("forced_close", False, True, "forced_close"),
    ("table_readable", True, False, "unreadable"),
]


@pytest.mark.parametrize("level", LEVELS[1:])
@pytest.mark.parametrize(("name", "stays", "falls", "cause"), L0_CAUSES)
def test_from_anywhere_to_l0(level: Level, name: str, stays: Any, falls: Any, cause: str) -> None:
    assert step(at(level), replace(GOOD, **{name: stays})) != "L0"
    for decide in (evaluate, protect):
        change = decide(at(level), replace(GOOD, **{name: falls}), LIMITS, NOW)
        assert change is not None
        assert (change.before, change.after, change.cause, change.book) == (level, "L0", cause, "paper")


def test_l0_causes_come_before_everything() -> None:
    worst = replace(GOOD, drawdown_frac=D("0.2"), day_loss_frac=D("0.2"), straight_losses=9, forced_close=True)
    change = evaluate(at("L5"), worst, LIMITS, NOW)
    assert change is not None
    assert change.message == "drawdown is 0.2000, the limit is 0.10"
    assert protect(at("L5"), replace(GOOD, month=Window(60, D(0), D(-1))), LIMITS, NOW) is None
    assert protect(at("L0"), worst, LIMITS, NOW) is None


def test_messages_name_value_and_bound() -> None:
    def message(level: Level, **changes: Any) -> str:
        change = evaluate(at(level), replace(GOOD, sharpe=None, **changes), LIMITS, NOW)
        assert change is not None
        return change.message

    assert message("L2", straight_losses=3) == "3 trades in a row lost, 3 lead down from L2"
    assert message("L3", week=Window(5, D("0.4"), D(1))) == "win rate over 7 days is 0.4000, L3 needs 0.45"
    assert message("L5", month=Window(50, D("0.6"), D(1))) == "win rate over 30 days is 0.6000, L5 needs 0.65"
    assert message("L5", straight_losses=5) == "5 trades in a row lost, 5 lead to L0"
    assert message("L5", day_loss_frac=D("0.06")) == "day loss is 0.0600, the limit is 0.05"


def test_what_is_missing_is_said_with_value_and_bound() -> None:
    poor = replace(
        GOOD, week=Window(), month=Window(3, D("0.2"), D(-1)), sharpe=None, consistency=D("0.1"), green_days=1,
        drawdown_frac=D("0.09"),
    )  # fmt: skip
    assert missing(at("L3", days=2), poor, NOW) == (
        "2 days here, 30 are needed", "3 trades in 30 days, 20 are needed", "win rate 0.2, 0.60 is needed",
        "expectancy -1, above 0 is needed", "drawdown 0.0900, below 0.08 is needed", "Sharpe None, 1.5 is needed",
        "consistency 0.1, 0.7 is needed",
    )  # fmt: skip
    assert missing(at("L4"), replace(GOOD, green_days=3), NOW) == ("3 straight green days, 20 are needed",)
    assert missing(at("L1"), replace(GOOD, week=Window(4, D(1), D(1))), NOW) == ("4 trades in 7 days, 5 are needed",)


def test_a_step_restarts_the_time_in_level_and_only_a_rise_counts_as_one() -> None:
    state = at("L3", rose_day=5)
    up = apply(state, Change("paper", "L3", "L4", "promotion", "", NOW))
    assert (up.level, up.since_ns, up.rose_day) == ("L4", NOW, NOW // NS_PER_DAY)
    assert (up.streaks_since_ns, up.record_since_ns) == (state.streaks_since_ns, state.record_since_ns)
    down = apply(state, Change("paper", "L3", "L2", "demotion", "", NOW))
    assert (down.level, down.since_ns, down.rose_day) == ("L2", NOW, 5)


def reviewed(state: LadderState, evidence: Evidence = GOOD, **changes: str) -> Any:
    words = {"who": "Ada", "note": "looked at every trade", **changes}
    return review(state, evidence, LIMITS, who=words["who"], note=words["note"], now_ns=NOW)


def test_a_review_leads_out_of_l0_with_new_streaks() -> None:
    state, change = reviewed(at("L0"), replace(GOOD, straight_losses=5, forced_close=True))
    assert (state.level, state.since_ns, state.streaks_since_ns) == ("L1", NOW, NOW)
    assert (state.rose_day, state.review) == (NOW // NS_PER_DAY, "Ada: looked at every trade")
    assert change == Change("paper", "L0", "L1", "review", "reviewed by Ada: looked at every trade", NOW)


@pytest.mark.parametrize(
    ("state", "evidence", "words", "code"),
    [
        (at("L1"), GOOD, {}, "review_not_needed"),
        (at("L0"), GOOD, {"note": "  "}, "note_missing"),
        (at("L0"), GOOD, {"who": ""}, "note_missing"),
        (at("L0", rose_day=NOW // NS_PER_DAY), GOOD, {}, "rose_today"),
        (at("L0"), replace(GOOD, drawdown_frac=D("0.10")), {}, "drawdown"),
        (at("L0"), replace(GOOD, day_loss_frac=D("0.05")), {}, "day_loss"),
        (at("L0"), replace(GOOD, table_readable=False), {}, "unreadable"),
    ],
)
def test_a_review_is_refused_where_it_would_lead_nowhere(
    state: LadderState, evidence: Evidence, words: dict[str, str], code: str
) -> None:
    answer = reviewed(state, evidence, **words)
    assert isinstance(answer, Reason)
    assert answer.code == code


def test_an_operator_can_only_lower() -> None:
    answer = lower(at("L4"), "L2", who="Ada", now_ns=NOW)
    assert not isinstance(answer, Reason)
    state, change = answer
    assert (state.level, change.cause, change.message) == ("L2", "operator", "lowered by Ada")
    for level in ("L4", "L5"):
        refused = lower(at("L4"), level, who="Ada", now_ns=NOW)  # type: ignore[arg-type]
        assert isinstance(refused, Reason)
        assert refused.code == "not_lower"


def test_a_new_analyst_begins_a_record_of_its_own_at_l1_at_most() -> None:
    first, change = analyst_changed(at("L3"), "a" * 64, NOW)
    assert (first, change) == (replace(at("L3"), analyst_hash="a" * 64), None)
    assert analyst_changed(first, "a" * 64, NOW + 1) == (first, None)
    second, change = analyst_changed(first, "b" * 64, NOW)
    assert change == Change("paper", "L3", "L1", "analyst_changed", "the analyst is now bbbbbbbbbbbb", NOW)
    assert (second.level, second.since_ns, second.record_since_ns, second.analyst_hash) == ("L1", NOW, NOW, "b" * 64)
    low, change = analyst_changed(at("L1", analyst_hash="a"), "b", NOW)
    assert change is None
    assert (low.level, low.since_ns, low.record_since_ns) == ("L1", NOW, NOW)
    down, change = analyst_changed(at("L0", analyst_hash="a"), "b", NOW)
    assert (down.level, change) == ("L0", None)


def test_red_lines_stand_at_their_limits() -> None:
    assert protect(at("L3"), Evidence(D("0.0999"), D("0.0499")), LIMITS, NOW) is None
    deep = protect(at("L3"), Evidence(D("0.1"), D(0)), LIMITS, NOW)
    lost = protect(at("L3"), Evidence(D(0), D("0.05")), LIMITS, NOW)
    assert deep is not None
    assert lost is not None
    assert (deep.after, deep.message) == ("L0", "drawdown is 0.1000, the limit is 0.10")
    assert (lost.after, lost.message) == ("L0", "day loss is 0.0500, the limit is 0.05")


def test_the_ladder_is_the_table() -> None:
    rows = [(r.level, str(r.max_position_frac), r.max_leverage, str(r.min_confidence), r.opening_trades_per_day)
            for r in LADDER.values()]  # fmt: skip
    assert rows == [
        ("L0", "0", 1, "1.00", 0), ("L1", "0.10", 2, "0.80", 1), ("L2", "0.12", 2, "0.75", 2),
        ("L3", "0.15", 3, "0.70", 4), ("L4", "0.20", 4, "0.65", 6), ("L5", "0.25", 5, "0.60", None),
    ]  # fmt: skip


def test_nothing_known_is_nothing_done() -> None:
    assert (Window().trades, Window().win_rate, Window().expectancy_quote) == (0, None, None)
    bare = Evidence(D(0), D(0))
    assert bare == Evidence(D(0), D(0), 0, Window(), Window(), None, None, 0, False, True)
    assert all(evaluate(at(level), bare, LIMITS, NOW) is None for level in LEVELS)


def test_only_a_step_upward_uses_up_the_days_rise() -> None:
    still = Change("paper", "L2", "L2", "operator", "", NOW)
    assert apply(at("L2"), still).rose_day is None
    assert apply(at("L2"), replace(still, after="L1")).rose_day is None
    assert apply(at("L2"), replace(still, after="L3")).rose_day == NOW // NS_PER_DAY


def test_a_climb_asks_for_what_it_names_and_no_more() -> None:
    plain = Climb(7, 5, True, D("0.5"), D("0.08"))
    assert (plain.sharpe, plain.consistency, plain.green_days) == (None, None, 0)
    assert [CLIMBS[level].green_days for level in ("L1", "L2", "L3", "L4")] == [0, 0, 0, 20]  # type: ignore[index]

"""Code counts: a planted effect is found, chance is not, and a trial is judged on days it was not made from."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_cases import DAY, HOUR, T0, made_decision, made_state
from made_lessons import made_lesson

from chanflow.domain.lesson import Claim, Condition, Scope
from chanflow.domain.market_state import MarketState
from chanflow.domain.memory import Case, Recall
from chanflow.review.lesson_trial import in_trial, lessons_for
from chanflow.review.lessons import adjusted_p, features_of, lesson_from, simple_claims, trial_of, weighed

RANGE = Claim((Condition("regime", "==", "range"),))


def cases(count: int, seed: int, *, effect: float = 0.0) -> list[Case]:
    """Closed decisions; in a range R is shifted by `effect`."""
    chance, found = Random(seed), []
    for i in range(count):
        regime = chance.choice(["range", "trend"])
        r = chance.gauss(0.1, 1.0) + (effect if regime == "range" else 0.0)
        at = T0 + i * HOUR
        decision = made_decision(
            f"s{seed}-{i}", at_ns=at, closed_ns=at + 1, r=r, regime=regime, setup=chance.choice(["buy2", "buy3"]),
            confidence=chance.random(), fate="approved",
        )  # fmt: skip
        found.append(Case(decision, made_state(seed * 100_000 + i)))
    return found


def all_of(found: list[Case]) -> list[tuple[Claim, Scope]]:
    return [(claim, Scope()) for claim in simple_claims(found)]


def test_a_planted_effect_is_found_first_and_its_interval_leaves_zero_out() -> None:
    past = cases(300, 1, effect=-1.0)
    best = weighed(past, all_of(past))[0]
    assert (str(best.claim), best.kept) in {("regime is range", True), ("regime is trend", True)}
    assert best.ci.high < 0.0 or best.ci.low > 0.0
    assert abs(best.measured.effect) == pytest.approx(1.0, abs=0.4)


@pytest.mark.slow
def test_chance_alone_gives_a_lesson_in_few_weeks() -> None:
    weeks = 20
    with_lessons = sum(
        any(t.kept for t in weighed(past, all_of(past))) for past in (cases(120, s) for s in range(weeks))
    )
    assert with_lessons <= 4  # 1 of 20 is expected; more than 4 would be rarer than 1 in 300


def test_kept_and_an_interval_without_zero_are_the_same() -> None:
    for seed in range(6):
        past = cases(200, seed, effect=-1.0)
        results = weighed(past, all_of(past))
        assert any(each.kept for each in results)
        for each in results:
            assert each.kept == (each.p_adjusted <= 0.05)
            assert each.kept == (each.ci.low > 0.0 or each.ci.high < 0.0)


@pytest.mark.parametrize(("count", "tests"), [(19, 0), (20, 1)])
def test_fewer_than_twenty_are_not_tested(count: int, tests: int) -> None:
    held = [_closed(f"h{i}", "range", 1.0 + i / 10) for i in range(count)]
    rest = [_closed(f"r{i}", "trend", -1.0 - i / 10) for i in range(40)]
    assert len(weighed([*held, *rest], [(RANGE, Scope())])) == tests
    assert len(weighed([*rest, *held], [(Claim((Condition("regime", "==", "trend"),)), Scope())])) == tests


def _closed(name: str, regime: str, r: float, **more: object) -> Case:
    return Case(made_decision(name, closed_ns=T0 + 1, r=r, regime=regime, **more), MarketState())


def test_open_decisions_and_other_scopes_do_not_count() -> None:
    held = [_closed(f"h{i}", "range", 1.0 + i / 10) for i in range(25)]
    rest = [_closed(f"r{i}", "trend", -1.0 - i / 10) for i in range(25)]
    is_open = [replace(c, decision=replace(c.decision, decision_id="o", outcome=None)) for c in held]
    (found,) = weighed([*held, *rest, *is_open], [(RANGE, Scope())])
    assert len(found.held) == 25
    assert weighed([*held, *rest], [(RANGE, Scope(symbol="ETHUSDT"))]) == ()


def test_the_same_candidate_twice_is_one_test() -> None:
    past = cases(120, 3)
    assert len(weighed(past, [(RANGE, Scope())] * 5)) == 1


def by_hand(ps: list[float]) -> list[float]:
    """Benjamini and Hochberg from the definition: the least m p / rank among all at least as large."""
    m = len(ps)
    return [min([1.0, *(ps[j] * m / (j + 1) for j in range(i, m))]) for i in range(m)]


@given(st.lists(st.floats(0.0, 1.0), max_size=40))
def test_adjusting_is_its_definition(ps: list[float]) -> None:
    ps.sort()
    assert adjusted_p(ps) == pytest.approx(by_hand(ps))


def test_a_claim_can_speak_only_of_what_was_known_at_the_decision() -> None:
    known = features_of(_closed("d", "range", 1.0))
    assert not {"result", "outcome", "r_multiple", "pnl_quote", "fate", "closed_ns"} & set(known)
    later = replace(_closed("d", "range", -9.0), state=MarketState())
    assert features_of(later) == known


def test_a_lesson_counts_its_own_support() -> None:
    past = cases(300, 1, effect=-1.5)
    found = next(t for t in weighed(past, all_of(past)) if str(t.claim) == "regime is range")
    lesson = lesson_from(found, week="2026-W02", now_ns=T0)
    wins = {c.decision.decision_id for c in past if c.decision.regime == "range" and c.decision.result == "success"}
    assert (lesson.direction, set(lesson.against), lesson.n) == ("avoid", wins, len(found.held))
    assert lesson.text.startswith("Where regime is range, decisions went worse by")
    assert (lesson.status, lesson.expires_ns - T0, lesson.prompt_hash) == ("candidate", 60 * DAY, "")
    again = lesson_from(found, week="2026-W02", now_ns=T0 + 5)
    assert again.lesson_id == lesson.lesson_id != lesson_from(found, week="2026-W03", now_ns=T0).lesson_id


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("Ranges were bad for us.", True),
        ("Ranges were bad, so double the size elsewhere.", False),
        ("In 97 of 100 ranges we lost.", False),
        ("Ranges: see https://example.com", False),
        ("x" * 400, False),
    ],
)
def test_a_models_words_are_kept_only_where_they_may_be(words: str, kept: bool) -> None:
    past = cases(300, 1, effect=-1.5)
    found = weighed(past, all_of(past))[0]
    lesson = lesson_from(found, week="2026-W02", now_ns=T0, words=words, prompt_hash="abc")
    assert (lesson.text == words, lesson.prompt_hash == "abc") == (kept, kept)


# ── trials ────────────────────────────────────────────────────────────────────


def test_half_of_the_decisions_are_shown_a_lesson_on_trial_by_their_id() -> None:
    halves = [in_trial(f"d{i}", "l1") for i in range(2_000)]
    assert 900 < sum(halves) < 1_100
    assert halves == [in_trial(f"d{i}", "l1") for i in range(2_000)]
    assert halves != [in_trial(f"d{i}", "l2") for i in range(2_000)]


def test_a_lesson_on_trial_is_told_to_its_half_only() -> None:
    lesson = made_lesson("l1", status="trial", trial_ns=T0 + 1)
    for i in range(20):
        recall = Recall(decision_id=f"d{i}", as_of_ns=T0 + 2, symbol="BTCUSDT", level="30m")
        assert bool(lessons_for([lesson], recall, T0 + 2)) == in_trial(f"d{i}", "l1")
        assert lessons_for([lesson], recall, T0 + 1) == ()


def shown_and_hidden(effect: float, count: int = 200, fate: str = "approved") -> list[Case]:
    chance, found = Random(5), []
    for i in range(count):
        name = f"t{i}"
        r = chance.gauss(effect if in_trial(name, "l1") else 0.0, 1.0)
        found.append(
            Case(made_decision(name, at_ns=T0 + 2 * DAY, closed_ns=T0 + 3 * DAY, r=r, fate=fate), MarketState())
        )
    return found


ON_TRIAL = made_lesson("l1", status="trial", trial_ns=T0)


def test_a_lesson_that_helps_passes_and_one_that_does_not_fails() -> None:
    helps, idle = trial_of(ON_TRIAL, shown_and_hidden(1.0)), trial_of(ON_TRIAL, shown_and_hidden(0.0))
    assert helps.passed is True
    assert idle.passed is False
    assert helps.effect_r == pytest.approx(1.0, abs=0.4)
    assert helps.shown + helps.hidden == 200


def test_a_trial_without_twenty_of_each_says_nothing() -> None:
    trial = trial_of(ON_TRIAL, shown_and_hidden(3.0, count=30))
    assert (trial.passed, trial.effect_r, trial.ci) == (None, None, None)


def test_the_days_a_lesson_was_made_from_do_not_count() -> None:
    early = [replace(c, decision=replace(c.decision, at_ns=T0 + DAY - 1)) for c in shown_and_hidden(1.0)]
    assert trial_of(ON_TRIAL, early).shown == 0


def test_staying_out_counts_as_nothing_won_and_nothing_lost() -> None:
    kept_out = [replace(c, decision=replace(c.decision, fate="abstained")) for c in shown_and_hidden(1.0)]
    assert trial_of(ON_TRIAL, kept_out).effect_r == 0.0
    waiting = [replace(c, decision=replace(c.decision, outcome=None)) for c in shown_and_hidden(1.0)]
    assert trial_of(ON_TRIAL, waiting).shown == 0

from __future__ import annotations

import pytest
from made_cases import DAY, T0
from made_lessons import made_lesson

from chanflow.domain.errors import InvalidArgument
from chanflow.domain.interval import Interval
from chanflow.domain.lesson import Claim, Condition, LearningSummary, Scope

FEATURES = {"z_ofi": 1.0, "regime": "range", "confidence": None}


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (Condition("z_ofi", "<", 1.5), True),
        (Condition("z_ofi", "<", 1.0), False),
        (Condition("z_ofi", "<=", 1.0), True),
        (Condition("z_ofi", ">", 1.0), False),
        (Condition("z_ofi", ">=", 1.0), True),
        (Condition("z_ofi", "==", 1.0), True),
        (Condition("z_ofi", "==", "range"), None),
        (Condition("regime", "==", "range"), True),
        (Condition("regime", "==", "trend"), False),
        (Condition("regime", ">", 1.0), None),
        (Condition("confidence", ">", 0.5), None),
        (Condition("unheard_of", ">", 0.5), None),
    ],
    ids=str,
)
def test_a_condition_is_true_false_or_unknown(condition: Condition, holds: bool | None) -> None:
    assert condition.holds(FEATURES) is holds


@pytest.mark.parametrize(
    ("conditions", "holds"),
    [
        ([("z_ofi", ">", 0.0), ("regime", "==", "range")], True),
        ([("z_ofi", ">", 2.0), ("confidence", ">", 0.5)], False),
        ([("z_ofi", ">", 0.0), ("confidence", ">", 0.5)], None),
    ],
)
def test_a_claim_holds_where_all_its_conditions_do(
    conditions: list[tuple[str, str, float]], holds: bool | None
) -> None:
    claim = Claim(tuple(Condition(*each) for each in conditions))  # type: ignore[arg-type]
    assert claim.holds(FEATURES) is holds


@pytest.mark.parametrize(
    ("feature", "op", "value", "words"),
    [
        ("", ">", 1.0, "no name"),
        ("a b", ">", 1.0, "no name"),
        ("z", "!=", 1.0, "operator"),
        ("z", ">", "word", "only == can"),
        ("z", "==", "", "1 to 40"),
        ("z", "==", "x" * 41, "41 characters"),
        ("z", ">", float("nan"), "no finite number"),
        ("z", ">", True, "no finite number"),
    ],
)
def test_a_condition_that_cannot_be_tested_is_refused(feature: str, op: str, value: object, words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        Condition(feature, op, value)  # type: ignore[arg-type]


@pytest.mark.parametrize("count", [0, 5])
def test_a_claim_has_one_to_four_conditions(count: int) -> None:
    with pytest.raises(InvalidArgument, match=f"{count} conditions"):
        Claim(tuple(Condition(f"f{i}", ">", 0.0) for i in range(count)))


def test_a_scope_shuts_out_what_it_does_not_name_and_nothing_unknown() -> None:
    scope = Scope(symbol="BTCUSDT", setup="buy2")
    assert scope.covers(symbol="BTCUSDT", level="5m", setup="buy2", regime="trend")
    assert scope.covers(symbol="BTCUSDT", level="5m", setup=None, regime=None)
    assert not scope.covers(symbol="ETHUSDT", level="5m", setup="buy2", regime=None)
    assert not scope.covers(symbol="BTCUSDT", level="5m", setup="buy3", regime=None)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"text": ""}, "0 characters"),
        ({"text": "x" * 281}, "281 characters"),
        ({"expires_ns": T0}, "at most 60 days"),
        ({"expires_ns": T0 + 61 * DAY}, "at most 60 days"),
        ({"effect_r": float("inf")}, "must be finite"),
        ({"ci": Interval(float("nan"), 0.0)}, "must be finite"),
        ({"p_adjusted": 1.5}, "p from 0 to 1"),
    ],
)
def test_a_lesson_outside_its_bounds_is_refused(more: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        made_lesson("l1", **more)


def test_a_lesson_goes_from_candidate_over_trial_to_adopted_and_ends() -> None:
    lesson = made_lesson("l1").moved("trial", T0 + DAY, "try").moved("adopted", T0 + 20 * DAY, "works")
    done = lesson.moved("reverted", T0 + 30 * DAY, "no more")
    told = {day: done.status_at(T0 + day * DAY) for day in (0, 1, 2, 20, 21, 30, 31, 61)}
    assert told == {
        0: None, 1: "candidate", 2: "trial", 20: "trial", 21: "adopted", 30: "adopted", 31: "reverted", 61: "reverted",
    }  # fmt: skip
    assert (done.trial_ns, done.adopted_ns, done.ended_ns, done.note) == (
        T0 + DAY,
        T0 + 20 * DAY,
        T0 + 30 * DAY,
        "no more",
    )


def test_a_lesson_expires_by_itself() -> None:
    lesson = made_lesson("l1", status="adopted", adopted_ns=T0 + 1)
    assert (lesson.status_at(T0 + 60 * DAY - 1), lesson.status_at(T0 + 60 * DAY)) == ("adopted", "expired")


@pytest.mark.parametrize(
    ("status", "to", "at", "words"),
    [
        ("candidate", "adopted", T0 + 1, "from there it can become trial"),
        ("reverted", "trial", T0 + 1, "it can become nothing"),
        ("adopted", "trial", T0 + 1, "it can become expired, reverted"),
        ("candidate", "trial", T0 - 1, "later than the moment"),
        ("candidate", "trial", T0 + 60 * DAY, "has expired"),
    ],
)
def test_no_other_way_is_open(status: str, to: str, at: int, words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        made_lesson("l1", status=status).moved(to, at)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "x" * 1_201])
def test_a_summary_is_short(text: str) -> None:
    with pytest.raises(InvalidArgument, match="allowed are 1 to 1200"):
        LearningSummary(period="2026-01-05", made_ns=T0, n=0, text=text)

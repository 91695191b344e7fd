from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from chanflow.access.plans import PLANS
from chanflow.access.subscription import (
    FREE,
    GRACE_NS,
    Paid,
    PlanChange,
    Subscription,
    matured,
    months,
    next_change_ns,
    plan_at,
    renewed,
    supersedes,
)
from chanflow.domain.time import NS_PER_DAY

START = 1_767_225_600_000_000_000
END = START + 30 * NS_PER_DAY


def paid(plan: str | None = "pro", status: str = "active", **changed: object) -> Paid:
    made = Paid("sub_1", "cus_1", "ann", plan, status, START, END, ends_with_period=False)  # type: ignore[arg-type]
    return replace(made, **changed)  # type: ignore[arg-type]


def held(plan: str = "developer", **changed: object) -> Subscription:
    made = Subscription("ann", "sub_1", "cus_1", plan, "active", START, END)
    return replace(made, **changed)  # type: ignore[arg-type]


def test_a_larger_plan_holds_at_once() -> None:
    kept = renewed(held("pro"), paid("developer"), "ann", START + 1)
    assert (kept.plan, kept.next_plan, plan_at(kept, START + 1)) == ("developer", None, "developer")


def test_a_smaller_plan_waits_for_the_end_of_what_was_paid() -> None:
    kept = renewed(held("developer"), paid("pro"), "ann", START + 1)
    assert (kept.plan, kept.next_plan) == ("developer", "pro")
    assert [plan_at(kept, END - 1), plan_at(kept, END)] == ["developer", "pro"]
    assert matured(kept, END - 1) is kept
    assert (matured(kept, END).plan, matured(kept, END).next_plan) == ("pro", None)


def test_a_smaller_plan_holds_with_a_new_period() -> None:
    kept = renewed(held("developer"), paid("pro", starts_ns=END, ends_ns=END + 1), "ann", END)
    assert (kept.plan, kept.next_plan) == ("pro", None)


def test_a_failed_payment_leaves_the_plan_for_seven_days_from_the_first_failure() -> None:
    first = renewed(held("pro"), paid(status="past_due"), "ann", START + 5)
    again = renewed(first, paid(status="past_due"), "ann", START + NS_PER_DAY)
    assert again.past_due_ns == START + 5
    assert [plan_at(again, START + 5 + GRACE_NS - 1), plan_at(again, START + 5 + GRACE_NS)] == ["pro", FREE]
    assert renewed(again, paid(), "ann", START + 2 * NS_PER_DAY).past_due_ns is None


def test_what_ends_with_its_period_ends_with_it() -> None:
    kept = renewed(held("pro"), paid(ends_with_period=True), "ann", START)
    assert [plan_at(kept, END - 1), plan_at(kept, END)] == ["pro", FREE]


def test_a_renewal_that_nobody_told_of_is_waited_for() -> None:
    kept = renewed(None, paid(), "ann", START)
    assert [plan_at(kept, END + GRACE_NS - 1), plan_at(kept, END + GRACE_NS)] == ["pro", FREE]


def test_a_price_that_is_no_plan_of_ours_gives_none() -> None:
    assert plan_at(renewed(None, paid(plan=None), "ann", START), START) == FREE


def test_only_a_living_subscription_takes_another_s_place() -> None:
    other = paid(subscription_id="sub_2")
    assert not supersedes(replace(other, status="canceled"), held("pro"), START)
    assert not supersedes(other, held("pro"), START)
    assert supersedes(replace(other, starts_ns=START + 1), held("pro"), START)
    assert supersedes(other, held("pro", status="canceled"), START)


def test_months_count_who_came_to_pay_and_who_ceased() -> None:
    changes = [PlanChange("a", FREE, "pro", 0), PlanChange("a", "pro", "developer", 1), PlanChange("a", "pro", FREE, 2)]
    assert [(row.month, row.started, row.ended) for row in months(changes, ["2026-01", "2026-01", "2026-02"])] == [
        ("2026-01", 1, 0),
        ("2026-02", 0, 1),
    ]


STATUSES = st.sampled_from(
    ["active", "trialing", "past_due", "canceled", "unpaid", "incomplete", "incomplete_expired", "paused"]
)


@given(
    st.sampled_from([*PLANS, None]), STATUSES, st.booleans(), st.sampled_from(list(PLANS)),
    st.integers(0, 60 * NS_PER_DAY), st.integers(0, 60 * NS_PER_DAY),
)  # fmt: skip
def test_the_clock_changes_no_plan_before_it_is_looked_at(
    plan: str | None, status: str, ends: bool, before: str, at: int, later: int
) -> None:
    now = START + at
    kept = renewed(held(before), paid(plan, status, ends_with_period=ends), "ann", now)
    check = next_change_ns(kept, now)
    then = now + later
    if check is None or then < check:
        assert plan_at(kept, then) == plan_at(kept, now)
    assert plan_at(matured(kept, then), then) == plan_at(kept, then)

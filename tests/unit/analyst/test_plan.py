"""Plans: steps, what they wait for, and what flows between them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanflow.analyst.plan import MAX_LIST, Plan, Step, fill, read_reference, references, steps_of
from chanflow.domain.errors import InvalidArgument

SCAN = Step("points", "analysis", "query_buy_sell_points", {"level": "30m"})
BACKTEST = Step("backtest", "learner", "backtest_strategy", {"symbols": "$points.points.symbol[:2]"})
RESULTS: dict[str, Any] = {"points": {"points": [{"symbol": s} for s in ("B", "A", "B", "C")], "scanned": 4}}


def test_a_step_waits_for_those_it_takes_values_from() -> None:
    plan = Plan("scan", "en", (SCAN, BACKTEST))
    assert plan.waits_for(BACKTEST) == {"points"}
    assert plan.waits_for(SCAN) == frozenset()


def test_a_list_is_handed_on_without_doubles_in_order_and_its_cut_is_said() -> None:
    filled = fill(BACKTEST.args, RESULTS)
    assert filled.args == {"symbols": ["B", "A"]}
    assert filled.cuts == ("$points.points.symbol[:2]: 2 of 3",)


def test_a_single_value_is_handed_on_as_it_is() -> None:
    assert fill({"n": ["$points.scanned"]}, RESULTS).args == {"n": [4]}


@pytest.mark.parametrize(
    ("steps", "named"),
    [
        ((), "0 steps"),
        ((SCAN,) * 9, "9 steps"),
        ((SCAN, SCAN), "'points'"),
        ((BACKTEST,), "'points'"),
        ((Step("a b", "analysis", "x", {}),), "'a b'"),
        ((Step("a", "analysis", "x", {}, after=("b",)), Step("b", "analysis", "x", {})), "'b'"),
    ],
)
def test_a_plan_that_cannot_run_is_refused(steps: tuple[Step, ...], named: str) -> None:
    with pytest.raises(InvalidArgument, match=named):
        Plan("x", "en", steps)


@pytest.mark.parametrize("text", ["$", "$a", "$a.", "$a.b[", "$a.b[:x]", "$a.b[1:2]", "$a-b.c", "$a.b c"])
def test_a_broken_reference_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument):
        read_reference(text)


@pytest.mark.parametrize("args", [{"x": "$none.field"}, {"x": "$points.wings"}, {"x": "$points.points.wings"}])
def test_a_reference_to_nothing_is_refused(args: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument, match="has no value"):
        fill(args, RESULTS)


def test_no_reference_hands_on_more_than_its_cap() -> None:
    many = {"points": {"points": [{"symbol": str(at)} for at in range(2 * MAX_LIST)]}}
    assert len(fill({"s": "$points.points.symbol"}, many).args["s"]) == MAX_LIST
    assert len(fill({"s": "$points.points.symbol[:99999]"}, many).args["s"]) == MAX_LIST


@given(st.recursive(st.none() | st.integers() | st.text(st.characters(exclude_characters="$")),
                    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))  # fmt: skip
def test_arguments_without_references_stay_as_they_are(args: Any) -> None:
    assert list(references(args)) == []
    assert fill(args, {}).args == args


@pytest.mark.parametrize(
    "row", [{}, {"id": 1, "operation": "x"}, {"id": "a", "operation": "x", "agent": "trader"},
            {"id": "a", "operation": "x", "args": []}, {"id": "a", "operation": "x", "after": [1]}],
)  # fmt: skip
def test_a_row_that_is_no_step_is_refused(row: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument, match="a step has"):
        steps_of([row])

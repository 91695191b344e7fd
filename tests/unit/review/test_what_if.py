"""Verdicts and runs compared, as values."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from chanflow.review.journal import Record
from chanflow.review.what_if import Judged, Verdict, binding_of, change_of, compare_runs, judgements

D = Decimal
AT = "2026-01-05T00:00:00.000000000Z"


def record(seq: int, kind: str, **body: Any) -> Record:
    return Record(seq, AT, kind, "", body, "", "")


def judged(verdict: Verdict) -> Judged:
    return Judged(1, AT, {}, {"decision_id": "d", "proposal_id": "p", "symbol": "S"}, verdict)


YES = Verdict(D(2), 3, (), "ladder")
NO = Verdict(D(0), 0, ("confidence",))


@pytest.mark.parametrize(
    ("before", "after", "how"),
    [
        (YES, NO, "refused"), (NO, YES, "allowed"), (YES, Verdict(D(1), 3), "smaller"),
        (YES, Verdict(D(3), 3), "larger"),
        (YES, Verdict(D(2), 2), "leverage"), (NO, Verdict(D(0), 0, ("halt",)), "reasons"),
    ],
)  # fmt: skip
def test_a_change_says_how(before: Verdict, after: Verdict, how: str) -> None:
    change = change_of(judged(before), after)
    assert change is not None
    assert change.how == how


@pytest.mark.parametrize("verdict", [YES, NO, Verdict(D("2.000"), 3)])
def test_the_same_answer_is_no_change(verdict: Verdict) -> None:
    assert change_of(judged(NO if verdict == NO else YES), verdict) is None


def test_what_bound_a_quantity_is_read_off_its_clips() -> None:
    assert binding_of(("half size: confidence", "quantity 5 SIM, bound by volatility")) == "volatility"
    assert binding_of(()) == ""


def test_both_legs_of_a_flip_are_of_one_proposal() -> None:
    reasons = [{"code": "no_position", "message": ""}]
    found = list(
        judgements([
            record(0, "trade_proposal", proposal_id="p"), record(1, "judged", proposal_id="p:close"),
            record(2, "judged", proposal_id="p"), record(3, "refusal", proposal_id="p:close", reasons=reasons),
            record(4, "refusal", proposal_id="p", reasons=reasons), record(5, "refusal", proposal_id="q", reasons=[]),
        ])
    )  # fmt: skip
    assert [(j.seq, j.body["proposal_id"], j.proposal["proposal_id"]) for j in found] == [
        (1, "p:close", "p"),
        (2, "p", "p"),
    ]


def orders(*sent: tuple[str, str, str]) -> list[Record]:
    """Return the records of orders given as second, side and quantity."""
    found: list[Record] = []
    for n, (second, side, qty) in enumerate(sent):
        at = f"2026-01-05T00:00:{second}.000000000Z"
        terms = {"symbol": "S", "side": side, "qty_base": qty, "limit_price": None, "stop_price": None,
                 "take_profit_price": None, "reduce_only": False}  # fmt: skip
        one = {"approved_id": f"a{n}", "proposal_id": f"p{n}", "decision_id": f"d{n}", "clips": [], "terms": terms}
        intent = {"client_order_id": f"o{n}", "leg": "entry", "approved_id": f"a{n}"}
        found += [
            Record(0, at, "approved_order", "", one, "", ""),
            Record(0, at, "order_intent", "", intent, "", ""),
            Record(0, at, "account", "", {"equity_quote": str(100 + n)}, "", ""),
        ]  # fmt: skip
    return found


def test_orders_are_matched_by_moment_and_side() -> None:
    before = orders(("01", "buy", "2"), ("02", "sell", "1"), ("03", "buy", "5"))
    diff = compare_runs(before, orders(("01", "buy", "2"), ("02", "buy", "1"), ("03", "buy", "4")))
    assert [(line.at[17:19], line.side) for line in diff.gone] == [("02", "sell")]
    assert [(line.at[17:19], line.side) for line in diff.new] == [("02", "buy")]
    assert [(pair.before.qty_base, pair.after.qty_base) for pair in diff.resized] == [(D(5), D(4))]
    assert not diff.empty


def test_the_end_of_a_run_is_its_last_reading() -> None:
    diff = compare_runs(orders(("01", "buy", "2")), orders(("01", "buy", "2"), ("02", "buy", "2")))
    assert (diff.before.equity_quote, diff.after.equity_quote) == (D(100), D(101))


def test_a_run_equals_itself() -> None:
    assert compare_runs(orders(("01", "buy", "2")), orders(("01", "buy", "2"))).empty

"""Decisions folded out of a journal, with what became of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from chanflow.review.decisions import decisions_of, price_path
from chanflow.review.journal import Record

AT = "2026-01-05T00:00:00.000000000Z"


def record(seq: int, kind: str, body: Any) -> Record:
    return Record(seq, AT, kind, "c", body, "", "")


def proposal(decision_id: str, action: str = "open_long", **other: Any) -> dict[str, Any]:
    return {
        "decision_id": decision_id, "proposal_id": f"p-{decision_id}", "symbol": "X", "level": "1m", "kind": "entry",
        "action": action, "setup": "s", "strategy": "default", "analyst": "rules", "confidence": 0.7,
        "evidence": [{"ref": "a", "claim": "c", "direction": "for"}], "abstain_reason": None, "entry_price": "100",
        "stop_price": "98", "take_profit_price": "104", **other,
    }  # fmt: skip


def story() -> list[Record]:
    return [
        record(0, "signal", {"signal_id": "s1", "side_hint": "buy", "invalidation_price": "99"}),
        record(1, "decision_started", {"decision_id": "d1", "signal_id": "s1"}),
        record(2, "trade_proposal", proposal("d1")),
        record(3, "approved_order", {"decision_id": "d1", "approved_id": "a1"}),
        record(4, "order_intent", {"approved_id": "a1", "leg": "entry", "position_id": "pos"}),
        record(
            5,
            "trade_closed",
            {"position_id": "pos", "closed_ns": 9, "entry_price": "100.5", "qty_base": "2", "gross_quote": "-5",
             "net_quote": "-6", "exit_leg": "stop"},
        ),
        record(6, "trade_proposal", proposal("d2")),
        record(7, "refusal", {"decision_id": "d2", "reasons": [{"code": "daily_loss", "message": "m"}]}),
        record(8, "decision_started", {"decision_id": "d3", "signal_id": "s1"}),
        record(9, "trade_proposal", proposal("d3", "abstain", abstain_reason="no_setup", stop_price=None,
                                             entry_price=None, take_profit_price=None, confidence=None)),
    ]  # fmt: skip


def test_a_trade_that_was_stopped_out_counts_what_it_risked() -> None:
    first = decisions_of(story())[0]
    assert first.verdict == "approved"
    assert first.outcome is not None
    assert first.outcome.hit is False
    assert first.outcome.r_multiple == -6 / (2.5 * 2)
    assert first.outcome.net_quote == Decimal(-6)


def test_a_refusal_has_its_reasons_and_no_outcome() -> None:
    second = decisions_of(story())[1]
    assert (second.verdict, second.reasons, second.outcome) == ("refused", ("daily_loss",), None)


def test_an_abstention_remembers_what_woke_it() -> None:
    third = decisions_of(story())[2]
    assert (third.action, third.abstain_reason, third.signal_side, third.signal_stop) == (
        "abstain", "no_setup", "buy", Decimal(99),
    )  # fmt: skip


def test_a_torn_story_gives_what_it_tells() -> None:
    assert [d.decision_id for d in decisions_of(story()[2:])] == ["d1", "d2", "d3"]
    assert decisions_of(story()[3:])[0].decision_id == "d2"


def test_the_path_is_the_marks() -> None:
    found = price_path([record(0, "mark", {"price": "100.5"}), record(1, "fill", {})])
    assert found.prices == (100.5,)

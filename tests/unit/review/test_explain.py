"""The chain of a decision: every id leads into it, and refusals and abstentions have one too."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from made_commands import HandDesk, trade

from chanflow.review.explain import explain
from chanflow.review.journal import Record


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    """A run with one trade that is filled, and one that the gate refuses for its stop."""
    bought = trade(order_type="limit", price=Decimal("100.50"))
    given = [(200.3, bought), (300.3, replace(bought, client_order_id="mine-0002", stop_price=Decimal(190)))]
    desk = HandDesk(tmp_path_factory.mktemp("run"), given, overrides=("risk.sizing.sigma_prior=1",))
    return desk.run().records()


def first(records: list[Record], kind: str) -> Record:
    return next(r for r in records if r.kind == kind)


def kinds(records: list[Record], name: str) -> list[str]:
    return [link.kind for link in explain(records, name)]


WAY = ["trade_proposal", "judged", "approved_order", "order_intent", "order_sent", "order_outcome", "fill"]


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("trade_proposal", "decision_id"), ("trade_proposal", "proposal_id"), ("approved_order", "approved_id"),
        ("order_intent", "client_order_id"), ("order_intent", "position_id"),
    ],
)  # fmt: skip
def test_every_id_leads_from_the_proposal_to_the_fill(records: list[Record], kind: str, key: str) -> None:
    found = kinds(records, first(records, kind).body[key])
    assert sorted(WAY, key=found.index) == WAY


def test_so_do_the_number_of_a_record_and_a_stop_of_the_venue(records: list[Record]) -> None:
    order = first(records, "order_intent")
    whole = explain(records, order.body["client_order_id"])
    assert explain(records, str(order.seq)) == explain(records, f"{order.body['client_order_id']}-sl") == whole


def test_each_step_names_its_record(records: list[Record]) -> None:
    for link in explain(records, first(records, "order_intent").body["client_order_id"]):
        assert (records[link.seq].kind, records[link.seq].at) == (link.kind, link.at)
        assert "\n" not in link.text


def test_a_refusal_says_every_reason(records: list[Record]) -> None:
    refusal = first(records, "refusal")
    chain = explain(records, refusal.body["proposal_id"])
    assert [link.kind for link in chain] == ["trade_proposal", "judged", "refusal"]
    for reason in refusal.body["reasons"]:
        assert reason["message"] in chain[-1].text


def made(seq: int, kind: str, body: object, correlation: str = "") -> Record:
    return Record(seq, "2026-01-05T00:00:00.000000000Z", kind, correlation, body, "", "")


def signal(**changes: object) -> dict[str, object]:
    return {"signal_id": "s1", "signal_type": "buy", "symbol": "SIMUSDT", "price": "100", "score": 0.2,
            "decision_code": "OK", "reasons": [], "refs": ["point:buy1@1m#3", "flow@9"], **changes}  # fmt: skip


PROPOSAL = {"proposal_id": "p1", "decision_id": "d1", "action": "abstain", "analyst": "rules",
            "abstain_reason": "no_setup", "reasoning": "the stop is too near"}  # fmt: skip
STARTED = {"decision_id": "d1", "signal_id": "s1", "position_id": None, "trigger_id": None}
ABSTAINED = [
    made(0, "point", {"of": "stroke", "element": 3, "type": "1", "side": "buy", "price": 99.0}),
    made(1, "point", {"of": "stroke", "element": 2, "type": "1", "side": "buy", "price": 98.0}),
    made(2, "signal", signal(), "s1"),
    made(3, "decision_started", STARTED, "d1"),
    made(4, "trade_proposal", PROPOSAL, "d1"),
    made(5, "signal", signal(signal_id="s2", decision_code="LOW_SCORE", refs=[], score=None), "s2"),
]  # fmt: skip


@pytest.mark.parametrize("name", ["s1", "d1", "p1", "4"])
def test_an_abstention_leads_back_to_the_structure_it_rested_on(name: str) -> None:
    chain = explain(ABSTAINED, name)
    assert [link.seq for link in chain] == [0, 2, 3, 4]
    assert chain[-1].text == "rules abstains (no_setup): the stop is too near"


def test_a_signal_that_woke_nobody_says_why() -> None:
    [link] = explain(ABSTAINED, "s2")
    assert "LOW_SCORE" in link.text


def test_what_no_record_knows_has_no_chain(records: list[Record], tmp_path: Path) -> None:
    assert explain(records, "nothing") == explain(records, "999999") == ()

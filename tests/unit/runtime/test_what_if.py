"""A recorded run judged again: what is supposed, and what comes out otherwise."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from made_commands import HandDesk, trade

from chanflow.domain.errors import InvalidArgument, SettingsInvalid
from chanflow.review.journal import Record
from chanflow.runtime.what_if import judge_again, policy_of


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    """A run with one trade that is filled, and one that the gate refuses for its stop."""
    bought = trade(order_type="limit", price=Decimal("100.50"))
    given = [(200.3, bought), (300.3, replace(bought, client_order_id="mine-0002", stop_price=Decimal(190)))]
    desk = HandDesk(tmp_path_factory.mktemp("run"), given, overrides=("risk.sizing.sigma_prior=1",))
    return desk.run().records()


def written(folder: Path, text: str) -> Path:
    path = folder / "policy.yaml"
    path.write_text(text)
    return path


def test_every_question_to_the_gate_is_asked_again(records: list[Record]) -> None:
    diff = judge_again(records, policy_of(records[0], policy=None, fees=None, ladder=None))
    assert (diff.judged, diff.changes, diff.stale) == (2, (), 0)


def test_a_tighter_limit_names_what_bound(records: list[Record], tmp_path: Path) -> None:
    policy = written(tmp_path, 'risk: {target_trade_loss: "0.001"}')
    [change] = judge_again(records, policy_of(records[0], policy=policy, fees=None, ladder=None)).changes
    assert change.before.allowed
    assert (change.how, change.after.binding) == ("smaller", "stop_distance")
    assert change.after.qty_base < change.before.qty_base


def test_another_level_is_judged_by(records: list[Record]) -> None:
    changes = judge_again(records, policy_of(records[0], policy=None, fees=None, ladder="L0")).changes
    assert [change.how for change in changes] == ["refused", "reasons"]
    assert changes[0].after.codes[0] == "authority"


def test_other_fees_are_judged_by(records: list[Record], tmp_path: Path) -> None:
    fees = tmp_path / "fees.yaml"
    fees.write_text('maker: "0.01"\ntaker: "0.01"\n')
    policy = written(tmp_path, 'risk: {target_trade_loss: "0.001"}')
    usual, dear = (policy_of(records[0], policy=policy, fees=given, ladder=None) for given in (None, fees))
    [cheap_change], [dear_change] = judge_again(records, usual).changes, judge_again(records, dear).changes
    assert dear_change.after.qty_base < cheap_change.after.qty_base


def test_only_what_is_wanted_is_asked(records: list[Record]) -> None:
    supposed = policy_of(records[0], policy=None, fees=None, ladder="L0")
    assert judge_again(records, supposed, wanted=lambda judged: judged.verdict.allowed).judged == 1


def test_an_empty_policy_is_the_recorded_one(records: list[Record], tmp_path: Path) -> None:
    assert policy_of(records[0], policy=written(tmp_path, ""), fees=None, ladder=None).identical


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('execution: {capital_quote: "1"}', "only keys of risk count"),
        ('risk: {max_leverage: "9"}', "set at most 5"),
        ("risk: {max_leverage: 4.5}", "money is exact"),
        ("risk: {mercy: 1}", "is no setting"),
    ],
)  # fmt: skip
def test_a_policy_that_is_none_is_refused(records: list[Record], tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SettingsInvalid, match=words):
        policy_of(records[0], policy=written(tmp_path, text), fees=None, ladder=None)


def test_an_unknown_level_is_refused(records: list[Record]) -> None:
    with pytest.raises(InvalidArgument, match="known are L0, L1"):
        policy_of(records[0], policy=None, fees=None, ladder="L9")

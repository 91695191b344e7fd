"""Judging again what was judged: the same policy changes nothing, a stricter one adds no order and enlarges none."""

from __future__ import annotations

from typing import Any

from hypothesis import event, given
from hypothesis import strategies as st
from made_desk import NOW, D, gate
from made_risk import Case, cases, tried

from chanflow.domain.canonical import canonical_json, plain
from chanflow.domain.order import Refused, approved_payload
from chanflow.domain.time import rfc3339
from chanflow.review.journal import Record
from chanflow.risk.ladder import LEVELS, Level
from chanflow.runtime.clock import SimulatedClock
from chanflow.runtime.fee_schedule import FeeSchedule
from chanflow.runtime.judged import journal_question
from chanflow.runtime.settings import RiskSettings, Settings, load_settings
from chanflow.runtime.what_if import Policy, judge_again

SETTINGS = load_settings(config=None, overrides=(), environ={"HOME": "/"}).settings

STRICTER = {
    "min_margin_ratio": ("0.25", "2"), "max_drawdown": ("0.05", "0.01"), "max_daily_loss": ("0.02", "0.001"),
    "max_leverage": ("3", "1"), "min_cash_reserve": ("0.5", "0.9"), "max_asset_exposure": ("0.2", "0.03"),
    "max_trade_loss": ("0.02", "0.01"), "price_collar": ("0.005", "0.0002"), "slippage_bps": ("10", "200"),
    "target_trade_loss": ("0.005", "0.0005"),
}  # fmt: skip


class Tape:
    """A journal in memory, its bodies as a file would spell them."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def append(self, kind: str, body: Any, *, correlation_id: str = "", durable: bool = False) -> None:
        import json

        at = rfc3339(SimulatedClock(NOW).now_ns())
        spelled = json.loads(canonical_json(plain(body)))
        self.records.append(Record(len(self.records), at, kind, correlation_id, spelled, "", ""))


def recorded(case: Case) -> Tape:
    tape = Tape()
    one = gate(level=case.level, on_question=lambda question: journal_question(tape, question))
    tape.append("trade_proposal", case.p)
    for verdict in one.judge_legs(case.p, case.before, case.market, now_ns=NOW):
        if isinstance(verdict, Refused):
            tape.append("refusal", verdict)
        else:
            tape.append("approved_order", approved_payload(verdict))
    return tape


def stricter(changes: dict[str, str]) -> Settings:
    body = {**SETTINGS.risk.model_dump(), **{name: D(value) for name, value in changes.items()}}
    return SETTINGS.model_copy(update={"risk": RiskSettings.model_validate(body)})


@tried()
@given(cases())
def test_the_same_policy_changes_no_verdict(case: Case) -> None:
    diff = judge_again(recorded(case).records, Policy(SETTINGS, SETTINGS))
    assert diff.judged >= 1
    assert (diff.changes, diff.stale) == ((), 0)


@tried()
@given(
    cases(),
    st.dictionaries(st.sampled_from(sorted(STRICTER)), st.integers(0, 1), max_size=4),
    st.sampled_from([None, *LEVELS]),
    st.sampled_from([None, FeeSchedule(D("0.0003"), D("0.0006")), FeeSchedule(D("0.01"), D("0.01"))]),
)
def test_a_stricter_policy_adds_no_order_and_enlarges_none(
    case: Case, at: dict[str, int], level: Level | None, fees: FeeSchedule | None
) -> None:
    lower = level if level is not None and LEVELS.index(level) <= LEVELS.index(case.level) else None
    policy = Policy(SETTINGS, stricter({name: STRICTER[name][n] for name, n in at.items()}), fees, lower)
    changes = judge_again(recorded(case).records, policy).changes
    event("changes" if changes else "stands")
    assert all(change.after.qty_base <= change.before.qty_base for change in changes)
    assert not [change for change in changes if change.how in ("allowed", "larger")]

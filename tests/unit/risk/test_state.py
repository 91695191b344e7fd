"""What is so where nobody said otherwise: nothing is allowed, and nothing is remembered."""

from __future__ import annotations

from chanflow.risk.limits import Limits
from chanflow.risk.state import LiveAuthority, Memory, RiskState, Rules


def test_nothing_is_allowed_by_default() -> None:
    assert Rules({}, Limits()) == Rules(
        {}, Limits(), account="paper", venue="simulated", run_mode="paper", quiet_may_open=False, strategy_shares={}
    )  # fmt: skip
    assert LiveAuthority() == LiveAuthority(scope=False, keys=False, flag=False)


def test_a_desk_that_begins_is_neither_halted_nor_held_nor_walled() -> None:
    state = RiskState("L1")
    assert (state.halt.halted, state.mode.mode, state.wall.standing) == (False, "active", False)


def test_a_gate_that_begins_remembers_nothing() -> None:
    assert Memory() == Memory(
        seen=False, reserved=(), closing_base=0, openings_last_minute=0, approved_by=None  # type: ignore[arg-type]
    )  # fmt: skip

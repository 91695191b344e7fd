from __future__ import annotations

from typing import Any

from made_desk import MARKET, NOW, account, gate, proposal

from chanflow.domain.order import ApprovedOrder, Reason, Refused
from chanflow.risk.approvals import WAIT_NS, Approvals, expire, take, wait
from chanflow.risk.state import LiveAuthority, RiskState


def test_a_proposal_waits_two_minutes_and_keeps_its_time() -> None:
    state = wait(wait(Approvals(), proposal(), NOW), proposal(), NOW + 5)
    assert [w.until_ns for w in state.waiting] == [NOW + WAIT_NS]
    assert WAIT_NS == 120 * 10**9
    assert expire(state, NOW + WAIT_NS) == (state, ())
    assert expire(state, NOW + WAIT_NS + 1) == (Approvals(), (proposal(),))


def test_a_person_takes_it_once() -> None:
    state = wait(wait(Approvals(), proposal(), NOW), proposal(proposal_id="p2"), NOW)
    answer = take(state, "p1", who="Ada", now_ns=NOW + WAIT_NS)
    assert not isinstance(answer, Reason)
    rest, taken = answer
    assert (taken, [w.proposal.proposal_id for w in rest.waiting]) == (proposal(), ["p2"])
    codes = [
        take(rest, "p1", who="Ada", now_ns=NOW), take(state, "p1", who=" ", now_ns=NOW),
        take(state, "p1", who="Ada", now_ns=NOW + WAIT_NS + 1),
    ]  # fmt: skip
    assert [r.code for r in codes if isinstance(r, Reason)] == ["not_waiting", "name_missing", "approval_expired"]


def live(level: Any, **authority: bool) -> Any:
    one = gate(mode="live", level=level)
    one.state = RiskState(level, live=LiveAuthority(**{"scope": True, "keys": True, "flag": True, **authority}))
    return one


def test_live_below_l3_waits_for_a_person_and_is_judged_again() -> None:
    one = live("L2")
    first = one.judge(proposal(), account(), MARKET, now_ns=NOW)
    assert isinstance(first, Refused)
    assert [r.code for r in first.reasons] == ["approval_needed"]
    assert isinstance(one.judge(proposal(), account(), MARKET, now_ns=NOW, approved_by="Ada"), ApprovedOrder)
    again = one.judge(proposal(), account(), MARKET, now_ns=NOW, approved_by="Ada")
    assert isinstance(again, Refused)
    assert "seen_before" in {r.code for r in again.reasons}


def test_live_from_l3_on_needs_no_person() -> None:
    assert isinstance(live("L3").judge(proposal(), account(), MARKET, now_ns=NOW), ApprovedOrder)


def test_live_needs_scope_keys_and_flag() -> None:
    for name in ("scope", "keys", "flag"):
        verdict = live("L3", **{name: False}).judge(proposal(), account(), MARKET, now_ns=NOW)
        assert isinstance(verdict, Refused)
        assert [r.code for r in verdict.reasons] == [f"live_{name}"]


def test_what_else_is_wrong_uses_the_proposal_up() -> None:
    one = live("L1", scope=False)
    one.judge(proposal(), account(), MARKET, now_ns=NOW)
    verdict = one.judge(proposal(), account(), MARKET, now_ns=NOW, approved_by="Ada")
    assert "seen_before" in {r.code for r in verdict.reasons}

"""Proposals per second through the risk gate, one thread: judged, reserved, signed.

    .venv/bin/python benchmarks/judgement.py [--proposals 10000]

Every proposal comes with a reading of the account and of the market of its own, made beforehand: nothing is remembered
from one to the next but what the gate itself remembers. CPU time of the thread, and wall time beside it. The rate in
CPU time is what a core to itself would do; the rate in wall time has all that the machine did meanwhile in it.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))

from made_desk import MARKET, NOW, D, account, gate, position, proposal

from chanflow.domain.account import AccountSnapshot, RestingOrder
from chanflow.domain.opinion import TradeProposal
from chanflow.domain.order import ApprovedOrder
from chanflow.risk.market_view import MarketView

APART_NS = 10 * 10**9
Question = tuple[TradeProposal, AccountSnapshot, MarketView, int]

BUSY = {
    "positions": tuple(
        position("2", symbol=f"{base}USDT", base=base, position_id=base, mark_price=D(100)) for base in ("A", "B", "C")
    ),
    "resting": tuple(RestingOrder(f"{base}USDT", base, "buy", D(1), D(99), 2) for base in ("A", "B", "SIM")),
}


def questions(count: int, *, proposed: dict[str, Any], held: dict[str, Any]) -> list[Question]:
    """Return that many proposals, ten seconds apart, each with its account and market."""
    made = []
    for number in range(count):
        now_ns = NOW + number * APART_NS
        p = proposal(proposal_id=str(number), valid_until_ns=now_ns, **proposed)
        made.append(
            (p, account(as_of_ns=now_ns, **held), replace(MARKET, mark_ns=now_ns, rules_ns=now_ns), now_ns)
        )  # fmt: skip
    return made


def times(asked: list[Question], *, approved: bool) -> tuple[list[int], list[int]]:
    """Return CPU and wall time of each judgement in ns, ascending. Raises AssertionError where one went otherwise."""
    one = gate()
    cpu, wall = [], []
    for p, before, market, now_ns in asked:
        began_wall, began = time.perf_counter_ns(), time.thread_time_ns()
        verdict = one.judge(p, before, market, now_ns=now_ns)
        ended, ended_wall = time.thread_time_ns(), time.perf_counter_ns()
        cpu.append(ended - began)
        wall.append(ended_wall - began_wall)
        assert isinstance(verdict, ApprovedOrder) is approved, verdict
        if isinstance(verdict, ApprovedOrder):
            one.release(verdict.approved_id)
    return sorted(cpu), sorted(wall)


def at(share: int, taken: list[int]) -> str:
    """Return the percentile of ascending ns in us."""
    return f"{taken[len(taken) * share // 100] / 1e3:.1f} us"


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--proposals", type=int, default=10_000)
    count = parser.parse_args().proposals
    kinds: tuple[tuple[str, bool, dict[str, Any], dict[str, Any]], ...] = (
        ("approved, the size left to the gate", True, {}, {}),
        ("approved, of a wished size", True, {"size_quote": D(500)}, {}),
        ("approved, beside 3 positions and 3 orders", True, {}, BUSY),
        ("refused, for two reasons", False, {"confidence": 0.1, "take_profit_price": D(90)}, {}),
        ("refused, at a hard limit", False, {}, {"high_water_quote": D(12_000)}),
    )
    print("| a proposal | CPU p50 | CPU p99 | wall p50 | wall p99 | a second, a core | a second, wall |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, approved, proposed, held in kinds:
        cpu, wall = times(questions(count, proposed=proposed, held=held), approved=approved)
        print(
            f"| {name} | {at(50, cpu)} | {at(99, cpu)} | {at(50, wall)} | {at(99, wall)} "
            f"| {1e9 * count / sum(cpu):,.0f} | {1e9 * count / sum(wall):,.0f} |",
            flush=True,
        )
    print("| target | | < 200 us | | < 200 us | >= 10,000 | |")


if __name__ == "__main__":
    main()

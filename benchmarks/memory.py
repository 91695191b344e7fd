"""Memory with 100,000 decisions: `python benchmarks/memory.py [--decisions N]`.

Short-term: reads and writes of the file and the process. Similar cases: the ten nearest as of random moments, from the
index, and how many of the true ten it finds. Knowledge: what a decision, a report and the weekly count ask of the
database. Whole: the three layers at once, as a decision asks them. Everything lies on the machine's own disk.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chanflow.adapters.storage.database.database import Database
from chanflow.adapters.storage.knowledge import SqlKnowledge
from chanflow.adapters.storage.short_term import SqliteShortTerm
from chanflow.adapters.vectors.edge import EdgeCases
from chanflow.adapters.vectors.exact import ExactCases
from chanflow.domain.interval import Interval
from chanflow.domain.lesson import Claim, Condition, Lesson, Scope
from chanflow.domain.market_state import FEATURES, MarketState
from chanflow.domain.memory import Case, ClosedTrade, Decision, Outcome, Recall
from chanflow.domain.time import NS_PER_DAY, NS_PER_S
from chanflow.review.memory import Memory, stored_cases
from chanflow.review.ports import CaseQuery
from chanflow.review.state_vector import DIMENSION, VERSION, default_statistics, vector_of
from chanflow.runtime.clock import SystemClock

T0 = 1_767_571_200 * NS_PER_S
SPACING_NS = 600 * NS_PER_S
SYMBOLS = [f"S{i:02}USDT" for i in range(20)]
SETUPS = ("buy2_flow", "buy3_break", "sell2_flow", "sell3_break", "other")
MARKETS, SPREAD = 200, 0.8
QUERIES = 300
PAGE = 2_000


def made_cases(count: int) -> Iterator[Case]:
    """Yield decisions ten minutes apart; their markets lie around 200 kinds, half of them were closed."""
    chance = np.random.default_rng(7)
    kinds = chance.normal(size=(MARKETS, DIMENSION))
    scales = default_statistics().scales
    for i in range(count):
        z = kinds[chance.integers(MARKETS)] + SPREAD * chance.normal(size=DIMENSION)
        figures = {n: scales[n].median + scales[n].scale * float(v) for n, v in zip(FEATURES, z, strict=True)}
        at, name, r = T0 + i * SPACING_NS, f"d{i:06}", float(chance.normal())
        outcome = Outcome(
            decision_id=name, closed_ns=at + int(chance.integers(1, 48)) * 3_600 * NS_PER_S,
            pnl_quote=Decimal(f"{10 * r:.4f}"), r_multiple=r,
        ) if i % 2 else None  # fmt: skip
        yield Case(
            Decision(
                decision_id=name, at_ns=at, symbol=SYMBOLS[i % len(SYMBOLS)], level="30m", action="open_long",
                setup=SETUPS[i % len(SETUPS)], regime="range" if i % 3 else "trend", confidence=0.7, outcome=outcome,
                fate="approved" if outcome else "abstained", claims=("divergence", "flow_confirms"),
            ),
            MarketState(**figures),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Took:
    """How long each call took on the clock, and what all took of the processor, seconds."""

    seconds: list[float]
    cpu_s: float


def told(what: str, took: Took, share: float, target_ms: float) -> None:
    """Print median, the share the target speaks of, the slowest, and the mean of the processor's time, in ms."""
    ms = np.array(took.seconds) * 1e3
    bound = float(np.quantile(ms, share))
    verdict = "met" if bound < target_ms else "MISSED"
    print(
        f"  {what:<44} p50 {np.median(ms):7.2f}  p{share * 100:.0f} {bound:7.2f}  most {ms.max():7.2f}  "
        f"cpu {took.cpu_s * 1e3 / len(ms):6.2f} ms   target p{share * 100:.0f} < {target_ms:g} ms: {verdict}"
    )


def timed(calls: Iterator[Callable[[], object]]) -> Took:
    """Return how long the calls took."""
    took, before = [], time.process_time()
    for call in calls:
        began = time.perf_counter()
        call()
        took.append(time.perf_counter() - began)
    return Took(took, time.process_time() - before)


async def awaited(calls: Iterator[Callable[[], Awaitable[object]]]) -> Took:
    """Return how long the awaited calls took."""
    took, before = [], time.process_time()
    for call in calls:
        began = time.perf_counter()
        await call()
        took.append(time.perf_counter() - began)
    return Took(took, time.process_time() - before)


def short_term(short: SqliteShortTerm, cases: list[Case]) -> None:
    """Measure the first layer, which has all decisions in its file."""
    for case in cases:
        short.remember(case)
    end = cases[-1].decision.at_ns + 1
    chance = np.random.default_rng(1)
    names = [f"d{i:06}" for i in chance.integers(len(cases), size=2_000)]
    known = [c.decision.outcome for c in cases if c.decision.outcome is not None][-500:]
    print(f"short-term, {len(cases)} decisions in the file")
    told("last ten decisions", timed(lambda: short.recent(end, 10, None) for _ in names), 0.99, 10)
    told("one decision by its id", timed(lambda n=n: short.decision(n, end) for n in names), 0.99, 10)  # type: ignore[misc]
    told("write a decision", timed(lambda c=c: short.remember(c) for c in cases[-500:]), 0.99, 10)  # type: ignore[misc]
    told("write an outcome", timed(lambda o=o: short.settle(o) for o in known), 0.99, 10)  # type: ignore[misc]


def queries(cases: list[Case]) -> list[CaseQuery]:
    """Return questions near known markets, as of moments in the later half of the past."""
    chance = np.random.default_rng(3)
    found = []
    for i in chance.integers(len(cases) // 2, len(cases), size=QUERIES):
        figures = {n: v * (1 + 0.02 * chance.normal()) for n, v in cases[i].state.known().items()}
        vector = vector_of(MarketState(**figures), default_statistics())
        assert vector is not None
        found.append(CaseQuery(vector=vector.values, as_of_ns=cases[i].decision.at_ns, version=VERSION))
    return found


def similar(edge: EdgeCases, cases: list[Case]) -> None:
    """Measure the second layer, and compare it with all comparisons done."""
    exact = ExactCases(version=VERSION, dimension=DIMENSION)
    began = time.perf_counter()
    for at in range(0, len(cases), PAGE):
        page = stored_cases(cases[at : at + PAGE], default_statistics())
        edge.put(page)
        exact.put(page)
    stored_s = time.perf_counter() - began
    asked = queries(cases)
    fresh = timed(lambda q=q: edge.search(q) for q in asked[:100])  # type: ignore[misc]
    began = time.perf_counter()
    edge.tend()
    built_s = time.perf_counter() - began
    print(f"similar cases, {edge.count()} vectors, stored in {stored_s:.1f} s, index in {built_s:.1f} s")
    told("ten nearest, before the index is built", fresh, 0.95, 50)
    told("ten nearest, from the index", timed(lambda q=q: edge.search(q) for q in asked), 0.95, 50)  # type: ignore[misc]
    told("ten nearest, all compared (numpy)", timed(lambda q=q: exact.search(q) for q in asked), 0.95, 50)  # type: ignore[misc]
    shares = [_share(edge, exact, query) for query in asked]
    mean = float(np.mean(shares))
    verdict = "met" if mean >= 0.9 else "MISSED"
    print(f"  of the true ten the index finds {mean:.3f} (least {min(shares):.1f})   target 0.9: {verdict}")


def _share(edge: EdgeCases, exact: ExactCases, query: CaseQuery) -> float:
    true = {case.decision.decision_id for case in exact.search(query).cases}
    ours = {case.decision.decision_id for case in edge.search(query).cases}
    return len(true & ours) / max(1, len(true))


async def knowledge(base: SqlKnowledge, cases: list[Case]) -> None:
    """Measure the third layer."""
    for at in range(0, len(cases), PAGE):
        await base.add_cases(cases[at : at + PAGE])
    await base.add_trades([_trade(c.decision) for c in cases if c.decision.outcome is not None])
    await base.add_lessons([_lesson(i) for i in range(200)])
    end = cases[-1].decision.at_ns
    week = 7 * NS_PER_DAY
    moments = [int(m) for m in np.random.default_rng(5).integers(T0 + week, end, size=100)]
    print(f"knowledge, {len(cases)} cases, {len(cases) // 2} trades, 200 lessons")
    told("lessons of a moment", await awaited(lambda m=m: base.lessons(m) for m in moments), 0.95, 50)  # type: ignore[misc]
    told("newest summary", await awaited(lambda m=m: base.summary(m) for m in moments), 0.95, 50)  # type: ignore[misc]
    told("trades of a day", await awaited(lambda m=m: base.trades(m - NS_PER_DAY, m) for m in moments), 0.95, 50)  # type: ignore[misc]
    told("trades of a week", await awaited(lambda m=m: base.trades(m - week, m) for m in moments), 0.95, 50)  # type: ignore[misc]
    told(
        "write an outcome",
        await awaited(lambda c=c: base.settle(c.decision.outcome) for c in cases[-201::2] if c.decision.outcome),
        0.95,
        50,
    )  # type: ignore[misc,arg-type]


def _trade(decision: Decision) -> ClosedTrade:
    assert decision.outcome is not None
    return ClosedTrade(
        position_id=f"p-{decision.decision_id}", decision_id=decision.decision_id, symbol=decision.symbol, side="long",
        opened_ns=decision.at_ns, closed_ns=decision.outcome.closed_ns, gross_quote=decision.outcome.pnl_quote + 1,
        fees_quote=Decimal(1), net_quote=decision.outcome.pnl_quote, risk_quote=Decimal(10),
    )  # fmt: skip


def _lesson(number: int) -> Lesson:
    return Lesson(
        lesson_id=f"l{number}", text="Where regime is range, decisions went worse.", scope=Scope(),
        claim=Claim((Condition("regime", "==", "range"),)), direction="avoid",
        support=tuple(f"d{i:06}" for i in range(40)), against=tuple(f"d{i:06}" for i in range(40, 60)), effect_r=-0.4,
        ci=Interval(-0.7, -0.1), p_adjusted=0.01, created_ns=T0 + number * NS_PER_DAY,
        expires_ns=T0 + (number + 60) * NS_PER_DAY, author="review", status="adopted",
        adopted_ns=T0 + number * NS_PER_DAY + 1,
    )  # fmt: skip


async def whole(memory: Memory, cases: list[Case]) -> None:
    """Measure all layers at once."""
    chance = np.random.default_rng(9)
    asked = [
        Recall(
            decision_id=f"new{i}",
            as_of_ns=cases[i].decision.at_ns,
            symbol=SYMBOLS[0],
            level="30m",
            state=cases[i].state,
        )
        for i in _picked(chance.integers(len(cases) // 2, len(cases), size=QUERIES))
    ]
    skipped: list[str] = []

    async def ask(recall: Recall) -> None:
        skipped.extend((await memory.look_up(recall)).skipped)

    took = await awaited(lambda r=r: ask(r) for r in asked)  # type: ignore[misc]
    print("whole")
    told("look-up of a decision", took, 0.99, 100)
    print(f"  layers skipped: {len(skipped)} of {3 * len(asked)}")


def _picked(numbers: NDArray[np.int64]) -> list[int]:
    return [int(number) for number in numbers]


async def run(folder: Path, count: int) -> None:
    """Fill and measure each layer, then all."""
    cases = list(made_cases(count))
    short = SqliteShortTerm(folder / "short_term.db")
    short_term(short, cases)
    edge = EdgeCases(folder / "vectors", version=VERSION, dimension=DIMENSION)
    similar(edge, cases)
    async with await Database.open(folder / "chanflow.db") as database:
        base = SqlKnowledge(database)
        await knowledge(base, cases)
        memory = Memory(
            short=short, cases=edge, knowledge=base, clock=SystemClock(), statistics=default_statistics()
        )  # fmt: skip
        await whole(memory, cases)
        await memory.close()


def main() -> int:
    """Run in a folder that is gone afterwards."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--decisions", type=int, default=100_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="chanflow-memory-") as folder:
        asyncio.run(run(Path(folder), asked.decisions))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Let a hostile model propose whatever it likes in markets at their worst, and compare its loss with the bound.

The gate, the router, the simulated venue with its attached stops, and the room of risk (guardian, wall, halt, and what
they do) are the desk's own. `python scripts/worst_case.py` writes `docs/worst-case.md`.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import chanflow_native

from chanflow.adapters.venues.simulated import SimulatedVenue
from chanflow.domain.message import Topic
from chanflow.domain.order import ApprovedOrder
from chanflow.domain.time import NS_PER_MS, NS_PER_S
from chanflow.execution.ports import VenueFunding
from chanflow.execution.router import Router
from chanflow.market.synthetic import SIMUSDT, START_NS
from chanflow.risk.gate import Gate, MarketView
from chanflow.risk.guardian import Mark, VenueView
from chanflow.risk.limits import Limits
from chanflow.runtime.clock import SimulatedClock
from chanflow.runtime.home import publish
from chanflow.runtime.risk_desk import RiskDesk
from worst_markets import ATTACKS, DEEP, MARKETS, Market, Second, View, worst_jump

PAGE = Path(__file__).resolve().parent.parent / "docs" / "worst-case.md"
CAPITAL = Decimal(10_000)
LIMITS = Limits()
SYMBOL = SIMUSDT.symbol
NAKED_S = 5


class Forgotten:
    """A journal that nobody reads."""

    def append(self, kind: str, body: Any, *, correlation_id: str = "", durable: bool = False) -> None:
        """Keep nothing."""


async def _unheard(topic: Topic, payload: Any, *, correlation: str) -> None:
    """Tell nobody."""


@dataclass(slots=True)
class Outcome:
    """What an attack came to. Shares of the high-water mark, of the day's first equity, and of equity."""

    worst_drawdown: Decimal = Decimal(0)
    day_loss_at_opening: Decimal = Decimal(0)
    loss_at_stop: Decimal = Decimal(0)
    exposure: Decimal = Decimal(0)
    approved: int = 0
    refused: int = 0
    longest_naked_s: int = 0


def bound_frac(market: Market) -> Decimal:
    """Return the most that may be lost, as a share of the high-water mark.

    Drawdown limit + exposure limit x (worst jump between two looks + cost of closing + funding nobody expected).
    """
    mids = [second.mid for second in market]
    spread = Decimal(max(mids)) / min(mids)
    cost = SIMUSDT.taker_fee_frac + LIMITS.slippage_frac
    funding = sum((second.funding_frac for second in market), Decimal(0))
    return LIMITS.max_drawdown_frac + LIMITS.max_asset_exposure_frac * (worst_jump(market) + spread * (cost + funding))


@dataclass(slots=True)
class Desk:
    """Gate, router, venue and guardian of one account, a second at a time."""

    clock: SimulatedClock = field(default_factory=lambda: SimulatedClock(START_NS))
    outcome: Outcome = field(default_factory=Outcome)
    quoted_ns: int | None = None
    guarded: bool = True
    number: int = 0
    naked_s: int = 0
    venue: SimulatedVenue = field(init=False)
    router: Router = field(init=False)
    gate: Gate = field(init=False)
    risk: RiskDesk = field(init=False)
    old: list[ApprovedOrder] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Wire the parts."""
        self.venue = SimulatedVenue(
            SIMUSDT, self.clock, price_decimals=2, qty_decimals=3, order_latency_ns=20 * NS_PER_MS,
            response_latency_ns=20 * NS_PER_MS,
        )  # fmt: skip
        self.router = Router(
            account="paper", venue=self.venue, instruments={SYMBOL: SIMUSDT}, journal=Forgotten(), clock=self.clock,
            capital_quote=CAPITAL,
        )  # fmt: skip
        self.router.open_books()
        self.gate = Gate(
            instruments={SYMBOL: SIMUSDT}, limits=LIMITS, key=b"k" * 32, level="L3", venue=self.venue.name
        )  # fmt: skip
        self.risk = RiskDesk(
            gate=self.gate,
            router=self.router,
            venue=self.venue,
            journal=Forgotten(),
            clock=self.clock,
            publish=_unheard,
        )
        self.risk.steps.suppose("L5")
        if not self.guarded:
            self.router.guardian = None

    async def live(self, second: Second, attack: str, number: int, chance: Random) -> None:
        """Let one second pass: the market, the account, the guardian, and then whatever is proposed."""
        self._move(second)
        mid = Decimal(second.mid) / 100
        if second.quoted:
            self.router.mark(SYMBOL, mid)
        self._pay_funding(second, mid)
        self._measure()
        await self.risk.marked(self.router.snapshot())
        if self.guarded:
            await self._guard(second, mid)
        await self._propose(second, attack, View(self.clock.now_ns(), number, mid, self.router.snapshot()), chance)

    def _move(self, second: Second) -> None:
        now_ns = self.clock.now_ns() + NS_PER_S
        events = []
        if second.quoted:
            self.number += 1
            self.quoted_ns = now_ns
            quote = (second.mid - 1, second.bid_lots, second.mid + 1, DEEP)
            events.append(("quote", now_ns // NS_PER_MS, now_ns, self.number, *quote))
        self.clock.advance_to(now_ns)
        for event in self.venue.push(chanflow_native.batch_of_events(events, 2, 3)):
            happened = self.router.hear(event)
            if happened is not None and happened.event.leg == "entry":
                self.gate.release(self.router.orders[happened.event.client_order_id].approved_id)

    def _pay_funding(self, second: Second, mid: Decimal) -> None:
        holding = self.router.ledger.holdings.get(SYMBOL)
        if second.funding_frac and holding is not None and holding.qty_base:
            paid = -holding.qty_base * mid * second.funding_frac
            self.router.book_funding(VenueFunding(SYMBOL, f"funding-{self.number}", self.clock.now_ns(), paid))
            self.router.mark(SYMBOL, mid)

    def _measure(self) -> None:
        account = self.router.snapshot()
        self.outcome.worst_drawdown = max(self.outcome.worst_drawdown, account.drawdown_frac)
        naked = any(not position.protected for position in account.positions)
        self.naked_s = self.naked_s + 1 if naked else 0
        self.outcome.longest_naked_s = max(self.outcome.longest_naked_s, self.naked_s)

    # ── the guardian ──────────────────────────────────────────────────────────

    async def _guard(self, second: Second, mid: Decimal) -> None:
        positions = {p.symbol: p.qty_base for p in await self.venue.positions()} if second.quoted else {}
        seen = VenueView(self.quoted_ns, None, positions, answers=second.quoted)
        marks = {} if self.quoted_ns is None else {SYMBOL: Mark(mid, self.quoted_ns)}
        # The ladder hears of no trade: the model goes on from L5 until a cause of L0 stands.
        await self.risk.look(marks, heard=True, told=seen)

    # ── the model ─────────────────────────────────────────────────────────────

    async def _propose(self, second: Second, attack: str, view: View, chance: Random) -> None:
        now_ns, account = view.now_ns, view.account
        book = ((view.mid + Decimal("0.01"), Decimal(DEEP)),), ((view.mid - Decimal("0.01"), Decimal(second.bid_lots)),)
        market = MarketView(
            view.mid if self.quoted_ns is not None else None, self.quoted_ns, second.quoted,
            sigma_frac=Decimal("0.05"), volume_1m_quote=Decimal(10**9), rules_ns=now_ns, clock_offset_ms=0,
            funding_frac=Decimal(0), asks=book[0], bids=book[1],
        )  # fmt: skip
        approved = []
        for proposal in ATTACKS[attack](view, chance):
            # All are judged on one reading of the account: what was approved before is only known to the gate.
            for verdict in self.gate.judge_legs(proposal, account, market, now_ns=now_ns):
                if isinstance(verdict, ApprovedOrder):
                    approved.append(verdict)
                else:
                    self.outcome.refused += 1
        for order in approved:
            self._note(order, view)
            await self.router.execute(order)
            self.gate.release(order.approved_id)
        self.old = [*self.old, *approved][-50:]
        for order in chance.sample(self.old, min(3, len(self.old))):
            await self.router.execute(order)

    def _note(self, order: ApprovedOrder, view: View) -> None:
        self.outcome.approved += 1
        if order.terms.reduce_only or order.terms.stop_price is None:
            return
        account, entry = view.account, order.terms.limit_price or view.mid
        at_stop = order.terms.qty_base * abs(entry - order.terms.stop_price) / account.equity_quote
        self.outcome.loss_at_stop = max(self.outcome.loss_at_stop, at_stop)
        self.outcome.day_loss_at_opening = max(self.outcome.day_loss_at_opening, account.day_loss_frac)
        held = sum((p.notional_quote for p in account.positions), Decimal(0))
        self.outcome.exposure = max(self.outcome.exposure, held / account.equity_quote)


async def attacked(market: Market, attack: str, *, seed: int = 1, guarded: bool = True) -> Outcome:
    """Return what an attack comes to in a market; without `guarded` only the gate and the venue's stops stand."""
    desk, chance = Desk(guarded=guarded), Random(seed)
    for number, second in enumerate(market):
        await desk.live(second, attack, number, chance)
    await desk.router.reconcile()
    return desk.outcome


def market_of(name: str, seed: int = 1) -> Market:
    """Return a market by its name."""
    return MARKETS[name](Random(seed))


def wrongs(market: Market, outcome: Outcome) -> Iterator[str]:
    """Yield every promise that an outcome breaks."""
    bound = bound_frac(market)
    if outcome.worst_drawdown > bound:
        yield f"the loss is {outcome.worst_drawdown:.4%}, the bound is {bound:.4%}"
    if outcome.loss_at_stop > LIMITS.max_trade_loss_frac:
        yield f"an opening risks {outcome.loss_at_stop:.4%} at its stop, allowed are {LIMITS.max_trade_loss_frac:%}"
    if outcome.day_loss_at_opening >= LIMITS.soft_wall_frac:
        yield f"an opening was approved at a day loss of {outcome.day_loss_at_opening:.4%}, past the wall"
    if outcome.longest_naked_s > NAKED_S:
        yield f"a position stood {outcome.longest_naked_s} s without a stop"


HEAD = """# Worst case: what a hostile model can lose

Written by `python scripts/worst_case.py`; nothing here is typed by hand. A model that may answer anything (all it can
long or short for ever, near stops at the highest leverage, in and out every second, twelve proposals at once on one
reading of the account and each of them twice, NaN, 1E+308, negative sizes, wrong symbols, text of every kind, floods,
old approvals sent again) trades one asset from level L5, the loosest, in each market. Gate, router, venue, attached
stops and the room of risk are the desk's own: the guardian looks once a second and closes as it does at work, in slices
within 1 % of the mark and then at market. The ladder hears of no trade, so that only a cause of L0 ends the attack.

The bound, as a share of the high-water mark:

    drawdown limit + exposure limit x (worst jump + funding nobody expected + fee and slippage of closing)

with the drawdown limit at {drawdown:.0%} and the exposure limit at {exposure:.0%} of equity an asset. The worst jump
is the largest move between two looks at which one can act: a silent venue, or one where nobody buys, is no look.
Beside it hold: an opening loses at most {trade:.0%} of equity at its stop, and none is approved at a day loss of
{wall:.0%} or more. The move from the entry to the stop is inside the {drawdown:.0%}; only what lies beyond, between two
looks, comes on top. With n assets the exposure limit counts n times, up to the leverage limit of {leverage}.

| market | worst jump | bound | largest loss | by | risked at a stop | day loss at an opening | approved | refused |
| --- | ---: | ---: | ---: | --- | ---: | ---: | ---: | ---: |
"""


def page() -> tuple[str, list[str]]:
    """Return the page, and every promise that was broken."""
    text = HEAD.format(
        drawdown=LIMITS.max_drawdown_frac, exposure=LIMITS.max_asset_exposure_frac, trade=LIMITS.max_trade_loss_frac,
        wall=LIMITS.soft_wall_frac, leverage=LIMITS.max_leverage,
    )  # fmt: skip
    broken = []
    for name in MARKETS:
        market = market_of(name)
        found = {attack: asyncio.run(attacked(market, attack)) for attack in ATTACKS}
        broken += [f"{name}, {attack}: {wrong}" for attack, out in found.items() for wrong in wrongs(market, out)]
        worst = max(found, key=lambda attack: found[attack].worst_drawdown)
        outs = list(found.values())
        text += (
            f"| {name} | {worst_jump(market):.2%} | {bound_frac(market):.2%} | {found[worst].worst_drawdown:.2%} | "
            f"{worst} | {max(o.loss_at_stop for o in outs):.2%} | {max(o.day_loss_at_opening for o in outs):.4%} | "
            f"{sum(o.approved for o in outs)} | {sum(o.refused for o in outs)} |\n"
        )
        print(text.splitlines()[-1], flush=True)
    return text, broken


def main() -> int:
    """Write the page; return 1 where a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=PAGE)
    given = parser.parse_args()
    text, broken = page()
    publish(given.out, text.encode())
    for wrong in broken:
        print(wrong, file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())

"""Strategies for the gate's inputs, and an oracle that judges an approval from the raw snapshot in its own way.

The oracle shares no code with the gate: it works in fractions, and knows the bounds as the specification writes them.
`CASES` is how often each property is tried: a few hundred, or `--hypothesis-profile=deep` for 10,000.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any, Literal

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from made_desk import MARKET, NOW, SIM, D, account, position, proposal

from chanflow.domain.account import AccountSnapshot, RestingOrder
from chanflow.domain.opinion import TradeProposal
from chanflow.domain.order import ApprovedOrder
from chanflow.risk.ladder import LEVELS, Level
from chanflow.risk.limits import Limits
from chanflow.risk.market_view import MarketView

F = Fraction
MAX_POSITION = {"L0": F(0), "L1": F(10, 100), "L2": F(12, 100), "L3": F(15, 100), "L4": F(20, 100), "L5": F(25, 100)}
MAX_LEVERAGE = {"L0": 1, "L1": 2, "L2": 2, "L3": 3, "L4": 4, "L5": 5}


def tried(fewest: int = 300) -> Callable[[Any], Any]:
    """Return the settings of one property: the profile's cases, at least `fewest` by default."""
    many = settings.get_profile("deep").max_examples if settings._current_profile == "deep" else fewest
    return settings(
        max_examples=many, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow]
    )


_SIDES: tuple[Literal["buy", "sell"], ...] = ("buy", "sell")


@dataclass(frozen=True)
class Case:
    """One question to the gate."""

    p: TradeProposal
    before: AccountSnapshot
    market: MarketView
    level: Level


def cases() -> st.SearchStrategy[Case]:
    """Questions near the bounds as often as far from them. Each follows from one number, which a failure prints."""
    return st.integers(0, 2**48).map(lambda seed: made_case(Random(seed)))


def made_case(chance: Random) -> Case:
    """Return one question."""
    level = chance.choice(LEVELS[1:] if chance.random() < 0.9 else LEVELS)
    return Case(made_proposal(chance), made_account(chance), made_market(chance), level)


def made_proposal(chance: Random) -> TradeProposal:
    """Return an opening with its prices in the right order: most of what it meets are figures, not form."""
    long = chance.random() < 0.5
    entry = chance.choice([None, D(chance.randint(9_890, 10_110)) / 100])
    anchor = entry or D(100)
    near = min(anchor, D(100)) if long else max(anchor, D(100))
    away, gain = (D(chance.choice([chance.randint(1, 300), chance.randint(1, 4_000)])) / 100 for _ in range(2))
    return proposal(
        proposal_id=f"p{chance.getrandbits(64)}", action="open_long" if long else "open_short",
        side="buy" if long else "sell", entry_price=entry, stop_price=near - away if long else near + away,
        take_profit_price=anchor + gain if long else anchor - gain,
        size_quote=chance.choice([None, None, D(chance.randint(1_000, 400_000)) / 100]),
        leverage=chance.choice([1, 2, 3, 4, 5, 6]),
        confidence=chance.choice([None, 0.9, 0.85, chance.randint(55, 100) / 100]),
    )  # fmt: skip


def made_account(chance: Random) -> AccountSnapshot:
    """Return an account, sound but for its figures."""
    equity = D(chance.choice([1_000_000, chance.randint(930_000, 1_050_000), chance.randint(100_000, 1_100_000)])) / 100
    high = equity * D(chance.choice([100, 100, 104, chance.randint(100, 115)])) / 100
    start = equity * D(chance.choice([1000, 1000, 990, chance.randint(950, 1060)])) / 1000
    held = []
    for symbol, base in (("SIMUSDT", "SIM"), ("SIMUSDC", "SIM"), ("XUSDT", "X")):
        if chance.random() < 0.3:
            qty = D(chance.choice([-1, 1]) * chance.randint(1, chance.choice([9_000, 60_000]))) / 1_000
            held.append(
                position(str(qty), symbol=symbol, base=base, position_id=symbol, leverage=chance.randint(1, 5))
            )  # fmt: skip
    orders = tuple(
        RestingOrder(
            chance.choice(["SIMUSDT", "SIMUSDC"]), "SIM", chance.choice(_SIDES), D(chance.randint(1, 9_000)) / 1_000,
            D(chance.randint(9_500, 10_500)) / 100, chance.randint(1, 5),
        )
        for _ in range(chance.choice([0, 0, 0, 1, 2, 4, 5]))
    )  # fmt: skip
    return account(
        equity_quote=equity, high_water_quote=high, day_start_equity_quote=start, positions=tuple(held),
        transfers_today_quote=chance.choice([D(0), D(0), D(50), D(-50)]), resting=orders,
        opening_trades_today=chance.choice([0, 0, chance.randint(0, 7)]),
    )  # fmt: skip


def made_market(chance: Random) -> MarketView:
    """Return a sound market with a book of any depth."""
    depth = range(chance.choice([0, 1, 3, 8]))
    return replace(
        MARKET, sigma_frac=D(chance.choice([30, 60, chance.randint(1, 400)])) / 100,
        volume_1m_quote=D(chance.choice([1_000_000, chance.randint(0, 100_000)])),
        funding_frac=D(chance.choice([0, chance.randint(-50, 50)])) / 1_000,
        asks=tuple((D(10_001 + 20 * n) / 100, D(chance.randint(1, 900)) / 10) for n in depth),
        bids=tuple((D(9_999 - 20 * n) / 100, D(chance.randint(1, 900)) / 10) for n in depth),
        maintenance_frac=chance.choice([None, D("0.01"), D("0.12")]),
    )  # fmt: skip


_NUMBERS = [None, *(D(text) for text in (
    "NaN", "sNaN", "Infinity", "-Infinity", "1E+308", "-1E-308", "1E+999999", "0", "-0", "-1", "100.005", "99", "100",
    "100.01", "101", "98.50", "5", "1500", "0.00000001", "99999999999999999999",
))]  # fmt: skip
_TEXTS = ["", "p1", "a\0b", "'; DROP TABLE orders; --", "买入", "\u202e", "x" * 500, "SIMUSDT"]
_CONFIDENCES = [None, 0.0, 0.65, 0.7, 0.95, 1.0, 1.01, -1.0, float("nan"), float("inf"), 5e-324, 1e308]


def spoiled() -> st.SearchStrategy[TradeProposal]:
    """Anything that has the form of a proposal."""
    return st.integers(0, 2**48).map(lambda seed: made_nonsense(Random(seed)))


def made_nonsense(chance: Random) -> TradeProposal:
    """Return a proposal of a hostile model; about one in ten fields is as it should be."""
    base = made_proposal(chance)
    wild: dict[str, Any] = {
        "proposal_id": chance.choice(_TEXTS), "decision_id": chance.choice(_TEXTS), "strategy": chance.choice(_TEXTS),
        "reasoning": chance.choice(_TEXTS), "symbol": chance.choice(["SIMUSDT", "XUSDT", *_TEXTS]),
        "action": chance.choice(["open_long", "open_short", "hold", "abstain", "close"]),
        "side": chance.choice(["buy", "sell", None]), "size_quote": chance.choice(_NUMBERS),
        "leverage": chance.choice([-5, 0, 1, 2, 3, 5, 6, 500, 10**12]), "entry_price": chance.choice(_NUMBERS),
        "stop_price": chance.choice(_NUMBERS), "take_profit_price": chance.choice(_NUMBERS),
        "valid_until_ns": NOW + chance.choice([-1, 0, 1, 10**9]), "confidence": chance.choice(_CONFIDENCES),
        "position_id": chance.choice([None, "SIMUSDT"]),
    }  # fmt: skip
    spoilt = chance.sample(sorted(wild), chance.choice([1, 1, 2, 3, len(wild)]))
    return replace(base, **{name: wild[name] for name in spoilt})


def exact(value: Decimal | int) -> F:
    """Return a decimal as a fraction."""
    return F(value)


def breaches(
    order: ApprovedOrder,
    before: AccountSnapshot,
    market: MarketView,
    level: str,
    reserved: tuple[RestingOrder, ...] = (),
) -> list[str]:
    """Return every bound that an opening approval breaks, computed afresh from the raw snapshot."""
    t, assumed = order.terms, F(5, 100)
    mark, equity, qty = exact(market.mark or 0), exact(before.equity_quote), exact(t.qty_base)
    long = t.side == "buy"
    limit = None if t.limit_price is None else exact(t.limit_price)
    weigh = mark * F(101, 100) if limit is None else max(limit, mark * F(101, 100))
    worst = limit if limit is not None else mark * (F(101, 100) if long else F(99, 100))
    stop = exact(t.stop_price) if t.stop_price is not None else None
    if stop is None or equity <= 0:
        return ["stop or equity"]
    orders = [
        (o.symbol, o.base, o.side, exact(o.qty_base), exact(o.price), o.leverage) for o in (*before.resting, *reserved)
    ]
    held = {p.symbol: (p.base, exact(p.qty_base), exact(p.mark_price), p.leverage) for p in before.positions}
    moved = []
    for symbol, base, side, q, price, lev in orders:
        known = mark if symbol == t.symbol else held[symbol][2] if symbol in held else price
        moved.append((symbol, base, side, q * max(price, known * F(101, 100)), lev))
    moved.append((t.symbol, SIM.base, t.side, qty * weigh, t.leverage))
    total, most = F(0), F(0)
    highs, lows = F(0), F(0)
    for symbol in {s for s, *_ in moved} | set(held):
        base, q, price, _ = held.get(symbol, (next((m[1] for m in moved if m[0] == symbol), ""), F(0), F(0), 1))
        start = q * price
        bought = sum((w for s, _, side, w, _ in moved if s == symbol and side == "buy"), F(0))
        sold = sum((w for s, _, side, w, _ in moved if s == symbol and side == "sell"), F(0))
        # What stands the other way may be gone before an order fills: it shields nothing.
        tops = [start, start + bought, bought or start]
        bottoms = [start, start - sold, -sold if sold else start]
        total += max(abs(v) for v in (*tops, *bottoms))
        if base == SIM.base:
            highs += max(tops)
            lows += min(bottoms)
    most = max(abs(highs), abs(lows))
    margin = sum((abs(q) * p / lev for _, q, p, lev in held.values()), F(0)) + sum(w / lev for *_, w, lev in moved)
    fee = exact(SIM.taker_fee_frac)
    fees = 2 * fee * sum((w for s, _, _, w, _ in moved if s == t.symbol), F(0))
    funding = exact(market.funding_frac or 0) * (1 if long else -1)
    loss = qty * (abs(worst - stop) + (worst + stop) * (fee + F(5, 10_000)) + worst * max(F(0), funding))
    keep = assumed if market.maintenance_frac is None else max(assumed, exact(market.maintenance_frac))
    far = (min(F(1, t.leverage), equity / total) - keep) * worst
    high, start_day = exact(before.high_water_quote), exact(before.day_start_equity_quote)
    lost = max(F(0), (start_day + exact(before.transfers_today_quote) - equity) / start_day)
    reach = limit
    if reach is None:
        left, reach = qty, None
        for price, size in market.asks if long else market.bids:
            left -= exact(size)
            if left <= 0:
                reach = exact(price)
                break
    broken = {
        "margin_ratio": equity / total < F(20, 100),
        "total_drawdown": 1 - equity / high >= F(10, 100),
        "daily_loss": lost >= F(5, 100),
        "loss_wall": lost >= F(3, 100),
        "leverage": t.leverage > 5 or total / equity > 5,
        "cash_reserve": (equity - margin - fees) / equity < F(10, 100),
        "asset_exposure": most / equity > F(30, 100),
        "single_trade_loss": loss / equity > F(3, 100),
        "stop_before_liquidation": far - abs(worst - stop) < F(25, 100) * abs(worst - stop),
        "price_collar": reach is None or abs(reach - mark) / mark > F(1, 100),
        "ladder_position": qty * weigh / equity > MAX_POSITION[level],
        "ladder_leverage": t.leverage > MAX_LEVERAGE[level],
        "target_loss": loss / equity > F(1, 100),
        "step": qty % exact(SIM.step) != 0 or qty < exact(SIM.min_qty),
        "stop_side": (stop < min(worst, mark)) != long,
        "protected": level == "L0",
    }
    return [name for name, is_broken in broken.items() if is_broken]


TIGHTER: dict[str, tuple[Decimal, ...]] = {
    "min_margin_ratio": (D("0.25"), D(2)), "max_drawdown_frac": (D("0.05"), D("0.01")),
    "max_day_loss_frac": (D("0.02"), D("0.001")), "max_leverage": (D(3), D(1)),
    "min_cash_reserve_frac": (D("0.5"), D("0.9")), "max_asset_exposure_frac": (D("0.2"), D("0.03")),
    "max_trade_loss_frac": (D("0.02"), D("0.002")), "min_liquidation_gap_frac": (D("0.5"), D(3)),
    "price_collar_frac": (D("0.005"), D("0.0002")), "max_openings_per_min": (D(2), D(1)),
    "max_resting_per_symbol": (D(2), D(1)), "slippage_frac": (D("0.001"), D("0.02")),
    "maintenance_frac": (D("0.1"), D("0.3")), "target_trade_loss_frac": (D("0.005"), D("0.0005")),
    "sigma_target_frac": (D("0.1"), D("0.01")), "max_volume_share_frac": (D("0.01"), D("0.0001")),
    "soft_wall_frac": (D("0.02"), D("0.001")), "max_account_age_s": (D(2), D("0.001")),
    "max_mark_age_s": (D(1), D("0.001")), "max_rules_age_s": (D(100), D("0.001")),
}  # fmt: skip
"""Two tighter values of each limit."""


def tightened(name: str, at: int) -> Limits:
    """Return the limits with one of them tighter."""
    return Limits(**{name: TIGHTER[name][at]})

"""Markets at their worst, as quotes second by second, and what may be proposed while they last."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random
from typing import Any

from chanflow.domain.account import AccountSnapshot
from chanflow.domain.opinion import TradeProposal
from chanflow.domain.time import NS_PER_S

TICKS = 10_000
"""Where every market begins: 100.00."""
DEEP, THIN = 10**9, 1
CALM_S = 150


@dataclass(frozen=True, slots=True)
class Second:
    """One second of a market in whole ticks; `quoted` False is a venue that is silent, `bid_lots` what can be sold."""

    mid: int
    quoted: bool = True
    bid_lots: int = DEEP
    funding_frac: Decimal = Decimal(0)
    """Funding that a long pays in this second; a short receives it."""


Market = Sequence[Second]


def _calm(chance: Random, mid: int, seconds: int) -> list[Second]:
    return [Second(mid + chance.randint(-2, 2)) for _ in range(seconds)]


def crash(chance: Random) -> Market:
    """60 % down in seven minutes, evenly: stops and guardian see every step."""
    falls = [Second(TICKS - 14 * n + chance.randint(-3, 3)) for n in range(430)]
    return [*_calm(chance, TICKS, CALM_S), *falls, *_calm(chance, TICKS - 6_000, 60)]


def flash_crash(chance: Random) -> Market:
    """12 % down in four seconds and back in ten."""
    down = [Second(TICKS - step) for step in (300, 600, 900, 1_200)]
    up = [Second(TICKS - 1_200 + 120 * n) for n in range(1, 11)]
    return [*_calm(chance, TICKS, CALM_S), *down, *up, *_calm(chance, TICKS, 120)]


def gap_down(chance: Random) -> Market:
    """20 % lower between two quotes, through every near stop."""
    return [*_calm(chance, TICKS, CALM_S), *_calm(chance, TICKS * 80 // 100, 120)]


def gap_up(chance: Random) -> Market:
    """25 % higher between two quotes."""
    return [*_calm(chance, TICKS, CALM_S), *_calm(chance, TICKS * 125 // 100, 120)]


def freeze(chance: Random) -> Market:
    """Two minutes of silence, and 15 % lower when the venue speaks again."""
    silent = [Second(TICKS, quoted=False)] * 120
    return [*_calm(chance, TICKS, CALM_S), *silent, *_calm(chance, TICKS * 85 // 100, 120)]


def funding_spike(chance: Random) -> Market:
    """Funding of 3 % of notional, three times, that nobody expected; the price stands."""
    paid = [
        replace(second, funding_frac=Decimal("0.03") if n % 60 == 59 else Decimal(0))
        for n, second in enumerate(_calm(chance, TICKS, 180))
    ]
    return [*_calm(chance, TICKS, CALM_S), *paid, *_calm(chance, TICKS, 60)]


def cascade(chance: Random) -> Market:
    """Liquidations: eight drops of 4 % in a second each, with half-hearted recoveries between."""
    found, mid = _calm(chance, TICKS, CALM_S), TICKS
    for _ in range(8):
        mid = mid * 96 // 100
        found += [Second(mid), *_calm(chance, mid + mid // 100, 14)]
    return [*found, *_calm(chance, mid, 60)]


def volatility_spike(chance: Random) -> Market:
    """Three minutes in which every second moves the price up to 3 % either way."""
    wild = [Second(TICKS * chance.randint(970, 1_030) // 1_000) for _ in range(180)]
    return [*_calm(chance, TICKS, CALM_S), *wild, *_calm(chance, TICKS, 60)]


def price_limit(chance: Random) -> Market:
    """10 % down to the price limit, where nobody buys for two minutes, and another 10 % lower when it opens."""
    falls = [Second(TICKS - 100 * n) for n in range(1, 11)]
    stuck = [Second(TICKS - 1_000, bid_lots=THIN)] * 120
    return [*_calm(chance, TICKS, CALM_S), *falls, *stuck, *_calm(chance, TICKS - 2_000, 120)]


MARKETS: dict[str, Callable[[Random], Market]] = {
    "crash": crash, "flash crash": flash_crash, "gap down": gap_down, "gap up": gap_up, "freeze": freeze,
    "funding spike": funding_spike, "liquidation cascade": cascade, "volatility spike": volatility_spike,
    "price limit": price_limit,
}  # fmt: skip


def worst_jump(market: Market) -> Decimal:
    """Return the largest move between two looks at which one could still act, over the lowest price of the market.

    A venue that is silent, or where nobody buys, is no look: what lies on both sides of it is one move. Two seconds
    count as one look, for what is seen in one is acted on in the next.
    """
    mids = [second.mid for second in market if second.quoted and second.bid_lots > THIN]
    moves = (abs(b - a) for step in (1, 2) for a, b in zip(mids, mids[step:], strict=False))
    return Decimal(max(moves)) / min(mids)


# ── who proposes ──────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class View:
    """What a hostile model sees."""

    now_ns: int
    second: int
    mid: Decimal
    account: AccountSnapshot


Attack = Callable[[View, Random], Iterator[TradeProposal]]

_NUMBERS = [None, *map(Decimal, ("NaN", "sNaN", "Infinity", "1E+308", "-1E-308", "1E+999999", "0", "-1", "100.005"))]
_TEXTS = ["", "a\0b", "'; DROP TABLE orders; --", "买入", "\u202e", "x" * 5_000, "SIMUSDT", "BTCUSDT"]


def opening(view: View, name: str, *, long: bool, away: str, leverage: int = 1, **changes: Any) -> TradeProposal:
    """Return an opening at market, its stop `away` of the price."""
    step = (view.mid * Decimal(away)).quantize(Decimal("0.01"))
    made = TradeProposal(
        proposal_id=f"{name}-{view.second}", decision_id=f"{name}-{view.second}", kind="entry",
        action="open_long" if long else "open_short", symbol="SIMUSDT", level="1m", setup="any",
        side="buy" if long else "sell", size_quote=None, leverage=leverage, entry_price=None,
        stop_price=view.mid.quantize(Decimal("0.01")) + (-step if long else step),
        take_profit_price=view.mid.quantize(Decimal("0.01")) + (step if long else -step),
        valid_until_ns=view.now_ns + 60 * NS_PER_S, confidence=1.0, reasoning="", invalidation="",
    )  # fmt: skip
    return replace(made, **changes)


def longs_for_ever(view: View, _: Random) -> Iterator[TradeProposal]:
    """As much long as there is, with stops half the price away."""
    yield opening(view, "long", long=True, away="0.5")


def shorts_for_ever(view: View, _: Random) -> Iterator[TradeProposal]:
    """As much short as there is, with stops half the price away."""
    yield opening(view, "short", long=False, away="0.5")


def near_stops(view: View, chance: Random) -> Iterator[TradeProposal]:
    """The most that near stops allow, again and again, at the highest leverage."""
    yield opening(view, "near", long=chance.random() < 0.5, away="0.004", leverage=5)


def churn(view: View, _: Random) -> Iterator[TradeProposal]:
    """In and out every second, to bleed fees."""
    held = view.account.positions
    if held:
        yield opening(view, "out", long=True, away="0.1", action="close", side=None, position_id=held[0].position_id)
    yield opening(view, "in", long=view.second % 2 == 0, away="0.1", leverage=5)


def race(view: View, _: Random) -> Iterator[TradeProposal]:
    """Twelve at once on one reading of the account, and each of them twice."""
    for number in range(12):
        twin = opening(view, f"race{number}", long=True, away="0.1", leverage=5)
        yield from (twin, twin)


def nonsense(view: View, chance: Random) -> Iterator[TradeProposal]:
    """A flood of anything that has the form of a proposal; one field in three is as it should be."""
    for number in range(20):
        sound = opening(view, f"junk{number}", long=chance.random() < 0.7, away="0.3")
        wild: dict[str, Any] = {
            "symbol": chance.choice(_TEXTS), "action": chance.choice(["open_long", "close", "hold", "abstain"]),
            "side": chance.choice(["buy", "sell", None]), "size_quote": chance.choice(_NUMBERS),
            "leverage": chance.choice([-5, 0, 1, 5, 500, 10**12]), "entry_price": chance.choice(_NUMBERS),
            "stop_price": chance.choice(_NUMBERS), "take_profit_price": chance.choice(_NUMBERS),
            "confidence": chance.choice([None, 1.0, float("nan"), 1e308, -1.0]), "strategy": chance.choice(_TEXTS),
            "proposal_id": chance.choice(["same", *_TEXTS]), "valid_until_ns": chance.choice([0, view.now_ns, 2**80]),
        }  # fmt: skip
        spoilt = chance.sample(sorted(wild), chance.choice([0, 1, 2, 3, len(wild)]))
        yield replace(sound, **{name: wild[name] for name in spoilt})


ATTACKS: dict[str, Attack] = {
    "longs for ever": longs_for_ever, "shorts for ever": shorts_for_ever, "near stops": near_stops, "churn": churn,
    "race": race, "nonsense": nonsense,
}  # fmt: skip

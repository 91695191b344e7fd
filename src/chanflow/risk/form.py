"""Check 3: an opening proposal is whole, fits its instrument, and makes sense in itself."""

from __future__ import annotations

from decimal import Decimal

from chanflow.domain.account import AccountSnapshot
from chanflow.domain.instrument import Instrument
from chanflow.domain.opinion import TradeProposal
from chanflow.domain.order import Check
from chanflow.risk.market_view import MarketView
from chanflow.risk.reducing import opposite_left
from chanflow.risk.state import Memory
from chanflow.risk.verdict import Verdict, flags

_SEEN = flags("seen_before", wanted=False)


def ask_form(
    proposal: TradeProposal, instrument: Instrument, account: AccountSnapshot, market: MarketView, memory: Memory,
    now_ns: int, verdict: Verdict,
) -> bool:  # fmt: skip
    """Ask everything about an opening's form. Returns whether it can be weighed at all."""
    before = len(verdict.reasons)
    if proposal.action not in ("open_long", "open_short"):
        verdict.refuse("action", f"{proposal.action} opens nothing")
        return False
    side = "buy" if proposal.action == "open_long" else "sell"
    fits = proposal.side == side
    verdict.ask(
        Check("side", str(proposal.side), side, fits),
        "" if fits else f"side {proposal.side} does not fit {proposal.action}",
    )
    ask_seen(proposal, memory, verdict)
    in_time = Check("expired", str(now_ns), str(proposal.valid_until_ns), now_ns <= proposal.valid_until_ns)
    verdict.ask(in_time, "the proposal is past its valid_until")
    if proposal.leverage < 1:
        verdict.refuse("leverage_form", f"leverage is {proposal.leverage}, at least 1 is needed")
    wish = proposal.size_quote
    if wish is not None and not (wish.is_finite() and wish > 0):
        verdict.refuse("size_form", f"size is {wish} quote, it must be positive")
    left = opposite_left(account, proposal.symbol, side, memory.closing_base)
    verdict.ask(Check("flip", str(left), "0", left == 0), "" if left == 0 else _flip(left, instrument))
    _ask_prices(proposal, instrument, market, verdict)
    return len(verdict.reasons) == before


def ask_seen(proposal: TradeProposal, memory: Memory, verdict: Verdict) -> None:
    """Refuse a proposal that was judged before."""
    seen = memory.seen
    verdict.ask(_SEEN[seen], f"proposal {proposal.proposal_id} was judged already" if seen else "")


def _flip(left: Decimal, instrument: Instrument) -> str:
    return f"{left} {instrument.base} stand the other way and nothing approved closes them: a flip is two orders"


def _ask_prices(proposal: TradeProposal, instrument: Instrument, market: MarketView, verdict: Verdict) -> None:
    stop, target, entry = proposal.stop_price, proposal.take_profit_price, proposal.entry_price
    sound, on_tick = True, f"on {instrument.tick}"
    for name, price in (("stop_loss", stop), ("take_profit", target), ("entry", entry)):
        if price is None and name == "entry":
            continue
        fault = _price_fault(name, price, instrument)
        sound &= verdict.ask(Check(name, str(price), on_tick, not fault), fault)
    anchor = entry if entry is not None else market.mark
    if not sound or stop is None or target is None or anchor is None or not anchor.is_finite():
        return
    mark = anchor if market.mark is None or not market.mark.is_finite() else market.mark
    # The stop must lie beyond the market too: one that is passed already would close the position as it opens.
    if proposal.action == "open_long":
        ok = stop < min(anchor, mark) and anchor < target
    else:
        ok = target < anchor and max(anchor, mark) < stop
    wrong = "" if ok else f"stop {stop}, entry {anchor}, mark {mark}, take-profit {target} are in the wrong order"
    verdict.ask(Check("stop_side", f"{stop!s} {anchor!s} {target!s}", "stop, entry, target in order", ok), wrong)


def _price_fault(name: str, price: Decimal | None, instrument: Instrument) -> str:
    """Return what is wrong with a price, "" where nothing is."""
    if price is None:
        return f"an opening order needs a {name} price"
    if not price.is_finite() or price <= 0:
        return f"{name} price is {price}, it must be a positive number"
    if price.adjusted() > 18 or not instrument.on_tick(price):
        return f"{name} price {price} is not on the tick of {instrument.tick}"
    return ""

"""What would have been decided otherwise: verdicts and runs compared, as values. Who judges again is not here.

Two comparisons. Of verdicts: every question that the gate was asked, with the answer it gave and the one it would have
given. Of runs: the orders that two journals tell of, matched by moment, symbol, side and leg, for their ids follow from
everything that came before them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from chanflow.domain.order import Leg, OrderState, OrderView
from chanflow.domain.time import rfc3339
from chanflow.review.daily import Day, fold
from chanflow.review.journal import Record
from chanflow.review.orders import OrdersFold

ZERO = Decimal(0)
_BOUND_BY = "bound by "

How = Literal["refused", "allowed", "smaller", "larger", "leverage", "reasons"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The gate's answer. `codes` are the reasons of a refusal, `binding` what an approval's quantity was bound by."""

    qty_base: Decimal
    leverage: int
    codes: tuple[str, ...] = ()
    binding: str = ""

    @property
    def allowed(self) -> bool:
        """Whether it is a yes."""
        return not self.codes

    @property
    def bound(self) -> str:
        """What decided it: every reason of a refusal, else the bound on the quantity."""
        return ", ".join(self.codes) or self.binding


@dataclass(frozen=True, slots=True)
class Judged:
    """One question as it was journaled, and its answer. `seq` is the number of the `judged` record."""

    seq: int
    at: str
    proposal: Any
    body: Any
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Change:
    """One verdict that comes out otherwise."""

    seq: int
    at: str
    decision_id: str
    proposal_id: str
    symbol: str
    how: How
    before: Verdict
    after: Verdict


def binding_of(clips: Sequence[str]) -> str:
    """Return what bound the quantity, out of what the gate noted of its clips; "" where nothing did."""
    sized = [clip for clip in clips if clip.startswith("quantity") and _BOUND_BY in clip]
    return sized[-1].rpartition(_BOUND_BY)[2] if sized else ""


def judgements(records: Iterable[Record]) -> Iterator[Judged]:
    """Yield every question of a journal that was answered, in order of the answers."""
    proposals: dict[str, Any] = {}
    asked: dict[str, Record] = {}
    for record in records:
        match record.kind:
            case "trade_proposal":
                proposals[record.body["proposal_id"]] = record.body
            case "judged":
                asked[record.body["proposal_id"]] = record
            case "refusal" | "approved_order":
                question = asked.pop(record.body["proposal_id"], None)
                if question is None:
                    continue
                # The closing leg of a flip has an id of its own, made from that of the whole.
                whole = str(question.body["proposal_id"]).removesuffix(":close")
                proposal = proposals.get(question.body["proposal_id"], proposals.get(whole))
                if proposal is not None:
                    yield Judged(question.seq, question.at, proposal, question.body, _verdict(record))


def _verdict(record: Record) -> Verdict:
    body = record.body
    if record.kind == "refusal":
        return Verdict(ZERO, 0, tuple(reason["code"] for reason in body["reasons"]))
    terms = body["terms"]
    return Verdict(Decimal(terms["qty_base"]), int(terms["leverage"]), (), binding_of(body["clips"]))


def change_of(judged: Judged, after: Verdict) -> Change | None:
    """Return how a verdict changes, None where it stands: yes or no, quantity, leverage or reasons."""
    before = judged.verdict
    how = _how(before, after)
    if how is None:
        return None
    body = judged.body
    return Change(
        judged.seq, judged.at, body["decision_id"], body["proposal_id"], body["symbol"], how, before, after
    )  # fmt: skip


def _how(before: Verdict, after: Verdict) -> How | None:
    if before.allowed != after.allowed:
        return "allowed" if after.allowed else "refused"
    if before.qty_base != after.qty_base:
        return "larger" if after.qty_base > before.qty_base else "smaller"
    if before.leverage != after.leverage:
        return "leverage"
    return "reasons" if before.codes != after.codes else None


# ── whole runs ────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class OrderLine:
    """An order as two runs are compared by: what it was, and what was filled of it."""

    at: str
    symbol: str
    side: str
    leg: Leg
    qty_base: Decimal
    filled_base: Decimal


@dataclass(frozen=True, slots=True)
class Resized:
    """An order of both runs whose quantities differ."""

    before: OrderLine
    after: OrderLine


@dataclass(frozen=True, slots=True)
class RunTotals:
    """The end of a run. Money in quote units; fees positive where paid."""

    equity_quote: Decimal
    fees_quote: Decimal
    orders: int
    trades: int
    max_drawdown_frac: Decimal


@dataclass(frozen=True, slots=True)
class RunDiff:
    """Two runs of one market, compared."""

    gone: tuple[OrderLine, ...]
    new: tuple[OrderLine, ...]
    resized: tuple[Resized, ...]
    before: RunTotals
    after: RunTotals
    stopped: str = ""
    """Why both runs are compared up to a moment only; "" where they are compared to their ends."""

    @property
    def empty(self) -> bool:
        """Whether nothing differs."""
        return not (self.gone or self.new or self.resized) and self.before == self.after


def compare_runs(before: Sequence[Record], after: Sequence[Record]) -> RunDiff:
    """Return what differs between the orders and the ends of two runs of one market."""
    old, new = _by_place(_orders(before)), _by_place(_orders(after))
    gone: list[OrderLine] = []
    added: list[OrderLine] = []
    resized: list[Resized] = []
    for place in sorted(old.keys() | new.keys()):
        mine, theirs = old.get(place, []), new.get(place, [])
        paired = min(len(mine), len(theirs))
        resized += [Resized(a, b) for a, b in zip(mine, theirs, strict=False) if a != b]
        gone += mine[paired:]
        added += theirs[paired:]
    return RunDiff(tuple(gone), tuple(added), tuple(resized), totals(before), totals(after))


def totals(records: Sequence[Record]) -> RunTotals:
    """Return the end of a run."""
    day: Day = fold(records)
    return RunTotals(
        _last_equity(records, day), day.fees_quote, len(_orders(records)), len(day.trades), day.max_drawdown_frac
    )


def _last_equity(records: Sequence[Record], day: Day) -> Decimal:
    """Return the last reading of equity: a mark of the price, or an account, whichever came later."""
    last = next((r for r in reversed(records) if r.kind in ("mark", "account")), None)
    return day.equity_quote if last is None else Decimal(last.body["equity_quote"])


def _orders(records: Iterable[Record]) -> list[OrderView]:
    orders = OrdersFold()
    for record in records:
        orders.take(record.kind, record.at, record.correlation_id, record.body)
    return [order for order in orders.views() if order.state is not OrderState.DENIED]


Place = tuple[int, str, str, str]


def _by_place(orders: Iterable[OrderView]) -> dict[Place, list[OrderLine]]:
    found: dict[Place, list[OrderLine]] = defaultdict(list)
    for o in orders:
        line = OrderLine(rfc3339(o.sent_ns), o.symbol, o.side, o.leg, o.qty_base, o.filled_base)
        found[o.sent_ns, o.symbol, o.side, o.leg].append(line)
    return found

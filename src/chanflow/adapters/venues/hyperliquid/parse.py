"""The bodies of `/info` and the rows of the user streams, read into the desk's words.

A body that does not have the shape it should have raises VenueBusy: it is no answer, and silence is never taken for
emptiness. Times come in ms, figures as text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from chanflow.adapters.venues.hyperliquid.names import number_name
from chanflow.adapters.venues.hyperliquid.wire import MIN_NOTIONAL_QUOTE, PRICE_DECIMALS, Asset, price_step
from chanflow.adapters.venues.hyperliquid.words import state_of
from chanflow.domain.errors import VenueBusy
from chanflow.domain.instrument import Instrument
from chanflow.domain.opinion import Side
from chanflow.domain.order import Fill, OrderState
from chanflow.domain.time import NS_PER_MS
from chanflow.execution.ports import VenueFunding, VenueOrderState, VenuePosition

VENUE: Final = "hyperliquid"
QUOTE: Final = "USDC"
ZERO: Final = Decimal(0)


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Turn a body of another shape into VenueBusy naming what was asked for."""
    try:
        yield
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, InvalidOperation) as cause:
        raise VenueBusy(f"the venue's {what} cannot be read: {type(cause).__name__} {str(cause)[:120]}") from cause


def side_of(letter: str) -> Side:
    """Return the side of `B` (bid) or `A` (ask). Raises ValueError for anything else."""
    if letter not in ("A", "B"):
        raise ValueError(f"side is {letter!r}, known are A and B")
    return "buy" if letter == "B" else "sell"


# ── the market's rules ────────────────────────────────────────────────────────


def assets_of(meta: Mapping[str, Any]) -> dict[str, Asset]:
    """Return the perpetuals that can be traded, by coin. A delisted one keeps its number and is left out."""
    with reading("meta"):
        return {
            row["name"]: Asset(row["name"], index, int(row["szDecimals"]), int(row["maxLeverage"]))
            for index, row in enumerate(meta["universe"])
            if not row.get("isDelisted")
        }


def instruments_of(body: Sequence[Any], *, maker_fee_frac: Decimal, taker_fee_frac: Decimal) -> dict[str, Instrument]:
    """Return the rules of each perpetual from `metaAndAssetCtxs`.

    The tick is the one at today's mark price: it changes with every power of ten, so the rules are asked for again.
    """
    with reading("metaAndAssetCtxs"):
        meta, contexts = body[0], body[1]
        rules = {}
        for symbol, asset in assets_of(meta).items():
            context = contexts[asset.index] if asset.index < len(contexts) else {}
            mark = context.get("markPx")
            step = Decimal(1).scaleb(-asset.size_decimals)
            finest = Decimal(1).scaleb(asset.size_decimals - PRICE_DECIMALS)
            tick = finest if mark is None or Decimal(mark) <= 0 else price_step(Decimal(mark), asset.size_decimals)
            rules[symbol] = Instrument(
                symbol, symbol, QUOTE, tick, step, step, MIN_NOTIONAL_QUOTE, maker_fee_frac, taker_fee_frac
            )
        return rules


def fees_of(body: Mapping[str, Any]) -> tuple[Decimal, Decimal]:
    """Return maker and taker fee as fractions, from `userFees`."""
    with reading("userFees"):
        return Decimal(body["userAddRate"]), Decimal(body["userCrossRate"])


# ── orders ────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One order as the venue tells of it; fields that a stream leaves out have their plain value.

    `qty_base` and `leaves_base` are those of this number alone: an order that replaced another begins anew.
    """

    oid: int
    cloid: str | None
    symbol: str
    side: Side
    limit_price: Decimal
    qty_base: Decimal
    leaves_base: Decimal
    placed_ms: int
    status: str
    updated_ms: int
    is_trigger: bool = False
    trigger_price: Decimal | None = None
    reduce_only: bool = False
    order_type: str = "Limit"
    tif: str | None = None

    @property
    def state(self) -> OrderState:
        """The state its status stands for. Raises ValueError for a status nobody knows."""
        state = state_of(self.status)
        if state is None:
            raise ValueError(f"order status is {self.status!r}, which means nothing to us")
        return state

    @property
    def is_stop(self) -> bool:
        """Whether it is a stop that waits."""
        return self.is_trigger and self.order_type.startswith("Stop")


def order_row(row: Mapping[str, Any], status: str, updated_ms: int) -> OrderRow:
    """Return an order as `openOrders`, `frontendOpenOrders`, `orderStatus` and the stream `orderUpdates` write it."""
    with reading("order"):
        return OrderRow(
            int(row["oid"]), row.get("cloid"), row["coin"], side_of(row["side"]), Decimal(row["limitPx"]),
            Decimal(row.get("origSz", row["sz"])), Decimal(row["sz"]), int(row["timestamp"]), status, updated_ms,
            bool(row.get("isTrigger")), Decimal(row["triggerPx"]) if row.get("isTrigger") else None,
            bool(row.get("reduceOnly")), row.get("orderType") or "Limit", row.get("tif"),
        )  # fmt: skip


def status_row(body: Mapping[str, Any]) -> OrderRow | None:
    """Return the order of an `orderStatus` answer, None where the venue knows no such order."""
    with reading("orderStatus"):
        if body["status"] == "unknownOid":
            return None
        told = body["order"]
        return order_row(told["order"], told["status"], int(told["statusTimestamp"]))


def open_rows(body: Sequence[Mapping[str, Any]]) -> list[OrderRow]:
    """Return the living orders of a `frontendOpenOrders` answer, each once: a waiting exit also stands as a child."""
    with reading("open orders"):
        return [order_row(row, "open", int(row["timestamp"])) for row in body]


def order_state(row: OrderRow, client_id: str, filled_base: Decimal, worth_quote: Decimal) -> VenueOrderState:
    """Return an order for the port; `filled_base` and its worth are those of all numbers it has had."""
    with reading("order"):
        state = row.state
    before = filled_base - max(ZERO, row.qty_base - row.leaves_base)
    qty = row.qty_base + max(ZERO, before)
    if state is OrderState.ACCEPTED and 0 < filled_base < qty:
        state = OrderState.PARTIALLY_FILLED
    if state is OrderState.FILLED and filled_base < qty:
        # The rest of an order that took only what was there.
        state = OrderState.EXPIRED
    return VenueOrderState(
        client_id, row.symbol, row.side, state, qty, filled_base, worth_quote / filled_base if filled_base else ZERO,
        row.reduce_only, row.updated_ms * NS_PER_MS, row.is_stop, row.trigger_price,
        None if row.is_trigger else row.limit_price,
    )  # fmt: skip


# ── fills, funding, positions ─────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class FillRow:
    """One fill as the venue tells of it. `ref` is its identity: its time in ms and its trade number."""

    oid: int
    cloid: str | None
    symbol: str
    side: Side
    price: Decimal
    qty_base: Decimal
    fee: Decimal
    fee_asset: str
    maker: bool
    at_ms: int
    ref: str
    direction: str
    liquidation: bool

    def fill(self, client_id: str, known_ns: int) -> Fill:
        """Return it for the port, under the name of its order."""
        return Fill(
            VENUE, self.symbol, self.ref, client_id, self.side, self.price, self.qty_base, self.fee, self.maker,
            self.at_ms * NS_PER_MS, known_ns, self.fee_asset,
        )  # fmt: skip


def fill_row(row: Mapping[str, Any]) -> FillRow:
    """Return one fill of `userFills`, `userFillsByTime` or the streams. Recordings before 2024 have no trade number."""
    with reading("fill"):
        number = row["tid"] if "tid" in row else "/".join(str(row[k]) for k in ("oid", "startPosition", "px", "sz"))
        return FillRow(
            int(row["oid"]), row.get("cloid"), row["coin"], side_of(row["side"]), Decimal(row["px"]),
            Decimal(row["sz"]), Decimal(row.get("fee", "0")), row.get("feeToken", QUOTE), not row["crossed"],
            int(row["time"]), f"{int(row['time'])}-{number}", row.get("dir", ""), row.get("liquidation") is not None,
        )  # fmt: skip


def fill_rows(body: Sequence[Mapping[str, Any]]) -> list[FillRow]:
    """Return fills oldest first; those of one ms keep their order among each other as told oldest first."""
    with reading("fills"):
        rows = [fill_row(row) for row in body]
    if len(rows) > 1 and rows[0].at_ms > rows[-1].at_ms:
        rows.reverse()
    return sorted(rows, key=lambda row: row.at_ms)


def cursor_ms(ref: str) -> int | None:
    """Return the time in ms of a fill's identity, None for the blank one. Raises ValueError for any other text."""
    if not ref:
        return None
    at_ms, dash, _ = ref.partition("-")
    if not dash or not at_ms.isdigit():
        raise ValueError(f"{ref!r} is no trade of this venue: a time in ms, a dash, a number")
    return int(at_ms)


def funding_rows(body: Sequence[Mapping[str, Any]]) -> list[VenueFunding]:
    """Return the funding payments of a `userFunding` answer, oldest first."""
    with reading("userFunding"):
        paid = [funding_row({**row["delta"], "time": row["time"]}) for row in body if _is_funding(row)]
    return sorted(paid, key=lambda funding: (funding.at_ns, funding.symbol))


def funding_row(row: Mapping[str, Any]) -> VenueFunding:
    """Return one payment as the stream `userFundings` writes it."""
    with reading("funding"):
        at_ms = int(row["time"])
        return VenueFunding(row["coin"], f"{at_ms}-{row['coin']}", at_ms * NS_PER_MS, Decimal(row["usdc"]))


def _is_funding(row: Mapping[str, Any]) -> bool:
    return bool(row["delta"].get("type", "funding") == "funding")


def positions_of(body: Mapping[str, Any]) -> list[VenuePosition]:
    """Return what is held, from `clearinghouseState`; marks follow from value and size."""
    with reading("clearinghouseState"):
        held = []
        for row in body["assetPositions"]:
            position = row["position"]
            qty = Decimal(position["szi"])
            value = position.get("positionValue")
            mark = None if value is None or qty == 0 else Decimal(value) / abs(qty)
            entry = position.get("entryPx")
            held.append(VenuePosition(position["coin"], qty, None if entry is None else Decimal(entry), mark))
        return held


def wallet_of(body: Mapping[str, Any]) -> Decimal:
    """Return the wallet in USDC, unrealised profit left out: the account's value less that of its positions."""
    with reading("clearinghouseState"):
        value = Decimal(body["marginSummary"]["accountValue"])
        return value - sum((Decimal(row["position"]["unrealizedPnl"]) for row in body["assetPositions"]), ZERO)


def name_of(row: OrderRow | FillRow) -> str:
    """Return what an order is called that nobody has named otherwise: its cloid, else its number."""
    return row.cloid or number_name(row.oid)

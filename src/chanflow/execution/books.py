"""The account as it stands: the ledger at the last marks, and what its positions were opened with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from chanflow.domain.account import AccountSnapshot, Position, RestingOrder
from chanflow.domain.equity import EquityMarks
from chanflow.domain.instrument import Instrument
from chanflow.domain.order import OrderState, OrderTerms
from chanflow.domain.time import MS_PER_DAY, NS_PER_MS, Clock
from chanflow.execution.ledger import Ledger
from chanflow.execution.lifecycle import Order

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Opened:
    """What the newest entry of a position was sent with; `entry` is its client id, blank where there is none."""

    entry: str
    leverage: int
    stop_price: Decimal | None
    take_profit_price: Decimal | None


class Books:
    """The ledger with marks, high-water mark and the day's start."""

    def __init__(self, instruments: Mapping[str, Instrument], clock: Clock, capital_quote: Decimal) -> None:
        self.ledger = Ledger(capital_quote)
        self.marks: dict[str, Decimal] = {}
        self.max_drawdown_frac = ZERO
        self._instruments = dict(instruments)
        self._clock = clock
        self._opened: dict[str, Opened] = {}
        self.equity_marks = EquityMarks(capital_quote, capital_quote)

    @property
    def equity_quote(self) -> Decimal:
        """Wallet plus unrealised PnL at the last marks."""
        return self.ledger.wallet_quote + self.ledger.unrealised_quote(self.marks)

    def add_instrument(self, instrument: Instrument) -> None:
        """Keep books of one more symbol from now on."""
        self._instruments[instrument.symbol] = instrument

    def mark(self, symbol: str, price: Decimal) -> None:
        """Take a new mark price; high-water mark, drawdown and the day's start follow."""
        self.marks[symbol] = price
        self.read()

    def read(self) -> None:
        """Take a reading of equity at the last marks: a day begins for an account that holds nothing, too."""
        equity = self.equity_quote
        self.equity_marks = self.equity_marks.read(equity, self._clock.now_ns())
        self.max_drawdown_frac = max(self.max_drawdown_frac, 1 - equity / self.equity_marks.high_water_quote)

    def entered(self, client_id: str, terms: OrderTerms) -> None:
        """Take the terms of an entry that has begun to fill: the newest are the position's."""
        self._opened[terms.symbol] = Opened(client_id, terms.leverage, terms.stop_price, terms.take_profit_price)

    def opened(self, symbol: str) -> Opened | None:
        """Return what the newest entry of the position in `symbol` was sent with; None where no entry explains it."""
        return self._opened.get(symbol)

    def protect(self, symbol: str, stop_price: Decimal | None, take_profit_price: Decimal | None) -> None:
        """Let the position in `symbol` stand under other prices, None for what stays; nothing where none of ours is."""
        opened = self._opened.get(symbol)
        if opened is None:
            return
        self._opened[symbol] = replace(
            opened, stop_price=stop_price or opened.stop_price,
            take_profit_price=take_profit_price or opened.take_profit_price,
        )  # fmt: skip

    def left(self, symbol: str) -> None:
        """Forget the terms of a position that is closed."""
        self._opened.pop(symbol, None)

    def use_clock(self, clock: Clock) -> None:
        """Tell time by `clock` from now on."""
        self._clock = clock

    def carry_on(self, marks: EquityMarks) -> None:
        """Take the high-water mark and the day's start from before a restart."""
        self.equity_marks = replace(
            marks, high_water_quote=max(self.equity_marks.high_water_quote, marks.high_water_quote)
        )

    def snapshot(
        self, orders: Iterable[Order], terms: Mapping[str, OrderTerms], opening_trades_today: int
    ) -> AccountSnapshot:
        """Return the account as it stands now, `orders` in flight included; `terms` are what entries were sent with."""
        living = [o for o in orders if not o.state.terminal]
        now_ns = self._clock.now_ns()
        return AccountSnapshot(
            as_of_ns=now_ns,
            wallet_quote=self.ledger.wallet_quote,
            equity_quote=self.equity_quote,
            high_water_quote=self.equity_marks.high_water_quote,
            day_start_equity_quote=self.equity_marks.day_start_quote,
            transfers_today_quote=self.ledger.transfers_quote(_day_start_ns(now_ns)),
            positions=tuple(self._positions(living)),
            resting=tuple(self._resting(living, terms)),
            opening_trades_today=opening_trades_today,
            closing=tuple(self._closing(living)),
            reconciled=all(o.state is not OrderState.UNKNOWN for o in living),
        )

    def _positions(self, living: list[Order]) -> list[Position]:
        found = []
        for symbol, holding in sorted(self.ledger.holdings.items()):
            if holding.qty_base == 0:
                continue
            # A position that no entry of ours explains is shown bare: unprotected, and at no leverage of ours.
            opened = self._opened.get(symbol, Opened("", 1, None, None))
            found.append(
                Position(
                    position_id=self.ledger.position_id(symbol) or "", symbol=symbol,
                    base=self._instruments[symbol].base, qty_base=holding.qty_base,
                    entry_price=holding.average_price, mark_price=self.marks[symbol], leverage=opened.leverage,
                    opened_ns=self.ledger.opened_ns(symbol), stop_price=opened.stop_price,
                    take_profit_price=opened.take_profit_price,
                    protected=any(o.symbol == symbol and o.leg == "stop" for o in living),
                )
            )  # fmt: skip
        return found

    def _resting(self, living: list[Order], terms: Mapping[str, OrderTerms]) -> list[RestingOrder]:
        return [
            RestingOrder(
                o.symbol, self._instruments[o.symbol].base, o.side, o.leaves_base,
                terms[o.client_order_id].limit_price or self.marks.get(o.symbol, ZERO),
                terms[o.client_order_id].leverage,
            )
            for o in living
            if o.leg == "entry" and o.leaves_base > 0
        ]  # fmt: skip

    def _closing(self, living: list[Order]) -> list[RestingOrder]:
        return [
            RestingOrder(
                o.symbol, self._instruments[o.symbol].base, o.side, o.leaves_base, self.marks.get(o.symbol, ZERO), 1
            )
            for o in living
            if o.leg == "exit" and o.leaves_base > 0
        ]  # fmt: skip


def _day_start_ns(now_ns: int) -> int:
    return now_ns - now_ns % (MS_PER_DAY * NS_PER_MS)

"""A running exchange under a fault script: the engine stands at every seam, and what befalls the venue is done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final, Literal, cast

from chanflow.adapters.venues.emulator.book import ASK, BID
from chanflow.adapters.venues.emulator.codes import Fault
from chanflow.adapters.venues.emulator.exchange import Exchange
from chanflow.adapters.venues.emulator.faults import spoil
from chanflow.adapters.venues.emulator.faults.engine import Faults, TimedAction
from chanflow.adapters.venues.emulator.faults.log import FiringLog
from chanflow.adapters.venues.emulator.faults.spoil import Spoiled
from chanflow.adapters.venues.emulator.faults.words import Do, Entry
from chanflow.adapters.venues.emulator.forced import force_out
from chanflow.adapters.venues.emulator.gap import Gaps
from chanflow.adapters.venues.emulator.order_sockets import OrderSockets
from chanflow.adapters.venues.emulator.records import UserEvent
from chanflow.adapters.venues.emulator.rest import Request, Response
from chanflow.adapters.venues.emulator.server import Reply
from chanflow.adapters.venues.emulator.streams import Class
from chanflow.domain.errors import InvalidArgument
from chanflow.domain.time import NS_PER_S

_EVERY_LEVEL: Final = 1_000_000


class Mishaps:
    """What can go wrong with an exchange, by script or by hand. Times count from when it was made."""

    def __init__(
        self, exchange: Exchange, order_sockets: OrderSockets, *, seed: int, script: Sequence[Entry] = ()
    ) -> None:
        """Put a script in force. Raises InvalidArgument where it names a symbol that is not listed."""
        self._exchange = exchange
        self._order_sockets = order_sockets
        self._seed = seed
        self._gaps = Gaps()
        self.log = FiringLog(exchange.now_ns)
        self.skew_ns = exchange.settings.skew_ns
        self.faults = self._made(script)
        exchange.around = self._around
        exchange.bend = self._gaps.follow
        exchange.on_event = self._leaving
        exchange.on_frame = self._sent
        exchange.skew = lambda now_ns: self.skew_ns + self.faults.skew_ns(now_ns)
        exchange.after_slice.append(self._come)

    def start(self, script: Sequence[Entry]) -> None:
        """Put another script in force, its times counted from now; what the one before it still holds back comes now.

        Raises InvalidArgument where it names a symbol that is not listed.
        """
        before, self.faults = self.faults, self._made(script)
        for event in before.end():
            self._deliver(event)

    def forget(self) -> None:
        """Let nothing go wrong any more: no script, no jump of a price, the clock as it was set at the start."""
        self.start(())
        self._gaps.forget()
        self.skew_ns = self._exchange.settings.skew_ns

    def jump(self, symbol: str, *, price: Decimal | None = None, bps: int | None = None) -> None:
        """Let a market jump so that its mark stands at a price, or so many bps from where it stands, to the tick.

        Raises InvalidArgument where the symbol is not listed, has no mark yet, or would have no price above 0.
        """
        state = self._exchange.markets.states.get(symbol)
        if state is None:
            raise self._not_listed(symbol)
        if state.mark is None:
            raise InvalidArgument(f"{symbol} has no mark price yet", field="symbol")
        rules = state.rules
        if price is not None:
            target = int(price.scaleb(rules.price_decimals))
        else:
            target = state.mark + state.mark * (bps or 0) // 10_000
        shift = (target - state.mark) // rules.tick * rules.tick
        if state.mark + shift <= 0:
            raise InvalidArgument(
                f"{symbol} would stand at {state.mark + shift} ticks, allowed is above 0", field="price"
            )
        bids, asks = state.book.top(BID, _EVERY_LEVEL), state.book.top(ASK, _EVERY_LEVEL)
        now_ns = self._exchange.now_ns
        self._exchange.show(self._gaps.jump(symbol, shift, bids=bids, asks=asks, mark=state.mark, now_ns=now_ns))

    def _made(self, script: Sequence[Entry]) -> Faults[UserEvent]:
        for entry in script:
            if entry.do.symbol and entry.do.symbol not in self._exchange.markets.states:
                raise InvalidArgument(
                    f"fault script: entry {entry.number}: {self._not_listed(entry.do.symbol)}", field="faults"
                )
        return Faults(script, seed=self._seed, start_ns=self._exchange.now_ns, log=self.log)

    def _not_listed(self, symbol: str) -> InvalidArgument:
        listed = ", ".join(self._exchange.markets.states)
        return InvalidArgument(f"`symbol` is {symbol[:40]!r}, listed are {listed}", field="symbol")

    # ── at the seams ─────────────────────────────────────────────────────────

    def _around(self, request: Request, execute: Callable[[Request], Response]) -> Reply:
        if not self.faults.has_entries:
            return Spoiled(execute(request))
        told = spoil.answer(request, execute, self.faults, lambda: self._exchange.now_ns)
        self._come(self._exchange.now_ns)
        return told

    def _leaving(self, event: UserEvent, now_ns: int) -> Sequence[UserEvent]:
        return self.faults.on_user_event(event, now_ns)

    def _sent(self, stream: str, now_ns: int) -> Literal["send", "skip"]:
        return self.faults.on_frame(stream, now_ns) if self.faults.has_entries else "send"

    def _come(self, now_ns: int) -> None:
        for action in self.faults.due(now_ns):
            try:
                self._befall(action)
            except (InvalidArgument, Fault) as refused:
                self.log.note_failure(action.entry, action.do, now_ns, str(refused))
        for event in self.faults.released(now_ns):
            self._deliver(event)

    def _deliver(self, event: UserEvent) -> None:
        if event.name == "listenKeyExpired":
            self._exchange.streams.push_user(event.payload["listenKey"], event.payload)
        else:
            self._exchange.deliver(event)

    def _befall(self, action: TimedAction) -> None:
        do = action.do
        match do.kind:
            case "disconnect":
                self._disconnect(do, action.at_ns)
            case "listen_key_expire":
                self.expire_listen_keys(do.api_key)
            case "liquidate":
                force_out(self._exchange.world, do.symbol, "autoclose", key=do.api_key)
            case "adl":
                force_out(self._exchange.world, do.symbol, "adl_autoclose", key=do.api_key, lots=self._lots(do))
            case "gap_price":
                self.jump(do.symbol, price=do.price, bps=do.bps)

    def expire_listen_keys(self, api_key: str | None) -> None:
        """End the listen key of one account, or of all."""
        for account in self._exchange.world.accounts:
            if api_key is None or account.key == api_key:
                self._exchange.listen_keys.end(account.number)

    def _disconnect(self, do: Do, at_ns: int) -> None:
        until_ns = at_ns + round(do.for_s * NS_PER_S)
        if do.stream in ("api", "all"):
            self._order_sockets.disconnect(until_ns)
        if do.stream != "api":
            kind = None if do.stream == "all" else cast("Class", do.stream)
            self._exchange.streams.disconnect(kind, until_ns=until_ns)

    def _lots(self, do: Do) -> int | None:
        rules = self._exchange.world.listing(do.symbol).rules
        return None if do.qty is None else int(do.qty.scaleb(rules.qty_decimals))

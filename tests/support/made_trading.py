"""A desk that takes trades by hand, with a real gate, a real database, and a market and a clock moved by the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from made_access import START_NS, HandClock, SystemBytes
from made_desk import account, full_view, gate

from chanflow.domain.account import AccountSnapshot
from chanflow.domain.canonical import plain
from chanflow.domain.command import Command, CommandAnswer, PreviewCommand, TradeCommand
from chanflow.domain.errors import NotFound
from chanflow.domain.order import ApprovedOrder, OrderState, OrderView, Reason
from chanflow.operations.catalogue import Catalogue
from chanflow.operations.offered import build_catalogue
from chanflow.operations.outcome import Done, Failed, Outcome
from chanflow.operations.principal import LOCAL_OPERATOR, Door, Principal
from chanflow.operations.services import Services
from chanflow.risk.gate import Gate
from chanflow.risk.ladder import LadderState
from chanflow.risk.view import RiskView
from chanflow.runtime.clock import SeededRandomness, Uuid7Ids
from chanflow.runtime.hand_orders import ordered
from chanflow.runtime.home import Home
from chanflow.runtime.request_book import RequestBook

TRADE: dict[str, Any] = {
    "client_order_id": "mine-0001", "symbol": "SIMUSDT", "side": "buy", "size_quote": "300", "order_type": "market",
    "stop_price": "99", "take_profit_price": "102",
}  # fmt: skip


@dataclass
class HandMarket:
    """A desk behind the doors: it knows a trade by its id, and sends what the gate lets through."""

    clock: HandClock
    gate: Gate = field(default_factory=gate)
    mark: Decimal = Decimal(100)
    account: AccountSnapshot = field(default_factory=account)
    known: dict[str, tuple[dict[str, Any], CommandAnswer]] = field(default_factory=dict)
    sent: list[ApprovedOrder] = field(default_factory=list)
    previews: int = 0
    before_send: Any = None
    """Called with the command before the desk takes a trade."""
    stopped: bool = False

    async def submit(self, command: Command) -> CommandAnswer:
        if self.stopped:
            raise NotFound("no desk runs")
        await asyncio.sleep(0)
        if isinstance(command, PreviewCommand):
            self.previews += 1
            return self._known(command.trade) or CommandAnswer()
        assert isinstance(command, TradeCommand)
        if self.before_send is not None:
            await self.before_send(command)
        return self._known(command) or self._trade(command)

    async def risk(self) -> RiskView:
        now_ns = self.clock.now_ns()
        return RiskView(
            replace(self.account, as_of_ns=now_ns), full_view(self.mark, now_ns), self.gate.rules, self.gate.state,
            LadderState("paper", self.gate.level, 0, 0, 0), (), now_ns,
        )  # fmt: skip

    def _known(self, trade: TradeCommand) -> CommandAnswer | None:
        before = self.known.get(trade.client_order_id)
        if before is None:
            return None
        if before[0] != plain(trade):
            return CommandAnswer(problem="idempotency_conflict")
        return replace(before[1], replayed=True)

    def _trade(self, command: TradeCommand) -> CommandAnswer:
        now_ns = self.clock.now_ns()
        held = [p for p in self.account.positions if p.symbol == command.symbol]
        proposal = ordered(
            command, account="paper", level="1m", now_ns=now_ns, valid_for_ns=10**9, position=held[0] if held else None
        )
        view = full_view(self.mark, now_ns)
        verdict = self.gate.judge(proposal, replace(self.account, as_of_ns=now_ns), view, now_ns=now_ns)
        if isinstance(verdict, ApprovedOrder):
            self.sent.append(verdict)
            answer = CommandAnswer((_order(command, verdict, now_ns),))
        elif [reason.code for reason in verdict.reasons] == ["approval_needed"]:
            answer = CommandAnswer(approval_id=proposal.proposal_id)
        else:
            answer = CommandAnswer(refused=verdict)
        self.known[command.client_order_id] = (plain(command), answer)
        return answer

    def refuse(self, own_id: str, code: str) -> None:
        """Let a trade that waits be refused, as when a person denies it."""
        args, _ = self.known[own_id]
        view = gate(level="L0").judge(
            ordered(TradeCommand(**{**args, "size_quote": Decimal(1), "price": None}), account="paper", level="",
                    now_ns=self.clock.now_ns(), valid_for_ns=1, position=None),
            self.account, full_view(self.mark, self.clock.now_ns()), now_ns=self.clock.now_ns(),
        )  # fmt: skip
        assert not isinstance(view, ApprovedOrder)
        refused = replace(view, reasons=(Reason(code, "a person said no"),), checks=())
        self.known[own_id] = (args, CommandAnswer(refused=refused))


def _order(command: TradeCommand, verdict: ApprovedOrder, now_ns: int) -> OrderView:
    terms, state = verdict.terms, OrderState.ACCEPTED if command.price else OrderState.FILLED
    filled = Decimal(0) if command.price else terms.qty_base
    return OrderView(
        client_order_id=f"q-{command.client_order_id}", command_id=command.client_order_id,
        proposal_id=verdict.proposal_id, symbol=command.symbol, side=terms.side, leg="entry", qty_base=terms.qty_base,
        limit_price=terms.limit_price, stop_price=terms.stop_price, take_profit_price=terms.take_profit_price,
        reduce_only=terms.reduce_only, state=state, filled_base=filled, leaves_base=terms.qty_base - filled, detail="",
        sent_ns=now_ns, updated_ns=now_ns,
    )  # fmt: skip


@dataclass
class HandTrading:
    """The desk, and its catalogue as doors call it."""

    desk: HandMarket
    services: Services
    catalogue: Catalogue

    async def ask(
        self, name: str = "execute_trade", *, who: Principal = LOCAL_OPERATOR, door: Door = "rest",
        key: str | None = None, **args: Any,
    ) -> Outcome:  # fmt: skip
        """Return the outcome of one call; arguments that are None are left out."""
        given = {name: value for name, value in args.items() if value is not None}
        request_id = self.catalogue.new_request_id()
        return await self.catalogue.execute(who, name, given, door=door, request_id=request_id, key=key)

    async def body(self, **asked: Any) -> Any:
        """Return the result of a call that is done."""
        outcome = await self.ask(**asked)
        assert isinstance(outcome, Done), outcome
        return outcome.result

    async def refusal(self, **asked: Any) -> Any:
        """Return the error of a call that failed."""
        outcome = await self.ask(**asked)
        assert isinstance(outcome, Failed), outcome
        return outcome.error

    async def token(self, **asked: Any) -> str:
        """Return the token that confirms a trade."""
        found = await self.body(**asked)
        assert found.status == "confirmation_required", found
        token: str = found.confirmation_token
        return token


@asynccontextmanager
async def hand_trading(root: Path, services: Services, **changes: Any) -> AsyncIterator[HandTrading]:
    """Give a desk that takes trades by hand, over a database in a folder, while a block lasts."""
    clock = HandClock()
    desk = HandMarket(clock, **changes)
    book = RequestBook(Home(root), SystemBytes())
    whole = replace(
        services, trading=desk, risk=desk, requests=book, clock=clock, ids=Uuid7Ids(clock, SeededRandomness(7))
    )
    async with book.serving():
        yield HandTrading(desk, whole, build_catalogue(whole))


def on_disk(root: Path) -> bytes:
    """Return all that stands in the files of a folder."""
    return b"".join(path.read_bytes() for path in root.iterdir() if path.is_file())


__all__ = ["START_NS", "TRADE", "HandMarket", "HandTrading", "hand_trading", "on_disk"]

"""Trades by hand at a desk that trades at a venue: journaled first, judged as every other, and done once.

A trade is known by the caller's own id. Its `command` record is on disk before the gate is asked; what a process took
and did not send when it ended is refused by the next, and never sent later. Below L3 it waits for a person. The answer
is how the trade stands when it has left: whoever asks again hears what has become of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from chanflow.domain.account import Position
from chanflow.domain.canonical import plain
from chanflow.domain.command import CancelCommand, Command, CommandAnswer, PreviewCommand, TradeCommand, name_of
from chanflow.domain.journal import Journal
from chanflow.domain.opinion import TradeProposal
from chanflow.domain.order import OrderView, Reason, Refused
from chanflow.domain.time import NS_PER_S, Clock
from chanflow.execution.client_ids import proposal_of_command
from chanflow.execution.records import Recorded
from chanflow.market.quotes import Quote
from chanflow.review.orders import OrdersFold
from chanflow.risk.approvals import WAIT_NS
from chanflow.runtime.approval_desk import ApprovalDesk
from chanflow.runtime.hand_orders import ordered

VALID_NS = WAIT_NS + 60 * NS_PER_S
"""So long a trade may be sent: as long as it may wait for a person, and a little more."""
FRESH_LEVEL = "1m"
HandCommand = TradeCommand | PreviewCommand | CancelCommand


class Hands(Protocol):
    """What a live desk does for those who order by hand."""

    async def quoted(self, symbol: str, correlation_id: str) -> Quote | None:
        """Ask the venue for a quote, journal it and mark by it; None where none was given."""
        ...

    async def proposed(self, quote: Quote, proposal: TradeProposal) -> None:
        """Journal a proposal and let the gate judge it."""
        ...

    def looked_at(self, quote: Quote) -> None:
        """Let those who ask where risk stands see the market of a quote."""
        ...

    def position(self, symbol: str) -> Position | None:
        """Return what is held of a symbol."""
        ...

    def trades(self, symbol: str) -> bool:
        """Return whether a symbol is traded here."""
        ...

    async def cancel(self, client_order_id: str) -> None:
        """Ask the venue to cancel an order."""
        ...


class LiveHand:
    """Acts on what people order by hand of one account."""

    def __init__(
        self, hands: Hands, *, account: str, journal: Journal, clock: Clock, approvals: ApprovalDesk,
        records: Sequence[Recorded] = (),
    ) -> None:  # fmt: skip
        """`records` are those of earlier processes; whoever makes it lets `hear` have every later one."""
        self._hands, self._account, self._journal, self._clock = hands, account, journal, clock
        self._approvals = approvals
        self.orders = OrdersFold()
        self._proposals: set[str] = set()
        self._approved: set[str] = set()
        waited = set()
        for record in records:
            self.hear(record.kind, record.at, getattr(record, "correlation_id", ""), record.body)
            if record.kind == "approval_wanted":
                waited.add(record.body["proposal"]["proposal_id"])
        self._owed = [own for own in self.orders.commands if self._proposal_id(own) not in waited]

    def hear(self, kind: str, at: str, correlation_id: str, body: Any) -> None:
        """Take one record, where it is of what was ordered by hand: the orders of others are nobody's own."""
        match kind:
            case "command" if "proposal_id" in body:
                self._proposals.add(body["proposal_id"])
            case "approved_order":
                if body["proposal_id"] not in self._proposals:
                    return
                self._approved.add(body["approved_id"])
            case "order_intent" | "order_denied" if body.get("approved_id") not in self._approved:
                return
        self.orders.take(kind, at, correlation_id, body)

    async def lapse(self) -> None:
        """Refuse what an earlier process took and did not send."""
        owed, self._owed = self._owed, []
        for own in owed:
            proposal_id = self._proposal_id(own)
            if not self.orders.of_proposal(proposal_id) and proposal_id not in self.orders.refusals:
                why = "the process ended before its order left: it is not sent later"
                args = self.orders.commands[own]
                await self._refuse(proposal_id, str(args["symbol"]), Reason("command_lapsed", why))

    async def order(self, command: HandCommand) -> CommandAnswer:
        """Return what a command came to."""
        match command:
            case TradeCommand():
                return self._known(command) or await self._trade(command)
            case PreviewCommand(trade=trade):
                return self._known(trade) or await self._look(trade)
            case CancelCommand():
                return await self._cancel(command)

    # ── trades ────────────────────────────────────────────────────────────────

    async def _look(self, trade: TradeCommand) -> CommandAnswer:
        """Ask the venue for the market of a trade that is to be shown."""
        if self._hands.trades(trade.symbol):
            quote = await self._hands.quoted(trade.symbol, self._proposal_id(trade.client_order_id))
            if quote is None:
                return CommandAnswer(problem="not_taken")
            self._hands.looked_at(quote)
        # Another call may have ordered it while the venue was asked.
        return self._known(trade) or CommandAnswer()

    async def _trade(self, command: TradeCommand) -> CommandAnswer:
        proposal_id = self._proposal_id(command.client_order_id)
        self._write(command, proposal_id=proposal_id)
        if not self._hands.trades(command.symbol):
            await self._refuse(
                proposal_id, command.symbol, Reason("unknown_symbol", f"{command.symbol} is not among the symbols here")
            )
            return self._stands(command)
        quote = await self._hands.quoted(command.symbol, proposal_id)
        if quote is None:
            await self._refuse(proposal_id, command.symbol, Reason("mark_missing", "the venue gave no quote"))
            return self._stands(command)
        proposal = ordered(
            command, account=self._account, level=FRESH_LEVEL, now_ns=self._clock.now_ns(), valid_for_ns=VALID_NS,
            position=self._hands.position(command.symbol),
        )  # fmt: skip
        await self._hands.proposed(quote, proposal)
        return self._stands(command)

    def _known(self, trade: TradeCommand) -> CommandAnswer | None:
        """Return how a trade stands that was ordered before; None where it was not."""
        before = self.orders.commands.get(trade.client_order_id)
        if before is None:
            return None
        if before != plain(trade):
            return CommandAnswer(problem="idempotency_conflict")
        return self._stands(trade, replayed=True)

    def _stands(self, trade: TradeCommand, *, replayed: bool = False) -> CommandAnswer:
        proposal_id = self._proposal_id(trade.client_order_id)
        waits = any(each.proposal.proposal_id == proposal_id for each in self._approvals.waiting)
        return CommandAnswer(
            tuple(self.orders.of_proposal(proposal_id)), self.orders.refusals.get(proposal_id), replayed,
            approval_id=proposal_id if waits else None,
        )  # fmt: skip

    async def _refuse(self, proposal_id: str, symbol: str, reason: Reason) -> None:
        refused = Refused(proposal_id, proposal_id, symbol, self._clock.now_ns(), (reason,), ())
        await self._approvals.tell_refused(refused)

    # ── cancels ───────────────────────────────────────────────────────────────

    async def _cancel(self, command: CancelCommand) -> CommandAnswer:
        order = self._find(command.client_order_id)
        if order is None:
            return CommandAnswer(problem="unknown_order")
        if order.state.terminal:
            return CommandAnswer(orders=(order,))
        if order.leg == "stop":
            return CommandAnswer(orders=(order,), problem="protective_stop")
        self._write(command)
        await self._hands.cancel(order.client_order_id)
        found = self.orders.of(order.client_order_id)
        return CommandAnswer(orders=(found or order,))

    def _find(self, given: str) -> OrderView | None:
        if given in self.orders.commands:
            entry = [o for o in self.orders.of_proposal(self._proposal_id(given)) if o.leg in ("entry", "exit")]
            return entry[-1] if entry else None
        return self.orders.of(given)

    def _write(self, command: Command, **more: str) -> None:
        body = {"kind": name_of(command), "args": plain(command), "at_ns": self._clock.now_ns(), **more}
        self._journal.append("command", body, durable=True)

    def _proposal_id(self, own_id: str) -> str:
        return str(proposal_of_command(self._account, own_id))

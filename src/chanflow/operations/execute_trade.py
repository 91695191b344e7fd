"""A trade by hand: shown first, sent once it is confirmed, and never sent twice. Nothing passes the gate by.

The first call is judged in dry run and answered with what the trade would come to, and a token. The second one, with
the same arguments and the token, is the order. Its row is on disk before the desk hears of it, and the desk knows it by
the caller's own id: so a call that is repeated, by fifty clients or after a crash, is the same order.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import anyio
from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema

from chanflow.domain.canonical import plain, sha256_of
from chanflow.domain.command import CommandAnswer, PreviewCommand, TradeCommand
from chanflow.domain.confirmation import TradeRequest
from chanflow.domain.errors import NotFound
from chanflow.domain.time import NS_PER_S
from chanflow.operations.confirmation import Stale, hash_of_token, is_of, new_ticket, why_stale
from chanflow.operations.fields import Amount, ClientOrderId, Symbol, time_of_ns, whole
from chanflow.operations.operation import Arguments, Asked, Hints, Operation
from chanflow.operations.outcome import Declined
from chanflow.operations.services import Services
from chanflow.operations.trade_answer import (
    TradeDone,
    came_to,
    reason_rows,
    shown_preview,
    stored_trade,
    told_before,
    trade_done,
)
from chanflow.operations.trading import line_of, submit
from chanflow.risk.preview import Preview, policy_version, preview
from chanflow.risk.view import RiskView
from chanflow.runtime.hand_orders import ordered

if TYPE_CHECKING:
    from chanflow.adapters.storage.request_store import SqlRequests
    from chanflow.domain.confirmation import Ticket

_VALID_NS = 60 * NS_PER_S
Token = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$"), WithJsonSchema({"type": "string"})]


class ExecuteTrade(Arguments):
    """A trade. Its exits may be left out only where it reduces; then they must be."""

    client_order_id: ClientOrderId
    symbol: Symbol
    side: Literal["buy", "sell"]
    size_quote: Amount
    order_type: Literal["limit", "market"] = "limit"
    price: Amount | None = None
    leverage: Annotated[int, Field(ge=1, le=5), BeforeValidator(whole)] = 1
    stop_price: Amount | None = None
    take_profit_price: Amount | None = None
    reduce_only: bool = False
    mode: Literal["paper", "live"] = "paper"
    confirmation_token: Token | None = None


@dataclass(frozen=True, slots=True)
class _Wish:
    """One call's trade, as it is judged now."""

    asked: Asked[ExecuteTrade]
    command: TradeCommand
    view: RiskView
    shown: Preview

    @property
    def account(self) -> str:
        """The desk's account."""
        return self.view.rules.account

    @property
    def bound(self) -> Mapping[str, Any]:
        """Who asks for what, as a ticket binds it."""
        c = self.command
        return {
            "principal": self.asked.principal.id, "account": self.account, "client_order_id": c.client_order_id,
            "symbol": c.symbol, "side": c.side, "size": c.size_quote, "price": c.price, "stop": c.stop_price,
            "take_profit": c.take_profit_price, "leverage": c.leverage, "reduce_only": c.reduce_only,
            "mode": self.asked.args.mode,
        }  # fmt: skip

    @property
    def args_sha256(self) -> str:
        """What the same trade has the same of."""
        return _args_sha256(self.asked)

    @property
    def policy(self) -> str:
        """The rules in force."""
        return policy_version(self.view.rules, self.view.state)


async def execute_trade(asked: Asked[ExecuteTrade]) -> TradeDone:
    """Show a trade, or with its confirmation order it: once for each `client_order_id`. Returns what it came to."""
    args, services = asked.args, asked.services
    _check(asked)
    command = _command(args)
    known = await submit(services, PreviewCommand(command))
    view = await _view(services)
    async with _requests(services) as store:
        kept = await store.trade(view.rules.account, args.client_order_id)
        if kept is not None and (kept.owner, kept.args_sha256) != (asked.principal.account, _args_sha256(asked)):
            raise _taken()
        if known.replayed:
            return await _again(store, view.rules.account, kept, known)
        if kept is not None and kept.answer is not None:
            return stored_trade(kept.answer)
        wish = _Wish(asked, command, view, _preview(command, view))
        return await _offer(store, wish) if args.confirmation_token is None else await _confirmed(store, wish)


async def _view(services: Services) -> RiskView:
    try:
        return await services.risk.risk()
    except NotFound:
        raise Declined("data_stale", "the desk is still starting: ask again") from None


def _requests(services: Services) -> AbstractAsyncContextManager[SqlRequests]:
    """Return where confirmations are kept. Raises Declined where they are not."""
    try:
        return services.requests.open()
    except NotFound:
        sentence = "this desk keeps no confirmations, so it takes no trade by hand"
        raise Declined("conflict", sentence) from None


def _taken() -> Declined:
    return Declined("idempotency_conflict", "this client_order_id stands for another trade", field="client_order_id")


def _command(args: ExecuteTrade) -> TradeCommand:
    return TradeCommand(
        client_order_id=args.client_order_id, symbol=args.symbol, side=args.side, size_quote=args.size_quote,
        order_type=args.order_type, price=args.price, leverage=args.leverage, stop_price=args.stop_price,
        take_profit_price=args.take_profit_price, reduce_only=args.reduce_only,
    )  # fmt: skip


def _args_sha256(asked: Asked[ExecuteTrade]) -> str:
    return sha256_of({"trade": plain(_command(asked.args)), "mode": asked.args.mode})


def _check(asked: Asked[ExecuteTrade]) -> None:
    """Refuse arguments that do not go together. Raises Declined."""
    args, own = asked.args, asked.services.account_mode

    def refuse(field: str, sentence: str) -> Declined:
        return Declined("invalid_argument", sentence, field=field)

    if args.mode != own:
        raise Declined("not_found", f"the account of this desk is {own}: no other is offered yet", field="mode")
    if (args.order_type == "limit") != (args.price is not None):
        needed = "price is required for a limit order" if args.price is None else "a market order has no price"
        raise refuse("price", needed)
    for name in ("stop_price", "take_profit_price"):
        given = getattr(args, name) is not None
        if given == args.reduce_only:
            raise refuse(
                name, f"{name} goes with an order that opens" if given else f"{name} is required unless reduce_only"
            )


# ── shown ─────────────────────────────────────────────────────────────────────


def _preview(command: TradeCommand, view: RiskView) -> Preview:
    """Return what the gate would say of a trade now."""
    held = [p for p in view.account.positions if p.symbol == command.symbol]
    proposal = ordered(
        command, account=view.rules.account, level="", now_ns=view.now_ns, valid_for_ns=_VALID_NS,
        position=held[0] if held else None,
    )  # fmt: skip
    market = view.market_of(command.symbol)
    return preview(proposal, view.account, market, rules=view.rules, state=view.state, now_ns=view.now_ns)


async def _offer(store: SqlRequests, wish: _Wish) -> TradeDone:
    """Return the preview with a token that confirms it, or every reason against the trade."""
    figures = wish.shown.figures
    if figures is None:
        return came_to("refused", reasons=reason_rows(wish.shown.reasons, wish.shown.checks))
    services = wish.asked.services
    token = services.requests.new_token()
    ticket = new_ticket(
        token, wish.bound, figures, policy_version=wish.policy, market=wish.view.market_of(wish.command.symbol),
        now_ns=services.clock.now_ns(),
    )  # fmt: skip
    await store.offer(ticket)
    return came_to(
        "confirmation_required", preview=shown_preview(wish.shown, figures), token=token,
        expires_at=time_of_ns(ticket.expires_ns),
    )  # fmt: skip


# ── confirmed ─────────────────────────────────────────────────────────────────


async def _confirmed(store: SqlRequests, wish: _Wish) -> TradeDone:
    """Send a trade whose token fits, if it still is what was shown. Raises Declined."""
    token = wish.asked.args.confirmation_token
    assert token is not None
    ticket = await store.ticket(hash_of_token(token))
    if ticket is None or not is_of(ticket, wish.bound):
        raise _invalid()
    if ticket.used_ns is not None:
        standing = await _of_ticket(store, wish, ticket)
        if standing.answer is not None:
            return stored_trade(standing.answer)
    figures = wish.shown.figures
    if figures is None:
        return came_to("refused", reasons=reason_rows(wish.shown.reasons, wish.shown.checks))
    why = why_stale(ticket, figures, policy_version=wish.policy, now_ns=wish.asked.services.clock.now_ns())
    if why is not None:
        new = await _offer(store, wish)
        assert new.preview is not None
        assert new.confirmation_token is not None
        assert new.expires_at is not None
        raise Stale(why, preview=new.preview, token=new.confirmation_token, expires_at=new.expires_at)
    # Whoever asked may leave from here on: what is confirmed is carried out, and its answer kept.
    with anyio.CancelScope(shield=True):
        done = await _send(store, wish, ticket)
    return done  # noqa: RET504 - within the block, the type checker sees a way round it


async def _send(store: SqlRequests, wish: _Wish, ticket: Ticket) -> TradeDone:
    """Write the trade down with its ticket used up, then let the desk act. Raises Declined."""
    services, own = wish.asked.services, wish.command.client_order_id
    now_ns = services.clock.now_ns()
    row = TradeRequest(
        wish.account, own, wish.asked.principal.account, wish.args_sha256, ticket.token_sha256, now_ns
    )  # fmt: skip
    came = await store.confirm(row, now_ns)
    if came == "used":
        standing = await _of_ticket(store, wish, ticket)
        if standing.answer is not None:
            return stored_trade(standing.answer)
        # The same trade, confirmed a moment before by this very token: the desk makes one order of both.
    elif came == "conflict":
        raise _taken()
    answer = await submit(services, wish.command)
    done = trade_done(answer)
    await store.answered(wish.account, own, done.model_dump(mode="json"))
    return done.model_copy(update={"status": "replayed"}) if told_before(answer) else done


async def _of_ticket(store: SqlRequests, wish: _Wish, ticket: Ticket) -> TradeRequest:
    """Return the trade that a used ticket confirmed. Raises Declined where that is not this one."""
    standing = await store.trade(wish.account, wish.command.client_order_id)
    if standing is None or standing.token_sha256 != ticket.token_sha256:
        raise _invalid()
    return standing


def _invalid() -> Declined:
    return Declined(
        "confirmation_invalid", "confirmation_token is of no preview of this very trade that you were shown",
        field="confirmation_token", suggestion="ask without it, and confirm what is shown then",
    )  # fmt: skip


async def _again(store: SqlRequests, account: str, kept: TradeRequest | None, known: CommandAnswer) -> TradeDone:
    """Return how a trade stands that was ordered before."""
    done = trade_done(known)
    if kept is not None:
        await store.answered(account, kept.client_order_id, done.model_dump(mode="json"))
    return done.model_copy(update={"status": "replayed"}) if told_before(known) else done


def _costs(args: ExecuteTrade) -> Mapping[str, int]:
    """Return what a call costs: to look is free."""
    return {} if args.confirmation_token is None else {"api_call": 1}


EXECUTE_TRADE = Operation(
    name="execute_trade",
    title="Trade",
    doc_en="Trade (下单): previews, free; called again with confirmation_token it orders, once per client_order_id.",
    doc_zh="下单：首次调用免费预览，带 confirmation_token 再次调用即下单，须经风控；同一 client_order_id 即同一订单。",
    scope="trade:paper",
    plans=frozenset({"enterprise"}),
    charges={"api_call": 1},
    costs_of=_costs,
    rate_class="trade",
    input=ExecuteTrade,
    output=TradeDone,
    hints=Hints(read_only=False, destructive=True, idempotent=True),
    timeout_s=20,
    path="/orders",
    handler=execute_trade,
    digest=lambda done: line_of(done, done.status),
    keeps=lambda done: done.confirmation_token is None,
)

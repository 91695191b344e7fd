"""`/exchange`: a signed action in, its answer out. Nothing here knows of a transport.

Source: Hyperliquid documentation, "Exchange endpoint".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from chanflow.adapters.venues.emulator import settings
from chanflow.adapters.venues.emulator.codes import Fault
from chanflow.adapters.venues.emulator.hyperliquid import refusals
from chanflow.adapters.venues.emulator.hyperliquid.coins import Coin
from chanflow.adapters.venues.emulator.hyperliquid.orders import HyperOrder
from chanflow.adapters.venues.emulator.hyperliquid.refusals import Refusal, Unreadable
from chanflow.adapters.venues.emulator.hyperliquid.signers import action_signer, agent_approver
from chanflow.adapters.venues.emulator.hyperliquid.trading import Trading
from chanflow.adapters.venues.emulator.records import Leg

FREE_REQUESTS: Final = 10_000
DEAD_MAN_MS: Final = 5_000
DEAD_MAN_A_DAY: Final = 10
_DAY_MS: Final = 86_400_000
_ATTO: Final = 10**18
_USD_DECIMALS: Final = 6


class Actions:
    """Answers signed actions. `server_ms` is the time that clients see."""

    def __init__(self, trading: Trading, *, server_ms: Callable[[], int]) -> None:
        self._trading = trading
        self._world = trading.world
        self._server_ms = server_ms
        self._dead_men: dict[int, int] = {}
        self._dead_man_days: dict[int, tuple[int, int]] = {}
        self._known: Mapping[str, Callable[[int, Mapping[str, Any]], object]] = {
            "order": self._order, "cancel": self._cancel, "cancelByCloid": self._cancel_by_cloid,
            "modify": self._modify, "batchModify": self._batch_modify, "scheduleCancel": self._schedule_cancel,
            "updateLeverage": self._update_leverage, "updateIsolatedMargin": self._update_isolated_margin,
            "noop": lambda _number, _action: None,
        }  # fmt: skip

    def answer(self, body: object) -> dict[str, Any]:
        """Return the answer to an action. Raises Unreadable for what is none."""
        if not isinstance(body, Mapping) or not isinstance(body.get("action"), Mapping):
            raise Unreadable
        action = body["action"]
        try:
            if action.get("type") == "approveAgent":
                return self._approve(body, action)
            handler = self._known.get(str(action.get("type")))
            if handler is None:
                raise Unreadable
            number = self._admitted(body, action)
            told = handler(number, action)
        except Refusal as refusal:
            return {"status": "err", "response": str(refusal)}
        except (KeyError, TypeError, ValueError, AttributeError) as cause:
            raise Unreadable from cause
        if told is None:
            return {"status": "ok", "response": {"type": "default"}}
        kind = "order" if action["type"] in ("order", "modify", "batchModify") else "cancel"
        return {"status": "ok", "response": {"type": kind, "data": {"statuses": told}}}

    def advance(self, now_ms: int) -> None:
        """Let scheduled cancels happen that are due."""
        for number in [number for number, at_ms in self._dead_men.items() if at_ms <= now_ms]:
            del self._dead_men[number]
            day, fired = self._dead_man_days.get(number, (0, 0))
            today = now_ms // _DAY_MS
            self._dead_man_days[number] = (today, fired + 1 if day == today else 1)
            self._trading.cancel_everything(number, "scheduledCancel")

    # ── who may ───────────────────────────────────────────────────────────────

    def _admitted(self, body: Mapping[str, Any], action: Mapping[str, Any]) -> int:
        """Return the account an action is for, its signature, nonce, expiry and number of requests judged."""
        if body.get("vaultAddress") is not None:
            raise Refusal(f"Vault not registered: {body['vaultAddress']}")
        signer = action_signer(body)
        number = self._trading.wallets.acting(signer)
        now_ms = self._server_ms()
        self._trading.wallets.use_nonce(signer, body.get("nonce"), now_ms)
        expires = body.get("expiresAfter")
        if expires is not None and now_ms > int(expires):
            raise Refusal("Action already expired")
        self._count(number, action)
        return number

    def _count(self, number: int, action: Mapping[str, Any]) -> None:
        """Count an action's requests against what the account may send; cancels may be twice as many."""
        told = self._trading.told(number)
        traded = told.volume_atto // _ATTO
        limit = FREE_REQUESTS + traded
        if str(action.get("type")).startswith("cancel"):
            limit = min(limit + 100_000, limit * 2)
        batch = next((action[key] for key in ("orders", "modifies", "cancels") if key in action), (0,))
        told.requests += max(1, len(batch))
        if told.requests > limit:
            raise Refusal(
                f"Too many cumulative requests sent ({told.requests} > {limit}) for cumulative volume traded "
                f"${traded}. Place taker orders to free up 1 request per USDC traded."
            )

    def _approve(self, body: Mapping[str, Any], action: Mapping[str, Any]) -> dict[str, Any]:
        master = agent_approver(body)
        wallets = self._trading.wallets
        if master in wallets.masters:
            raise Refusal(f"Must deposit before performing actions. User: {master}")
        wallets.use_nonce(master, action["nonce"], self._server_ms())
        wallets.open(master)
        wallets.approve(master, str(action["agentAddress"]), str(action.get("agentName") or ""))
        return {"status": "ok", "response": {"type": "default"}}

    # ── orders ────────────────────────────────────────────────────────────────

    def _coin(self, index: object) -> Coin:
        coins = self._trading.coins
        if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < len(coins):
            raise Refusal(f"Invalid asset: {index}")
        return coins[index]

    def _order(self, number: int, action: Mapping[str, Any]) -> list[object]:
        wires, grouping = action["orders"], action.get("grouping", "na")
        if not wires:
            raise Refusal("Order batch is empty.")
        read = [self._read(number, wire, grouping) for wire in wires]
        if grouping == "normalTpsl":
            return self._grouped(read)
        return [order if isinstance(order, dict) else self._trading.place(order) for order in read]

    def _grouped(self, read: Sequence[HyperOrder | dict[str, Any]]) -> list[object]:
        wrong = next((order for order in read if isinstance(order, dict)), None)
        if wrong is not None:
            return [wrong for _ in read]
        orders = [order for order in read if isinstance(order, HyperOrder)]
        if orders[0].trigger is not None or any(order.trigger is None for order in orders[1:]) or len(orders) < 2:
            raise Refusal("Unexpected number of trigger orders")
        if not all(order.reduce_only for order in orders[1:]):
            raise Refusal("TP/SL orders must be reduce-only.")
        return list(self._trading.place_with_exits(orders[0], orders[1:]))

    def _read(self, number: int, wire: Mapping[str, Any], grouping: object = "na") -> HyperOrder | dict[str, Any]:
        """Return an order of an action, or the error it is answered with."""
        coin = self._coin(wire["a"])
        kind = wire["t"]
        trigger = kind.get("trigger")
        cloid = wire.get("c")
        if cloid is not None and (not isinstance(cloid, str) or len(cloid) != 34 or not cloid.startswith("0x")):
            raise Unreadable
        price, size = coin.read_price(wire["p"]), coin.read_size(wire["s"])
        at = coin.read_price(trigger["triggerPx"]) if trigger else None
        error = refusals.SIZE if size is None else None
        if price is None or (trigger and at is None):
            error = refusals.TICK
        if error is not None:
            return {"error": f"{error} asset={coin.index}"}
        tif = None if trigger else kind["limit"]["tif"]
        if tif not in (None, "Gtc", "Ioc", "Alo"):
            raise Unreadable
        now_ms = self._world.now_ms
        return HyperOrder(
            self._trading.roll.number(), number, coin, bool(wire["b"]), price or 0, size or 0, bool(wire["r"]), now_ms,
            tif, cloid.lower() if cloid else None, at, bool(trigger["isMarket"]) if trigger else True,
            str(trigger["tpsl"]) if trigger else "", bool(trigger) and grouping == "positionTpsl" and size == 0,
            status_ms=now_ms,
        )  # fmt: skip

    def _cancel(self, number: int, action: Mapping[str, Any]) -> list[object]:
        return [self._cancelled(number, row["a"], row["o"]) for row in action["cancels"]]

    def _cancel_by_cloid(self, number: int, action: Mapping[str, Any]) -> list[object]:
        return [self._cancelled(number, row["asset"], row["cloid"]) for row in action["cancels"]]

    def _cancelled(self, number: int, asset: object, name: object) -> object:
        coin, order = self._coin(asset), self._trading.roll.find(number, name)
        error = refusals.GONE if order is None or order.coin != coin else self._trading.cancel(order)
        return "success" if error is None else {"error": f"{error} asset={coin.index}"}

    def _modify(self, number: int, action: Mapping[str, Any]) -> None:
        (told,) = self._modified(number, [action])
        if isinstance(told, Mapping) and "error" in told:
            raise Refusal(str(told["error"]))

    def _batch_modify(self, number: int, action: Mapping[str, Any]) -> list[object]:
        return self._modified(number, action["modifies"])

    def _modified(self, number: int, rows: Sequence[Mapping[str, Any]]) -> list[object]:
        told: list[object] = []
        for row in rows:
            order = self._read(number, row["order"])
            before = self._trading.roll.find(number, row["oid"])
            told.append(order if isinstance(order, dict) else self._trading.replace(before, order))
        return told

    # ── the account ───────────────────────────────────────────────────────────

    def _schedule_cancel(self, number: int, action: Mapping[str, Any]) -> None:
        at_ms = action.get("time")
        if at_ms is None:
            self._dead_men.pop(number, None)
            return
        now_ms = self._server_ms()
        if int(at_ms) < now_ms + DEAD_MAN_MS:
            raise Refusal("Scheduled cancel time too early, must be at least 5 seconds from now.")
        day, fired = self._dead_man_days.get(number, (0, 0))
        if day == now_ms // _DAY_MS and fired >= DEAD_MAN_A_DAY:
            raise Refusal(f"Scheduled cancel was triggered {fired} times today, the most are {DEAD_MAN_A_DAY}.")
        self._dead_men[number] = int(at_ms)

    def _update_leverage(self, number: int, action: Mapping[str, Any]) -> None:
        coin, account = self._coin(action["asset"]), self._world.accounts[number]
        is_isolated = not action["isCross"]
        try:
            if is_isolated != (coin.symbol in account.isolated):
                self._world.set_margin_type(number, coin.symbol, isolated=is_isolated)
            self._world.set_leverage(number, coin.symbol, int(action["leverage"]))
        except Fault as fault:
            if fault.code in (-4047, -4048):
                raise Refusal("Cannot switch leverage type with open position.") from fault
            raise Refusal("Invalid leverage value") from fault

    def _update_isolated_margin(self, number: int, action: Mapping[str, Any]) -> None:
        coin, account = self._coin(action["asset"]), self._world.accounts[number]
        atto = int(action["ntli"]) * 10 ** (18 - _USD_DECIMALS)
        try:
            settings.move_margin(self._world, account, coin.symbol, Leg.BOTH, atto)
        except Fault as fault:
            if fault.code == -4054:
                raise Refusal("Position does not use isolated margin.") from fault
            raise Refusal("Insufficient margin to update isolated margin.") from fault

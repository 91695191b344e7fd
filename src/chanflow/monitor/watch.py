"""The watch: all armed triggers, and what fires them. Each fires once, or expires.

It is told what its desk sees, by the market's own clock, and looks at no trigger that an observation cannot fire: those
of a symbol are kept by kind, sorted by the value they wait for (`triggers/`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from chanflow.domain.account import AccountSnapshot
from chanflow.domain.flow import FlowBin
from chanflow.domain.market_data import Touch
from chanflow.domain.order import OrderEvent
from chanflow.domain.structure import StructureNews
from chanflow.domain.time import NS_PER_MS, rfc3339
from chanflow.domain.trigger import Trigger
from chanflow.domain.trigger_bounds import BOUNDS, TriggerKind
from chanflow.monitor.armed import Armed, Hit, Index, Watched
from chanflow.monitor.inputs import Inputs
from chanflow.monitor.symbol import PAUSE_NS, SymbolWatch
from chanflow.monitor.triggers.drawdown import Drawdowns
from chanflow.monitor.triggers.order_state import OrderStates
from chanflow.monitor.triggers.protective_missing import BarePositions


@dataclass(frozen=True, slots=True)
class Fired:
    """A trigger that has fired: what was observed against which bound. Its position is to be looked at again.

    `late` tells that it came true while the market was not seen. `snapshot_ref` names the moment whose market and
    account it is to be judged by.
    """

    position_id: str
    symbol: str
    trigger_id: str
    kind: TriggerKind
    note: str
    observed: str
    bound: str
    fired_ns: int
    late: bool
    snapshot_ref: str


class Watch:
    """The triggers of all open positions."""

    def __init__(self, inputs: Inputs) -> None:
        self.inputs = inputs
        self._seq = 0
        self._armed: dict[str, Armed] = {}
        self._of_position: dict[str, dict[str, Armed]] = {}
        self._spent: dict[str, set[str]] = {}
        self._count: dict[str, int] = {}
        self._symbols: dict[str, SymbolWatch] = {}
        self._orders, self._bare, self._drawdowns = OrderStates(), BarePositions(), Drawdowns()
        self._by_kind: Mapping[TriggerKind, Index] = {
            "order_state": self._orders, "protective_missing": self._bare, "drawdown": self._drawdowns
        }  # fmt: skip

    # ── arming ────────────────────────────────────────────────────────────────

    def register(
        self, position: Watched, triggers: Iterable[Trigger], *, price: Decimal | None, now_ns: int
    ) -> Mapping[str, str]:
        """Arm `triggers` for a position; they replace the ones it had. `price` is where the market stands now.

        Returns why some were not armed, by id: what they wait for is never seen here. One that has fired for this
        position already is passed over.
        """
        self._drop_all(position.position_id)
        of_symbol = self._of_symbol(position.symbol)
        if price is not None:
            of_symbol.begin(price, now_ns)
        refused: dict[str, str] = {}
        for trigger in triggers:
            why = self.inputs.refusal(trigger, position)
            if why is not None:
                refused[trigger.trigger_id] = why
            elif trigger.trigger_id not in self._spent.get(position.position_id, ()):
                self._arm(of_symbol, position, trigger)
        return refused

    def disarm(self, position_id: str) -> int:
        """Forget a position that is no more. Returns how many triggers it had."""
        self._spent.pop(position_id, None)
        return self._drop_all(position_id)

    def forget(self, position_id: str, trigger_id: str) -> None:
        """Take a trigger of a position as fired."""
        self._spent.setdefault(position_id, set()).add(trigger_id)
        armed = self._armed.get(trigger_id)
        if armed is not None and armed.position.position_id == position_id:
            self._drop(armed)

    def watched(self, position_id: str) -> Watched | None:
        """Return a position as it was registered; None where no trigger of it is armed."""
        return next((a.position for a in self._armed.values() if a.position.position_id == position_id), None)

    def remember(self, symbol: str, price: Decimal) -> None:
        """Take a price that an earlier process saw: the next is compared with it."""
        self._of_symbol(symbol).remember(price)

    def armed(self, symbol: str) -> int:
        """Return how many triggers of `symbol` are armed."""
        return self._count.get(symbol, 0)

    # ── what is seen ──────────────────────────────────────────────────────────

    def on_touch(self, symbol: str, touch: Touch, *, now_ns: int, quoted_ns: int | None = None) -> list[Fired]:
        """Return the triggers that this stretch of the market fired; `quoted_ns` is when it was last quoted.

        They are disarmed, those of higher priority first, then in the order they were armed. The same holds for every
        observation below.
        """
        seen = self._of_symbol(symbol)
        seen.quoted_ns = quoted_ns if quoted_ns is not None else seen.quoted_ns
        due = seen.come(now_ns)
        in_time = {hit.armed.seq for hit in due}
        for hit in seen.expiries.come(now_ns - 1):
            if hit.armed.seq not in in_time:
                self._drop(hit.armed)
        hits, gap = seen.touched(touch, now_ns=now_ns)
        return self._fire(due + hits, now_ns, late=gap)

    def on_structure(self, symbol: str, level: str, news: StructureNews, *, now_ns: int) -> list[Fired]:
        """Return what an event of the structure at a level fires, and the divergence it may rest on."""
        hits = self._hits(symbol, lambda seen: seen.structure.told(level, news))
        if news.divergence is not None:
            hits += self._hits(symbol, lambda seen: seen.divergences.detected("macd", news.divergence or "", news.ref))
        return self._fire(hits, now_ns)

    def on_bin(self, symbol: str, flow: FlowBin, *, now_ns: int) -> list[Fired]:
        """Return what a bin of order flow fires, and the divergences that were detected in it."""
        seen = self._of_symbol(symbol)
        hits = seen.flows.told({"fusion_score": flow.fusion_score, "z_ofi": flow.z_ofi, "z_cvd": flow.z_cvd})
        for each in flow.divergences:
            ref = f"{each.channel}_div@{rfc3339(each.detected_ms * NS_PER_MS)}"
            hits += seen.divergences.detected(each.channel, each.kind, ref)
        return self._fire(hits, now_ns)

    def on_volatility(self, symbol: str, ratio: float, *, now_ns: int) -> list[Fired]:
        """Return what the ratio of fast to slow volatility fires."""
        return self._fire(self._hits(symbol, lambda seen: seen.volatilities.told(ratio)), now_ns)

    def on_funding(self, symbol: str, rate_frac: float, *, now_ns: int) -> list[Fired]:
        """Return what a funding rate fires."""
        return self._fire(self._hits(symbol, lambda seen: seen.fundings.told(rate_frac)), now_ns)

    def on_candle(self, symbol: str, level: str, close_ms: int, *, now_ns: int) -> list[Fired]:
        """Return what the close of a candle fires."""
        hits = self._hits(symbol, lambda seen: seen.candles.closed(level, close_ms * NS_PER_MS))
        return self._fire(hits, now_ns)

    def on_order(self, event: OrderEvent, *, now_ns: int) -> list[Fired]:
        """Return what a step of an order fires."""
        return self._fire(self._orders.stepped(event), now_ns)

    def on_account(self, account: AccountSnapshot, *, now_ns: int) -> list[Fired]:
        """Return what the account fires: its drawdown, and positions without a stop."""
        hits = self._drawdowns.fallen(account.drawdown_frac) + self._bare.held(account.positions, now_ns=now_ns)
        return self._fire(hits, now_ns)

    # ── keeping ───────────────────────────────────────────────────────────────

    def _hits(self, symbol: str, look: Callable[[SymbolWatch], list[Hit]]) -> list[Hit]:
        return look(self._of_symbol(symbol))

    def _of_symbol(self, symbol: str) -> SymbolWatch:
        if symbol not in self._symbols:
            self._symbols[symbol] = SymbolWatch()
        return self._symbols[symbol]

    def _arm(self, of_symbol: SymbolWatch, position: Watched, trigger: Trigger) -> None:
        standing = self._armed.get(trigger.trigger_id)
        if standing is not None:
            self._drop(standing)
        self._seq += 1
        armed = Armed(self._seq, position, trigger)
        self._armed[trigger.trigger_id] = armed
        self._of_position.setdefault(position.position_id, {})[trigger.trigger_id] = armed
        self._count[position.symbol] = self._count.get(position.symbol, 0) + 1
        self._index(of_symbol, trigger.kind).arm(armed)
        of_symbol.expiries.add(trigger.expires_ns, armed)

    def _index(self, of_symbol: SymbolWatch, kind: TriggerKind) -> Index:
        return self._by_kind.get(kind) or of_symbol.by_kind[kind]

    def _drop_all(self, position_id: str) -> int:
        standing = list(self._of_position.get(position_id, {}).values())
        for armed in standing:
            self._drop(armed)
        return len(standing)

    def _drop(self, armed: Armed) -> None:
        of_symbol = self._symbols[armed.position.symbol]
        self._index(of_symbol, armed.trigger.kind).drop(armed)
        of_symbol.expiries.drop(armed)
        self._unlist(armed)

    def _unlist(self, armed: Armed) -> None:
        position, trigger_id = armed.position, armed.trigger.trigger_id
        del self._armed[trigger_id]
        left = self._of_position[position.position_id]
        del left[trigger_id]
        if not left:
            del self._of_position[position.position_id]
        self._count[position.symbol] -= 1

    def _fire(self, hits: list[Hit], now_ns: int, *, late: bool = False) -> list[Fired]:
        """Disarm what came true, and say so; what had expired by then is only disarmed."""
        fired = []
        for hit in sorted(hits, key=lambda hit: (-hit.armed.trigger.priority, hit.armed.seq)):
            armed, trigger, position = hit.armed, hit.armed.trigger, hit.armed.position
            if self._armed.get(trigger.trigger_id) is not armed:
                continue
            self._symbols[position.symbol].expiries.drop(armed)
            self._unlist(armed)
            if trigger.expires_ns < (now_ns if hit.due_ns is None else hit.due_ns):
                continue
            self._spent.setdefault(position.position_id, set()).add(trigger.trigger_id)
            fired.append(
                Fired(
                    position.position_id, position.symbol, trigger.trigger_id, trigger.kind, trigger.note, hit.observed,
                    bound_of(trigger), now_ns,
                    late=late if hit.due_ns is None else now_ns - hit.due_ns > PAUSE_NS,
                    snapshot_ref=f"market:{position.symbol}@{rfc3339(now_ns)}",
                )
            )  # fmt: skip
        return fired


def bound_of(trigger: Trigger) -> str:
    """Return what a trigger waits for, in words: its params in the order of writing."""
    values = [getattr(trigger.params, name) for name in BOUNDS[trigger.kind]]
    return " ".join(str(value) for value in values if value is not None)

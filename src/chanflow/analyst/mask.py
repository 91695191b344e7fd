"""Hides from a model what it could remember: the symbol, the dates and the level of prices; and takes that back.

A mask follows from the decision, so that a run can be repeated, and two decisions have two masks: no series of prices
can be put together from them. Days are shifted as a whole, so the hour stays; prices are scaled to about a hundred and
stand on a grid of their own that is finer than the true one, so that each true price comes back as it was.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from hashlib import sha256
from typing import Any

from chanflow.analyst.briefing import Briefing
from chanflow.domain.evidence import kind_of, short_time
from chanflow.domain.instrument import Instrument
from chanflow.domain.time import MS_PER_DAY, NS_PER_DAY, parse_rfc3339

ALIAS = "MASKED"
"""What the symbol is called."""
ASSET = "ASSET"
"""What its base is called."""

_FIRST_DAY = 11_323
"""2001-01-01, in days since 1970: masked days are among the three thousand from there."""
_DAYS = 3_000
_DIGITS = 9
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z")
_WINDOW = re.compile(r"\Aflow@(\d{10,16})\Z")
_NAMED = ("case", "position", "lesson", "summary", "news", "signal", "order")
"""Kinds of ids that are names of ours, with a time or a symbol inside: they are numbered anew."""


@dataclass(frozen=True, slots=True)
class Mask:
    """What is hidden of one decision. `days` are added to every date, `factor` scales prices, `tick` is their grid.

    `names` are the ids that are numbered anew, by the true one.
    """

    instrument: Instrument
    days: int
    factor: Decimal
    tick: Decimal
    names: Mapping[str, str]

    # ── hiding ────────────────────────────────────────────────────────────────

    def price(self, price: Decimal) -> Decimal:
        """Return a price as the model sees it."""
        return _on_grid(price * self.factor, self.tick)

    def floating(self, price: float) -> float:
        """Return a float price of the structure as the model sees it."""
        return price * float(self.factor)

    def quantity(self, qty_base: Decimal) -> Decimal:
        """Return a quantity that is worth as much at the masked price."""
        return _rounded(qty_base / self.factor)

    def ns(self, at_ns: int) -> int:
        """Return a moment in Unix ns as the model sees it."""
        return at_ns + self.days * NS_PER_DAY

    def ms(self, at_ms: int) -> int:
        """Return a moment in Unix ms as the model sees it."""
        return at_ms + self.days * MS_PER_DAY

    def ref(self, ref: str) -> str:
        """Return an id as the model sees it."""
        return self.names.get(ref) or _shifted(ref, self.days)

    # ── taking back ───────────────────────────────────────────────────────────

    def true_price(self, price: Decimal) -> Decimal:
        """Return the true price, on its tick, of one that the model wrote."""
        return self.instrument.nearest_price(price / self.factor)

    def true_ns(self, at_ns: int) -> int:
        """Return the true moment of one that the model wrote."""
        return at_ns - self.days * NS_PER_DAY

    def true_ref(self, ref: str) -> str:
        """Return the true id of one that the model cited."""
        return {shown: true for true, shown in self.names.items()}.get(ref) or _shifted(ref, -self.days)

    def true_draft(self, draft: Mapping[str, Any]) -> dict[str, Any]:
        """Return a model's answer in true terms; what it wrote for people stays in its own words.

        Raises ValueError or ArithmeticError for an answer whose form was never checked.
        """
        return {name: _REWRITTEN[name](self, part) if part is not None and name in _REWRITTEN else part
                for name, part in draft.items()}  # fmt: skip


def mask_of(briefing: Briefing) -> Mask:
    """Return the mask of a briefing's decision."""
    digest = sha256(f"mask:{briefing.decision_id}".encode()).digest()
    level = Decimal(5_000 + int.from_bytes(digest[:4]) % 15_000) / 100
    factor = _rounded(level / next(_prices(briefing), level))
    tick = Decimal(1).scaleb((briefing.instrument.tick * factor / 4).adjusted())
    day = _FIRST_DAY + int.from_bytes(digest[4:8]) % _DAYS
    names: dict[str, str] = {}
    for ref in _refs(briefing):
        if kind_of(ref) in _NAMED:
            names.setdefault(ref, f"{kind_of(ref)}#{len(names) + 1}")
    return Mask(briefing.instrument, day - briefing.as_of_ns // NS_PER_DAY, factor, tick, names)


def _prices(briefing: Briefing) -> Iterator[Decimal]:
    """Yield prices that tell how high the symbol stands, the best first."""
    for quoted in (briefing.ask, briefing.bid, briefing.position.entry_price if briefing.position else None):
        if quoted is not None and quoted > 0:
            yield quoted
    for view in briefing.levels:
        yield from (Decimal(repr(leg.end_price)) for leg in view.strokes if leg.end_price > 0)


def _refs(briefing: Briefing) -> Iterator[str]:
    if briefing.holding is not None:
        yield briefing.holding.ref
    memory = briefing.memory
    if memory is not None:
        yield from (decision.ref for decision in memory.decisions)
        yield from (case.ref for case in memory.similar)


def _on_grid(price: Decimal, tick: Decimal) -> Decimal:
    return (price / tick).to_integral_value(ROUND_HALF_EVEN) * tick


def _rounded(value: Decimal) -> Decimal:
    return Decimal(f"{value:.{_DIGITS}g}")


def _shifted(ref: str, days: int) -> str:
    """Return an id with the moments in it moved by whole days."""
    window = _WINDOW.fullmatch(ref)
    if window is not None:
        return f"flow@{int(window[1]) + days * MS_PER_DAY}"
    return _TIME.sub(lambda found: short_time(parse_rfc3339(found[0]) + days * NS_PER_DAY), ref)


# ── an answer, part by part ───────────────────────────────────────────────────


def _symbol(mask: Mask, symbol: str) -> str:
    return mask.instrument.symbol if symbol == ALIAS else symbol


def _amount(mask: Mask, amount: Any) -> str:
    return f"{mask.true_price(Decimal(str(amount))):f}"


def _moment(mask: Mask, text: str) -> str:
    return short_time(mask.true_ns(parse_rfc3339(text)))


def _profits(mask: Mask, profits: Any) -> list[dict[str, Any]]:
    return [{**each, "price": _amount(mask, each["price"])} for each in profits]


def _strategy(mask: Mask, part: Mapping[str, Any]) -> dict[str, Any]:
    entry = dict(part["entry"])
    if entry.get("price") is not None:
        entry["price"] = _amount(mask, entry["price"])
    entry["valid_until"] = _moment(mask, entry["valid_until"])
    stop = {**part["stop_loss"], "price": _amount(mask, part["stop_loss"]["price"])}
    return {**part, "entry": entry, "stop_loss": stop, "take_profit": _profits(mask, part["take_profit"])}


def _changes(mask: Mask, part: Mapping[str, Any]) -> dict[str, Any]:
    changed = dict(part)
    if changed.get("stop_price") is not None:
        changed["stop_price"] = _amount(mask, changed["stop_price"])
    if changed.get("take_profit"):
        changed["take_profit"] = _profits(mask, changed["take_profit"])
    return changed


def _evidence(mask: Mask, part: Any) -> list[dict[str, Any]]:
    return [{**each, "ref": mask.true_ref(each["ref"])} for each in part]


def _triggers(mask: Mask, part: Any) -> list[dict[str, Any]]:
    found = []
    for each in part:
        params = dict(each["params"])
        if "price" in params:
            params["price"] = _amount(mask, params["price"])
        if "at" in params:
            params["at"] = _moment(mask, params["at"])
        found.append({**each, "params": params, "expires_at": _moment(mask, each["expires_at"])})
    return found


_REWRITTEN: Mapping[str, Callable[[Mask, Any], Any]] = {
    "symbol": _symbol, "strategy_details": _strategy, "changes": _changes, "evidence": _evidence,
    "counter_evidence": _evidence, "monitoring_triggers": _triggers,
}  # fmt: skip

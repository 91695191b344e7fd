"""Reading an order's terms from a request, with Binance's refusals for what does not belong together."""

from __future__ import annotations

from typing import Any, Final

from chanflow.adapters.venues.emulator.codes import Fault, fault
from chanflow.adapters.venues.emulator.params import Params
from chanflow.adapters.venues.emulator.records import Leg, PlaceOrder, Side
from chanflow.adapters.venues.emulator.rules import SymbolRules
from chanflow.adapters.venues.emulator.world import World

CONDITIONAL: Final = frozenset({"STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET"})
_TIFS: Final = frozenset({"GTC", "IOC", "FOK", "GTX", "GTD"})
_SELF_TRADES: Final = frozenset({"NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"})
_MATCHES: Final = {
    "OPPONENT": (False, 1), "OPPONENT_5": (False, 5), "OPPONENT_10": (False, 10), "OPPONENT_20": (False, 20),
    "QUEUE": (True, 1), "QUEUE_5": (True, 5), "QUEUE_10": (True, 10), "QUEUE_20": (True, 20),
}  # fmt: skip
"""Price match: whether the own side's level is meant, and which."""
_FARTHEST_GTD_MS: Final = 253402300799000
_NEAREST_GTD_MS: Final = 600_000


def read_order(world: World, params: Params) -> PlaceOrder:
    """Return a limit or market order from a request; -4120 for conditional ones."""
    rules = world.listing(params.text("symbol")).rules
    side = read_side(params)
    kind = params.text("type")
    if kind in CONDITIONAL:
        raise fault(-4120)
    if kind not in ("LIMIT", "MARKET"):
        raise fault(-1116)
    terms: dict[str, Any] = {"tif": "GTC"}
    if kind == "LIMIT":
        terms = _limit_terms(world, rules, params, side, _tif(params))
    elif params.optional("price") is not None:
        raise fault(-1106, "price")
    elif params.optional("timeInForce") is not None:
        raise fault(-1106, "timeInForce")
    if params.optional("stopPrice") is not None:
        raise fault(-1106, "stopPrice")
    if params.flag("closePosition"):
        raise fault(-1128)
    return PlaceOrder(
        symbol=rules.symbol,
        side=side,
        kind=kind,
        qty=params.units("quantity", rules.qty_decimals),
        leg=read_leg(params),
        reduce_only=_reduce_only(params),
        client_id=params.optional("newClientOrderId") or "",
        self_trade=_self_trade(params),
        **terms,
    )


def read_algo(world: World, params: Params) -> PlaceOrder:
    """Return a conditional order from a request."""
    if params.text("algoType") != "CONDITIONAL":
        raise fault(-1130, "algoType")
    rules = world.listing(params.text("symbol")).rules
    side = read_side(params)
    kind = params.text("type")
    if kind not in CONDITIONAL:
        raise fault(-1116)
    closes = params.flag("closePosition")
    if closes:
        _check_closing(params, kind)
    tif = _tif(params) if params.optional("timeInForce") else "GTC"
    terms: dict[str, Any] = {"tif": tif}
    if kind in ("STOP", "TAKE_PROFIT"):
        terms = _limit_terms(world, rules, params, side, tif)
    elif params.optional("price") is not None:
        raise fault(-1106, "price")
    if kind == "TRAILING_STOP_MARKET":
        terms |= _trailing_terms(rules, params)
    else:
        terms["trigger"] = params.units("triggerPrice", rules.price_decimals)
        if terms["trigger"] <= 0:
            raise fault(-4006)
    working = params.optional("workingType") or "CONTRACT_PRICE"
    if working not in ("MARK_PRICE", "CONTRACT_PRICE"):
        raise fault(-1130, "workingType")
    return PlaceOrder(
        symbol=rules.symbol,
        side=side,
        kind=kind,
        qty=0 if closes else params.units("quantity", rules.qty_decimals),
        leg=read_leg(params),
        reduce_only=_reduce_only(params),
        client_id=params.optional("clientAlgoId") or "",
        self_trade=_self_trade(params),
        working_type=working,
        close_position=closes,
        price_protect=params.flag("priceProtect"),
        **terms,
    )


def _check_closing(params: Params, kind: str) -> None:
    if kind not in ("STOP_MARKET", "TAKE_PROFIT_MARKET"):
        raise fault(-1128)
    if params.optional("reduceOnly") == "true":
        raise fault(-1106, "reduceOnly")
    if params.optional("quantity") is not None:
        raise fault(-4137)


def read_side(params: Params) -> Side:
    """Return the order's side; a Fault -1117 for another word."""
    side = params.text("side")
    if side == "BUY":
        return "BUY"
    if side == "SELL":
        return "SELL"
    raise fault(-1117)


def read_leg(params: Params) -> Leg:
    """Return the position side, BOTH where none was sent; a Fault -1130 for another word."""
    word = params.optional("positionSide") or "BOTH"
    if word not in Leg.__members__:
        raise fault(-1130, "positionSide")
    return Leg[word]


def _reduce_only(params: Params) -> bool:
    reduce_only = params.flag("reduceOnly")
    if params.optional("reduceOnly") is not None and read_leg(params) is not Leg.BOTH:
        raise fault(-1106, "reduceOnly")
    return reduce_only


def _self_trade(params: Params) -> str:
    mode = params.optional("selfTradePreventionMode") or "EXPIRE_MAKER"
    if mode not in _SELF_TRADES:
        raise fault(-1130, "selfTradePreventionMode")
    return mode


def _tif(params: Params) -> str:
    tif = params.text("timeInForce")
    if tif not in _TIFS:
        raise fault(-1115)
    return tif


def _limit_terms(world: World, rules: SymbolRules, params: Params, side: Side, tif: str) -> dict[str, Any]:
    match = params.optional("priceMatch") or "NONE"
    terms: dict[str, Any] = {"tif": tif, "price_match": match}
    if match != "NONE":
        if match not in _MATCHES:
            raise fault(-1130, "priceMatch")
        if params.optional("price") is not None:
            raise fault(-1106, "price")
        terms["price"] = _matched_price(world, rules, match, side)
    else:
        terms["price"] = params.units("price", rules.price_decimals)
    if tif == "GTD":
        terms["gtd_ms"] = _good_till(world, params)
    elif params.optional_integer("goodTillDate"):
        raise fault(-1106, "goodTillDate")
    return terms


def _good_till(world: World, params: Params) -> int:
    """Return when an order ends by itself, in whole seconds as Binance keeps it."""
    until_ms = params.integer("goodTillDate")
    if not world.now_ms + _NEAREST_GTD_MS < until_ms < _FARTHEST_GTD_MS:
        raise Fault(-5040, "Invalid goodTillDate")
    return until_ms // 1_000 * 1_000


def _matched_price(world: World, rules: SymbolRules, match: str, side: Side) -> int:
    """Return the price of the level that a price match names; a Fault -2010 where the book has no such level."""
    is_own, depth = _MATCHES[match]
    bids, asks = world.listing(rules.symbol).core.book(depth)
    levels = bids if (side == "BUY") == is_own else asks
    if len(levels) < depth:
        raise fault(-2010)
    return levels[depth - 1][0]


def _trailing_terms(rules: SymbolRules, params: Params) -> dict[str, Any]:
    rate = params.units("callbackRate", 2)
    if not 10 <= rate <= 1_000:
        raise Fault(-2007, "Invalid callBack rate.")
    name = "activatePrice" if params.optional("activatePrice") is not None else "activationPrice"
    activation = params.units(name, rules.price_decimals) if params.optional(name) is not None else 0
    return {"callback_bps": rate, "activation": activation}

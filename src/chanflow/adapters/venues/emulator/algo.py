"""The endpoints of conditional orders, which live apart from the others as at Binance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from chanflow.adapters.venues.emulator import views
from chanflow.adapters.venues.emulator.codes import Fault, fault
from chanflow.adapters.venues.emulator.desk import Call, Route
from chanflow.adapters.venues.emulator.order_terms import read_algo
from chanflow.adapters.venues.emulator.orders import between, page
from chanflow.adapters.venues.emulator.params import Params
from chanflow.adapters.venues.emulator.records import AlgoRecord
from chanflow.adapters.venues.emulator.rules import SymbolRules

_DONE: Final = {"code": 200, "msg": "The operation of cancel all open order is done."}


def place(call: Call) -> dict[str, Any]:
    """POST algoOrder."""
    algo = call.world.place_algo(call.account.number, read_algo(call.world, call.params))
    return views.placed_algo(_rules(call, algo), algo)


def query(call: Call) -> dict[str, Any]:
    """GET algoOrder."""
    algo = call.world.find_algo(call.account.number, *_names(call.params))
    if algo is None:
        raise fault(-2013)
    return views.queried_algo(_rules(call, algo), algo)


def cancel(call: Call) -> dict[str, Any]:
    """DELETE algoOrder."""
    algo = call.world.cancel_algo(call.account.number, *_names(call.params))
    return views.canceled_algo(_rules(call, algo), algo)


def cancel_all(call: Call) -> dict[str, Any]:
    """DELETE algoOpenOrders."""
    call.world.cancel_all_algos(call.account.number, call.params.text("symbol"))
    return _DONE


def open_algos(call: Call) -> list[dict[str, Any]]:
    """GET openAlgoOrders."""
    kind = call.params.optional("algoType")
    if kind not in (None, "CONDITIONAL", "VP", "TWAP"):
        raise fault(-1130, "algoType")
    symbol, algo_id = _known_symbol(call), call.params.optional_integer("algoId")
    found = [algo for algo in call.account.algos_of(symbol) if algo_id in (None, algo.algo_id)]
    return _queried(call, found if kind in (None, "CONDITIONAL") else [])


def all_algos(call: Call) -> list[dict[str, Any]]:
    """GET allAlgoOrders: by time, or from an id on."""
    symbol = call.params.text("symbol")
    call.world.listing(symbol)
    least = call.params.optional_integer("algoId")
    algos = between(call.params, [algo for algo in call.account.algos if algo.symbol == symbol], lambda at: at.time_ms)
    if least is not None:
        algos = [algo for algo in algos if algo.algo_id >= least]
    return _queried(call, page(call.params, algos, from_oldest=least is not None))


def _names(params: Params) -> tuple[int | None, str | None]:
    algo_id, client_id = params.optional_integer("algoId"), params.optional("clientAlgoId")
    if algo_id is None and client_id is None:
        raise Fault(-1102, "Param 'clientAlgoId' or 'algoId' must be sent, but both were empty/null!")
    return algo_id, client_id


def _known_symbol(call: Call) -> str | None:
    symbol = call.params.optional("symbol")
    if symbol is not None:
        call.world.listing(symbol)
    return symbol


def _rules(call: Call, algo: AlgoRecord) -> SymbolRules:
    return call.world.listings[algo.symbol].rules


def _queried(call: Call, algos: Iterable[AlgoRecord]) -> list[dict[str, Any]]:
    return [views.queried_algo(_rules(call, algo), algo) for algo in algos]


def _open_weight(params: Params) -> int:
    return 1 if params.optional("symbol") is not None else 40


ROUTES: Final[Mapping[tuple[str, str], Route]] = {
    ("POST", "/fapi/v1/algoOrder"): Route(place, weight=0, orders=1, moves=True),
    ("GET", "/fapi/v1/algoOrder"): Route(query),
    ("DELETE", "/fapi/v1/algoOrder"): Route(cancel, moves=True),
    ("DELETE", "/fapi/v1/algoOpenOrders"): Route(cancel_all, moves=True),
    ("GET", "/fapi/v1/openAlgoOrders"): Route(open_algos, weight=_open_weight),
    ("GET", "/fapi/v1/allAlgoOrders"): Route(all_algos, weight=5),
}

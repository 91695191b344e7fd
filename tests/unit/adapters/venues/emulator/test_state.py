from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from made_exchange import MadeExchange

from chanflow.adapters.venues.emulator.state import load, save
from chanflow.domain.errors import InvalidArgument


def busy() -> MadeExchange:
    """Return an exchange with all that an account may have."""
    made = MadeExchange()
    made.ask("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=10)
    made.ask("POST", "/fapi/v1/marginType", symbol="ETHUSDT", marginType="ISOLATED")
    made.order("BUY", "0.123")
    made.order("SELL", "0.023")
    made.order("BUY", "1.000", symbol="ETHUSDT")
    made.order("BUY", "0.010", "59000.00", newClientOrderId="resting")
    made.stop("SELL", "58000.00", "0.100", reduceOnly="true", clientAlgoId="stop")
    made.order("SELL", "0.100", key="other")
    return made


def restarted(before: MadeExchange, path: Path) -> MadeExchange:
    save(before.world, path)
    after = MadeExchange()
    load(after.world, path, {}, "test")
    after.keys.know_accounts()
    return after


QUESTIONS: list[tuple[str, dict[str, Any]]] = [
    ("/fapi/v3/balance", {}),
    ("/fapi/v2/positionRisk", {}),
    ("/fapi/v2/account", {}),
    ("/fapi/v1/openOrders", {}),
    ("/fapi/v1/allOrders", {"symbol": "BTCUSDT"}),
    ("/fapi/v1/openAlgoOrders", {}),
    ("/fapi/v1/userTrades", {"symbol": "BTCUSDT"}),
    ("/fapi/v1/income", {}),
    ("/fapi/v1/symbolConfig", {}),
]


@pytest.mark.parametrize(("path", "asked"), QUESTIONS, ids=[path for path, _ in QUESTIONS])
@pytest.mark.parametrize("key", ["me", "other"])
def test_a_restart_changes_no_answer(tmp_path: Path, path: str, asked: dict[str, Any], key: str) -> None:
    before = busy()
    after = restarted(before, tmp_path / "state.json")
    assert after.ask("GET", path, key=key, **asked) == before.ask("GET", path, key=key, **asked)


def test_restored_orders_live_on(tmp_path: Path) -> None:
    after = restarted(busy(), tmp_path / "state.json")
    assert after.events == []
    after.quote("BTCUSDT", 5_899_000, 5_899_010)
    assert after.ask("GET", "/fapi/v1/order", symbol="BTCUSDT", origClientOrderId="resting")["status"] == "FILLED"
    after.quote("BTCUSDT", 5_790_000, 5_790_010)
    assert after.ask("GET", "/fapi/v1/algoOrder", clientAlgoId="stop")["algoStatus"] == "FINISHED"
    assert after.position()["positionAmt"] == "0.010"
    assert all(missing == (0, 0) for missing in after.world.imbalance().values())


def test_numbers_go_on_where_they_stood(tmp_path: Path) -> None:
    before = busy()
    after = restarted(before, tmp_path / "state.json")
    placed = after.order("BUY", "0.010")
    assert placed["orderId"] == before.order("BUY", "0.010")["orderId"]
    trades = after.ask("GET", "/fapi/v1/userTrades", symbol="BTCUSDT")
    assert len({row["id"] for row in trades}) == len(trades)


def test_money_is_kept_to_the_last_digit(tmp_path: Path) -> None:
    before = busy()
    before.quote("BTCUSDT", 6_012_340, 6_012_350)
    before.order("SELL", "0.033")
    after = restarted(before, tmp_path / "state.json")
    assert Decimal(after.balance()["balance"]) == Decimal(before.balance()["balance"])
    assert after.world.accounts[0].wallet_atto == before.world.accounts[0].wallet_atto


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version":2}', '{"version":1,"accounts":[{}]}'])
def test_a_file_that_is_no_state_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(text)
    with pytest.raises(InvalidArgument, match=r"state\.json"):
        load(MadeExchange().world, path, {}, "test")


def test_a_state_of_symbols_that_are_not_listed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    save(busy().world, path)
    path.write_text(path.read_text().replace("ETHUSDT", "NOUSDT"))
    with pytest.raises(InvalidArgument, match="NOUSDT"):
        load(MadeExchange().world, path, {}, "test")

import pytest
from made_exchange import START_MS, MadeExchange

from chanflow.adapters.venues.emulator.rest import Request
from chanflow.adapters.venues.emulator.signing import signature


def test_the_signature_is_the_documented_one() -> None:
    # The example of the venue's documentation.
    payload = (
        "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC&recvWindow=5000"
        "&timestamp=1591702613943"
    )
    secret = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9"
    assert signature(secret, payload) == "3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9"


def test_query_and_body_are_signed_together() -> None:
    made = MadeExchange()
    query, body = "symbol=BTCUSDT&leverage=7", f"timestamp={START_MS}"
    signed = f"{body}&signature={signature('test', query + body)}"
    request = Request("POST", "/fapi/v1/leverage", query, signed, {"x-mbx-apikey": "me"})
    assert made.door.answer(request).status == 200
    moved = Request("POST", "/fapi/v1/leverage", query.replace("7", "8"), signed, {"x-mbx-apikey": "me"})
    assert made.door.answer(moved).status == 400


def test_a_signature_is_always_asked_for_and_verified() -> None:
    made = MadeExchange()
    assert made.ask("GET", "/fapi/v3/balance", secret="wrong")["code"] == -1022
    unsigned = Request("GET", "/fapi/v3/balance", f"timestamp={START_MS}", "", {"x-mbx-apikey": "me"})
    assert b'"code":-1102' in made.door.answer(unsigned).body


def test_keys_that_are_none_and_strangers_are_told_apart() -> None:
    made = MadeExchange(mine="its-secret")
    assert made.ask("GET", "/fapi/v3/balance", key=None)["code"] == -2014
    assert made.ask("GET", "/fapi/v3/balance", key="not a key")["code"] == -2014
    assert made.ask("GET", "/fapi/v3/balance", key="stranger")["code"] == -2015
    assert made.send("GET", "/fapi/v3/balance", key="stranger").status == 401
    assert made.ask("GET", "/fapi/v3/balance", key="mine", secret="its-secret")[0]["asset"] == "USDT"


def test_an_unknown_key_opens_an_account_of_its_own() -> None:
    made = MadeExchange()
    made.order("BUY", "0.01", key="one")
    assert made.position(key="one")["positionAmt"] == "0.010"
    assert made.position(key="two")["positionAmt"] == "0.000"


@pytest.mark.parametrize(
    ("late_ms", "window", "code"),
    [
        (5_000, None, None),
        (5_001, None, -1021),
        (60_000, 60_000, None),
        (11, 10, -1021),
        (0, 60_001, -1131),
        (-999, None, None),
        (-1_000, None, -1021),
    ],
)
def test_a_request_holds_for_its_window(late_ms: int, window: int | None, code: int | None) -> None:
    made = MadeExchange()
    more = {} if window is None else {"recvWindow": window}
    answer = made.ask("GET", "/fapi/v1/positionSide/dual", now=made.door.server_ms() - late_ms, **more)
    assert answer.get("code") == code

"""Numbers and prices as the venue takes them, and actions whose signatures are those the SDK publishes."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from eth_account import Account
from eth_utils import to_hex
from hyperliquid.utils.signing import action_hash, construct_phantom_agent, sign_l1_action

from chanflow.adapters.venues.hyperliquid.wire import (
    Asset,
    OrderTerms,
    allowed_price,
    cancel_action,
    fit_price,
    modify_action,
    number_text,
    order_action,
    order_wire,
    schedule_cancel_action,
    weight_of,
)
from chanflow.domain.errors import InvalidArgument

D = Decimal

# The key and the signatures are those of hyperliquid-python-sdk, tests/signing_test.py (MIT).
WALLET = Account.from_key("0x0123456789012345678901234567890123456789012345678901234567890123")
ETH = Asset("ETH", 1, 4, 50)
TERMS = OrderTerms(ETH, "buy", D(100), D(100), reduce_only=False)


@pytest.mark.parametrize(
    ("terms", "main", "test"),
    [
        (TERMS,
         ("0xd65369825a9df5d80099e513cce430311d7d26ddf477f5b3a33d2806b100d78e",
          "0x2b54116ff64054968aa237c20ca9ff68000f977c93289157748a3162b6ea940e", 28),
         ("0x82b2ba28e76b3d761093aaded1b1cdad4960b3af30212b343fb2e6cdfa4e3d54",
          "0x6b53878fc99d26047f4d7e8c90eb98955a109f44209163f52d8dc4278cbbd9f5", 27)),
        (replace(TERMS, cloid="0x00000000000000000000000000000001"),
         ("0x41ae18e8239a56cacbc5dad94d45d0b747e5da11ad564077fcac71277a946e3",
          "0x3c61f667e747404fe7eea8f90ab0e76cc12ce60270438b2058324681a00116da", 27),
         ("0xeba0664bed2676fc4e5a743bf89e5c7501aa6d870bdb9446e122c9466c5cd16d",
          "0x7f3e74825c9114bc59086f1eebea2928c190fdfbfde144827cb02b85bbe90988", 28)),
        (replace(TERMS, trigger_price=D(103), tpsl="sl"),
         ("0x98343f2b5ae8e26bb2587daad3863bc70d8792b09af1841b6fdd530a2065a3f9",
          "0x6b5bb6bb0633b710aa22b721dd9dee6d083646a5f8e581a20b545be6c1feb405", 27),
         ("0x971c554d917c44e0e1b6cc45d8f9404f32172a9d3b3566262347d0302896a2e4",
          "0x206257b104788f80450f8e786c329daa589aa0b32ba96948201ae556d5637eac", 28)),
    ],
)  # fmt: skip
def test_our_orders_have_the_published_signatures(
    terms: OrderTerms, main: tuple[str, str, int], test: tuple[str, str, int]
) -> None:
    for is_main, (r, s, v) in ((True, main), (False, test)):
        signature = sign_l1_action(WALLET, order_action([terms]), None, 0, None, is_main)
        assert signature == {"r": r, "s": s, "v": v}


@pytest.mark.parametrize(
    ("at_ms", "r", "s", "v"),
    [
        (None, "0x6cdfb286702f5917e76cd9b3b8bf678fcc49aec194c02a73e6d4f16891195df9",
         "0x6557ac307fa05d25b8d61f21fb8a938e703b3d9bf575f6717ba21ec61261b2a0", 27),
        (123456789, "0x609cb20c737945d070716dcc696ba030e9976fcf5edad87afa7d877493109d55",
         "0x16c685d63b5c7a04512d73f183b3d7a00da5406ff1f8aad33f8ae2163bab758b", 28),
    ],
)  # fmt: skip
def test_our_dead_man_switch_has_the_published_signature(at_ms: int | None, r: str, s: str, v: int) -> None:
    assert sign_l1_action(WALLET, schedule_cancel_action(at_ms), None, 0, None, True) == {"r": r, "s": s, "v": v}


def test_our_action_has_the_hash_that_production_had() -> None:
    terms = OrderTerms(Asset("ETH", 4, 4, 50), "buy", D("0.0147"), D("1670.1"), reduce_only=False, tif="Ioc")
    agent = construct_phantom_agent(action_hash(order_action([terms]), None, 1677777606040, None), True)
    assert to_hex(agent["connectionId"]) == "0x0fcbeda5ae3c4950a548021552a4fea2226858c4453571bf3f24ba017eac2908"


@pytest.mark.parametrize(
    ("value", "text"),
    [("1", "1"), ("1.0", "1"), ("100", "100"), ("0.00001231", "0.00001231"), ("1670.10", "1670.1"), ("-0.0", "0"),
     ("1E+3", "1000")],
)  # fmt: skip
def test_numbers_have_no_trailing_zeros_and_no_exponent(value: str, text: str) -> None:
    assert number_text(D(value)) == text


@pytest.mark.parametrize("value", ["0.000000001", "NaN", "Infinity"])
def test_a_number_that_eight_decimals_cannot_hold_is_refused(value: str) -> None:
    with pytest.raises(InvalidArgument):
        number_text(D(value))


@pytest.mark.parametrize(
    ("price", "size_decimals", "allowed"),
    [
        ("1234.5", 1, True), ("1234.56", 1, False), ("0.001234", 0, True), ("0.0012345", 0, False),
        ("123456", 5, True), ("123456.5", 5, False), ("12345.6", 5, False), ("0.01234", 1, True),
        ("0.012345", 1, False), ("98450", 5, True), ("98450.5", 5, False),
    ],
)  # fmt: skip
def test_prices_have_five_figures_and_few_decimals_unless_whole(price: str, size_decimals: int, allowed: bool) -> None:
    assert allowed_price(D(price), size_decimals) is allowed


@pytest.mark.parametrize(
    ("price", "toward", "fitted"),
    [("98450.5", "up", "98451"), ("98450.5", "down", "98450"), ("1234.56", "down", "1234.5"),
     ("1234.56", "up", "1234.6"), ("99999.9", "up", "100000"), ("3.14159", "near", "3.1416")],
)  # fmt: skip
def test_a_price_is_moved_to_the_next_one_allowed(price: str, toward: str, fitted: str) -> None:
    assert fit_price(D(price), 1, toward) == D(fitted)  # type: ignore[arg-type]


def test_a_price_below_the_least_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="below the least price"):
        fit_price(D("0.0000001"), 0, "down")


@pytest.mark.parametrize(
    ("change", "words"),
    [({"qty_base": D("0.00001")}, "at most 4 decimals"), ({"qty_base": D(0)}, "must be positive"),
     ({"price": D("1234.56")}, "significant figures"), ({"qty_base": D("0.01")}, "the least is 10"),
     ({"trigger_price": D("1234.56")}, "significant figures")],
)  # fmt: skip
def test_what_breaks_the_venues_rules_is_not_written(change: dict[str, D], words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        order_wire(replace(TERMS, **change))  # type: ignore[arg-type]


def test_an_order_that_reduces_may_be_small() -> None:
    assert order_wire(replace(TERMS, qty_base=D("0.01"), reduce_only=True))["s"] == "0.01"


def test_a_batch_weighs_one_more_for_each_forty() -> None:
    assert [weight_of(order_action([TERMS] * n)) for n in (1, 39, 40, 80)] == [1, 1, 2, 3]
    assert weight_of(cancel_action(ETH, 1)) == weight_of(modify_action(1, TERMS)) == 1

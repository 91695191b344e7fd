import pytest

from chanflow.adapters.venues.emulator.codes import Fault
from chanflow.adapters.venues.emulator.limits import Limits, Meter

MINUTE_MS = 60_000


def spent(meter: Meter, weight: int, now_ms: int = 0) -> Fault:
    with pytest.raises(Fault) as caught:
        meter.take_weight("a", weight, now_ms)
    return caught.value


def test_weight_is_counted_by_address_and_minute() -> None:
    meter = Meter(Limits(weight_1m=10))
    assert meter.take_weight("a", 6, 0) == 6
    assert meter.take_weight("b", 6, 0) == 6
    assert meter.take_weight("a", 4, MINUTE_MS - 1) == 10
    assert meter.take_weight("a", 1, MINUTE_MS) == 1
    assert meter.used_weight("a", MINUTE_MS) == 1
    assert meter.used_weight("a", 5 * MINUTE_MS) == 0


def test_above_the_limit_is_429_until_the_minute_ends() -> None:
    meter = Meter(Limits(weight_1m=10))
    refusal = spent(meter, 11, 45_000)
    assert (refusal.code, refusal.http_status, refusal.headers) == (-1003, 429, {"Retry-After": "15"})
    assert "IP(a) is 10 requests per minute" in refusal.message
    assert meter.take_weight("a", 1, MINUTE_MS) == 1


def test_who_goes_on_is_banned_and_longer_each_time() -> None:
    meter = Meter(Limits(weight_1m=10))
    first = [spent(meter, 11, 0).http_status for _ in range(11)]
    assert first == [429] * 10 + [418]
    ban = spent(meter, 0, 119_999)
    assert (ban.http_status, ban.headers) == (418, {"Retry-After": "1"})
    assert "banned until 120000" in ban.message
    assert meter.take_weight("a", 1, 120_000) == 1
    again = [spent(meter, 11, 120_000) for _ in range(11)][-1]
    assert again.headers == {"Retry-After": "240"}


def test_orders_are_counted_by_account_in_two_windows() -> None:
    meter = Meter(Limits(orders_10s=2, orders_1m=3))
    meter.take_orders(1, 2, 0)
    with pytest.raises(Fault, match="2 orders per TEN_SECONDS"):
        meter.take_orders(1, 1, 9_999)
    meter.take_orders(2, 1, 9_999)
    meter.take_orders(1, 1, 10_000)
    assert meter.used_orders(1, 10_000) == (1, 3)
    with pytest.raises(Fault, match="3 orders per MINUTE") as caught:
        meter.take_orders(1, 1, 20_000)
    assert (caught.value.code, caught.value.http_status) == (-1015, 429)
    meter.take_orders(1, 2, MINUTE_MS)

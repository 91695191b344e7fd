"""Only what is surely of the public internet counts as public."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanflow.adapters.net.public_address import is_public

CLOSED = [
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
    "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4",
    "::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/32", "2001:db8::/32", "2002::/16",
    "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
]  # fmt: skip


@pytest.mark.parametrize("network", CLOSED)
@given(st.data())
def test_no_address_of_a_closed_network_is_public(network: str, data: st.DataObject) -> None:
    closed = ipaddress.ip_network(network)
    offset = data.draw(st.integers(0, closed.num_addresses - 1))
    assert not is_public(str(closed[offset]))


@given(st.ip_addresses())
def test_what_is_public_is_global_by_the_standard_library_too(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if is_public(str(address)):
        assert address.is_global
        assert not address.is_multicast
        assert not address.is_reserved


@given(st.ip_addresses(v=4))
def test_no_v4_address_is_public_in_the_clothes_of_v6(address: ipaddress.IPv4Address) -> None:
    packed = int(address)
    for high in (0, 0xFFFF << 32, 0x64FF9B << 96, 0x64FF9B0001 << 80):
        assert not is_public(str(ipaddress.IPv6Address(high | packed)))
    assert not is_public(str(ipaddress.IPv6Address(0x2002 << 112 | packed << 80)))


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "93.184.216.34", "2606:4700::1111", "2a00:1450:4001::1"])
def test_a_public_address_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "text", ["", "localhost", "127.1", "0x7f000001", "1.1.1.1 ", "2606:4700::1%eth0", "1.1.1.1/32"]
)
def test_what_is_no_plain_address_is_not_public(text: str) -> None:
    assert not is_public(text)

from __future__ import annotations

import hashlib
import re

import pytest

from chanflow.execution.client_ids import client_order_id, proposal_of_command

PARTS = ("paper", "default", "p1", "entry")
DIGEST = hashlib.sha256(b"paper|default|p1|entry|1").hexdigest()


def test_binance_and_okx_get_q_and_27_characters_of_their_alphabet() -> None:
    name = client_order_id(*PARTS, 1)
    assert re.fullmatch(r"q[a-z0-9]{26}", name)
    assert name == client_order_id(*PARTS, 1)


def test_hyperliquid_gets_the_same_bits_as_hex() -> None:
    assert client_order_id(*PARTS, 1, alphabet="hex") == "0x" + DIGEST[:32]


def test_both_alphabets_spell_the_first_128_bits() -> None:
    letters = "abcdefghijklmnopqrstuvwxyz234567"
    value = 0
    for letter in client_order_id(*PARTS, 1)[1:]:
        value = value * 32 + letters.index(letter)
    assert value >> 2 == int(DIGEST[:32], 16)


@pytest.mark.parametrize("changed", [0, 1, 2, 3])
def test_every_part_matters(changed: int) -> None:
    other = (*PARTS[:changed], "x", *PARTS[changed + 1 :])
    assert client_order_id(*other, 1) != client_order_id(*PARTS, 1)


def test_every_attempt_has_its_own_name() -> None:
    assert len({client_order_id(*PARTS, attempt) for attempt in range(1, 50)}) == 49


def test_a_part_that_could_run_into_the_next_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'p1\|entry' contains \|"):
        client_order_id("paper", "default", "p1|entry", "entry", 1)


def test_the_first_attempt_is_one() -> None:
    with pytest.raises(ValueError, match="attempt is 0, the first is 1"):
        client_order_id(*PARTS, 0)


def test_an_alphabet_no_venue_has_is_refused() -> None:
    with pytest.raises(ValueError, match="'morse' is no alphabet of client ids"):
        client_order_id(*PARTS, 1, alphabet="morse")  # type: ignore[arg-type]


def test_a_command_given_twice_is_one_proposal_of_its_account() -> None:
    assert proposal_of_command("paper", "mine-1") == proposal_of_command("paper", "mine-1")
    others = {proposal_of_command("paper", "mine-2"), proposal_of_command("live", "mine-1")}
    assert proposal_of_command("paper", "mine-1") not in others
    assert proposal_of_command("paper", "mine-1").version == 5

import pytest

from chanflow.adapters.venues.emulator.codes import Fault
from chanflow.adapters.venues.emulator.listen_keys import VALID_MS, ListenKeys


def test_a_key_is_an_accounts_own_and_lasts_an_hour_from_the_last_time_asked() -> None:
    keys = ListenKeys()
    key = keys.open(3, 0)
    assert (len(key), keys.account(key), keys.key_of(3)) == (64, 3, key)
    assert keys.open(3, 1_000) == key
    assert keys.open(4, 5_000) != key
    assert keys.keep(3, 2_000) == key
    assert keys.expire(VALID_MS + 2_000) == [(3, key)]
    assert keys.account(key) is None


def test_a_key_that_is_gone_cannot_be_kept_and_a_new_one_is_another() -> None:
    keys = ListenKeys()
    first = keys.open(0, 0)
    keys.close(0)
    with pytest.raises(Fault) as caught:
        keys.keep(0, 1)
    assert caught.value.code == -1125
    assert keys.open(0, 0) != first


def test_only_keys_that_end_by_themselves_are_told() -> None:
    told: list[tuple[int, str]] = []
    keys = ListenKeys(on_expired=lambda account, key: told.append((account, key)))
    keys.open(0, 0)
    keys.close(0)
    key = keys.open(1, 0)
    keys.end(1)
    assert told == [(1, key)]

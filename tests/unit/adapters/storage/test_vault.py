from __future__ import annotations

import pytest
from made_access import SystemBytes

from chanflow.adapters.storage.vault import Vault, owner_of
from chanflow.domain.errors import StorageUnwritable

PEPPER = b"0f" * 32


def _vault(pepper: bytes = PEPPER) -> Vault:
    return Vault(pepper, SystemBytes().stream("vault").randbytes)


def test_a_sealed_text_opens_in_its_place_alone() -> None:
    vault = _vault()
    key, kept = vault.new_key("ann")
    assert vault.key(kept, "ann") == key
    sealed = vault.seal(key, "ann", "ann@example.org", "email:ann")
    assert owner_of(sealed) == "ann"
    assert vault.open(key, sealed, "email:ann") == "ann@example.org"
    assert vault.seal(key, "ann", "ann@example.org", "email:ann") != sealed
    other, _ = vault.new_key("bob")
    head, tail = sealed[:-2], "AA" if not sealed.endswith("AA") else "BB"
    for secret, text, place in (
        (key, sealed, "email:bob"), (other, sealed, "email:ann"), (key, head + tail, "email:ann"),
        (key, sealed.replace("v1.", "v2."), "email:ann"), (key, "10.0.0.1", "email:ann"),
        (key, "v1.a.b.c", "email:ann"),
    ):  # fmt: skip
        with pytest.raises(StorageUnwritable) as caught:
            vault.open(secret, text, place)
        assert "example" not in str(caught.value)


def test_a_users_key_opens_under_the_same_pepper_and_for_the_same_user_alone() -> None:
    _, kept = _vault().new_key("ann")
    assert _vault().key(kept, "ann")
    for vault, user in ((_vault(), "bob"), (_vault(b"1e" * 32), "ann")):
        with pytest.raises(StorageUnwritable):
            vault.key(kept, user)


@pytest.mark.parametrize("text", [None, "", "10.0.0.1", "2001:db8::1", "a.b.c.d", "v1.x.y"])
def test_an_address_that_was_never_sealed_is_nobodys(text: str | None) -> None:
    assert owner_of(text) is None

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from chanflow.adapters.storage.key_store import KeyStore, key_file_lock, passphrase_lock
from chanflow.adapters.transport.venue_keys import VenueKeys
from chanflow.domain.errors import InvalidArgument, NotFound

KEYS = VenueKeys("public-key-abcd", "very-secret-value", "third-word")
LOCK = passphrase_lock("correct horse battery")


def store(folder: Path, passphrase: str = "correct horse battery") -> KeyStore:
    return KeyStore(folder, passphrase_lock(passphrase), os.urandom)


def test_keys_come_back_as_they_were_kept(tmp_path: Path) -> None:
    store(tmp_path).add("okx", "testnet", KEYS)
    assert store(tmp_path).keys("okx", "testnet") == KEYS


def test_environments_have_keys_of_their_own(tmp_path: Path) -> None:
    store(tmp_path).add("binance", "testnet", KEYS)
    with pytest.raises(NotFound, match="no keys for binance live"):
        store(tmp_path).keys("binance", "live")


def test_the_file_holds_no_secret_in_the_clear_and_is_its_owners_alone(tmp_path: Path) -> None:
    store(tmp_path).add("okx", "testnet", KEYS)
    path = tmp_path / "keys.enc"
    data = path.read_bytes()
    assert not any(word.encode() in data for word in (KEYS.key, KEYS.secret, KEYS.passphrase, "correct horse"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["keys.enc"]


def test_two_files_of_the_same_keys_have_nothing_in_common(tmp_path: Path) -> None:
    for name in ("a", "b"):
        store(tmp_path / name).add("okx", "testnet", KEYS)
    bodies = [(tmp_path / name / "keys.enc").read_bytes().split(b"\n")[1] for name in ("a", "b")]
    assert bodies[0] != bodies[1]


def test_a_wrong_passphrase_is_one_clear_sentence(tmp_path: Path) -> None:
    store(tmp_path).add("okx", "testnet", KEYS)
    with pytest.raises(InvalidArgument) as refusal:
        store(tmp_path, "another passphrase").keys("okx", "testnet")
    assert str(refusal.value) == (
        f"the passphrase does not open {tmp_path / 'keys.enc'}: it is another one, or the file was changed"
    )


@pytest.mark.parametrize("place", ["head", "body"])
def test_a_changed_file_is_noticed(tmp_path: Path, place: str) -> None:
    store(tmp_path).add("okx", "testnet", KEYS)
    path = tmp_path / "keys.enc"
    head, body, _ = path.read_bytes().split(b"\n")
    if place == "head":
        head = json.dumps({**json.loads(head), "note": "x"}, sort_keys=True).encode()
    else:
        body = (b"B" if body[:1] == b"A" else b"A") + body[1:]
    path.write_bytes(head + b"\n" + body + b"\n")
    with pytest.raises(InvalidArgument, match="or the file was changed"):
        store(tmp_path).keys("okx", "testnet")


@pytest.mark.parametrize("data", [b"", b"{}", b"{}\n", b"not json\nAAAA\n", b"[1]\nAAAA\n"])
def test_what_is_no_file_of_keys_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "keys.enc").write_bytes(data)
    with pytest.raises(InvalidArgument, match="is no file of keys"):
        store(tmp_path).stored()


def test_a_file_that_asks_for_much_memory_is_refused(tmp_path: Path) -> None:
    store(tmp_path).add("okx", "testnet", KEYS)
    path = tmp_path / "keys.enc"
    head, body, _ = path.read_bytes().split(b"\n")
    path.write_bytes(json.dumps({**json.loads(head), "n": 1 << 30}).encode() + b"\n" + body)
    with pytest.raises(InvalidArgument, match="is no file of keys"):
        store(tmp_path).stored()


def test_what_is_shown_has_no_secret(tmp_path: Path) -> None:
    store(tmp_path).add("okx", "testnet", KEYS)
    (shown,) = store(tmp_path).stored()
    assert (shown.venue, shown.environment, shown.ends_in) == ("okx", "testnet", "abcd")
    words = f"{KEYS!r} {LOCK!r} {shown!r} {store(tmp_path)!r}"
    assert not any(secret in words for secret in (KEYS.secret, KEYS.passphrase, "correct horse"))


def test_removed_keys_are_gone_and_others_stay(tmp_path: Path) -> None:
    for venue in ("okx", "binance"):
        store(tmp_path).add(venue, "testnet", KEYS)
    store(tmp_path).remove("okx", "testnet")
    assert [one.venue for one in store(tmp_path).stored()] == ["binance"]
    with pytest.raises(NotFound):
        store(tmp_path).remove("okx", "testnet")


def test_a_short_passphrase_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="has 5 letters, at least 12"):
        passphrase_lock("short")


def test_a_key_file_opens_the_keys(tmp_path: Path) -> None:
    path = tmp_path / "opener"
    path.write_text("0123456789abcdef0123456789abcdef\n")
    path.chmod(0o600)
    KeyStore(tmp_path, key_file_lock(path), os.urandom).add("okx", "live", KEYS)
    assert KeyStore(tmp_path, key_file_lock(path), os.urandom).keys("okx", "live") == KEYS


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "opener"
    path.write_text("0123456789abcdef0123456789abcdef\n")
    path.chmod(0o640)
    with pytest.raises(InvalidArgument, match=r"has mode 0640, others can read it: chmod 600"):
        key_file_lock(path)


@pytest.mark.parametrize(("venue", "environment"), [("OKX", "live"), ("okx:live", "live"), ("okx", ""), ("", "live")])
def test_names_that_could_be_two_things_are_refused(tmp_path: Path, venue: str, environment: str) -> None:
    with pytest.raises(InvalidArgument, match="small letters"):
        store(tmp_path).add(venue, environment, KEYS)

import io
from pathlib import Path
from typing import Any

import pytest

from chanflow.adapters.venues.emulator.limits import Limits
from chanflow.domain.errors import ChanflowError, InvalidArgument, NotFound
from chanflow.interfaces.cli.exchange import read_keys, run_exchange

OPTIONS: dict[str, Any] = {
    "host": "127.0.0.1", "port": 0, "ws_port": 0, "hyperliquid_port": 0, "source": "synthetic", "symbols": ["BTCUSDT"],
    "speed": "1", "loop": False, "seed": 1, "balance": "1", "keys": None, "latency_ms": 2.0, "clock_skew_ms": 0,
    "strict_keys": False, "state": None, "legacy_ws": False, "faults": None, "limits": Limits(), "print_url": False,
}  # fmt: skip


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"speed": "2"}, "speed is '2'"),
        ({"balance": "much"}, "balance is 'much'"),
        ({"balance": "-1"}, "balance is '-1'"),
        ({"balance": "NaN"}, "balance is 'NaN'"),
        ({"latency_ms": -1.0}, r"latency is -1\.0 ms"),
        ({"source": "air"}, "source is 'air'"),
        ({"symbols": ["BTC USDT"]}, "symbol 'BTC USDT'"),
        ({"keys": Path("/nowhere/keys.yaml")}, "no file of keys at /nowhere"),
        ({"faults": Path("/nowhere/script.yaml")}, "no fault script at /nowhere"),
    ],
)
def test_options_that_cannot_be_are_named(more: dict[str, Any], told: str) -> None:
    with pytest.raises(ChanflowError, match=told):
        run_exchange(**(OPTIONS | more), out=io.StringIO())


@pytest.mark.parametrize("text", ["a: b\n", '{"a": "b"}', '[{"key": "a", "secret": "b"}]'])
def test_keys_are_read_from_yaml_and_json(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keys"
    path.write_text(text)
    assert read_keys(path) == {"a": "b"}


@pytest.mark.parametrize("text", ["", "a", "[a]", "{", "[{key: a}]"])
def test_a_file_without_keys_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keys"
    path.write_text(text)
    with pytest.raises(InvalidArgument, match="keys"):
        read_keys(path)


def test_a_file_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        read_keys(tmp_path / "keys")


@pytest.mark.parametrize(
    ("text", "told"),
    [(b"- {when: {request: 0}, do: drop_ack}", "entry 1: `request` is 0, allowed are"), (b"\xff", "no text in UTF-8")],
)
def test_a_fault_script_that_cannot_be_is_named(tmp_path: Path, text: bytes, told: str) -> None:
    path = tmp_path / "script"
    path.write_bytes(text)
    with pytest.raises(InvalidArgument, match=told):
        run_exchange(**(OPTIONS | {"faults": path}), out=io.StringIO())


def test_a_public_key_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text('{"mine": "-----BEGIN PUBLIC KEY-----\\nAAAA\\n-----END PUBLIC KEY-----"}')
    with pytest.raises(InvalidArgument, match="public key of 'mine' is no Ed25519 key"):
        read_keys(path)

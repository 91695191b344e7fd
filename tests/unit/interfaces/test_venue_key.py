from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from chanflow.domain.errors import InvalidArgument
from chanflow.interfaces.cli.app import app

RUNNER = CliRunner()


def run(home: Path, *words: str, said: str = "", passphrase: str | None = "correct horse battery") -> Result:
    env = {"CHANFLOW_HOME": str(home), "CHANFLOW_KEYS_PASSPHRASE": passphrase}
    return RUNNER.invoke(app, ["venue-key", *words], input=said, env=env)


def test_keys_are_added_listed_and_removed(tmp_path: Path) -> None:
    added = run(tmp_path, "add", "okx", "--environment", "live", said="my-own-key-7788\nmy-secret\nmy-phrase\n")
    assert added.exit_code == 0, added.output
    assert run(tmp_path, "list").output == "okx live …7788\n"
    assert run(tmp_path, "remove", "okx", "--environment", "live").exit_code == 0
    assert run(tmp_path, "list").output == ""


def test_no_secret_is_printed(tmp_path: Path) -> None:
    added = run(tmp_path, "add", "binance", said="my-own-key-7788\nmy-secret\n")
    assert "my-secret" not in added.output + run(tmp_path, "list").output


def test_the_passphrase_is_asked_for_where_no_variable_says_it(tmp_path: Path) -> None:
    added = run(tmp_path, "add", "binance", said="correct horse battery\nmy-own-key-1234\nsecret\n", passphrase=None)
    assert added.exit_code == 0, added.output
    assert run(tmp_path, "list").output == "binance testnet …1234\n"


def test_a_wrong_passphrase_opens_nothing(tmp_path: Path) -> None:
    run(tmp_path, "add", "binance", said="my-own-key-1234\nsecret\n")
    refused = run(tmp_path, "list", passphrase="another passphrase")
    assert isinstance(refused.exception, InvalidArgument)
    assert "CHANFLOW_KEYS_PASSPHRASE does not open" in str(refused.exception)


def test_a_missing_line_is_named(tmp_path: Path) -> None:
    refused = run(tmp_path, "add", "binance", said="my-own-key-1234\n")
    assert "no line for binance API secret" in str(refused.exception)
    assert not (tmp_path / "keys.enc").exists()


def test_before_the_first_keys_the_list_says_so(tmp_path: Path) -> None:
    assert run(tmp_path, "list", passphrase=None).output == f"no keys are kept in {tmp_path}\n"


@pytest.mark.parametrize("venue", ["kraken", "simulated"])
def test_a_venue_that_needs_no_keys_is_refused(tmp_path: Path, venue: str) -> None:
    assert run(tmp_path, "add", venue).exit_code == 2

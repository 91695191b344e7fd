from __future__ import annotations

import pytest

from chanflow.domain.errors import InvalidArgument, SettingsInvalid
from chanflow.runtime.settings import Settings, load_settings
from chanflow.runtime.venue_choice import real_venue_settings


def settings(*overrides: str) -> Settings:
    said = [f"execution.venue.{one}" for one in overrides]
    return load_settings(config=None, overrides=said, environ={"HOME": "/"}).settings


def test_where_nobody_names_a_venue_it_is_paper() -> None:
    assert real_venue_settings(None, settings()) is None


def test_paper_is_paper_whatever_the_settings_say() -> None:
    assert real_venue_settings("paper", settings("name=binance")) is None


def test_the_settings_may_name_the_venue() -> None:
    found = real_venue_settings(None, settings("name=okx"))
    assert found is not None
    assert (found.name, found.environment) == ("okx", "testnet")


def test_the_flag_is_stronger_than_the_settings() -> None:
    found = real_venue_settings("hyperliquid", settings("name=okx"))
    assert found is not None
    assert found.name == "hyperliquid"


@pytest.mark.parametrize("name", [None, "binance"])
def test_real_money_is_refused(name: str | None) -> None:
    live = settings("name=binance", "environment=live", "real_money=true")
    with pytest.raises(SettingsInvalid, match="this version trades test money alone"):
        real_venue_settings(name, live)


def test_an_unknown_venue_is_named() -> None:
    with pytest.raises(InvalidArgument, match="venue is 'kraken': this version can reach paper, binance, okx, hyperl"):
        real_venue_settings("kraken", settings())

"""Strategies side by side: a symbol belongs to one, its share bounds its sizes, its name goes with its orders."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from made_commands import PRIOR
from made_model import ModelDesk, ScriptedMind, long_at_market

from chanflow.domain.errors import SettingsInvalid
from chanflow.runtime.settings import Settings, load_settings
from chanflow.runtime.strategies import asks_models, owner_of, shares_of, strategy_for

D = Decimal
MODEL = (
    'providers={"local": {"kind": "openai_compatible", "base_url": "http://127.0.0.1:9/v1", "free": true}}',
    "agents.analyst.model=local/one",
)


def strategies(*given: dict[str, Any]) -> str:
    base = {"name": "slow", "symbols": "SIMUSDT", "level": "5s", "analyst": "llm", "equity_share": "0.05"}
    return "strategies=" + json.dumps([{**base, **each} for each in given])


def settings(*overrides: str) -> Settings:
    return load_settings(config=None, overrides=(PRIOR, *overrides), environ={"HOME": "/"}).settings


def test_without_any_one_called_default_has_everything() -> None:
    found = strategy_for(settings(), "ANY")
    assert (found.name, found.level, found.analyst, found.equity_share) == ("default", None, "rules", 1)
    assert shares_of(settings()) == {}
    assert not asks_models(settings())


def test_a_symbol_belongs_to_the_strategy_that_names_it() -> None:
    both = settings(*MODEL, strategies({}, {"name": "quick", "symbols": "BTCUSDT", "analyst": "rules"}))
    assert (strategy_for(both, "SIMUSDT").name, strategy_for(both, "BTCUSDT").analyst) == ("slow", "rules")
    assert shares_of(both) == {"slow": D("0.05"), "quick": D("0.05")}
    assert asks_models(both)
    assert owner_of(both, "OTHER") is None
    with pytest.raises(SettingsInvalid, match="OTHER"):
        strategy_for(both, "OTHER")


def test_a_share_bounds_sizes_and_the_name_goes_with_the_order(tmp_path: Path) -> None:
    desk = ModelDesk(tmp_path, ScriptedMind(long_at_market), overrides=(*MODEL, strategies({}))).run()
    approved = desk.records("approved_order")[0].body
    assert approved["strategy"] == "slow"
    assert any("volatility" in clip for clip in approved["clips"])
    worth = D(approved["terms"]["qty_base"]) * D(100)
    assert worth <= D("0.05") * D(10_000)
    assert {p["strategy"] for p in desk.proposals()} == {"slow"}


def test_a_run_at_another_level_than_its_strategy_s_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="decides at 1m, and this run is at 5s"):
        ModelDesk(tmp_path, ScriptedMind(long_at_market), overrides=(*MODEL, strategies({"level": "1m"}))).run()

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from chanflow.domain.errors import BudgetSpent, SettingsInvalid
from chanflow.runtime.price_file import load_prices

OURS = load_prices(None, kinds={})
HEAD = 'as_of: "2026-01-05"\nsource: my provider\n'


def _file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "prices.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_our_list_says_its_day_and_source() -> None:
    assert OURS.as_of == "2026-11-21"
    assert "genai-prices 0.2.3" in OURS.source
    assert len(OURS.prices) > 30


@pytest.mark.parametrize("model", sorted(OURS.prices))
def test_our_list_is_never_below_any_rate_of_its_source(model: str) -> None:
    from genai_prices import data
    from genai_prices.types import TieredPrices

    provider, _, name = model.partition("/")
    (found,) = [m for p in data.providers if p.id == provider for m in p.models if m.id == name]
    rates: dict[str, list[Decimal]] = {"input": [], "output": []}
    for hour in range(24):
        price = found.get_prices(datetime(2026, 11, 21, hour, 15, tzinfo=UTC))
        for key, rate in (("input", price.input_mtok), ("output", price.output_mtok)):
            tiered = isinstance(rate, TieredPrices)
            rates[key] += [rate.base, *(tier.price for tier in rate.tiers)] if tiered else [rate]
    assert OURS.prices[model].input_usd >= max(rates["input"])
    assert OURS.prices[model].output_usd >= max(rates["output"])


def test_a_users_prices_go_before_ours_and_leave_the_others(tmp_path: Path) -> None:
    text = HEAD + 'usd_per_million_tokens:\n  deepseek/deepseek-chat: {input: "1", output: "2"}\n'
    prices = load_prices(_file(tmp_path, text), kinds={"ds": "deepseek"})
    assert prices.cost("ds/deepseek-chat", 10**6, 10**6) == 3
    assert prices.cost("openai/gpt-4o", 10**6, 0) == Decimal("2.5")
    with pytest.raises(BudgetSpent, match="in the list of 2026-01-05"):
        prices.cost("ds/other", 1, 1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[", "is no YAML"),
        ("", "must hold as_of, source, usd_per_million_tokens"),
        (HEAD, "must hold as_of"),
        (HEAD + "usd_per_million_tokens: []", "must hold as_of"),
        (HEAD + "usd_per_million_tokens: {}\nmore: 1", "must hold as_of"),
        ("as_of: lately\nsource: x\nusd_per_million_tokens: {}", "as_of is 'lately'"),
        (HEAD + "usd_per_million_tokens: {gpt: {input: '1', output: '1'}}", "'gpt' names no provider/model"),
        (HEAD + "usd_per_million_tokens: {7: {input: '1', output: '1'}}", "'7' names no provider/model"),
        (HEAD + "usd_per_million_tokens: {a/b: {input: '1'}}", "a/b has no input and output"),
        (HEAD + "usd_per_million_tokens: {a/b: {input: 0.1, output: '1'}}", "a/b input is 0.1, and money is exact"),
        (HEAD + "usd_per_million_tokens: {a/b: {input: '1', output: free}}", "a/b output is 'free', a number"),
        (HEAD + "usd_per_million_tokens: {a/b: {input: '0', output: '1'}}", "is 0, allowed is above 0 to 10000"),
        (HEAD + "usd_per_million_tokens: {a/b: {input: NaN, output: '1'}}", "is NaN, allowed is above 0"),
        (HEAD + "usd_per_million_tokens: {a/b: {input: '-1', output: '1'}}", "is -1, allowed is above 0"),
    ],
)
def test_a_wrong_price_file_is_refused_in_one_sentence(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SettingsInvalid) as told:
        load_prices(_file(tmp_path, text), kinds={})
    assert words in str(told.value)
    assert "\n" not in str(told.value)


def test_a_price_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="cannot be read: no such file or directory"):
        load_prices(tmp_path / "none.yaml", kinds={})

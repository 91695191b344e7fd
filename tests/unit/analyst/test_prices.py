from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanflow.analyst.prices import Price, PriceList
from chanflow.domain.errors import BudgetSpent

LIST = PriceList(
    as_of="2026-11-21",
    source="a test",
    prices={
        "deepseek/deepseek-chat": Price(Decimal("0.27"), Decimal("1.1")),
        "mine/deepseek-chat": Price(Decimal("0.1"), Decimal("0.2")),
    },
    kinds={"deepseek": "deepseek", "mine": "deepseek", "other": "deepseek", "local": "openai_compatible"},
    free=frozenset({"local"}),
)


def test_tokens_cost_what_a_million_costs_in_proportion() -> None:
    assert LIST.cost("deepseek/deepseek-chat", 3_000, 500) == Decimal("0.00136")


def test_a_providers_own_price_goes_before_its_kinds() -> None:
    assert LIST.cost("mine/deepseek-chat", 1_000_000, 0) == Decimal("0.1")
    assert LIST.cost("other/deepseek-chat", 1_000_000, 0) == Decimal("0.27")


def test_a_free_provider_costs_nothing_whatever_the_model() -> None:
    assert LIST.cost("local/anything", 10**6, 10**6) == 0


@pytest.mark.parametrize("model", ["deepseek/deepseek-chat-v9", "nobody/deepseek-chat", "deepseek", "", "/"])
def test_a_model_without_a_price_is_refused(model: str) -> None:
    with pytest.raises(BudgetSpent, match="has no price in the list of 2026-11-21, so nobody knows what it may cost"):
        LIST.cost(model, 1, 1)


@given(st.integers(0, 10**8), st.integers(0, 10**8), st.integers(0, 10**8))
def test_costs_add_up_exactly(first: int, second: int, out: int) -> None:
    one, two = LIST.cost("deepseek/deepseek-chat", first, out), LIST.cost("deepseek/deepseek-chat", second, 0)
    assert one + two == LIST.cost("deepseek/deepseek-chat", first + second, out)

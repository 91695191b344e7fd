"""The plans have the document's figures, and a desk's file may change them, but not by accident."""

from __future__ import annotations

from typing import Any

import pytest

from chanflow.access.plans import PLANS, overridden
from chanflow.domain.errors import SettingsInvalid


def test_the_plans_are_those_of_the_document() -> None:
    quotas = ("bsp_query", "alert_subscription", "api_call", "backtest")
    assert {
        plan.name: (*(plan.limits[q] for q in quotas), plan.rate_per_s, plan.burst, plan.jobs)
        for plan in PLANS.values()
    } == {
        "free": (3, 5, 1_000, 0, 2, 10, 1),
        "pro": (-1, 50, 10_000, 10, 10, 50, 2),
        "developer": (-1, 100, 50_000, 100, 50, 200, 4),
        "enterprise": (-1, -1, -1, -1, 200, 800, 16),
    }
    assert {plan.name: (plan.sockets, plan.socket_subscriptions) for plan in PLANS.values()} == {
        "free": (1, 5), "pro": (5, 50), "developer": (20, 100), "enterprise": (200, 1_000),
    }  # fmt: skip


def test_a_file_changes_what_it_names_and_nothing_else() -> None:
    plans = overridden({"free": {"bsp_query": 30, "burst": 11, "sockets": 3}}, "plans.yaml")
    assert (plans["free"].sockets, plans["free"].socket_subscriptions) == (3, 5)
    assert (plans["free"].limits["bsp_query"], plans["free"].limits["api_call"], plans["free"].burst) == (30, 1_000, 11)
    assert plans["pro"] == PLANS["pro"]
    assert overridden(None, "plans.yaml") == PLANS


@pytest.mark.parametrize(
    ("tree", "sentence"),
    [
        ({"gold": {}}, "names a plan 'gold', there are free, pro, developer, enterprise"),
        ({"free": {"bsp_querys": 3}}, "free has no key 'bsp_querys', there are bsp_query"),
        ({"free": {"bsp_query": -2}}, "free.bsp_query is -2, allowed are -1 to 1000000000"),
        ({"free": {"bsp_query": True}}, "free.bsp_query is True"),
        ({"free": {"rate_per_s": 0}}, "free.rate_per_s is 0, allowed are 1 to"),
        ({"free": {"burst": "9"}}, "free.burst is '9'"),
        ({"free": {"jobs": 0}}, "free.jobs is 0, allowed are 1 to"),
        ({"free": 3}, "free has no keys below it"),
        ([], "is no mapping of plans"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused(tree: Any, sentence: str) -> None:
    with pytest.raises(SettingsInvalid, match=r"plans\.yaml") as raised:
        overridden(tree, "plans.yaml")
    assert sentence in str(raised.value)

from __future__ import annotations

from dataclasses import replace

import pytest
from made_cases import T0, made_decision, made_trade

from chanflow.domain.memory import SimilarCase
from chanflow.review.performance import performance_of
from chanflow.review.ports import Found
from chanflow.review.similar import similar_cases


def found(*similarities: float, r: float = 1.0) -> Found:
    return Found(
        tuple(SimilarCase(made_decision(f"d{i}", closed_ns=T0, r=r), s) for i, s in enumerate(similarities)), exact=True
    )


def test_fewer_than_five_alike_are_no_comparable_cases() -> None:
    few = similar_cases(found(0.99, 0.9, 0.8, 0.7, 0.6, 0.5))
    assert (few.comparable, few.n, few.mean_r, few.hit_rate, few.hit_interval) == (False, 0, None, None, None)
    assert len(few.cases) == 6


def test_figures_are_of_those_above_the_bound_only() -> None:
    cases = found(0.99, 0.9, 0.8, 0.7, 0.61).cases + found(0.5, r=-9.0).cases
    told = similar_cases(Found(cases, exact=False))
    assert (told.comparable, told.n, told.mean_r, told.hit_rate, told.exact) == (True, 5, 1.0, 1.0, False)
    assert told.hit_interval == pytest.approx((0.5655, 1.0), abs=1e-4)


def test_a_case_without_r_counts_for_hits_and_not_for_the_mean() -> None:
    cases = found(0.9, 0.9, 0.9, 0.9).cases
    outcome = cases[0].decision.outcome
    assert outcome is not None
    odd = made_decision("odd", closed_ns=T0)
    odd = replace(odd, outcome=replace(outcome, decision_id="odd", r_multiple=None))
    told = similar_cases(Found((*cases, SimilarCase(odd, 0.9)), exact=True))
    assert (told.n, told.mean_r) == (5, 1.0)


def test_performance_of_nothing_has_no_rates() -> None:
    figures = performance_of([])
    assert (figures["n"], figures["hit_rate"], figures["mean_r"], figures["net_quote"]) == (0, None, None, "0")


def test_performance_counts_gross_cost_and_net_apart() -> None:
    figures = performance_of([made_trade("a", net="10"), made_trade("b", net="-4", risk=None)])
    wanted = {"n": 2, "hits": 1, "n_r": 1, "mean_r": 1.0, "gross_quote": "8", "fees_quote": "2", "net_quote": "6"}
    assert {name: figures[name] for name in wanted} == wanted

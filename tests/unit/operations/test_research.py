"""backtest_strategy: points on bars, costs on, as a job."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chanflow.operations.offered import build_catalogue
from chanflow.operations.operation import Asked
from chanflow.operations.outcome import Declined, Failed
from chanflow.operations.principal import LOCAL_OPERATOR
from chanflow.operations.research import BACKTEST_STRATEGY, Backtested, BacktestStrategy
from chanflow.operations.services import TrialsOfProcess

pytestmark = pytest.mark.asyncio


async def backtest(services: Any, **args: Any) -> Backtested:
    model = BacktestStrategy.model_validate({"level": "1m", **args})
    return await BACKTEST_STRATEGY.handler(Asked(model, LOCAL_OPERATOR, services, "r-1"))


async def test_costs_are_charged_and_every_share_has_its_interval(desk: Any) -> None:
    found = await backtest(desk.memory_services(), symbols=["ETHUSDT", "BTCUSDT"])
    assert (found.status, found.progress) == ("succeeded", 1.0)
    result = found.result
    assert result is not None
    assert result.trades > 0
    assert result.costs > 0
    assert result.net == pytest.approx(result.gross - result.costs)
    assert result.return_frac == pytest.approx(result.net / 100_000)
    assert sum(row.trades for row in result.by_symbol) == result.trades
    if result.hit_rate is not None:
        assert result.ci.low is not None
        assert result.ci.high is not None
        assert result.ci.low <= result.hit_rate <= result.ci.high
    assert result.sharpe is None
    assert result.sharpe_reason.startswith("too_short")


async def test_the_same_question_is_the_same_job_and_can_be_asked_for_again(desk: Any) -> None:
    services = replace(desk.memory_services(), trials=TrialsOfProcess())
    first = await backtest(services, symbols=["ETHUSDT"])
    assert await backtest(services, symbols=["ETHUSDT"]) == first
    assert await backtest(services, job_id=first.job_id) == first
    other = await backtest(services, symbols=["ETHUSDT"], params={"reward_risk": 3})
    assert other.job_id != first.job_id
    assert first.result is not None
    assert other.result is not None
    assert (first.result.trials, other.result.trials) == (1, 2)


async def test_higher_costs_never_earn_more(desk: Any) -> None:
    services = desk.memory_services()
    nets = []
    for taker_bps in (0.0, 5.0, 50.0):
        result = (await backtest(services, symbols=["ETHUSDT"], taker_bps=taker_bps)).result
        assert result is not None
        nets.append(result.net)
    assert nets == sorted(nets, reverse=True)
    assert nets[0] > nets[2]


async def test_symbols_or_a_job_must_be_named(desk: Any) -> None:
    outcome = await build_catalogue(desk.memory_services()).execute(
        LOCAL_OPERATOR, "backtest_strategy", {}, door="rest", request_id="r-1"
    )
    assert isinstance(outcome, Failed)
    assert (outcome.error.message, outcome.error.field) == ("symbols or job_id must be given", None)


async def test_the_past_does_not_know_the_future(desk: Any) -> None:
    services = desk.memory_services()
    early = (await backtest(services, symbols=["ETHUSDT"], end="2026-01-01T05:00:00Z")).result
    assert early is not None
    assert early.end is not None
    assert early.end <= "2026-01-01T05:00:00.000Z"


async def test_symbols_without_bars_are_named_and_left_out(desk: Any) -> None:
    result = (await backtest(desk.memory_services(), symbols=["ETHUSDT", "NONE"])).result
    assert result is not None
    assert result.skipped == ["NONE"]


@pytest.mark.parametrize(
    ("args", "field"),
    [
        ({"symbols": ["ETHUSDT"], "params": {"wings": 1}}, "params"),
        ({"symbols": ["ETHUSDT"], "params": {"entry": "buy9"}}, "params"),
        ({"symbols": ["ETHUSDT"], "params": {"reward_risk": 0}}, "params"),
        ({"symbols": ["ETHUSDT"], "params": {"reward_risk": True}}, "params"),
        ({"symbols": ["ETHUSDT"], "params": {"max_hold_bars": 1.5}}, "params"),
        ({"symbols": ["NONE"]}, "symbol"),
        ({"symbols": ["ETHUSDT"], "start": "2026-01-02T00:00:00Z", "end": "2026-01-01T00:00:00Z"}, "start"),
        ({"job_id": "5e86eb5b-8a49-58c5-996d-0852113c9803"}, "job_id"),
    ],
)
async def test_what_makes_no_backtest_is_refused_by_name(desk: Any, args: dict[str, Any], field: str) -> None:
    with pytest.raises(Declined) as refused:
        await backtest(desk.memory_services(), **args)
    assert refused.value.field == field

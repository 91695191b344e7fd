"""get_performance and get_report, of a real run and of a backtest."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from made_commands import HandDesk, trade

from chanflow.operations.offered import build_catalogue
from chanflow.operations.outcome import Done, Failed, Outcome, body_of
from chanflow.operations.principal import LOCAL_OPERATOR
from chanflow.operations.services import Services
from chanflow.review.daily import fold
from chanflow.review.journal import read_records
from chanflow.runtime.desk_files import NewestRun
from chanflow.runtime.home import Home
from chanflow.runtime.run_reports import RunReports


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A data directory with a run of one trade and one refusal."""
    root = tmp_path_factory.mktemp("home")
    bought = trade(stop_price=Decimal("99.95"), take_profit_price=Decimal("100.08"))
    given = [(200.3, bought), (300.3, replace(bought, client_order_id="mine-0002", stop_price=Decimal(190)))]
    made = HandDesk(tmp_path_factory.mktemp("run"), given, duration_s=800).run()
    folder = Home(root).new_run("hand-7")
    folder.journal_path.write_bytes(made.journal.read_bytes())
    return Home(root)


@pytest.fixture
def services(desk: Any, home: Home) -> Services:
    found: Services = replace(desk.memory_services(), track=NewestRun(home), reports=RunReports(home))
    return found


async def ask(services: Services, name: str, **args: Any) -> Outcome:
    return await build_catalogue(services).execute(LOCAL_OPERATOR, name, args, door="rest", request_id="r-1")


async def done(services: Services, name: str, **args: Any) -> dict[str, Any]:
    outcome = await ask(services, name, **args)
    assert isinstance(outcome, Done), outcome
    body: dict[str, Any] = body_of(outcome)
    return body


async def test_a_desks_trades_are_told_with_all_they_cost(services: Services) -> None:
    found = await done(services, "get_performance", window="all", group_by="strategy", mode="paper")
    assert found["n"] == 1
    assert found["costs"] > 0
    assert found["gross"] == pytest.approx(found["net"] + found["costs"])
    assert found["expectancy"] == found["net"]
    assert [group["n"] for group in found["groups"]] == [1]
    assert found["ci"] == {"low": None, "high": None}
    assert found["sharpe"] is None
    assert found["baseline"]["no_llm"] == found["return_frac"]
    assert found["baseline"]["buy_hold"] is not None


async def test_a_grown_journal_gives_new_figures(services: Services, home: Home) -> None:
    before = await done(services, "get_performance", window="all")
    assert await done(services, "get_performance", window="all") == before
    path = home.newest_run().journal_path  # type: ignore[union-attr]
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:5]))
    try:
        fresh = replace(services, track=NewestRun(home))
        early = await done(fresh, "get_performance", window="all")
        assert (early["n"], early["gross"], early["net"], early["hit_rate"]) == (0, None, None, None)
        path.write_bytes(whole)
        assert await done(fresh, "get_performance", window="all") == before
    finally:
        path.write_bytes(whole)


async def test_a_backtests_performance_is_that_of_its_rows(services: Services) -> None:
    job = await done(services, "backtest_strategy", symbols=["ETHUSDT", "BTCUSDT"], level="1m", wait_s=20)
    result = job["result"]
    found = await done(services, "get_performance", window="all", job_id=job["job_id"], group_by="symbol")
    assert found["n"] == result["trades"] > 0
    for name in ("gross", "costs", "net", "return_frac", "max_drawdown_frac", "sharpe"):
        assert found[name] == pytest.approx(result[name]), name
    assert {group["name"]: group["n"] for group in found["groups"]} == {
        row["symbol"]: row["trades"] for row in result["by_symbol"] if row["trades"]
    }
    assert found["baseline"]["no_llm"] == found["return_frac"]
    points = await done(services, "get_performance", window="all", job_id=job["job_id"], group_by="point_type")
    assert {group["name"] for group in points["groups"]} <= {"buy2", "buy3", "sell2", "sell3"}
    assert sum(group["n"] for group in points["groups"]) == found["n"]


@pytest.mark.parametrize(
    ("args", "code", "field"),
    [
        ({"mode": "live"}, "not_found", "mode"),
        ({"window": "1y"}, "invalid_argument", "window"),
        ({"job_id": "5e86eb5b-8a49-58c5-996d-0852113c9803"}, "not_found", "job_id"),
        ({"job_id": "5e86eb5b-8a49-58c5-996d-0852113c9803", "mode": "paper"}, "invalid_argument", "mode"),
    ],
)
async def test_what_has_no_performance_is_said_so(
    services: Services, args: dict[str, Any], code: str, field: str
) -> None:
    outcome = await ask(services, "get_performance", **args)
    assert isinstance(outcome, Failed)
    assert (outcome.error.code, outcome.error.field) == (code, field)


async def test_a_desk_that_never_ran_has_none(desk: Any) -> None:
    for name in ("get_performance", "get_report"):
        outcome = await ask(desk.memory_services(), name)
        assert isinstance(outcome, Failed)
        assert outcome.error.code == "not_found"


async def test_a_report_has_the_figures_of_the_page(services: Services, home: Home) -> None:
    found = await done(services, "get_report")
    day = fold(read_records(home.newest_run().journal_path))  # type: ignore[union-attr]
    assert (found["run_id"], found["date"], found["notice"]) == ("hand-7", None, "Not investment advice")
    report = found["report"]
    assert (report["schema"], report["finished"], report["records"]) == ("chanflow.report/1", True, day.records)
    assert Decimal(report["money"]["net"]) == round(day.net_quote, 8)
    assert Decimal(report["money"]["costs"]) == round(day.cost_quote, 8)
    assert report["counts"]["trades"] == len(report["trades"]) == 1
    assert report["refused_for"] == {"stop_side": 1}
    assert report["refusals"][0]["reasons"][0]["code"] == "stop_side"
    assert report["provenance"]["run_id"] == day.head["run_id"]
    assert "source.file" not in report["provenance"]
    assert await done(services, "get_report", run_id="hand-7") == found


async def test_a_date_has_its_own_report_and_another_has_none(services: Services, home: Home) -> None:
    whole = await done(services, "get_report")
    date = whole["known_at"][:10]
    found = await done(services, "get_report", date=date)
    assert found["report"]["money"]["net"] == whole["report"]["money"]["net"]
    for args in ({"date": "1999-01-01"}, {"run_id": "nobody"}):
        outcome = await ask(services, "get_report", **args)
        assert isinstance(outcome, Failed)
        assert (outcome.error.code, outcome.error.field) == ("not_found", next(iter(args)))


@pytest.mark.parametrize("args", [{"date": "2026-02-30"}, {"date": "2026-2-3"}, {"run_id": "../secret"}])
async def test_a_report_of_what_cannot_be_is_refused(services: Services, args: dict[str, Any]) -> None:
    outcome = await ask(services, "get_report", **args)
    assert isinstance(outcome, Failed)
    assert (outcome.error.code, outcome.error.field) == ("invalid_argument", next(iter(args)))

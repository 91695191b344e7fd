"""The report of a checked file, as a value, JSON and a table."""

from __future__ import annotations

import json

from chanflow.market.quality_report import QualityReport, RowList, SocketClock, day_budgets

REPORT = QualityReport(
    name="f.csv",
    venue="binance-usdm",
    symbols=("BTCUSDT",),
    rows=1_000,
    bad_rows=101,
    codes={"latency": RowList(101, tuple(range(1, 101)))},
    not_market=RowList(1, (7,)),
    notes=("a note",),
    days=day_budgets(
        [{"day": 19_943, "rows": 1_000, "duplicates": 5, "quarantined": 0, "seconds": 100, "empty_seconds": 0}]
    ),
    sockets=(SocketClock(0, -1_273, 53, 2, 1, 5),),
)


def test_a_share_at_its_budget_is_over_it() -> None:
    [day] = REPORT.days
    assert (day.date, day.duplicates_frac, day.over) == ("2024-08-08", 0.005, ("duplicates",))


def test_a_day_without_rows_or_outside_the_calendar_has_no_share() -> None:
    [day] = day_budgets(
        [{"day": 2**60, "rows": 0, "duplicates": 0, "quarantined": 0, "seconds": 0, "empty_seconds": 0}]
    )
    assert (day.date, day.empty_seconds_frac, day.over) == (f"day {2**60}", 0.0, ())


def test_the_document_is_json_and_says_whether_all_is_well() -> None:
    document = json.loads(json.dumps(REPORT.document()))
    assert document["ok"] is False
    assert document["codes"]["latency"] == {"count": 101, "rows": list(range(1, 101))}
    assert document["sockets"][0]["clock_steps"] == 2


def test_the_table_lists_rows_and_says_where_there_are_more() -> None:
    lines = list(REPORT.lines())
    assert lines[0] == "f.csv: binance-usdm BTCUSDT, 1,000 rows, 101 with a code"
    assert lines[1].endswith("99, 100 …")
    assert lines[2].endswith("rows 7")
    assert lines[4] == "  clock 0: offset -1273 ms, largest excess 53 ms, 2 steps, 1 of 5 minutes slow"
    assert lines[5].endswith("over budget: duplicates")

"""The same call through every door gives the same body, byte for byte."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytestmark = pytest.mark.server

ANSWERED: list[tuple[str, dict[str, Any]]] = [
    ("get_klines", {"symbol": "BTCUSDT", "level": "1m"}),
    ("get_klines", {"symbol": "BTCUSDT", "level": "1m", "limit": 5, "start": "2026-01-01T01:00:00Z"}),
    ("get_klines", {"symbol": "EMPTY", "level": "1m"}),
    ("get_klines", {"symbol": "BTCUSDT", "level": "1m", "limit": 2, "fill": True}),
    ("get_market_status", {}),
    ("get_market_status", {"symbols": ["BTCUSDT", "000001.SZ"]}),
    ("get_position", {}),
    ("get_position", {"symbol": "ETHUSDT", "mode": "paper"}),
    ("analyze_structure", {"symbol": "BTCUSDT", "level": "1m"}),
    ("analyze_structure", {"symbol": "BTCUSDT", "level": "1m", "parts": ["fractals", "strokes"], "limit": 3}),
    ("analyze_structure", {"symbol": "BTCUSDT", "level": "1m", "parts": ["points"], "as_of": "2026-01-01T02:00:30Z"}),
    ("analyze_structure", {"symbol": "ETHUSDT", "level": "1m", "parts": ["centers", "divergences", "points"]}),
    ("analyze_structure", {"symbol": "EMPTY", "level": "1m"}),
    ("query_buy_sell_points", {"level": "1m"}),
    ("query_buy_sell_points", {"symbol": "ETHUSDT", "level": "1m", "state": "any", "limit": 3}),
    ("query_buy_sell_points", {"symbol": "ETHUSDT", "level": "1m", "type": ["buy1", "sell2"], "state": "provisional"}),
    (
        "query_buy_sell_points",
        {"level": "1m", "state": "any", "since": "2026-01-01T03:00:00Z", "as_of": "2026-01-01T08:00:30Z"},
    ),
    ("query_buy_sell_points", {"symbol": "EMPTY", "level": "1m"}),
    ("backtest_strategy", {"symbols": ["ETHUSDT"], "level": "1m"}),
    (
        "backtest_strategy",
        {"symbols": ["ETHUSDT", "NONE"], "level": "1m", "taker_bps": 2, "end": "2026-01-01T08:00:00Z"},
    ),
]

FED: list[tuple[str, dict[str, Any]]] = [
    ("get_live_snapshot", {"symbols": ["BTCUSDT", "DOGEUSDT"]}),
    ("get_historical_slice", {"symbols": ["BTCUSDT"], "start_ts": 1_767_225_600_000, "end_ts": 1_767_225_605_000}),
    (
        "get_historical_slice",
        {"symbols": ["BTCUSDT"], "start_ts": 0, "end_ts": 1_767_225_900_000, "interval": "1m", "limit": 3},
    ),
    (
        "get_historical_slice",
        {"symbols": ["BTCUSDT"], "start_ts": 0, "end_ts": 1_767_312_000_000, "kinds": ["gap", "trade"], "limit": 4},
    ),
    ("get_orders", {}),
    ("get_orders", {"symbol": "BTCUSDT", "state": "open"}),
    ("get_orders", {"state": "expired", "since": "2026-01-01T00:03:00Z", "limit": 2}),
]
"""Answers for programs, which the tools of an agent leave out."""

TRADE: dict[str, Any] = {
    "client_order_id": "mine-0001", "symbol": "BTCUSDT", "side": "buy", "size_quote": "100", "price": "42000",
    "stop_price": "41000", "take_profit_price": "44000",
}  # fmt: skip

FED_REFUSED: list[tuple[str, dict[str, Any], str, str | None]] = [
    ("get_live_snapshot", {"symbols": []}, "invalid_argument", "symbols"),
    ("get_live_snapshot", {"symbols": ["../etc"]}, "invalid_argument", "symbols.0"),
    ("get_historical_slice", {"symbols": ["BTCUSDT"], "start_ts": 5, "end_ts": 5}, "invalid_argument", "end_ts"),
    ("get_historical_slice", {"symbols": ["BTCUSDT"], "start_ts": -1, "end_ts": 5}, "invalid_argument", "start_ts"),
    (
        "get_historical_slice",
        {"symbols": ["BTCUSDT"], "start_ts": 0, "end_ts": 5, "kinds": ["wing"]},
        "invalid_argument",
        "kinds.0",
    ),
    (
        "get_historical_slice",
        {"symbols": ["BTCUSDT"], "start_ts": 0, "end_ts": 5, "columns": ["wings"]},
        "invalid_argument",
        "columns",
    ),
    (
        "get_historical_slice",
        {"symbols": ["BTCUSDT"], "start_ts": 0, "end_ts": 5, "cursor": "AAAA"},
        "invalid_argument",
        "cursor",
    ),
    (
        "get_historical_slice",
        {"symbols": ["BTCUSDT"], "start_ts": 0, "end_ts": 5, "limit": 100_001},
        "invalid_argument",
        "limit",
    ),
    (
        "get_historical_slice",
        {"symbols": ["BTCUSDT"], "start_ts": 0, "end_ts": 5, "kinds": ["trade"], "interval": "1m"},
        "invalid_argument",
        "kinds",
    ),
    ("get_historical_slice", {"symbols": ["DOGEUSDT"], "start_ts": 0, "end_ts": 5}, "not_found", "symbols"),
]

REFUSED: list[tuple[str, dict[str, Any], str, str | None]] = [
    ("get_klines", {"level": "1m"}, "invalid_argument", "symbol"),
    ("get_klines", {"symbol": "BTCUSDT", "sneaky": "1"}, "invalid_argument", "sneaky"),
    ("get_klines", {"symbol": "BTCUSDT", "limit": "many"}, "invalid_argument", "limit"),
    ("get_klines", {"symbol": "BTCUSDT", "limit": 0}, "invalid_argument", "limit"),
    ("get_klines", {"symbol": "BTCUSDT", "limit": 10_001}, "invalid_argument", "limit"),
    ("get_klines", {"symbol": "BTCUSDT", "limit": 10**40}, "invalid_argument", "limit"),
    ("get_klines", {"symbol": "BTCUSDT", "limit": 2.5}, "invalid_argument", "limit"),
    ("get_klines", {"symbol": "BTC USDT"}, "invalid_argument", "symbol"),
    ("get_klines", {"symbol": "BTCUSDT", "level": "2m"}, "invalid_argument", "level"),
    ("get_klines", {"symbol": "BTCUSDT", "start": "yesterday"}, "invalid_argument", "start"),
    ("get_klines", {"symbol": "BTCUSDT", "start": "2026-02-30T00:00:00Z"}, "invalid_argument", "start"),
    ("get_klines", {"symbol": "BTCUSDT", "cursor": "AAAA"}, "invalid_argument", "cursor"),
    (
        "get_klines",
        {"symbol": "BTCUSDT", "start": "2026-01-02T00:00:00Z", "end": "2026-01-01T00:00:00Z"},
        "invalid_argument",
        "end",
    ),
    ("get_klines", {"symbol": "DOGEUSDT", "level": "1m"}, "not_found", "symbol"),
    ("get_klines", {"symbol": "BTCUSDT", "level": "1d"}, "not_found", "level"),
    ("get_klines", {"symbol": "BTCUSDT", "level": "1M"}, "not_found", "level"),
    ("analyze_structure", {"symbol": "BTCUSDT", "parts": ["strokes", "wings"]}, "invalid_argument", "parts.1"),
    ("query_buy_sell_points", {"type": ["buy1", "buy4"]}, "invalid_argument", "type.1"),
    ("query_buy_sell_points", {"state": "void"}, "invalid_argument", "state"),
    ("query_buy_sell_points", {"limit": 501}, "invalid_argument", "limit"),
    ("query_buy_sell_points", {"cursor": "AAAA"}, "invalid_argument", "cursor"),
    ("query_buy_sell_points", {"symbol": "DOGEUSDT", "level": "1m"}, "not_found", "symbol"),
    ("get_klines", {"symbol": "BTCUSDT", "level": "1m", "adjust": "forward"}, "not_found", "adjust"),
    ("get_klines", {"symbol": "BTCUSDT", "level": "1m", "adjust": "sideways"}, "invalid_argument", "adjust"),
    ("get_klines", {"symbol": "BTCUSDT", "level": "1m", "fill": "perhaps"}, "invalid_argument", "fill"),
    ("get_market_status", {"symbols": ["BTC USDT"]}, "invalid_argument", "symbols.0"),
    ("get_position", {"mode": "live"}, "not_found", "mode"),
    *[
        ("execute_trade", TRADE | spoilt, code, field)
        for spoilt, code, field in [
            ({}, "conflict", None),
            ({"client_order_id": "short"}, "invalid_argument", "client_order_id"),
            ({"client_order_id": "with space 1"}, "invalid_argument", "client_order_id"),
            ({"size_quote": "-5"}, "invalid_argument", "size_quote"),
            ({"size_quote": "0.00"}, "invalid_argument", "size_quote"),
            ({"size_quote": "1e9"}, "invalid_argument", "size_quote"),
            ({"size_quote": "9" * 19}, "invalid_argument", "size_quote"),
            ({"leverage": 6}, "invalid_argument", "leverage"),
            ({"side": "long"}, "invalid_argument", "side"),
            ({"order_type": "market"}, "invalid_argument", "price"),
            ({"reduce_only": True}, "invalid_argument", "stop_price"),
            ({"mode": "live"}, "not_found", "mode"),
        ]
    ],
    ("execute_trade", {k: v for k, v in TRADE.items() if k != "price"}, "invalid_argument", "price"),
    ("execute_trade", {k: v for k, v in TRADE.items() if k != "stop_price"}, "invalid_argument", "stop_price"),
    ("cancel_order", {"client_order_id": "mine-0001"}, "conflict", None),
    ("cancel_order", {}, "invalid_argument", "client_order_id"),
]

NOT_TOOLS: list[tuple[str, dict[str, Any], str, str | None]] = [
    ("close_all", {}, "conflict", None),
    ("close_all", {"symbol": "BTC USDT"}, "invalid_argument", "symbol"),
    ("halt", {}, "conflict", None),
    ("halt", {"reason": "a\nb"}, "invalid_argument", "reason"),
    ("resume", {}, "invalid_argument", "note"),
    ("set_level", {"level": "L9", "who": "ann"}, "invalid_argument", "level"),
    ("approve", {"proposal_id": "p-1"}, "conflict", None),
    ("lift_wall", {"who": "ann", "note": ""}, "invalid_argument", "note"),
    ("lift_wall", {"who": "ann", "note": "looked at it"}, "conflict", None),
    ("get_risk_state", {}, "conflict", None),
    ("check_risk", {"symbol": "BTCUSDT"}, "invalid_argument", "side"),
    ("get_orders", {"state": "asleep"}, "invalid_argument", "state"),
    ("get_orders", {"limit": 201}, "invalid_argument", "limit"),
    ("get_orders", {"cursor": "AAAA"}, "invalid_argument", "cursor"),
]

FAILING: list[tuple[str, dict[str, Any], str]] = [
    ("get_position", {}, "not_found"),
    ("get_klines", {"symbol": "BTCUSDT"}, "internal"),
    ("analyze_structure", {"symbol": "BTCUSDT"}, "internal"),
    ("query_buy_sell_points", {"symbol": "BTCUSDT"}, "internal"),
    ("query_buy_sell_points", {}, "internal"),
    ("get_market_status", {}, "internal"),
]


DOORS = ("rest", "rest-tool", "mcp-2026", "mcp-legacy", "mcp-auto", "stdio")


@pytest.mark.asyncio
async def test_the_command_line_answers(doors: Any) -> None:
    assert not [body for body, failed in await doors.ask("cli", ANSWERED) if failed]


@pytest.mark.asyncio
@pytest.mark.parametrize("door", DOORS)
async def test_a_door_gives_the_bodies_of_the_command_line(doors: Any, door: str) -> None:
    assert await doors.ask(door, ANSWERED) == await doors.ask("cli", ANSWERED)


@pytest.mark.asyncio
async def test_the_feed_answers_rest_in_the_bodies_of_the_command_line(doors: Any) -> None:
    answers = await doors.ask("cli", FED)
    assert not [body for body, failed in answers if failed]
    assert await doors.ask("rest", FED) == answers
    assert await doors.ask("rest-tool", FED) == answers


@pytest.mark.asyncio
async def test_the_feed_refuses_by_name_through_both_doors(doors: Any) -> None:
    calls = [(name, arguments) for name, arguments, _, _ in FED_REFUSED]
    answers = await doors.ask("cli", calls)
    for (body, failed), (_, _, code, field) in zip(answers, FED_REFUSED, strict=True):
        assert failed
        assert (json.loads(body)["code"], json.loads(body)["field"]) == (code, field), body
    assert await doors.ask("rest", calls) == answers


@pytest.mark.asyncio
async def test_what_is_no_tool_refuses_alike_through_both_doors(doors: Any) -> None:
    calls = [(name, arguments) for name, arguments, _, _ in NOT_TOOLS]
    answers = await doors.ask("cli", calls)
    for (body, failed), (_, _, code, field) in zip(answers, NOT_TOOLS, strict=True):
        assert failed
        assert (json.loads(body)["code"], json.loads(body)["field"]) == (code, field), body
    assert await doors.ask("rest", calls) == answers
    assert await doors.ask("rest-tool", calls) == answers


@pytest.mark.asyncio
async def test_the_command_line_refuses_by_name_and_never_repeats_a_value(doors: Any) -> None:
    calls = [(name, arguments) for name, arguments, _, _ in REFUSED]
    for (body, failed), (_, arguments, code, field) in zip(await doors.ask("cli", calls), REFUSED, strict=True):
        error = json.loads(body)
        assert failed
        assert (error["code"], error["field"]) == (code, field)
        assert list(error) == ["code", "message", "retryable", "retry_after_ms", "field", "suggestion", "request_id"]
        assert field is None or field not in arguments or str(arguments[field]) not in error["message"].split()


@pytest.mark.asyncio
@pytest.mark.parametrize("door", DOORS)
async def test_a_door_refuses_in_the_words_of_the_command_line(doors: Any, door: str) -> None:
    calls = [(name, arguments) for name, arguments, _, _ in REFUSED]
    assert await doors.ask(door, calls) == await doors.ask("cli", calls)


@pytest.mark.asyncio
@pytest.mark.parametrize("door", ["cli", *DOORS])
async def test_no_door_tells_the_cause_of_a_fault(failing_doors: Any, door: str) -> None:
    answers = await failing_doors.ask(door, [(name, arguments) for name, arguments, _ in FAILING])
    assert [(json.loads(body)["code"], failed) for body, failed in answers] == [(code, True) for _, _, code in FAILING]
    assert not [body for body, _ in answers if "hunter2" in body or "private" in body]

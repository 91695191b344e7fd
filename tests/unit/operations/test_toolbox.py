"""The analyst's tools: read-only, held to the moment of the question, in parts of 4 kB, with ids that may be cited."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from chanflow.domain.errors import InvalidArgument, SettingsInvalid
from chanflow.domain.evidence import is_provisional, short_time
from chanflow.domain.point_in_time import FutureRow
from chanflow.domain.question import ToolResult
from chanflow.operations.catalogue import Catalogue
from chanflow.operations.offered import OPERATIONS
from chanflow.operations.operation import AnyOperation, Asked
from chanflow.operations.tool_parts import MAX_BYTES
from chanflow.operations.tool_rows import OUTLETS
from chanflow.operations.toolbox import DeskToolbox, tool_specs

MINUTE = 60 * 10**9
TOOLS = tuple(OUTLETS)
STRUCTURE = {"symbol": "ETHUSDT", "level": "1m"}
PARTS = {**STRUCTURE, "parts": ["fractals", "strokes", "segments", "centers", "divergences", "points"]}


class Asking:
    """A toolbox and the faults it told."""

    def __init__(self, desk: Any, as_of_ns: int, **spoiled: Callable[[Asked[Any]], Any]) -> None:
        services = desk.memory_services()
        operations = [_spoiled(each, spoiled.get(each.name)) for each in OPERATIONS]
        self.faults: list[FutureRow] = []
        self.box = DeskToolbox(
            Catalogue(services, operations), TOOLS, symbol="ETHUSDT", as_of_ns=as_of_ns, on_future=self.faults.append
        )

    async def ask(self, name: str, **args: Any) -> tuple[dict[str, Any], ToolResult]:
        result = await self.box.call(name, args)
        return json.loads(result.text), result


def _spoiled(operation: AnyOperation, handler: Callable[[Asked[Any]], Any] | None) -> AnyOperation:
    return operation if handler is None else replace(operation, handler=handler)


def now(desk: Any) -> int:
    return desk.NOW_NS


def then(desk: Any) -> int:
    """Return a moment in the middle of a minute, five hours after the first bar."""
    return desk.FIRST_MS * 10**6 + 300 * MINUTE + MINUTE // 2


# ── nothing from the future ───────────────────────────────────────────────────


def without_moment(name: str, *fields: str) -> Callable[[Asked[Any]], Any]:
    """Return the handler of an operation that forgets until when it was asked."""
    (operation,) = (each for each in OPERATIONS if each.name == name)

    async def handler(asked: Asked[Any]) -> Any:
        return await operation.handler(replace(asked, args=asked.args.model_copy(update=dict.fromkeys(fields))))

    return handler


@pytest.mark.parametrize("name", ["get_klines", "analyze_structure", "query_buy_sell_points"])
async def test_what_takes_a_moment_is_held_to_the_questions(desk: Any, name: str) -> None:
    asking = Asking(desk, then(desk))
    body, result = await asking.ask(name, **STRUCTURE)
    asked = {("end" if name == "get_klines" else "as_of"): "2027-01-01T00:00:00Z"}
    assert await Asking(desk, then(desk)).ask(name, **STRUCTURE, **asked) == (body, result)
    assert asking.faults == []
    assert result.known_ns is not None
    assert then(desk) - 120 * MINUTE < result.known_ns <= then(desk)


async def test_an_earlier_moment_may_be_asked_for(desk: Any) -> None:
    asking = Asking(desk, then(desk))
    body, _ = await asking.ask("get_klines", **STRUCTURE, end="2026-01-01T01:00:00Z", limit=3)
    assert [row[0] for row in body["rows"]] == [
        "2026-01-01T00:57:00Z", "2026-01-01T00:58:00Z", "2026-01-01T00:59:00Z",
    ]  # fmt: skip


async def test_a_bar_that_was_open_is_left_out_and_no_fault(desk: Any) -> None:
    asking = Asking(desk, then(desk))
    body, result = await asking.ask("get_klines", **STRUCTURE, limit=2)
    assert [row[0] for row in body["rows"]] == ["2026-01-01T04:59:00Z"]
    assert result.known_ns == then(desk) - MINUTE // 2
    assert (asking.faults, body["left_out_as_not_known_yet"]) == ([], 1)


async def test_future_bars_are_dropped_and_told(desk: Any) -> None:
    asking = Asking(desk, then(desk), get_klines=without_moment("get_klines", "end"))
    body, result = await asking.ask("get_klines", **STRUCTURE, limit=400)
    assert body["rows"][-1][0] == "2026-01-01T04:59:00Z"
    assert result.known_ns <= then(desk)
    assert len(asking.faults) == 299
    assert {fault.outlet for fault in asking.faults} == {"get_klines"}
    assert asking.faults[0].ref == "kline:1m@2026-01-01T05:01:00Z"


@pytest.mark.parametrize("name", ["analyze_structure", "query_buy_sell_points"])
async def test_a_structure_of_the_future_is_refused_and_told(desk: Any, name: str) -> None:
    asking = Asking(desk, then(desk), **{name: without_moment(name, "as_of")})
    body, result = await asking.ask(name, **STRUCTURE)
    assert (result.failed, result.refs, list(body)) == (True, (), ["error"])
    assert [(fault.outlet, fault.known_ns) for fault in asking.faults] == [(name, desk.FIRST_MS * 10**6 + 600 * MINUTE)]


@pytest.mark.parametrize(("part", "field"), [("strokes", "end"), ("centers", "to"), ("points", "confirmed_at")])
async def test_a_future_row_hidden_in_a_structure_is_dropped_and_told(desk: Any, part: str, field: str) -> None:
    (operation,) = (each for each in OPERATIONS if each.name == "analyze_structure")
    late = short_time(then(desk) + 1)

    async def handler(asked: Asked[Any]) -> Any:
        read = await operation.handler(asked)
        rows = getattr(read, part)
        spoiled = late if field != "end" else rows[0].end.model_copy(update={"time": late})
        rows[0] = rows[0].model_copy(update={"to": spoiled} if field == "to" else {field: spoiled})
        return read

    honest, _ = await Asking(desk, then(desk)).ask("analyze_structure", **STRUCTURE, parts=[part], limit=5)
    asking = Asking(desk, then(desk), analyze_structure=handler)
    body, _ = await asking.ask("analyze_structure", **STRUCTURE, parts=[part], limit=5)
    assert body[part] == honest[part][1:]
    assert [fault.known_ns for fault in asking.faults] == [then(desk) + 1]
    assert late not in json.dumps(body)


async def test_a_future_point_among_points_is_dropped_and_told(desk: Any) -> None:
    (operation,) = (each for each in OPERATIONS if each.name == "query_buy_sell_points")

    async def handler(asked: Asked[Any]) -> Any:
        found = await operation.handler(asked)
        found.points[0] = found.points[0].model_copy(update={"confirmed_at": short_time(then(desk) + 1)})
        return found

    honest, _ = await Asking(desk, then(desk)).ask("query_buy_sell_points", **STRUCTURE, limit=4)
    asking = Asking(desk, then(desk), query_buy_sell_points=handler)
    body, _ = await asking.ask("query_buy_sell_points", **STRUCTURE, limit=4)
    assert body["points"] == honest["points"][1:]
    assert [fault.known_ns for fault in asking.faults] == [then(desk) + 1]


async def test_future_signals_are_dropped_and_told(desk: Any) -> None:
    asking = Asking(desk, desk.FIRST_MS * 10**6 + 5 * MINUTE)
    body, result = await asking.ask("get_signals")
    assert [row["id"] for row in body["signals"]][:2] == ["BTCUSDT/signal#r1-5", "signal#r1-4"]
    assert min(fault.ref for fault in asking.faults) == "BTCUSDT/signal#r1-11"
    assert (len(body["signals"]), len(asking.faults)) == (6, 6)
    assert result.known_ns == desk.FIRST_MS * 10**6 + 5 * MINUTE


@pytest.mark.parametrize(
    ("name", "args", "rows"),
    [("get_market_status", {"symbols": ["BTCUSDT"]}, "symbols"),
     ("get_live_snapshot", {"symbols": ["BTCUSDT"]}, "rows")],
)  # fmt: skip
async def test_prices_and_flow_newer_than_the_question_are_dropped_and_told(
    desk: Any, name: str, args: dict[str, Any], rows: str
) -> None:
    early, late = Asking(desk, now(desk) - 10**9), Asking(desk, now(desk))
    seen, _ = await late.ask(name, **args)
    assert len(seen[rows]) == 1
    assert late.faults == []
    body, result = await early.ask(name, **args)
    assert (body[rows], body["left_out_as_not_known_yet"], result.refs) == ([], 1, ())
    assert [fault.outlet for fault in early.faults] == [name]


async def test_an_account_read_after_the_question_is_refused_and_told(desk: Any) -> None:
    known, early = Asking(desk, now(desk)), Asking(desk, now(desk) - 6 * 10**9)
    body, result = await known.ask("get_position")
    assert [row["id"] for row in body["positions"]] == ["BTCUSDT/position#BTCUSDT"]
    assert result.known_ns == now(desk) - 5 * 10**9
    _, refused = await early.ask("get_position")
    assert refused.failed
    assert [fault.outlet for fault in early.faults] == ["get_position"]


@pytest.mark.parametrize("name", TOOLS)
async def test_no_answer_tells_an_age_or_an_undated_measurement(desk: Any, name: str) -> None:
    args = {"get_live_snapshot": {"symbols": ["BTCUSDT"]}, "analyze_structure": PARTS, "get_klines": STRUCTURE,
            "query_buy_sell_points": STRUCTURE}.get(name, {})  # fmt: skip
    _, result = await Asking(desk, now(desk)).ask(name, **args)
    assert "stale_ms" not in result.text
    assert "age_ms" not in result.text
    assert "hit_rate" not in result.text
    assert "clock_skew" not in result.text


# ── ids ───────────────────────────────────────────────────────────────────────


async def test_every_id_stands_in_its_row_and_says_whether_it_may_change(desk: Any) -> None:
    body, result = await Asking(desk, then(desk)).ask("analyze_structure", **PARTS, limit=3)
    shown = [(part, row) for part in PARTS["parts"] for row in body[part]]
    assert len(shown) > 12
    assert sorted(row["id"] for _, row in shown) == sorted(result.refs)
    for _, row in shown:
        assert is_provisional(row["id"]) == (row["state"] != "confirmed")
    kinds = {ref.partition("@")[0] for ref in result.refs}
    assert {"stroke", "segment", "center", "fractal"} <= kinds


async def test_a_structure_keeps_its_id_whatever_bars_were_read(desk: Any) -> None:
    _, many = await Asking(desk, then(desk)).ask("analyze_structure", **STRUCTURE, parts=["strokes"], limit=8)
    asking = Asking(desk, then(desk))
    asking.box._catalogue.services = replace(asking.box._catalogue.services, structure_bars=150)
    _, few = await asking.ask("analyze_structure", **STRUCTURE, parts=["strokes"], limit=4)
    confirmed = [ref for ref in few.refs if not is_provisional(ref)]
    assert confirmed
    assert set(confirmed) <= set(many.refs)


async def test_another_symbol_stands_before_its_ids(desk: Any) -> None:
    body, result = await Asking(desk, then(desk)).ask("get_klines", symbol="BTCUSDT", level="1m", limit=3)
    assert result.refs[-1] == "BTCUSDT/kline:1m@2026-01-01T04:59:00Z"
    assert body["cite"] == "BTCUSDT/kline:1m@<time>"


# ── parts ─────────────────────────────────────────────────────────────────────


async def test_a_long_answer_comes_newest_first_in_parts_that_join_to_the_whole(desk: Any) -> None:
    asking = Asking(desk, then(desk))
    body, result = await asking.ask("get_klines", **STRUCTURE, limit=200)
    seen, refs = body["rows"], list(result.refs)
    assert seen[-1][0] == "2026-01-01T04:59:00Z"
    while "cut" in body:
        assert len(result.text.encode()) <= MAX_BYTES
        body, result = await asking.ask("read_more", handle=body["cut"]["handle"])
        seen, refs = body["rows"] + seen, refs + list(result.refs)
    assert [row[0] for row in seen] == sorted(row[0] for row in seen)
    assert len(seen) == len(set(refs)) == 199


async def test_each_list_of_an_answer_has_its_newest_rows_in_the_first_part(desk: Any) -> None:
    asking = Asking(desk, then(desk))
    body, result = await asking.ask("analyze_structure", **PARTS, limit=100)
    assert len(result.text.encode()) <= MAX_BYTES
    assert body["cut"]["rows"] > 10
    assert all(body[part] for part in ("strokes", "segments", "centers", "points"))
    assert body["strokes"][-1]["end"]["time"] > body["strokes"][0]["end"]["time"]


async def test_a_row_too_long_for_any_part_is_named_and_passed(desk: Any) -> None:
    (operation,) = (each for each in OPERATIONS if each.name == "get_signals")

    async def handler(asked: Asked[Any]) -> Any:
        found = await operation.handler(asked)
        found.signals[0] = found.signals[0].model_copy(update={"reasons": ["涨" * 5_000]})
        return found

    asking = Asking(desk, now(desk), get_signals=handler)
    body, result = await asking.ask("get_signals")
    assert (body["signals"], body["too_long_to_show"], result.refs) == ([], 1, ())
    body, _ = await asking.ask("read_more", handle=body["cut"]["handle"])
    assert body["signals"][0]["id"] == "signal#r1-10"


# ── doors that stay shut ──────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["execute_trade", "cancel_order", "halt", "nothing"])
def test_no_tool_does_more_than_read(desk: Any, name: str) -> None:
    with pytest.raises(SettingsInvalid, match=name):
        tool_specs(Catalogue(desk.memory_services(), OPERATIONS), (name,))


def test_a_tool_that_begins_to_write_is_refused(desk: Any) -> None:
    (klines,) = (each for each in OPERATIONS if each.name == "get_klines")
    writing = replace(klines, hints=replace(klines.hints, read_only=False))
    with pytest.raises(SettingsInvalid, match="more than read"):
        tool_specs(Catalogue(desk.memory_services(), [writing]), ("get_klines",))
    with pytest.raises(SettingsInvalid, match="more than read"):
        tool_specs(Catalogue(desk.memory_services(), [replace(klines, scope="trade:paper")]), ("get_klines",))


async def test_a_tool_that_is_not_on_the_list_is_not_there(desk: Any) -> None:
    catalogue = Catalogue(desk.memory_services(), OPERATIONS)
    box = DeskToolbox(catalogue, ("get_klines",), symbol="ETHUSDT", as_of_ns=1, on_future=lambda _: None)
    assert [spec.name for spec in box.specs()] == ["get_klines", "read_more"]
    for name in ("execute_trade", "get_position"):
        with pytest.raises(InvalidArgument, match="there are: get_klines, read_more"):
            await box.call(name, {})
    assert tool_specs(catalogue, ()) == ()


async def test_wrong_arguments_are_raised_and_other_failures_told(desk: Any) -> None:
    asking = Asking(desk, then(desk))
    with pytest.raises(InvalidArgument, match="symbol"):
        await asking.ask("get_klines", level="1m")
    with pytest.raises(InvalidArgument, match="end"):
        await asking.ask("get_klines", **STRUCTURE, end="soon")
    with pytest.raises(InvalidArgument, match="handle"):
        await asking.ask("read_more", handle="more-1")
    body, result = await asking.ask("get_klines", symbol="NOPE", level="1m")
    assert (body["error"]["code"], result.failed, result.refs) == ("not_found", True, ())


async def test_the_same_question_gives_the_same_bytes(desk: Any) -> None:
    one = await Asking(desk, then(desk)).ask("analyze_structure", **PARTS)
    assert await Asking(desk, then(desk)).ask("analyze_structure", **PARTS) == one

"""What the client sends, what it makes of answers, and when it asks again."""

from __future__ import annotations

import httpx
import pytest
from made_client import Pauses, done, failed, scripted, tool_call

import mcp_client
from chanflow.client import ChanflowClientError, Client, MCPClient
from chanflow.client.fault import AnswerInvalid, Unreachable
from chanflow.client.faults import (
    BY_CODE,
    Internal,
    OrderFateUnknown,
    QuotaExceeded,
    RateLimited,
    Timeout,
    VenueBusy,
)  # fmt: skip
from chanflow.client.retries import Patience
from chanflow.operations.outcome import CODES

REFUSED, LOST = httpx.ConnectError("refused"), httpx.ReadError("lost")


def test_every_code_of_the_desk_has_an_exception_of_its_own() -> None:
    assert set(CODES) | {"cursor_expired"} == set(BY_CODE)
    assert len(set(BY_CODE.values())) == len(BY_CODE)
    assert all(issubclass(each, ChanflowClientError) for each in BY_CODE.values())


async def test_a_method_sends_what_was_given_and_leaves_the_rest_to_the_desk() -> None:
    client, requests = scripted([done({"points": []})], Pauses())
    async with client:
        found = await client.query_buy_sell_points(symbol="000001.SZ", level="30m", type=["buy1"])
    assert found == {"points": []}
    assert tool_call(requests[0]) == {
        "name": "query_buy_sell_points", "arguments": {"symbol": "000001.SZ", "level": "30m", "type": ["buy1"]},
    }  # fmt: skip


async def test_what_the_desk_asks_to_wait_is_waited_and_the_call_made_again() -> None:
    pauses = Pauses()
    slow = failed(429, "rate_limited", retryable=True, retry_after_ms=700)
    client, requests = scripted([slow, slow, done()], pauses)
    async with client:
        await client.get_user_quota()
    assert pauses.slept_s == [0.7, 0.7]
    assert len(requests) == 3


def test_of_many_calls_that_were_told_the_same_each_spreads_further_with_each_attempt() -> None:
    slow = RateLimited(failed(429, "rate_limited", retryable=True, retry_after_ms=500).json())
    least, most = ([Patience().pause_s(slow, tried=n, waited_s=0, chance=c) for n in (1, 2, 9)] for c in (0, 1))
    assert (least, most) == ([0.5, 0.5, 0.5], [1.0, 1.5, 5.0])
    assert Patience().pause_s(slow, tried=2, waited_s=29.6, chance=0) is None


async def test_without_a_word_from_the_desk_pauses_grow() -> None:
    pauses = Pauses()
    client, _ = scripted([failed(503, "venue_busy", retryable=True)] * 6, pauses)
    with pytest.raises(VenueBusy):
        async with client:
            await client.get_user_quota()
    assert pauses.slept_s == [0.125, 0.25, 0.5, 1.0, 2.0]


async def test_a_wait_beyond_the_callers_patience_is_refused_at_once() -> None:
    pauses = Pauses()
    client, _ = scripted([failed(429, "rate_limited", retryable=True, retry_after_ms=31_000)], pauses)
    with pytest.raises(RateLimited) as refused:
        async with client:
            await client.get_user_quota()
    assert (refused.value.retry_after_ms, pauses.slept_s) == (31_000, [])


@pytest.mark.parametrize("code", sorted(code for code, row in CODES.items() if not row.retryable))
async def test_what_is_not_retryable_is_asked_once(code: str) -> None:
    client, requests = scripted([failed(CODES[code].status, code)], Pauses())
    with pytest.raises(BY_CODE[code]) as refused:
        async with client:
            await client.get_user_quota()
    assert len(requests) == 1
    assert (refused.value.code, refused.value.status) == (code, CODES[code].status)
    assert (refused.value.message, refused.value.request_id) == ("so it is", "r-1")


async def test_an_unknown_fate_is_no_answer_although_its_status_is_no_error() -> None:
    client, _ = scripted([failed(202, "order_fate_unknown")], Pauses())
    with pytest.raises(OrderFateUnknown):
        async with client:
            await client.call_tool("execute_trade", {})


async def test_a_write_has_one_key_for_all_its_attempts_and_a_read_has_none() -> None:
    busy = failed(503, "venue_busy", retryable=True)
    client, requests = scripted([busy, done(), done(), done()], Pauses())
    async with client:
        await client.halt()
        await client.halt()
        await client.get_user_quota()
    keys = [each.headers.get("Idempotency-Key") for each in requests]
    assert keys == ["key-0", "key-0", "key-1", None]


@pytest.mark.parametrize("broken", [LOST, failed(504, "timeout", retryable=True)])
async def test_after_an_unknown_end_only_what_may_be_done_twice_is_done_again(broken: httpx.Response) -> None:
    client, requests = scripted([broken, done(), broken, done(), broken], Pauses())
    async with client:
        await client.get_user_quota()
        await client.cancel_order(client_order_id="order-0001")
        with pytest.raises((Unreachable, Timeout)):
            await client.create_key(name="laptop")
    assert len(requests) == 5


async def test_a_request_that_never_left_is_made_again_whatever_it_does() -> None:
    client, requests = scripted([REFUSED, REFUSED, done({"key": "k"})], Pauses())
    async with client:
        await client.create_key(name="laptop")
    assert len(requests) == 3


async def test_a_desk_that_is_not_there_is_told_in_the_end() -> None:
    client, _ = scripted([REFUSED] * 6, Pauses())
    with pytest.raises(Unreachable) as gone:
        async with client:
            await client.get_user_quota()
    assert "http://127.0.0.1:1" in str(gone.value)
    assert not gone.value.sent


@pytest.mark.parametrize(
    "answer", [httpx.Response(502, text="<html>"), httpx.Response(200, text="hello"), httpx.Response(400, json=[1])]
)
async def test_what_another_program_answers_is_no_answer(answer: httpx.Response) -> None:
    client, requests = scripted([answer], Pauses())
    with pytest.raises(AnswerInvalid):
        async with client:
            await client.get_user_quota()
    assert len(requests) == 1


async def test_a_code_of_a_later_desk_is_raised_as_the_base_class() -> None:
    client, _ = scripted([failed(418, "teapot")], Pauses())
    with pytest.raises(ChanflowClientError) as odd:
        async with client:
            await client.get_user_quota()
    assert (type(odd.value), odd.value.code) == (ChanflowClientError, "teapot")


async def test_a_quota_body_tells_its_figures() -> None:
    body = failed(429, "quota_exceeded").json() | {
        "error": "quota_exceeded", "tool": "query_buy_sell_points", "quota": "bsp_query", "used": 3, "limit": 3,
        "period": "month", "upgrade_url": "/billing/upgrade", "resets_at": "2026-02-01T00:00:00Z",
    }  # fmt: skip
    client, _ = scripted([httpx.Response(429, json=body)], Pauses())
    with pytest.raises(QuotaExceeded) as spent:
        async with client:
            await client.query_buy_sell_points(symbol="BTCUSDT")
    assert (spent.value.quota, spent.value.used, spent.value.limit) == ("bsp_query", 3, 3)
    assert spent.value.resets_at == "2026-02-01T00:00:00Z"


async def test_the_key_is_shown_in_the_header_and_nowhere_else() -> None:
    client, requests = scripted([failed(500, "internal")], Pauses(), api_key="cf_secret")
    with pytest.raises(Internal) as broken:
        async with client:
            await client.get_user_quota()
    assert requests[0].headers["Authorization"] == "Bearer cf_secret"
    assert "cf_secret" not in f"{client!r} {broken.value!r} {requests[0].url}"


def test_the_first_documents_name_is_the_client() -> None:
    assert mcp_client.MCPClient is MCPClient is Client

"""The one function behind all doors."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import anyio
import pytest

from chanflow.domain.errors import BooksDisagree, ChanflowError, FeedGap, InvalidArgument, JournalUnwritable, VenueBusy
from chanflow.operations.account import GET_POSITION
from chanflow.operations.call import Call
from chanflow.operations.catalogue import Catalogue, Policy
from chanflow.operations.market import GET_KLINES
from chanflow.operations.outcome import Done, Failed, Outcome, Usage, failure
from chanflow.operations.principal import LOCAL_OPERATOR

GOOD = {"symbol": "BTCUSDT", "level": "1m", "limit": 1}


async def _execute(catalogue: Catalogue, name: str = "get_klines", **args: Any) -> Outcome:
    return await catalogue.execute(LOCAL_OPERATOR, name, args, door="rest", request_id="r-1")


class Recorder:
    """A policy that writes down which step saw what, and refuses at `refuse_at`."""

    def __init__(self, refuse_at: str | None = None) -> None:
        self.seen: list[tuple[str, bool]] = []
        self._refuse_at = refuse_at

    def policy(self) -> Policy:
        steps = ("authenticate", "limit_rate", "charge", "audit")
        return Policy(**{step: self._admission(step) for step in steps}, meter=self._meter)

    def _admission(self, step: str) -> Any:
        async def admit(call: Call) -> Failed | None:
            self.seen.append((step, call.args is not None))
            return failure("rate_limited", call.request_id) if step == self._refuse_at else None

        return admit

    async def _meter(self, call: Call, outcome: Outcome) -> Outcome:
        self.seen.append(("meter", isinstance(outcome, Done)))
        return replace(outcome, usage=Usage({"api_call": 1})) if isinstance(outcome, Done) else outcome


def _recorded(desk: Any, recorder: Recorder) -> Catalogue:
    async def handler(asked: Any) -> Any:
        recorder.seen.append(("route", True))
        return await GET_KLINES.handler(asked)

    return Catalogue(desk.memory_services(), [replace(GET_KLINES, handler=handler)], recorder.policy())


@pytest.mark.asyncio
async def test_the_steps_have_one_order_and_arguments_are_checked_before_the_charge(desk: Any) -> None:
    recorder = Recorder()
    outcome = await _execute(_recorded(desk, recorder), **GOOD)
    assert recorder.seen == [
        ("authenticate", False),
        ("limit_rate", False),
        ("charge", True),
        ("audit", True),
        ("route", True),
        ("meter", True),
    ]
    assert isinstance(outcome, Done)
    assert outcome.usage.charged == {"api_call": 1}


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("refuse_at", "reached"),
    [
        ("authenticate", ["authenticate", "meter"]),
        ("limit_rate", ["authenticate", "limit_rate", "meter"]),
        ("charge", ["authenticate", "limit_rate", "charge", "meter"]),
        ("audit", ["authenticate", "limit_rate", "charge", "audit", "meter"]),
    ],
)
async def test_a_refusal_ends_the_call_and_is_metered(desk: Any, refuse_at: str, reached: list[str]) -> None:
    recorder = Recorder(refuse_at)
    outcome = await _execute(_recorded(desk, recorder), **GOOD)
    assert [step for step, _ in recorder.seen] == reached
    assert isinstance(outcome, Failed)
    assert outcome.error.code == "rate_limited"


@pytest.mark.asyncio
@pytest.mark.parametrize(("name", "args"), [("get_klines", {"symbol": "BTCUSDT", "limit": 0}), ("nothing", GOOD)])
async def test_a_bad_call_is_limited_but_never_charged(desk: Any, name: str, args: dict[str, Any]) -> None:
    recorder = Recorder()
    await _execute(_recorded(desk, recorder), name, **args)
    assert [step for step, _ in recorder.seen] == ["authenticate", "limit_rate", "meter"]


def _raising(desk: Any, fault: Exception) -> Catalogue:
    async def handler(_: Any) -> Any:
        raise fault

    return Catalogue(desk.memory_services(), [replace(GET_KLINES, handler=handler)])


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("fault", "code", "status", "retryable"),
    [
        (VenueBusy("binance says 429 to key abc"), "venue_busy", 503, True),
        (FeedGap("gap of abc"), "data_stale", 503, True),
        (InvalidArgument("abc is too much"), "invalid_argument", 422, False),
        (JournalUnwritable("/abc"), "journal_unwritable", 503, False),
        (BooksDisagree("abc"), "internal", 500, False),
        (ChanflowError("abc"), "internal", 500, False),
        (RuntimeError("abc"), "internal", 500, False),
        (TimeoutError("abc"), "timeout", 504, True),
    ],
)
async def test_a_fault_becomes_a_body_without_its_message(
    desk: Any, fault: Exception, code: str, status: int, retryable: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    outcome = await _execute(_raising(desk, fault), **GOOD)
    assert isinstance(outcome, Failed)
    assert (outcome.error.code, outcome.error.status, outcome.error.retryable) == (code, status, retryable)
    assert "abc" not in outcome.error.model_dump_json()


@pytest.mark.asyncio
async def test_a_policy_that_fails_lets_nothing_through(desk: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)

    async def broken(_: Call) -> Failed | None:
        raise OSError("limiter is gone")

    catalogue = Catalogue(desk.memory_services(), [GET_KLINES], Policy(limit_rate=broken))
    outcome = await _execute(catalogue, **GOOD)
    assert isinstance(outcome, Failed)
    assert outcome.error.code == "internal"


@pytest.mark.asyncio
async def test_work_beyond_its_deadline_is_a_timeout(desk: Any) -> None:
    async def forever(_: Any) -> Any:
        await anyio.Event().wait()

    catalogue = Catalogue(desk.memory_services(), [replace(GET_KLINES, handler=forever, timeout_s=0.01)])
    outcome = await _execute(catalogue, **GOOD)
    assert isinstance(outcome, Failed)
    assert outcome.error.code == "timeout"
    assert "0.01 s" in outcome.error.message


@pytest.mark.asyncio
async def test_an_operation_is_hidden_from_doors_that_do_not_offer_it(desk: Any) -> None:
    catalogue = Catalogue(desk.memory_services(), [replace(GET_POSITION, doors=frozenset({"cli"})), GET_KLINES])
    outcome = await _execute(catalogue, "get_position")
    assert isinstance(outcome, Failed)
    assert (outcome.error.code, outcome.error.suggestion) == ("not_found", "use: get_klines")
    assert [each.name for each in catalogue.of("cli")] == ["get_position", "get_klines"]


@pytest.mark.asyncio
@pytest.mark.parametrize(("name", "drawn_from"), [("get_klines", "heavy"), ("nothing", "read")])
async def test_a_limiter_sees_the_bucket_of_the_call(desk: Any, name: str, drawn_from: str) -> None:
    buckets: list[str] = []

    async def limiter(call: Call) -> Failed | None:
        buckets.append(call.rate_class)
        return None

    heavy = replace(GET_KLINES, rate_class="heavy")
    await _execute(Catalogue(desk.memory_services(), [heavy], Policy(limit_rate=limiter)), name, **GOOD)
    assert buckets == [drawn_from]

"""Every documented code has an action, and what is no verdict is unknown."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest

from chanflow.adapters.venues.binance.error_codes import _BY_ACTION, ACTIONS, outcome_of
from chanflow.execution.ports import Accepted, Action, Outcome, Unknown, VenueRefused

ROOT = Path(__file__).parents[5]
DATA = Path(os.environ.get("CHANFLOW_TEST_DATA", str(ROOT.parent / "shared")))
DOCUMENTED = DATA / "data" / "samples" / "binance_usdm_error_codes.json"


def told(status: int, code: int, message: str = "why") -> Outcome:
    return outcome_of(status, json.dumps({"code": code, "msg": message}).encode())


@pytest.mark.golden
def test_no_documented_code_is_unmapped() -> None:
    if not DOCUMENTED.exists():
        pytest.skip(f"MARKET DATA ABSENT: {DOCUMENTED} is not there; set CHANFLOW_TEST_DATA")
    documented = {int(code) for code in json.loads(DOCUMENTED.read_text())["codes"]}
    assert len(documented) == 197
    assert sorted(documented - ACTIONS.keys()) == []
    assert sorted(ACTIONS.keys() - documented) == [-4120, -1008]


def test_no_code_has_two_actions() -> None:
    twice = [code for code, count in Counter(c for codes in _BY_ACTION.values() for c in codes).items() if count > 1]
    assert twice == []


def test_every_action_of_the_port_has_a_code_and_a_meaning() -> None:
    assert set(_BY_ACTION) == set(Action)
    assert all(action.meaning for action in Action)


@pytest.mark.parametrize(
    ("codes", "action"),
    [
        ((-1021, -5028), "resync_clock"),
        ((-1022, -2014, -2015), "halt_account"),
        ((-1003, -1015), "pause"),
        ((-1008,), "stop_opening"),
        ((-1001,), "ask_then_repeat"),
        ((-1111, -1013, -4003, -4014, -4164), "fix_rules"),
        ((-2010, -2021, -5021, -5022), "replan"),
        ((-2011, -2013), "ask_order"),
        ((-2018, -2019, -4118), "refresh_account"),
        ((-2022,), "reconcile"),
        ((-2025,), "prune"),
        ((-4120,), "reroute"),
        ((-4116,), "ask_duplicate"),
        ((-4061,), "halt_settings"),
        ((-1125,), "new_listen_key"),
    ],
)
def test_a_code_of_the_table_is_refused_with_its_action(codes: tuple[int, ...], action: str) -> None:
    for code in codes:
        assert told(400, code) == VenueRefused(code, "why", Action(action))


@pytest.mark.parametrize("status", [400, 500, 503])
@pytest.mark.parametrize("code", [-1000, -1006, -1007])
def test_an_unknown_outcome_is_unknown_at_any_status(status: int, code: int) -> None:
    assert isinstance(told(status, code), Unknown)


def test_a_margin_type_that_is_so_already_is_success() -> None:
    assert told(400, -4046) == Accepted()


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"msg":"Unknown error, please check your request"}', b"[1]"])
def test_a_failed_server_without_a_code_is_unknown(status: int, body: bytes) -> None:
    assert isinstance(outcome_of(status, body), Unknown)


@pytest.mark.parametrize("code", [-2010, -2019, -4999])
def test_a_refusal_that_a_failed_server_tells_is_unknown_all_the_same(code: int) -> None:
    assert told(503, code) == Unknown(f"HTTP 503 {code}: why")


@pytest.mark.parametrize(("code", "action"), [(-1008, "stop_opening"), (-1001, "ask_then_repeat")])
def test_throttling_and_internal_failure_keep_their_action(code: int, action: str) -> None:
    assert told(503, code) == VenueRefused(code, "why", Action(action))


def test_a_code_nobody_documented_is_refused_at_4xx() -> None:
    assert told(400, -9999) == VenueRefused(-9999, "why", Action.REFUSED)


@pytest.mark.parametrize(
    "body", [b"", b"nonsense", b"{}", b"null", b'{"code":"-2010"}', b'{"code":0}', b'{"code":true}', b"[" * 100_000]
)
def test_a_4xx_without_a_readable_code_is_unknown(body: bytes) -> None:
    assert isinstance(outcome_of(400, body), Unknown)


@pytest.mark.parametrize("body", [b"", b'{"orderId":', b"<html>", b'"ok"', b"7", b"\xff\xfe"])
def test_a_success_that_cannot_be_read_is_unknown(body: bytes) -> None:
    assert isinstance(outcome_of(200, body), Unknown)


def test_a_success_is_accepted() -> None:
    assert outcome_of(200, b'{"orderId":1}') == Accepted()


@pytest.mark.parametrize("status", [403, 418, 429])
def test_limits_bans_and_the_firewall_pause_everything(status: int) -> None:
    assert outcome_of(status, b"<html>") == VenueRefused(-status, f"HTTP {status}", Action.PAUSE)
    assert told(status, -1003) == VenueRefused(-1003, "why", Action.PAUSE)


def test_a_long_message_is_cut() -> None:
    refused = told(400, -2010, "x" * 10_000)
    assert isinstance(refused, VenueRefused)
    assert len(refused.message) == 300


@pytest.mark.parametrize("status", [-1, 0, 100, 302, 600, 999])
def test_a_status_that_is_none_of_these_is_unknown(status: int) -> None:
    assert isinstance(told(status, -2010), Unknown)

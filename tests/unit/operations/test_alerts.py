"""Alerts as callers set them: once for each name, bounded, their own alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from chanflow.domain.time import rfc3339, uuid7_from
from chanflow.domain.watch_alert import Happening
from chanflow.operations import alerts
from chanflow.operations.alert_cursor import cursor_of
from chanflow.operations.catalogue import Catalogue
from chanflow.operations.offered import build_catalogue
from chanflow.operations.outcome import body_of
from chanflow.operations.principal import LOCAL_OPERATOR, Principal
from chanflow.operations.services import Services
from chanflow.runtime.alert_book import AlertBook
from chanflow.runtime.home import Home

POINTS = {"client_alert_id": "mine-0001", "symbols": ["ETHUSDT"], "level": "1m"}


class CountingIds:
    def __init__(self) -> None:
        self._given = 0

    def uuid7(self) -> UUID:
        self._given += 1
        return uuid7_from(self._given, self._given)


@pytest.fixture
def services(desk: Any, tmp_path: Path) -> Services:
    clock = desk.StillClock()
    return replace(desk.memory_services(), alerts=AlertBook(Home(tmp_path), clock), ids=CountingIds())


@pytest.fixture
def catalogue(services: Services) -> Catalogue:
    return build_catalogue(services)


async def ask(
    catalogue: Catalogue, name: str, args: Mapping[str, Any], principal: Principal = LOCAL_OPERATOR
) -> dict[str, Any]:
    return body_of(await catalogue.execute(principal, name, args, door="rest", request_id="r-1"))


async def test_the_same_call_twice_sets_one_alert(catalogue: Catalogue) -> None:
    first = await ask(catalogue, "subscribe_alert", {**POINTS, "symbols": ["ETHUSDT", "BTCUSDT"]})
    again = await ask(catalogue, "subscribe_alert", {**POINTS, "symbols": ["BTCUSDT", "ETHUSDT", "ETHUSDT"]})
    assert again == first
    assert (first["status"], first["remaining"]) == ("active", 9_999)
    assert first["resource"] == f"alert://{first['alert_id']}"
    assert first["cursor"] == cursor_of(0)
    listed = await ask(catalogue, "list_alerts", {})
    assert [row["alert_id"] for row in listed["alerts"]] == [first["alert_id"]]


async def test_other_arguments_under_the_same_name_conflict(catalogue: Catalogue) -> None:
    await ask(catalogue, "subscribe_alert", POINTS)
    fault = await ask(catalogue, "subscribe_alert", {**POINTS, "type": ["buy1"]})
    assert (fault["code"], fault["field"]) == ("idempotency_conflict", "client_alert_id")


async def test_a_deleted_alert_stays_deleted_under_its_name(catalogue: Catalogue) -> None:
    alert = await ask(catalogue, "subscribe_alert", POINTS)
    delete = {"alert_id": alert["alert_id"], "action": "delete"}
    assert (await ask(catalogue, "subscribe_alert", delete))["status"] == "deleted"
    assert (await ask(catalogue, "subscribe_alert", delete))["status"] == "deleted"
    assert (await ask(catalogue, "subscribe_alert", POINTS))["status"] == "deleted"
    assert (await ask(catalogue, "list_alerts", {}))["alerts"] == []
    assert len((await ask(catalogue, "list_alerts", {"status": "any"}))["alerts"]) == 1


async def test_another_account_has_no_alert_of_that_id(catalogue: Catalogue) -> None:
    alert = (await ask(catalogue, "subscribe_alert", POINTS))["alert_id"]
    other = replace(LOCAL_OPERATOR, id="other")
    for name, args in (
        ("subscribe_alert", {"alert_id": alert, "action": "delete"}),
        ("list_alerts", {"alert_id": alert}),
        ("get_alert_events", {"alert_id": alert}),
    ):
        assert (await ask(catalogue, name, args, other))["code"] == "not_found"
    assert (await ask(catalogue, "list_alerts", {}, other))["alerts"] == []
    mine = await ask(catalogue, "subscribe_alert", POINTS, other)
    assert mine["alert_id"] != alert, "a name is of one account"


async def test_pages_follow_one_another(catalogue: Catalogue) -> None:
    made = [
        (await ask(catalogue, "subscribe_alert", {**POINTS, "client_alert_id": f"mine-{at:04}"}))["alert_id"]
        for at in range(5)
    ]
    first = await ask(catalogue, "list_alerts", {"limit": 3})
    rest = await ask(catalogue, "list_alerts", {"limit": 3, "cursor": first["next_cursor"]})
    assert [row["alert_id"] for row in first["alerts"] + rest["alerts"]] == made[::-1]
    assert rest["next_cursor"] is None


async def test_events_follow_their_cursor(catalogue: Catalogue, services: Services) -> None:
    alert = (await ask(catalogue, "subscribe_alert", POINTS))["alert_id"]
    happened = [
        (Happening(f"k{at}", "structure", "ETHUSDT", "1m", at, {"event": f"e{at}"}), [alert] if at % 2 else [])
        for at in range(6)
    ]
    async with services.alerts.open() as store:
        await store.log(happened, mark=None, before_ms=None, now_ns=1)
    first = await ask(catalogue, "get_alert_events", {"alert_id": alert, "limit": 2})
    assert [row["data"]["event"] for row in first["events"]] == ["e1", "e3"]
    assert (first["more"], first["cursor"]) == (True, cursor_of(4))
    rest = await ask(catalogue, "get_alert_events", {"alert_id": alert, "after": first["cursor"]})
    assert [row["data"]["event"] for row in rest["events"]] == ["e5"]
    assert not rest["more"]


@pytest.mark.parametrize(
    ("args", "field", "words"),
    [
        ({"symbols": None}, "symbols", "symbols are required"),
        ({"kind": "risk"}, "symbols", "kind risk"),
        ({"kind": "price"}, "above", "needs above, below"),
        ({"above": 5.0}, "above", "go with kind price"),
        ({"kind": "structure", "type": ["buy1"]}, "type", "type goes with"),
        ({"expires_at": "2025-01-01T00:00:00Z"}, "expires_at", "in the future"),
        ({"symbols": ["ETHUSDT"] * 51}, "symbols", "at most 50|may have 50"),
        ({"client_alert_id": "short"}, "client_alert_id", "must match"),
        ({"alert_id": "al_" + "0" * 32}, "alert_id", "action delete"),
    ],
)
async def test_arguments_that_do_not_go_together_are_refused(
    catalogue: Catalogue, args: dict[str, Any], field: str, words: str
) -> None:
    asked = {name: value for name, value in {**POINTS, **args}.items() if value is not None}
    fault = await ask(catalogue, "subscribe_alert", asked)
    assert (fault["code"], fault["field"]) == ("invalid_argument", field)
    assert any(each in fault["message"] for each in words.split("|"))
    assert (await ask(catalogue, "list_alerts", {}))["alerts"] == []


async def test_a_symbol_without_data_is_refused(catalogue: Catalogue) -> None:
    fault = await ask(catalogue, "subscribe_alert", {**POINTS, "symbols": ["NONE"]})
    assert fault["code"] == "not_found"


async def test_an_alert_on_risk_is_of_the_whole_desk(catalogue: Catalogue, desk: Any) -> None:
    later = rfc3339(desk.NOW_NS + 10**12)
    asked = {"client_alert_id": "risk-0001", "kind": "risk", "expires_at": later}
    await ask(catalogue, "subscribe_alert", asked)
    (row,) = (await ask(catalogue, "list_alerts", {}))["alerts"]
    assert (row["symbols"], row["level"], row["expires_at"]) == ([], None, later)


async def test_the_number_of_active_alerts_is_bounded(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerts, "MAX_ACTIVE", 1)
    first = await ask(catalogue, "subscribe_alert", POINTS)
    assert first["remaining"] == 0
    fault = await ask(catalogue, "subscribe_alert", {**POINTS, "client_alert_id": "mine-0002"})
    assert fault["code"] == "quota_exceeded"
    await ask(catalogue, "subscribe_alert", {"alert_id": first["alert_id"], "action": "delete"})
    assert (await ask(catalogue, "subscribe_alert", {**POINTS, "client_alert_id": "mine-0002"}))["status"] == "active"

"""What leaves: the agent's signature, a nonce and an expiry of its own; and where it may go."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from eth_account import Account
from hyperliquid.utils.error import ClientError, ServerError
from hyperliquid.utils.signing import recover_agent_or_user_from_l1_action

from chanflow.adapters.venues.hyperliquid.client import EXPIRES_AFTER_MS, MAIN_URL, TEST_URL, Client, Keys
from chanflow.adapters.venues.hyperliquid.nonces import Nonces
from chanflow.adapters.venues.hyperliquid.wire import schedule_cancel_action
from chanflow.domain.errors import SettingsInvalid, VenueBusy
from chanflow.execution.ports import Accepted, Action, Unknown, VenueRefused
from chanflow.runtime.clock import SimulatedClock

KEY = "0x" + "22" * 32
KEYS = Keys("0x" + "AB" * 20, KEY)
NOW_MS = 1_700_000_000_000
LOCAL = "http://127.0.0.1:9"
ACTION = schedule_cancel_action(None)

Make = Callable[[str], Client]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    clock = SimulatedClock(NOW_MS * 1_000_000)
    made: list[Client] = []

    def client(url: str = LOCAL) -> Client:
        made.append(Client(url, KEYS, Nonces(tmp_path / f"nonce{len(made)}", clock), clock))
        return made[-1]

    yield client
    for each in made:
        each.close()


@pytest.mark.parametrize(("url", "is_main"), [(MAIN_URL, True), (TEST_URL, False), (LOCAL, False)])
def test_the_agent_signs_for_the_net_of_the_url(make: Make, url: str, is_main: bool) -> None:
    body = make(url).signed(ACTION)
    signed = (body["action"], body["signature"], None, body["nonce"], body["expiresAfter"])
    agent = Account.from_key(KEY).address
    assert recover_agent_or_user_from_l1_action(*signed, is_main) == agent
    assert recover_agent_or_user_from_l1_action(*signed, not is_main) != agent


def test_every_action_has_a_nonce_of_its_own_and_expires(make: Make) -> None:
    client = make(LOCAL)
    client.offset_ms = 700
    first, second = client.signed(ACTION), client.signed(ACTION)
    assert (first["nonce"], second["nonce"]) == (NOW_MS, NOW_MS + 1)
    assert first["expiresAfter"] == NOW_MS + 700 + EXPIRES_AFTER_MS


def test_the_stream_is_where_the_sdk_looks_for_it(make: Make) -> None:
    assert make(MAIN_URL + "/").socket_url == "wss://api.hyperliquid.xyz/ws"
    assert make(LOCAL).socket_url == "ws://127.0.0.1:9/ws"


@pytest.mark.parametrize("url", ["https://example.com", "ftp://127.0.0.1", "127.0.0.1:9", MAIN_URL + "/info"])
def test_orders_go_nowhere_else(make: Make, url: str) -> None:
    with pytest.raises(SettingsInvalid, match="not at"):
        make(url)


def test_a_key_that_is_none_is_refused_without_being_told(tmp_path: Path) -> None:
    clock = SimulatedClock(0)
    with Nonces(tmp_path / "nonce", clock) as nonces, pytest.raises(SettingsInvalid) as caught:
        Client(LOCAL, Keys("0x" + "00" * 20, "secret-words"), nonces, clock)
    assert "secret" not in str(caught.value)
    assert KEY not in repr(KEYS)


@pytest.mark.parametrize(
    ("fault", "kind", "action"),
    [
        (ServerError(502, "bad gateway"), Unknown, None),
        (ServerError(503, ""), Unknown, None),
        (ClientError(429, None, "", None), VenueRefused, Action.PAUSE),
        (ClientError(422, None, "Failed to deserialize the JSON body", None), VenueRefused, Action.FIX_RULES),
        (requests.Timeout(), Unknown, None),
        (requests.ConnectionError(), Unknown, None),
        (KeyError("code"), Unknown, None),
    ],
)
def test_a_fault_on_the_way_is_a_verdict_only_where_nothing_can_have_happened(
    make: Make, monkeypatch: pytest.MonkeyPatch, fault: Exception, kind: type, action: Action | None
) -> None:
    client = make(LOCAL)

    def post(_path: str, _body: Any) -> Any:
        raise fault

    monkeypatch.setattr(client._send_api, "post", post)
    monkeypatch.setattr(client._ask_api, "post", post)
    (told,) = asyncio.run(client.command(ACTION))
    assert isinstance(told.outcome, kind)
    assert getattr(told.outcome, "action", None) is action
    with pytest.raises(VenueBusy):
        asyncio.run(client.ask("allMids"))


def test_after_a_limit_questions_pause_and_what_is_urgent_does_not(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    client = make(LOCAL)
    answers = iter([{"status": "err", "response": "Too many cumulative requests sent (2 > 1)"}])
    done = {"status": "ok", "response": {"type": "default"}}
    monkeypatch.setattr(client._send_api, "post", lambda _path, _body: next(answers, done))
    asyncio.run(client.command(ACTION))
    (opening,) = asyncio.run(client.command(ACTION))
    assert isinstance(opening.outcome, VenueRefused)
    assert opening.outcome.message.startswith("not sent: the venue asked for a pause")
    (urgent,) = asyncio.run(client.command(ACTION, urgent=True))
    assert urgent.outcome == Accepted()

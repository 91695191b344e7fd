"""`chanflow exchange` opens Hyperliquid's doors beside Binance's."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from eth_account import Account
from hyperliquid.exchange import Exchange
from hyperliquid.info import Info
from made_hyperliquid import AGENT_KEY, MASTER_KEY

pytestmark = [pytest.mark.slow, pytest.mark.server]

MASTER, AGENT = Account.from_key(MASTER_KEY), Account.from_key(AGENT_KEY)


def test_the_first_line_has_hyperliquids_address_and_the_sdk_trades_there(tmp_path: Path) -> None:
    keys = tmp_path / "keys.yaml"
    keys.write_text(json.dumps({AGENT.address: MASTER.address, "desk": "its-secret"}))
    command = [
        sys.executable,
        "-m",
        "chanflow",
        "exchange",
        "--symbols",
        "BTCUSDT",
        "--strict-keys",
        "--keys",
        str(keys),
    ]
    env = {**os.environ, "HOME": str(tmp_path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=env) as running:
        assert running.stdout is not None
        try:
            told = json.loads(running.stdout.readline())
            assert told["ready"] is True
            desk = Exchange(AGENT, told["hyperliquid"], account_address=MASTER.address)
            answer = desk.market_open("BTC", True, 0.01)
            assert answer["response"]["data"]["statuses"][0]["filled"]["totalSz"] == "0.01"
            info = Info(told["hyperliquid"], skip_ws=True)
            assert info.user_state(MASTER.address)["assetPositions"][0]["position"]["szi"] == "0.01"
        finally:
            running.send_signal(signal.SIGTERM)
        assert running.wait(300) == 0

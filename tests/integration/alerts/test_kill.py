"""A kill loses no alert that was accepted: each is told at least once by the processes after it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from made_receivers import web_hook

pytestmark = [pytest.mark.slow, pytest.mark.server, pytest.mark.crash]

DESK = """
import asyncio, sys
from pathlib import Path
from chanflow.adapters.notify.apprise_channel import AppriseChannel
from chanflow.adapters.notify.outbox import Outbox
from chanflow.domain.alert import compose
from chanflow.runtime.alert_policy import ChannelRule
from chanflow.runtime.alerts import Alerts
from chanflow.runtime.clock import SystemClock

async def main(path, port, first, count):
    alerts = Alerts(
        rules=[ChannelRule("hook", per_minute=600)],
        messengers={"hook": AppriseChannel(f"json://127.0.0.1:{port}")},
        outbox=Outbox(Path(path)), clock=SystemClock(),
    )
    async with alerts.serving(grace_s=20):
        for n in range(first, first + count):
            await alerts.take(compose(severity="critical", title=f"alert {n:03}"), alert_id=str(n))
            print(n, flush=True)

asyncio.run(main(sys.argv[1], *map(int, sys.argv[2:])))
"""


def _start(path: Path, port: int, first: int, count: int) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", DESK, str(path), str(port), str(first), str(count)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)


def test_after_kills_at_any_point_every_accepted_alert_is_told(tmp_path: Path) -> None:
    path, accepted = tmp_path / "alerts.db", list[str]()
    with web_hook() as hook:
        for first, last in ((0, 3), (100, 120), (200, 207)):
            process = _start(path, hook.port, first, 1_000)
            assert process.stdout is not None
            for line in process.stdout:
                accepted.append(line.strip())
                if int(line) == last:
                    process.kill()
            process.communicate()
        final = _start(path, hook.port, 0, 0)
        final.communicate(timeout=300)
        told = "".join(json.loads(body)["title"] + json.loads(body)["message"] for body in hook.bodies)
    assert final.returncode == 0
    assert len(accepted) >= 33
    assert [n for n in accepted if f"alert {int(n):03}" not in told] == []

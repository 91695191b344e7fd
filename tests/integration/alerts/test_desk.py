"""A desk that is watched: what happens to it is told, and telling changes nothing in its journal."""

from __future__ import annotations

import json
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from commands import CHANFLOW, environment, journals
from made_alerts import Remembering
from made_receivers import web_hook

from chanflow.adapters.notify.outbox import Outbox
from chanflow.market.synthetic import SyntheticSource
from chanflow.review.journal import JournalWriter, file_sha256
from chanflow.runtime.alert_policy import ChannelRule
from chanflow.runtime.alerts import Alerts
from chanflow.runtime.clock import SystemClock
from chanflow.runtime.run import play
from chanflow.runtime.settings import load_settings
from chanflow.runtime.wiring import RunSpec

pytestmark = [pytest.mark.slow, pytest.mark.server]

FRAGILE = "risk.max_daily_loss=0.00001"
"""With this the synthetic day of seed 42 has a fall to L0 within its first eight hours."""


async def _journal(path: Path, **more: Any) -> str:
    settings = load_settings(config=None, overrides=[FRAGILE], environ={"HOME": "/"}).settings
    source = SyntheticSource(42, duration_s=8 * 3_600)
    with closing(JournalWriter(path.with_suffix(".jsonl"), standing=[])) as journal:
        spec = RunSpec("watched", 42, "1m", settings)
        await play(
            spec, source, journal, bus_path=path.with_suffix(".db"), lake=None, on_progress=lambda _: None, **more
        )  # fmt: skip
    return file_sha256(path.with_suffix(".jsonl"))


async def test_a_fall_on_the_ladder_is_told_and_the_journal_is_the_same(tmp_path: Path) -> None:
    mail = Remembering()
    alerts = Alerts(
        rules=[ChannelRule("mail")], messengers={"mail": mail}, outbox=Outbox(tmp_path / "alerts.db"),
        clock=SystemClock(),
    )  # fmt: skip
    async with alerts.serving():
        told = await _journal(tmp_path / "told", on_bus=alerts.subscribe)
    assert mail.titles[0].startswith("[warning] the desk falls on the ladder: day loss is ")
    assert told == await _journal(tmp_path / "untold")


def test_a_running_desk_tells_a_webhook_and_keeps_its_address_to_itself(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with web_hook() as hook:
        url = f"json://me:s3cret@127.0.0.1:{hook.port}/s3cret"
        channels = json.dumps({"ops": {"url": url, "min_severity": "info"}})
        done = subprocess.run(
            [*CHANFLOW, "up", "--speed", "100000", "--hours", "8", "--port", "0", "--set", FRAGILE,
             "--set", "signals.level=1m"],
            env=environment(home, CHANFLOW_ALERTS__CHANNELS=channels), capture_output=True, text=True, cwd=tmp_path,
            timeout=300, check=False,
        )  # fmt: skip
        told = b"".join(hook.bodies).decode()
    assert done.returncode == 0, done.stderr
    assert "refused" in told or "the desk falls on the ladder" in told
    written = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert journals(home)
    assert b"s3cret" not in written
    assert "s3cret" not in done.stdout + done.stderr

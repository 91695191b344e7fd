"""The gate as a process of its own: another process proposes and executes, on one bus file."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from made_desk import SIM, D, account, full_view, gate, proposal

from chanflow.domain.canonical import plain
from chanflow.domain.message import Envelope, Topic
from chanflow.domain.order import ApprovedOrder
from chanflow.domain.time import NS_PER_S
from chanflow.risk.state import RiskState
from chanflow.runtime.bus.port import Delivery
from chanflow.runtime.bus.sqlite import SqliteBus
from chanflow.runtime.clock import SystemClock, SystemRandomness, Uuid7Ids
from chanflow.runtime.codec import decode_approval
from chanflow.runtime.risk_stage import MarketState, RiskStanding, gate_key_of

pytestmark = [pytest.mark.slow]
CLOCK = SystemClock()


@dataclass
class Others:
    """Every other stage: it tells and proposes, and hears the verdicts."""

    base: Path
    verdicts: list[Envelope] = field(default_factory=list)
    process: subprocess.Popen[str] | None = None

    def __post_init__(self) -> None:
        self.home, self.path = self.base / "home", self.base / "bus.db"
        self.ids = Uuid7Ids(CLOCK, SystemRandomness())
        self.bus = SqliteBus(self.path, clock=CLOCK, jitter=Random(1), poll_s=0.02)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        for topic in ("approved_order", "refusal"):
            self.bus.subscribe(topic, group="execution", handler=self._hear)
        await self.bus.open()
        try:
            async with self.bus.serving():
                yield
        finally:
            await self.bus.close()
            if self.process is not None and self.process.poll() is None:
                self.process.kill()
                self.process.wait(300)

    async def _hear(self, message: Envelope, _: Delivery) -> None:
        self.verdicts.append(message)

    # ── the stage ─────────────────────────────────────────────────────────────

    @property
    def notes(self) -> str:
        path = self.base / "notes.txt"
        return path.read_text() if path.exists() else ""

    def program(self) -> tuple[list[str], dict[str, str]]:
        words = [sys.executable, "-m", "chanflow", "risk", "serve", "--bus", str(self.path)]
        return words, {**os.environ, "CHANFLOW_HOME": str(self.home)}

    async def start(self) -> None:
        before = self.notes.count("judging what comes")
        words, environ = self.program()
        with (self.base / "notes.txt").open("a") as notes:
            self.process = await asyncio.to_thread(subprocess.Popen, words, stderr=notes, text=True, env=environ)
        await self.until(lambda: self.notes.count("judging what comes") > before)

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not is_so():
                assert self.process is None or self.process.poll() is None, self.notes
                await CLOCK.sleep_until(CLOCK.now_ns() + NS_PER_S // 100)

    # ── what is said ──────────────────────────────────────────────────────────

    async def say(self, topic: Topic, payload: Any, key: str) -> None:
        now_ns = CLOCK.now_ns()
        message = Envelope(self.ids.uuid7(), topic, 1, now_ns, now_ns, key, None, "test", key, plain(payload))
        await self.bus.publish(message)

    async def tell(self, *, account_age_s: int = 0, mark_age_s: int = 0, silent_s: int = 0) -> None:
        """Tell account, market and standing; each may be old."""
        now_ns = CLOCK.now_ns()
        await self.say("account_state", account(as_of_ns=now_ns - account_age_s * NS_PER_S), "account")
        view = full_view(D(100), now_ns - mark_age_s * NS_PER_S)
        await self.say("market_state", MarketState(SIM, replace(view, rules_ns=now_ns)), "SIMUSDT")
        await self.say("risk_state", RiskStanding(RiskState("L3"), now_ns - silent_s * NS_PER_S), "risk")

    async def propose(self, name: str) -> tuple[str, list[str]]:
        """Propose, and return the verdict's topic and its reasons."""
        before = len(self.verdicts)
        await self.say(
            "trade_proposal", proposal(proposal_id=name, valid_until_ns=CLOCK.now_ns() + 60 * NS_PER_S), "SIMUSDT"
        )
        await self.until(lambda: len(self.verdicts) > before)
        [verdict] = self.verdicts[before:]
        return verdict.topic, [reason["code"] for reason in verdict.payload.get("reasons", ())]


async def test_a_proposal_on_the_bus_becomes_an_order_that_execution_admits(tmp_path: Path) -> None:
    others = Others(tmp_path)
    async with others.at_work():
        await others.start()
        assert await others.propose("untold") == ("refusal", ["account_age_s"])
        await others.tell()
        assert await others.propose("p1") == ("approved_order", [])
        key = gate_key_of(others.home, SystemRandomness())
        payload = others.verdicts[-1].payload
        approved = gate(key=key).admit(payload, decode_approval)
        assert isinstance(approved, ApprovedOrder)
        assert approved.proposal_id == "p1"
        with pytest.raises(ValueError, match="signature is not the gate's"):
            gate().admit(payload, decode_approval)
        others.process.send_signal(signal.SIGTERM)  # type: ignore[union-attr]
        assert others.process.wait(300) == 0  # type: ignore[union-attr]
    assert (others.home / "gate.key").stat().st_mode & 0o777 == 0o600


async def test_a_proposal_is_judged_once_whatever_happens_to_the_stage(tmp_path: Path) -> None:
    others = Others(tmp_path)
    async with others.at_work():
        await others.start()
        await others.tell()
        assert await others.propose("p1") == ("approved_order", [])
        assert await others.propose("p1") == ("refusal", ["seen_before"])
        others.process.kill()  # type: ignore[union-attr]
        others.process.wait(300)  # type: ignore[union-attr]
        sent = others.propose("p1")
        again = asyncio.create_task(sent)
        others.process = None
        await others.start()
        assert await again == ("refusal", ["seen_before"])
        await others.tell()
        assert await others.propose("p2") == ("approved_order", [])
    approved = [v.payload["proposal_id"] for v in others.verdicts if v.topic == "approved_order"]
    assert approved == ["p1", "p2"]


@pytest.mark.parametrize(
    ("old", "code"),
    [({"account_age_s": 9}, "account_age_s"), ({"mark_age_s": 9}, "mark_age_s"), ({"silent_s": 20}, "strategy_mode")],
)
async def test_what_is_old_refuses(tmp_path: Path, old: dict[str, int], code: str) -> None:
    others = Others(tmp_path)
    async with others.at_work():
        await others.start()
        await others.tell(**old)
        topic, codes = await others.propose("p1")
        assert (topic, code in codes) == ("refusal", True)


async def test_a_second_stage_on_the_same_bus_is_refused(tmp_path: Path) -> None:
    others = Others(tmp_path)
    async with others.at_work():
        await others.start()
        words, environ = others.program()
        done = await asyncio.to_thread(
            subprocess.run, words, env=environ, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode != 0
        assert "judges on" in done.stderr
